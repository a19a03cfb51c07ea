//! How fast a HorizontalPodAutoscaler scales, up and down.
//!
//! Source: `GenerateHPAScaleUpRules`, `GenerateHPAScaleDownRules` and `validateBehavior` (v1.36).

use api::quantity::Quantity;
use api::status::Cause;
use serde_json::{Value, json};

use crate::strategy::fields::{Fields, default, get, int, items, made};
use crate::strategy::resources;
use crate::strategy::rules::NEGATIVE;

const STABILIZATION_SECONDS_MAX: i64 = 3600;
const PERIOD_SECONDS_MAX: i64 = 1800;
const SELECT_POLICIES: [&str; 3] = ["Disabled", "Max", "Min"];
const POLICY_TYPES: [&str; 2] = ["Percent", "Pods"];

/// Fills in the rules. How long to wait before scaling down is for the controller to say.
pub(super) fn apply_defaults(behavior: &mut Fields) {
    let double = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
    let four = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
    let up = made(behavior, "scaleUp");
    default(up, "stabilizationWindowSeconds", 0);
    rules_defaults(up, json!([four, double]));
    rules_defaults(made(behavior, "scaleDown"), json!([double]));
}

/// What the rules break.
pub(super) fn validate(path: &str, behavior: &Value) -> Vec<Cause> {
    let directions = ["scaleUp", "scaleDown"].into_iter();
    let given = directions.filter_map(|field| Some((field, get(behavior, &[field])?)));
    given.flat_map(|(field, rules)| rules_causes(&format!("{path}.{field}"), rules)).collect()
}

fn rules_defaults(rules: &mut Fields, policies: Value) {
    default(rules, "selectPolicy", "Max");
    default(rules, "policies", policies);
    resources::canonicalize_quantity(rules, "tolerance");
}

fn rules_causes(path: &str, rules: &Value) -> Vec<Cause> {
    let mut causes: Vec<Cause> =
        stabilization_cause(format!("{path}.stabilizationWindowSeconds"), rules)
            .into_iter()
            .collect();
    let known = |policy: &Value| SELECT_POLICIES.iter().any(|known| policy == known);
    if let Some(policy) = get(rules, &["selectPolicy"]).filter(|policy| !known(policy)) {
        causes.push(Cause::not_supported(format!("{path}.selectPolicy"), policy, &SELECT_POLICIES));
    }
    let policies = items(rules, &["policies"]);
    let field = format!("{path}.policies");
    if policies.is_empty() {
        causes.push(Cause::required(field.as_str(), "must specify at least one Policy"));
    }
    for (index, policy) in policies.iter().enumerate() {
        causes.extend(policy_causes(&format!("{field}[{index}]"), policy));
    }
    let tolerance = get(rules, &["tolerance"]);
    if let Some(tolerance) = tolerance.filter(|tolerance| is_negative(tolerance)) {
        causes.push(Cause::invalid(format!("{path}.tolerance"), tolerance, NEGATIVE));
    }
    causes
}

fn stabilization_cause(field: String, rules: &Value) -> Option<Cause> {
    let seconds = int(rules, &["stabilizationWindowSeconds"])?;
    let rule = match seconds {
        ..0 => "must be greater than or equal to zero".to_owned(),
        0..=STABILIZATION_SECONDS_MAX => return None,
        _ => format!("must be less than or equal to {STABILIZATION_SECONDS_MAX}"),
    };
    Some(Cause::invalid(field, &json!(seconds), &rule))
}

fn policy_causes(path: &str, policy: &Value) -> Vec<Cause> {
    let kind = api::object::text(policy, &["type"]);
    let mut causes = vec![];
    if !POLICY_TYPES.contains(&kind) {
        causes.push(Cause::not_supported(format!("{path}.type"), &json!(kind), &POLICY_TYPES));
    }
    for (name, most) in [("value", i64::MAX), ("periodSeconds", PERIOD_SECONDS_MAX)] {
        let number = int(policy, &[name]).unwrap_or_default();
        let rule = match number {
            ..=0 => "must be greater than zero".to_owned(),
            number if number > most => format!("must be less than or equal to {most}"),
            _ => continue,
        };
        causes.push(Cause::invalid(format!("{path}.{name}"), &json!(number), &rule));
    }
    causes
}

fn is_negative(value: &Value) -> bool {
    Quantity::from_value(value).is_ok_and(Quantity::is_negative)
}
