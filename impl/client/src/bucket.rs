//! A bucket of tokens: so many may go at once, the others one after the other.
//!
//! Source: golang.org/x/time/rate, as `BucketRateLimiter` of client-go's `workqueue` uses it (v1.36).

use std::time::Duration;

use api::Timestamp;

/// How long it takes until there is another token.
const PERIOD: Duration = Duration::from_millis(100);
/// How long a full bucket would take to fill: it holds a hundred.
const FULL: Duration = Duration::from_secs(10);

/// Ten a second, and a hundred at first.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    /// When it was or will be empty, had it always been filled.
    empty: Timestamp,
}

impl Default for Bucket {
    fn default() -> Self {
        Self { empty: Timestamp::MIN }
    }
}

impl Bucket {
    /// Takes the next token: when that will be there.
    pub fn take(&mut self, now: Timestamp) -> Timestamp {
        self.empty = self.empty.max(now - FULL) + PERIOD;
        self.empty.max(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    #[test]
    fn a_hundred_go_at_once_and_then_ten_a_second() {
        let mut bucket = Bucket::default();

        let first: Vec<_> = (0..100).map(|_| bucket.take(at(0))).collect();
        let next = [bucket.take(at(0)), bucket.take(at(0)), bucket.take(at(150))];
        let much_later: Vec<_> = (0..101).map(|_| bucket.take(at(60_000))).collect();

        assert_eq!(first, [at(0); 100]);
        assert_eq!(next, [at(100), at(200), at(300)]);
        assert_eq!(much_later[..100], [at(60_000); 100]);
        assert_eq!(much_later[100], at(60_100));
    }
}
