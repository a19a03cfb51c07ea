//! The Endpoints controller: the addresses of the pods that a Service selects, as Endpoints of its name.
//!
//! Source: pkg/controller/endpoint/endpoints_controller.go (v1.36). Ports and subsets are in the order of
//! their values, not of hashes.

mod subsets;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use api::object::text;
use api::{AnyObject, Key, Request, Timestamp, Verb, resources};
use client::event::Note;
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{
    EndpointAddress, EndpointPort, EndpointSubset, Endpoints, ObjectReference, Pod, Service,
    ServicePort,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use crate::notes::Notes;
use crate::ownership::{labels, uid};
use crate::services::trigger_time::{TriggerTimes, annotate};
use crate::services::{self, IS_HEADLESS, unless_empty};
use crate::{Controller, Plan, RETRIES_MAX, pods};

pub(crate) use subsets::repack;

/// The label of Endpoints that this controller writes, and its value.
const MANAGED_BY: (&str, &str) = ("endpoints.kubernetes.io/managed-by", "endpoint-controller");
/// The annotation of Endpoints that do not hold all addresses, and its value.
const OVER_CAPACITY: (&str, &str) = ("endpoints.kubernetes.io/over-capacity", "truncated");

/// Writes the Endpoints of Services.
#[derive(Clone, Debug)]
pub struct EndpointsController {
    trigger_times: TriggerTimes,
    /// The version of Endpoints that an update has replaced: a cache that shows it is too old.
    replaced: BTreeMap<Key, String>,
    notes: Notes,
}

impl Default for EndpointsController {
    fn default() -> Self {
        Self {
            trigger_times: TriggerTimes::default(),
            replaced: BTreeMap::new(),
            notes: Notes::new("endpoint-controller"),
        }
    }
}

impl Controller for EndpointsController {
    fn name(&self) -> &'static str {
        "endpoints-controller"
    }

    fn backoff(&self) -> client::Backoff {
        client::Backoff::default().up_to(RETRIES_MAX)
    }

    fn workers(&self) -> usize {
        5
    }

    /// Endpoints whose Service went while nobody looked are due when they are first heard of. What somebody else
    /// writes into Endpoints stays until their Service or its pods change, as in upstream.
    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let resource = change.resource();
        if resource == &resources::SERVICES {
            vec![change.key()]
        } else if resource == &resources::PODS {
            services::selecting(view, change)
        } else if resource == &resources::ENDPOINTS {
            let is_managed = has(labels(change.object().metadata()), MANAGED_BY);
            let is_due = match (&change.old, &change.new) {
                (_, None) => true,
                (None, Some(_)) => is_managed,
                (Some(old), Some(_)) => self.is_stale(&change.key(), old.metadata()),
            };
            if is_due { vec![change.key()] } else { vec![] }
        } else {
            vec![]
        }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let mut requests = self.notes.flush(key, now);
        match view.services.get(key) {
            Some(service) => requests.extend(self.sync(view, service)),
            None => {
                self.forget(key);
                requests.extend(view.endpoints.get(key).map(|endpoints| delete(endpoints)));
            }
        }
        Plan { requests, look_again: None }.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        if request.resource != &resources::ENDPOINTS {
            return;
        }
        let version = |object| text(object, &["metadata", "resourceVersion"]).to_owned();
        match (request.verb, outcome) {
            (Verb::Update, Ok(answer)) => {
                let replaced = request.body.as_ref().map(version).unwrap_or_default();
                if replaced != version(answer) {
                    self.replaced.insert(key.clone(), replaced);
                }
            }
            (Verb::Create, Err(status)) => {
                let message = format!("Failed to create endpoint for service {key}: {status}");
                self.notes.add(key, Note::warning("FailedToCreateEndpoint", message));
            }
            (Verb::Update, Err(status)) => {
                let message = format!("Failed to update endpoint {key}: {status}");
                self.notes.add(key, Note::warning("FailedToUpdateEndpoint", message));
            }
            (_, Ok(_) | Err(_)) => {}
        }
    }
}

impl EndpointsController {
    fn forget(&mut self, key: &Key) {
        self.trigger_times.forget(key);
        self.replaced.remove(key);
        self.notes.forget(key);
    }

    fn sync(&mut self, view: &View, service: &Service) -> Option<Request> {
        let pods = services::pods_of(view, service)?;
        let key = Key::of(&service.metadata);
        let trigger_time = self.trigger_times.next(service, &pods);
        let subsets = repack(pods.iter().flat_map(|pod| subsets_of(service, pod)));
        let current = view.endpoints.get(&key);
        if let Some(current) = current
            && (self.is_stale(&key, &current.metadata) || is_up_to_date(current, service, &subsets))
        {
            return None;
        }
        let new = endpoints(service, (current, subsets), trigger_time);
        self.notes.about(&key, &AnyObject::from(Arc::new(new.clone())));
        Some(match current {
            Some(_) => Request::update(&new),
            None => Request::create(&new),
        })
    }

    /// Whether an update has replaced these Endpoints, though the cache shows them, or did so until now.
    fn is_stale(&self, key: &Key, found: &ObjectMeta) -> bool {
        self.replaced.get(key) == found.resource_version.as_ref()
            && found.resource_version.is_some()
    }
}

fn has(map: &BTreeMap<String, String>, (key, value): (&str, &str)) -> bool {
    map.get(key).is_some_and(|found| found == value)
}

