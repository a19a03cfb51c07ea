//! The rules that a node affinity must keep which every pod is given.
//!
//! Source: component-helpers/scheduling/corev1/nodeaffinity (v1.36). Terms that say nothing, and those of no weight,
//! are not looked at.

use api::selector::{Operator, Requirement};
use api::status::Cause;
use k8s_openapi::api::core::v1::{NodeSelectorRequirement, NodeSelectorTerm};
use serde_json::json;

use super::Errors;
use crate::config::NodeAffinityArgs;

const OPERATORS: [&str; 6] = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"];

/// What is wrong with the affinity that pods are given.
pub(super) fn added(path: &str, args: &NodeAffinityArgs) -> Errors {
    let Some(affinity) = &args.added_affinity else { return vec![] };
    let mut errors = vec![];
    let required = affinity.required_during_scheduling_ignored_during_execution.as_ref();
    for (index, term) in
        required.into_iter().flat_map(|selector| &selector.node_selector_terms).enumerate()
    {
        let of_required = "addedAffinity.requiredDuringSchedulingIgnoredDuringExecution";
        errors.extend(of_term(&format!("{path}.{of_required}.nodeSelectorTerms[{index}]"), term));
    }
    let preferred = &affinity.preferred_during_scheduling_ignored_during_execution;
    for (index, term) in preferred.iter().flatten().enumerate() {
        let of_preferred = "addedAffinity.preferredDuringSchedulingIgnoredDuringExecution";
        if term.weight != 0 {
            errors.extend(of_term(&format!("{path}.{of_preferred}[{index}]"), &term.preference));
        }
    }
    errors
}

fn of_term(path: &str, term: &NodeSelectorTerm) -> Errors {
    let expressions = term.match_expressions.iter().flatten().enumerate();
    let expressions = expressions.flat_map(|(index, requirement)| {
        of_expression(&format!("{path}.matchExpressions[{index}]"), requirement)
    });
    let fields = term.match_fields.iter().flatten().enumerate();
    let fields = fields.filter_map(|(index, requirement)| {
        of_field(&format!("{path}.matchFields[{index}]"), requirement)
    });
    expressions.chain(fields).collect()
}

fn of_expression(path: &str, requirement: &NodeSelectorRequirement) -> Errors {
    let operator = match requirement.operator.as_str() {
        "In" => Operator::In,
        "NotIn" => Operator::NotIn,
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        "Gt" => Operator::GreaterThan,
        "Lt" => Operator::LessThan,
        other => {
            let field = format!("{path}.operator");
            return vec![Cause::not_supported(field, &json!(other), &OPERATORS)];
        }
    };
    let values = requirement.values.iter().flatten().cloned().collect();
    let Err(error) = Requirement::new(&requirement.key, operator, values) else { return vec![] };
    let (field, message) = error.split_once(": ").unwrap_or_default();
    let (field, message) = (format!("{path}.{field}"), message.to_owned());
    vec![Cause { reason: "FieldValueInvalid", field, message }]
}

fn of_field(path: &str, requirement: &NodeSelectorRequirement) -> Option<Cause> {
    let values = requirement.values.as_deref().unwrap_or_default();
    match requirement.operator.as_str() {
        "In" | "NotIn" => (values.len() != 1).then(|| {
            Cause::invalid(format!("{path}.values"), &json!(values), "must have one element")
        }),
        other => {
            let known = ["In", "NotIn"];
            Some(Cause::not_supported(format!("{path}.operator"), &json!(other), &known))
        }
    }
}
