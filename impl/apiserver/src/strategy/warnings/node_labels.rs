//! Labels of nodes that have other names by now.

use api::names;
use api::object::text;
use serde_json::Value;

use super::super::fields::{entries, items, or_null};

const DEPRECATED: [(&str, &str); 8] = [
    ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
    ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
    (
        "failure-domain.beta.kubernetes.io/region",
        "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
    ),
    (
        "failure-domain.beta.kubernetes.io/zone",
        "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
    ),
    (
        "beta.kubernetes.io/instance-type",
        "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
    ),
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    (
        "scheduler.alpha.kubernetes.io/preferAvoidPods",
        "deprecated since v1.22; use Taints and Tolerations instead",
    ),
    ("node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"),
];

/// What is said of a label, if it has another name by now.
pub(super) fn message(label: &str) -> Option<&'static str> {
    DEPRECATED.iter().find(|(old, _)| *old == label).map(|(_, message)| *message)
}

/// What is said of the keys of a map of labels; the path of each is made from its key.
pub(super) fn in_map(labels: &Value, path: impl Fn(&str) -> String) -> Vec<String> {
    let keys = entries(labels, &[]).map(|(key, _)| key);
    keys.filter_map(|key| Some(format!("{}: {}", path(key), message(key)?))).collect()
}

fn in_expressions(path: &str, expressions: &[Value]) -> Vec<String> {
    let each = expressions.iter().enumerate();
    let old = each.filter_map(|(index, expression)| {
        let key = text(expression, &["key"]);
        let message = message(key)?;
        Some(format!("{path}.matchExpressions[{index}].key: {key} is {message}"))
    });
    old.collect()
}

/// What is said of a term of a node selector. Values of one that is only preferred are not refused.
pub(super) fn in_term(path: &str, term: &Value, is_preferred: bool) -> Vec<String> {
    let expressions = items(term, &["matchExpressions"]);
    let mut warnings = in_expressions(path, expressions);
    if !is_preferred {
        return warnings;
    }
    for (index, expression) in expressions.iter().enumerate() {
        for (place, value) in items(expression, &["values"]).iter().enumerate() {
            let value = value.as_str().unwrap_or_default();
            let path = format!("{path}.matchExpressions[{index}].values[{place}]");
            let errors = names::label_value(value).into_iter();
            warnings.extend(errors.map(|error| format!("{path}: {value} is invalid, {error}")));
        }
    }
    warnings
}

/// What is said of a label selector.
pub(super) fn in_selector(path: &str, selector: &Value) -> Vec<String> {
    let mut warnings = in_expressions(path, items(selector, &["matchExpressions"]));
    let labels = or_null(selector, &["matchLabels"]);
    warnings.extend(in_map(labels, |label| format!("{path}.matchLabels.{label}")));
    warnings
}

/// What is said of the nodes that a RuntimeClass is for.
pub(super) fn in_runtime_class(class: &Value) -> Vec<String> {
    let labels = or_null(class, &["scheduling", "nodeSelector"]);
    in_map(labels, |_| "scheduling.nodeSelector".to_owned())
}

/// What is said of the places in which a StorageClass makes volumes.
pub(super) fn in_topologies(class: &Value) -> Vec<String> {
    let mut warnings = vec![];
    for (index, topology) in items(class, &["allowedTopologies"]).iter().enumerate() {
        let expressions = items(topology, &["matchLabelExpressions"]).iter().enumerate();
        warnings.extend(expressions.filter_map(|(place, expression)| {
            let message = message(text(expression, &["key"]))?;
            let path = format!("allowedTopologies[{index}].matchLabelExpressions[{place}].key");
            Some(format!("{path}: {message}"))
        }));
    }
    warnings
}
