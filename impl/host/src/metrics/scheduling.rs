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
    profile: String,
    since: Instant,
    attempts: u32,
    /// When the attempt began that is under way.
    begun: Instant,
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

    /// Hears of a change: a pod waits from when nothing keeps it out.
    pub(crate) fn observe(&mut self, change: &Change) {
        match (&change.new, &change.old) {
            (Some(AnyObject::Pod(pod)), _) if waits(pod) => {
                self.waiting.entry(change.key()).or_insert_with(|| Waiting {
                    profile: profile(pod),
                    since: Instant::now(),
                    attempts: 0,
                    begun: Instant::now(),
                });
            }
            (None, Some(AnyObject::Pod(_))) => {
                self.waiting.remove(&change.key());
            }
            _ => {}
        }
    }

    /// Hears of a decision that was begun then. One that has to ask first is none yet.
    pub(crate) fn decided(&mut self, decision: &Decision, begun: Instant) {
        let Some(waiting) = self.waiting.get_mut(&decision.pod) else { return };
        let schedulers = &self.metrics.shared.schedulers;
        match decision.outcome {
            Choice::Ask => {}
            Choice::Bind { .. } | Choice::Reserve { .. } => {
                waiting.attempts += 1;
                waiting.begun = begun;
                schedulers.algorithm.of([]).observe(begun.elapsed().as_secs_f64());
            }
            Choice::Unschedulable { .. } => {
                waiting.attempts += 1;
                waiting.begun = begun;
                waiting.ends(schedulers, "unschedulable");
            }
            Choice::Failed { .. } => {
                waiting.attempts += 1;
                waiting.begun = begun;
                waiting.ends(schedulers, "error");
            }
        }
    }

    /// Hears what came of a request.
    pub(crate) fn completed(&mut self, pod: &Key, request: &Request, outcome: &Outcome) {
        let schedulers = &self.metrics.shared.schedulers;
        if request.subresource != "binding" {
            return;
        }
        match (self.waiting.remove(pod), outcome) {
            (Some(waiting), Ok(_)) => {
                waiting.ends(schedulers, "scheduled");
                let attempts = waiting.attempts.min(ATTEMPTS_MAX + 1);
                let label = if attempts > ATTEMPTS_MAX {
                    format!("{ATTEMPTS_MAX}+")
                } else {
                    attempts.to_string()
                };
                let took = waiting.since.elapsed().as_secs_f64();
                schedulers.objectives.of([&label]).observe(took);
                schedulers.attempts_of_pods.of([]).observe(f64::from(waiting.attempts));
            }
            (Some(waiting), Err(_)) => {
                waiting.ends(schedulers, "error");
                self.waiting.insert(pod.clone(), waiting);
            }
            (None, _) => {}
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

impl Waiting {
    /// Counts the attempt that is under way.
    fn ends(&self, schedulers: &Schedulers, result: &str) {
        let labels = [self.profile.as_str(), result];
        schedulers.attempts.of(labels).increment();
        schedulers.durations.of(labels).observe(self.begun.elapsed().as_secs_f64());
    }
}

fn waits(pod: &Pod) -> bool {
    let Some(spec) = &pod.spec else { return false };
    let is_gated = spec.scheduling_gates.as_ref().is_some_and(|gates| !gates.is_empty());
    spec.node_name.as_deref().unwrap_or_default().is_empty() && !is_gated
}

fn profile(pod: &Pod) -> String {
    let name = pod.spec.as_ref().and_then(|spec| spec.scheduler_name.clone());
    name.unwrap_or_else(|| "default-scheduler".to_owned())
}
