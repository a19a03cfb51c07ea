//! When a request is looked at again of which nothing came, though no call failed.
//!
//! Source: the rate limiter of `NewCertificateController` (v1.36), without the limit over all requests.

use std::collections::BTreeMap;
use std::time::Duration;

use api::{Key, Timestamp};

const FIRST: Duration = Duration::from_millis(200);
const MAX: Duration = Duration::from_secs(1000);

/// How often each request has come to nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Retry {
    failures: BTreeMap<Key, u32>,
}

impl Retry {
    /// When to look again after one more failure: twice as late as after the last.
    pub(super) fn after_failure(&mut self, key: &Key, now: Timestamp) -> Timestamp {
        let failures = self.failures.entry(key.clone()).or_default();
        let factor = 2_u32.saturating_pow(*failures);
        *failures += 1;
        now.checked_add(FIRST.saturating_mul(factor).min(MAX)).unwrap_or(Timestamp::MAX)
    }

    /// Forgets a request that nothing is to be done about.
    pub(super) fn forget(&mut self, key: &Key) {
        self.failures.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_doubles_the_wait_up_to_a_limit() {
        let (mut retry, key) = (Retry::default(), Key::cluster("a"));
        let mut wait = || {
            let when = retry.after_failure(&key, Timestamp::UNIX_EPOCH);
            when.as_millisecond()
        };

        let waits: Vec<i64> = (0..40).map(|_| wait()).collect();

        assert_eq!(waits[..4], [200, 400, 800, 1600]);
        assert_eq!(waits[12..14], [819_200, 1_000_000]);
        assert_eq!(waits[39], 1_000_000);
    }
}
