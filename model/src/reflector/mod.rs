//! A reflector that lists and watches through two API servers, whose caches lag; and a reader.
//!
//! Each API server has a watch cache: a cursor into etcd's log, with the events since some
//! revision. There is one Pod, which the client watches, and other objects, which it does not.
//! Left out: selectors, pages, streaming lists (KEP-3157), and how an API server learns of the
//! changes (the scenario `watch`).

mod claims;
mod lists;
mod mutations;
mod requests;
mod state;
mod steps;
mod words;

pub use mutations::Mutation;
pub use state::{Asked, Budgets, Call, Change, Client, Phase, Reader, Reflector, Server, State};

use crate::cause::Cause;
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

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::Cache { .. }
            | Action::StartList { .. }
            | Action::AskEtcd { .. }
            | Action::Answer { .. }
            | Action::AnswerFromEtcd { .. }
            | Action::Refuse { .. }
            | Action::Watch { .. }
            | Action::DeliverEvent
            | Action::DeliverBookmark => Cause::Duty,
            // Progress is notified every ten minutes: nothing may wait for it.
            Action::NotifyProgress { .. }
            | Action::Write { .. }
            | Action::StartRead { .. }
            | Action::WatchFromAny { .. } => Cause::Choice,
            Action::Crash { .. } => Cause::Fault(Fault::Crash),
            Action::Compact => Cause::Fault(Fault::Compaction),
            Action::CloseWatch { .. } => Cause::Fault(Fault::WatchClosed),
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

    fn request(&self, before: &State, action: Action) -> Option<serde_json::Value> {
        Some(requests::request(before, action)?.written())
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
