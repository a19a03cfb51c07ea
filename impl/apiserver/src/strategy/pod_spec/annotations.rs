//! Annotations of a pod or a template that mean something: profiles as they were written before they had fields,
//! and what it costs to delete the pod.
//!
//! Source: `ValidatePodSpecificAnnotations` (v1.36).

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{entries, get, items};
use super::super::volume::descending;

const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
const SECCOMP_OF_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_OF_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
const LOCAL: &str = "localhost/";
const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// What the annotations of a pod or a template break. A cost that was broken before may stay so.
pub(in crate::strategy) fn causes(path: &str, object: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    if cost_cause(path, old).is_none() {
        causes.extend(cost_cause(path, object));
    }
    for (key, value) in entries(object, &["metadata", "annotations"]) {
        let value = text(value, &[]);
        if key == SECCOMP_OF_POD || key.starts_with(SECCOMP_OF_CONTAINER) {
            causes.extend(seccomp_causes(&format!("{path}.{key}"), value));
        } else if let Some(container) = key.strip_prefix(APP_ARMOR) {
            causes.extend(app_armor_causes(&format!("{path}[{key}]"), container, value, object));
        }
    }
    causes
}

fn cost_cause(path: &str, object: &Value) -> Option<Cause> {
    let cost = get(object, &["metadata", "annotations", DELETION_COST])?;
    let digits = text(cost, &[]);
    let begins_well =
        digits == "0" || digits.starts_with(['-', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    let is_cost = begins_well && digits.parse::<i32>().is_ok();
    let field = format!("{path}[{DELETION_COST}]");
    (!is_cost).then(|| Cause::invalid(field, cost, "must be a 32bit integer"))
}

fn seccomp_causes(field: &str, profile: &str) -> Vec<Cause> {
    match (profile, profile.strip_prefix(LOCAL)) {
        ("runtime/default" | "docker/default" | "unconfined", _) => vec![],
        (_, Some(local)) => descending(field, local),
        (_, None) => {
            vec![Cause::invalid(field, &json!(profile), "must be a valid seccomp profile")]
        }
    }
}

fn app_armor_causes(field: &str, container: &str, profile: &str, object: &Value) -> Vec<Cause> {
    let mut containers = LISTS.iter().flat_map(|list| items(object, &["spec", list]));
    let mut causes = vec![];
    if !containers.any(|candidate| text(candidate, &["name"]) == container) {
        causes.push(Cause::invalid(field, &json!(container), "container not found"));
    }
    let is_known = matches!(profile, "" | "runtime/default" | "unconfined");
    if !is_known && !profile.starts_with(LOCAL) {
        let rule = format!("invalid AppArmor profile name: {}", json!(profile));
        causes.push(Cause::invalid(field, &json!(profile), &rule));
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn annotated(key: &str, value: &str) -> Value {
        json!({"metadata": {"annotations": {key: value}}, "spec": {"containers": [{"name": "c"}]}})
    }

    #[test]
    fn an_annotation_says_what_it_breaks() {
        let of_c = "container.apparmor.security.beta.kubernetes.io/c";
        let of_d = "container.apparmor.security.beta.kubernetes.io/d";
        let table = [
            (DELETION_COST, "-5", String::new()),
            (
                DELETION_COST,
                "008",
                format!("a[{DELETION_COST}]: Invalid value: \"008\": must be a 32bit integer"),
            ),
            (SECCOMP_OF_POD, "localhost/a", String::new()),
            (
                SECCOMP_OF_POD,
                "default",
                format!(
                    "a.{SECCOMP_OF_POD}: Invalid value: \"default\": must be a valid seccomp profile"
                ),
            ),
            (of_c, "localhost/a", String::new()),
            (
                of_c,
                "a",
                format!("a[{of_c}]: Invalid value: \"a\": invalid AppArmor profile name: \"a\""),
            ),
            (of_d, "unconfined", format!("a[{of_d}]: Invalid value: \"d\": container not found")),
        ];
        for (key, value, expected) in table {
            let causes = causes("a", &annotated(key, value), &Value::Null);
            let told: Vec<String> = causes.iter().map(ToString::to_string).collect();
            assert_eq!(told.join("\n"), expected, "{key} {value}");
        }
    }

    #[test]
    fn a_cost_that_was_broken_may_stay_so() {
        let pod = annotated(DELETION_COST, "much");

        assert_eq!(causes("a", &pod, &Value::Null).len(), 1);
        assert_eq!(causes("a", &pod, &pod), []);
    }
}
