//! Priority: the name of a pod's PriorityClass becomes a number; one class at most is everybody's.
//!
//! Source: plugin/pkg/admission/priority/admission.go, v1.36.

use api::object::{at, object_at_mut, text};
use api::{Status, resources};
use serde_json::{Value, json};

use super::Admission;

/// What is resolved once, when a pod is created.
const RESOLVED: [&str; 2] = ["priority", "preemptionPolicy"];

/// Gives a new pod the priority of its class.
pub(super) fn resolve(admission: Admission<'_>, pod: &mut Value) -> Result<(), Status> {
    let class = class_of(admission, text(pod, &["spec", "priorityClassName"]))?;
    let spec = object_at_mut(pod, "spec");
    if let Some(class) = &class {
        spec.insert("priorityClassName".to_owned(), json!(text(class, &["metadata", "name"])));
    }
    let priority = class.as_ref().map_or(0, value);
    if let Some(given) = spec.get("priority").filter(|given| **given != json!(priority)) {
        return Err(admission.forbidden(&format!(
            "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller computed {priority} from the given PriorityClass name"
        )));
    }
    let policy = class.as_ref().map_or("", |class| text(class, &["preemptionPolicy"]));
    let policy = if policy.is_empty() { "PreemptLowerPriority" } else { policy };
    let given = spec.get("preemptionPolicy").and_then(Value::as_str);
    if let Some(given) = given.filter(|given| *given != policy) {
        return Err(admission.forbidden(&format!(
            "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission controller computed {policy} from the given PriorityClass name"
        )));
    }
    spec.insert("priority".to_owned(), json!(priority));
    spec.insert("preemptionPolicy".to_owned(), json!(policy));
    Ok(())
}

/// The class with this name, or the one that is everybody's.
fn class_of(admission: Admission<'_>, name: &str) -> Result<Option<Value>, Status> {
    if name.is_empty() {
        return Ok(default_class(admission));
    }
    let found = admission.find(&resources::PRIORITY_CLASSES, None, name);
    let missing = || admission.forbidden(&format!("no PriorityClass with name {name} was found"));
    found.ok_or_else(missing).map(Some)
}

/// The class of pods that name none; the lowest where two were made at once.
fn default_class(admission: Admission<'_>) -> Option<Value> {
    let classes = admission.all(&resources::PRIORITY_CLASSES, None).into_iter();
    classes.filter(|class| class["globalDefault"] == true).min_by_key(value)
}

fn value(class: &Value) -> i64 {
    at(class, &["value"]).and_then(Value::as_i64).unwrap_or_default()
}

/// An update that leaves out what was resolved does not change it.
pub(super) fn keep(new: &mut Value, old: &Value) {
    let spec = object_at_mut(new, "spec");
    for field in RESOLVED {
        if let (None, Some(kept)) = (spec.get(field), at(old, &["spec", field])) {
            spec.insert(field.to_owned(), kept.clone());
        }
    }
}

/// Whether a PriorityClass may be what it says.
pub(super) fn validate_class(admission: Admission<'_>, class: &Value) -> Result<(), Status> {
    if class["globalDefault"] != true {
        return Ok(());
    }
    let other = default_class(admission);
    let other = other.as_ref().map(|other| text(other, &["metadata", "name"]));
    match other.filter(|other| *other != admission.name) {
        Some(other) => Err(admission.forbidden(&format!(
            "PriorityClass {other} is already marked as default. Only one default can exist"
        ))),
        None => Ok(()),
    }
}
