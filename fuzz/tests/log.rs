//! The log and snapshots: whatever the bytes are, what is read was written, or it is refused.

use fuzz::{Mutator, runs};
use store::{
    Bytes, LeaseId, Operation, Put, Range, Record, Revision, Store, Transaction, log, snapshot,
};

/// A store, and the records that made it.
fn written() -> (Store, Vec<Record>) {
    let mut store = Store::default();
    let mut records = vec![store.grant(LeaseId(7), 60).expect("it is free")];
    for number in 0..20_u8 {
        let key = Bytes::from(&[b'k', number % 5][..]);
        let lease = Some(LeaseId(if number % 3 == 0 { 7 } else { 0 }));
        let operation = match number % 7 {
            6 => Operation::Delete(Range::From(key)),
            _ => Operation::Put(Put { lease, ..Put::new(key, vec![number; 30].into()) }),
        };
        let committed = store.commit(&Transaction::of(vec![operation])).expect("it is allowed");
        records.extend(committed.record);
    }
    records.push(store.compact(Revision(9)).expect("it goes forward"));
    (store, records)
}

#[test]
fn a_log_yields_records_that_were_written_or_none() {
    let (_, records) = written();
    let frames: Vec<u8> = records.chunks(3).flat_map(log::encode).collect();

    for run in 0..runs(20_000) {
        let bytes = Mutator::new(run).mutated(&frames);

        if let Ok(decoded) = log::decode(&bytes) {
            let known = decoded.records.iter().all(|record| records.contains(record));
            assert!(known && decoded.sound_bytes <= bytes.len(), "run {run}");
        }
    }
}

#[test]
fn a_snapshot_is_the_one_that_was_taken_or_none() {
    let (store, _) = written();
    let sound = snapshot::encode(&store);

    for run in 0..runs(20_000) {
        let bytes = Mutator::new(run).mutated(&sound);
        assert!(bytes == sound || snapshot::decode(&bytes).is_err(), "run {run}");
    }
}
