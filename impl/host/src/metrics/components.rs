//! What controllers and schedulers count of their queues, their requests and their elections.
//!
//! Source: component-base/metrics/prometheus/workqueue, restclient and clientgo/leaderelection, and client-go's
//! util/workqueue/metrics.go (v1.36).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use api::Key;

use super::buckets;
use super::family::Family;
use super::number::{Counter, Gauge, Histogram};
use super::text::{Kind, Text};

/// What is counted of components.
#[derive(Debug)]
pub(crate) struct Components {
    adds: Family<1, Counter>,
    depths: Family<1, Gauge>,
    waits: Family<1, Histogram>,
    works: Family<1, Histogram>,
    retries: Family<1, Counter>,
    queues: RwLock<BTreeMap<String, Arc<Working>>>,
    pub(super) requests: Family<3, Counter>,
    pub(super) request_durations: Family<2, Histogram>,
    pub(super) leaders: Family<1, Gauge>,
}

/// The keys that are worked on, and since when.
type Working = Mutex<BTreeMap<Key, Instant>>;

impl Default for Components {
    fn default() -> Self {
        let queues = || Histogram::new(&buckets::QUEUES);
        let name = ["name"];
        Self {
            adds: Family::new(
                "workqueue_adds_total",
                "Keys that became due.",
                name,
                Counter::default,
            ),
            depths: Family::new("workqueue_depth", "Keys that are due.", name, Gauge::default),
            waits: Family::new(
                "workqueue_queue_duration_seconds",
                "How long keys were due before they were worked on, in seconds.",
                name,
                queues,
            ),
            works: Family::new(
                "workqueue_work_duration_seconds",
                "How long keys were worked on, in seconds.",
                name,
                queues,
            ),
            retries: Family::new(
                "workqueue_retries_total",
                "Keys that were put off to a later time.",
                name,
                Counter::default,
            ),
            queues: RwLock::default(),
            requests: Family::new(
                "rest_client_requests_total",
                "Requests of components to their API server.",
                ["code", "host", "method"],
                Counter::default,
            ),
            request_durations: Family::new(
                "rest_client_request_duration_seconds",
                "How long API servers took to answer components, in seconds.",
                ["host", "verb"],
                || Histogram::new(&buckets::CLIENTS),
            ),
            leaders: Family::new(
                "leader_election_master_status",
                "1 for a component that leads here, 0 for one that waits.",
                name,
                Gauge::default,
            ),
        }
    }
}

impl Components {
    /// What is counted of the queue of this name. Who starts anew works on nothing yet.
    pub(super) fn queue(&self, name: &str) -> QueueMetrics {
        let working = Arc::<Working>::default();
        let mut queues = self.queues.write().unwrap_or_else(PoisonError::into_inner);
        queues.insert(name.to_owned(), Arc::clone(&working));
        let depth = self.depths.of([name]);
        depth.set(0);
        QueueMetrics {
            adds: self.adds.of([name]),
            depth,
            waits: self.waits.of([name]),
            works: self.works.of([name]),
            retries: self.retries.of([name]),
            working,
        }
    }

    /// Writes all of it.
    pub(crate) fn write(&self, text: &mut Text) {
        self.adds.write(text);
        self.depths.write(text);
        self.waits.write(text);
        self.works.write(text);
        self.retries.write(text);
        self.write_working(text);
        self.requests.write(text);
        self.request_durations.write(text);
        self.leaders.write(text);
    }

    fn write_working(&self, text: &mut Text) {
        let queues = self.queues.read().unwrap_or_else(PoisonError::into_inner);
        let since: Vec<(&String, Vec<f64>)> = queues
            .iter()
            .map(|(name, working)| {
                let working = working.lock().unwrap_or_else(PoisonError::into_inner);
                (name, working.values().map(|since| since.elapsed().as_secs_f64()).collect())
            })
            .collect();
        if since.is_empty() {
            return;
        }
        let name = "workqueue_unfinished_work_seconds";
        text.family(
            name,
            Kind::Gauge,
            "How long all keys that are worked on have been, in seconds.",
        );
        for (queue, seconds) in &since {
            text.sample(name, &[("name", queue)], seconds.iter().sum::<f64>());
        }
        let name = "workqueue_longest_running_processor_seconds";
        text.family(name, Kind::Gauge, "How long the oldest of them has been, in seconds.");
        for (queue, seconds) in &since {
            let longest = seconds.iter().copied().fold(0.0, f64::max);
            text.sample(name, &[("name", queue)], longest);
        }
    }
}

/// What is counted of one queue.
#[derive(Debug)]
pub(crate) struct QueueMetrics {
    pub(crate) adds: Arc<Counter>,
    pub(crate) depth: Arc<Gauge>,
    pub(crate) waits: Arc<Histogram>,
    works: Arc<Histogram>,
    pub(crate) retries: Arc<Counter>,
    working: Arc<Working>,
}

/// Who had the queue does not work any more.
impl Drop for QueueMetrics {
    fn drop(&mut self) {
        self.working.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.depth.set(0);
    }
}

impl QueueMetrics {
    /// A key is worked on.
    pub(crate) fn begins(&self, key: &Key) {
        let mut working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        working.insert(key.clone(), Instant::now());
    }

    /// It is not any more.
    pub(crate) fn ends(&self, key: &Key) {
        let mut working = self.working.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = working.remove(key) {
            self.works.observe(since.elapsed().as_secs_f64());
        }
    }
}
