//! Our store's core: a value. Its disk is the bytes of its snapshot.

use store::{Bytes, Event, KeyValue, LeaseId, Query, Revision, Store, Transaction, snapshot};

use super::target::{Failed, Target};

/// The core.
#[derive(Debug, Default)]
pub struct Core {
    store: Store,
}

/// A place in the history of a key.
#[derive(Debug)]
pub struct Cursor {
    key: Bytes,
    after: Revision,
}

impl Cursor {
    /// A watch from a revision on.
    pub(super) fn open(store: &Store, key: &Bytes, from: Revision) -> Result<Self, Failed> {
        let cursor = Self { key: key.clone(), after: Revision(from.0.saturating_sub(1)) };
        store.events_after(cursor.after).map(drop).map_err(|_| Failed::Compacted)?;
        Ok(cursor)
    }

    /// So many events that come next, or fewer where there are no more.
    pub(super) fn next(&mut self, store: &Store, count: usize) -> Result<Vec<Event>, Failed> {
        let events = store.events_after(self.after).map_err(|_| Failed::Compacted)?;
        let of_key = events.filter(|event| event.now.key == self.key);
        let taken: Vec<Event> = of_key.take(count).cloned().collect();
        self.after = taken.last().map_or(self.after, |event| event.now.mod_revision);
        Ok(taken)
    }
}

/// What a store finds.
pub(super) fn read(store: &Store, query: &Query) -> Result<Vec<KeyValue>, Failed> {
    let found = store.read(query)?;
    Ok(found.keys.iter().map(|found| KeyValue::clone(found)).collect())
}

/// The keys that end with a lease.
pub(super) fn attached(store: &Store, lease: LeaseId) -> Option<Vec<Bytes>> {
    store.lease(lease).map(|lease| lease.keys.iter().cloned().collect())
}

impl Target for Core {
    type Watch = Cursor;

    fn name(&self) -> String {
        "our core".to_owned()
    }

    fn can_restart(&self) -> bool {
        true
    }

    async fn restart(&mut self) -> Result<(), Failed> {
        let decoded = snapshot::decode(&snapshot::encode(&self.store));
        self.store = decoded.map_err(|corrupt| Failed::Otherwise(corrupt.to_string()))?;
        Ok(())
    }

    async fn revision(&mut self) -> Result<Revision, Failed> {
        Ok(self.store.revision())
    }

    async fn commit(&mut self, transaction: Transaction) -> Result<bool, Failed> {
        Ok(self.store.commit(&transaction)?.succeeded)
    }

    async fn read(&mut self, query: Query) -> Result<Vec<KeyValue>, Failed> {
        read(&self.store, &query)
    }

    async fn compact(&mut self, revision: Revision) -> Result<(), Failed> {
        self.store.compact(revision)?;
        Ok(())
    }

    async fn watch(&mut self, key: &Bytes, from: Revision) -> Result<Cursor, Failed> {
        Cursor::open(&self.store, key, from)
    }

    async fn listen(&mut self, watch: &mut Cursor, count: usize) -> Result<Vec<Event>, Failed> {
        watch.next(&self.store, count)
    }

    async fn grant(&mut self, lease: LeaseId, ttl_seconds: i64) -> Result<(), Failed> {
        self.store.grant(lease, ttl_seconds)?;
        Ok(())
    }

    async fn keep_alive(&mut self, lease: LeaseId) -> Result<bool, Failed> {
        Ok(self.store.lease(lease).is_some())
    }

    async fn revoke(&mut self, lease: LeaseId) -> Result<(), Failed> {
        self.store.revoke(lease)?;
        Ok(())
    }

    async fn attached(&mut self, lease: LeaseId) -> Result<Option<Vec<Bytes>>, Failed> {
        Ok(attached(&self.store, lease))
    }
}
