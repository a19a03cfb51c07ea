//! The service load balancer controller: Services of type LoadBalancer get addresses, which here are those
//! of the nodes.
//!
//! Source: staging/src/k8s.io/cloud-provider/controllers/service/controller.go (v1.36), with a load balancer
//! of our own behind it that has nothing to make or to delete. Left out: the traffic. An address is one at
//! which a node could be reached; nothing listens there for the Service.

mod hosts;
mod wanted;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{AnyObject, Key, Request, Timestamp, resources};
use client::event::Note;
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{LoadBalancerIngress, Service};
use serde_json::json;

use self::hosts::Host;
use self::wanted::Wanted;
use crate::notes::Notes;
use crate::ownership::uid;
use crate::{Controller, Plan};

const FINALIZER: &str = "service.kubernetes.io/load-balancer-cleanup";

/// What has been made of a Service.
#[derive(Clone, Debug)]
struct Balancer {
    wanted: Wanted,
    /// The nodes that it was made for; `None` while it is not made.
    hosts: Option<Vec<Host>>,
}

/// Keeps the load balancers of Services.
#[derive(Clone, Debug)]
pub struct ServiceLbController {
    balancers: BTreeMap<Key, Balancer>,
    notes: Notes,
}

impl Default for ServiceLbController {
    fn default() -> Self {
        Self { balancers: BTreeMap::new(), notes: Notes::new("service-controller") }
    }
}

impl Controller for ServiceLbController {
    fn name(&self) -> &'static str {
        "service-lb-controller"
    }

    fn backoff(&self) -> client::Backoff {
        client::Backoff::seconds(5, 300).without_turns()
    }

    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        if change.resource() == &resources::SERVICES {
            return vec![change.key()];
        }
        let host = |object: &Option<AnyObject>| match object {
            Some(AnyObject::Node(node)) => Host::of(node),
            _ => None,
        };
        let is_same = host(&change.old) == host(&change.new);
        if is_same { vec![] } else { self.balancers.keys().cloned().collect() }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let mut plan = Plan::default();
        let Some(service) = view.services.get(key) else {
            plan.requests = self.notes.flush(key, now);
            self.forget(key);
            return plan;
        };
        if needs_cleanup(service) || Wanted::of(service).is_some() {
            self.notes.about(key, &AnyObject::from(Arc::clone(service)));
        }
        plan.requests = self.notes.flush(key, now);
        match Wanted::of(service).filter(|_| !needs_cleanup(service)) {
            Some(wanted) => self.ensure(view, (service, wanted), (&mut plan, now)),
            None if needs_cleanup(service) => self.clean_up(service, (&mut plan, now)),
            None => self.forget(key),
        }
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        if request.resource != &resources::SERVICES {
            return;
        }
        let is_status = request.subresource == "status";
        match outcome {
            Ok(_) if !is_status && is_release(request) => {
                self.notes.add(key, Note::normal("DeletedLoadBalancer", "Deleted load balancer"));
            }
            Ok(_) => {}
            Err(status) => {
                let what = if is_status {
                    "update load balancer status"
                } else if is_release(request) {
                    "remove load balancer cleanup finalizer"
                } else {
                    "add load balancer cleanup finalizer"
                };
                let message =
                    format!("Error syncing load balancer: failed to {what}: {}", status.message);
                self.notes.add(key, Note::warning("SyncLoadBalancerFailed", message));
                self.balancers.remove(key);
            }
        }
    }
}

impl ServiceLbController {
    fn forget(&mut self, key: &Key) {
        self.balancers.remove(key);
        self.notes.forget(key);
    }

    fn say(&mut self, service: &Arc<Service>, note: Note, now: Timestamp) -> Option<Request> {
        let about = client::event::reference(&AnyObject::from(Arc::clone(service)), "");
        self.notes.record(about, note, now)
    }

