//! When leases end, and when it is time to note how much is left of them. Reads no clock.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use store::LeaseId;

/// How often it is noted how much is left of a lease. Source: etcd's `lease.defaultLeaseCheckpointInterval`.
pub(crate) const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// The longest that is reckoned with: clocks cannot count as far as a lease may be granted.
const TTL_MAX: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// The deadlines of all leases.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deadlines {
    leases: BTreeMap<LeaseId, Deadline>,
    /// When there is something to do for each lease.
    times: BTreeSet<(Instant, LeaseId)>,
}

#[derive(Clone, Copy, Debug)]
struct Deadline {
    ends: Instant,
    /// When to note how much is left, if it ends later than that.
    checkpoint: Instant,
}

/// What is to be done at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Due {
    /// These leases have ended.
    pub(crate) ended: Vec<LeaseId>,
    /// So many seconds are left of these, which is to be noted.
    pub(crate) checkpoints: Vec<(LeaseId, i64)>,
}

impl Deadlines {
    /// A lease ends after so many seconds from now on.
    pub(crate) fn set(&mut self, lease: LeaseId, seconds: i64, now: Instant) {
        self.remove(lease);
        let ttl = Duration::from_secs(seconds.max(0).unsigned_abs()).min(TTL_MAX);
        let deadline = Deadline { ends: now + ttl, checkpoint: now + CHECKPOINT_INTERVAL };
        self.times.insert((deadline.next(), lease));
        self.leases.insert(lease, deadline);
    }

    /// Begins the time of a lease anew, if it has not ended. Whether it has not.
    pub(crate) fn renew(&mut self, lease: LeaseId, seconds: i64, now: Instant) -> bool {
        let is_alive = self.left(lease, now).is_some();
        if is_alive {
            self.set(lease, seconds, now);
        }
        is_alive
    }

    /// A lease is revoked.
    pub(crate) fn remove(&mut self, lease: LeaseId) {
        if let Some(deadline) = self.leases.remove(&lease) {
            self.times.remove(&(deadline.next(), lease));
        }
    }

    /// How much is left of a lease; nothing if it has ended.
    pub(crate) fn left(&self, lease: LeaseId, now: Instant) -> Option<Duration> {
        let left = self.leases.get(&lease)?.ends.saturating_duration_since(now);
        (left > Duration::ZERO).then_some(left)
    }

    /// All leases, the one that ends first before the others.
    pub(crate) fn by_end(&self) -> Vec<LeaseId> {
        let mut leases: Vec<_> = self.leases.iter().collect();
        leases.sort_by_key(|(_, deadline)| deadline.ends);
        leases.into_iter().map(|(lease, _)| *lease).collect()
    }

    /// When there is something to do next.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.times.first().map(|(time, _)| *time)
    }

    /// What is to be done now. Checkpoints are told of once, ends until the lease is removed.
    pub(crate) fn due(&mut self, now: Instant) -> Due {
        let times = self.times.iter().take_while(|(time, _)| *time <= now);
        let leases: Vec<LeaseId> = times.map(|(_, lease)| *lease).collect();
        let mut due = Due::default();
        for lease in leases {
            let Some(deadline) = self.leases.get_mut(&lease) else { continue };
            if deadline.ends <= now {
                due.ended.push(lease);
                continue;
            }
            self.times.remove(&(deadline.next(), lease));
            deadline.checkpoint = now + CHECKPOINT_INTERVAL;
            self.times.insert((deadline.next(), lease));
            let left = deadline.ends.saturating_duration_since(now).as_secs();
            due.checkpoints.push((lease, left.cast_signed()));
        }
        due
    }
}

impl Deadline {
    fn next(&self) -> Instant {
        self.ends.min(self.checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: LeaseId = LeaseId(7);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_lease_ends_when_its_time_is_over_and_not_before() {
        let (mut deadlines, start) = (Deadlines::default(), Instant::now());
        deadlines.set(LEASE, 10, start);

        assert_eq!(deadlines.next(), Some(start + seconds(10)));
        assert_eq!(deadlines.due(start + seconds(9)), Due::default());
        assert_eq!(deadlines.left(LEASE, start + seconds(9)), Some(seconds(1)));
        assert_eq!(deadlines.due(start + seconds(10)).ended, [LEASE]);
        assert_eq!(deadlines.left(LEASE, start + seconds(10)), None);
    }

    #[test]
    fn a_lease_that_is_kept_alive_begins_anew() {
        let (mut deadlines, start) = (Deadlines::default(), Instant::now());
        deadlines.set(LEASE, 10, start);

        assert!(deadlines.renew(LEASE, 10, start + seconds(9)));

        assert_eq!(deadlines.due(start + seconds(18)), Due::default());
        assert_eq!(deadlines.due(start + seconds(19)).ended, [LEASE]);
        assert!(!deadlines.renew(LEASE, 10, start + seconds(19)));
        assert_eq!(deadlines.due(start + seconds(19)).ended, [LEASE]);
    }

    #[test]
    fn what_is_left_of_a_long_lease_is_noted_every_five_minutes() {
        let (mut deadlines, start) = (Deadlines::default(), Instant::now());
        deadlines.set(LEASE, 700, start);

        let noted =
            |deadlines: &mut Deadlines, after| deadlines.due(start + seconds(after)).checkpoints;

        assert_eq!(deadlines.next(), Some(start + seconds(300)));
        assert_eq!(noted(&mut deadlines, 300), [(LEASE, 400)]);
        assert_eq!(noted(&mut deadlines, 301), []);
        assert_eq!(noted(&mut deadlines, 600), [(LEASE, 100)]);
        assert_eq!(deadlines.next(), Some(start + seconds(700)));
    }

    #[test]
    fn leases_are_told_by_when_they_end() {
        let (mut deadlines, start) = (Deadlines::default(), Instant::now());
        deadlines.set(LeaseId(1), 30, start);
        deadlines.set(LeaseId(2), 10, start);
        deadlines.set(LeaseId(3), i64::MAX, start);

        assert_eq!(deadlines.by_end(), [LeaseId(2), LeaseId(1), LeaseId(3)]);
    }
}
