//! What a scheduler counts of its attempts.
//!
//! Source: pkg/scheduler/metrics/metrics.go (v1.36).

use std::collections::BTreeMap;
use std::time::Instant;

use api::{AnyObject, Key, Request};
use client::{Change, Outcome};
use k8s_openapi::api::core::v1::Pod;
use scheduler::{Choice, Decision, Pending};

use super::Metrics;
use super::buckets;
use super::family::Family;
use super::number::{Counter, Gauge, Histogram};
use super::text::Text;

/// From how many attempts on they are not told apart. Source: `getAttemptsLabel` in schedule_one.go (v1.36).
const ATTEMPTS_MAX: u32 = 15;

/// What is counted of all schedulers.
#[derive(Debug)]
pub(crate) struct Schedulers {
    attempts: Family<2, Counter>,
    durations: Family<2, Histogram>,
    algorithm: Family<0, Histogram>,
    objectives: Family<1, Histogram>,
    attempts_of_pods: Family<0, Histogram>,
    pending: Family<1, Gauge>,
}

impl Default for Schedulers {
    fn default() -> Self {
        let attempt = || Histogram::new(&buckets::FROM_A_MILLISECOND);
        let labels = ["profile", "result"];
        Self {
            attempts: Family::new(
                "scheduler_schedule_attempts_total",
                "Attempts to schedule a pod.",
                labels,
                Counter::default,
            ),
            durations: Family::new(
                "scheduler_scheduling_attempt_duration_seconds",
                "How long attempts took up to the answer to the binding, in seconds.",
                labels,
                attempt,
            ),
            algorithm: Family::new(
                "scheduler_scheduling_algorithm_duration_seconds",
                "How long it took to find a node, where there was one, in seconds.",
                [],
                attempt,
            ),
            objectives: Family::new(
                "scheduler_pod_scheduling_sli_duration_seconds",
                "From a pod's coming until it was bound, in seconds, by the attempts that it took.",
                ["attempts"],
                || Histogram::new(&buckets::FROM_TEN_MILLISECONDS),
            ),
            attempts_of_pods: Family::new(
                "scheduler_pod_scheduling_attempts",
                "Attempts that it took until a pod was bound.",
                [],
                || Histogram::new(&buckets::ATTEMPTS),
            ),
            pending: Family::new(
                "scheduler_pending_pods",
                "Pods that wait, by where they do.",
                ["queue"],
                Gauge::default,
            ),
        }
    }
}

impl Schedulers {
    /// Writes all of it.
    pub(crate) fn write(&self, text: &mut Text) {
        self.attempts.write(text);
        self.durations.write(text);
        self.algorithm.write(text);
        self.objectives.write(text);
        self.attempts_of_pods.write(text);
        self.pending.write(text);
    }
}

/// A pod that is not bound yet.
struct Waiting {
    uid: String,
    profile: String,
    since: Instant,
    attempts: u32,
    /// When the attempt began that is under way, if one is.
    begun: Option<Instant>,
}

/// What is counted of one scheduler.
pub(crate) struct Scheduling {
    metrics: Metrics,
    waiting: BTreeMap<Key, Waiting>,
}

impl Scheduling {
    /// Of one that has heard of nothing.
    pub(crate) fn new(metrics: Metrics) -> Self {
        Self { metrics, waiting: BTreeMap::new() }
    }

    /// Hears of a change: a pod waits from when nothing keeps it out. One that an extender binds is bound when it is
    /// seen with its node.
    pub(crate) fn observe(&mut self, change: &Change) {
        match (&change.new, &change.old) {
            (Some(AnyObject::Pod(pod)), _) if waits(pod) => {
                let waiting = self.waiting.entry(change.key()).or_insert_with(|| Waiting::of(pod));
                if Some(&waiting.uid) != pod.metadata.uid.as_ref() {
                    *waiting = Waiting::of(pod);
                }
            }
            (Some(AnyObject::Pod(pod)), _) => {
                let waited = self.waiting.remove(&change.key());
                if let Some(mut waiting) = waited.filter(|_| has_node(pod)) {
                    waiting.is_bound(&self.metrics.shared.schedulers);
                }
            }
            (None, Some(AnyObject::Pod(_))) => {
                self.waiting.remove(&change.key());
            }
            _ => {}
        }
    }

