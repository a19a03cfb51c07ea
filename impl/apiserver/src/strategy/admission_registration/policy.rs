//! ValidatingAdmissionPolicies and MutatingAdmissionPolicies.

use std::collections::BTreeSet;

use api::names;
use api::object::{object_at_mut, text};
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{Fields, below, default, get, items, or_null};
use super::super::kind_strategy::KindStrategy;
use super::super::rules::{named, one_of};
use super::super::{condition, rules};
use super::{
    FAILURE_POLICIES, REINVOCATION_POLICIES, expressions, match_resources, mutation, rule,
};

const AUDIT_ANNOTATIONS_MAX: usize = 20;
const VALUE_EXPRESSION_BYTES_MAX: usize = 5 * 1024;
const REASONS: [&str; 3] = ["Forbidden", "Invalid", "RequestEntityTooLarge"];

/// The strategy of ValidatingAdmissionPolicies.
pub(in crate::strategy) struct ValidatingPolicy;

impl KindStrategy for ValidatingPolicy {
    fn apply_defaults(&self, policy: &mut Value) {
        default_policy(object_at_mut(policy, "spec"));
    }

    fn causes(&self, policy: &Value) -> Vec<Cause> {
        let spec = or_null(policy, &["spec"]);
        let mut causes = common_causes(spec);
        causes.extend(condition_causes(spec));
        let (validations, annotations) =
            (items(spec, &["validations"]), items(spec, &["auditAnnotations"]));
        if validations.is_empty() && annotations.is_empty() {
            let why = "validations or auditAnnotations must contain at least one item";
            let fields = ["spec.validations", "spec.auditAnnotations"];
            causes.extend(fields.map(|field| Cause::required(field, why)));
        }
        for (index, validation) in validations.iter().enumerate() {
            causes.extend(validation_causes(&format!("spec.validations[{index}]"), validation));
        }
        let name = text(policy, &["metadata", "name"]);
        causes.extend(annotation_causes(name, annotations));
        causes
    }

    fn status_causes(&self, policy: &Value) -> Vec<Cause> {
        let status = or_null(policy, &["status"]);
        let mut causes = vec![];
        let warnings = items(status, &["typeChecking", "expressionWarnings"]).iter().enumerate();
        for (index, warning) in warnings {
            let path = format!("status.typeChecking.expressionWarnings[{index}]");
            if !rule::is_set(warning, "warning") {
                causes.push(Cause::required(format!("{path}.warning"), ""));
            }
            if text(warning, &["fieldRef"]).trim().is_empty() {
                causes.push(Cause::required(format!("{path}.fieldRef"), ""));
            }
        }
        causes.extend(condition::validate("status.conditions", items(status, &["conditions"])));
        causes
    }
}

/// The strategy of MutatingAdmissionPolicies.
pub(in crate::strategy) struct MutatingPolicy;

impl KindStrategy for MutatingPolicy {
    fn apply_defaults(&self, policy: &mut Value) {
        default_policy(object_at_mut(policy, "spec"));
    }

    fn causes(&self, policy: &Value) -> Vec<Cause> {
        let spec = or_null(policy, &["spec"]);
        let mut causes = common_causes(spec);
        let rules = items(spec, &["matchConstraints", "resourceRules"]);
        causes.extend(rule::mutating_causes("spec.matchConstraints", rules));
        causes.extend(condition_causes(spec));
        causes.extend(mutation::causes("spec.mutations", items(spec, &["mutations"])));
        let reinvocation = get(spec, &["reinvocationPolicy"]);
        let field = "spec.reinvocationPolicy".to_owned();
        causes.extend(one_of(field, reinvocation, &REINVOCATION_POLICIES, true));
        causes
    }
}

fn default_policy(spec: &mut Fields) {
    default(spec, "failurePolicy", "Fail");
    if let Some(constraints) = below(spec, "matchConstraints") {
        match_resources::apply_defaults(constraints);
    }
}

/// What holds of both, up to the conditions.
fn common_causes(spec: &Value) -> Vec<Cause> {
    let failure = get(spec, &["failurePolicy"]);
    let field = "spec.failurePolicy".to_owned();
    let mut causes: Vec<Cause> =
        one_of(field, failure, &FAILURE_POLICIES, true).into_iter().collect();
    if let Some(kind) = get(spec, &["paramKind"]) {
        causes.extend(match_resources::param_kind_causes("spec.paramKind", kind));
    }
    let path = "spec.matchConstraints";
    match get(spec, &["matchConstraints"]) {
        None => causes.push(Cause::required(path, "")),
        Some(constraints) => {
            causes.extend(match_resources::causes(path, constraints));
            if items(constraints, &["resourceRules"]).is_empty() {
                causes.push(Cause::required(format!("{path}.resourceRules"), ""));
            }
        }
    }
    causes
}

fn condition_causes(spec: &Value) -> Vec<Cause> {
    let conditions = items(spec, &["matchConditions"]);
    let mut causes = expressions::match_condition_causes("spec.matchConditions", conditions);
    causes.extend(expressions::variable_causes("spec.variables", items(spec, &["variables"])));
    causes
}

fn validation_causes(path: &str, validation: &Value) -> Vec<Cause> {
    let detail = "expression is not specified";
    let mut causes: Vec<Cause> =
        expressions::required(path, validation, "expression", detail).into_iter().collect();
    for field in ["messageExpression", "message"] {
        let given = text(validation, &[field]);
        let invalid = |rule| Cause::invalid(format!("{path}.{field}"), &json!(given), rule);
        if !given.is_empty() && given.trim().is_empty() {
            causes.push(invalid("must be non-empty if specified"));
        } else if field == "message" && given.trim().contains(['\n', '\r']) {
            causes.push(invalid("must not contain line breaks"));
        }
    }
    let reason = get(validation, &["reason"]);
    causes.extend(one_of(format!("{path}.reason"), reason, &REASONS, false));
    causes
}

fn annotation_causes(policy: &str, annotations: &[Value]) -> Vec<Cause> {
    let path = "spec.auditAnnotations";
    let mut causes = vec![];
    if annotations.len() > AUDIT_ANNOTATIONS_MAX {
        let rule = format!("must not have more than {AUDIT_ANNOTATIONS_MAX} auditAnnotations");
        causes.push(rules::invalid(path, &rule));
    }
    let mut seen = BTreeSet::new();
    for (index, annotation) in annotations.iter().enumerate() {
        let (path, key) = (format!("{path}[{index}]"), text(annotation, &["key"]));
        let field = format!("{path}.key");
        causes.extend(named(&field, &format!("{policy}/{key}"), names::label_key));
        let value = text(annotation, &["valueExpression"]).trim();
        if value.len() > VALUE_EXPRESSION_BYTES_MAX {
            let why = format!("must not exceed {VALUE_EXPRESSION_BYTES_MAX} bytes in length");
            causes.push(Cause::required(format!("{path}.valueExpression"), &why));
        }
        let detail = "valueExpression is not specified";
        causes.extend(expressions::required(&path, annotation, "valueExpression", detail));
        if !seen.insert(key) {
            causes.push(Cause::duplicate(field, &json!(key)));
        }
    }
    causes
}
