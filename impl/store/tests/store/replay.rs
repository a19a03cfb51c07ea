//! A store that applies the records of another is the same store; and a plain map agrees with it.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use store::{
    LeaseId, Operation, Put, Query, Range, Record, Revision, Store, Transaction, log, snapshot,
};

use crate::{bytes, delete, leased, put};

const METADATA: log::Metadata = log::Metadata { cluster: 1, member: 2, number: 0 };

/// Something that is done to a store.
#[derive(Clone, Debug)]
enum Deed {
    Transaction(Transaction),
    Grant(i64),
    Revoke(i64),
    Checkpoint(i64, Option<i64>),
    Compact(u64),
}

fn key() -> impl Strategy<Value = String> {
    (0..5_u8).prop_map(|number| format!("key-{number}"))
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        (key(), 0..9_u8).prop_map(|(key, value)| put(&key, &value.to_string())),
        (key(), 1..3_i64).prop_map(|(key, lease)| leased(&key, lease)),
        key().prop_map(|key| delete(&key)),
        (key(), key()).prop_map(|(start, end)| {
            Operation::Delete(Range::Between(bytes(&start), bytes(&end)))
        }),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    let transaction = (key(), vec(operation(), 0..4), vec(operation(), 0..2));
    prop_oneof![
        8 => transaction.prop_map(|(key, success, failure)| {
            let compares = vec![store::Compare::absent(bytes(&key))];
            Deed::Transaction(Transaction { compares, success, failure })
        }),
        2 => (1..3_i64).prop_map(Deed::Grant),
        1 => (1..3_i64).prop_map(Deed::Revoke),
        1 => (1..3_i64, proptest::option::of(0..60_i64))
            .prop_map(|(lease, left)| Deed::Checkpoint(lease, left)),
        1 => (0..20_u64).prop_map(Deed::Compact),
    ]
}

/// Does it; yields what it leaves in the log. What is refused leaves nothing.
fn take(store: &mut Store, deed: &Deed) -> Option<Record> {
    match deed {
        Deed::Transaction(transaction) => store.commit(transaction).ok()?.record,
        Deed::Grant(lease) => store.grant(LeaseId(*lease), 60).ok(),
        Deed::Revoke(lease) => store.revoke(LeaseId(*lease)).ok(),
        Deed::Checkpoint(lease, left) => store.checkpoint(LeaseId(*lease), *left).ok(),
        Deed::Compact(revision) => store.compact(Revision(*revision)).ok(),
    }
}

/// Everything that can be seen of a store.
fn seen(store: &Store) -> String {
    let start = Revision(store.oldest().0.saturating_sub(1));
    let keys: Vec<_> = store.iter().collect();
    let events: Vec<_> = store.events_after(start).expect("they are remembered").collect();
    let leases: Vec<_> = store.leases().collect();
    format!("{} {} {keys:?} {events:?} {leases:?}", store.revision(), store.compacted())
}

proptest! {
    #[test]
    fn records_and_snapshots_make_the_same_store(deeds in vec(deed(), 0..30), cut in 0..30_usize) {
        let mut store = Store::default();
        let mut records = vec![];
        let mut saved = Store::default();
        let mut later = vec![];
        for (number, deed) in deeds.iter().enumerate() {
            if number == cut {
                saved = store.clone();
                later.clear();
            }
            let record = take(&mut store, deed);
            later.extend(record.clone());
            records.extend(record);
        }

        let mut replayed = Store::default();
        let mut part = log::head(METADATA);
        part.extend(log::encode(&records, METADATA, part.len()));
        for record in log::decode(&part).expect("it is sound").records {
            replayed.apply(&record);
        }
        let mut restored = snapshot::decode(&snapshot::encode(&saved)).expect("it is sound");
        later.iter().for_each(|record| restored.apply(record));

        prop_assert_eq!(seen(&replayed), seen(&store));
        prop_assert_eq!(seen(&restored), seen(&store));
    }

    #[test]
    fn the_past_is_what_it_was(deeds in vec(deed(), 0..30)) {
        let mut store = Store::default();
        let mut past = BTreeMap::new();
        for deed in &deeds {
            take(&mut store, deed);
            let keys: Vec<_> = store.iter().cloned().collect();
            past.insert(store.revision(), keys);
        }

        for (revision, keys) in past.range(store.compacted()..) {
            let then = store.at(*revision).expect("it is not compacted");
            prop_assert_eq!(&then.iter().cloned().collect::<Vec<_>>(), keys);
            for range in [Range::Key(bytes("key-1")), Range::prefix(b"key-2"), Range::From(bytes("key-3"))] {
                let asked = Query { revision: Some(*revision), ..Query::all(range.clone()) };
                let within: Vec<_> = then.range(&range).cloned().collect();
                prop_assert_eq!(store.read(&asked).map(|found| found.keys), Ok(within));
            }
        }
    }

    #[test]
    fn what_is_refused_leaves_the_store_as_it_was(
        deeds in vec(deed(), 0..30),
        operations in vec(operation(), 0..4),
    ) {
        let mut store = Store::default();
        deeds.iter().for_each(|deed| drop(take(&mut store, deed)));
        store.commit(&Transaction::of(vec![put("last", "1")])).expect("it makes sense");
        let before = store.clone();
        let keeps_value = Put { value: None, ..Put::new(bytes("last"), bytes("")) };
        // That the key goes first shows only once it is gone.
        let late = [Operation::Delete(Range::From(bytes("last"))), Operation::Put(keeps_value)];
        let operations = operations.into_iter().chain(late).collect();

        let refused = store.commit(&Transaction::of(operations));

        prop_assert!(refused.is_err());
        prop_assert_eq!(seen(&store), seen(&before));
    }

    #[test]
    fn a_watch_from_anywhere_ends_with_what_there_is(deeds in vec(deed(), 0..30)) {
        let mut store = Store::default();
        deeds.iter().for_each(|deed| drop(take(&mut store, deed)));

        for start in store.compacted().0..=store.revision().0 {
            let then = store.at(Revision(start)).expect("it is not compacted");
            let mut keys: BTreeMap<_, _> =
                then.iter().map(|found| (found.key.clone(), found.value.clone())).collect();
            for event in store.events_after(Revision(start)).expect("they are remembered") {
                match event.kind {
                    store::EventKind::Put => {
                        keys.insert(event.now.key.clone(), event.now.value.clone());
                    }
                    store::EventKind::Delete => {
                        keys.remove(&event.now.key);
                    }
                }
            }
            let now: BTreeMap<_, _> =
                store.iter().map(|found| (found.key.clone(), found.value.clone())).collect();
            prop_assert_eq!(&keys, &now);
        }
    }
}
