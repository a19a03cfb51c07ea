//! PodDisruptionBudgets.
//!
//! Source: `pkg/registry/policy/poddisruptionbudget/strategy.go` and `pkg/apis/policy/validation` (v1.36).

use api::names;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{get, items, keep, or_null};
use super::rules::label_selector;
use super::{condition, int_or_percent, meta, workload};

const EVICTION_POLICIES: [&str; 2] = ["AlwaysAllow", "IfHealthyBudget"];
const STATUS_COUNTS: [&str; 4] =
    ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"];

/// Takes away a status that its author wrote.
pub(super) fn prepare_for_create(budget: &mut Value) {
    budget["status"] = json!({});
    meta::set_generation(budget, 1);
}

/// Keeps the status and counts a change of the spec.
pub(super) fn prepare_for_update(new: &mut Value, old: &Value) {
    keep(new, old, "status");
    meta::count_spec_change(new, old);
}

/// What a new PodDisruptionBudget breaks. Its name need only fit into a path.
pub(super) fn validate(budget: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(budget, true, names::path_segment);
    causes.extend(spec_causes(or_null(budget, &["spec"])));
    causes
}

/// What an update breaks.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(spec_causes(or_null(new, &["spec"])));
    causes
}

/// What an update of the status breaks.
pub(super) fn validate_status_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    let conditions = items(new, &["status", "conditions"]);
    causes.extend(condition::validate("status.conditions", conditions));
    causes.extend(workload::count_causes(new, &STATUS_COUNTS));
    causes
}

fn spec_causes(spec: &Value) -> Vec<Cause> {
    let numbers = ["minAvailable", "maxUnavailable"];
    let mut causes = vec![];
    if numbers.iter().all(|field| get(spec, &[field]).is_some()) {
        let rule = "minAvailable and maxUnavailable cannot be both set";
        causes.push(Cause::invalid("spec", spec, rule));
    }
    for field in numbers {
        causes.extend(int_or_percent::validate("spec", spec, field));
        causes.extend(int_or_percent::not_more_than_all("spec", spec, field));
    }
    if let Some(selector) = get(spec, &["selector"]) {
        causes.extend(label_selector("spec.selector", selector));
    }
    let policy = get(spec, &["unhealthyPodEvictionPolicy"]);
    let known = |policy: &&Value| EVICTION_POLICIES.iter().any(|known| policy == known);
    if let Some(policy) = policy.filter(|policy| !known(policy)) {
        let field = "spec.unhealthyPodEvictionPolicy";
        causes.push(Cause::not_supported(field, policy, &EVICTION_POLICIES));
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_says_what_it_breaks() {
        let table = [
            (json!({}), ""),
            (json!({"minAvailable": 1, "selector": {"matchLabels": {"app": "web"}}}), ""),
            (json!({"maxUnavailable": "50%", "unhealthyPodEvictionPolicy": "AlwaysAllow"}), ""),
            (
                json!({"minAvailable": 1, "maxUnavailable": 1}),
                "spec: Invalid value: {\"maxUnavailable\":1,\"minAvailable\":1}: minAvailable and maxUnavailable cannot be both set",
            ),
            (
                json!({"minAvailable": -1}),
                "spec.minAvailable: Invalid value: -1: must be greater than or equal to 0",
            ),
            (
                json!({"maxUnavailable": "101%"}),
                "spec.maxUnavailable: Invalid value: \"101%\": must not be greater than 100%",
            ),
            (
                json!({"selector": {"matchExpressions": [{"key": "a", "operator": "Near"}]}}),
                "spec.selector.matchExpressions[0].operator: Invalid value: \"Near\": not a valid selector operator",
            ),
            (
                json!({"unhealthyPodEvictionPolicy": "Never"}),
                "spec.unhealthyPodEvictionPolicy: Unsupported value: \"Never\": supported values: \"AlwaysAllow\", \"IfHealthyBudget\"",
            ),
        ];
        for (spec, message) in table {
            assert_eq!(messages(validate(&budget(spec.clone()))), message);
            let old = budget(json!({}));
            assert_eq!(messages(validate_update(&budget(spec), &old)), message);
        }
    }

    #[test]
    fn the_name_of_a_budget_fits_into_a_path() {
        let mut budget = budget(json!({}));
        budget["metadata"]["name"] = json!("A_b");
        assert_eq!(messages(validate(&budget)), "");

        budget["metadata"]["name"] = json!("a/b");
        assert_eq!(
            messages(validate(&budget)),
            "metadata.name: Invalid value: \"a/b\": may not contain '/'"
        );
    }

    #[test]
    fn a_status_has_counts_and_conditions() {
        let old = budget(json!({}));
        let mut new = old.clone();
        new["status"] = json!({"disruptionsAllowed": -1, "conditions": [
            {"type": "DisruptionAllowed", "status": "True", "reason": "SufficientPods"},
        ]});

        assert_eq!(
            messages(validate_status_update(&new, &old)),
            "status.conditions[0].lastTransitionTime: Required value\n\
             status.disruptionsAllowed: Invalid value: -1: must be greater than or equal to 0"
        );
    }

    #[test]
    fn changes_of_the_spec_are_counted() {
        let mut old = budget(json!({}));
        prepare_for_create(&mut old);
        let mut new = old.clone();
        new["spec"]["minAvailable"] = json!(2);
        new["status"] = json!({"expectedPods": 9});

        prepare_for_update(&mut new, &old);

        assert_eq!(new["metadata"]["generation"], 2);
        assert_eq!(new["status"], json!({}));
    }

    fn messages(causes: Vec<Cause>) -> String {
        causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    fn budget(spec: Value) -> Value {
        json!({"metadata": {"name": "b", "namespace": "default"}, "spec": spec})
    }
}
