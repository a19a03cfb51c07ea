//! Whose an event is: writes of ours that are under way, and those that have a revision.
//!
//! The mirror may hear of a write before the answer to it is here. It then waits for that answer, so that
//! the witness of the write is told before the write can be read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::{Range, Record, Revision};
use tokio::sync::Notify;

use crate::storage::Witness;

/// The writes of this process.
#[derive(Default)]
pub(super) struct Claims {
    state: Mutex<State>,
    /// One has been answered.
    answered: Notify,
}

#[derive(Default)]
struct State {
    next: u64,
    /// The keys that those under way may write, by number.
    open: BTreeMap<u64, Vec<Range>>,
    won: BTreeMap<Revision, Witness>,
}

impl fmt::Debug for Claims {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        formatter.debug_struct("Claims").field("open", &state.open).finish_non_exhaustive()
    }
}

/// A write that is under way. It is lost if this is dropped.
pub(super) struct Claim {
    claims: Arc<Claims>,
    number: u64,
}

impl Claims {
    /// A write of these keys begins.
    pub(super) fn open(self: &Arc<Self>, keys: Vec<Range>) -> Claim {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        state.open.insert(number, keys);
        Claim { claims: Arc::clone(self), number }
    }

    /// Tells the witness of a record, if it is ours. Waits for the answers to those of our writes that
    /// could have made it and had begun when it came.
    pub(super) async fn settle(&self, record: &Record) {
        let begun = self.state().next;
        loop {
            let answered = self.answered.notified();
            if !self.is_in_doubt(record, begun) {
                break;
            }
            answered.await;
        }
        self.settle_all_up_to(record.revision);
    }

    /// Tells the witnesses of all that is known to have been written up to a revision.
    pub(super) fn settle_all_up_to(&self, revision: Revision) {
        let told = {
            let mut state = self.state();
            let later = state.won.split_off(&revision.next());
            std::mem::replace(&mut state.won, later)
        };
        told.into_iter().for_each(|(revision, witness)| witness(revision));
    }

    fn is_in_doubt(&self, record: &Record, begun: u64) -> bool {
        let state = self.state();
        let mut open = state.open.range(..begun).flat_map(|(_, keys)| keys);
        open.any(|range| record.writes().any(|write| range.contains(&write.key)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim {
    /// It has been committed.
    pub(super) fn won(self, revision: Revision, witness: Witness) {
        self.claims.state().won.insert(revision, witness);
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.state().open.remove(&self.number);
        self.claims.answered.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use futures_util::FutureExt;
    use store::{Bytes, Change, LeaseId, Write};

    use super::*;

    fn key(name: &str) -> Bytes {
        name.as_bytes().into()
    }

    fn record(revision: u64, name: &str) -> Record {
        let write = Write { key: key(name), value: None, lease: LeaseId::NONE };
        Record { revision: Revision(revision), changes: vec![Change::Write(write)] }
    }

    fn open(claims: &Arc<Claims>, name: &str) -> Claim {
        claims.open(vec![Range::Key(key(name))])
    }

    #[test]
    fn an_event_waits_for_the_answer_to_a_write_of_its_key() {
        let claims = Arc::new(Claims::default());
        let claim = open(&claims, "a");
        let (told, heard) = mpsc::channel();
        let record = record(2, "a");
        let mut settled = Box::pin(claims.settle(&record));

        assert_eq!(settled.as_mut().now_or_never(), None);
        claim.won(Revision(2), Box::new(move |revision| told.send(revision).unwrap()));
        assert_eq!(settled.now_or_never(), Some(()));
        assert_eq!(heard.try_recv(), Ok(Revision(2)));
    }

    #[test]
    fn an_event_waits_for_no_other_write() {
        let claims = Arc::new(Claims::default());
        let other = open(&claims, "b");
        let lost = open(&claims, "a");
        drop(lost);
        let record = record(2, "a");

        assert_eq!(claims.settle(&record).now_or_never(), Some(()));
        drop(other);
    }

    #[test]
    fn an_event_does_not_wait_for_writes_that_begin_after_it() {
        let claims = Arc::new(Claims::default());
        let first = open(&claims, "a");
        let record = record(2, "a");
        let mut settled = Box::pin(claims.settle(&record));
        assert_eq!(settled.as_mut().now_or_never(), None);

        let second = open(&claims, "a");
        drop(first);

        assert_eq!(settled.now_or_never(), Some(()));
        drop(second);
    }
}