    /// Makes a load balancer, or makes it for other nodes than before.
    fn ensure(
        &mut self,
        view: &View,
        (service, wanted): (&Arc<Service>, Wanted),
        (plan, now): (&mut Plan, Timestamp),
    ) {
        let key = Key::of(&service.metadata);
        if self.balancers.get(&key).is_none_or(|balancer| balancer.wanted != wanted) {
            let note = Note::normal("EnsuringLoadBalancer", "Ensuring load balancer");
            plan.requests.extend(self.say(service, note, now));
            self.balancers.insert(key.clone(), Balancer { wanted, hosts: None });
        }
        if !has_finalizer(service) {
            return plan.requests.push(add_finalizer(service));
        }
        let hosts: Vec<Host> = view.nodes.iter().filter_map(|node| Host::of(node)).collect();
        let Some(balancer) = self.balancers.get_mut(&key) else { return };
        let before = balancer.hosts.replace(hosts.clone());
        if before.as_ref() == Some(&hosts) {
            return;
        }
        for note in notes(&hosts, before.is_some()) {
            plan.requests.extend(self.say(service, note, now));
        }
        plan.requests.extend(set_ingress(service, hosts::ingress(service, &hosts)));
    }

    /// Gives a load balancer up.
    fn clean_up(&mut self, service: &Arc<Service>, (plan, now): (&mut Plan, Timestamp)) {
        self.balancers.remove(&Key::of(&service.metadata));
        if !ingress(service).is_empty() {
            let note = Note::normal("DeletingLoadBalancer", "Deleting load balancer");
            plan.requests.extend(self.say(service, note, now));
            plan.requests.extend(set_ingress(service, vec![]));
        }
        plan.requests.push(remove_finalizer(service));
    }
}

/// What is said of a load balancer that was made for these nodes.
fn notes(hosts: &[Host], was_made: bool) -> Vec<Note> {
    let nobody = || {
        let message = "There are no available nodes for LoadBalancer";
        Note::warning("UnAvailableLoadBalancer", message)
    };
    let made = || Note::normal("EnsuredLoadBalancer", "Ensured load balancer");
    match (hosts.is_empty(), was_made) {
        (true, true) => vec![nobody()],
        (true, false) => vec![nobody(), made()],
        (false, false) => vec![made()],
        (false, true) => {
            let message = "Updated load balancer with new hosts";
            vec![Note::normal("UpdatedLoadBalancer", message)]
        }
    }
}

fn has_finalizer(service: &Service) -> bool {
    service.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == FINALIZER)
}

/// Whether a Service has a load balancer that it is to have no longer.
fn needs_cleanup(service: &Service) -> bool {
    let is_going = service.metadata.deletion_timestamp.is_some();
    let kind = service.spec.as_ref().and_then(|spec| spec.type_.as_deref());
    has_finalizer(service) && (is_going || kind != Some(wanted::TYPE))
}

fn change_finalizers(service: &Service, field: &str) -> Request {
    let patch = json!({"metadata": {"uid": uid(&service.metadata), field: [FINALIZER]}});
    Request::strategic_merge_patch(&resources::SERVICES, Key::of(&service.metadata), patch)
}

fn add_finalizer(service: &Service) -> Request {
    change_finalizers(service, "finalizers")
}

fn remove_finalizer(service: &Service) -> Request {
    change_finalizers(service, "$deleteFromPrimitiveList/finalizers")
}

fn is_release(request: &Request) -> bool {
    let body = request.body.as_ref();
    body.is_some_and(|body| body["metadata"].get("$deleteFromPrimitiveList/finalizers").is_some())
}

fn ingress(service: &Service) -> &[LoadBalancerIngress] {
    let status = service.status.as_ref().and_then(|status| status.load_balancer.as_ref());
    status.and_then(|status| status.ingress.as_deref()).unwrap_or_default()
}

/// Tells where a Service is to be reached, unless it says so already.
fn set_ingress(service: &Service, wanted: Vec<LoadBalancerIngress>) -> Option<Request> {
    if ingress(service) == wanted {
        return None;
    }
    let ingress = if wanted.is_empty() { json!(null) } else { json!(wanted) };
    let patch = json!({"status": {"loadBalancer": {"ingress": ingress}}});
    let key = Key::of(&service.metadata);
    Some(Request::merge_patch(&resources::SERVICES, key, patch).to_subresource("status"))
}

#[cfg(test)]
mod tests;
