//! How many requests are answered at once.
//!
//! Source: apiserver/pkg/server/filters/maxinflight.go (v1.36), where a gauge has the most that there were in the last
//! second: requests take less time than passes between two looks at it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Instant;

use super::text::{Kind, Text};

/// Requests of both kinds.
#[derive(Debug)]
pub(crate) struct InFlight {
    since: Instant,
    mutating: Most,
    read_only: Most,
}

impl Default for InFlight {
    fn default() -> Self {
        Self { since: Instant::now(), mutating: Most::default(), read_only: Most::default() }
    }
}

impl InFlight {
    fn most(&self, is_mutating: bool) -> &Most {
        if is_mutating { &self.mutating } else { &self.read_only }
    }

    pub(crate) fn enter(&self, is_mutating: bool) {
        self.most(is_mutating).enter(self.since.elapsed().as_secs());
    }

    pub(crate) fn leave(&self, is_mutating: bool) {
        self.most(is_mutating).now.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn write(&self, text: &mut Text) {
        let name = "apiserver_current_inflight_requests";
        text.family(
            name,
            Kind::Gauge,
            "The most requests that were being answered at once in the last second.",
        );
        let second = self.since.elapsed().as_secs();
        for (kind, most) in [("mutating", &self.mutating), ("readOnly", &self.read_only)] {
            text.sample(name, &[("request_kind", kind)], most.at(second));
        }
    }
}

/// How many there are, and the most that there were in a second.
#[derive(Debug, Default)]
struct Most {
    now: AtomicI64,
    /// The second, and the most in it, which has the lower half.
    most: AtomicU64,
}

impl Most {
    fn enter(&self, second: u64) {
        let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
        let now = (second << 32) | u64::try_from(now).unwrap_or_default().min(u64::from(u32::MAX));
        self.most.fetch_max(now, Ordering::Relaxed);
    }

    /// The most in this second and the one before, and not less than there are now.
    fn at(&self, second: u64) -> u64 {
        let most = self.most.load(Ordering::Relaxed);
        let now = u64::try_from(self.now.load(Ordering::Relaxed)).unwrap_or_default();
        let is_recent = (most >> 32) + 1 >= second;
        if is_recent { now.max(most & u64::from(u32::MAX)) } else { now }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_seen_for_a_second_and_then_forgotten() {
        let most = Most::default();
        (0..3).for_each(|_| most.enter(7));
        most.now.fetch_sub(2, Ordering::Relaxed);

        assert_eq!([most.at(7), most.at(8), most.at(9)], [3, 3, 1]);

        most.enter(9);
        assert_eq!(most.at(9), 2, "a later second begins anew");
    }
}
