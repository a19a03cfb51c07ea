//! The steps of the `watch` scenario.

use super::state::{
    Action, Change, Connection, Etcd, Informer, Key, Received, Revision, State, Writer,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::Read { writer, key } => state.read(writer, key),
            Action::Write { writer, deletes } => state.write(writer, deletes),
            Action::Persist => state.persist(),
            Action::Acknowledge { writer } => state.acknowledge(writer),
            Action::DeliverEvent => state.deliver_event(),
            Action::DeliverBookmark => state.deliver_bookmark(),
            Action::Reconnect => state.reconnect(),
            Action::Relist => state.relist(state.etcd.durable),
            Action::RelistFromLaggingApiServer { revision } => {
                state.relist_from_lagging_api_server(revision)
            }
            Action::CloseWatch => state.close_watch(),
            Action::Compact => state.compact(),
            Action::CrashEtcd => state.crash_etcd(),
        }
    }
}

impl State {
    /// A writer reads a key.
    pub fn read(&self, writer: u8, key: Key) -> Option<State> {
        let mod_revision = self.etcd.mod_revision(key, self.etcd.durable).unwrap_or(0);
        let idle = self.writer(writer) == Writer::Idle;
        idle.then(|| self.with_writer(writer, Writer::Holding { key, mod_revision }))
    }

    /// etcd handles a write: if the key still has the mod revision that was read, it gets a new one.
    pub fn write(&self, writer: u8, deletes: bool) -> Option<State> {
        let Writer::Holding { key, mod_revision } = self.writer(writer) else {
            return None;
        };
        let newest = self.etcd.mod_revision(key, self.etcd.revision()).unwrap_or(0);
        if newest != mod_revision {
            return Some(self.with_writer(writer, Writer::Idle));
        }
        self.appended(writer, Change { key, deleted: deletes })
    }

    /// etcd flushes its log: everything written so far is on disk.
    pub fn persist(&self) -> Option<State> {
        let durable = self.etcd.revision();
        let etcd = Etcd { durable, ..self.etcd };
        (etcd != self.etcd).then_some(State { etcd, ..*self })
    }

    /// etcd answers a writer, once its write is on disk.
    pub fn acknowledge(&self, writer: u8) -> Option<State> {
        let Writer::Written(revision) = self.writer(writer) else {
            return None;
        };
        (revision <= self.etcd.durable).then(|| self.acknowledged(writer, revision))
    }

    /// The watch delivers the next change of the key that it selects.
    pub fn deliver_event(&self) -> Option<State> {
        self.deliver(self.etcd.next_event(self.informer.resource_version)?)
    }

    /// The watch delivers a bookmark: nothing that it selects happened up to here.
    pub fn deliver_bookmark(&self) -> Option<State> {
        let next = self.etcd.next_event(self.informer.resource_version);
        self.bookmark(next.map_or(self.etcd.durable, |event| event - 1))
    }

    /// The informer watches again from its resourceVersion, or learns that it is too old.
    pub fn reconnect(&self) -> Option<State> {
        if self.informer.connection != Connection::Closed {
            return None;
        }
        let expired = self.informer.is_too_old(&self.etcd);
        let connection = if expired { Connection::Expired } else { Connection::Watching };
        Some(self.with_informer(Informer { connection, ..self.informer }))
    }

    /// The informer replaces its cache by a list, and watches from there. What the list does not
    /// have is gone.
    pub fn relist(&self, revision: Revision) -> Option<State> {
        let expired = self.informer.connection == Connection::Expired;
        let listed = Informer {
            connection: Connection::Watching,
            resource_version: revision,
            pod: self.etcd.mod_revision(Key::Pod, revision),
            received: Received::List(revision),
        };
        expired.then(|| self.with_informer(listed))
    }

    /// The same from a watch cache that lags behind. It refuses to answer with what is older than
    /// the resourceVersion that the informer has seen.
    pub fn relist_from_lagging_api_server(&self, revision: Revision) -> Option<State> {
        let range = self.informer.resource_version.max(self.etcd.compacted)..self.etcd.durable;
        if range.contains(&revision) { self.relist(revision) } else { None }
    }

    /// The connection breaks.
    pub fn close_watch(&self) -> Option<State> {
        if self.informer.connection != Connection::Watching {
            return None;
        }
        let mut next = *self;
        next.budgets.closed_watches = self.budgets.closed_watches.checked_sub(1)?;
        next.informer.connection = Connection::Closed;
        Some(next)
    }

    /// etcd forgets what was before the newest revision, except what is needed to know the state
    /// then. A watch that has not read so far is closed.
    pub fn compact(&self) -> Option<State> {
        let mut next = *self;
        next.budgets.compactions = self.budgets.compactions.checked_sub(1)?;
        next.etcd.compacted = self.etcd.durable;
        if self.informer.is_too_old(&next.etcd) && self.informer.connection == Connection::Watching
        {
            next.informer.connection = Connection::Expired;
        }
        (next.etcd != self.etcd).then_some(next)
    }

    /// etcd crashes: what was not on disk never happened, and every connection breaks.
    pub fn crash_etcd(&self) -> Option<State> {
        let mut next = *self;
        next.budgets.crashes = self.budgets.crashes.checked_sub(1)?;
        next.etcd.history[usize::from(self.etcd.durable)..].fill(None);
        next.writers = [Writer::Idle; super::state::WRITERS];
        if self.informer.connection == Connection::Watching {
            next.informer.connection = Connection::Closed;
        }
        Some(next)
    }

    pub(super) fn writer(&self, writer: u8) -> Writer {
        self.writers[usize::from(writer)]
    }

    pub(super) fn with_writer(mut self, writer: u8, now: Writer) -> State {
        self.writers[usize::from(writer)] = now;
        self
    }

    pub(super) fn with_informer(self, informer: Informer) -> State {
        State { informer, ..self }
    }

    /// A key that does not exist cannot be deleted; a history that is full cannot grow.
    pub(super) fn appended(&self, writer: u8, change: Change) -> Option<State> {
        let revision = self.etcd.revision();
        let exists = self.etcd.mod_revision(change.key, revision).is_some();
        if revision >= self.budgets.revisions_max || (change.deleted && !exists) {
            return None;
        }
        let mut next = self.with_writer(writer, Writer::Written(revision + 1));
        next.etcd.history[usize::from(revision)] = Some(change);
        Some(next)
    }

    pub(super) fn acknowledged(&self, writer: u8, revision: Revision) -> State {
        let acknowledged = self.acknowledged.max(revision);
        State { acknowledged, ..self.with_writer(writer, Writer::Idle) }
    }

    pub(super) fn deliver(&self, revision: Revision) -> Option<State> {
        let change = self.etcd.change(revision)?;
        let watching = self.informer.connection == Connection::Watching;
        watching.then(|| {
            self.with_informer(Informer {
                connection: Connection::Watching,
                resource_version: revision,
                pod: (!change.deleted).then_some(revision),
                received: Received::Event(revision),
            })
        })
    }

    pub(super) fn bookmark(&self, revision: Revision) -> Option<State> {
        let newer = revision > self.informer.resource_version;
        let watching = self.informer.connection == Connection::Watching;
        (newer && watching).then(|| {
            self.with_informer(Informer {
                resource_version: revision,
                received: Received::Bookmark(revision),
                ..self.informer
            })
        })
    }
}
