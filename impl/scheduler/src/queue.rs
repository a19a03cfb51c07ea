//! Pods that wait to be scheduled: some now, some after a pause, some until something changes.
//!
//! Source: pkg/scheduler/backend/queue (v1.36). A pod is decided about in one step, so that nothing can happen
//! meanwhile that would have to be kept for it.

#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use api::{Key, Timestamp};

/// How long a pod stays unschedulable if nothing changes.
const UNSCHEDULABLE_MAX_SECONDS: u64 = 5 * 60;

/// Where a pod waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Waits {
    /// It is due, in this order.
    Active(u64),
    /// It is due at this time.
    Backoff(Timestamp),
    /// It is due when something changes; the second time ends its backoff.
    Unschedulable(Timestamp, Timestamp),
    /// It is not due before others have made room for it. The time ends its backoff; `true` once something has
    /// changed that may help.
    Preempting(Timestamp, bool),
    /// It was popped, and nothing has been said of it since.
    InFlight,
}

/// A pod that waits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Its priority.
    pub priority: i32,
    /// How often it was tried.
    pub attempts: u32,
    /// Where.
    pub waits: Waits,
    /// The plugins that were against it; none when there was no node.
    pub rejected_by: BTreeSet<&'static str>,
}

/// How many pods wait where, as upstream's `scheduler_pending_pods` has it (pkg/scheduler/metrics, v1.36).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// They are due.
    pub active: usize,
    /// They are due after a pause.
    pub backoff: usize,
    /// They are kept out, by gates or until others have made room for them.
    pub gated: usize,
    /// They are due when something changes.
    pub unschedulable: usize,
}

/// In which order pods that back off are tried early: by the second in which their backoff ends, then as those that are
/// due.
///
/// Source: `lessBackoffCompletedWithPriority` in backend/queue/backoff_queue.go (v1.36); KEP-5142.
type Early = (i64, Reverse<i32>, Timestamp, Key);

/// The pods that wait, by key.
#[derive(Clone, Debug)]
pub struct Queue {
    initial_backoff: Duration,
    max_backoff: Duration,
    entries: BTreeMap<Key, Entry>,
    active: BTreeSet<(Reverse<i32>, u64, Key)>,
    /// When to look at a pod that waits for a time.
    timers: BTreeSet<(Timestamp, Key)>,
    /// The pods that back off because they did not fit: tried before their time when no other is due.
    early: BTreeSet<Early>,
    /// The pods of which it is being written why they were not scheduled; how often.
    reporting: BTreeMap<Key, usize>,
    unschedulable: BTreeSet<Key>,
    /// Those of them that were kept out.
    gated: BTreeSet<Key>,
    preempting: BTreeSet<Key>,
    added: u64,
}

impl Queue {
    /// A queue where pods wait so long after their first attempt, and at the most.
    pub fn new(initial_backoff: Duration, max_backoff: Duration) -> Self {
        Self {
            initial_backoff,
            max_backoff,
            entries: BTreeMap::new(),
            active: BTreeSet::new(),
            timers: BTreeSet::new(),
            early: BTreeSet::new(),
            reporting: BTreeMap::new(),
            unschedulable: BTreeSet::new(),
            gated: BTreeSet::new(),
            preempting: BTreeSet::new(),
            added: 0,
        }
    }

    /// Adds a new pod, or one that has changed in a way that may help it.
    pub fn add(&mut self, key: &Key, priority: i32) {
        if let Some(Entry { waits: Waits::Preempting(_, has_changed), .. }) =
            self.entries.get_mut(key)
        {
            *has_changed = true;
            return;
        }
        let attempts = self.take_out(key).map_or(0, |entry| entry.attempts);
        let rejected_by = BTreeSet::new();
        self.activate(key, Entry { priority, attempts, waits: Waits::InFlight, rejected_by });
    }

    /// Forgets a pod.
    pub fn remove(&mut self, key: &Key) {
        self.take_out(key);
    }

