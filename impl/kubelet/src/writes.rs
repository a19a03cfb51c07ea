//! What of a pod's status is written: only what changed, only what a kubelet owns.
//!
//! Source: `syncPod` and `mergePodStatus` of `pkg/kubelet/status/status_manager.go` (v1.36).

use std::time::Duration;

use api::{Key, Request, Timestamp, resources};
use client::Outcome;
use k8s_openapi::api::core::v1::{Pod, PodStatus};
use serde_json::{Map, Value, json};

use crate::conditions;
use crate::status::is_terminal;

const OWN: [&str; 14] = [
    "conditions",
    "containerStatuses",
    "ephemeralContainerStatuses",
    "hostIP",
    "hostIPs",
    "initContainerStatuses",
    "message",
    "observedGeneration",
    "phase",
    "podIP",
    "podIPs",
    "qosClass",
    "reason",
    "startTime",
];

/// How soon a refused write is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How soon a status that somebody else has changed is written again; upstream's sync period.
const RECONCILE: Duration = Duration::from_secs(10);

/// The writes of one pod's status, one at a time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writes {
    in_flight: bool,
    /// What was written last, and the revision that this became.
    sent: Option<Value>,
    acknowledged: u64,
    retry_at: Option<Timestamp>,
    reconcile_at: Option<Timestamp>,
    /// Whether the API server has another status than was written, and it is too early to write it again.
    waits: bool,
}

impl Writes {
    /// The request that makes the API server's status equal to `status`, if it is not and may be made now.
    pub(crate) fn request(
        &mut self,
        pod: &Pod,
        status: &PodStatus,
        now: Timestamp,
    ) -> Option<Request> {
        if self.in_flight || self.retry_at.is_some_and(|retry_at| now < retry_at) {
            return None;
        }
        let new = serde_json::to_value(status).expect("a status is JSON");
        let seen =
            serde_json::to_value(pod.status.clone().unwrap_or_default()).expect("a status is JSON");
        let repeats = self.sent.as_ref() == Some(&new);
        let old = match &self.sent {
            Some(sent) if revision(pod) < self.acknowledged => sent,
            Some(_) | None => &seen,
        };
        self.waits = false;
        let patch = patch(old, &new)?;
        if repeats && self.reconcile_at.is_some_and(|reconcile_at| now < reconcile_at) {
            self.waits = true;
            return None;
        }
        let mut metadata = json!({"uid": pod.metadata.uid});
        if ends(old, &new) {
            // A phase that is final is written once: not by a kubelet that has not read of it yet. Upstream
            // reads the pod before it writes.
            let known = revision(pod).max(self.acknowledged);
            metadata["resourceVersion"] = json!(known.to_string());
        }
        let body = json!({"metadata": metadata, "status": patch});
        self.in_flight = true;
        self.retry_at = None;
        self.reconcile_at = Some(now + RECONCILE);
        self.sent = Some(new);
        let key = Key::of(&pod.metadata);
        Some(Request::strategic_merge_patch(&resources::PODS, key, body).to_subresource("status"))
    }

    /// Notes an answer.
    pub(crate) fn answered(&mut self, outcome: &Outcome, now: Timestamp) {
        self.in_flight = false;
        match outcome {
            Ok(object) => {
                let version = api::object::text(object, &["metadata", "resourceVersion"]);
                self.acknowledged = version.parse().unwrap_or(self.acknowledged);
            }
            Err(_) => {
                self.sent = None;
                self.retry_at = Some(now + RETRY);
            }
        }
    }

    /// Whether everything that was sent has been answered.
    pub(crate) fn is_settled(&self) -> bool {
        !self.in_flight
    }

    /// When to look again.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let reconcile_at = self.reconcile_at.filter(|_| self.waits);
        [self.retry_at, reconcile_at].into_iter().flatten().min()
    }
}

/// Whether a pod that could still run is one that never will again.
fn ends(old: &Value, new: &Value) -> bool {
    !is_terminal(old["phase"].as_str()) && is_terminal(new["phase"].as_str())
}

fn revision(pod: &Pod) -> u64 {
    pod.metadata.resource_version.as_deref().and_then(|version| version.parse().ok()).unwrap_or(0)
}

