//! The log and snapshots: whatever the bytes are, what is read was written, or it is refused.

use fuzz::{Mutator, runs};
use store::{
    Bytes, LeaseId, Operation, Put, Range, Record, Revision, Store, Transaction, log, snapshot,
};

const METADATA: log::Metadata = log::Metadata { cluster: 1, member: 2, number: 0 };

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

/// A part of the log.
fn part(records: &[Record]) -> Vec<u8> {
    let mut part = log::head(METADATA);
    for records in records.chunks(3) {
        part.extend(log::encode(records, METADATA, part.len()));
    }
    part
}

#[test]
fn a_log_yields_the_records_that_were_written_first_or_none() {
    let (_, records) = written();
    let sound = part(&records);

    for run in 0..runs(20_000) {
        let bytes = Mutator::new(run).mutated(&sound);

        if let Ok(decoded) = log::decode(&bytes) {
            let is_known = records.starts_with(&decoded.records);
            assert!(is_known && decoded.sound_bytes <= bytes.len(), "run {run}");
        }
    }
}

#[test]
fn garbage_at_the_end_of_a_log_costs_nothing_before_it() {
    let (_, records) = written();
    let (before, _) = records.split_at(records.len() - 1);
    let before = &before[..before.len() / 3 * 3];
    let (sound, whole) = (part(before), part(&records));

    for run in 0..runs(20_000) {
        let garbage = Mutator::new(run).mutated(&whole[sound.len()..]);

        match log::decode(&[&sound[..], &garbage].concat()) {
            Ok(decoded) => {
                let is_known = records.starts_with(&decoded.records);
                assert!(is_known && decoded.records.len() >= before.len(), "run {run}");
            }
            Err(corrupt) => assert!(corrupt.offset >= sound.len(), "run {run}: {corrupt}"),
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
