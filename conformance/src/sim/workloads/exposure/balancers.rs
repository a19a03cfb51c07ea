//! Services of the type LoadBalancer, some of them of a class, before a Node with an address.

use std::collections::BTreeSet;

use api::object::{at, text};
use api::{ApiResource, Key, Request, resources};
use client::View;
use serde_json::{Value, json};
use store::Store;

use super::super::upkeep::ranges::spare;
use super::super::{Moment, create, name, uid};
use crate::sim::checks::is_deleted;
use crate::sim::objects::{changed, objects};
use crate::sim::random::Random;

const SERVICES: &ApiResource = &resources::SERVICES;
const NODES: &ApiResource = &resources::NODES;
const FINALIZER: &str = "service.kubernetes.io/load-balancer-cleanup";

/// The Node that has an address.
pub(crate) const NODE: usize = 9;
/// The Service whose balancer somebody else makes.
const CLASSED: &str = "classed";
pub(crate) const NAMES: [&str; 3] = ["balanced-0", "balanced-1", CLASSED];

pub(super) fn ask(store: &Store, random: &mut Random) -> Vec<Request> {
    let node = spare(NODE);
    if !objects(store, NODES).iter().any(|found| name(found) == name(&node)) {
        return vec![create(NODES, "", node)];
    }
    let name = NAMES[random.below(3)];
    let key = Key::new("default", name);
    vec![match random.below(8) {
        0..=3 => create(SERVICES, "default", service(name)),
        4 => move_node(random.below(3)),
        5 if random.one_in(2) => Request::delete(SERVICES, key, "", json!({})),
        _ if name == CLASSED => create(SERVICES, "default", service(name)),
        _ => of_type(key, random.one_in(2)),
    }]
}

/// A Service with a balancer.
pub(crate) fn service(name: &str) -> Value {
    let mut service = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}});
    if name == CLASSED {
        service["spec"]["loadBalancerClass"] = json!("example.com/other");
    }
    service
}

/// The Service has a balancer, or none.
pub(crate) fn of_type(service: Key, is_balanced: bool) -> Request {
    let kind = if is_balanced { "LoadBalancer" } else { "ClusterIP" };
    Request::merge_patch(SERVICES, service, json!({"spec": {"type": kind}}))
}

/// The Node has another address.
pub(crate) fn move_node(number: usize) -> Request {
    let address = json!({"type": "InternalIP", "address": format!("198.51.100.{number}")});
    let key = Key::cluster(name(&spare(NODE)));
    Request::merge_patch(NODES, key, json!({"status": {"addresses": [address]}}))
        .to_subresource("status")
}

fn has_finalizer(service: &Value) -> bool {
    let finalizers = at(service, &["metadata", "finalizers"]).and_then(Value::as_array);
    finalizers.into_iter().flatten().any(|finalizer| finalizer == FINALIZER)
}

fn ingress(service: &Value) -> BTreeSet<&str> {
    let ingress = at(service, &["status", "loadBalancer", "ingress"]).and_then(Value::as_array);
    ingress.into_iter().flatten().map(|one| text(one, &["ip"])).collect()
}

fn has_class(service: &Value) -> bool {
    at(service, &["spec", "loadBalancerClass"]).is_some()
}

/// The claim that a write breaks.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    if !moment.writes(SERVICES) || !moment.is_by_controllers() {
        return None;
    }
    let both = [moment.before, moment.after].map(|store| objects(store, SERVICES));
    let [before, after] = changed(&both);
    after.iter().find_map(|service| {
        let earlier = before.iter().find(|found| uid(found) == uid(service))?;
        let is_new = ingress(service) != ingress(earlier) && !ingress(service).is_empty();
        let is_other = has_class(service) || text(service, &["spec", "type"]) != "LoadBalancer";
        (is_new && is_other).then(|| format!("BALANCER-2: {} says addresses", name(service)))
    })
}

/// BALANCER-1, on a plan of the controller.
pub(crate) fn decided(view: &View, requests: &[Request]) -> Option<String> {
    let says = |request: &&Request| {
        let body = request.body.as_ref().filter(|_| request.subresource == "status");
        body.is_some_and(|body| body["status"]["loadBalancer"]["ingress"].is_array())
    };
    let key = &requests.iter().find(says)?.key;
    let finalizers = view.services.get(key)?.metadata.finalizers.iter().flatten();
    let is_seen = finalizers.into_iter().any(|finalizer| finalizer == FINALIZER);
    (!is_seen).then(|| format!("BALANCER-1: {key} is to say addresses without the finalizer"))
}

/// BALANCER-3.
pub(crate) fn is_given_up_late(store: &Store) -> bool {
    let services = objects(store, SERVICES);
    services.iter().any(|service| is_deleted(service) && !ingress(service).is_empty())
}

/// BALANCER-4.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let nodes = objects(store, NODES);
    let addresses = nodes.iter().filter_map(|node| {
        let address = node["status"]["addresses"].as_array()?.first()?;
        address["address"].as_str()
    });
    let addresses: BTreeSet<&str> = addresses.collect();
    objects(store, SERVICES).iter().find_map(|service| {
        let is_asked = text(service, &["spec", "type"]) == "LoadBalancer" && !has_class(service);
        let wanted = if is_asked { addresses.clone() } else { BTreeSet::new() };
        let is_as_asked = ingress(service) == wanted && has_finalizer(service) == is_asked;
        (!is_as_asked || is_deleted(service)).then(|| {
            format!("BALANCER-4: {} says {:?}, not {wanted:?}", name(service), ingress(service))
        })
    })
}
