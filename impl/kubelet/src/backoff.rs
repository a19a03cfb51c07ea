//! Waiting longer after each failure: 10 s, doubling to 300 s, forgotten after twice that without one.
//!
//! Source: client-go's `util/flowcontrol/backoff.go` (v1.36) as the kubelet uses it.

use std::collections::BTreeMap;
use std::time::Duration;

use api::Timestamp;

#[derive(Clone, Debug)]
struct Entry {
    delay: Duration,
    last_update: Timestamp,
}

/// One delay for each key.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    initial: Duration,
    max: Duration,
    entries: BTreeMap<String, Entry>,
}

impl Backoff {
    /// Begins with `initial` and never waits longer than `max`.
    pub(crate) fn new(initial: Duration, max: Duration) -> Self {
        Self { initial, max, entries: BTreeMap::new() }
    }

    /// How long is waited after an event at `event`; `None` when the wait is over or there is none.
    pub(crate) fn waiting(&self, key: &str, event: Timestamp, now: Timestamp) -> Option<Duration> {
        let entry = self.entries.get(key)?;
        let current = !self.has_expired(entry, event) && now < event + entry.delay;
        current.then_some(entry.delay)
    }

    /// How long is waited since the last failure; `None` when the wait is over or there is none.
    pub(crate) fn waiting_since_update(
        &self,
        key: &str,
        now: Timestamp,
    ) -> Option<(Duration, Timestamp)> {
        let entry = self.entries.get(key)?;
        let until = entry.last_update + entry.delay;
        (!self.has_expired(entry, now) && now < until).then_some((entry.delay, until))
    }

    /// Counts a failure that happened at `event`.
    pub(crate) fn next(&mut self, key: &str, event: Timestamp, now: Timestamp) {
        let delay = match self.entries.get(key) {
            Some(entry) if !self.has_expired(entry, event) => (entry.delay * 2).min(self.max),
            Some(_) | None => self.initial,
        };
        self.entries.insert(key.to_owned(), Entry { delay, last_update: now });
    }

    /// Forgets every key that begins with `prefix`.
    pub(crate) fn forget(&mut self, prefix: &str) {
        self.entries.retain(|key, _| !key.starts_with(prefix));
    }

    fn has_expired(&self, entry: &Entry, event: Timestamp) -> bool {
        event > entry.last_update + self.max * 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn each_failure_doubles_the_wait_up_to_the_longest() {
        let mut backoff = Backoff::new(Duration::from_secs(10), Duration::from_secs(30));

        let waits: Vec<u64> = (0..4)
            .map(|second| {
                backoff.next("a", at(second), at(second));
                backoff.waiting("a", at(second), at(second)).unwrap().as_secs()
            })
            .collect();

        assert_eq!(waits, [10, 20, 30, 30]);
    }

    #[test]
    fn a_first_failure_is_not_waited_for() {
        let backoff = Backoff::new(Duration::from_secs(10), Duration::from_secs(30));

        assert_eq!(backoff.waiting("a", at(0), at(0)), None);
    }

    #[test]
    fn a_long_success_makes_the_next_failure_the_first() {
        let mut backoff = Backoff::new(Duration::from_secs(10), Duration::from_secs(30));
        backoff.next("a", at(0), at(0));
        backoff.next("a", at(1), at(1));

        backoff.next("a", at(100), at(100));

        assert_eq!(backoff.waiting("a", at(100), at(101)), Some(Duration::from_secs(10)));
    }
}
