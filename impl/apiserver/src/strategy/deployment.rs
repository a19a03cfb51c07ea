//! Deployments.
//!
//! Source: `pkg/registry/apps/deployment/strategy.go` and `ValidateDeploymentSpec` (v1.36).

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{default, get, int, keep, keep_metadata, made, or_null, same};
use super::{int_or_percent, meta, pod_template, workload};

const COUNTS: [&str; 4] =
    ["replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"];
const STATUS_COUNTS: [&str; 8] = [
    "observedGeneration",
    "replicas",
    "updatedReplicas",
    "readyReplicas",
    "availableReplicas",
    "unavailableReplicas",
    "terminatingReplicas",
    "collisionCount",
];
const STATUS_PARTS: [&str; 3] = ["updatedReplicas", "readyReplicas", "availableReplicas"];

/// Fills in what its author left out.
pub(super) fn apply_defaults(deployment: &mut Value) {
    let spec = api::object::object_at_mut(deployment, "spec");
    default(spec, "replicas", 1);
    default(spec, "revisionHistoryLimit", 10);
    default(spec, "progressDeadlineSeconds", 600);
    let strategy = made(spec, "strategy");
    default(strategy, "type", "RollingUpdate");
    if strategy.get("type").and_then(Value::as_str) == Some("RollingUpdate") {
        let rolling_update = made(strategy, "rollingUpdate");
        default(rolling_update, "maxUnavailable", "25%");
        default(rolling_update, "maxSurge", "25%");
    }
    pod_template::apply_defaults(spec);
}

/// Takes away a status that its author wrote.
pub(super) fn prepare_for_create(deployment: &mut Value) {
    deployment["status"] = json!({});
    meta::set_generation(deployment, 1);
}

/// Keeps the status and counts a change of the spec or of annotations, which go to the ReplicaSets.
pub(super) fn prepare_for_update(new: &mut Value, old: &Value) {
    keep(new, old, "status");
    let annotations = ["metadata", "annotations"];
    let changed = !same(or_null(new, &["spec"]), or_null(old, &["spec"]))
        || !same(or_null(new, &annotations), or_null(old, &annotations));
    if changed {
        meta::next_generation(new, old);
    }
}

/// Keeps what an update of the status cannot change.
pub(super) fn prepare_for_status_update(new: &mut Value, old: &Value) {
    keep(new, old, "spec");
    keep_metadata(new, old, "labels");
}

/// What a new Deployment breaks.
pub(super) fn validate(deployment: &Value) -> Vec<Cause> {
    let mut causes = workload::validate(deployment, &COUNTS);
    causes.extend(spec_causes(or_null(deployment, &["spec"])));
    causes
}

/// What an update breaks.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = workload::validate_update(new, old, &COUNTS);
    causes.extend(spec_causes(or_null(new, &["spec"])));
    causes
}

/// What an update of the status breaks.
pub(super) fn validate_status_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(workload::status_causes(new, &STATUS_COUNTS, &STATUS_PARTS));
    causes.extend(workload::collision_cause(new, old));
    causes
}

fn spec_causes(spec: &Value) -> Vec<Cause> {
    let mut causes = strategy_causes(or_null(spec, &["strategy"]));
    let deadline = int(spec, &["progressDeadlineSeconds"]);
    let min_ready = int(spec, &["minReadySeconds"]).unwrap_or_default();
    if let Some(deadline) = deadline.filter(|deadline| *deadline <= min_ready) {
        let field = "spec.progressDeadlineSeconds";
        causes.push(Cause::invalid(
            field,
            &json!(deadline),
            "must be greater than minReadySeconds",
        ));
    }
    causes
}

fn strategy_causes(strategy: &Value) -> Vec<Cause> {
    let field = "spec.strategy.rollingUpdate";
    match (text(strategy, &["type"]), get(strategy, &["rollingUpdate"])) {
        ("Recreate", None) => vec![],
        ("Recreate", Some(_)) => {
            let rule = "may not be specified when strategy `type` is 'Recreate'";
            vec![Cause::forbidden(field, rule)]
        }
        ("RollingUpdate", Some(rolling_update)) => rolling_update_causes(field, rolling_update),
        ("RollingUpdate", None) => {
            vec![Cause::required(field, "this should be defaulted and never be nil")]
        }
        _ => {
            let supported = ["Recreate", "RollingUpdate"];
            vec![Cause::not_supported("spec.strategy", strategy, &supported)]
        }
    }
}

