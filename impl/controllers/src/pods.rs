//! What controllers read out of a pod.

use std::sync::Arc;

use api::{Key, Kind, Request, Timestamp, resources};
use client::View;
use k8s_openapi::api::core::v1::{Pod, PodCondition, PodSpec, PodStatus};
use serde_json::{Value, json};

use crate::ownership::uid;

/// The pod's phase, empty before there is one.
pub(crate) fn phase(pod: &Pod) -> &str {
    status(pod).and_then(|status| status.phase.as_deref()).unwrap_or_default()
}

/// The node that the pod is bound to, empty when there is none.
pub(crate) fn node_name(pod: &Pod) -> &str {
    spec(pod).and_then(|spec| spec.node_name.as_deref()).unwrap_or_default()
}

/// Whether the pod has finished: none of its containers will run again.
pub(crate) fn is_finished(pod: &Pod) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

/// Whether the pod is being deleted.
pub(crate) fn is_terminating(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// Whether the pod counts as a replica.
pub(crate) fn is_active(pod: &Pod) -> bool {
    !is_finished(pod) && !is_terminating(pod)
}

/// Whether the pod's Ready condition is true.
pub(crate) fn is_ready(pod: &Pod) -> bool {
    condition(pod, "Ready").is_some_and(|ready| ready.status == "True")
}

/// Since when the pod is ready; `None` when it is not, or does not say.
pub(crate) fn ready_since(pod: &Pod) -> Option<Timestamp> {
    let ready = condition(pod, "Ready").filter(|ready| ready.status == "True")?;
    ready.last_transition_time.as_ref().map(|time| time.0)
}

/// The pod's condition of this type.
pub(crate) fn condition<'a>(pod: &'a Pod, type_: &str) -> Option<&'a PodCondition> {
    let conditions = status(pod)?.conditions.as_ref()?;
    conditions.iter().find(|condition| condition.type_ == type_)
}

/// The pods that an owner manages, and those that it might adopt.
pub(crate) fn claimable<K: Kind>(view: &View, owner: &K) -> Vec<Arc<Pod>> {
    let namespace = owner.metadata().namespace.as_deref().unwrap_or_default();
    view.pods_of(owner.metadata()).chain(view.orphan_pods(namespace)).cloned().collect()
}

/// Changes some of the pod's status, if it still is that pod.
pub(crate) fn patch_status(pod: &Pod, status: Value) -> Request {
    let patch = json!({"metadata": {"uid": uid(&pod.metadata)}, "status": status});
    Request::strategic_merge_patch(&resources::PODS, Key::of(&pod.metadata), patch)
        .to_subresource("status")
}

/// Deletes the pod, if it still is that pod.
pub(crate) fn delete(pod: &Pod, options: Value) -> Request {
    Request::delete(&resources::PODS, Key::of(&pod.metadata), uid(&pod.metadata), options)
}

fn spec(pod: &Pod) -> Option<&PodSpec> {
    pod.spec.as_ref()
}

fn status(pod: &Pod) -> Option<&PodStatus> {
    pod.status.as_ref()
}
