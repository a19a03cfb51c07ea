//! The repair of cluster IPs: each address of a Service has its IPAddress, and none is left behind.
//!
//! The API server writes both in one transaction; this is for what somebody does to an IPAddress by hand. It runs beside
//! the API server, not with the controllers. Source:
//! pkg/registry/core/service/ipallocator/controller/repairip.go (v1.36), which looks again every three minutes.

mod left_behind;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use api::{AnyObject, Key, Reason, Request, Timestamp, Verb, resources};
use client::event::Note;
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{Service, ServiceSpec};
use k8s_openapi::api::networking::v1::{IPAddress, IPAddressSpec, ParentReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use self::left_behind::Verdict;
use crate::notes::Notes;
use crate::ownership::{labels, name, uid};
use crate::service_cidr::{ALLOCATOR, giving};
use crate::{Controller, Plan};

/// The label with the family of an IPAddress.
const FAMILY: &str = "ipaddress.kubernetes.io/ip-family";

/// Keeps the IPAddresses of Services.
#[derive(Clone, Debug)]
pub struct IpAddressRepair {
    notes: Notes,
    /// What the API server has said of addresses that the caches show wrong: they may be behind.
    read: BTreeMap<String, Option<Box<IPAddress>>>,
}

impl Default for IpAddressRepair {
    fn default() -> Self {
        Self { notes: Notes::new("ipallocator-repair-controller"), read: BTreeMap::new() }
    }
}

impl Controller for IpAddressRepair {
    fn name(&self) -> &'static str {
        "ipallocator-repair-controller"
    }

    /// Services are known by their namespace and name, addresses by their name.
    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        let mut keys = vec![];
        for object in change.old.iter().chain(&change.new) {
            if let AnyObject::IPAddress(address) = object {
                keys.extend(parent(address));
            }
            keys.push(Key::of(object.metadata()));
        }
        keys.sort();
        keys.dedup();
        keys
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let mut plan = Plan::default();
        if let Some(service) = view.services.get(key) {
            self.notes.about(key, &AnyObject::from(Arc::clone(service)));
            for ip in addresses(service) {
                plan.requests.extend(self.keep(view, (key, service), ip));
            }
        } else if let Some(address) = view.ip_addresses.get(key) {
            self.notes.about(key, &AnyObject::from(Arc::clone(address)));
            match left_behind::judge(view, address, now) {
                Verdict::Stays => {}
                Verdict::At(when) => plan.look_again_at(when),
                Verdict::Goes(note) => {
                    self.notes.add(key, note);
                    plan.requests.push(remove(address));
                }
            }
        } else {
            self.notes.forget(key);
        }
        plan.requests.extend(self.notes.flush(key, now));
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, _key: &Key, request: &Request, outcome: &Outcome) {
        if request.verb != Verb::Get {
            return;
        }
        let read = match outcome {
            Ok(object) => serde_json::from_value(object.clone()).ok().map(Some),
            Err(status) => (status.reason == Reason::NotFound).then_some(None),
        };
        if let Some(read) = read {
            self.read.insert(request.key.name.clone(), read);
        }
    }
}

impl IpAddressRepair {
    /// What is to be done for an address of a Service.
    fn keep(&mut self, view: &View, (key, service): (&Key, &Service), ip: &str) -> Vec<Request> {
        let Ok(address) = ip.parse::<IpAddr>() else {
            let message = format!("Cluster IP {ip} is not a valid IP; please recreate Service");
            self.notes.add(key, Note::warning("ClusterIPNotValid", message));
            return vec![];
        };
        let family = family(address);
        if giving(view, address).is_empty() {
            let message = format!(
                "Cluster IP [{family}]: {ip} is not within any configured Service CIDR; please recreate service"
            );
            self.notes.add(key, Note::warning("ClusterIPOutOfRange", message));
            return vec![];
        }
        let cached = view.ip_addresses.get(&Key::cluster(ip)).map(|found| found.as_ref().clone());
        if cached.as_ref().is_some_and(|found| is_right(found, key, family)) {
            self.read.remove(ip);
            return vec![];
        }
        match self.read.remove(ip) {
            Some(found) => self.repair(view, (key, service), (ip, family), found.as_deref()),
            None => vec![Request::get(&resources::IP_ADDRESSES, Key::cluster(ip))],
        }
    }

