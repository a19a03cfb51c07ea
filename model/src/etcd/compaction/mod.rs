//! Compaction in one member, in two stores: a database on disk and the index of it in memory.
//!
//! A compaction is noted on disk first, then what nobody needs is removed from the database
//! revision by revision; after a crash the index is built anew from the database, and the
//! compaction goes on. Every revision is a change of the one key there is. Left out: other
//! members, other keys, batches, and requests that fail.

mod claims;
mod exchanges;
mod mutations;
mod steps;

pub use mutations::Mutation;

use crate::cause::Cause;
use crate::packed;
use crate::slice::{Claim, Family, Fault, Lane, Size, Slice};
use serde::Serialize;

/// How many revisions there may be.
pub const REVISIONS: usize = 4;

/// The scenario `compaction`.
#[derive(Clone, Debug)]
pub struct CompactionSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// What happened: revision 1 first. The member may not have all of it any more.
    pub changes: [Option<Change>; REVISIONS],
    /// The revisions that are in the database.
    pub database: [bool; REVISIONS],
    /// The revisions that the index in memory knows.
    pub index: [bool; REVISIONS],
    /// The revision of the newest compaction, noted on disk before anything is removed.
    pub scheduled: u8,
    /// The revision of the newest compaction that is finished, noted on disk.
    pub finished: u8,
    /// The watch.
    pub watch: Option<Watch>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// A change of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// It is put.
    Put,
    /// It is deleted: a tombstone.
    Delete,
}

/// A watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Watch {
    /// The first revision that it has not delivered.
    pub next: u8,
    /// The revision that it delivered last.
    pub delivered: u8,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// Somebody asks for a compaction.
    pub compactions: u8,
    /// A client opens the watch.
    pub watches: u8,
    /// The member crashes and starts again.
    pub crashes: u8,
}

/// A step of the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    Put,
    Delete,
    Compact { revision: u8 },
    Remove { revision: u8 },
    Finish,
    Crash,
    Watch { revision: u8 },
    DeliverEvent,
}

impl Slice for CompactionSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        State {
            changes: [None; REVISIONS],
            database: [false; REVISIONS],
            index: [false; REVISIONS],
            scheduled: 0,
            finished: 0,
            watch: None,
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        let of = |revision| {
            [Action::Compact { revision }, Action::Remove { revision }, Action::Watch { revision }]
        };
        let others =
            [Action::Put, Action::Delete, Action::Finish, Action::Crash, Action::DeliverEvent];
        (1..=REVISIONS as u8).flat_map(of).chain(others).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        Mutation::step(self.mutation, state, action)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::Remove { .. } | Action::Finish | Action::DeliverEvent => Cause::Duty,
            Action::Put | Action::Delete | Action::Watch { .. } => Cause::Choice,
            Action::Crash => Cause::Fault(Fault::Crash),
            Action::Compact { .. } => Cause::Fault(Fault::Compaction),
        }
    }

    fn claims(&self) -> Vec<Claim<Self>> {
        claims::all()
    }

    fn describe(&self, before: &State, action: Action, after: &State) -> String {
        match action {
            Action::Put => format!("a client puts the key (revision {})", after.revision()),
            Action::Delete => format!("a client deletes the key (revision {})", after.revision()),
            Action::Compact { revision } => format!("a compaction to revision {revision} is noted"),
            Action::Remove { revision } => {
                format!("the member removes revision {revision} from its database")
            }
            Action::Finish => format!("the compaction to {} is finished", after.finished),
            Action::Crash if before.finished < before.scheduled => {
                "the member crashes in the compaction, and builds its index anew".to_owned()
            }
            Action::Crash => "the member crashes, and builds its index anew".to_owned(),
            Action::Watch { revision } => format!("a client watches from revision {revision} on"),
            Action::DeliverEvent => {
                let delivered = after.watch.map_or(0, |watch| watch.delivered);
                format!("the watch delivers revision {delivered}")
            }
        }
    }

    fn actor(&self, action: Action) -> String {
        match action {
            Action::Put | Action::Delete | Action::Compact { .. } | Action::Watch { .. } => {
                "client"
            }
            Action::Remove { .. } | Action::Finish | Action::Crash | Action::DeliverEvent => "etcd",
        }
        .to_owned()
    }

    fn lanes(&self, state: &State) -> Vec<Lane> {
        let revisions = |known: [bool; REVISIONS]| {
            let known = known.iter().zip(1..).filter(|(known, _)| **known);
            known.map(|(_, revision)| revision.to_string()).collect::<Vec<_>>().join(", ")
        };
        let holds = format!(
            "revision {}; database [{}]; index [{}]; compacted {} of {}",
            state.revision(),
            revisions(state.database),
            revisions(state.index),
            state.finished,
            state.scheduled
        );
        let watched = state.watch.map_or("nothing".to_owned(), |watch| {
            format!("revisions up to {}, from {} on next", watch.delivered, watch.next)
        });
        let behind = state.watch.map(|watch| usize::from((state.revision() + 1) - watch.next));
        vec![
            Lane { name: "etcd".to_owned(), holds, behind: None },
            Lane { name: "client".to_owned(), holds: watched, behind },
        ]
    }
}

impl Family for CompactionSlice {
    const SCENARIOS: &'static [&'static str] = &["compaction"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { compactions: size.times(2), watches: 1, crashes: size.times(1) };
        Ok(CompactionSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

packed!(struct State { changes, database, index, scheduled, finished, watch, budgets });
packed!(
    enum Change {
        Put,
        Delete,
    }
);
packed!(struct Watch { next, delivered });
packed!(struct Budgets { compactions, watches, crashes });
