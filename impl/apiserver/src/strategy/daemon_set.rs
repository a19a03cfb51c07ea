//! DaemonSets.
//!
//! Source: `pkg/registry/apps/daemonset/strategy.go`, `ValidateDaemonSetSpec` and, for the generation of
//! the template, `pkg/apis/apps/v1/conversion.go` (v1.36).

use api::names;
use api::object::{metadata_mut, object_at_mut, text};
use api::selector::Selector;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{default, get, keep, made, or_null, same};
use super::rules::{immutable, non_negative};
use super::{int_or_percent, meta, pod_spec, pod_template, workload};

const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";
const STATUS_COUNTS: [&str; 9] = [
    "currentNumberScheduled",
    "numberMisscheduled",
    "desiredNumberScheduled",
    "numberReady",
    "observedGeneration",
    "updatedNumberScheduled",
    "numberAvailable",
    "numberUnavailable",
    "collisionCount",
];

/// Fills in what its author left out.
pub(super) fn apply_defaults(daemon_set: &mut Value) {
    let generation = template_generation(daemon_set);
    set_template_generation(daemon_set, generation);
    let spec = object_at_mut(daemon_set, "spec");
    default(spec, "revisionHistoryLimit", 10);
    let strategy = made(spec, "updateStrategy");
    default(strategy, "type", "RollingUpdate");
    if strategy.get("type").and_then(Value::as_str) == Some("RollingUpdate") {
        let rolling_update = made(strategy, "rollingUpdate");
        default(rolling_update, "maxUnavailable", 1);
        default(rolling_update, "maxSurge", 0);
    }
    pod_template::apply_defaults(spec);
}

/// Takes away a status that its author wrote, and starts to count templates.
pub(super) fn prepare_for_create(daemon_set: &mut Value) {
    daemon_set["status"] = json!({});
    meta::set_generation(daemon_set, 1);
    let generation = template_generation(daemon_set).max(1);
    set_template_generation(daemon_set, generation);
}

/// Keeps the status, and counts changes of the spec and those of the template.
pub(super) fn prepare_for_update(new: &mut Value, old: &Value) {
    keep(new, old, "status");
    let template = ["spec", "template"];
    let changed = !same(or_null(new, &template), or_null(old, &template));
    set_template_generation(new, template_generation(old) + i64::from(changed));
    meta::count_spec_change(new, old);
}

/// Keeps what an update of the status cannot change.
pub(super) fn prepare_for_status_update(new: &mut Value, old: &Value) {
    keep(new, old, "spec");
    set_template_generation(new, template_generation(old));
}

/// What a new DaemonSet breaks.
pub(super) fn validate(daemon_set: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(daemon_set, true, names::dns_subdomain);
    causes.extend(spec_causes(or_null(daemon_set, &["spec"]), &Value::Null));
    causes
}

/// What an update breaks. The selector says which pods are its own, so it stays.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    let selector = ["spec", "selector"];
    causes.extend(immutable("spec.selector", or_null(new, &selector), or_null(old, &selector)));
    let old_template = or_null(old, &["spec", "template"]);
    causes.extend(spec_causes(or_null(new, &["spec"]), old_template));
    causes
}

/// What an update of the status breaks.
pub(super) fn validate_status_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(workload::count_causes(new, &STATUS_COUNTS));
    causes.extend(workload::collision_cause(new, old));
    causes
}

/// How often the template changed. Upstream holds it as a field and writes it as an annotation.
fn template_generation(daemon_set: &Value) -> i64 {
    let annotation = text(daemon_set, &["metadata", "annotations", TEMPLATE_GENERATION]);
    annotation.parse().unwrap_or_default()
}

fn set_template_generation(daemon_set: &mut Value, generation: i64) {
    let annotations = made(metadata_mut(daemon_set), "annotations");
    annotations.insert(TEMPLATE_GENERATION.to_owned(), json!(generation.to_string()));
}

fn spec_causes(spec: &Value, old_template: &Value) -> Vec<Cause> {
    let selector = get(spec, &["selector"]);
    let mut causes = selector_causes(spec, selector);
    let template = or_null(spec, &["template"]);
    causes.extend(pod_spec::validate_template("spec.template", template, old_template));
    causes.extend(workload::lasting_causes(spec, "DaemonSet"));
    causes.extend(non_negative(spec, "spec", "minReadySeconds"));
    causes.extend(strategy_causes("spec.updateStrategy", or_null(spec, &["updateStrategy"])));
    causes.extend(non_negative(spec, "spec", "revisionHistoryLimit"));
    causes
}

/// One that is missing selects nothing, and so not the labels of the template.
fn selector_causes(spec: &Value, selector: Option<&Value>) -> Vec<Cause> {
    let mut causes =
        selector.map_or_else(Vec::new, |selector| workload::selector_causes(selector, "daemonset"));
    if let Ok(selector) = Selector::from_value(selector) {
        causes.extend(workload::labels_cause(spec, &selector));
    }
    causes
}

fn strategy_causes(path: &str, strategy: &Value) -> Vec<Cause> {
    match (text(strategy, &["type"]), get(strategy, &["rollingUpdate"])) {
        ("OnDelete", _) => vec![],
        ("RollingUpdate", Some(rolling_update)) => {
            rolling_update_causes(&format!("{path}.rollingUpdate"), rolling_update)
        }
        ("RollingUpdate", None) => vec![Cause::required(format!("{path}.rollingUpdate"), "")],
        _ => vec![Cause::not_supported(path, strategy, &["RollingUpdate", "OnDelete"])],
    }
}

