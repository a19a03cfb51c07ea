//! Topology spread constraints: how evenly pods are spread over the domains of a cluster.
//!
//! Source: `validateTopologySpreadConstraints` (v1.36), `hasInvalidTopologySpreadConstraintLabelSelector` and
//! `hasInvalidTopologySpreadConstrainMatchLabelKeys` in pkg/api/pod/util.go.

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{get, int, or_null};
use super::super::rules::{label_selector, positive};
use super::label_keys;

const ACTIONS: [&str; 2] = ["DoNotSchedule", "ScheduleAnyway"];
const INCLUSION_POLICIES: [&str; 2] = ["Honor", "Ignore"];

/// What constraints break. Selectors and keys may stay as broken as the old constraints have them.
pub(super) fn causes(path: &str, constraints: &[Value], old: &[Value]) -> Vec<Cause> {
    let keys_are_merged = old.iter().all(|old| label_keys::causes("", old).is_empty());
    let checks_selectors = old.iter().all(|old| selector_causes("", old).is_empty());
    let mut causes = vec![];
    for (index, constraint) in constraints.iter().enumerate() {
        let path = format!("{path}[{index}]");
        causes.extend(balance_causes(&path, constraint));
        causes.extend(repeated_cause(&path, constraint, &constraints[index + 1..]));
        causes.extend(domain_causes(format!("{path}.minDomains"), constraint));
        for policy in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            causes.extend(inclusion_cause(format!("{path}.{policy}"), constraint, policy));
        }
        causes.extend(match keys_are_merged {
            true => label_keys::causes(&path, constraint),
            false => label_keys::unmerged_causes(&path, constraint),
        });
        if checks_selectors {
            causes.extend(selector_causes(&path, constraint));
        }
    }
    causes
}

fn selector_causes(path: &str, constraint: &Value) -> Vec<Cause> {
    label_selector(&format!("{path}.labelSelector"), or_null(constraint, &["labelSelector"]))
}

fn balance_causes(path: &str, constraint: &Value) -> Vec<Cause> {
    let max_skew = int(constraint, &["maxSkew"]).unwrap_or_default();
    let mut causes: Vec<Cause> =
        positive(format!("{path}.maxSkew"), max_skew).into_iter().collect();
    if text(constraint, &["topologyKey"]).is_empty() {
        causes.push(Cause::required(format!("{path}.topologyKey"), "can not be empty"));
    }
    let action = text(constraint, &["whenUnsatisfiable"]);
    if !ACTIONS.contains(&action) {
        let field = format!("{path}.whenUnsatisfiable");
        causes.push(Cause::not_supported(field, &json!(action), &ACTIONS));
    }
    causes
}

fn repeated_cause(path: &str, constraint: &Value, others: &[Value]) -> Option<Cause> {
    let key = |constraint: &Value| {
        let parts = ["topologyKey", "whenUnsatisfiable"].map(|field| text(constraint, &[field]));
        format!("{{{}}}", parts.join(", "))
    };
    let own = key(constraint);
    let is_repeated = others.iter().any(|other| key(other) == own);
    let field = format!("{path}.{{topologyKey, whenUnsatisfiable}}");
    is_repeated.then(|| Cause::duplicate(field, &json!(own)))
}

fn domain_causes(field: String, constraint: &Value) -> Vec<Cause> {
    let Some(domains) = int(constraint, &["minDomains"]) else {
        return vec![];
    };
    let mut causes: Vec<Cause> = positive(field.clone(), domains).into_iter().collect();
    let action = text(constraint, &["whenUnsatisfiable"]);
    if action != "DoNotSchedule" {
        let rule =
            format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
        causes.push(Cause::invalid(field, &json!(domains), &rule));
    }
    causes
}

fn inclusion_cause(field: String, constraint: &Value, policy: &str) -> Option<Cause> {
    let policy = get(constraint, &[policy])?;
    let is_known = policy.as_str().is_some_and(|policy| INCLUSION_POLICIES.contains(&policy));
    (!is_known).then(|| Cause::not_supported(field, policy, &INCLUSION_POLICIES))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn constraint(change: &Value) -> Value {
        let mut constraint = json!({
            "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"app": "web"}},
        });
        constraint.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        constraint
    }

    fn told(constraints: &[Value], old: &[Value]) -> Vec<String> {
        causes("t", constraints, old).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_constraint_says_what_it_breaks() {
        let table = [
            (json!({"minDomains": 2, "nodeTaintsPolicy": "Honor"}), vec![]),
            (
                json!({"maxSkew": 0}),
                vec!["t[0].maxSkew: Invalid value: 0: must be greater than zero"],
            ),
            (
                json!({"topologyKey": ""}),
                vec!["t[0].topologyKey: Required value: can not be empty"],
            ),
            (
                json!({"whenUnsatisfiable": "Wait"}),
                vec![
                    "t[0].whenUnsatisfiable: Unsupported value: \"Wait\": supported values: \"DoNotSchedule\", \"ScheduleAnyway\"",
                ],
            ),
            (
                json!({"whenUnsatisfiable": "ScheduleAnyway", "minDomains": 0}),
                vec![
                    "t[0].minDomains: Invalid value: 0: must be greater than zero",
                    "t[0].minDomains: Invalid value: 0: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway",
                ],
            ),
            (
                json!({"nodeAffinityPolicy": "Maybe"}),
                vec![
                    "t[0].nodeAffinityPolicy: Unsupported value: \"Maybe\": supported values: \"Honor\", \"Ignore\"",
                ],
            ),
            (
                json!({"labelSelector": null, "matchLabelKeys": ["a"]}),
                vec![
                    "t[0].matchLabelKeys: Forbidden: must not be specified when labelSelector is not set",
                ],
            ),
            (
                json!({"labelSelector": {"matchExpressions": [{"key": "a", "operator": "Near"}]}}),
                vec![
                    "t[0].labelSelector.matchExpressions[0].operator: Invalid value: \"Near\": not a valid selector operator",
                ],
            ),
        ];
        for (change, expected) in table {
            assert_eq!(told(&[constraint(&change)], &[]), expected, "{change}");
        }
    }

    #[test]
    fn a_domain_is_spread_over_once_for_each_action() {
        let same = constraint(&json!({"maxSkew": 2}));

        assert_eq!(
            told(&[constraint(&json!({})), same], &[]),
            ["t[0].{topologyKey, whenUnsatisfiable}: Duplicate value: \"{zone, DoNotSchedule}\""]
        );
    }

    #[test]
    fn a_selector_that_was_broken_may_stay_so() {
        let broken = [constraint(&json!({"labelSelector": {"matchLabels": {"a": "b c"}}}))];

        assert_eq!(told(&broken, &[]).len(), 1);
        assert_eq!(told(&broken, &broken), [""; 0]);
    }
}
