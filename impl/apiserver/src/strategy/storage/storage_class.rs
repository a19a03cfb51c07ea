//! StorageClasses.
//!
//! Source: `ValidateStorageClass` and `SetDefaults_StorageClass` (v1.36).

use std::collections::{BTreeMap, BTreeSet};

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{default, get, items, or_null};
use super::super::rules;
use super::{parameters_causes, provisioner_causes};

/// The fields that say what a class is, in the order in which they are looked at.
const IMMUTABLE: [&str; 4] = ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"];
const RECLAIM_POLICIES: [&str; 2] = ["Delete", "Retain"];
const BINDING_MODES: [&str; 2] = ["Immediate", "WaitForFirstConsumer"];

/// The values of each label that a term asks for.
type Term<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Fills in what its author left out.
pub(super) fn apply_defaults(class: &mut Value) {
    if let Some(class) = class.as_object_mut() {
        default(class, "reclaimPolicy", "Delete");
        default(class, "volumeBindingMode", "Immediate");
    }
}

/// What it breaks, new or changed.
pub(super) fn causes(class: &Value) -> Vec<Cause> {
    let mut causes = provisioner_causes(class, "provisioner");
    causes.extend(parameters_causes(class));
    for (field, supported) in
        [("reclaimPolicy", &RECLAIM_POLICIES), ("volumeBindingMode", &BINDING_MODES)]
    {
        causes.extend(rules::one_of(field.to_owned(), get(class, &[field]), supported, false));
    }
    causes.extend(topologies_causes(items(class, &["allowedTopologies"])));
    causes
}

/// What a change of it breaks.
pub(super) fn update_causes(new: &Value, old: &Value) -> Vec<Cause> {
    let changed = |field: &&str| rules::immutable(field, given(new, field), given(old, field));
    IMMUTABLE.iter().filter_map(changed).collect()
}

/// The value of a field; no parameters are none, however that is written.
fn given<'a>(class: &'a Value, field: &str) -> &'a Value {
    let value = or_null(class, &[field]);
    let is_empty = value.as_object().is_some_and(serde_json::Map::is_empty);
    if is_empty { &Value::Null } else { value }
}

fn topologies_causes(terms: &[Value]) -> Vec<Cause> {
    let mut seen: Vec<Term<'_>> = vec![];
    let mut causes = vec![];
    for (index, term) in terms.iter().enumerate() {
        let path = format!("allowedTopologies[{index}].matchLabelExpressions");
        let values = term_values(&path, term, &mut causes);
        if seen.contains(&values) {
            causes.push(Cause::duplicate(path, &json!("")));
        }
        seen.push(values);
    }
    causes
}

fn term_values<'a>(path: &str, term: &'a Value, causes: &mut Vec<Cause>) -> Term<'a> {
    let mut values = Term::new();
    for (index, expression) in items(term, &["matchLabelExpressions"]).iter().enumerate() {
        let path = format!("{path}[{index}]");
        let key = text(expression, &["key"]);
        let of_key = expression_values(&path, expression, causes);
        causes.extend(rules::named(&format!("{path}.key"), key, names::label_key));
        if values.insert(key, of_key).is_some() {
            causes.push(Cause::duplicate(format!("{path}.key"), &json!(key)));
        }
    }
    values
}

fn expression_values<'a>(
    path: &str,
    expression: &'a Value,
    causes: &mut Vec<Cause>,
) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let values = items(expression, &["values"]);
    if values.is_empty() {
        causes.push(Cause::required(format!("{path}.values"), ""));
    }
    for (index, value) in values.iter().filter_map(Value::as_str).enumerate() {
        if !seen.insert(value) {
            causes.push(Cause::duplicate(format!("{path}.values[{index}]"), &json!(value)));
        }
    }
    seen
}
