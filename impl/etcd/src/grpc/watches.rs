//! The watches of one stream: whose turn it is, and what it is told. Decides, and sends nothing.

use std::collections::BTreeMap;

use etcd_client::proto::{PbEvent, PbResponseHeader, PbWatchResponse};
use prost::Message;
use store::{Revision, Store};

use super::backlog::Watch;
use super::errors::REQUEST_BYTES_MAX;
use super::header;
use crate::Identity;

/// Asks the server to choose a number.
const NO_ID: i64 = 0;
/// The watch of answers that are about no watch, or about all. Source: etcd's `clientv3.InvalidWatchID`.
const INVALID_ID: i64 = -1;

/// The watches of a stream.
#[derive(Clone, Debug)]
pub(super) struct Watches {
    identity: Identity,
    watches: BTreeMap<i64, Watch>,
    next_id: i64,
    /// Whose turn it was last.
    last: i64,
}

impl Watches {
    /// A stream without watches.
    pub(super) fn new(identity: Identity) -> Self {
        Self { identity, watches: BTreeMap::new(), next_id: 0, last: INVALID_ID }
    }

    /// Begins a watch; without one, its range was empty.
    pub(super) fn create(
        &mut self,
        id: i64,
        watch: Option<Watch>,
        revision: Revision,
    ) -> PbWatchResponse {
        let refused = |reason: &str| PbWatchResponse {
            created: true,
            canceled: true,
            cancel_reason: reason.to_owned(),
            ..self.answer(INVALID_ID, revision)
        };
        let Some(watch) = watch else { return refused("mvcc: watcher range is empty") };
        if id != NO_ID && self.watches.contains_key(&id) {
            return refused("mvcc: duplicate watch ID provided on the WatchStream");
        }
        let id = if id == NO_ID { self.free_id() } else { id };
        self.watches.insert(id, watch);
        PbWatchResponse { created: true, ..self.answer(id, revision) }
    }

    /// Ends a watch; nothing if there is none.
    pub(super) fn cancel(&mut self, id: i64, revision: Revision) -> Option<PbWatchResponse> {
        self.watches.remove(&id)?;
        Some(PbWatchResponse { canceled: true, ..self.answer(id, revision) })
    }

    /// Whether a watch has yet to look at what happened.
    pub(super) fn are_behind(&self, store: &Store) -> bool {
        self.turn(store).is_some()
    }

    /// Tells the next watch that has something to hear, in turns. Nothing, if none has; or if one has
    /// looked at much in vain, so that others may do something else.
    pub(super) fn next(&mut self, store: &Store) -> Vec<PbWatchResponse> {
        while let Some(id) = self.turn(store) {
            self.last = id;
            let Some(watch) = self.watches.get_mut(&id) else { break };
            match watch.next(store) {
                Ok(events) if !events.is_empty() => return self.tell(id, events),
                Ok(_) if watch.is_behind(store) => break,
                Ok(_) => {}
                Err(_) => return vec![self.expire(id, store)],
            }
        }
        vec![]
    }

    /// The next watch after the last one that is behind.
    fn turn(&self, store: &Store) -> Option<i64> {
        let after = self.watches.range(self.last.saturating_add(1)..);
        let mut all = after.chain(self.watches.range(..=self.last));
        all.find(|(_, watch)| watch.is_behind(store)).map(|(id, _)| *id)
    }

    /// Says that all watches have been told up to a revision.
    pub(super) fn progress(&self, revision: Revision) -> PbWatchResponse {
        self.answer(INVALID_ID, revision)
    }

    /// Says so to each watch that asked for it and was told nothing for a while.
    pub(super) fn look_after(&mut self, revision: Revision) -> Vec<PbWatchResponse> {
        let quiet =
            self.watches.iter().filter(|(_, watch)| watch.progress_notify && watch.is_quiet);
        let answers = quiet.map(|(id, _)| self.answer(*id, revision)).collect();
        self.watches.values_mut().for_each(|watch| watch.is_quiet = true);
        answers
    }

    fn free_id(&mut self) -> i64 {
        while self.watches.contains_key(&self.next_id) {
            self.next_id += 1;
        }
        self.next_id += 1;
        self.next_id - 1
    }

    fn tell(&mut self, id: i64, events: Vec<PbEvent>) -> Vec<PbWatchResponse> {
        let Some(watch) = self.watches.get_mut(&id) else { return vec![] };
        watch.is_quiet = false;
        let (told, fragment) = (watch.told, watch.fragment);
        let parts = if fragment { split(events) } else { vec![events] };
        let last = parts.len() - 1;
        let parts = parts.into_iter().enumerate();
        let answer = |(number, events)| PbWatchResponse {
            events,
            fragment: number < last,
            ..self.answer(id, told)
        };
        parts.map(answer).collect()
    }

    /// Ends a watch whose next events are forgotten, and says from where on there are any.
    fn expire(&mut self, id: i64, store: &Store) -> PbWatchResponse {
        self.watches.remove(&id);
        let remembered = store.compacted().max(store.oldest());
        PbWatchResponse {
            canceled: true,
            compact_revision: remembered.0.cast_signed(),
            ..self.answer(id, store.revision())
        }
    }

    fn answer(&self, watch_id: i64, revision: Revision) -> PbWatchResponse {
        let header: Option<PbResponseHeader> = header(self.identity, revision);
        PbWatchResponse { header, watch_id, ..PbWatchResponse::default() }
    }
}

