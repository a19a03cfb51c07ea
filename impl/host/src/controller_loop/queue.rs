//! A work queue that counts what goes through it.

use std::collections::BTreeMap;
use std::time::Instant;

use api::{Key, Timestamp};
use client::WorkQueue;
use controllers::Controller;

use crate::metrics::{Metrics, QueueMetrics};

/// The queue of one controller.
pub(super) struct Queue {
    queue: WorkQueue,
    metrics: QueueMetrics,
    /// Since when keys are due.
    since: BTreeMap<Key, Instant>,
}

impl Queue {
    /// An empty one.
    pub(super) fn new(controller: &dyn Controller, metrics: &Metrics) -> Self {
        Self {
            queue: WorkQueue::new(controller.backoff()),
            metrics: metrics.queue(queue_name(controller.name())),
            since: BTreeMap::new(),
        }
    }

    pub(super) fn add(&mut self, key: Key) {
        if self.queue.add(key.clone()) {
            self.metrics.adds.increment();
            self.since.insert(key, Instant::now());
            self.tell_depth();
        }
    }

    pub(super) fn add_after(&mut self, key: Key, when: Timestamp) {
        self.metrics.retries.increment();
        self.queue.add_after(key, when);
    }

    pub(super) fn add_rate_limited(&mut self, key: Key, now: Timestamp) {
        if self.queue.add_rate_limited(key, now) {
            self.metrics.retries.increment();
        }
    }

    pub(super) fn forget(&mut self, key: &Key) {
        self.queue.forget(key);
    }

    pub(super) fn pop(&mut self, now: Timestamp) -> Option<Key> {
        while let Some(key) = self.queue.take_waiting(now) {
            self.add(key);
        }
        let key = self.queue.pop(now)?;
        if let Some(since) = self.since.remove(&key) {
            self.metrics.waits.observe(since.elapsed().as_secs_f64());
        }
        self.metrics.begins(&key);
        self.tell_depth();
        Some(key)
    }

    pub(super) fn done(&mut self, key: &Key) {
        self.metrics.ends(key);
        self.queue.done(key);
        self.tell_depth();
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.queue.next_deadline()
    }

    fn tell_depth(&self) {
        self.metrics.depth.set(i64::try_from(self.queue.depth()).unwrap_or(i64::MAX));
    }
}

/// How upstream calls the queue of a controller (v1.36); where it has several, or none, ours has the controller's name.
fn queue_name(controller: &'static str) -> &'static str {
    match controller {
        "clusterrole-aggregation-controller" => "ClusterRoleAggregator",
        "cronjob-controller" => "cronjob",
        "daemonset-controller" => "daemonset",
        "deployment-controller" => "deployment",
        "endpoints-controller" => "endpoint",
        "endpointslice-controller" => "endpoint_slice",
        "endpointslice-mirroring-controller" => "endpoint_slice_mirroring",
        "ephemeral-volume-controller" => "ephemeral_volume",
        "horizontal-pod-autoscaler-controller" => "horizontalpodautoscaler",
        "namespace-controller" => "namespace",
        "persistentvolume-expander-controller" => "volume_expand",
        "persistentvolume-protection-controller" => "pvprotection",
        "persistentvolumeclaim-protection-controller" => "pvcprotection",
        "replicaset-controller" => "replicaset",
        "replicationcontroller-controller" => "replicationmanager",
        "resourcequota-controller" => "resourcequota_primary",
        "root-ca-certificate-publisher-controller" => "root_ca_cert_publisher",
        "service-lb-controller" => "service",
        "serviceaccount-controller" => "serviceaccount",
        "statefulset-controller" => "statefulset",
        "ttl-after-finished-controller" => "ttl_jobs_to_delete",
        "ttl-controller" => "ttlcontroller",
        "volumeattributesclass-protection-controller" => "vacprotection",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use etcd::{Etcd, Storage};

    use super::*;
    use crate::metrics::Format;

    #[test]
    fn keys_are_counted_when_they_come_and_when_they_go() {
        let metrics = Metrics::default();
        let mut controllers = controllers::all(&controllers::Config::default());
        controllers.retain(|controller| controller.name() == "deployment-controller");
        let mut queue = Queue::new(&*controllers[0], &metrics);
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::Embedded(Etcd::open(folder.path()).unwrap());
        let (a, b) = (Key::cluster("a"), Key::cluster("b"));
        let now = Timestamp::UNIX_EPOCH;

        queue.add(a.clone());
        queue.add(a.clone());
        queue.add_after(b, now);
        assert_eq!(queue.pop(now), Some(a.clone()));
        let meanwhile = metrics.text(&storage, Format::Plain);
        queue.done(&a);
        let afterwards = metrics.text(&storage, Format::Plain);

        let told = |text: &str, name: &str| {
            let start = format!("workqueue_{name}{{name=\"deployment\"}} ");
            let line = text.lines().find_map(|line| line.strip_prefix(&start));
            line.map(|value| value.parse::<f64>().unwrap())
        };
        for (name, then, later) in [
            ("adds_total", 2.0, 2.0),
            ("depth", 1.0, 1.0),
            ("retries_total", 1.0, 1.0),
            ("queue_duration_seconds_count", 1.0, 1.0),
            ("work_duration_seconds_count", 0.0, 1.0),
        ] {
            assert_eq!(told(&meanwhile, name), Some(then), "{name}");
            assert_eq!(told(&afterwards, name), Some(later), "{name} later");
        }
        assert!(told(&meanwhile, "unfinished_work_seconds") > Some(0.0));
        assert!(told(&meanwhile, "longest_running_processor_seconds") > Some(0.0));
        assert_eq!(told(&afterwards, "unfinished_work_seconds"), Some(0.0));
    }
}