    /// Hears of a decision that was begun then. One that has to ask first is none yet, and one after a reservation
    /// belongs to the same attempt.
    pub(crate) fn decided(&mut self, decision: &Decision, begun: Instant) {
        let Some(waiting) = self.waiting.get_mut(&decision.pod) else { return };
        let schedulers = &self.metrics.shared.schedulers;
        let is_new = waiting.begun.is_none();
        match decision.outcome {
            Choice::Ask => {}
            Choice::Bind { .. } | Choice::Reserve { .. } => {
                waiting.tries(begun);
                if is_new {
                    schedulers.algorithm.of([]).observe(begun.elapsed().as_secs_f64());
                }
            }
            Choice::Unschedulable { .. } => {
                waiting.tries(begun);
                waiting.ends(schedulers, "unschedulable");
            }
            Choice::Failed { .. } => {
                waiting.tries(begun);
                waiting.ends(schedulers, "error");
            }
        }
    }

    /// Hears what came of a request.
    pub(crate) fn completed(&mut self, pod: &Key, request: &Request, outcome: &Outcome) {
        if request.subresource != "binding" {
            return;
        }
        let schedulers = &self.metrics.shared.schedulers;
        match (outcome, self.waiting.get_mut(pod)) {
            (Ok(_), Some(waiting)) => {
                waiting.is_bound(schedulers);
                self.waiting.remove(pod);
            }
            (Err(_), Some(waiting)) => waiting.ends(schedulers, "error"),
            (_, None) => {}
        }
    }

    /// Hears how many pods wait.
    pub(crate) fn pending(&self, pending: Pending) {
        let family = &self.metrics.shared.schedulers.pending;
        let Pending { active, backoff, gated, unschedulable } = pending;
        for (queue, count) in [
            ("active", active),
            ("backoff", backoff),
            ("gated", gated),
            ("unschedulable", unschedulable),
        ] {
            family.of([queue]).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }
}

/// Who has stopped keeps nobody waiting.
impl Drop for Scheduling {
    fn drop(&mut self) {
        self.pending(Pending::default());
    }
}

impl Waiting {
    fn of(pod: &Pod) -> Self {
        Self {
            uid: pod.metadata.uid.clone().unwrap_or_default(),
            profile: profile(pod),
            since: Instant::now(),
            attempts: 0,
            begun: None,
        }
    }

    /// An attempt is under way, if none was.
    fn tries(&mut self, begun: Instant) {
        if self.begun.is_none() {
            self.begun = Some(begun);
            self.attempts += 1;
        }
    }

    /// Counts the attempt that is under way, if one is.
    fn ends(&mut self, schedulers: &Schedulers, result: &str) {
        let Some(begun) = self.begun.take() else { return };
        let labels = [self.profile.as_str(), result];
        schedulers.attempts.of(labels).increment();
        schedulers.durations.of(labels).observe(begun.elapsed().as_secs_f64());
    }

    /// Counts the pod, if this scheduler has bound it.
    fn is_bound(&mut self, schedulers: &Schedulers) {
        if self.begun.is_none() {
            return;
        }
        self.ends(schedulers, "scheduled");
        let label = match self.attempts {
            attempts if attempts > ATTEMPTS_MAX => format!("{ATTEMPTS_MAX}+"),
            attempts => attempts.to_string(),
        };
        schedulers.objectives.of([&label]).observe(self.since.elapsed().as_secs_f64());
        schedulers.attempts_of_pods.of([]).observe(f64::from(self.attempts));
    }
}

fn waits(pod: &Pod) -> bool {
    let gates = pod.spec.as_ref().and_then(|spec| spec.scheduling_gates.as_ref());
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    let has_ended = matches!(phase, Some("Succeeded" | "Failed"));
    !has_node(pod) && !has_ended && gates.is_none_or(Vec::is_empty)
}

fn has_node(pod: &Pod) -> bool {
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
    node.is_some_and(|node| !node.is_empty())
}

fn profile(pod: &Pod) -> String {
    let name = pod.spec.as_ref().and_then(|spec| spec.scheduler_name.clone());
    name.unwrap_or_else(|| "default-scheduler".to_owned())
}

#[cfg(test)]
mod tests;
