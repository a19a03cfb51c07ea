//! How a scheduler says that a pod is not scheduled.

use api::{Key, Request, Timestamp, resources};
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

/// The longest note that an event may carry.
const NOTE_LENGTH_MAX: usize = 1024;

/// What becomes of `status.nominatedNodeName` of a pod that is not scheduled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Nominating {
    /// It stays as it is.
    Keep,
    /// It names this node, where others make room.
    To(String),
    /// It names none.
    Nowhere,
}

/// The request that sets the PodScheduled condition and nominates the pod, if it does not say so already.
pub(super) fn not_scheduled(
    pod: &Pod,
    told: (&str, &str),
    (nominating, now): (&Nominating, Timestamp),
) -> Option<Request> {
    let mut status = json!({});
    if let Some(condition) = condition(pod, told, now) {
        status["conditions"] = json!([condition]);
    }
    let old = pod.status.as_ref().and_then(|status| status.nominated_node_name.as_deref());
    match (nominating, old.unwrap_or_default()) {
        (Nominating::To(node), old) if node != old => status["nominatedNodeName"] = json!(node),
        (Nominating::Nowhere, old) if !old.is_empty() => status["nominatedNodeName"] = Value::Null,
        (Nominating::Keep | Nominating::To(_) | Nominating::Nowhere, _) => {}
    }
    (status != json!({})).then(|| patch_status(pod, status))
}

/// The request that nominates a pod to a node, if its status does not say so already.
pub(super) fn nominate(pod: &Pod, node: &str) -> Option<Request> {
    let old = pod.status.as_ref().and_then(|status| status.nominated_node_name.as_deref());
    (old != Some(node)).then(|| patch_status(pod, json!({"nominatedNodeName": node})))
}

/// The request that nominates a pod nowhere.
pub(super) fn clear_nomination(pod: &Pod) -> Request {
    patch_status(pod, json!({"nominatedNodeName": null}))
}

/// The request that merges this into the status of a pod.
pub(super) fn patch_status(pod: &Pod, status: Value) -> Request {
    let uid = pod.metadata.uid.as_deref().unwrap_or_default();
    let patch = json!({"metadata": {"uid": uid}, "status": status});
    let key = Key::of(&pod.metadata);
    Request::strategic_merge_patch(&resources::PODS, key, patch).to_subresource("status")
}

/// The PodScheduled condition, if the pod does not have it already.
fn condition(pod: &Pod, (reason, message): (&str, &str), now: Timestamp) -> Option<Value> {
    let mut conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let old = conditions.find(|condition| condition.type_ == "PodScheduled");
    let mut since = api::time::text(now);
    if let Some(old) = old.filter(|old| old.status == "False") {
        if old.reason.as_deref() == Some(reason) && old.message.as_deref() == Some(message) {
            return None;
        }
        if let Some(time) = &old.last_transition_time {
            since = api::time::text(time.0);
        }
    }
    Some(json!({
        "type": "PodScheduled", "status": "False", "reason": reason, "message": message,
        "lastTransitionTime": since, "observedGeneration": pod.metadata.generation,
    }))
}

/// The message, cut to what an event may carry. Source: truncateMessage.
pub(super) fn truncated(message: &str) -> String {
    if message.len() <= NOTE_LENGTH_MAX {
        return message.to_owned();
    }
    let suffix = " ...";
    let mut end = NOTE_LENGTH_MAX - suffix.len();
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{suffix}", &message[..end])
}
