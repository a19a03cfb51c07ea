//! Which pods nodes lack, and which are too many.
//!
//! Source: podsShouldBeOnNode and getUnscheduledPodsWithoutNode in pkg/controller/daemon/daemon_controller.go
//! (v1.36).

use std::sync::Arc;

use api::Timestamp;
use client::event::Note;
use k8s_openapi::api::core::v1::Pod;

use super::backoff::Backoff;
use super::by_node::Nodes;
use super::placement::Fit;
use super::rolling_update;
use super::template::HASH;
use crate::ownership::{labels, name};
use crate::pods;

/// Pods to create and to delete.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Changes {
    /// The nodes that get a pod.
    pub(super) create: Vec<String>,
    pub(super) delete: Vec<Arc<Pod>>,
    pub(super) notes: Vec<Note>,
    /// When a failed pod may go.
    pub(super) look_again: Option<Timestamp>,
}

/// What each node lacks and has too much of.
pub(super) fn manage(nodes: &Nodes<'_>, backoff: &mut Backoff) -> Changes {
    let mut changes = Changes::default();
    let allows_surge = rolling_update::surge(nodes.spec, 1) > 0;
    for (node, fit) in &nodes.fits {
        let pods = nodes.on(node);
        match fit {
            Fit::Runs if pods.is_empty() => changes.create.push(node.clone()),
            Fit::Runs | Fit::Keeps => {
                let running = running(nodes, (node, &mut *backoff), &mut changes);
                if allows_surge {
                    surge(nodes, (node, running), &mut changes);
                } else {
                    changes.delete.extend(running.into_iter().skip(1));
                }
            }
            Fit::Never => {
                let alive = pods.iter().filter(|pod| !pods::is_terminating(pod));
                changes.delete.extend(alive.cloned());
            }
        }
    }
    changes.delete.extend(lost(nodes));
    changes
}

/// The pods of a node that have not finished. Those that have are to go, the failed ones later each time.
fn running(
    nodes: &Nodes<'_>,
    (node, backoff): (&str, &mut Backoff),
    changes: &mut Changes,
) -> Vec<Arc<Pod>> {
    let mut running = vec![];
    for pod in nodes.on(node).iter().filter(|pod| !pods::is_terminating(pod)) {
        match pods::phase(pod) {
            "Failed" => failed(nodes, (node, pod, &mut *backoff), changes),
            "Succeeded" => {
                let note =
                    Note::normal("SucceededDaemonPod", found("succeeded", pod, node, "delete"));
                changes.notes.push(note);
                changes.delete.push(Arc::clone(pod));
            }
            _ => running.push(Arc::clone(pod)),
        }
    }
    running
}

fn failed(
    nodes: &Nodes<'_>,
    (node, pod, backoff): (&str, &Arc<Pod>, &mut Backoff),
    changes: &mut Changes,
) {
    let status = nodes.daemon_set.status.as_ref();
    let generation = status.and_then(|status| status.observed_generation).unwrap_or(0);
    let key = (generation, node.to_owned());
    if let Some(end) = backoff.ends_at(&key, nodes.now) {
        changes.look_again = Some(changes.look_again.map_or(end, |earlier| earlier.min(end)));
        return;
    }
    backoff.count(key, nodes.now);
    changes.notes.push(Note::warning("FailedDaemonPod", found("failed", pod, node, "kill")));
    changes.delete.push(Arc::clone(pod));
}

fn found(how: &str, pod: &Pod, node: &str, what: &str) -> String {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let name = name(&pod.metadata);
    format!("Found {how} daemon pod {namespace}/{name} on node {node}, will try to {what} it")
}

/// A node may have two pods while the new one is not available and the old one is ready.
fn surge(nodes: &Nodes<'_>, (node, running): (&str, Vec<Arc<Pod>>), changes: &mut Changes) {
    if running.is_empty() && nodes.runs_on(node) {
        changes.create.push(node.to_owned());
    }
    if running.len() <= 1 {
        return;
    }
    let has_hash = |pod: &Arc<Pod>| labels(&pod.metadata).get(HASH) == Some(&nodes.hash);
    let (new, old): (Vec<_>, Vec<_>) = running.into_iter().partition(has_hash);
    if let ([new, ..], [old, ..]) = (new.as_slice(), old.as_slice())
        && (!pods::is_ready(old) || nodes.is_available(new))
    {
        changes.delete.push(Arc::clone(old));
    }
    changes.delete.extend(new.into_iter().skip(1).chain(old.into_iter().skip(1)));
}

/// Pods that are meant for nodes that are not there. Nobody binds them, and nobody else deletes them.
fn lost(nodes: &Nodes<'_>) -> Vec<Arc<Pod>> {
    let of_no_node = nodes.pods.iter().filter(|(node, _)| !nodes.fits.contains_key(*node));
    let pods = of_no_node.flat_map(|(_, pods)| pods);
    pods.filter(|pod| pods::node_name(pod).is_empty()).cloned().collect()
}
