//! One state of the `watch` scenario, and the actions between states.

use crate::packed;
use serde::Serialize;

/// The longest history.
pub const REVISIONS_MAX: usize = 6;

/// How many writers there are.
pub const WRITERS: usize = 2;

/// etcd's revision: zero before the first write.
pub type Revision = u8;

/// What is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Key {
    /// The informer watches it.
    Pod,
    /// The informer does not watch it.
    Node,
}

/// One revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Change {
    /// What was written.
    pub key: Key,
    /// Whether it was deleted.
    pub deleted: bool,
}

/// The state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The etcd member.
    pub etcd: Etcd,
    /// The newest revision that any writer was told of.
    pub acknowledged: Revision,
    /// The writers.
    pub writers: [Writer; WRITERS],
    /// The informer.
    pub informer: Informer,
    /// How often what may still happen.
    pub budgets: Budgets,
}

/// An etcd member.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Etcd {
    /// What each revision changed; the first revision is 1.
    pub history: [Option<Change>; REVISIONS_MAX],
    /// The newest revision that is on disk. Only this much is read, watched and acknowledged.
    pub durable: Revision,
    /// Revisions below this one are compacted.
    pub compacted: Revision,
}

/// A client that reads a key and then writes it, if nobody else has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Writer {
    /// It does nothing.
    Idle,
    /// It has read a key.
    Holding {
        /// The key.
        key: Key,
        /// Its mod revision, zero where it does not exist.
        mod_revision: Revision,
    },
    /// Its write has this revision, and it waits for the answer.
    Written(Revision),
}

/// An informer: a cache of the watched key, and how it came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Informer {
    /// Its connection.
    pub connection: Connection,
    /// Its resourceVersion: what it has read up to.
    pub resource_version: Revision,
    /// The mod revision of the Pod in its cache.
    pub pod: Option<Revision>,
    /// What it received last.
    pub received: Received,
}

/// The state of an informer's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Connection {
    /// It watches.
    Watching,
    /// The watch was closed.
    Closed,
    /// Its resourceVersion was too old (410 Gone): it has to list anew.
    Expired,
}

/// What an informer receives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Received {
    /// Nothing yet.
    Nothing,
    /// A change of this revision.
    Event(Revision),
    /// A bookmark of this revision.
    Bookmark(Revision),
    /// A list of this revision.
    List(Revision),
}

/// How often what may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// etcd crashes.
    pub crashes: u8,
    /// etcd compacts.
    pub compactions: u8,
    /// The watch is closed.
    pub closed_watches: u8,
    /// How many revisions there may be.
    pub revisions_max: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    Read { writer: u8, key: Key },
    Write { writer: u8, deletes: bool },
    Persist,
    Acknowledge { writer: u8 },
    DeliverEvent,
    DeliverBookmark,
    Reconnect,
    Relist,
    RelistFromLaggingApiServer { revision: Revision },
    CloseWatch,
    Compact,
    CrashEtcd,
}

impl Etcd {
    /// The newest revision, on disk or not.
    pub fn revision(&self) -> Revision {
        self.history.iter().take_while(|change| change.is_some()).count() as Revision
    }

    /// What this revision changed.
    pub fn change(&self, revision: Revision) -> Option<Change> {
        let index = usize::from(revision).checked_sub(1)?;
        self.history.get(index).copied().flatten()
    }

    /// The mod revision of a key at a revision, if it exists then.
    pub fn mod_revision(&self, key: Key, at: Revision) -> Option<Revision> {
        let newest = (1..=at).rev().find(|revision| self.changes(*revision, key))?;
        self.change(newest).filter(|change| !change.deleted).map(|_| newest)
    }

    /// The first durable change of the watched key after a revision.
    pub fn next_event(&self, after: Revision) -> Option<Revision> {
        (after + 1..=self.durable).find(|revision| self.changes(*revision, Key::Pod))
    }

    fn changes(&self, revision: Revision, key: Key) -> bool {
        self.change(revision).is_some_and(|change| change.key == key)
    }
}

impl Informer {
    /// An informer that has listed an empty store.
    pub const START: Self = Informer {
        connection: Connection::Watching,
        resource_version: 0,
        pod: None,
        received: Received::Nothing,
    };

    /// Whether a watch from its resourceVersion is refused as too old: the change after it is
    /// older than the oldest one kept.
    pub fn is_too_old(&self, etcd: &Etcd) -> bool {
        self.resource_version + 1 < etcd.compacted
    }
}

packed!(
    enum Key {
        Pod,
        Node,
    }
);
packed!(struct Change { key, deleted });
packed!(struct State { etcd, acknowledged, writers, informer, budgets });
packed!(struct Etcd { history, durable, compacted });
packed!(enum Writer { Idle, Holding { key, mod_revision }, Written(revision) });
packed!(struct Informer { connection, resource_version, pod, received });
packed!(
    enum Connection {
        Watching,
        Closed,
        Expired,
    }
);
packed!(
    enum Received {
        Nothing,
        Event(revision),
        Bookmark(revision),
        List(revision),
    }
);
packed!(struct Budgets { crashes, compactions, closed_watches, revisions_max });
