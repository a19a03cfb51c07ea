//! One of the pods behind a service: by its EndpointSlices, or by its Endpoints where it has none.

use api::object::{at, text};
use api::{ApiResource, Reason, Status, resources};
use serde_json::Value;
use store::Store;

use super::{Asked, find, list};
use crate::route::Objects;
use crate::{keys, object};

const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// An address that is said to be behind a service.
struct Endpoint {
    address: String,
    port: u64,
    /// The pod's name.
    pod: String,
}

/// The address and the port of one of the pods, by chance.
pub(super) fn of(
    store: &Store,
    target: &Objects,
    asked: &Asked<'_>,
    random: u64,
) -> Result<(String, String), Status> {
    let port_name = port_name(store, target, asked)?;
    let slices = slices(store, target, asked.name);
    let mut endpoints: Vec<Endpoint> =
        slices.iter().flat_map(|slice| of_slice(slice, &port_name)).collect();
    if slices.is_empty() {
        endpoints = of_endpoints(&endpoints_object(store, target, asked.name)?, &port_name);
    }
    endpoints.retain(|endpoint| is_of_its_pod(store, target, endpoint));
    if endpoints.is_empty() {
        return Err(unavailable(format!("no endpoints available for service {:?}", asked.whole)));
    }
    let index = random % endpoints.len() as u64;
    let chosen = endpoints.swap_remove(usize::try_from(index).unwrap_or_default());
    Ok((chosen.address, chosen.port.to_string()))
}

fn unavailable(message: String) -> Status {
    Status::new(Reason::ServiceUnavailable, message)
}

/// The name of the port that is asked for, which may be given by its number.
fn port_name(store: &Store, target: &Objects, asked: &Asked<'_>) -> Result<String, Status> {
    let Ok(number) = asked.port.parse::<i64>() else { return Ok(asked.port.to_owned()) };
    let service = find(store, target, asked.name)?;
    let port = list(&service, &["spec", "ports"]).find(|port| port["port"] == number);
    port.map(|port| text(port, &["name"]).to_owned()).ok_or_else(|| {
        unavailable(format!("no service port {number} found for service {:?}", asked.name))
    })
}

fn slices(store: &Store, target: &Objects, service: &str) -> Vec<Value> {
    let range = keys::range(&resources::ENDPOINT_SLICES, target.namespace.as_deref());
    let slices = store.range(&range).map(|slice| object::decode(slice));
    slices.filter(|slice| text(slice, &["metadata", "labels", SERVICE_NAME]) == service).collect()
}

fn endpoints_object(store: &Store, target: &Objects, service: &str) -> Result<Value, Status> {
    let namespace = target.namespace.as_deref();
    let get = |resource: &ApiResource| store.get(&keys::key(resource, namespace, service));
    match (get(&resources::ENDPOINTS), get(&resources::SERVICES)) {
        (Some(endpoints), _) => Ok(object::decode(endpoints)),
        // Nothing makes Endpoints of services yet.
        (None, Some(_)) => {
            Err(unavailable(format!("no endpoints available for service {service:?}")))
        }
        (None, None) => Err(Status::not_found(&resources::SERVICES, service)),
    }
}

fn port_of(ports: &Value, name: &str) -> Option<u64> {
    let mut ports = ports.as_array()?.iter();
    ports.find(|port| text(port, &["name"]) == name)?["port"].as_u64()
}

fn of_slice(slice: &Value, port_name: &str) -> Vec<Endpoint> {
    let Some(port) = port_of(&slice["ports"], port_name) else { return vec![] };
    let ready = list(slice, &["endpoints"])
        .filter(|endpoint| at(endpoint, &["conditions", "ready"]) != Some(&Value::Bool(false)));
    let endpoint = |endpoint: &Value| {
        let address = list(endpoint, &["addresses"]).next()?.as_str()?.to_owned();
        let pod = text(endpoint, &["targetRef", "name"]).to_owned();
        Some(Endpoint { address, port, pod })
    };
    ready.filter_map(endpoint).collect()
}

fn of_endpoints(endpoints: &Value, port_name: &str) -> Vec<Endpoint> {
    let of_subset = |subset: &Value| {
        let port = port_of(&subset["ports"], port_name);
        let endpoint = |address: &Value| {
            let pod = text(address, &["targetRef", "name"]).to_owned();
            Some(Endpoint { address: text(address, &["ip"]).to_owned(), port: port?, pod })
        };
        list(subset, &["addresses"]).filter_map(endpoint).collect::<Vec<_>>()
    };
    list(endpoints, &["subsets"]).flat_map(of_subset).collect()
}

/// Nothing is passed on to an address that no pod has.
fn is_of_its_pod(store: &Store, target: &Objects, endpoint: &Endpoint) -> bool {
    let key = keys::key(&resources::PODS, target.namespace.as_deref(), &endpoint.pod);
    let Some(pod) = store.get(&key).map(|pod| object::decode(pod)) else { return false };
    list(&pod, &["status", "podIPs"]).any(|address| text(address, &["ip"]) == endpoint.address)
}
