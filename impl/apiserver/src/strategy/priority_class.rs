//! PriorityClasses.
//!
//! Source: `pkg/apis/scheduling/validation/validation.go`, `pkg/apis/scheduling/v1/{defaults,helpers}.go`
//! and `pkg/registry/scheduling/priorityclass/strategy.go` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::Value;

use super::fields::{default, flag, get, int, or_null};
use super::{meta, rules};

/// The highest value of a class that no system component made.
const USER_VALUE_MAX: i64 = 1_000_000_000;
const SYSTEM_PREFIX: &str = "system-";
const SYSTEM_CLASSES: [(&str, i64); 2] =
    [("system-node-critical", 2_000_001_000), ("system-cluster-critical", 2_000_000_000)];

/// A pod of the class takes the place of others unless the class says otherwise.
pub(super) fn apply_defaults(priority_class: &mut Value) {
    if let Some(fields) = priority_class.as_object_mut() {
        default(fields, "preemptionPolicy", "PreemptLowerPriority");
    }
}

/// The first generation is the only one: updates are not counted.
pub(super) fn prepare_for_create(priority_class: &mut Value) {
    meta::set_generation(priority_class, 1);
}

/// What a new PriorityClass breaks.
pub(super) fn validate(priority_class: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(priority_class, false, names::dns_subdomain);
    causes.extend(value_cause(priority_class));
    let policy = get(priority_class, &["preemptionPolicy"]);
    let supported = ["PreemptLowerPriority", "Never"];
    causes.extend(rules::one_of("preemptionPolicy".to_owned(), policy, &supported, false));
    causes
}

/// What an update breaks.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    if value(new) != value(old) {
        causes.push(Cause::forbidden("value", "may not be changed in an update."));
    }
    let policy = ["preemptionPolicy"];
    causes.extend(rules::immutable(
        "preemptionPolicy",
        or_null(new, &policy),
        or_null(old, &policy),
    ));
    causes
}

fn value(priority_class: &Value) -> i64 {
    int(priority_class, &["value"]).unwrap_or_default()
}

fn value_cause(priority_class: &Value) -> Option<Cause> {
    let name = text(priority_class, &["metadata", "name"]);
    if name.starts_with(SYSTEM_PREFIX) {
        let error = system_error(name, priority_class)?;
        let rule = format!(
            "priority class names with '{SYSTEM_PREFIX}' prefix are reserved for system use only. error: {error}"
        );
        return Some(Cause::forbidden("metadata.name", &rule));
    }
    let rule = format!("maximum allowed value of a user defined priority is {USER_VALUE_MAX}");
    (value(priority_class) > USER_VALUE_MAX).then(|| Cause::forbidden("value", &rule))
}

fn system_error(name: &str, priority_class: &Value) -> Option<String> {
    match SYSTEM_CLASSES.iter().find(|(known, _)| *known == name) {
        None => Some(format!("{name} is not a known system priority class")),
        Some((_, expected)) if *expected != value(priority_class) => {
            Some(format!("value of {name} PriorityClass must be {expected}"))
        }
        Some(_) => flag(priority_class, &["globalDefault"])
            .then(|| format!("globalDefault of {name} PriorityClass must be false")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_priority_class_says_what_it_breaks() {
        let table = [
            ("a", json!({"value": 1_000_000_000}), ""),
            (
                "a",
                json!({"value": 1_000_000_001}),
                "value: Forbidden: maximum allowed value of a user defined priority is 1000000000",
            ),
            (
                "a",
                json!({"preemptionPolicy": "Always"}),
                "preemptionPolicy: Unsupported value: \"Always\": supported values: \"PreemptLowerPriority\", \"Never\"",
            ),
            ("system-node-critical", json!({"value": 2_000_001_000}), ""),
            (
                "system-node-critical",
                json!({"value": 1}),
                "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: value of system-node-critical PriorityClass must be 2000001000",
            ),
            (
                "system-a",
                json!({"value": 1}),
                "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-a is not a known system priority class",
            ),
        ];
        for (name, mut class, expected) in table {
            class["metadata"] = json!({"name": name});
            assert_eq!(messages(validate(&class)), expected);
        }
    }

    #[test]
    fn what_a_class_means_stays() {
        let old = json!({"metadata": {"name": "a"}, "value": 1, "preemptionPolicy": "Never"});
        let mut new = json!({"metadata": {"name": "a"}, "value": 2});
        apply_defaults(&mut new);

        assert_eq!(
            messages(validate_update(&new, &old)),
            "value: Forbidden: may not be changed in an update.\npreemptionPolicy: Invalid value: \"PreemptLowerPriority\": field is immutable"
        );
    }

    fn messages(causes: Vec<Cause>) -> String {
        causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }
}
