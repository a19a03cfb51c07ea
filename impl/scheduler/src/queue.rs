//! Pods that wait to be scheduled: some now, some after a pause, some until something changes.
//!
//! Source: pkg/scheduler/backend/queue (v1.36). Any change that may help makes every unschedulable pod
//! due; upstream asks the plugins that refused the pod.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use api::{Key, Timestamp};

const BACKOFF_INITIAL_SECONDS: u64 = 1;
const BACKOFF_MAX_SECONDS: u64 = 10;
/// How long a pod stays unschedulable if nothing changes.
const UNSCHEDULABLE_MAX_SECONDS: u64 = 5 * 60;

/// Where a pod waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    /// It is due, in this order.
    Active(u64),
    /// It is due at this time.
    Backoff(Timestamp),
    /// It is due when something changes; the second time ends its backoff.
    Unschedulable(Timestamp, Timestamp),
    /// It was popped, and nothing has been said of it since.
    InFlight,
}

#[derive(Clone, Debug)]
struct Entry {
    priority: i32,
    attempts: u32,
    waits: Waits,
}

/// The pods that wait, by key.
#[derive(Clone, Debug, Default)]
pub struct Queue {
    entries: BTreeMap<Key, Entry>,
    active: BTreeSet<(Reverse<i32>, u64, Key)>,
    /// When to look at a pod that waits for a time.
    timers: BTreeSet<(Timestamp, Key)>,
    unschedulable: BTreeSet<Key>,
    added: u64,
    /// Whether something has changed since the last pod was popped.
    moved: bool,
}

impl Queue {
    /// Adds a new pod, or one that has changed in a way that may help it.
    pub fn add(&mut self, key: &Key, priority: i32) {
        let attempts = self.take_out(key).map_or(0, |entry| entry.attempts);
        self.activate(key, Entry { priority, attempts, waits: Waits::InFlight });
    }

    /// Forgets a pod.
    pub fn remove(&mut self, key: &Key) {
        self.take_out(key);
    }

    /// The next pod that is due: highest priority first, then in the order in which they became due.
    pub fn pop(&mut self, now: Timestamp) -> Option<Key> {
        self.flush(now);
        let (_, _, key) = self.active.pop_first()?;
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.attempts = entry.attempts.saturating_add(1);
            entry.waits = Waits::InFlight;
        }
        self.moved = false;
        Some(key)
    }

    /// Puts back a pod that fits no node. It waits for a change, and for its backoff.
    pub fn add_unschedulable(&mut self, key: &Key, now: Timestamp) {
        let Some(mut entry) = self.take_out(key) else {
            return;
        };
        let backoff_ends = now + backoff(entry.attempts);
        if self.moved {
            self.back_off(key, entry, backoff_ends);
            return;
        }
        let gives_up = now + Duration::from_secs(UNSCHEDULABLE_MAX_SECONDS);
        entry.waits = Waits::Unschedulable(gives_up, backoff_ends);
        self.timers.insert((gives_up, key.clone()));
        self.unschedulable.insert(key.clone());
        self.entries.insert(key.clone(), entry);
    }

    /// Puts back a pod that could not be bound. It waits for its backoff only.
    pub fn add_failed(&mut self, key: &Key, now: Timestamp) {
        if let Some(entry) = self.take_out(key) {
            let backoff_ends = now + backoff(entry.attempts);
            self.back_off(key, entry, backoff_ends);
        }
    }

    /// Something has changed that may help: every unschedulable pod is due after its backoff.
    pub fn move_all(&mut self, now: Timestamp) {
        self.moved = true;
        for key in std::mem::take(&mut self.unschedulable) {
            self.end_waiting(&key, now);
        }
    }

    /// When the next pod becomes due without a change; `now` or earlier when one is due.
    pub fn next_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        if !self.active.is_empty() {
            return Some(now);
        }
        self.timers.first().map(|(when, _)| *when)
    }

    /// Whether the pod is known here.
    pub fn contains(&self, key: &Key) -> bool {
        self.entries.contains_key(key)
    }

    fn flush(&mut self, now: Timestamp) {
        while let Some((when, key)) = self.timers.first().cloned()
            && when <= now
        {
            self.end_waiting(&key, now);
        }
    }

    /// Makes a pod that waits for a time or a change due, or due after its backoff.
    fn end_waiting(&mut self, key: &Key, now: Timestamp) {
        let Some(entry) = self.take_out(key) else {
            return;
        };
        match entry.waits {
            Waits::Unschedulable(_, backoff_ends) if now < backoff_ends => {
                self.back_off(key, entry, backoff_ends);
            }
            Waits::Unschedulable(..) | Waits::Backoff(_) | Waits::Active(_) | Waits::InFlight => {
                self.activate(key, entry);
            }
        }
    }

    fn activate(&mut self, key: &Key, mut entry: Entry) {
        self.added += 1;
        entry.waits = Waits::Active(self.added);
        self.active.insert((Reverse(entry.priority), self.added, key.clone()));
        self.entries.insert(key.clone(), entry);
    }

    fn back_off(&mut self, key: &Key, mut entry: Entry, until: Timestamp) {
        entry.waits = Waits::Backoff(until);
        self.timers.insert((until, key.clone()));
        self.entries.insert(key.clone(), entry);
    }

    fn take_out(&mut self, key: &Key) -> Option<Entry> {
        let entry = self.entries.remove(key)?;
        match entry.waits {
            Waits::Active(order) => {
                self.active.remove(&(Reverse(entry.priority), order, key.clone()));
            }
            Waits::Backoff(when) => {
                self.timers.remove(&(when, key.clone()));
            }
            Waits::Unschedulable(when, _) => {
                self.timers.remove(&(when, key.clone()));
                self.unschedulable.remove(key);
            }
            Waits::InFlight => {}
        }
        Some(entry)
    }
}

