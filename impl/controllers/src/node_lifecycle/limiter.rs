//! A limit on how often something happens: a bucket for one token, as a function of the time.
//!
//! Source: `SwapLimiter` in pkg/controller/nodelifecycle/scheduler/rate_limited_queue.go (v1.36); client-go's
//! `NewTokenBucketRateLimiter` with a burst of 1.

use std::time::Duration;

use api::Timestamp;

/// A bucket that is full at first.
#[derive(Clone, Debug)]
pub(super) struct Limiter {
    /// Tokens in a second; none ever if it is not more than 0.
    rate: f64,
    /// When there is a token.
    full_at: Timestamp,
}

impl Limiter {
    /// A limit of so many in a second.
    pub(super) fn new(rate: f64) -> Self {
        Self { rate, full_at: Timestamp::UNIX_EPOCH }
    }

    /// Takes the token, if there is one.
    pub(super) fn accepts(&mut self, now: Timestamp) -> bool {
        let accepts = self.next().is_some_and(|next| next <= now);
        if accepts {
            self.drain(now);
        }
        accepts
    }

    /// When there is a token; `None` for never.
    pub(super) fn next(&self) -> Option<Timestamp> {
        (self.rate > 0.0).then_some(self.full_at)
    }

    /// Sets another limit. Who waits goes on waiting: a whole period of the new one.
    pub(super) fn swap(&mut self, rate: f64, now: Timestamp) {
        if self.rate.total_cmp(&rate).is_eq() {
            return;
        }
        let waits = !self.accepts(now);
        *self = Self::new(rate);
        if waits {
            self.drain(now);
        }
    }

    fn drain(&mut self, now: Timestamp) {
        let period = Duration::try_from_secs_f64(self.rate.recip()).unwrap_or(Duration::MAX);
        self.full_at = now.checked_add(period).unwrap_or(Timestamp::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::at;

    #[test]
    fn a_token_comes_once_a_period_however_long_nobody_asked() {
        let mut limiter = Limiter::new(0.1);

        let taken: Vec<i64> = (100..150).filter(|second| limiter.accepts(at(*second))).collect();

        assert_eq!(taken, [100, 110, 120, 130, 140]);
    }

    #[test]
    fn a_limit_of_nothing_lets_nothing_happen() {
        let mut limiter = Limiter::new(0.0);

        assert!(!limiter.accepts(at(1_000_000)));
        assert_eq!(limiter.next(), None);
    }

    #[test]
    fn who_waits_when_the_limit_changes_waits_a_whole_period_of_the_new_one() {
        let (mut full, mut stopped) = (Limiter::new(0.1), Limiter::new(0.0));

        full.swap(0.01, at(100));
        stopped.swap(0.1, at(100));

        assert!(full.accepts(at(100)));
        assert_eq!(stopped.next(), Some(at(110)));
    }
}
