//! ReplicaSets.
//!
//! Source: `pkg/registry/apps/replicaset/strategy.go` (v1.36).

use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{default, keep};
use super::{meta, pod_template, workload};

const COUNTS: [&str; 2] = ["replicas", "minReadySeconds"];
const STATUS_COUNTS: [&str; 6] = [
    "replicas",
    "fullyLabeledReplicas",
    "readyReplicas",
    "availableReplicas",
    "observedGeneration",
    "terminatingReplicas",
];
const STATUS_PARTS: [&str; 3] = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];

/// Fills in what its author left out.
pub(super) fn apply_defaults(replica_set: &mut Value) {
    let spec = api::object::object_at_mut(replica_set, "spec");
    default(spec, "replicas", 1);
    pod_template::apply_defaults(spec);
}

/// Takes away a status that its author wrote.
pub(super) fn prepare_for_create(replica_set: &mut Value) {
    replica_set["status"] = json!({});
    meta::set_generation(replica_set, 1);
}

/// Keeps the status and counts a change of the spec.
pub(super) fn prepare_for_update(new: &mut Value, old: &Value) {
    keep(new, old, "status");
    meta::count_spec_change(new, old);
}

/// What a new ReplicaSet breaks.
pub(super) fn validate(replica_set: &Value) -> Vec<Cause> {
    workload::validate(replica_set, &COUNTS)
}

/// What an update breaks.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    workload::validate_update(new, old, &COUNTS)
}

/// What an update of the status breaks.
pub(super) fn validate_status_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(workload::status_causes(new, &STATUS_COUNTS, &STATUS_PARTS));
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_set_has_one_replica_unless_it_says_otherwise() {
        assert_eq!(replica_set()["spec"]["replicas"], 1);
        assert_eq!(replica_set()["spec"]["template"]["spec"]["restartPolicy"], "Always");
        assert_eq!(validate(&replica_set()), []);
    }

    #[test]
    fn a_replica_set_says_what_it_breaks() {
        let table = [
            (
                "/spec/replicas",
                json!(-1),
                "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            ),
            ("/spec/selector", Value::Null, "spec.selector: Required value"),
            (
                "/spec/selector",
                json!({}),
                "spec.selector: Invalid value: {}: empty selector is invalid for deployment",
            ),
            (
                "/spec/template/metadata/labels",
                json!({"app": "x"}),
                "spec.template.metadata.labels: Invalid value: {\"app\":\"x\"}: `selector` does not match template `labels`",
            ),
            (
                "/spec/template/spec/restartPolicy",
                json!("Never"),
                "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"",
            ),
        ];
        for (path, value, message) in table {
            let mut replica_set = replica_set();
            *replica_set.pointer_mut(path).unwrap() = value;
            assert_eq!(validate(&replica_set)[0].to_string(), message);
        }
    }

    #[test]
    fn the_selector_stays() {
        let old = replica_set();
        let mut new = old.clone();
        new["spec"]["selector"] = json!({"matchLabels": {"tier": "a"}});
        new["spec"]["template"]["metadata"]["labels"] = json!({"tier": "a"});

        let causes = validate_update(&new, &old);

        assert_eq!(
            causes[0].to_string(),
            "spec.selector: Invalid value: {\"matchLabels\":{\"tier\":\"a\"}}: field is immutable"
        );
    }

    #[test]
    fn only_changes_of_the_spec_are_counted() {
        let mut old = replica_set();
        prepare_for_create(&mut old);
        let mut labelled = old.clone();
        labelled["metadata"]["labels"] = json!({"a": "b"});
        let mut scaled = old.clone();
        scaled["spec"]["replicas"] = json!(3);

        prepare_for_update(&mut labelled, &old);
        prepare_for_update(&mut scaled, &old);

        assert_eq!(labelled["metadata"]["generation"], 1);
        assert_eq!(scaled["metadata"]["generation"], 2);
    }

    #[test]
    fn no_more_replicas_are_ready_than_there_are() {
        let old = replica_set();
        let mut new = old.clone();
        new["status"] = json!({"replicas": 1, "readyReplicas": 2, "availableReplicas": 1});

        let causes = validate_status_update(&new, &old);

        let messages: Vec<String> = causes.iter().map(ToString::to_string).collect();
        assert_eq!(
            messages,
            ["status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"]
        );
    }

    fn replica_set() -> Value {
        let mut replica_set = json!({
            "metadata": {"name": "r", "namespace": "default"},
            "spec": {
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "c", "image": "a"}]},
                },
            },
        });
        apply_defaults(&mut replica_set);
        replica_set
    }
}
