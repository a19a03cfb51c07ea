//! The work queue of a controller: each due key once, no key twice at a time, failed keys later and later.
//!
//! Source: client-go's `workqueue` (v1.36): exponential backoff per key, and a limit over all keys.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use api::{Key, Timestamp};

use crate::Bucket;

/// How long a key whose reconciliation has failed waits: twice as long each time.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// After the first failure.
    pub first_milliseconds: i64,
    /// At the most.
    pub most_milliseconds: i64,
    /// Whether keys have to wait for each other, too: after the first hundred, ten a second are tried again.
    pub takes_turns: bool,
    /// How often a key is tried again before it is given up, until it becomes due anew.
    pub retries_max: u32,
}

/// That of client-go: from 5 ms to 1000 s, in turns, for ever.
impl Default for Backoff {
    fn default() -> Self {
        Self::milliseconds(5, 1_000_000)
    }
}

impl Backoff {
    /// From so many milliseconds to so many.
    pub const fn milliseconds(first: i64, most: i64) -> Self {
        Self {
            first_milliseconds: first,
            most_milliseconds: most,
            takes_turns: true,
            retries_max: u32::MAX,
        }
    }

    /// From so many seconds to so many.
    pub const fn seconds(first: i64, most: i64) -> Self {
        Self::milliseconds(first * 1000, most * 1000)
    }

    /// The same, and no key waits for another.
    #[must_use]
    pub const fn without_turns(self) -> Self {
        Self { takes_turns: false, ..self }
    }

    /// The same, and a key is given up after so many retries.
    #[must_use]
    pub const fn up_to(self, retries_max: u32) -> Self {
        Self { retries_max, ..self }
    }

    fn after(self, failures: u32) -> i64 {
        let doubled = 1_i64.checked_shl(failures).unwrap_or(i64::MAX);
        let Self { first_milliseconds, most_milliseconds, .. } = self;
        first_milliseconds.saturating_mul(doubled).clamp(first_milliseconds, most_milliseconds)
    }
}

/// Keys that are due, in the order they became due, and keys that will be.
#[derive(Clone, Debug, Default)]
pub struct WorkQueue {
    due: VecDeque<Key>,
    /// What is due: those in `due`, and those that became due while they were worked on.
    dirty: BTreeSet<Key>,
    /// What is worked on.
    processing: BTreeSet<Key>,
    waiting: BTreeSet<(Timestamp, Key)>,
    deadlines: BTreeMap<Key, Timestamp>,
    failures: BTreeMap<Key, u32>,
    backoff: Backoff,
    bucket: Bucket,
}

impl WorkQueue {
    /// An empty one.
    pub fn new(backoff: Backoff) -> Self {
        Self { backoff, ..Self::default() }
    }

    /// Makes a key due now, and says whether it was not; a key that is due already stays where it is, and one that is
    /// worked on has to wait until that is done.
    pub fn add(&mut self, key: Key) -> bool {
        let is_new = self.dirty.insert(key.clone());
        if is_new && !self.processing.contains(&key) {
            self.due.push_back(key);
        }
        is_new
    }

    /// Makes a key due at `when`, unless it will be due earlier anyway.
    pub fn add_after(&mut self, key: Key, when: Timestamp) {
        if let Some(before) = self.deadlines.get(&key) {
            if *before <= when {
                return;
            }
            self.waiting.remove(&(*before, key.clone()));
        }
        self.deadlines.insert(key.clone(), when);
        self.waiting.insert((when, key));
    }

    /// Makes a key due again after its reconciliation failed, or gives it up; whether it is tried again.
    pub fn add_rate_limited(&mut self, key: Key, now: Timestamp) -> bool {
        let failures = self.failures.get(&key).copied().unwrap_or(0);
        if failures >= self.backoff.retries_max {
            self.forget(&key);
            return false;
        }
        let delay = self.backoff.after(failures);
        let when = now + Duration::from_millis(delay.unsigned_abs());
        let turn = if self.backoff.takes_turns { self.bucket.take(now) } else { now };
        self.failures.insert(key.clone(), (failures + 1).min(32));
        self.add_after(key, when.max(turn));
        true
    }

    /// Forgets the failures of a key, after a success.
    pub fn forget(&mut self, key: &Key) {
        self.failures.remove(key);
    }

