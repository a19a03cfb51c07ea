//! When a key is looked at again of which nothing came, though no request failed: the driver knows of
//! requests only.
//!
//! Source: client-go's `ItemExponentialFailureRateLimiter` (v1.36), without the limit over all keys.

use std::collections::BTreeMap;
use std::time::Duration;

use api::{Key, Timestamp};

/// The longest wait.
const MAX: Duration = Duration::from_secs(1000);

/// How often each key has come to nothing.
#[derive(Clone, Debug)]
pub(crate) struct Retry {
    first: Duration,
    failures: BTreeMap<Key, u32>,
}

impl Retry {
    /// Waits that begin with this one.
    pub(crate) fn new(first: Duration) -> Self {
        Self { first, failures: BTreeMap::new() }
    }

    /// When to look again after one more failure: twice as late as after the last.
    pub(crate) fn after_failure(&mut self, key: &Key, now: Timestamp) -> Timestamp {
        let failures = self.failures.entry(key.clone()).or_default();
        let factor = 2_u32.saturating_pow(*failures);
        *failures += 1;
        now.checked_add(self.first.saturating_mul(factor).min(MAX)).unwrap_or(Timestamp::MAX)
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
    fn what_is_forgotten_has_not_failed() {
        let (mut retry, key) = (Retry::new(Duration::from_millis(5)), Key::cluster("a"));

        retry.after_failure(&key, Timestamp::UNIX_EPOCH);
        let before = retry.has_failed(&key);
        retry.forget(&key);

        assert_eq!((before, retry.has_failed(&key)), (true, false));
    }
}