/// One second after the first attempt, twice as long after each further one, up to ten.
fn backoff(attempts: u32) -> Duration {
    let doubled = 1_u64.checked_shl(attempts.saturating_sub(1)).unwrap_or(u64::MAX);
    Duration::from_secs(BACKOFF_INITIAL_SECONDS.saturating_mul(doubled).min(BACKOFF_MAX_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn higher_priority_goes_first_then_first_come() {
        let mut queue = Queue::default();
        for (name, priority) in [("a", 0), ("b", 0), ("c", 9)] {
            queue.add(&Key::cluster(name), priority);
        }

        let order: Vec<String> =
            std::iter::from_fn(|| queue.pop(at(0))).map(|key| key.name).collect();

        assert_eq!(order, ["c", "a", "b"]);
    }

    #[test]
    fn an_unschedulable_pod_waits_for_a_change_and_its_backoff() {
        let mut queue = popped();
        queue.add_unschedulable(&key(), at(10));
        assert_eq!(queue.pop(at(12)), None);

        queue.move_all(at(12));

        assert_eq!(queue.pop(at(12)), Some(key()));
    }

    #[test]
    fn a_change_during_the_backoff_does_not_shorten_it() {
        let mut queue = popped();
        queue.add_unschedulable(&key(), at(10));

        queue.move_all(at(10));

        assert_eq!(queue.next_deadline(at(10)), Some(at(11)));
        assert_eq!(queue.pop(at(10)), None);
        assert_eq!(queue.pop(at(11)), Some(key()));
    }

    #[test]
    fn an_unschedulable_pod_is_tried_again_after_five_minutes() {
        let mut queue = popped();
        queue.add_unschedulable(&key(), at(10));

        assert_eq!(queue.next_deadline(at(10)), Some(at(310)));
        assert_eq!(queue.pop(at(310)), Some(key()));
    }

    #[test]
    fn the_backoff_doubles_up_to_ten_seconds() {
        let seconds: Vec<u64> = (1..=6).map(|attempts| backoff(attempts).as_secs()).collect();

        assert_eq!(seconds, [1, 2, 4, 8, 10, 10]);
    }

    fn popped() -> Queue {
        let mut queue = Queue::default();
        queue.add(&key(), 0);
        queue.pop(at(0));
        queue
    }

    fn key() -> Key {
        Key::new("default", "web")
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }
}
