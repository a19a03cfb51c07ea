//! What the members and their clients hold.

use super::{ENTRIES, KEYS, MEMBERS, READS};
use crate::packed;
use serde::Serialize;

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
