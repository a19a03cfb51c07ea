//! A reflector that lists and watches through two API servers, whose caches lag; and a reader.
//!
//! Each API server has a watch cache: a cursor into etcd's log, with the events since some
//! revision. There is one Pod, which the client watches, and other objects, which it does not.
//! Left out: selectors, pages, streaming lists (KEP-3157), and how an API server learns of the
//! changes (the scenario `watch`).

mod claims;
mod mutations;
mod steps;
mod words;

pub use mutations::Mutation;

use crate::packed;
use crate::slice::{Claim, Family, Fault, Lane, Outcome, Size, Slice};
use serde::Serialize;

/// The longest history.
pub const REVISIONS: usize = 3;
/// How many API servers there are.
pub const SERVERS: usize = 2;

/// The scenarios `reflector` and `list`.
#[derive(Clone, Debug)]
pub struct ReflectorSlice {
    /// The claims of the scenario.
    pub claims: &'static [&'static str],
    /// Whether there is a reflector.
    pub reflects: bool,
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// What etcd has written: revision 1 first.
    pub changes: [Option<Change>; REVISIONS],
    /// etcd does not know any more what was before this revision.
    pub compacted: u8,
    /// The watch caches of the API servers.
    pub servers: [Server; SERVERS],
    /// The reflector.
    pub reflector: Reflector,
    /// The reader.
    pub reader: Reader,
    /// What may still happen.
    pub budgets: Budgets,
}

/// A revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// The Pod is written.
    Written,
    /// The Pod is deleted.
    Deleted,
    /// Something else is written, of another resource.
    Other,
}

/// The watch cache of an API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    /// Its resourceVersion: it holds what etcd held then.
    pub revision: u8,
    /// It has the events after this revision.
    pub oldest: u8,
}

/// A client that holds a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Reflector {
    /// What it does.
    pub phase: Phase,
    /// The newest resourceVersion that it has seen.
    pub resource_version: Option<u8>,
    /// Whether that was refused as too old or too large: it lists the most recent next.
    pub unavailable: bool,
    /// The mod revision of the Pod in its cache.
    pub pod: Option<u8>,
}

/// What a reflector does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// It does not run.
    Off,
    /// It has to list.
    Idle,
    /// It waits for a list.
    Listing(Call),
    /// It has to watch: on the API server that it has a connection to, or on either.
    Listed(Option<u8>),
    /// It watches on this API server.
    Watching(u8),
}

/// A client that lists once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reader {
    /// It has not asked.
    Idle,
    /// It waits for a list.
    Listing(Call),
    /// It was refused: 410 Gone, or "Too large resource version".
    Refused,
    /// It has a list of this resourceVersion.
    Answered(u8),
}

/// A list that an API server has not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// The API server.
    pub server: u8,
    /// What was asked for.
    pub asked: Asked,
    /// etcd's revision when the client asked for the most recent or for any.
    pub floor: u8,
    /// etcd's revision when the API server asked it, for the most recent.
    pub needs: Option<u8>,
}

/// `resourceVersion` and `resourceVersionMatch` of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Asked {
    /// Unset: the most recent.
    MostRecent,
    /// "0": any, from the cache.
    Any,
    /// At least this resourceVersion.
    NotOlderThan(u8),
    /// Exactly this resourceVersion.
    Exact(u8),
}

/// One of the two clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Client {
    /// The reflector.
    Reflector,
    /// The reader.
    Reader,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// The reader lists.
    pub reads: u8,
    /// An API server crashes and starts again.
    pub crashes: u8,
    /// etcd compacts its history.
    pub compactions: u8,
    /// A watch is closed.
    pub closed_watches: u8,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    Write { change: Change },
    Cache { server: u8 },
    NotifyProgress { server: u8 },
    Crash { server: u8 },
    Compact,
    StartList { server: u8 },
    StartRead { server: u8, asked: Asked },
    AskEtcd { client: Client },
    Answer { client: Client },
    AnswerFromEtcd { client: Client },
    Refuse { client: Client },
    Watch { server: u8 },
    WatchFromAny { server: u8 },
    DeliverEvent,
    DeliverBookmark,
    CloseWatch { relist: bool },
}

