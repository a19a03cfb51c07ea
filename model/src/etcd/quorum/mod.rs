//! Three members over one log: writes, transactions, reads, a watch on a member that may lag.
//!
//! Every member has persisted a prefix of the log of the leader, and applied a prefix of that. An
//! entry is committed once a quorum has persisted it. Left out: raft's messages and its terms (the
//! leader changes in one step, to a member whose log is no shorter than that of another), entries
//! that only a deposed leader has, leases, and how long things take. The first leader is the one
//! who may be paused; what a later leader says about reads is taken as confirmed.

mod claims;
mod exchanges;
mod mutations;
mod reads;
mod state;
mod steps;
mod words;

pub use mutations::Mutation;
pub use state::{Answer, Budgets, Data, Entry, Heartbeat, Member, Queued, Read, State, Watch};

use crate::cause::Cause;
use crate::slice::{Claim, Family, Fault, Lane, Outcome, Size, Slice};
use serde::Serialize;

/// How many members there are.
pub const MEMBERS: usize = 3;
/// How many members are a quorum.
pub const QUORUM: usize = 2;
/// The longest log.
pub const ENTRIES: usize = 3;
/// How many reads there are.
pub const READS: usize = 2;
/// How many keys there are.
pub const KEYS: usize = 2;
/// The member that may crash, and that clients watch and ask for serializable reads.
pub const WATCHED: u8 = 2;
/// The key that the watch selects.
pub const SELECTED: usize = 0;

/// The scenarios `etcd` and `read-index`.
#[derive(Clone, Debug)]
pub struct QuorumSlice {
    /// The claims of the scenario.
    pub claims: &'static [&'static str],
    /// What clients may write.
    pub entries: &'static [Entry],
    /// Whether a client watches.
    pub watched: bool,
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A step of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    Propose { entry: Entry },
    Persist { member: u8 },
    Acknowledge,
    Apply { member: u8 },
    Flush { member: u8 },
    Crash { member: u8 },
    ChangeLeader { member: u8 },
    LearnOfLeader,
    ReadSerializable { member: u8 },
    StartRead { read: u8 },
    AskLeader { read: u8 },
    AskAgain { read: u8 },
    AnswerHeartbeat { read: u8, member: u8 },
    ReceiveHeartbeat { read: u8, member: u8 },
    AnswerRead { read: u8 },
    DeliverEvent,
    NotifyProgress,
}

impl Slice for QuorumSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let watch = self.watched.then_some(Watch { revision: 0, key: 0 });
        State { watch, ..State::start(self.budgets) }
    }

    fn candidates(&self) -> Vec<Action> {
        let mut actions = vec![
            Action::Acknowledge,
            Action::LearnOfLeader,
            Action::DeliverEvent,
            Action::NotifyProgress,
            Action::Flush { member: WATCHED },
            Action::Crash { member: WATCHED },
            Action::ReadSerializable { member: WATCHED },
        ];
        actions.extend(self.entries.iter().map(|entry| Action::Propose { entry: *entry }));
        for member in 0..MEMBERS as u8 {
            actions.extend([
                Action::Persist { member },
                Action::Apply { member },
                Action::ChangeLeader { member },
            ]);
        }
        for read in 0..READS as u8 {
            actions.extend([
                Action::StartRead { read },
                Action::AskLeader { read },
                Action::AskAgain { read },
                Action::AnswerRead { read },
            ]);
            let members = 1..MEMBERS as u8;
            actions.extend(members.clone().map(|member| Action::AnswerHeartbeat { read, member }));
            actions.extend(members.map(|member| Action::ReceiveHeartbeat { read, member }));
        }
        actions
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        Mutation::step(self.mutation, state, action)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::Persist { .. }
            | Action::Acknowledge
            | Action::Apply { .. }
            | Action::Flush { .. }
            | Action::LearnOfLeader
            | Action::AskLeader { .. }
            | Action::AnswerHeartbeat { .. }
            | Action::ReceiveHeartbeat { .. }
            | Action::AnswerRead { .. }
            | Action::DeliverEvent
            | Action::NotifyProgress => Cause::Duty,
            Action::Propose { .. } | Action::ReadSerializable { .. } | Action::StartRead { .. } => {
                Cause::Choice
            }
            Action::Crash { .. } => Cause::Fault(Fault::Crash),
            Action::ChangeLeader { .. } => Cause::Fault(Fault::Partition),
            Action::AskAgain { .. } => Cause::Fault(Fault::LostRequest),
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

    fn outcome(&self, before: &State, _: Action, after: &State) -> Outcome {
        if after.committed() > before.committed() { Outcome::Committed } else { Outcome::Done }
    }
}

impl Family for QuorumSlice {
    const SCENARIOS: &'static [&'static str] = &["etcd", "read-index"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(scenario: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let mutation = mutation.and_then(Mutation::of);
        let none = Budgets {
            writes: 0,
            reads: 0,
            serializable_reads: 0,
            crashes: 0,
            leader_changes: 0,
            retries: 0,
        };
        let leader_changes = size.times(1).min(1);
        if scenario == "read-index" {
            let budgets =
                Budgets { writes: 1, reads: 2, leader_changes, retries: size.times(1), ..none };
            let (claims, entries) = (claims::OF_READS, &[Entry::PutFirst]);
            return Ok(QuorumSlice { claims, entries, watched: false, budgets, mutation });
        }
        let crashes = size.times(1);
        let budgets = Budgets { writes: 2, serializable_reads: 1, crashes, leader_changes, ..none };
        let entries = &[Entry::PutFirst, Entry::PutSecond, Entry::Transaction];
        Ok(QuorumSlice { claims: claims::OF_WRITES, entries, watched: true, budgets, mutation })
    }
}
