//! One device of a ResourceSlice.

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{entries, flag, get, items};
use super::super::node_selector;
use super::super::rules::named;
use super::{attribute, binding_causes, each, each_once, shown, slice, taint};

const ATTRIBUTES_AND_CAPACITIES_MAX: usize = 32;
const ATTRIBUTE_VALUES_MAX: usize = 48;
const TAINTS_MAX: usize = 16;
const CONSUMPTIONS_MAX: usize = 2;
const LISTS: [&str; 4] = ["bools", "ints", "strings", "versions"];
const ONE_NODE: &str = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec";

/// What it breaks.
pub(super) fn causes(path: &str, device: &Value, is_per_device: bool) -> Vec<Cause> {
    let mut causes = named(&format!("{path}.name"), text(device, &["name"]), names::dns_label);
    causes.extend(count_causes(path, device));
    for (name, value) in entries(device, &["attributes"]) {
        let field = format!("{path}.attributes");
        causes.extend(attribute::name_causes(&field, name));
        causes.extend(attribute::causes(&format!("{field}[{name}]"), value));
    }
    let may_be_shared = flag(device, &["allowMultipleAllocations"]);
    for (name, capacity) in entries(device, &["capacity"]) {
        let field = format!("{path}.capacity");
        causes.extend(attribute::name_causes(&field, name));
        if !may_be_shared && get(capacity, &["requestPolicy"]).is_some() {
            let field = format!("{field}[{name}].requestPolicy");
            causes.push(Cause::forbidden(field, "allowMultipleAllocations must be true"));
        }
    }
    let taints = items(device, &["taints"]);
    causes.extend(each(&format!("{path}.taints"), taints, TAINTS_MAX, taint::taint_causes));
    let consumed = items(device, &["consumesCounters"]);
    let field = format!("{path}.consumesCounters");
    causes.extend(each_once(
        &field,
        consumed,
        CONSUMPTIONS_MAX,
        &["counterSet"],
        consumption_causes,
    ));
    causes.extend(node_causes(path, device, is_per_device));
    causes.extend(binding_causes(path, device));
    causes
}

fn count_causes(path: &str, device: &Value) -> Vec<Cause> {
    let attributes = || entries(device, &["attributes"]);
    let named = attributes().count() + entries(device, &["capacity"]).count();
    let values: usize = attributes()
        .map(|(_, value)| {
            LISTS.iter().map(|list| items(value, &[list]).len()).sum::<usize>().max(1)
        })
        .sum();
    let rule = |what: &str, max| format!("the total number of {what} must not exceed {max}");
    let counts = [
        (named, ATTRIBUTES_AND_CAPACITIES_MAX, "attributes and capacities"),
        (values, ATTRIBUTE_VALUES_MAX, "attribute values"),
    ];
    let broken = counts.into_iter().filter(|(count, max, _)| count > max);
    broken.map(|(count, max, what)| Cause::invalid(path, &json!(count), &rule(what, max))).collect()
}

fn consumption_causes(path: &str, consumption: &Value) -> Vec<Cause> {
    let field = format!("{path}.counterSet");
    let mut causes = match text(consumption, &["counterSet"]) {
        "" => vec![Cause::required(field, "")],
        name => named(&field, name, names::dns_label),
    };
    causes.extend(slice::counter_causes(&format!("{path}.counters"), consumption));
    causes
}

fn node_causes(path: &str, device: &Value, is_per_device: bool) -> Vec<Cause> {
    let is_set = |field: &str| get(device, &[field]).is_some();
    if !is_per_device {
        let rule = "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
        let is_said = ["nodeName", "nodeSelector", "allNodes"].into_iter().any(is_set);
        return is_said.then(|| Cause::invalid(path, &Value::Null, rule)).into_iter().collect();
    }
    let (mut causes, mut said) = (vec![], vec![]);
    let field = format!("{path}.nodeName");
    match get(device, &["nodeName"]).and_then(Value::as_str) {
        None => {}
        Some("") => causes.push(Cause::invalid(field, &shown(""), "must not be empty")),
        Some(name) => {
            said.push("`nodeName`");
            causes.extend(named(&field, name, names::dns_subdomain));
        }
    }
    if let Some(selector) = get(device, &["nodeSelector"]) {
        said.push("`nodeSelector`");
        causes.extend(node_selector::causes(&format!("{path}.nodeSelector"), selector));
    }
    match get(device, &["allNodes"]).and_then(Value::as_bool) {
        None => {}
        Some(true) => said.push("`allNodes`"),
        Some(false) => {
            let rule = "must be either unset or set to true";
            causes.push(Cause::invalid(format!("{path}.allNodes"), &json!(false), rule));
        }
    }
    causes.extend(slice::one_node_cause(path, &said, ONE_NODE, ""));
    causes
}