/// Splits what is larger than a request may be. There is always one part.
fn split(events: Vec<PbEvent>) -> Vec<Vec<PbEvent>> {
    let (mut parts, mut part, mut bytes) = (vec![], vec![], 0);
    for event in events {
        let length = event.encoded_len();
        if bytes + length > REQUEST_BYTES_MAX && !part.is_empty() {
            parts.push(std::mem::take(&mut part));
            bytes = 0;
        }
        bytes += length;
        part.push(event);
    }
    parts.push(part);
    parts
}

#[cfg(test)]
mod tests {
    use store::{Bytes, Operation, Put, Range, Transaction};

    use super::super::backlog::BATCH_BYTES;
    use super::*;

    fn put(store: &mut Store, keys: &[&str], value: &[u8]) -> Revision {
        let put = |key: &&str| Operation::Put(Put::new(key.as_bytes().into(), Bytes::from(value)));
        store.commit(&Transaction::of(keys.iter().map(put).collect())).unwrap().revision
    }

    fn watch(prefix: &str) -> Watch {
        Watch {
            range: Range::prefix(prefix.as_bytes()),
            told: Revision(1),
            unwanted: vec![],
            with_previous: false,
            progress_notify: false,
            fragment: false,
            is_quiet: true,
        }
    }

    fn watches(all: &[Watch]) -> Watches {
        let mut watches = Watches::new(Identity { cluster: 1, member: 2 });
        for watch in all {
            watches.create(NO_ID, Some(watch.clone()), Revision(1));
        }
        watches
    }

    /// Which watch is told how many events, until all are up to date.
    fn told(watches: &mut Watches, store: &Store) -> Vec<(i64, usize)> {
        let mut told = vec![];
        while watches.are_behind(store) {
            let answers = watches.next(store);
            told.extend(answers.iter().map(|answer| (answer.watch_id, answer.events.len())));
        }
        told
    }

    #[test]
    fn a_batch_ends_with_a_revision() {
        let mut store = Store::default();
        let value = vec![0; BATCH_BYTES * 2 / 3];
        let _ = [(); 2].map(|()| put(&mut store, &["a", "b"], &value));
        let mut watches = watches(&[watch("")]);

        assert_eq!(told(&mut watches, &store), [(0, 2), (0, 2)]);
    }

    #[test]
    fn watches_take_turns() {
        let mut store = Store::default();
        let value = vec![0; BATCH_BYTES];
        let _ = [(); 2].map(|()| put(&mut store, &["a"], &value));
        let mut watches = watches(&[watch("a"), watch("a"), watch("b")]);

        assert_eq!(told(&mut watches, &store), [(0, 1), (1, 1), (0, 1), (1, 1)]);
    }

    #[test]
    fn a_revision_is_split_only_where_that_is_asked_for() {
        let mut store = Store::default();
        put(&mut store, &["a", "b", "c"], &vec![0; REQUEST_BYTES_MAX / 2]);
        let fragmented = Watch { fragment: true, ..watch("") };
        let mut watches = watches(&[watch(""), fragmented]);

        let (whole, parts) = (watches.next(&store), watches.next(&store));

        let shape = |answers: &[PbWatchResponse]| -> Vec<_> {
            answers.iter().map(|answer| (answer.events.len(), answer.fragment)).collect()
        };
        assert_eq!(shape(&whole), [(3, false)]);
        assert_eq!(shape(&parts), [(1, true), (1, true), (1, false)]);
    }

    #[test]
    fn a_watch_that_is_compacted_away_ends_and_says_from_where_to_go_on() {
        let mut store = Store::default();
        let revisions: Vec<_> = (0..4).map(|_| put(&mut store, &["a"], b"")).collect();
        store.compact(revisions[2]).unwrap();
        let still_there = Watch { told: revisions[1], ..watch("a") };
        let mut watches = watches(&[watch("a"), still_there]);

        let canceled = watches.next(&store).remove(0);

        assert!(canceled.canceled && canceled.watch_id == 0);
        assert_eq!(canceled.compact_revision, revisions[2].0.cast_signed());
        assert_eq!(told(&mut watches, &store), [(1, 2)]);
    }

    #[test]
    fn a_watch_of_the_future_hears_nothing_before() {
        let mut store = Store::default();
        put(&mut store, &["a"], b"");
        let mut watches = watches(&[Watch { told: Revision(3), ..watch("a") }]);

        put(&mut store, &["a"], b"");
        assert_eq!(told(&mut watches, &store), []);
        put(&mut store, &["a"], b"");
        assert_eq!(told(&mut watches, &store), [(0, 1)]);
    }

    #[test]
    fn only_quiet_watches_that_asked_for_it_hear_of_progress() {
        let mut store = Store::default();
        let asking = Watch { progress_notify: true, ..watch("a") };
        let mut watches = watches(&[watch("a"), asking.clone(), asking]);
        watches.cancel(2, Revision(1));
        let looked_after = |store: &Store, watches: &mut Watches| -> Vec<i64> {
            let answers = watches.look_after(store.revision());
            answers.iter().map(|answer| answer.watch_id).collect()
        };

        assert_eq!(looked_after(&store, &mut watches), [1]);
        put(&mut store, &["a"], b"");
        told(&mut watches, &store);
        assert_eq!(looked_after(&store, &mut watches), []);
        assert_eq!(looked_after(&store, &mut watches), [1]);
    }
}
