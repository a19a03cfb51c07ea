//! What a client of etcd asks for and hears in a run of the model: a trace that any etcd can be held
//! against.
//!
//! Revisions count from the revision at which a trace begins. What happens inside members has no exchange.

use super::compaction::CompactionSlice;
use super::lease::LeaseSlice;
use super::quorum::QuorumSlice;
use crate::checker::graph::Graph;
use crate::checker::limits::Limits;
use crate::checker::path::Step;
use crate::checker::progress::Progress;
use crate::scenarios::Unknown;
use crate::slice::{Checked, Family, Size, Slice};
use crate::walks::paths_to;
use serde::Serialize;

/// The exchanges of a run, and where it is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// The scenario.
    pub scenario: &'static str,
    /// What is asked, in order.
    pub exchanges: Vec<Exchange>,
}

/// One question, its answer, and what anybody may read after it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Exchange {
    /// The question.
    pub ask: Ask,
    /// The answer.
    pub told: Told,
    /// What can be read then.
    pub then: View,
}

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "ask", rename_all = "kebab-case")]
pub enum Ask {
    /// A put of a key, with the lease or without one.
    Put {
        /// Which key.
        key: u8,
        /// Whether it ends with the lease.
        lease: bool,
    },
    /// A deletion of a key.
    Delete {
        /// Which key.
        key: u8,
    },
    /// A transaction: if neither key exists, put both.
    CreateBoth,
    /// A compaction.
    Compact {
        /// What is before this revision may be forgotten.
        revision: u8,
    },
    /// A watch of the first key. It takes the place of one before.
    Watch {
        /// The first revision that is of interest.
        revision: u8,
    },
    /// The next events of the watch.
    Listen,
    /// A grant of the lease.
    Grant,
    /// The lease is to begin anew.
    KeepAlive,
    /// An end of the lease; in the model it comes with time.
    Revoke,
    /// No question: the member crashes and starts again. Watches end.
    Restart,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "told", rename_all = "kebab-case")]
pub enum Told {
    /// It is done, and nothing has a new revision.
    Done,
    /// It is done at the next revision.
    Written,
    /// The compares of the transaction do not hold; nothing is written.
    Unequal,
    /// These events, in order.
    Events {
        /// What happened.
        events: Vec<Event>,
    },
}

/// A change of the first key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Event {
    /// Its revision.
    pub revision: u8,
    /// Whether the key exists since.
    pub put: bool,
}

/// What can be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct View {
    /// Which keys exist.
    pub keys: [Option<Key>; 2],
    /// What was before this revision cannot be read; zero where all can.
    pub compacted: u8,
    /// The first key as it was at each revision that can be read, the newest last: the revision of its
    /// last put, zero where it did not exist. Empty where the scenario does not say.
    pub past: Vec<u8>,
}

/// A key that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Key {
    /// The revision of its last put, where the scenario says it.
    pub mod_revision: Option<u8>,
    /// Whether it ends with the lease.
    pub leased: bool,
}

/// A slice whose steps clients of etcd see.
pub(super) trait Seen: Slice {
    /// What a client sees of a step, if anything.
    fn exchanges(before: &Self::State, action: Self::Action, after: &Self::State) -> Vec<Exchange>;
}

/// Traces that together have every exchange of the model, of all scenarios of etcd.
pub fn traces(mutation: Option<&str>) -> Result<Vec<Trace>, Unknown> {
    let mut all = vec![];
    of::<QuorumSlice>("etcd", mutation, &mut all)?;
    of::<CompactionSlice>("compaction", mutation, &mut all)?;
    of::<LeaseSlice>("lease", mutation, &mut all)?;
    match mutation {
        Some(id) if all.is_empty() => Err(Unknown::Mutation(id.to_owned())),
        _ => Ok(all),
    }
}

fn of<S: Seen + Family>(
    scenario: &'static str,
    mutation: Option<&str>,
    all: &mut Vec<Trace>,
) -> Result<(), Unknown> {
    if mutation.is_some_and(|id| !S::MUTATIONS.contains(&id)) {
        return Ok(());
    }
    let slice = S::set_up(scenario, &Size::default(), mutation).map_err(Unknown::Size)?;
    let model = Checked::new(slice);
    let graph = Graph::explore(model, false, &Limits::NONE, &mut Progress::silent());
    let seen = |(before, action, after): &Step<S>| S::exchanges(before, *action, after);
    let paths = paths_to(&graph, seen);
    all.extend(paths.into_iter().map(|path| {
        let exchanges = path.iter().flat_map(seen).collect();
        Trace { scenario, exchanges }
    }));
    Ok(())
}
