//! The devices that a claim has been given, and who uses them.

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::Value;

use super::super::fields::{get, items, made, or_null};
use super::super::rules::{immutable, invalid_struct, named, one_of};
use super::super::storage::driver_name_causes;
use super::super::{condition, node_selector};
use super::request::Names;
use super::{binding_causes, configuration, each, each_once, pool_name_causes, shown};

const RESERVED_FOR_MAX: usize = 256;
const RESULTS_MAX: usize = 32;
const CONFIGURATIONS_MAX: usize = 64;
const SOURCES: [&str; 2] = ["FromClaim", "FromClass"];
/// What tells devices apart.
const DEVICE: [&str; 4] = ["driver", "pool", "device", "shareID"];

/// What an update of the status of a claim breaks.
pub(super) fn status_causes(new: &Value, old: &Value) -> Vec<Cause> {
    let status = or_null(new, &["status"]);
    let (old_status, reserved) = (or_null(old, &["status"]), items(status, &["reservedFor"]));
    let path = "status.reservedFor";
    let mut causes = each_once(path, reserved, RESERVED_FOR_MAX, &["uid"], |path, consumer| {
        let fields = ["resource", "name", "uid"].into_iter();
        let missing = fields.filter(|field| text(consumer, &[field]).is_empty());
        missing.map(|field| Cause::required(format!("{path}.{field}"), "")).collect()
    });
    let allocation = get(status, &["allocation"]);
    let results = items(status, &["allocation", "devices", "results"]);
    let devices = items(status, &["devices"]);
    causes.extend(each("status.devices", devices, usize::MAX, |path, device| {
        device_causes(path, device, results)
    }));
    causes.extend(reserved_cause(new, reserved, allocation, items(old_status, &["reservedFor"])));
    let Some(allocation) = allocation else { return causes };
    let path = "status.allocation";
    match get(old_status, &["allocation"]) {
        Some(old) => causes.extend(immutable(path, &decoded(allocation), &decoded(old))),
        None => {
            let names = Names::of(items(new, &["spec", "devices", "requests"]));
            causes.extend(allocation_causes(path, allocation, &names));
        }
    }
    causes
}

/// An allocation as upstream decodes it: that of devices is always there.
fn decoded(allocation: &Value) -> Value {
    let mut allocation = allocation.clone();
    allocation.as_object_mut().map(|fields| made(fields, "devices"));
    allocation
}

fn is_same_device(one: &Value, other: &Value) -> bool {
    DEVICE.iter().all(|field| text(one, &[field]) == text(other, &[field]))
}

/// Forgets what is said of devices that a claim no longer has.
pub(in crate::strategy) fn drop_deallocated(new: &mut Value, old: &Value) {
    let results =
        |claim: &Value| items(claim, &["status", "allocation", "devices", "results"]).to_vec();
    let (had, has) = (results(old), results(new));
    let is_of = |device: &Value, results: &[Value]| {
        results.iter().any(|result| is_same_device(result, device))
    };
    let Some(status) = new.get_mut("status").and_then(Value::as_object_mut) else { return };
    let Some(devices) = status.get_mut("devices").and_then(Value::as_array_mut) else { return };
    devices.retain(|device| is_of(device, &has) || !is_of(device, &had));
    if devices.is_empty() {
        status.remove("devices");
    }
}

fn reserved_cause(
    claim: &Value,
    reserved: &[Value],
    allocation: Option<&Value>,
    old_reserved: &[Value],
) -> Option<Cause> {
    let field = "status.reservedFor";
    if reserved.is_empty() {
        return None;
    }
    if allocation.is_none() {
        return Some(Cause::forbidden(field, "may not be specified when `allocated` is not set"));
    }
    let is_deleted = get(claim, &["metadata", "deletionTimestamp"]).is_some();
    let has_new = reserved.iter().any(|consumer| !old_reserved.contains(consumer));
    let why =
        "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set";
    (is_deleted && has_new).then(|| Cause::forbidden(field, why))
}

fn device_causes(path: &str, device: &Value, results: &[Value]) -> Vec<Cause> {
    let mut causes = identity_causes(path, device);
    if !results.iter().any(|result| is_same_device(result, device)) {
        let [driver, pool, name, share] = DEVICE.map(|field| shown(text(device, &[field])));
        let told = format!(
            "{{\"Driver\":{driver},\"Pool\":{pool},\"Device\":{name},\"ShareID\":{share}}}"
        );
        causes.push(invalid_struct(path, &told, "must be an allocated device in the claim"));
    }
    let conditions = items(device, &["conditions"]);
    causes.extend(condition::validate(&format!("{path}.conditions"), conditions));
    if let Some(data) = get(device, &["data"]) {
        causes.extend(configuration::raw_cause(&format!("{path}.data"), Some(data)));
    }
    causes
}

fn identity_causes(path: &str, device: &Value) -> Vec<Cause> {
    let mut causes = driver_name_causes(&format!("{path}.driver"), text(device, &["driver"]));
    causes.extend(pool_name_causes(&format!("{path}.pool"), text(device, &["pool"])));
    let name = text(device, &["device"]);
    causes.extend(named(&format!("{path}.device"), name, names::dns_label));
    causes
}

fn allocation_causes(path: &str, allocation: &Value, names: &Names) -> Vec<Cause> {
    let devices = or_null(allocation, &["devices"]);
    let results = items(devices, &["results"]);
    let field = format!("{path}.devices.results");
    let mut causes = each(&field, results, RESULTS_MAX, |path, result| {
        let request = or_null(result, &["request"]);
        let mut causes = names.reference_causes(&format!("{path}.request"), request);
        causes.extend(identity_causes(path, result));
        causes.extend(binding_causes(path, result));
        causes
    });
    let configurations = items(devices, &["config"]);
    let field = format!("{path}.devices.config");
    causes.extend(each(&field, configurations, CONFIGURATIONS_MAX, |path, one| {
        let source = get(one, &["source"]);
        let mut causes: Vec<Cause> =
            one_of(format!("{path}.source"), source, &SOURCES, true).into_iter().collect();
        causes.extend(names.references_causes(path, one));
        causes.extend(configuration::opaque_causes(path, one));
        causes
    }));
    if let Some(selector) = get(allocation, &["nodeSelector"]) {
        causes.extend(node_selector::causes(&format!("{path}.nodeSelector"), selector));
    }
    causes
}
