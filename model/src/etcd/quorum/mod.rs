//! Three members over one log: writes, transactions, reads, a watch on a member that may lag.
//!
//! Every member has persisted a prefix of the log of the leader, and applied a prefix of that. An
//! entry is committed once a quorum has persisted it. Left out: raft's messages and its terms (the
//! leader changes in one step, to a member whose log is no shorter than that of another), entries
//! that only a deposed leader has, leases, and how long things take. The first leader is the one
//! who may be paused; what a later leader says about reads is taken as confirmed.

mod claims;
mod mutations;
mod steps;
mod words;

pub use mutations::Mutation;

use crate::packed;
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

/// A state of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The log of the leader, oldest first.
    pub log: [Option<Entry>; ENTRIES],
    /// How many entries clients were told of.
    pub acknowledged: u8,
    /// The members.
    pub members: [Member; MEMBERS],
    /// The member that was elected last.
    pub leader: u8,
    /// Whether member 0 still believes that it leads though another was elected.
    pub deposed: bool,
    /// The linearizable reads, which clients ask of member 0.
    pub reads: [Read; READS],
    /// The reads that wait at member 0 to be confirmed by a quorum, oldest first.
    pub queue: [Option<Queued>; READS],
    /// How many acknowledged entries the answer to a serializable read lacked.
    pub serializable_lag: Option<u8>,
    /// The watch on the last member, if there is one.
    pub watch: Option<Watch>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// An entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Entry {
    /// A put of the first key.
    PutFirst,
    /// A put of the second key.
    PutSecond,
    /// A transaction: if neither key exists, put both.
    Transaction,
}

/// A member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    /// How many entries of the log its disk holds.
    pub persisted: u8,
    /// How many entries it has applied.
    pub applied: u8,
    /// What it holds.
    pub data: Data,
    /// The same two as they are on disk, written together.
    pub saved: (u8, Data),
}

/// What a member holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Data {
    /// The revision.
    pub revision: u8,
    /// The mod revision of each key, zero where it does not exist.
    pub keys: [u8; KEYS],
}

/// A linearizable read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Read {
    /// Nobody has asked.
    None,
    /// A client has asked when so many entries were acknowledged.
    Asked(u8),
    /// The member has asked the leader for the index to read at, under an id.
    Waiting {
        /// How many entries were acknowledged when the client asked.
        floor: u8,
        /// What each member said to the heartbeat that carries the id.
        heartbeats: [Heartbeat; MEMBERS],
        /// The index that the leader named, once a quorum has confirmed that it leads.
        index: Option<u8>,
    },
    /// The client has its answer.
    Answered(Answer),
}

/// What a client was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Answer {
    /// How many entries were acknowledged when it asked.
    pub floor: u8,
    /// How many entries the answer reflects.
    pub applied: u8,
}

/// What a member says to a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Heartbeat {
    /// Nothing yet.
    Silent,
    /// It agreed that the sender leads; the sender has not seen it.
    Sent,
    /// The sender has seen it.
    Received,
}

/// A read that waits for a quorum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Queued {
    /// Which read.
    pub read: u8,
    /// How many entries were committed when it was queued.
    pub index: u8,
}

/// A watch of one key on the last member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Watch {
    /// The revision of the last event or progress notification.
    pub revision: u8,
    /// The mod revision of the key as the client knows it.
    pub key: u8,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// Clients write.
    pub writes: u8,
    /// Clients ask for linearizable reads.
    pub reads: u8,
    /// A client asks a member for a serializable read.
    pub serializable_reads: u8,
    /// A member crashes and starts again.
    pub crashes: u8,
    /// Another member is elected while the leader is paused.
    pub leader_changes: u8,
    /// A member asks the leader again since the answer takes long.
    pub retries: u8,
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

    fn is_fair(&self, action: Action) -> bool {
        let by_client = matches!(
            action,
            Action::Propose { .. } | Action::ReadSerializable { .. } | Action::StartRead { .. }
        );
        !by_client && self.fault(action).is_none()
    }

    fn fault(&self, action: Action) -> Option<Fault> {
        match action {
            Action::Crash { .. } => Some(Fault::Crash),
            Action::ChangeLeader { .. } => Some(Fault::Partition),
            Action::AskAgain { .. } => Some(Fault::LostRequest),
            Action::Propose { .. }
            | Action::Persist { .. }
            | Action::Acknowledge
            | Action::Apply { .. }
            | Action::Flush { .. }
            | Action::LearnOfLeader
            | Action::ReadSerializable { .. }
            | Action::StartRead { .. }
            | Action::AskLeader { .. }
            | Action::AnswerHeartbeat { .. }
            | Action::ReceiveHeartbeat { .. }
            | Action::AnswerRead { .. }
            | Action::DeliverEvent
            | Action::NotifyProgress => None,
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

packed!(struct State {
    log, acknowledged, members, leader, deposed, reads, queue, serializable_lag, watch, budgets
});
packed!(
    enum Entry {
        PutFirst,
        PutSecond,
        Transaction,
    }
);
packed!(struct Member { persisted, applied, data, saved });
packed!(struct Data { revision, keys });
packed!(
    enum Read {
        None,
        Asked(floor),
        Waiting { floor, heartbeats, index },
        Answered(answer),
    }
);
packed!(struct Answer { floor, applied });
packed!(
    enum Heartbeat {
        Silent,
        Sent,
        Received,
    }
);
packed!(struct Queued { read, index });
packed!(struct Watch { revision, key });
packed!(struct Budgets { writes, reads, serializable_reads, crashes, leader_changes, retries });
