//! The rows of kinds that say who may do what, and how much of it.

use api::Timestamp;
use api::object::{at, text};
use serde_json::{Value, json};

use super::{age, int, items};

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

    fn now() -> Timestamp {
        "2026-01-01T01:00:00Z".parse().unwrap()
    }
}
