//! When a key is looked at again of which nothing came, though no request failed: the driver knows of
//! requests only.
//!
//! Source: client-go's `ItemExponentialFailureRateLimiter` and `BucketRateLimiter` (v1.36). The driver has a bucket of
//! its own.

use std::collections::BTreeMap;
use std::time::Duration;

use api::{Key, Timestamp};
use client::Bucket;

/// The longest wait.
const MAX: Duration = Duration::from_secs(1000);

/// How often each key has come to nothing.
#[derive(Clone, Debug)]
pub(crate) struct Retry {
    first: Duration,
    failures: BTreeMap<Key, u32>,
    bucket: Bucket,
}

impl Retry {
    /// Waits that begin with this one.
    pub(crate) fn new(first: Duration) -> Self {
        Self { first, failures: BTreeMap::new(), bucket: Bucket::default() }
    }

    /// When to look again after one more failure: twice as late as after the last, and in turns.
    pub(crate) fn after_failure(&mut self, key: &Key, now: Timestamp) -> Timestamp {
        let failures = self.failures.entry(key.clone()).or_default();
        let factor = 2_u32.saturating_pow(*failures);
        *failures += 1;
        let alone = now.checked_add(self.first.saturating_mul(factor).min(MAX));
        alone.unwrap_or(Timestamp::MAX).max(self.bucket.take(now))
    }

    /// Whether a key has come to nothing, and to nothing else since.
    pub(crate) fn has_failed(&self, key: &Key) -> bool {
        self.failures.contains_key(key)
    }

    /// Forgets a key that nothing is to be done about.
    pub(crate) fn forget(&mut self, key: &Key) {
        self.failures.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_doubles_the_wait_up_to_a_limit() {
        let (mut retry, key) = (Retry::new(Duration::from_millis(200)), Key::cluster("a"));
        let mut wait = || {
            let when = retry.after_failure(&key, Timestamp::UNIX_EPOCH);
            when.as_millisecond()
        };

        let waits: Vec<i64> = (0..40).map(|_| wait()).collect();

        assert_eq!(waits[..4], [200, 400, 800, 1600]);
        assert_eq!(waits[12..14], [819_200, 1_000_000]);
        assert_eq!(waits[39], 1_000_000);
    }

    #[test]
    fn many_keys_that_fail_at_once_are_looked_at_in_turns() {
        let mut retry = Retry::new(Duration::from_millis(5));
        let mut fail = |name: usize| {
            let key = Key::cluster(&name.to_string());
            retry.after_failure(&key, Timestamp::UNIX_EPOCH).as_millisecond()
        };

        let waits: Vec<i64> = (0..102).map(&mut fail).collect();

        assert_eq!(waits[..100], [5; 100]);
        assert_eq!(waits[100..], [100, 200]);
    }

    #[test]
    fn what_is_forgotten_has_not_failed() {
        let (mut retry, key) = (Retry::new(Duration::from_millis(5)), Key::cluster("a"));

        retry.after_failure(&key, Timestamp::UNIX_EPOCH);
        let before = retry.has_failed(&key);
        retry.forget(&key);

        assert_eq!((before, retry.has_failed(&key)), (true, false));
    }
}
