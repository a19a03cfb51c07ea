//! The rows of kinds that say who may do what, how much of it, and by what means.

use api::Timestamp;
use api::object::{at, text};
use serde_json::{Value, json};

use super::{age, duration, int, items, or_none};

/// The cells of a RoleBinding or ClusterRoleBinding.
pub(super) fn binding(object: &Value, now: Timestamp) -> Vec<Value> {
    let role = |field: &str| text(object, &["roleRef", field]);
    let subjects = |kind: &str| {
        let subjects = items(object, &["subjects"]).iter();
        let named = subjects.filter(|subject| text(subject, &["kind"]) == kind).map(subject_name);
        json!(named.collect::<Vec<_>>().join(", "))
    };
    vec![
        json!(text(object, &["metadata", "name"])),
        json!(format!("{}/{}", role("kind"), role("name"))),
        json!(age(object, now)),
        subjects("User"),
        subjects("Group"),
        subjects("ServiceAccount"),
    ]
}

fn subject_name(subject: &Value) -> String {
    let name = text(subject, &["name"]);
    match text(subject, &["kind"]) {
        "ServiceAccount" => format!("{}/{name}", text(subject, &["namespace"])),
        _ => name.to_owned(),
    }
}

/// The cells of a PriorityClass.
pub(super) fn priority_class(object: &Value, now: Timestamp) -> Vec<Value> {
    let global_default = at(object, &["globalDefault"]).and_then(Value::as_bool);
    vec![
        json!(text(object, &["metadata", "name"])),
        json!(int(object, &["value"])),
        json!(global_default.unwrap_or(false)),
        json!(age(object, now)),
        json!(text(object, &["preemptionPolicy"])),
    ]
}

/// The cells of a ResourceQuota.
pub(super) fn resource_quota(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        json!(text(object, &["metadata", "name"])),
        json!(used_of_hard(object, false)),
        json!(used_of_hard(object, true)),
        json!(age(object, now)),
    ]
}

/// Each resource with what is used of it and what may be.
fn used_of_hard(quota: &Value, of_limits: bool) -> String {
    let hard = at(quota, &["status", "hard"]).and_then(Value::as_object);
    let mut resources: Vec<_> = hard.into_iter().flatten().collect();
    resources.sort_by_key(|(resource, _)| *resource);
    let resources = resources
        .into_iter()
        .filter(|(resource, _)| resource.starts_with("limits.") == of_limits)
        .map(|(resource, hard)| {
            let used = match text(quota, &["status", "used", resource]) {
                "" => "0",
                used => used,
            };
            format!("{resource}: {used}/{}", hard.as_str().unwrap_or_default())
        });
    resources.collect::<Vec<_>>().join(", ")
}

/// The cells of a RuntimeClass.
pub(super) fn runtime_class(object: &Value, now: Timestamp) -> Vec<Value> {
    vec![
        json!(text(object, &["metadata", "name"])),
        json!(text(object, &["handler"])),
        json!(age(object, now)),
    ]
}

/// The cells of a CertificateSigningRequest.
pub(super) fn certificate_signing_request(object: &Value, now: Timestamp) -> Vec<Value> {
    let spec = |field: &str| text(object, &["spec", field]);
    let expiration = at(object, &["spec", "expirationSeconds"]).and_then(Value::as_i64);
    vec![
        json!(text(object, &["metadata", "name"])),
        json!(age(object, now)),
        json!(or_none(spec("signerName"))),
        json!(spec("username")),
        json!(expiration.map_or_else(|| "<none>".to_owned(), duration::human)),
        json!(request_state(object)),
    ]
}

/// What was decided, and what came of it.
fn request_state(request: &Value) -> String {
    let conditions = items(request, &["status", "conditions"]);
    let has = |kind: &str| conditions.iter().any(|condition| text(condition, &["type"]) == kind);
    let decision = match (has("Denied"), has("Approved")) {
        (true, _) => "Denied",
        (false, true) => "Approved",
        (false, false) => "Pending",
    };
    let failed = if has("Failed") { ",Failed" } else { "" };
    let is_issued = !text(request, &["status", "certificate"]).is_empty();
    let issued = if is_issued { ",Issued" } else { "" };
    format!("{decision}{failed}{issued}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_binding_shows_its_subjects_by_kind() {
        let binding_object = json!({
            "metadata": {"name": "b"}, "roleRef": {"kind": "ClusterRole", "name": "view"},
            "subjects": [
                {"kind": "User", "name": "u"}, {"kind": "User", "name": "v"},
                {"kind": "ServiceAccount", "name": "s", "namespace": "n"},
            ],
        });

        let cells = binding(&binding_object, now());

        assert_eq!(json!(cells), json!(["b", "ClusterRole/view", "<unknown>", "u, v", "", "n/s"]));
    }

    #[test]
    fn a_priority_class_shows_its_value() {
        let class = json!({
            "metadata": {"name": "p", "creationTimestamp": "2026-01-01T00:00:00Z"}, "value": 10,
            "preemptionPolicy": "Never",
        });

        assert_eq!(json!(priority_class(&class, now())), json!(["p", 10, false, "60m", "Never"]));
    }

    #[test]
    fn a_quota_shows_requests_and_limits_apart() {
        let quota = json!({
            "metadata": {"name": "q"},
            "status": {
                "hard": {"pods": "4", "limits.cpu": "2", "cpu": "1"},
                "used": {"pods": "1", "limits.cpu": "500m"},
            },
        });

        let cells = resource_quota(&quota, now());

        let expected = json!(["q", "cpu: 0/1, pods: 1/4", "limits.cpu: 500m/2", "<unknown>"]);
        assert_eq!(json!(cells), expected);
    }

    #[test]
    fn a_runtime_class_shows_its_handler() {
        let class = json!({"metadata": {"name": "c"}, "handler": "runc"});

        assert_eq!(json!(runtime_class(&class, now())), json!(["c", "runc", "<unknown>"]));
    }

    #[test]
    fn a_request_shows_what_came_of_it() {
        let conditions =
            |kinds: &[&str]| -> Value { kinds.iter().map(|kind| json!({"type": kind})).collect() };
        let mut request = json!({
            "metadata": {"name": "r"},
            "spec": {"signerName": "a.b/c", "username": "alice", "expirationSeconds": 3600},
            "status": {"certificate": "eA==", "conditions": conditions(&["Approved"])},
        });

        assert_eq!(
            json!(certificate_signing_request(&request, now())),
            json!(["r", "<unknown>", "a.b/c", "alice", "60m", "Approved,Issued"])
        );
        request["status"] = json!({"conditions": conditions(&["Approved", "Denied", "Failed"])});
        assert_eq!(request_state(&request), "Denied,Failed");
        assert_eq!(request_state(&json!({})), "Pending");
    }

    fn now() -> Timestamp {
        "2026-01-01T01:00:00Z".parse().unwrap()
    }
}