fn rolling_update_causes(path: &str, rolling_update: &Value) -> Vec<Cause> {
    let fields = ["maxUnavailable", "maxSurge"];
    let mut causes = vec![];
    for field in fields {
        causes.extend(int_or_percent::validate(path, rolling_update, field));
    }
    for field in fields {
        causes.extend(int_or_percent::not_more_than_all(path, rolling_update, field));
    }
    let [unavailable, surge] =
        fields.map(|field| int_or_percent::number(or_null(rolling_update, &[field])));
    if unavailable != 0 && surge != 0 {
        let value = or_null(rolling_update, &["maxSurge"]);
        let rule = "may not be set when maxUnavailable is non-zero";
        causes.push(Cause::invalid(format!("{path}.maxSurge"), value, rule));
    }
    if unavailable == 0 && surge == 0 {
        let rule = "cannot be 0 when maxSurge is 0";
        causes.push(Cause::required(format!("{path}.maxUnavailable"), rule));
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_set_is_filled_in() {
        let daemon_set = daemon_set();

        assert_eq!(
            daemon_set["spec"]["updateStrategy"],
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}})
        );
        assert_eq!(daemon_set["spec"]["revisionHistoryLimit"], 10);
        assert_eq!(daemon_set["spec"]["template"]["spec"]["restartPolicy"], "Always");
        assert_eq!(validate(&daemon_set), []);
    }

    #[test]
    fn a_daemon_set_says_what_it_breaks() {
        let labels = "spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does not match template `labels`";
        let table = [
            ("/spec/selector", Value::Null, labels),
            (
                "/spec/selector",
                json!({}),
                "spec.selector: Invalid value: {}: empty selector is invalid for daemonset",
            ),
            (
                "/spec/template/spec/restartPolicy",
                json!("OnFailure"),
                "spec.template.spec.restartPolicy: Unsupported value: \"OnFailure\": supported values: \"Always\"",
            ),
            (
                "/spec/template/spec/activeDeadlineSeconds",
                json!(9),
                "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in DaemonSet is not Supported",
            ),
            (
                "/spec/minReadySeconds",
                json!(-1),
                "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0",
            ),
            (
                "/spec/updateStrategy/rollingUpdate",
                Value::Null,
                "spec.updateStrategy.rollingUpdate: Required value",
            ),
            (
                "/spec/updateStrategy/rollingUpdate/maxSurge",
                json!("10%"),
                "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: \"10%\": may not be set when maxUnavailable is non-zero",
            ),
            (
                "/spec/updateStrategy/rollingUpdate/maxUnavailable",
                json!(0),
                "spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0",
            ),
            (
                "/spec/updateStrategy/rollingUpdate/maxUnavailable",
                json!("101%"),
                "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: \"101%\": must not be greater than 100%",
            ),
        ];
        for (path, value, message) in table {
            let mut daemon_set = daemon_set();
            let (parent, field) = path.rsplit_once('/').unwrap();
            daemon_set.pointer_mut(parent).unwrap()[field] = value;
            let causes: Vec<String> =
                validate(&daemon_set).iter().map(ToString::to_string).collect();
            assert_eq!(causes.join("\n"), message);
        }
    }

    #[test]
    fn changes_of_the_template_are_counted_apart() {
        let old = daemon_set();
        let mut rolled = old.clone();
        rolled["spec"]["template"]["spec"]["containers"][0]["image"] = json!("b");
        let mut limited = old.clone();
        limited["spec"]["revisionHistoryLimit"] = json!(3);
        limited["metadata"]["annotations"][TEMPLATE_GENERATION] = json!("7");

        prepare_for_update(&mut rolled, &old);
        prepare_for_update(&mut limited, &old);

        let generations = |daemon_set: &Value| {
            (template_generation(daemon_set), daemon_set["metadata"]["generation"].as_i64())
        };
        assert_eq!(generations(&old), (1, Some(1)));
        assert_eq!(generations(&rolled), (2, Some(2)));
        assert_eq!(generations(&limited), (1, Some(2)));
    }

    #[test]
    fn the_selector_stays() {
        let old = daemon_set();
        let mut new = old.clone();
        new["spec"]["selector"] = json!({"matchLabels": {"tier": "a"}});
        new["spec"]["template"]["metadata"]["labels"] = json!({"tier": "a"});

        assert_eq!(
            validate_update(&new, &old)[0].to_string(),
            "spec.selector: Invalid value: {\"matchLabels\":{\"tier\":\"a\"}}: field is immutable"
        );
    }

    #[test]
    fn a_status_has_counts() {
        let mut old = daemon_set();
        old["status"] = json!({"collisionCount": 2});
        let mut new = old.clone();
        new["status"] = json!({"numberReady": -1, "collisionCount": 1});

        let causes = validate_status_update(&new, &old);

        let messages: Vec<String> = causes.iter().map(ToString::to_string).collect();
        assert_eq!(
            messages,
            [
                "status.numberReady: Invalid value: -1: must be greater than or equal to 0",
                "status.collisionCount: Invalid value: 1: cannot be decremented",
            ]
        );
    }

    fn daemon_set() -> Value {
        let mut daemon_set = json!({
            "metadata": {"name": "d", "namespace": "default"},
            "spec": {
                "selector": {"matchLabels": {"app": "web"}},
                "template": {
                    "metadata": {"labels": {"app": "web"}},
                    "spec": {"containers": [{"name": "c", "image": "a"}]},
                },
            },
        });
        apply_defaults(&mut daemon_set);
        prepare_for_create(&mut daemon_set);
        daemon_set
    }
}
