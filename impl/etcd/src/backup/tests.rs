//! A store is read as it was written, and what etcd does not write is refused.

use std::sync::Arc;

use etcd_client::proto::PbKeyValue;
use prost::Message;
use store::{Bytes, Event, LeaseId, Operation, Put, Range, Revision, Transaction};

use super::*;
use crate::bolt::Bucket;

const IDENTITY: Identity = Identity { cluster: 1, member: 2 };

fn bytes(text: &str) -> Bytes {
    text.as_bytes().into()
}

fn put(key: &str, value: &str) -> Operation {
    let lease = Some(LeaseId(if key == "leased" { 7 } else { 0 }));
    Operation::Put(Put { lease, ..Put::new(bytes(key), bytes(value)) })
}

fn delete(key: &str) -> Operation {
    Operation::Delete(Range::Key(bytes(key)))
}

/// A store at revision 8.
fn store() -> Store {
    let mut store = Store::default();
    store.grant(LeaseId(7), 60).unwrap();
    store.grant(LeaseId(-7), 600).unwrap();
    store.checkpoint(LeaseId(-7), Some(30)).unwrap();
    let revisions = [
        vec![put("a", "1"), put("b", "1"), put("leased", "1")],
        vec![put("a", "2"), put("c", "1")],
        vec![delete("b"), put("a", "3")],
        vec![put("b", "2")],
        vec![delete("a")],
        vec![put("a", "4"), put("leased", "2")],
        vec![put("long", &"long".repeat(10_000))],
    ];
    for operations in revisions {
        store.commit(&Transaction::of(operations)).unwrap();
    }
    store
}

fn written(store: &Store) -> Vec<u8> {
    let backup = Backup::of(store, IDENTITY);
    let length = backup.bytes() as usize;
    let file: Vec<u8> = backup.blobs().flatten().collect();
    assert_eq!(file.len(), length + CHECKSUM_BYTES);
    file
}

fn restored(store: &Store) -> Store {
    read(unseal(&written(store)).unwrap()).unwrap()
}

fn events(store: &Store, first: u64) -> Vec<Event> {
    store.events_after(Revision(first - 1)).unwrap().cloned().collect()
}

#[test]
fn a_store_that_was_never_compacted_is_read_as_it_was() {
    for store in [Store::default(), store()] {
        let restored = restored(&store);

        assert_eq!((restored.revision(), restored.compacted()), (store.revision(), Revision(0)));
        assert!(restored.iter().eq(store.iter()));
        assert!(restored.leases().eq(store.leases()));
        assert_eq!(events(&restored, 2), events(&store, 2));
    }
}

#[test]
fn of_a_compacted_store_all_that_can_be_asked_for_is_read() {
    for compacted in 1..=8 {
        let mut store = store();
        store.compact(Revision(compacted)).unwrap();

        let restored = restored(&store);

        assert_eq!(
            (restored.revision(), restored.compacted()),
            (store.revision(), Revision(compacted))
        );
        assert!(restored.leases().eq(store.leases()));
        for revision in compacted..=8 {
            let [restored, store] =
                [&restored, &store].map(|of| of.at(Revision(revision)).unwrap());
            assert!(restored.iter().eq(store.iter()), "at {revision}, compacted {compacted}");
        }
        let now = |store: &Store| -> Vec<_> {
            let events = events(store, compacted.max(2)).into_iter();
            events.map(|event| (event.kind, Arc::clone(&event.now))).collect()
        };
        assert_eq!(now(&restored), now(&store), "compacted {compacted}");
        assert_eq!(events(&restored, compacted + 1), events(&store, compacted + 1));
        assert_eq!(written(&restored), written(&store));
    }
}

#[test]
fn of_a_store_without_history_there_is_what_it_holds() {
    let keys: Vec<_> = store().iter().map(|found| (**found).clone()).collect();
    let store = Store::restore(Revision(20), keys, []);

    let restored = restored(&store);

    assert_eq!((restored.revision(), restored.compacted()), (Revision(20), Revision(20)));
    assert!(restored.iter().eq(store.iter()));
}