    /// Puts right what the API server has said is wrong.
    fn repair(
        &mut self,
        view: &View,
        (key, service): (&Key, &Service),
        (ip, family): (&str, &str),
        found: Option<&IPAddress>,
    ) -> Vec<Request> {
        let made = Request::create(&new_address(ip, family, key));
        let (namespace, name) = (&key.namespace, name(&service.metadata));
        let wrong = format!(
            "the ClusterIP [{family}]: {ip} for Service {namespace}/{name} has a wrong reference; repairing"
        );
        let Some(found) = found else {
            let message = format!("Cluster IP [{family}]: {ip} is not allocated; repairing");
            self.notes.add(key, Note::warning("ClusterIPNotAllocated", message));
            return vec![made];
        };
        let other = parent(found).and_then(|parent| view.services.get(&parent));
        match other {
            _ if is_right(found, key, family) => return vec![],
            // Its labels are wrong, nothing else.
            Some(other) if Key::of(&other.metadata) == *key => {}
            Some(other) if addresses(other).any(|address| address == ip) => {
                let message = format!(
                    "Cluster IP [{family}]:{ip} was assigned to multiple services; please recreate service"
                );
                self.notes.add(key, Note::warning("ClusterIPAlreadyAllocated", message));
                return vec![];
            }
            // That Service does not have it: it goes as what is left behind, and is made then.
            Some(_) => return vec![],
            None => self.notes.add(key, Note::warning("ClusterIPNotAllocated", wrong)),
        }
        vec![remove(found), made]
    }
}

/// The cluster IPs of a Service that has any.
fn addresses(service: &Service) -> impl Iterator<Item = &str> {
    let spec = service.spec.as_ref();
    let is_set =
        |spec: &&ServiceSpec| !matches!(spec.cluster_ip.as_deref(), None | Some("" | "None"));
    let all = spec.filter(is_set).and_then(|spec| spec.cluster_ips.as_ref());
    all.into_iter().flatten().map(String::as_str)
}

/// The Service that an IPAddress names.
fn parent(address: &IPAddress) -> Option<Key> {
    let parent = &address.spec.parent_ref;
    let is_service = parent.group.as_deref().unwrap_or_default().is_empty();
    let is_service = is_service && parent.resource == "services";
    is_service.then(|| Key::new(parent.namespace.as_deref().unwrap_or_default(), &parent.name))
}

fn is_right(address: &IPAddress, service: &Key, family: &str) -> bool {
    let labels = labels(&address.metadata);
    parent(address).as_ref() == Some(service)
        && is_managed(address)
        && labels.get(FAMILY).map(String::as_str) == Some(family)
}

/// Whether the address was made for a Service by the API server.
fn is_managed(address: &IPAddress) -> bool {
    labels(&address.metadata).get(ALLOCATOR.0).map(String::as_str) == Some(ALLOCATOR.1)
}

fn family(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "IPv4" } else { "IPv6" }
}

fn new_address(ip: &str, family: &str, service: &Key) -> IPAddress {
    let labels = [(FAMILY, family), ALLOCATOR];
    let labels = labels.map(|(label, value)| (label.to_owned(), value.to_owned()));
    IPAddress {
        metadata: ObjectMeta {
            name: Some(ip.to_owned()),
            labels: Some(labels.into()),
            ..ObjectMeta::default()
        },
        spec: IPAddressSpec {
            parent_ref: ParentReference {
                group: None,
                resource: "services".to_owned(),
                namespace: Some(service.namespace.clone()),
                name: service.name.clone(),
            },
        },
    }
}

fn remove(address: &IPAddress) -> Request {
    let key = Key::of(&address.metadata);
    Request::delete(&resources::IP_ADDRESSES, key, uid(&address.metadata), json!({}))
}

#[cfg(test)]
mod tests;
