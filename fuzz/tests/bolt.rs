//! A database of etcd's: whatever the bytes are, they are read or refused, and what is read can be written.

use etcd::Identity;
use etcd::backup::{self, Backup};
use fuzz::{Mutator, runs};
use store::{LeaseId, Operation, Put, Range, Revision, Store, Transaction};

const PAGE_BYTES: usize = 4096;

const IDENTITY: Identity = Identity { cluster: 1, member: 2 };

/// A store with some history, large enough for branches.
fn store() -> Store {
    let mut store = Store::default();
    store.grant(LeaseId(7), 60).expect("it is free");
    for number in 0..300_u32 {
        let key = format!("key-{}", number % 40).into_bytes().into();
        let lease = Some(LeaseId(if number % 3 == 0 { 7 } else { 0 }));
        let operation = match number % 11 {
            10 => Operation::Delete(Range::Key(key)),
            _ => Operation::Put(Put { lease, ..Put::new(key, vec![7; 60].into()) }),
        };
        store.commit(&Transaction::of(vec![operation])).expect("it is allowed");
    }
    store.compact(Revision(100)).expect("it goes forward");
    store
}

fn written(store: &Store) -> Vec<u8> {
    Backup::of(store, IDENTITY).blobs().flatten().collect()
}

#[test]
fn a_file_is_the_one_that_was_written_or_none() {
    let sound = written(&store());

    for run in 0..runs(100) {
        let file = Mutator::new(run).mutated(&sound);
        assert!(file == sound || backup::unseal(&file).is_err(), "run {run}");
    }
}

#[test]
fn a_database_whose_pages_are_changed_is_read_or_refused() {
    let file = written(&store());
    let sound = backup::unseal(&file).expect("it is whole");
    let mut read = 0;

    for run in 0..runs(1_000) {
        let mut mutator = Mutator::new(run);
        let mut database = sound.to_vec();
        let page = mutator.below(sound.len() / PAGE_BYTES) * PAGE_BYTES;
        let mut changed = mutator.mutated(&sound[page..][..PAGE_BYTES]);
        changed.resize(PAGE_BYTES, 0);
        database[page..][..PAGE_BYTES].copy_from_slice(&changed);

        if let Ok(store) = backup::read(&database) {
            read += 1;
            backup::unseal(&written(&store)).expect("what is read can be written");
        }
    }

    assert!(read > 0, "some changes do not matter");
}
