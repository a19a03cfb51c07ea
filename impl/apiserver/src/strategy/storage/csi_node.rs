//! CSINodes.
//!
//! Source: `ValidateCSINode` (v1.36).

use std::collections::BTreeSet;

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{get, items, or_null, same};
use super::super::rules;
use super::driver_name_causes;

const NODE_ID_LENGTH_MAX: usize = 256;

/// What it breaks, new or changed.
pub(super) fn causes(node: &Value) -> Vec<Cause> {
    let mut names = BTreeSet::new();
    let mut causes = vec![];
    for (index, driver) in drivers(node).iter().enumerate() {
        let path = format!("spec.drivers[{index}]");
        let name = text(driver, &["name"]);
        causes.extend(driver_name_causes(&format!("{path}.name"), name));
        causes.extend(driver_causes(&path, driver));
        if !names.insert(name) {
            causes.push(Cause::duplicate(format!("{path}.name"), &json!(name)));
        }
        causes.extend(topology_key_causes(&path, driver));
    }
    causes
}

/// A driver may report other limits, and nothing else that is new.
pub(super) fn update_causes(new: &Value, old: &Value) -> Vec<Cause> {
    let is_changed = |new: &Value, old: &Value| {
        let part = |of, field: &str| or_null(of, &[field]).clone();
        ["nodeID", "topologyKeys"].iter().any(|field| !same(&part(new, field), &part(old, field)))
    };
    let mut causes = vec![];
    for old in drivers(old) {
        let named = drivers(new).iter().filter(|new| text(new, &["name"]) == text(old, &["name"]));
        let changed = named.filter(|new| is_changed(new, old));
        causes.extend(changed.map(|driver| {
            rules::invalid_struct("spec.drivers", &internal_driver(driver), rules::IMMUTABLE)
        }));
    }
    causes
}

fn drivers(node: &Value) -> &[Value] {
    items(node, &["spec", "drivers"])
}

/// The Go struct without its limits; its fields have no JSON names (v1.36, `pkg/apis/storage/types.go`).
fn internal_driver(driver: &Value) -> String {
    let part = |field: &str| or_null(driver, &[field]);
    let (name, node_id, keys) = (part("name"), part("nodeID"), part("topologyKeys"));
    format!("{{\"Name\":{name},\"NodeID\":{node_id},\"TopologyKeys\":{keys},\"Allocatable\":null}}")
}

fn driver_causes(path: &str, driver: &Value) -> Vec<Cause> {
    let field = format!("{path}.nodeID");
    let mut causes = match text(driver, &["nodeID"]) {
        "" => vec![Cause::required(field, "")],
        node_id if node_id.len() > NODE_ID_LENGTH_MAX => {
            let rule = format!("must be {NODE_ID_LENGTH_MAX} characters or less");
            vec![Cause::invalid(field, &json!(node_id), &rule)]
        }
        _ => vec![],
    };
    if let Some(allocatable) = get(driver, &["allocatable"]) {
        causes.extend(rules::non_negative(allocatable, &format!("{path}.allocatable"), "count"));
    }
    causes
}

fn topology_key_causes(path: &str, driver: &Value) -> Vec<Cause> {
    let mut keys = BTreeSet::new();
    let mut causes = vec![];
    for key in items(driver, &["topologyKeys"]).iter().filter_map(Value::as_str) {
        if key.is_empty() {
            causes.push(Cause::required(path, ""));
        }
        if !keys.insert(key) {
            causes.push(Cause::duplicate(path, &json!(key)));
        }
        causes.extend(rules::named(path, key, names::label_key));
    }
    causes
}
