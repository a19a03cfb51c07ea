//! What the Job controller makes of the caches it reads: pure functions of what they show.

use super::objects::{Condition, Job, Objects, PODS, Pod, Set, Uncounted};
use super::{BACKOFF_LIMIT, COMPLETIONS, PARALLELISM};

/// What one sync sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    /// The Job in its cache.
    pub(super) job: Job,
    /// The objects in its caches.
    pub(super) objects: Objects,
    /// Pods whose finalizer it knows to be removed, whatever the cache shows.
    pub(super) expected_removals: Set,
}

impl View {
    /// Its Pods that still have the tracking finalizer.
    fn tracked(&self) -> impl Iterator<Item = (usize, Pod)> {
        let removed = self.expected_removals;
        self.objects.pods_of_job().filter(move |(number, pod)| pod.finalizer && !removed[*number])
    }

    fn active(&self) -> impl Iterator<Item = (usize, Pod)> {
        self.objects.pods_of_job().filter(|(_, pod)| pod.is_active())
    }

    /// How many Pods have ended so, counted or not.
    fn total(&self, kind: Uncounted) -> u8 {
        let counted = match kind {
            Uncounted::Succeeded => self.job.succeeded,
            Uncounted::Failed => self.job.failed,
            Uncounted::No => 0,
        };
        let waiting = self.job.uncounted.iter().filter(|uncounted| **uncounted == kind).count();
        let new = self.tracked().filter(|(number, pod)| {
            self.job.uncounted[*number] == Uncounted::No && pod.ended() == kind
        });
        counted + (waiting + new.count()) as u8
    }

    fn has_failed(&self, backoff_limit: u8) -> bool {
        self.total(Uncounted::Failed) > backoff_limit
    }

    /// Whether a Pod is missing.
    pub(super) fn wants_pod(&self) -> bool {
        let left = COMPLETIONS.saturating_sub(self.total(Uncounted::Succeeded));
        let wanted = left.min(PARALLELISM) as usize;
        let runs = !self.has_failed(BACKOFF_LIMIT) && self.job.condition == Condition::None;
        runs && self.active().count() < wanted
    }

    /// A Pod that is to be deleted since the Job has failed.
    pub(super) fn unwanted_pod(&self) -> Option<u8> {
        let (number, _) = self.active().next().filter(|_| self.has_failed(BACKOFF_LIMIT))?;
        Some(number as u8)
    }

    /// The ended Pods whose finalizer is to be removed.
    pub(super) fn ended_pods(&self) -> Set {
        self.tracked().filter(|(_, pod)| !pod.is_active()).fold([false; PODS], |mut set, (n, _)| {
            set[n] = true;
            set
        })
    }

    /// The status that is to be written: what has no finalizer any more is counted, and what has
    /// ended waits to be.
    pub(super) fn status(&self) -> Job {
        if self.job.condition != Condition::None {
            return self.job;
        }
        let mut released = [true; PODS];
        self.tracked().for_each(|(number, _)| released[number] = false);
        let mut job = counted(self.job, released);
        for (number, pod) in self.tracked() {
            if job.uncounted[number] == Uncounted::No {
                job.uncounted[number] = pod.ended();
            }
        }
        let over = job.waiting() == 0 && self.active().next().is_none();
        if over { Job { condition: condition(&job), ..job } } else { job }
    }
}

/// How a Job that has counted so many ends.
pub(super) fn condition(job: &Job) -> Condition {
    if job.failed > BACKOFF_LIMIT {
        Condition::Failed
    } else if job.succeeded >= COMPLETIONS {
        Condition::Complete
    } else {
        Condition::None
    }
}

/// The Job once these Pods have moved from `uncountedTerminatedPods` to the counters.
pub(super) fn counted(mut job: Job, released: Set) -> Job {
    for (uncounted, _) in job.uncounted.iter_mut().zip(released).filter(|(_, gone)| *gone) {
        match std::mem::replace(uncounted, Uncounted::No) {
            Uncounted::No => {}
            Uncounted::Succeeded => job.succeeded += 1,
            Uncounted::Failed => job.failed += 1,
        }
    }
    job
}
