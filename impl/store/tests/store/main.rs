//! The store's semantics, from outside.

mod compaction;
mod leases;
mod reads;
mod replay;
mod transactions;
mod watches;

use store::{
    Bytes, Committed, LeaseId, Operation, Put, Range, Refusal, Revision, Store, Transaction,
};

pub(crate) fn bytes(text: &str) -> Bytes {
    text.as_bytes().into()
}

pub(crate) fn put(key: &str, value: &str) -> Operation {
    Operation::Put(Put::new(bytes(key), bytes(value)))
}

pub(crate) fn delete(key: &str) -> Operation {
    Operation::Delete(Range::Key(bytes(key)))
}

pub(crate) fn run(store: &mut Store, operations: Vec<Operation>) -> Result<Committed, Refusal> {
    store.commit(&Transaction::of(operations))
}

/// A store after these single writes; a value of nothing deletes.
pub(crate) fn after(writes: &[(&str, Option<&str>)]) -> Store {
    let mut store = Store::default();
    for (key, value) in writes {
        let operation = value.map_or_else(|| delete(key), |value| put(key, value));
        run(&mut store, vec![operation]).expect("a single write is allowed");
    }
    store
}

pub(crate) fn values(store: &Store) -> Vec<(String, String)> {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    store.iter().map(|found| (text(&found.key), text(&found.value))).collect()
}

pub(crate) fn leased(key: &str, lease: i64) -> Operation {
    Operation::Put(Put { lease: Some(LeaseId(lease)), ..Put::new(bytes(key), bytes("leased")) })
}

pub(crate) const FIRST: Revision = Revision(2);