/// A strategic merge patch from one status to the other, if they differ.
fn patch(old: &Value, new: &Value) -> Option<Value> {
    let mut patch = Map::new();
    for field in OWN {
        let (old, new) = (&old[field], &new[field]);
        if old == new {
            continue;
        }
        let change = match field {
            "conditions" => changed_conditions(old, new),
            "podIPs" | "hostIPs" => replaced_items(old, new, "ip"),
            _ => new.clone(),
        };
        if change != json!([]) {
            patch.insert(field.to_owned(), change);
        }
    }
    (!patch.is_empty()).then_some(Value::Object(patch))
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The conditions that have changed, and the removal of those of the kubelet that are true no more.
fn changed_conditions(old: &Value, new: &Value) -> Value {
    let is_gone = |old: &&Value| {
        let type_ = &old["type"];
        let is_own = type_.as_str().is_some_and(conditions::is_own);
        is_own && !items(new).iter().any(|new| new["type"] == *type_)
    };
    let gone = items(old).iter().filter(is_gone);
    let gone = gone.map(|old| json!({"$patch": "delete", "type": old["type"]}));
    items(&changed_items(old, new, "type")).iter().cloned().chain(gone).collect()
}

/// The items that are not in the old list as they are; fields that an item has lost are removed.
fn changed_items(old: &Value, new: &Value, key: &str) -> Value {
    let changed = items(new).iter().filter(|item| !items(old).contains(item)).map(|item| {
        let mut item = item.clone();
        let before = items(old).iter().find(|before| before[key] == item[key]);
        for lost in before.and_then(Value::as_object).into_iter().flatten().map(|(field, _)| field)
        {
            if item.get(lost).is_none() {
                item[lost.as_str()] = Value::Null;
            }
        }
        item
    });
    Value::Array(changed.collect())
}

/// The new items, and the removal of the old ones.
fn replaced_items(old: &Value, new: &Value, key: &str) -> Value {
    let gone =
        items(old).iter().filter(|item| !items(new).iter().any(|other| other[key] == item[key]));
    let gone = gone.map(|item| json!({"$patch": "delete", key: item[key]}));
    Value::Array(items(new).iter().cloned().chain(gone).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_somebody_else_has_changed_is_written_again_in_time() {
        let pod = |phase: &str, version: &str| -> Pod {
            let metadata = json!({"name": "p", "uid": "u", "resourceVersion": version});
            serde_json::from_value(json!({"metadata": metadata, "status": {"phase": phase}}))
                .unwrap()
        };
        let status = PodStatus { phase: Some("Running".to_owned()), ..PodStatus::default() };
        let begin = Timestamp::UNIX_EPOCH;
        let mut writes = Writes::default();
        writes.request(&pod("Pending", "1"), &status, begin).unwrap();
        writes.answered(&Ok(json!({"metadata": {"resourceVersion": "2"}})), begin);

        let early = writes.request(&pod("Pending", "3"), &status, begin);
        let when = writes.next_deadline().unwrap();
        let late = writes.request(&pod("Pending", "3"), &status, when);

        assert_eq!((early, when), (None, begin + RECONCILE));
        assert_eq!(late.unwrap().body.unwrap()["status"], json!({"phase": "Running"}));
        assert_eq!(writes.next_deadline(), None);
    }

    #[test]
    fn only_the_write_that_ends_a_pod_is_for_what_was_read() {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": {"name": "p", "uid": "u", "resourceVersion": "7"}, "status": {"phase": "Running"},
        }))
        .unwrap();
        let request = |phase: &str, reason: &str| {
            let status = json!({"phase": phase, "reason": reason});
            let status: PodStatus = serde_json::from_value(status).unwrap();
            let request = Writes::default().request(&pod, &status, Timestamp::UNIX_EPOCH).unwrap();
            request.body.unwrap()["metadata"].clone()
        };

        assert_eq!(request("Succeeded", ""), json!({"uid": "u", "resourceVersion": "7"}));
        assert_eq!(request("Running", "Other"), json!({"uid": "u"}));
    }

    #[test]
    fn a_patch_holds_only_what_changed() {
        let old = json!({"phase": "Pending", "hostIP": "10.0.0.1", "reason": "x", "nominatedNodeName": "n",
            "conditions": [{"type": "A", "status": "True"}, {"type": "B", "status": "False", "reason": "r"}]});
        let new = json!({"phase": "Running", "hostIP": "10.0.0.1",
            "conditions": [{"type": "A", "status": "True"}, {"type": "B", "status": "True"}]});

        let found = patch(&old, &new);

        let expected = json!({"phase": "Running", "reason": null,
            "conditions": [{"type": "B", "status": "True", "reason": null}]});
        assert_eq!(found, Some(expected));
    }

    #[test]
    fn a_condition_of_the_kubelet_that_is_true_no_more_is_removed() {
        let old = json!({"conditions": [{"type": "PodResizePending"}, {"type": "Theirs"}]});

        let found = patch(&old, &json!({"conditions": []}));

        let expected = json!([{"$patch": "delete", "type": "PodResizePending"}]);
        assert_eq!(found, Some(json!({"conditions": expected})));
    }

    #[test]
    fn an_address_that_changed_replaces_the_old_one() {
        let (old, new) = (json!({"podIPs": [{"ip": "1"}]}), json!({"podIPs": [{"ip": "2"}]}));

        let found = patch(&old, &new);

        assert_eq!(found, Some(json!({"podIPs": [{"ip": "2"}, {"$patch": "delete", "ip": "1"}]})));
    }
}
