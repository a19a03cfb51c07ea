//! The repair of cluster IPs: each address of a Service has its IPAddress, and none is left behind.
//!
//! The API server writes both in one transaction; this is for what somebody does to an IPAddress by hand. It runs beside
//! the API server, not with the controllers. Source:
//! pkg/registry/core/service/ipallocator/controller/repairip.go (v1.36), which looks again every three minutes.

mod left_behind;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use api::object::text;
use api::{AnyObject, Key, Reason, Request, Timestamp, Verb, resources};
use client::event::Note;
use client::{Backoff, Change, Outcome, View};
use k8s_openapi::api::core::v1::{Service, ServiceSpec};
use k8s_openapi::api::networking::v1::{IPAddress, IPAddressSpec, ParentReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use self::left_behind::Verdict;
use crate::notes::Notes;
use crate::ownership::{labels, uid};
use crate::service_cidr::{ALLOCATOR, giving};
use crate::{Controller, Plan, RETRIES_MAX};

/// The label with the family of an IPAddress.
const FAMILY: &str = "ipaddress.kubernetes.io/ip-family";

/// Keeps the IPAddresses of Services.
#[derive(Clone, Debug)]
pub struct IpAddressRepair {
    notes: Notes,
    /// What the API server has said of Services whose addresses the caches show wrong: they may be behind.
    read: BTreeMap<Key, Read>,
}

/// A Service and its addresses as they are.
#[derive(Clone, Debug, Default)]
struct Read {
    /// The Service's uid, empty where it is not there; nothing where that was not told.
    service: Option<String>,
    /// By address; nothing for one that is not there.
    addresses: BTreeMap<String, Option<Box<IPAddress>>>,
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

    fn backoff(&self) -> Backoff {
        Backoff::default().up_to(RETRIES_MAX)
    }

    /// Services are known by their namespace and name, addresses by their name.
    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        let mut keys = vec![];
        for object in change.old.iter().chain(&change.new) {
            if let AnyObject::IPAddress(address) = object {
                keys.extend(parent(address));
            } else if !matches!(object, AnyObject::Service(_)) {
                continue;
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
            plan.requests.extend(self.keep(view, (key, service)));
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

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        if request.verb != Verb::Get {
            return;
        }
        let is_missing = outcome.as_ref().is_err_and(|status| status.reason == Reason::NotFound);
        let read = self.read.entry(key.clone()).or_default();
        if request.resource == &resources::SERVICES {
            read.service = match outcome {
                Ok(service) => Some(text(service, &["metadata", "uid"]).to_owned()),
                Err(_) => is_missing.then(String::new),
            };
        } else if let Ok(object) = outcome {
            let address = serde_json::from_value(object.clone()).ok();
            read.addresses.insert(request.key.name.clone(), address);
        } else if is_missing {
            read.addresses.insert(request.key.name.clone(), None);
        }
    }
}

impl IpAddressRepair {
    /// What is to be done for the addresses of a Service. What the caches show wrong is asked for first, with the Service:
    /// both come and go at once, and are heard of one after the other.
    fn keep(&mut self, view: &View, (key, service): (&Key, &Service)) -> Vec<Request> {
        let read = self.read.remove(key);
        let (mut wrong, mut notes) = (vec![], vec![]);
        for ip in addresses(service) {
            match family(view, ip) {
                Err(note) => notes.push(note),
                Ok(family) if is_right_in(view, key, (ip, family)) => {}
                Ok(family) => wrong.push((ip, family)),
            }
        }
        let is_told = |read: &Read| {
            let has = |ip: &str| read.addresses.contains_key(ip);
            read.service.is_some() && wrong.iter().all(|(ip, _)| has(ip))
        };
        let read = read.filter(is_told);
        if read.is_none() && !wrong.is_empty() {
            let addresses = wrong.iter().map(|(ip, _)| Key::cluster(ip));
            let questions = addresses.map(|one| Request::get(&resources::IP_ADDRESSES, one));
            let itself = Request::get(&resources::SERVICES, key.clone());
            return std::iter::once(itself).chain(questions).collect();
        }
        notes.into_iter().for_each(|note| self.notes.add(key, note));
        let Some(read) = read else { return vec![] };
        if read.service.as_deref() != Some(uid(&service.metadata)) {
            return vec![];
        }
        let known = wrong.into_iter().filter_map(|one| Some((one, read.addresses.get(one.0)?)));
        known.flat_map(|(one, found)| self.repair(view, key, one, found.as_deref())).collect()
    }

    /// Puts right what the API server has said is wrong.
    fn repair(
        &mut self,
        view: &View,
        key: &Key,
        (ip, family): (&str, &str),
        found: Option<&IPAddress>,
    ) -> Vec<Request> {
        let made = Request::create(&new_address(ip, family, key));
        let Key { namespace, name } = key;
        let Some(found) = found else {
            let message = format!("Cluster IP [{family}]: {ip} is not allocated; repairing");
            self.notes.add(key, Note::warning("ClusterIPNotAllocated", message));
            return vec![made];
        };
        let holder = parent(found).filter(|parent| parent != key);
        match holder.and_then(|parent| view.services.get(&parent)) {
            Some(other) if addresses(other).any(|address| address == ip) => {
                let message = format!(
                    "Cluster IP [{family}]:{ip} was assigned to multiple services; please recreate service"
                );
                self.notes.add(key, Note::warning("ClusterIPAlreadyAllocated", message));
            }
            // That Service does not have it: it goes as what is left behind.
            Some(_) => {}
            None if parent(found).as_ref() == Some(key) => {}
            None => {
                let message = format!(
                    "the ClusterIP [{family}]: {ip} for Service {namespace}/{name} has a wrong reference; repairing"
                );
                self.notes.add(key, Note::warning("ClusterIPNotAllocated", message));
                return vec![remove(found), made];
            }
        }
        if is_labelled(found, family) { vec![] } else { vec![remove(found), made] }
    }
}

/// The family of an address that can be given, or why it cannot.
fn family(view: &View, ip: &str) -> Result<&'static str, Note> {
    let Ok(address) = ip.parse::<IpAddr>() else {
        let message = format!("Cluster IP {ip} is not a valid IP; please recreate Service");
        return Err(Note::warning("ClusterIPNotValid", message));
    };
    let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
    if giving(view, address).is_empty() {
        let message = format!(
            "Cluster IP [{family}]: {ip} is not within any configured Service CIDR; please recreate service"
        );
        return Err(Note::warning("ClusterIPOutOfRange", message));
    }
    Ok(family)
}

/// Whether the caches show an address as it should be for a Service.
fn is_right_in(view: &View, service: &Key, (ip, family): (&str, &str)) -> bool {
    let cached = view.ip_addresses.get(&Key::cluster(ip));
    cached.is_some_and(|found| is_right(found, service, family))
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
    parent(address).as_ref() == Some(service) && is_labelled(address, family)
}

/// Whether the address has the labels of those that are made for Services.
fn is_labelled(address: &IPAddress, family: &str) -> bool {
    is_managed(address) && labels(&address.metadata).get(FAMILY).map(String::as_str) == Some(family)
}

/// Whether the address was made for a Service by the API server.
fn is_managed(address: &IPAddress) -> bool {
    labels(&address.metadata).get(ALLOCATOR.0).map(String::as_str) == Some(ALLOCATOR.1)
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
