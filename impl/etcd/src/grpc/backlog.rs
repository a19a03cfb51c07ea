//! What one watch still has to be told.
//!
//! A watch keeps no events: it reads the store's history from the revision up to which it has been
//! told, a bounded batch at a time. Who reads slowly is told later, or that history is compacted.

use etcd_client::proto::PbEvent;
use prost::Message;
use store::{Event, EventKind, Expired, Range, Revision, Store};

use super::responses;

/// After how many events a batch ends, with the revision.
const BATCH_EVENTS: usize = 1000;
/// After how many bytes a batch ends, with the revision.
pub(super) const BATCH_BYTES: usize = 1024 * 1024;
/// How many events are looked at for a batch.
const SCANNED_EVENTS_MAX: usize = 20_000;

/// One watch.
#[derive(Clone, Debug)]
pub(super) struct Watch {
    /// The keys.
    pub(super) range: Range,
    /// The revision up to which it has been told.
    pub(super) told: Revision,
    /// The kinds of events that it does not want.
    pub(super) unwanted: Vec<EventKind>,
    /// Whether it wants keys as they were before, too.
    pub(super) with_previous: bool,
    /// Whether it wants to hear that it is up to date.
    pub(super) progress_notify: bool,
    /// Whether large answers may be split within a revision.
    pub(super) fragment: bool,
    /// Whether it was told nothing since it was last looked after.
    pub(super) is_quiet: bool,
}

impl Watch {
    /// The next batch. It ends with a revision, or where enough has been looked at.
    pub(super) fn next(&mut self, store: &Store) -> Result<Vec<PbEvent>, Expired> {
        let (mut batch, mut bytes) = (vec![], 0);
        for (scanned, event) in store.events_after(self.told)?.enumerate() {
            let is_full = batch.len() >= BATCH_EVENTS
                || bytes >= BATCH_BYTES
                || scanned >= SCANNED_EVENTS_MAX;
            if is_full && event.now.mod_revision > self.told {
                return Ok(batch);
            }
            self.told = event.now.mod_revision;
            if self.wants(event) {
                let event = responses::event(event, self.with_previous);
                bytes += event.encoded_len();
                batch.push(event);
            }
        }
        self.told = store.revision();
        Ok(batch)
    }

    fn wants(&self, event: &Event) -> bool {
        self.range.contains(&event.now.key) && !self.unwanted.contains(&event.kind)
    }

    /// Whether it has yet to look at what happened.
    pub(super) fn is_behind(&self, store: &Store) -> bool {
        self.told < store.revision()
    }
}
