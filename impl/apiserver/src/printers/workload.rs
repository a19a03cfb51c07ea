//! Rows of workloads.
//!
//! Source: `pkg/printers/internalversion/printers.go` (v1.36).

use api::object::at;
use api::selector::Selector;
use serde_json::{Value, json};

use super::{int, labels, of_containers, or_none};

pub(super) fn daemon_set(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let count = |field: &str| json!(int(object, &["status", field]));
    vec![
        name,
        count("desiredNumberScheduled"),
        count("currentNumberScheduled"),
        count("numberReady"),
        count("updatedNumberScheduled"),
        count("numberAvailable"),
        json!(or_none(&labels(at(object, &["spec", "template", "spec", "nodeSelector"])))),
        age,
        json!(of_containers(object, "name")),
        json!(of_containers(object, "image")),
        json!(selector(at(object, &["spec", "selector"]))),
    ]
}

pub(super) fn stateful_set(object: &Value, name: Value, age: Value) -> Vec<Value> {
    let ready = int(object, &["status", "readyReplicas"]);
    let desired = int(object, &["spec", "replicas"]);
    vec![
        name,
        json!(format!("{ready}/{desired}")),
        age,
        json!(of_containers(object, "name")),
        json!(of_containers(object, "image")),
    ]
}

fn selector(selector: Option<&Value>) -> String {
    let selector = Selector::from_value(selector);
    selector.map_or_else(|_| "<error>".to_owned(), |selector| or_none(&selector.to_string()))
}

#[cfg(test)]
mod tests {
    use api::{ApiResource, Timestamp, resources};

    use super::*;
    use crate::printers::cells;

    #[test]
    fn a_daemon_set_counts_nodes() {
        let daemon_set = json!({
            "spec": {
                "selector": {"matchLabels": {"app": "web"}},
                "template": {"spec": {
                    "nodeSelector": {"disk": "ssd"}, "containers": [{"name": "a", "image": "x"}],
                }},
            },
            "status": {
                "desiredNumberScheduled": 5, "currentNumberScheduled": 4, "numberReady": 3,
                "updatedNumberScheduled": 2, "numberAvailable": 1,
            },
        });

        check(
            &resources::DAEMON_SETS,
            daemon_set,
            json!(["o", 5, 4, 3, 2, 1, "disk=ssd", "60m", "a", "x", "app=web"]),
        );
    }

    #[test]
    fn a_stateful_set_counts_ready_pods() {
        let stateful_set = json!({
            "spec": {"replicas": 3, "template": {"spec": {"containers": [
                {"name": "a", "image": "x"}, {"name": "b", "image": "y"},
            ]}}},
            "status": {"readyReplicas": 2},
        });

        check(&resources::STATEFUL_SETS, stateful_set, json!(["o", "2/3", "60m", "a,b", "x,y"]));
    }

    fn check(resource: &ApiResource, mut object: Value, expected: Value) {
        object["metadata"]["name"] = json!("o");
        object["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        let now: Timestamp = "2026-01-01T01:00:00Z".parse().unwrap();

        assert_eq!(Value::Array(cells(resource, &object, now)), expected);
    }
}