impl Slice for ReflectorSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let start = State::start(self.budgets);
        let phase = if self.reflects { Phase::Idle } else { Phase::Off };
        start.with_phase(phase)
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let mut actions = vec![Compact, DeliverEvent, DeliverBookmark];
        actions.extend([true, false].map(|relist| CloseWatch { relist }));
        actions.extend(
            [Change::Written, Change::Deleted, Change::Other].map(|change| Write { change }),
        );
        for client in [Client::Reflector, Client::Reader] {
            actions.extend([
                AskEtcd { client },
                Answer { client },
                AnswerFromEtcd { client },
                Refuse { client },
            ]);
        }
        for server in 0..SERVERS as u8 {
            actions.extend([
                Cache { server },
                NotifyProgress { server },
                Crash { server },
                StartList { server },
                Watch { server },
                WatchFromAny { server },
            ]);
        }
        let of = |revision| [Asked::NotOlderThan(revision), Asked::Exact(revision)];
        let asked = [Asked::MostRecent, Asked::Any].into_iter().chain((1..=2).flat_map(of));
        // The reader asks the second server only: the first is no different.
        actions.extend(asked.map(|asked| StartRead { server: 1, asked }));
        actions
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        Mutation::step(self.mutation, state, action)
    }

    fn is_fair(&self, action: Action) -> bool {
        match action {
            Action::Cache { .. }
            | Action::StartList { .. }
            | Action::AskEtcd { .. }
            | Action::Answer { .. }
            | Action::AnswerFromEtcd { .. }
            | Action::Refuse { .. }
            | Action::Watch { .. }
            | Action::DeliverEvent
            | Action::DeliverBookmark => true,
            // They come every ten minutes, and nothing may wait for them.
            Action::NotifyProgress { .. }
            | Action::Write { .. }
            | Action::StartRead { .. }
            | Action::WatchFromAny { .. }
            | Action::Crash { .. }
            | Action::Compact
            | Action::CloseWatch { .. } => false,
        }
    }

    fn fault(&self, action: Action) -> Option<Fault> {
        match action {
            Action::Crash { .. } => Some(Fault::Crash),
            Action::Compact => Some(Fault::Compaction),
            Action::CloseWatch { .. } => Some(Fault::WatchClosed),
            Action::Write { .. }
            | Action::Cache { .. }
            | Action::NotifyProgress { .. }
            | Action::StartList { .. }
            | Action::StartRead { .. }
            | Action::AskEtcd { .. }
            | Action::Answer { .. }
            | Action::AnswerFromEtcd { .. }
            | Action::Refuse { .. }
            | Action::Watch { .. }
            | Action::WatchFromAny { .. }
            | Action::DeliverEvent
            | Action::DeliverBookmark => None,
        }
    }

    fn claims(&self) -> Vec<Claim<Self>> {
        claims::all().into_iter().filter(|claim| self.claims.contains(&claim.id)).collect()
    }

    fn describe(&self, before: &State, action: Action, after: &State) -> String {
        words::describe(before, action, after)
    }

    fn actor(&self, action: Action) -> String {
        words::actor(action)
    }

    fn lanes(&self, state: &State) -> Vec<Lane> {
        words::lanes(state)
    }

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        match (action, after.revision() > before.revision()) {
            (_, true) => Outcome::Committed,
            (Action::Refuse { .. }, false) => Outcome::Refused,
            (_, false) => Outcome::Done,
        }
    }
}

impl Family for ReflectorSlice {
    const SCENARIOS: &'static [&'static str] = &["reflector", "list"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(scenario: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let mutation = mutation.and_then(Mutation::of);
        let (crashes, compactions) = (size.times(1), size.times(1));
        if scenario == "list" {
            let budgets = Budgets { reads: 1, crashes, compactions, closed_watches: 0 };
            let claims = claims::OF_LISTS;
            return Ok(ReflectorSlice { claims, reflects: false, budgets, mutation });
        }
        let closed_watches = size.times(1);
        let budgets = Budgets { reads: 0, crashes, compactions, closed_watches };
        let claims = claims::OF_REFLECTOR;
        Ok(ReflectorSlice { claims, reflects: true, budgets, mutation })
    }
}

packed!(struct State { changes, compacted, servers, reflector, reader, budgets });
packed!(
    enum Change {
        Written,
        Deleted,
        Other,
    }
);
packed!(struct Server { revision, oldest });
packed!(struct Reflector { phase, resource_version, unavailable, pod });
packed!(
    enum Phase {
        Off,
        Idle,
        Listing(call),
        Listed(server),
        Watching(server),
    }
);
packed!(
    enum Reader {
        Idle,
        Listing(call),
        Refused,
        Answered(revision),
    }
);
packed!(struct Call { server, asked, floor, needs });
packed!(
    enum Asked {
        MostRecent,
        Any,
        NotOlderThan(revision),
        Exact(revision),
    }
);
packed!(struct Budgets { reads, crashes, compactions, closed_watches });
