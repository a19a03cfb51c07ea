//! Devices that pods claim: DeviceClasses, ResourceClaims, ResourceClaimTemplates and ResourceSlices.
//!
//! Source: `pkg/apis/resource/validation/validation.go` and `v1/defaults.go` (v1.36). Left out: the cost
//! of expressions, policies for parts of a capacity, and what is behind gates that are off by default.

mod allocation;
mod attribute;
mod claim;
mod class;
mod configuration;
mod request;
mod slice;
mod slice_device;
mod taint;

use std::collections::BTreeSet;

use api::names;
use api::status::Cause;
use serde_json::{Value, json};

use super::rules::{named, too_long, too_many};

pub(super) use allocation::drop_deallocated;
pub(super) use claim::{Claim, ClaimTemplate};
pub(super) use class::Class;
pub(super) use slice::{Slice, date_taints};

const POOL_NAME_BYTES_MAX: usize = 253;
const REQUESTS_MAX: usize = 32;

/// What the elements of a list break; none of them is looked at where there are too many.
fn each(
    path: &str,
    list: &[Value],
    items_max: usize,
    one: impl Fn(&str, &Value) -> Vec<Cause>,
) -> Vec<Cause> {
    if list.len() > items_max {
        return vec![too_many(path, list.len(), items_max)];
    }
    let each = list.iter().enumerate();
    each.flat_map(|(index, item)| one(&format!("{path}[{index}]"), item)).collect()
}

/// The same of a list in which no two elements have the same key.
fn each_once(
    path: &str,
    list: &[Value],
    items_max: usize,
    key: &[&str],
    one: impl Fn(&str, &Value) -> Vec<Cause>,
) -> Vec<Cause> {
    let mut causes = each(path, list, items_max, one);
    if list.len() > items_max {
        return causes;
    }
    let mut seen = BTreeSet::new();
    for (index, item) in list.iter().enumerate() {
        let key = super::fields::or_null(item, key);
        if !seen.insert(key.to_string()) {
            causes.push(Cause::duplicate(format!("{path}[{index}]"), key));
        }
    }
    causes
}

/// What the name of a pool breaks: names of domains, joined by slashes.
fn pool_name_causes(field: &str, name: &str) -> Vec<Cause> {
    if name.is_empty() {
        return vec![Cause::required(field, "")];
    }
    let mut causes = vec![];
    if name.len() > POOL_NAME_BYTES_MAX {
        causes.push(too_long(field, POOL_NAME_BYTES_MAX));
    }
    causes.extend(name.split('/').flat_map(|part| named(field, part, names::dns_subdomain)));
    causes
}

/// What the conditions break under which a device is given, and those under which it is not.
fn binding_causes(path: &str, device: &Value) -> Vec<Cause> {
    let list = |field: &str| super::fields::items(device, &[field]);
    let (given, refused) = (list("bindingConditions"), list("bindingFailureConditions"));
    let fields = ["bindingConditions", "bindingFailureConditions"];
    let [given_field, refused_field] = fields.map(|field| format!("{path}.{field}"));
    let one = |field: &str, name: &Value| {
        named(field, name.as_str().unwrap_or_default(), names::label_key)
    };
    let mut causes = each(&given_field, given, 4, one);
    causes.extend(each(&refused_field, refused, 4, one));
    for (field, list) in [(&given_field, given), (&refused_field, refused)] {
        for (index, name) in list.iter().enumerate() {
            if list[..index].contains(name) {
                causes.push(Cause::duplicate(format!("{field}[{index}]"), name));
            }
            if field == &refused_field && given.contains(name) {
                let rule = "bindingFailureConditions must not overlap with bindingConditions";
                causes.push(Cause::invalid(format!("{field}[{index}]"), name, rule));
            }
        }
    }
    let missing = |field: &str, [of, by]: [&str; 2]| {
        Cause::invalid(field, &Value::Null, &format!("{of} are required to use {by}"))
    };
    let [of_given, of_refused] = fields;
    match (given.is_empty(), refused.is_empty()) {
        (true, false) => causes.push(missing(&given_field, [of_given, of_refused])),
        (false, true) => causes.push(missing(&refused_field, [of_refused, of_given])),
        (true, true) | (false, false) => {}
    }
    causes
}

/// Keeps a text for a message.
fn shown(text: &str) -> Value {
    json!(text)
}

#[cfg(test)]
mod tests;
