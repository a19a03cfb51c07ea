//! Endpoints that somebody writes, of Services that now and then select Pods themselves.

use std::collections::BTreeSet;

use api::object::{at, text};
use api::{ApiResource, Key, Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::super::{Moment, create, name, uid};
use crate::sim::checks::is_deleted;
use crate::sim::objects::{changed, objects};
use crate::sim::random::Random;

const SERVICES: &ApiResource = &resources::SERVICES;
const ENDPOINTS: &ApiResource = &resources::ENDPOINTS;
const SLICES: &ApiResource = &resources::ENDPOINT_SLICES;

const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const SERVICE_NAME: &str = "kubernetes.io/service-name";
const CONTROLLER: &str = "endpointslicemirroring-controller.k8s.io";

/// Who makes slices by hand.
pub(crate) const SOMEBODY: &str = "somebody";

pub(super) fn ask(store: &Store, random: &mut Random) -> Vec<Request> {
    let missing = missing(store);
    if !missing.is_empty() {
        return missing;
    }
    let key = Key::new("default", NAMES[random.below(2)]);
    let request = match random.below(8) {
        0..=3 => Some(written(store, &key, random.below(4))),
        4 => Some(Request::delete(ENDPOINTS, key, "", json!({}))),
        5 | 6 => Some(select(key, random.one_in(3))),
        _ => random.one_in(3).then(|| Request::delete(SERVICES, key, "", json!({}))),
    };
    request.into_iter().collect()
}

pub(crate) const NAMES: [&str; 2] = ["by-hand-0", "by-hand-1"];

fn missing(store: &Store) -> Vec<Request> {
    let services = objects(store, SERVICES);
    let is_there = |wanted: &str| services.iter().any(|service| name(service) == wanted);
    let lacking = NAMES.into_iter().filter(|name| !is_there(name));
    let mut requests: Vec<Request> =
        lacking.map(|name| create(SERVICES, "default", service(name))).collect();
    if objects(store, SLICES).iter().all(|slice| manager(slice) != SOMEBODY) {
        requests.push(create(SLICES, "default", foreign(NAMES[0])));
    }
    requests
}

/// A Service that selects no Pods.
pub(crate) fn service(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
        "spec": {"ports": [{"port": 80}]}})
}

/// A slice that somebody keeps for a Service.
pub(crate) fn foreign(service: &str) -> Value {
    let labels = json!({MANAGED_BY: SOMEBODY, SERVICE_NAME: service});
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": SOMEBODY, "namespace": "default", "labels": labels},
        "endpoints": [{"addresses": ["192.0.2.250"]}]})
}

/// Somebody writes two addresses.
pub(crate) fn written(store: &Store, key: &Key, number: usize) -> Request {
    let address = |last: usize| json!({"ip": format!("192.0.2.{}", 10 + last)});
    let subset = json!({"addresses": [address(number), address(number + 1)],
        "ports": [{"port": 80}]});
    let subsets = json!({"subsets": [subset]});
    if objects(store, ENDPOINTS).iter().any(|endpoints| name(endpoints) == key.name) {
        return Request::merge_patch(ENDPOINTS, key.clone(), subsets);
    }
    let mut endpoints = json!({"apiVersion": "v1", "kind": "Endpoints",
        "metadata": {"name": key.name, "namespace": "default"}});
    endpoints["subsets"] = subsets["subsets"].clone();
    create(ENDPOINTS, "default", endpoints)
}

/// The Service selects Pods, of which there are none, or selects no more.
pub(crate) fn select(service: Key, selects: bool) -> Request {
    let selector = if selects { json!({"app": "none"}) } else { Value::Null };
    Request::merge_patch(SERVICES, service, json!({"spec": {"selector": selector}}))
}

fn manager(slice: &Value) -> &str {
    text(slice, &["metadata", "labels", MANAGED_BY])
}

/// The claim that a write breaks.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    if !moment.writes(SLICES) || !moment.is_by_controllers() {
        return None;
    }
    let both = [moment.before, moment.after].map(|store| objects(store, SLICES));
    let [before, _] = changed(&both);
    let taken = before.iter().find(|slice| manager(slice) == SOMEBODY);
    let taken = taken.map(|slice| format!("MIRRORING-1: {} is taken", name(slice)));
    taken.or_else(|| mirrored_twice(moment.after).filter(|_| moment.is_certain))
}

/// MIRRORING-2. A request may arrive after its sender has crashed, or given up.
fn mirrored_twice(store: &Store) -> Option<String> {
    let mut services = BTreeSet::new();
    let slices = objects(store, SLICES);
    let twice = slices.iter().filter(|slice| manager(slice) == CONTROLLER && !is_deleted(slice));
    let mut services_of = twice.map(|slice| text(slice, &["metadata", "labels", SERVICE_NAME]));
    let service = services_of.find(|service| !services.insert(*service))?;
    Some(format!("MIRRORING-2: {service} has two slices"))
}

/// MIRRORING-3.
pub(crate) fn is_outdated(store: &Store) -> bool {
    let is_written = objects(store, ENDPOINTS).iter().next().is_some();
    let is_mirrored = objects(store, SLICES).iter().any(|slice| manager(slice) == CONTROLLER);
    is_written && is_mirrored && unsettled(store).is_some()
}

/// MIRRORING-4.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let slices = objects(store, SLICES);
    NAMES.into_iter().find_map(|name| {
        let of_service = |slice: &&Value| {
            manager(slice) == CONTROLLER
                && text(slice, &["metadata", "labels", SERVICE_NAME]) == name
        };
        let mirrors = slices.iter().filter(of_service);
        let endpoints =
            mirrors.flat_map(|slice| slice["endpoints"].as_array().into_iter().flatten());
        let said: BTreeSet<&str> =
            endpoints.filter_map(|endpoint| endpoint["addresses"][0].as_str()).collect();
        let wanted = wanted(store, name);
        (said != wanted.iter().map(String::as_str).collect())
            .then(|| format!("MIRRORING-4: the slices of {name} say {said:?}, not {wanted:?}"))
    })
}

/// The addresses that a Service has by its Endpoints.
fn wanted(store: &Store, service: &str) -> BTreeSet<String> {
    let services = objects(store, SERVICES);
    let mirrored = services.iter().any(|found| {
        name(found) == service
            && at(found, &["spec", "selector"]).is_none()
            && !uid(found).is_empty()
    });
    let endpoints = objects(store, ENDPOINTS);
    let found = endpoints.iter().find(|found| mirrored && name(found) == service);
    let subsets =
        found.into_iter().flat_map(|found| found["subsets"].as_array().into_iter().flatten());
    let addresses = subsets.flat_map(|subset| subset["addresses"].as_array().into_iter().flatten());
    addresses.map(|address| text(address, &["ip"]).to_owned()).collect()
}
