//! ResourceSlices: the devices that a driver offers.

use api::names;
use api::object::{object_at_mut, text};
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{each, entries, flag, get, int, items, made, or_null};
use super::super::kind_strategy::KindStrategy;
use super::super::node_selector;
use super::super::rules::{immutable, named, too_many};
use super::super::storage::driver_name_causes;
use super::{each_once, pool_name_causes, shown, slice_device};

const DEVICES_MAX: usize = 128;
/// Where devices are tainted, consume counters or have lists of attributes.
const ADVANCED_DEVICES_MAX: usize = 64;
const COUNTER_SETS_MAX: usize = 8;
const COUNTERS_MAX: usize = 32;
const LISTS: [&str; 4] = ["bools", "ints", "strings", "versions"];
const ONE_NODE: &str =
    "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";

/// The strategy of ResourceSlices.
pub(in crate::strategy) struct Slice;

impl KindStrategy for Slice {
    fn apply_defaults(&self, slice: &mut Value) {
        let spec = object_at_mut(slice, "spec");
        // Behind a gate that is off by default.
        each(spec, "devices", |device| {
            device.remove("nodeAllocatableResourceMappings");
        });
        made(spec, "pool").entry("generation").or_insert(json!(0));
    }

    fn causes(&self, slice: &Value) -> Vec<Cause> {
        let spec = or_null(slice, &["spec"]);
        let mut causes = identity_causes(spec);
        causes.extend(content_causes(spec));
        causes
    }

    fn update_causes(&self, new: &Value, old: &Value) -> Vec<Cause> {
        let (new, old) = (or_null(new, &["spec"]), or_null(old, &["spec"]));
        let mut causes = identity_causes(new);
        let lasting: [&[&str]; 3] = [&["pool", "name"], &["driver"], &["nodeName"]];
        causes.extend(lasting.into_iter().filter_map(|path| {
            let field = format!("spec.{}", path.join("."));
            immutable(&field, or_null(new, path), or_null(old, path))
        }));
        causes.extend(content_causes(new));
        causes
    }
}

/// Says of each taint since when it is there. Source: `SetDefaults_DeviceTaint`, pkg/apis/resource/v1/defaults.go (v1.36).
pub(in crate::strategy) fn date_taints(slice: &mut Value, now: &Value) {
    each(object_at_mut(slice, "spec"), "devices", |device| {
        each(device, "taints", |taint| {
            taint.entry("timeAdded").or_insert_with(|| now.clone());
        });
    });
}

fn identity_causes(spec: &Value) -> Vec<Cause> {
    let mut causes = driver_name_causes("spec.driver", text(spec, &["driver"]));
    let pool = or_null(spec, &["pool"]);
    causes.extend(pool_name_causes("spec.pool.name", text(pool, &["name"])));
    let number = |field: &str| int(pool, &[field]).unwrap_or_default();
    let counts = [
        ("resourceSliceCount", 1, "must be greater than zero"),
        ("generation", 0, "must be greater than or equal to zero"),
    ];
    let broken = counts.into_iter().filter(|(field, least, _)| number(field) < *least);
    causes.extend(broken.map(|(field, _, rule)| {
        Cause::invalid(format!("spec.pool.{field}"), &json!(number(field)), rule)
    }));
    causes
}

fn content_causes(spec: &Value) -> Vec<Cause> {
    let mut causes = node_causes(spec);
    let (counters, devices) = (items(spec, &["sharedCounters"]), items(spec, &["devices"]));
    if get(spec, &["sharedCounters"]).is_some() && get(spec, &["devices"]).is_some() {
        let rule = "only one of `sharedCounters` or `devices` is allowed";
        causes.push(Cause::invalid("spec", &shown(""), rule));
    }
    let devices_max =
        if devices.iter().any(is_advanced) { ADVANCED_DEVICES_MAX } else { DEVICES_MAX };
    let is_per_device = flag(spec, &["perDeviceNodeSelection"]);
    causes.extend(each_once("spec.devices", devices, devices_max, &["name"], |path, device| {
        slice_device::causes(path, device, is_per_device)
    }));
    let path = "spec.sharedCounters";
    causes.extend(each_once(path, counters, COUNTER_SETS_MAX, &["name"], |path, set| {
        let name = text(set, &["name"]);
        let mut causes = match name {
            "" => vec![Cause::required(format!("{path}.name"), "")],
            name => named(&format!("{path}.name"), name, names::dns_label),
        };
        causes.extend(counter_causes(&format!("{path}.counters"), set));
        causes
    }));
    causes
}

fn is_advanced(device: &Value) -> bool {
    let mut attributes = entries(device, &["attributes"]);
    !items(device, &["taints"]).is_empty()
        || !items(device, &["consumesCounters"]).is_empty()
        || attributes.any(|(_, value)| LISTS.iter().any(|list| get(value, &[list]).is_some()))
}

/// What the counters of a set break, or those that a device takes of one.
pub(super) fn counter_causes(field: &str, holder: &Value) -> Vec<Cause> {
    let counters: Vec<&str> = entries(holder, &["counters"]).map(|(name, _)| name).collect();
    if counters.is_empty() {
        return vec![Cause::required(field, "")];
    }
    if counters.len() > COUNTERS_MAX {
        return vec![too_many(field, counters.len(), COUNTERS_MAX)];
    }
    counters.into_iter().flat_map(|name| named(field, name, names::dns_label)).collect()
}

/// On which nodes the devices are must be said in one way.
fn node_causes(spec: &Value) -> Vec<Cause> {
    let (mut causes, mut said) = (vec![], vec![]);
    match get(spec, &["nodeName"]).and_then(Value::as_str) {
        None => {}
        Some("") => {
            let rule = "must be either unset or set to a non-empty string";
            causes.push(Cause::invalid("spec.nodeName", &shown(""), rule));
        }
        Some(name) => {
            said.push("`nodeName`");
            causes.extend(named("spec.nodeName", name, names::dns_subdomain));
        }
    }
    if let Some(selector) = get(spec, &["nodeSelector"]) {
        said.push("`nodeSelector`");
        causes.extend(node_selector::causes("spec.nodeSelector", selector));
        let terms = items(selector, &["nodeSelectorTerms"]);
        if terms.len() != 1 {
            let rule = "must have exactly one node selector term";
            let field = "spec.nodeSelector.nodeSelectorTerms";
            causes.push(Cause::invalid(field, &json!(terms), rule));
        }
    }
    for (field, name) in
        [("allNodes", "`allNodes`"), ("perDeviceNodeSelection", "`perDeviceNodeSelection`")]
    {
        match get(spec, &[field]).and_then(Value::as_bool) {
            None => {}
            Some(true) => said.push(name),
            Some(false) => {
                let rule = "must be either unset or set to true";
                causes.push(Cause::invalid(format!("spec.{field}"), &json!(false), rule));
            }
        }
    }
    causes.extend(one_node_cause("spec", &said, ONE_NODE, ", but multiple fields are set"));
    causes
}

/// Exactly one of several ways must have been chosen.
pub(super) fn one_node_cause(path: &str, said: &[&str], rule: &str, more: &str) -> Option<Cause> {
    match said {
        [] => Some(Cause::required(path, rule)),
        [_] => None,
        said => {
            let told = shown(&format!("{{{}}}", said.join(", ")));
            Some(Cause::invalid(path, &told, &format!("{rule}{more}")))
        }
    }
}