fn delete(endpoints: &Endpoints) -> Request {
    let metadata = &endpoints.metadata;
    Request::delete(&resources::ENDPOINTS, Key::of(metadata), uid(metadata), json!({}))
}

/// What a pod adds, a subset for each port.
fn subsets_of(service: &Service, pod: &Pod) -> Vec<EndpointSubset> {
    let is_ready = services::publishes_not_ready(service) || pods::is_ready(pod);
    let is_told = services::publishes_not_ready(service) || !pods::is_terminating(pod);
    let Some(address) = address(service, pod).filter(|_| services::has_endpoint(pod) && is_told)
    else {
        return vec![];
    };
    let subset = |port: Option<EndpointPort>| {
        let (ready, not_ready) = if is_ready {
            (Some(vec![address.clone()]), None)
        } else {
            (None, Some(vec![address.clone()]))
        };
        EndpointSubset {
            addresses: ready,
            not_ready_addresses: not_ready,
            ports: port.map(|port| vec![port]),
        }
    };
    match services::ports(service) {
        None => vec![subset(None)],
        Some(ports) => ports
            .iter()
            .filter_map(|port| endpoint_port(pod, port))
            .map(|port| subset(Some(port)))
            .collect(),
    }
}

fn endpoint_port(pod: &Pod, port: &ServicePort) -> Option<EndpointPort> {
    Some(EndpointPort {
        name: port.name.clone().filter(|name| !name.is_empty()),
        port: services::find_port(pod, port)?,
        protocol: port.protocol.clone(),
        app_protocol: port.app_protocol.clone(),
    })
}

/// The pod's first address of the Service's first family.
fn address(service: &Service, pod: &Pod) -> Option<EndpointAddress> {
    let wants_ipv6 = wants_ipv6(service, pod);
    let ip = services::addresses(pod).find(|ip| ip.is_ipv6() == wants_ipv6)?;
    let metadata = &pod.metadata;
    Some(EndpointAddress {
        ip: ip.to_string(),
        hostname: services::hostname(pod, service).cloned(),
        node_name: Some(pods::node_name(pod).to_owned()),
        target_ref: Some(pod_reference(metadata)),
    })
}

/// What endpoints say of the pod that they stand for.
pub(crate) fn pod_reference(metadata: &ObjectMeta) -> ObjectReference {
    ObjectReference {
        kind: Some("Pod".to_owned()),
        namespace: metadata.namespace.clone(),
        name: metadata.name.clone(),
        uid: metadata.uid.clone(),
        ..ObjectReference::default()
    }
}

fn wants_ipv6(service: &Service, pod: &Pod) -> bool {
    let families = services::spec(service).and_then(|spec| spec.ip_families.as_ref());
    if let Some(family) = families.and_then(|families| families.first()) {
        return family == "IPv6";
    }
    match services::cluster_ip(service) {
        Some(ip) => ip.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()),
        None => services::addresses(pod).next().is_some_and(|ip| ip.is_ipv6()),
    }
}

fn is_up_to_date(current: &Endpoints, service: &Service, subsets: &[EndpointSubset]) -> bool {
    let found = current.subsets.as_deref().unwrap_or_default();
    let annotations = current.metadata.annotations.as_ref();
    subsets::without_versions(found) == subsets
        && has_labels_of(labels(&current.metadata), labels(&service.metadata))
        && subsets::count(found) <= subsets::CAPACITY
        && annotations.is_none_or(|annotations| !annotations.contains_key(OVER_CAPACITY.0))
}

/// Whether Endpoints have the labels of the Service, and beside them only the controller's own.
fn has_labels_of(found: &BTreeMap<String, String>, of_service: &BTreeMap<String, String>) -> bool {
    let own = |label: &str| label == IS_HEADLESS || label == MANAGED_BY.0;
    has(found, MANAGED_BY) && found.iter().filter(|(label, _)| !own(label)).eq(of_service)
}

fn endpoints(
    service: &Service,
    (current, mut subsets): (Option<&Arc<Endpoints>>, Vec<EndpointSubset>),
    trigger_time: Option<Timestamp>,
) -> Endpoints {
    let new = ObjectMeta {
        name: service.metadata.name.clone(),
        namespace: service.metadata.namespace.clone(),
        ..ObjectMeta::default()
    };
    let metadata = current.map_or(new, |current| current.metadata.clone());
    let mut annotations = metadata.annotations.clone().unwrap_or_default();
    annotate(&mut annotations, trigger_time);
    if subsets::truncate(&mut subsets) {
        annotations.insert(OVER_CAPACITY.0.to_owned(), OVER_CAPACITY.1.to_owned());
    } else {
        annotations.remove(OVER_CAPACITY.0);
    }
    let mut labels = labels(&service.metadata).clone();
    labels.remove(IS_HEADLESS);
    if services::cluster_ip(service).is_none() {
        labels.insert(IS_HEADLESS.to_owned(), String::new());
    }
    labels.insert(MANAGED_BY.0.to_owned(), MANAGED_BY.1.to_owned());
    Endpoints {
        metadata: ObjectMeta {
            labels: Some(labels),
            annotations: unless_empty(annotations),
            ..metadata
        },
        subsets: (!subsets.is_empty()).then_some(subsets),
    }
}

#[cfg(test)]
mod tests;
