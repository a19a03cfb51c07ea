//! ReplicationControllers.
//!
//! Source: `pkg/registry/core/replicationcontroller/strategy.go`, `SetDefaults_ReplicationController` and
//! `ValidateReplicationControllerSpec` (v1.36).

use api::names;
use api::object::{metadata_mut, object_at_mut};
use api::selector::Selector;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{default, entries, get, keep, or_null};
use super::rules::non_negative;
use super::{meta, pod_spec, pod_template, workload};

const STATUS_COUNTS: [&str; 5] = [
    "replicas",
    "fullyLabeledReplicas",
    "readyReplicas",
    "availableReplicas",
    "observedGeneration",
];
const STATUS_PARTS: [&str; 3] = ["fullyLabeledReplicas", "readyReplicas", "availableReplicas"];

/// Fills in what its author left out.
pub(super) fn apply_defaults(controller: &mut Value) {
    let labels = get(controller, &["spec", "template", "metadata", "labels"]).cloned();
    let is_empty = |path: &[&str]| entries(controller, path).next().is_none();
    let (no_selector, no_labels) =
        (is_empty(&["spec", "selector"]), is_empty(&["metadata", "labels"]));
    let spec = object_at_mut(controller, "spec");
    default(spec, "replicas", 1);
    if spec.get("template").is_some_and(Value::is_object) {
        pod_template::apply_defaults(spec);
    }
    let Some(labels) = labels else {
        return;
    };
    if no_selector {
        spec.insert("selector".to_owned(), labels.clone());
    }
    if no_labels {
        metadata_mut(controller).insert("labels".to_owned(), labels);
    }
}

/// Takes away a status that its author wrote.
pub(super) fn prepare_for_create(controller: &mut Value) {
    controller["status"] = json!({});
    meta::set_generation(controller, 1);
}

/// Keeps the status and counts a change of the spec.
pub(super) fn prepare_for_update(new: &mut Value, old: &Value) {
    keep(new, old, "status");
    meta::count_spec_change(new, old);
}

/// What a new ReplicationController breaks.
pub(super) fn validate(controller: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(controller, true, names::dns_subdomain);
    causes.extend(spec_causes(or_null(controller, &["spec"]), &Value::Null));
    causes
}

/// What an update breaks. Unlike those of later kinds, the selector may change.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    let old_template = or_null(old, &["spec", "template"]);
    causes.extend(spec_causes(or_null(new, &["spec"]), old_template));
    causes
}

/// What an update of the status breaks.
pub(super) fn validate_status_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(workload::status_causes(new, &STATUS_COUNTS, &STATUS_PARTS));
    causes
}

/// The selector, which is the labels that pods must have.
pub(super) fn selector(controller: &Value) -> Selector {
    let labels = entries(controller, &["spec", "selector"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Selector::from_labels(&labels.map(|(key, value)| (key.to_owned(), text(value))).collect())
}

fn spec_causes(spec: &Value, old_template: &Value) -> Vec<Cause> {
    let mut causes: Vec<Cause> =
        non_negative(spec, "spec", "minReadySeconds").into_iter().collect();
    if entries(spec, &["selector"]).next().is_none() {
        causes.push(Cause::required("spec.selector", ""));
    }
    causes.extend(non_negative(spec, "spec", "replicas"));
    match get(spec, &["template"]) {
        None => causes.push(Cause::required("spec.template", "")),
        Some(template) => causes.extend(template_causes(spec, template, old_template)),
    }
    causes
}

fn template_causes(spec: &Value, template: &Value, old_template: &Value) -> Vec<Cause> {
    let selector = selector(&json!({"spec": spec}));
    let mut causes: Vec<Cause> = workload::labels_cause(spec, &selector).into_iter().collect();
    causes.extend(pod_spec::validate_template("spec.template", template, old_template));
    causes.extend(workload::lasting_causes(spec, "ReplicationController"));
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controller_has_the_labels_of_its_template() {
        let controller = controller();

        let labels = json!({"app": "web"});
        assert_eq!(controller["spec"]["replicas"], 1);
        assert_eq!(controller["spec"]["selector"], labels);
        assert_eq!(controller["metadata"]["labels"], labels);
        assert_eq!(controller["spec"]["template"]["spec"]["dnsPolicy"], "ClusterFirst");
        assert_eq!(validate(&controller), []);
    }

    #[test]
    fn a_controller_says_what_it_breaks() {
        let table = [
            (
                "/spec/minReadySeconds",
                json!(-1),
                "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0",
            ),
            ("/spec/selector", json!({}), "spec.selector: Required value"),
            (
                "/spec/replicas",
                json!(-1),
                "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
            ),
            ("/spec/template", Value::Null, "spec.template: Required value"),
            (
                "/spec/selector",
                json!({"app": "db"}),
                "spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does not match template `labels`",
            ),
            (
                "/spec/template/spec/activeDeadlineSeconds",
                json!(5),
                "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicationController is not Supported",
            ),
        ];
        for (path, value, message) in table {
            let mut controller = controller();
            let (parent, field) = path.rsplit_once('/').unwrap();
            controller.pointer_mut(parent).unwrap()[field] = value;
            assert_eq!(messages(validate(&controller)), message);
        }
    }

    #[test]
    fn the_selector_may_change() {
        let mut old = controller();
        prepare_for_create(&mut old);
        let mut new = old.clone();
        new["spec"]["selector"] = json!({"tier": "a"});
        new["spec"]["template"]["metadata"]["labels"] = json!({"tier": "a"});

        prepare_for_update(&mut new, &old);

        assert_eq!(validate_update(&new, &old), []);
        assert_eq!(new["metadata"]["generation"], 2);
    }

    #[test]
    fn no_more_replicas_are_ready_than_there_are() {
        let old = controller();
        let mut new = old.clone();
        new["status"] = json!({"replicas": 1, "readyReplicas": 2});

        assert_eq!(
            messages(validate_status_update(&new, &old)),
            "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas"
        );
    }

    fn messages(causes: Vec<Cause>) -> String {
        causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    fn controller() -> Value {
        let mut controller = json!({
            "metadata": {"name": "r", "namespace": "default"},
            "spec": {"template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "a"}]},
            }},
        });
        apply_defaults(&mut controller);
        controller
    }
}
