//! Services over Pods whose labels change, and their Endpoints and EndpointSlices.

use std::collections::BTreeSet;

use api::object::text;
use api::{ApiResource, Key, Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::exposure::by_hand::SOMEBODY;
use super::{Size, any, create, delete, key, name, pod_spec, uid};
use crate::sim::checks::{is_deleted, runs};
use crate::sim::objects::objects;
use crate::sim::random::Random;

pub(super) fn ask(store: &Store, random: &mut Random, size: Size) -> Vec<Request> {
    match random.below(12) {
        5..=8 => relabel(store, random),
        one => ask_one(one, (store, size), random).into_iter().collect(),
    }
}

fn ask_one(chosen: usize, (store, size): (&Store, Size), random: &mut Random) -> Option<Request> {
    match chosen {
        0 | 1 => Some(create(&resources::SERVICES, "default", service(random))),
        2..=4 => Some(create(&resources::PODS, "default", pod(random, size))),
        9 | 10 => {
            Some(delete(&resources::PODS, &any(store, &resources::PODS, random)?, "Background"))
        }
        _ if random.one_in(3) => {
            let mut services = objects(store, &resources::SERVICES);
            services.retain(|service| name(service) != "kubernetes");
            Some(delete(&resources::SERVICES, services.any(random).as_ref()?, "Background"))
        }
        _ => None,
    }
}

/// Has another Service select a Pod, and now and then the one that did right after. Others' Pods keep their labels: a
/// StatefulSet would let go of its own, and could not make another of the name.
fn relabel(store: &Store, random: &mut Random) -> Vec<Request> {
    let mut pods = objects(store, &resources::PODS);
    pods.retain(|pod| name(pod).starts_with("web-"));
    let Some(pod) = pods.any(random) else { return vec![] };
    let label = |app: &Value| {
        let patch = json!({"metadata": {"labels": {"app": app}}});
        Request::merge_patch(&resources::PODS, key(&pod), patch)
    };
    let there = label(&json!(app(random)));
    let back = random.one_in(2).then(|| label(&pod["metadata"]["labels"]["app"]));
    [Some(there), back].into_iter().flatten().collect()
}

fn app(random: &mut Random) -> &'static str {
    ["shop", "blog", "wiki", "mail"][random.below(4)]
}

fn service(random: &mut Random) -> Value {
    let app = app(random);
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": app, "namespace": "default"},
        "spec": {"selector": {"app": app}, "ports": [{"port": 80}]}})
}

fn pod(random: &mut Random, size: Size) -> Value {
    let name = format!("web-{}", random.below(size.of(8)));
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": app(random)}},
        "spec": pod_spec()})
}

/// ENDPOINTS-5, ENDPOINTS-6 and ENDPOINTS-7, of Endpoints and of EndpointSlices.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let services = objects(store, &resources::SERVICES);
    let pods = objects(store, &resources::PODS);
    let differs = services.iter().filter(|service| !service["spec"]["selector"].is_null());
    let differs = differs.into_iter().find_map(|service| {
        let selected = |pod: &&Value| {
            pod["metadata"]["labels"]["app"] == service["spec"]["selector"]["app"]
                && runs(pod)
                && !is_deleted(pod)
        };
        let wanted: BTreeSet<&str> = pods.iter().filter(selected).map(uid).collect();
        let endpoints = in_endpoints(store, service);
        let slices = in_slices(store, service);
        let is_so = |found: &BTreeSet<String>| found.iter().map(String::as_str).eq(wanted.clone());
        (!is_so(&endpoints) || !is_so(&slices)).then(|| {
            format!(
                "ENDPOINTS-5: {} has {} ready pods, {} in its endpoints, {} in its slices",
                name(service),
                wanted.len(),
                endpoints.len(),
                slices.len()
            )
        })
    });
    let orphan = |resource: &ApiResource, owner: fn(&Value) -> &str| {
        let is_orphan = |object: &&Value| {
            !services.iter().any(|service| name(service) == owner(object))
                && owner(object) != "kubernetes"
                && name(object) != SOMEBODY
        };
        objects(store, resource).iter().find(is_orphan).cloned()
    };
    let left = || {
        orphan(&resources::ENDPOINTS, name)
            .or_else(|| orphan(&resources::ENDPOINT_SLICES, service_of))
            .map(|object| format!("ENDPOINTS-7: {} has no service any more", name(&object)))
    };
    differs.or_else(left)
}

fn service_of(slice: &Value) -> &str {
    text(slice, &["metadata", "labels", "kubernetes.io/service-name"])
}

/// The uids of the Pods in a Service's Endpoints.
fn in_endpoints(store: &Store, service: &Value) -> BTreeSet<String> {
    let Key { namespace, name } = key(service);
    let key = apiserver::keys::key(&resources::ENDPOINTS, Some(&namespace), &name);
    let Some(found) = store.get(&key) else { return BTreeSet::new() };
    let endpoints = apiserver::object::decode(found);
    let subsets = endpoints["subsets"].as_array().into_iter().flatten();
    let addresses = subsets.flat_map(|subset| subset["addresses"].as_array().into_iter().flatten());
    addresses.map(|address| text(address, &["targetRef", "uid"]).to_owned()).collect()
}

/// The uids of the Pods that are ready in a Service's EndpointSlices.
fn in_slices(store: &Store, service: &Value) -> BTreeSet<String> {
    let slices = objects(store, &resources::ENDPOINT_SLICES);
    let own = slices.iter().filter(|slice| service_of(slice) == name(service));
    let endpoints = own.flat_map(|slice| slice["endpoints"].as_array().into_iter().flatten());
    let ready = endpoints.filter(|endpoint| endpoint["conditions"]["ready"] == true);
    ready.map(|endpoint| text(endpoint, &["targetRef", "uid"]).to_owned()).collect()
}
