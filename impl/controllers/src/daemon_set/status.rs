//! What a DaemonSet says of its pods.
//!
//! Source: updateDaemonSetStatus in pkg/controller/daemon/daemon_controller.go (v1.36).

use api::{Request, Timestamp};
use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetStatus};
use k8s_openapi::api::core::v1::Pod;

use super::by_node::Nodes;
use crate::pods;

/// The request that writes the status, if it is another. The generation is only observed by a whole pass.
pub(super) fn update(nodes: &Nodes<'_>, is_whole: bool) -> Option<Request> {
    let daemon_set = nodes.daemon_set;
    let before = daemon_set.status.clone().unwrap_or_default();
    let mut status = counted(nodes, before.clone());
    if is_whole {
        status.observed_generation = daemon_set.metadata.generation;
    }
    let is_new = daemon_set.status.is_none() || status != before;
    is_new
        .then(|| Request::update_status(&DaemonSet { status: Some(status), ..daemon_set.clone() }))
}

/// When the next pod that is ready becomes available.
pub(super) fn next_available(nodes: &Nodes<'_>) -> Option<Timestamp> {
    let pods = nodes.pods.values().flatten();
    pods.filter_map(|pod| nodes.available_at(pod)).filter(|when| *when > nodes.now).min()
}

fn counted(nodes: &Nodes<'_>, before: DaemonSetStatus) -> DaemonSetStatus {
    let running = nodes.fits.keys().filter(|node| nodes.runs_on(node));
    let first: Vec<&Pod> =
        running.filter_map(|node| nodes.on(node).first().map(AsRef::as_ref)).collect();
    let count =
        |holds: &dyn Fn(&Pod) -> bool| number(first.iter().filter(|pod| holds(pod)).count());
    let available = count(&|pod| pods::is_ready(pod) && nodes.is_available(pod));
    let desired = number(nodes.desired());
    let misscheduled = nodes.fits.keys().filter(|node| !nodes.runs_on(node));
    let misscheduled = misscheduled.filter(|node| !nodes.on(node).is_empty()).count();
    DaemonSetStatus {
        current_number_scheduled: number(first.len()),
        number_misscheduled: number(misscheduled),
        desired_number_scheduled: desired,
        number_ready: count(&|pod| pods::is_ready(pod)),
        updated_number_scheduled: some(count(&|pod| nodes.is_updated(pod))),
        number_available: some(available),
        number_unavailable: some(desired - available),
        ..before
    }
}

fn number(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Kubernetes leaves out numbers that are zero.
fn some(number: i32) -> Option<i32> {
    (number != 0).then_some(number)
}
