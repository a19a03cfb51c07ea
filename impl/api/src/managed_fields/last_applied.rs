//! From client-side to server-side apply: what kubectl has written down in an annotation is its own.
//!
//! Source: `managedfields/internal/{lastappliedmanager,lastappliedupdater}.go` of apimachinery (v1.36).

use serde_json::Value;

use super::compare::compare;
use super::conflict::Conflict;
use super::field_set::FieldSet;
use super::fields_of::fields_of;
use super::manager::Typed;
use super::validate::validate;
use crate::object::{at, metadata_mut, text};

/// The manager that is known to have used client-side apply before.
pub(super) const MANAGER: &str = "kubectl";
/// Where client-side apply writes down what it applied.
const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The conflicts that remain when the manager may take what it has applied from the client's side.
pub(super) fn not_allowed(
    api_version: &str,
    live: &Value,
    conflicts: Vec<Conflict>,
) -> Vec<Conflict> {
    let Some(allowed) = still_as_applied(api_version, live) else { return conflicts };
    conflicts.into_iter().filter(|conflict| !allowed.has_path(&conflict.path)).collect()
}

/// The fields of the annotation that the object still has as they were applied.
fn still_as_applied(api_version: &str, live: &Value) -> Option<FieldSet> {
    let applied = text(live, &["metadata", "annotations", ANNOTATION]);
    let applied: Value = serde_json::from_str(applied).ok()?;
    if text(&applied, &["apiVersion"]) != api_version {
        return None;
    }
    let (live, applied) = (Typed::of(live.clone())?.explicit(), Typed::of(applied)?);
    if validate(applied.definition, &applied.object).is_some() {
        return None;
    }
    let comparison = compare(applied.shape(), &applied.object, &live.object);
    let fields = fields_of(applied.shape(), &applied.object);
    Some(fields.difference(&comparison.changed()).difference(&comparison.removed))
}

/// Writes down what kubectl applies where it has written down before, so that it may go back.
pub fn keep_up_to_date(object: &mut Value, config: &Value, manager: &str) {
    let is_there = !text(object, &["metadata", "annotations", ANNOTATION]).is_empty();
    if manager != MANAGER || !is_there {
        return;
    }
    let mut config = config.clone();
    if at(&config, &["metadata", "annotations"]).is_some()
        && let Some(annotations) = config["metadata"]["annotations"].as_object_mut()
    {
        annotations.remove(ANNOTATION);
    }
    let annotations = metadata_mut(object).get_mut("annotations").and_then(Value::as_object_mut);
    if let Some(annotations) = annotations {
        annotations.insert(ANNOTATION.to_owned(), Value::from(format!("{config}\n")));
    }
}