#[test]
fn the_parts_are_as_long_as_those_of_etcd_and_the_hash_comes_last() {
    let backup = Backup::of(&store(), IDENTITY);

    let lengths: Vec<_> = backup.blobs().map(|blob| blob.len()).collect();

    let [whole @ .., _, hash] = &lengths[..] else { panic!("few parts: {lengths:?}") };
    assert!(whole.len() > 1 && whole.iter().all(|length| *length == BLOB_BYTES), "{lengths:?}");
    assert_eq!(*hash, CHECKSUM_BYTES);
}

#[test]
fn a_damaged_file_is_refused_as_etcdctl_does() {
    let mut file = written(&store());

    assert_eq!(unseal(&file[..file.len() - CHECKSUM_BYTES]), Err(BackupError::NoHash));
    assert!(matches!(unseal(b"garbage"), Err(BackupError::Corrupt(_))));
    file[5000] ^= 1;
    let error = unseal(&file).unwrap_err().to_string();
    let hash: Vec<_> = file[file.len() - CHECKSUM_BYTES..].iter().map(u8::to_string).collect();
    assert!(error.starts_with(&format!("expected sha256 [{}], got [", hash.join(" "))), "{error}");
}

fn row(revision: u64, key: &str, (create, version): (i64, i64)) -> (Vec<u8>, Vec<u8>) {
    let value = PbKeyValue {
        key: key.as_bytes().to_vec(),
        create_revision: create,
        mod_revision: revision as i64,
        version,
        ..PbKeyValue::default()
    };
    (schema::revision_bytes(Revision(revision), 0), value.encode_to_vec())
}

/// What is read of a database of these rows, compacted by these.
fn read_of(rows: &[(Vec<u8>, Vec<u8>)], compacted: &[(&[u8], u64)]) -> Result<Store, &'static str> {
    let meta: Vec<_> = compacted
        .iter()
        .map(|(name, at)| (name.to_vec(), schema::revision_bytes(Revision(*at), 0)))
        .collect();
    let buckets = vec![
        Bucket { name: schema::KEY, entries: Box::new(rows.to_vec()) },
        Bucket { name: schema::META, entries: Box::new(meta) },
    ];
    let database: Vec<u8> = Writer::new(buckets).pages().flatten().collect();
    read(&database).map_err(|Corrupt(why)| why)
}

#[test]
fn what_does_not_hang_together_is_refused() {
    let refused = |rows: &[_], compacted: &[_]| read_of(rows, compacted).unwrap_err();

    assert_eq!(refused(&[row(3, "a", (3, 1))], &[]), "a revision is missing");
    assert_eq!(
        refused(&[row(2, "a", (2, 1)), row(3, "a", (2, 3))], &[]),
        "a key does not follow from what it was before"
    );
    assert_eq!(refused(&[(vec![0; 17], vec![])], &[]), "a key cannot be read");
    assert_eq!(refused(&[row(u64::MAX, "a", (2, 1))], &[]), "a key cannot be read");
    let empty: Vec<u8> = Writer::new(vec![]).pages().flatten().collect();
    assert_eq!(read(&empty).unwrap_err(), Corrupt("it has no bucket of keys"));
}

#[test]
fn a_compaction_that_etcd_has_only_begun_is_taken_for_done() {
    let rows = [row(2, "a", (2, 1)), row(3, "b", (3, 1)), row(5, "a", (2, 3)), row(6, "b", (3, 2))];
    let compacted = [(schema::FINISHED_COMPACT, 2), (schema::SCHEDULED_COMPACT, 5)];

    let store = read_of(&rows, &compacted).unwrap();

    assert_eq!((store.revision(), store.compacted()), (Revision(6), Revision(5)));
    assert_eq!((store.get(b"a").unwrap().version, store.get(b"b").unwrap().version), (3, 2));
    assert_eq!(events(&store, 5).len(), 2);
    assert!(events(&store, 5)[0].before.is_none() && events(&store, 6)[0].before.is_some());
}

#[test]
fn a_store_whose_last_removals_are_compacted_away_keeps_its_revision() {
    let bumped = (schema::revision_bytes(Revision(9), 0), vec![]);

    for rows in [vec![row(2, "a", (2, 1))], vec![row(2, "a", (2, 1)), bumped]] {
        let store = read_of(&rows, &[(schema::SCHEDULED_COMPACT, 9)]).unwrap();

        assert_eq!(
            (store.revision(), store.compacted(), store.len()),
            (Revision(9), Revision(9), 1)
        );
    }
}