    /// The next key that is due. It is worked on until it is [done](Self::done).
    pub fn pop(&mut self, now: Timestamp) -> Option<Key> {
        while let Some(key) = self.take_waiting(now) {
            self.add(key);
        }
        let key = self.due.pop_front()?;
        self.dirty.remove(&key);
        self.processing.insert(key.clone());
        Some(key)
    }

    /// A key whose time has come. It is in no queue then, and has to be added.
    pub fn take_waiting(&mut self, now: Timestamp) -> Option<Key> {
        self.waiting.first().filter(|(when, _)| *when <= now)?;
        let (_, key) = self.waiting.pop_first()?;
        self.deadlines.remove(&key);
        Some(key)
    }

    /// How many keys are due that nobody works on.
    pub fn depth(&self) -> usize {
        self.due.len()
    }

    /// A key is not worked on any more; if it has become due since, it is queued now.
    pub fn done(&mut self, key: &Key) {
        if self.processing.remove(key) && self.dirty.contains(key) {
            self.due.push_back(key.clone());
        }
    }

    /// Whether a key is due already.
    pub fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// When the next waiting key becomes due.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.waiting.first().map(|(when, _)| *when)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    #[test]
    fn a_key_added_twice_is_due_once() {
        let mut queue = WorkQueue::default();
        queue.add(Key::cluster("a"));
        queue.add(Key::cluster("a"));

        let popped = [queue.pop(at(0)), queue.pop(at(0))];

        assert_eq!(popped, [Some(Key::cluster("a")), None]);
    }

    #[test]
    fn a_key_that_is_worked_on_is_not_given_to_another() {
        let mut queue = WorkQueue::default();
        queue.add(Key::cluster("a"));
        let first = queue.pop(at(0));
        queue.add(Key::cluster("a"));
        queue.add(Key::cluster("a"));

        let meanwhile = queue.pop(at(0));
        queue.done(&Key::cluster("a"));
        let afterwards = [queue.pop(at(0)), queue.pop(at(0))];

        assert_eq!((first, meanwhile), (Some(Key::cluster("a")), None));
        assert_eq!(afterwards, [Some(Key::cluster("a")), None]);
    }

    #[test]
    fn a_waiting_key_has_one_deadline_the_earliest() {
        let mut queue = WorkQueue::default();
        for when in [7, 5, 9] {
            queue.add_after(Key::cluster("a"), at(when));
        }

        let popped = [queue.pop(at(4)), queue.pop(at(5)), queue.pop(at(9))];

        assert_eq!(popped, [None, Some(Key::cluster("a")), None]);
    }

    #[test]
    fn a_failing_key_waits_longer_each_time() {
        let mut queue = WorkQueue::default();
        queue.add_rate_limited(Key::cluster("a"), at(0));
        let first = queue.next_deadline();
        assert_eq!(queue.pop(at(5)), Some(Key::cluster("a")));

        queue.add_rate_limited(Key::cluster("a"), at(5));

        assert_eq!((first, queue.next_deadline()), (Some(at(5)), Some(at(15))));
    }

    #[test]
    fn many_keys_that_fail_at_once_are_tried_again_in_turns() {
        let many: Vec<Key> = (0..102).map(|index| Key::cluster(&index.to_string())).collect();
        let last = |backoff| {
            let mut queue = WorkQueue::new(backoff);
            for key in &many {
                queue.add_rate_limited(key.clone(), at(0));
            }
            queue.waiting.last().cloned()
        };

        assert_eq!(last(Backoff::default()), Some((at(200), Key::cluster("101"))));
        assert_eq!(last(Backoff::default().without_turns()).map(|(when, _)| when), Some(at(5)));
    }

    #[test]
    fn a_key_that_fails_too_often_is_given_up_until_it_becomes_due_anew() {
        let mut queue = WorkQueue::new(Backoff::default().up_to(2));
        let mut fail = || queue.add_rate_limited(Key::cluster("a"), at(0));

        let tried = [fail(), fail(), fail(), fail()];
        let after = queue.next_deadline();

        assert_eq!(tried, [true, true, false, true]);
        assert_eq!(after, Some(at(5)));
    }
}
