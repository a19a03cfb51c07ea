//! The pods of a DaemonSet by the node that they run on, or are meant for.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::Timestamp;
use client::View;
use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetSpec};
use k8s_openapi::api::core::v1::{Node, Pod};

use super::placement::{self, Fit};
use super::template;
use crate::ownership::name;
use crate::{after_seconds, pods};

/// What a pass decides on.
pub(super) struct Nodes<'a> {
    pub(super) daemon_set: &'a DaemonSet,
    pub(super) spec: &'a DaemonSetSpec,
    /// The hash of the template.
    pub(super) hash: String,
    /// The nodes there are, and what each is to the DaemonSet.
    pub(super) fits: BTreeMap<String, Fit>,
    /// The pods, the oldest first. A node without any is not there.
    pub(super) pods: BTreeMap<String, Vec<Arc<Pod>>>,
    pub(super) now: Timestamp,
}

impl<'a> Nodes<'a> {
    /// What there is of a DaemonSet. Finished pods that are going are left out: others see to them.
    pub(super) fn new(
        view: &View,
        (daemon_set, spec): (&'a DaemonSet, &'a DaemonSetSpec),
        (hash, owned): (String, &[Arc<Pod>]),
        now: Timestamp,
    ) -> Self {
        let pod_spec = template::pod_spec(spec);
        let fit =
            |node: &Arc<Node>| (name(&node.metadata).to_owned(), placement::fit(&pod_spec, node));
        let mut by_node: BTreeMap<String, Vec<Arc<Pod>>> = BTreeMap::new();
        for pod in owned.iter().filter(|pod| !(pods::is_finished(pod) && pods::is_terminating(pod)))
        {
            if let Some(node) = template::target_node(pod) {
                by_node.entry(node.to_owned()).or_default().push(Arc::clone(pod));
            }
        }
        by_node
            .values_mut()
            .for_each(|pods| pods.sort_by(|left, right| rank(left).cmp(&rank(right))));
        let fits = view.nodes.iter().map(fit).collect();
        Self { daemon_set, spec, hash, fits, pods: by_node, now }
    }

    /// The pods of a node.
    pub(super) fn on(&self, node: &str) -> &[Arc<Pod>] {
        self.pods.get(node).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a node is to have a pod.
    pub(super) fn runs_on(&self, node: &str) -> bool {
        self.fits.get(node) == Some(&Fit::Runs)
    }

    /// How many nodes are to have a pod.
    pub(super) fn desired(&self) -> usize {
        self.fits.values().filter(|fit| **fit == Fit::Runs).count()
    }

    /// Whether a pod is of the template as it is now.
    pub(super) fn is_updated(&self, pod: &Pod) -> bool {
        template::is_updated(self.daemon_set, &self.hash, pod)
    }

    /// Whether a pod has been ready for long enough.
    pub(super) fn is_available(&self, pod: &Pod) -> bool {
        self.available_at(pod).is_some_and(|when| when <= self.now)
    }

    /// From when on a pod that is ready counts as available.
    pub(super) fn available_at(&self, pod: &Pod) -> Option<Timestamp> {
        match self.spec.min_ready_seconds.unwrap_or(0) {
            0 => pods::is_ready(pod).then_some(Timestamp::MIN),
            seconds => pods::ready_since(pod).map(|since| after_seconds(since, seconds.into())),
        }
    }
}

/// Pods that are bound first, then by age and name.
fn rank(pod: &Pod) -> (bool, Option<Timestamp>, &str) {
    let created = pod.metadata.creation_timestamp.as_ref().map(|time| time.0);
    (pods::node_name(pod).is_empty(), created, name(&pod.metadata))
}
