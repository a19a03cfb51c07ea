//! FlowSchemas and PriorityLevelConfigurations: which requests wait for which.
//!
//! Source: `pkg/apis/flowcontrol/validation/validation.go` and `v1/defaults.go` (v1.36). Left out: queueing
//! requests by them, and the condition `Dangling` of a FlowSchema, which who queues them sets.

mod priority_level;
mod schema;

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{items, or_null, same};
use crate::bootstrap;

pub(super) use priority_level::PriorityLevelConfiguration;
pub(super) use schema::FlowSchema;

/// The spec of an object that every cluster has, if this is one.
fn mandatory_spec(objects: &[Value], object: &Value) -> Option<Value> {
    let name = text(object, &["metadata", "name"]);
    let mut named = objects.iter().filter(|object| text(object, &["metadata", "name"]) == name);
    named.next().map(|object| object["spec"].clone())
}

/// An object that every cluster has must say what it always says.
fn mandatory_cause(object: &Value) -> Option<Cause> {
    let objects = match text(object, &["kind"]) {
        "FlowSchema" => bootstrap::mandatory_flow_schemas(),
        _ => bootstrap::mandatory_priority_levels(),
    };
    let fixed = mandatory_spec(&objects, object)?;
    let (spec, name) = (or_null(object, &["spec"]), text(object, &["metadata", "name"]));
    if text(object, &["kind"]) != "FlowSchema" && name == "exempt" {
        let rest = |spec| super::fields::without(spec, &["exempt"]);
        let rule = "spec of 'exempt' except the 'spec.exempt' field must equal the fixed value";
        return (!same(&rest(spec), &rest(&fixed))).then(|| Cause::invalid("spec", spec, rule));
    }
    let rule = format!("spec of '{name}' must equal the fixed value");
    (!same(spec, &fixed)).then(|| Cause::invalid("spec", spec, &rule))
}

fn condition_causes(object: &Value) -> Vec<Cause> {
    let conditions = items(object, &["status", "conditions"]);
    let kind = |condition| text(condition, &["type"]);
    let mut causes = vec![];
    for (index, condition) in conditions.iter().enumerate() {
        let field = format!("status.conditions[{index}].type");
        if conditions[..index].iter().any(|other| kind(other) == kind(condition)) {
            causes.push(Cause::duplicate(field.clone(), &json!(kind(condition))));
        }
        if kind(condition).is_empty() {
            causes.push(Cause::required(field, ""));
        }
    }
    causes
}

#[cfg(test)]
mod tests;