    /// The next pod that is due: highest priority first, then in the order in which they became due. When none is, one
    /// that backs off, but not because of an error.
    pub fn pop(&mut self, now: Timestamp) -> Option<Key> {
        self.flush(now);
        if self.active.is_empty()
            && let Some((.., key)) = self.early.first().cloned()
            && let Some(entry) = self.take_out(&key)
        {
            self.activate(&key, entry);
        }
        let (_, _, key) = self.active.pop_first()?;
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.attempts = entry.attempts.saturating_add(1);
            entry.waits = Waits::InFlight;
        }
        Some(key)
    }

    /// It is being written why a pod was not scheduled. It is not tried early before that is done: what is said of it
    /// then might be written first.
    pub fn begin_report(&mut self, key: &Key) {
        *self.reporting.entry(key.clone()).or_insert(0) += 1;
        if let Some((entry, until)) = self.backing_off(key) {
            let early = early(key, entry, until);
            self.early.remove(&early);
        }
    }

    /// It was written.
    pub fn end_report(&mut self, key: &Key) {
        if let Some(reports) = self.reporting.get_mut(key) {
            *reports -= 1;
            if *reports == 0 {
                self.reporting.remove(key);
            }
        }
        if let Some((entry, until)) = self.backing_off(key)
            && !entry.rejected_by.is_empty()
            && !self.reporting.contains_key(key)
        {
            let early = early(key, entry, until);
            self.early.insert(early);
        }
    }

    fn backing_off(&self, key: &Key) -> Option<(&Entry, Timestamp)> {
        let entry = self.entries.get(key)?;
        if let Waits::Backoff(until) = entry.waits { Some((entry, until)) } else { None }
    }

    /// Puts back a pod that fits no node. It waits for a change that may help, and for its backoff.
    pub fn add_unschedulable(
        &mut self,
        key: &Key,
        rejected_by: BTreeSet<&'static str>,
        now: Timestamp,
    ) {
        if let Some(entry) = self.take_out(key) {
            let backoff_ends = now + self.backoff(entry.attempts);
            self.wait_for_change(key, Entry { rejected_by, ..entry }, (backoff_ends, now));
        }
    }

    /// Keeps out a pod that a plugin does not want to be looked at. It has not been tried, and is due at once when
    /// something changes that may help.
    pub fn keep_out(&mut self, key: &Key, plugin: &'static str, now: Timestamp) {
        if let Some(entry) = self.take_out(key) {
            let was_popped = u32::from(entry.waits == Waits::InFlight);
            let attempts = entry.attempts.saturating_sub(was_popped);
            let rejected_by = BTreeSet::from([plugin]);
            self.wait_for_change(key, Entry { attempts, rejected_by, ..entry }, (now, now));
            self.gated.insert(key.clone());
        }
    }

    fn wait_for_change(
        &mut self,
        key: &Key,
        mut entry: Entry,
        (backoff_ends, now): (Timestamp, Timestamp),
    ) {
        let gives_up = now + Duration::from_secs(UNSCHEDULABLE_MAX_SECONDS);
        entry.waits = Waits::Unschedulable(gives_up, backoff_ends);
        self.timers.insert((gives_up, key.clone()));
        self.unschedulable.insert(key.clone());
        self.entries.insert(key.clone(), entry);
    }

    /// Lets an unschedulable pod wait until it was said that room is made for it.
    pub fn begin_preemption(&mut self, key: &Key) {
        if let Some(Entry { waits: Waits::Unschedulable(_, backoff_ends), .. }) =
            self.entries.get(key)
        {
            let waits = Waits::Preempting(*backoff_ends, false);
            let entry = self.take_out(key).map(|entry| Entry { waits, ..entry });
            self.entries.extend(entry.map(|entry| (key.clone(), entry)));
            self.preempting.insert(key.clone());
        }
    }

    /// Room was made for a pod: it waits for the change that says so, unless that was heard of already, or making
    /// room has failed.
    pub fn end_preemption(&mut self, key: &Key, has_failed: bool, now: Timestamp) {
        let Some(Entry { waits: Waits::Preempting(backoff_ends, has_changed), .. }) =
            self.entries.get(key)
        else {
            return;
        };
        let (backoff_ends, has_changed) = (*backoff_ends, *has_changed);
        let Some(entry) = self.take_out(key) else { return };
        self.wait_for_change(key, entry, (backoff_ends, now));
        if has_failed || has_changed {
            self.end_waiting(key, now);
        }
    }

    /// Puts back a pod that could not be bound. It waits for its backoff only.
    pub fn add_failed(&mut self, key: &Key, now: Timestamp) {
        if let Some(mut entry) = self.take_out(key) {
            entry.rejected_by.clear();
            let backoff_ends = now + self.backoff(entry.attempts);
            self.back_off(key, entry, backoff_ends);
        }
    }

    /// Something has changed: each unschedulable pod that it may help is due after its backoff. It may help one that
    /// no plugin was against.
    pub fn move_if(
        &mut self,
        now: Timestamp,
        may_help: impl Fn(&Key, &BTreeSet<&'static str>) -> bool,
    ) {
        let is_helped = |key: &&Key| {
            let rejected_by = self.entries.get(*key).map(|entry| &entry.rejected_by);
            rejected_by.is_some_and(|plugins| plugins.is_empty() || may_help(key, plugins))
        };
        let waiting = self.unschedulable.iter().chain(&self.preempting);
        for key in waiting.filter(is_helped).cloned().collect::<Vec<_>>() {
            if let Some(Entry { waits: Waits::Preempting(_, has_changed), .. }) =
                self.entries.get_mut(&key)
            {
                *has_changed = true;
            } else {
                self.end_waiting(&key, now);
            }
        }
    }

    /// When the next pod becomes due without a change; `now` or earlier when one is due.
    pub fn next_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        if !self.active.is_empty() || !self.early.is_empty() {
            return Some(now);
        }
        self.timers.first().map(|(when, _)| *when)
    }

    /// How many pods wait where.
    pub fn pending(&self) -> Pending {
        Pending {
            active: self.active.len(),
            backoff: self.timers.len() - self.unschedulable.len(),
            gated: self.gated.len() + self.preempting.len(),
            unschedulable: self.unschedulable.len() - self.gated.len(),
        }
    }

    /// Whether the pod is known here.
    pub fn contains(&self, key: &Key) -> bool {
        self.entries.contains_key(key)
    }

    /// Every pod, by key; those that are due are numbered in their order.
    pub fn entries(&self) -> BTreeMap<Key, Entry> {
        let mut entries = self.entries.clone();
        for (order, (_, _, key)) in (0..).zip(&self.active) {
            if let Some(entry) = entries.get_mut(key) {
                entry.waits = Waits::Active(order);
            }
        }
        entries
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
            Waits::Unschedulable(..)
            | Waits::Preempting(..)
            | Waits::Backoff(_)
            | Waits::Active(_)
            | Waits::InFlight => self.activate(key, entry),
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
        if !entry.rejected_by.is_empty() && !self.reporting.contains_key(key) {
            self.early.insert(early(key, &entry, until));
        }
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
                self.early.remove(&early(key, &entry, when));
            }
            Waits::Unschedulable(when, _) => {
                self.timers.remove(&(when, key.clone()));
                self.unschedulable.remove(key);
                self.gated.remove(key);
            }
            Waits::Preempting(..) => {
                self.preempting.remove(key);
            }
            Waits::InFlight => {}
        }
        Some(entry)
    }

    /// Twice as long after each further attempt.
    fn backoff(&self, attempts: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
        self.initial_backoff.saturating_mul(doubled).min(self.max_backoff)
    }
}

fn early(key: &Key, entry: &Entry, until: Timestamp) -> Early {
    (until.as_second(), Reverse(entry.priority), until, key.clone())
}