fn rolling_update_causes(path: &str, rolling_update: &Value) -> Vec<Cause> {
    let mut causes = int_or_percent::validate(path, rolling_update, "maxUnavailable");
    causes.extend(int_or_percent::validate(path, rolling_update, "maxSurge"));
    let max_unavailable = or_null(rolling_update, &["maxUnavailable"]);
    let max_surge = or_null(rolling_update, &["maxSurge"]);
    if int_or_percent::number(max_unavailable) == 0 && int_or_percent::number(max_surge) == 0 {
        let rule = "may not be 0 when `maxSurge` is 0";
        causes.push(Cause::invalid(format!("{path}.maxUnavailable"), max_unavailable, rule));
    }
    causes.extend(int_or_percent::not_more_than_all(path, rolling_update, "maxUnavailable"));
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deployment_is_filled_in() {
        let spec = &deployment()["spec"];

        assert_eq!(spec["replicas"], 1);
        assert_eq!(spec["revisionHistoryLimit"], 10);
        assert_eq!(spec["progressDeadlineSeconds"], 600);
        assert_eq!(
            spec["strategy"],
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}})
        );
        assert_eq!(spec["template"]["spec"]["containers"][0]["imagePullPolicy"], "Always");
        assert_eq!(validate(&deployment()), []);
    }

    #[test]
    fn a_strategy_says_what_it_breaks() {
        let both = |unavailable: Value, surge: Value| json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": unavailable, "maxSurge": surge}});
        let path = "spec.strategy.rollingUpdate";
        let table = [
            (both(json!(0), json!(1)), String::new()),
            (
                both(json!(0), json!("0%")),
                format!(
                    "{path}.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0"
                ),
            ),
            (
                both(json!("101%"), json!(1)),
                format!(
                    "{path}.maxUnavailable: Invalid value: \"101%\": must not be greater than 100%"
                ),
            ),
            (
                both(json!(1), json!(-1)),
                format!("{path}.maxSurge: Invalid value: -1: must be greater than or equal to 0"),
            ),
            (
                both(json!(1), json!("x")),
                format!(
                    "{path}.maxSurge: Invalid value: \"x\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
                ),
            ),
            (
                json!({"type": "Recreate", "rollingUpdate": {}}),
                format!(
                    "{path}: Forbidden: may not be specified when strategy `type` is 'Recreate'"
                ),
            ),
        ];
        for (strategy, message) in table {
            let mut deployment = deployment();
            deployment["spec"]["strategy"] = strategy;
            let causes: Vec<String> =
                validate(&deployment).iter().map(ToString::to_string).collect();
            assert_eq!(causes.join("\n"), message);
        }
    }

    #[test]
    fn the_deadline_leaves_time_to_become_ready() {
        let mut deployment = deployment();
        deployment["spec"]["minReadySeconds"] = json!(600);

        assert_eq!(
            validate(&deployment)[0].to_string(),
            "spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds"
        );
    }

    #[test]
    fn changes_of_annotations_are_counted() {
        let mut old = deployment();
        prepare_for_create(&mut old);
        let mut new = old.clone();
        new["metadata"]["annotations"] = json!({"a": "b"});

        prepare_for_update(&mut new, &old);

        assert_eq!(new["metadata"]["generation"], 2);
    }

    #[test]
    fn a_status_update_keeps_spec_and_labels() {
        let old = deployment();
        let mut new = old.clone();
        new["spec"]["replicas"] = json!(9);
        new["metadata"]["labels"] = json!({"a": "b"});
        new["status"] = json!({"replicas": 1});

        prepare_for_status_update(&mut new, &old);

        assert_eq!((&new["spec"], &new["metadata"]), (&old["spec"], &old["metadata"]));
        assert_eq!(new["status"], json!({"replicas": 1}));
    }

    fn deployment() -> Value {
        let mut deployment = json!({
            "metadata": {"name": "d", "namespace": "default"},
            "spec": {
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "c", "image": "a"}]},
                },
            },
        });
        apply_defaults(&mut deployment);
        deployment
    }
}
