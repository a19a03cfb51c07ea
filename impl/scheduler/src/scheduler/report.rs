//! How a scheduler says that a pod is not scheduled.

use std::collections::BTreeMap;

use api::{Key, Request, Timestamp, resources};
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use crate::framework::{Verdict, fit_error, post_filter_message, pre_filter_error};
use crate::node_info::PodInfo;

/// The longest note that an event may carry.
const NOTE_LENGTH_MAX: usize = 1024;

/// `everywhere` is why it can run nowhere, if that was known before any node was looked at.
pub(super) fn unschedulable_message(
    pod: &PodInfo,
    verdicts: &BTreeMap<String, Verdict>,
    everywhere: Option<&str>,
) -> String {
    if verdicts.is_empty() {
        return "no nodes available to schedule pods".to_owned();
    }
    let fit_error = match everywhere {
        Some(why) => pre_filter_error(verdicts.len(), why),
        None => fit_error(verdicts.len(), verdicts.values()),
    };
    let preemption = post_filter_message(pod, (verdicts.len(), verdicts.values()));
    format!("{fit_error} {preemption}")
}

/// The request that sets the PodScheduled condition, if it does not say so already.
pub(super) fn not_scheduled(
    pod: &Pod,
    (reason, message): (&str, &str),
    now: Timestamp,
) -> Option<Request> {
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
    let condition = json!({
        "type": "PodScheduled", "status": "False", "reason": reason, "message": message,
        "lastTransitionTime": since,
    });
    let uid = pod.metadata.uid.as_deref().unwrap_or_default();
    let patch = json!({"metadata": {"uid": uid}, "status": {"conditions": [condition]}});
    let key = Key::of(&pod.metadata);
    Some(Request::strategic_merge_patch(&resources::PODS, key, patch).to_subresource("status"))
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
