//! A disk that may lose what was not synced: it keeps the store's real log, frame by frame.

use store::Record;
use store::log::{HEAD_BYTES, Metadata, decode, encode, head};

use crate::sim::random::Random;

/// Whose the log is: that of the only member.
const METADATA: Metadata = Metadata { cluster: 1, member: 1, number: 0 };

/// The bytes of one log file.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    log: Vec<u8>,
    synced_bytes: usize,
}

impl Default for Disk {
    /// A log without records.
    fn default() -> Self {
        Self { log: head(METADATA), synced_bytes: HEAD_BYTES }
    }
}

impl Disk {
    /// Appends one record as a frame; it is durable after the next `sync`.
    pub(crate) fn append(&mut self, record: &Record) {
        let frame = encode(std::slice::from_ref(record), METADATA, self.log.len());
        self.log.extend(frame);
    }

    /// Makes everything durable.
    pub(crate) fn sync(&mut self) {
        self.synced_bytes = self.log.len();
    }

    /// The power fails: of what was not synced, some first part is there.
    pub(crate) fn crash(&mut self, random: &mut Random) {
        let unsynced = self.log.len() - self.synced_bytes;
        self.log.truncate(self.synced_bytes + random.below(unsynced + 1));
    }

    /// Reads the log after a restart and cuts its torn tail.
    pub(crate) fn recover(&mut self) -> Vec<Record> {
        let decoded = decode(&self.log).expect("only the end of the log is ever lost");
        self.log.truncate(decoded.sound_bytes);
        self.sync();
        decoded.records
    }

    /// Holds these records and nothing else: for planted faults.
    pub(crate) fn rewrite(&mut self, records: &[Record]) {
        *self = Self::default();
        records.iter().for_each(|record| self.append(record));
        self.sync();
    }
}

#[cfg(test)]
mod tests {
    use store::{Bytes, Change, LeaseId, Revision, Write};

    use super::*;

    fn record(revision: u64) -> Record {
        let key = Bytes::from(&b"/registry/pods/a"[..]);
        let write = Write { key, value: None, lease: LeaseId::NONE };
        Record { revision: Revision(revision), changes: vec![Change::Write(write)] }
    }

    #[test]
    fn what_was_synced_survives_every_crash() {
        for seed in 0..50 {
            let mut disk = Disk::default();
            disk.append(&record(2));
            disk.sync();
            disk.append(&record(3));

            disk.crash(&mut Random::new(seed));

            let records = disk.recover();
            assert!(records == [record(2)] || records == [record(2), record(3)], "seed {seed}");
        }
    }
}
