//! The ServiceCIDR controller: says which ranges of Service addresses are ready, and keeps those that are
//! still needed.
//!
//! Source: pkg/controller/servicecidrs/servicecidrs_controller.go (v1.36).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use api::{AnyObject, Key, Request, Timestamp, Verb, resources};
use client::event::Note;
use client::{Change, Outcome, View};
use k8s_openapi::api::networking::v1::ServiceCIDR;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta};
use serde_json::{Value, json};

use crate::cidr::Cidr;
use crate::notes::Notes;
use crate::ownership::{labels, name};
use crate::{Controller, Plan, RETRIES_MAX, after_seconds};

const NAME: &str = "service-cidr-controller";
const FINALIZER: &str = "networking.k8s.io/service-cidr-finalizer";
const READY: &str = "Ready";

/// How long after its deletion a range goes: no API server may still give addresses of it.
const GRACE_PERIOD_SECONDS: i64 = 10;

/// Who gives Services their addresses, as an IPAddress says.
pub(crate) const ALLOCATOR: (&str, &str) =
    ("ipaddress.kubernetes.io/managed-by", "ipallocator.k8s.io");

/// Keeps the finalizer and the Ready condition of ServiceCIDRs.
#[derive(Clone, Debug)]
pub struct ServiceCidrController {
    notes: Notes,
}

impl Default for ServiceCidrController {
    fn default() -> Self {
        Self { notes: Notes::new(NAME) }
    }
}

impl Controller for ServiceCidrController {
    fn name(&self) -> &'static str {
        NAME
    }

    fn backoff(&self) -> client::Backoff {
        client::Backoff::default().up_to(RETRIES_MAX)
    }

    fn workers(&self) -> usize {
        5
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let (resource, key) = (change.resource(), change.key());
        if resource == &resources::IP_ADDRESSES {
            let is_changed = change.old.is_some() && change.new.is_some();
            let address = allocated(change.object().metadata()).filter(|_| !is_changed);
            return address.map(|address| giving(view, address)).unwrap_or_default();
        }
        if resource != &resources::SERVICE_CIDRS {
            return vec![];
        }
        let mut keys = BTreeSet::from([key]);
        if let (None, Some(AnyObject::ServiceCIDR(cidr))) = (&change.old, &change.new) {
            let ranges: Vec<Cidr> = ranges(cidr).collect();
            keys.extend(having(view, |other| ranges.iter().any(|range| range.overlaps(other))));
        }
        keys.into_iter().collect()
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let Some(cidr) = view.service_cidrs.get(key) else {
            self.notes.forget(key);
            return Plan::default();
        };
        self.notes.about(key, &AnyObject::from(Arc::clone(cidr)));
        let mut plan = Plan { requests: self.notes.flush(key, now), look_again: None };
        match &cidr.metadata.deletion_timestamp {
            Some(deleted) => end(view, (cidr, deleted.0), (&mut plan, now)),
            None => begin(cidr, (&mut plan, now)),
        }
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        let body = request.body.as_ref();
        let says_ready =
            body.is_some_and(|body| body["status"]["conditions"][0]["status"] == "True");
        if outcome.is_err() && request.verb == Verb::Apply && says_ready {
            let message = "The ServiceCIDR Status can not be set to Ready=True";
            self.notes.add(key, Note::warning("KubernetesServiceCIDRError", message));
        }
    }
}

/// A new range is kept from going unseen, and ready.
fn begin(cidr: &ServiceCIDR, (plan, now): (&mut Plan, Timestamp)) {
    if !has_finalizer(cidr) {
        plan.requests.push(change_finalizers(cidr, "finalizers"));
    }
    let condition = ("True", "", "Kubernetes Service CIDR is ready");
    plan.requests.extend(say(cidr, condition, now));
}

/// A deleted range goes when nobody needs it any more.
fn end(
    view: &View,
    (cidr, deleted): (&ServiceCIDR, Timestamp),
    (plan, now): (&mut Plan, Timestamp),
) {
    if is_needed(view, cidr) {
        let message = "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR";
        plan.requests.extend(say(cidr, ("False", "Terminating", message), now));
        return;
    }
    let goes = after_seconds(deleted, GRACE_PERIOD_SECONDS);
    if now < goes {
        plan.look_again_at(goes);
    } else if has_finalizer(cidr) {
        plan.requests.push(change_finalizers(cidr, "$deleteFromPrimitiveList/finalizers"));
    }
}

/// Whether an address would belong to no range without this one.
fn is_needed(view: &View, cidr: &ServiceCIDR) -> bool {
    let own = Key::of(&cidr.metadata);
    let is_alone = |range: Cidr| {
        let others = having(view, |other| other.covers(range));
        others.iter().all(|other| *other == own)
    };
    if !ranges(cidr).any(is_alone) {
        return false;
    }
    let families: Vec<bool> = ranges(cidr).map(Cidr::is_v4).collect();
    let addresses = view.keys(&resources::IP_ADDRESSES);
    addresses.iter().any(|key| {
        let address = view.get(&resources::IP_ADDRESSES, key);
        let address = address.and_then(|address| allocated(address.metadata()));
        address.is_some_and(|address| {
            families.contains(&address.is_ipv4()) && giving(view, address) == [own.clone()]
        })
    })
}

/// The address that an IPAddress is, if it was given to a Service.
fn allocated(address: &ObjectMeta) -> Option<IpAddr> {
    let allocator = labels(address).get(ALLOCATOR.0);
    name(address).parse().ok().filter(|_| allocator.is_some_and(|found| found == ALLOCATOR.1))
}

/// The ranges that an address may be given of.
pub(crate) fn giving(view: &View, address: IpAddr) -> Vec<Key> {
    having(view, |range| range.can_give(address))
}

/// The ServiceCIDRs with a range of which something holds.
fn having(view: &View, holds: impl Fn(Cidr) -> bool) -> Vec<Key> {
    let found = view.service_cidrs.iter().filter(|cidr| ranges(cidr).any(&holds));
    found.map(|cidr| Key::of(&cidr.metadata)).collect()
}

fn ranges(cidr: &ServiceCIDR) -> impl Iterator<Item = Cidr> {
    let cidrs = cidr.spec.iter().flat_map(|spec| spec.cidrs.iter().flatten());
    cidrs.filter_map(|cidr| Cidr::parse(cidr))
}

fn has_finalizer(cidr: &ServiceCIDR) -> bool {
    cidr.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == FINALIZER)
}

fn change_finalizers(cidr: &ServiceCIDR, field: &str) -> Request {
    let patch = json!({"metadata": {field: [FINALIZER]}});
    let key = Key::of(&cidr.metadata);
    Request::strategic_merge_patch(&resources::SERVICE_CIDRS, key, patch)
}

/// Applies the Ready condition, unless it says so already.
fn say(
    cidr: &ServiceCIDR,
    (status, reason, message): (&str, &str, &str),
    now: Timestamp,
) -> Option<Request> {
    let conditions = cidr.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let is_same = |found: &Condition| {
        (found.status.as_str(), found.reason.as_str(), found.message.as_str())
            == (status, reason, message)
    };
    if conditions.into_iter().find(|found| found.type_ == READY).is_some_and(is_same) {
        return None;
    }
    let condition: Value = json!({"type": READY, "status": status, "reason": reason,
        "message": message, "lastTransitionTime": api::time::text(now)});
    let body = json!({"status": {"conditions": [condition]}});
    let key = Key::of(&cidr.metadata);
    let request = Request::apply(&resources::SERVICE_CIDRS, key, (NAME, body));
    Some(request.to_subresource("status"))
}

#[cfg(test)]
mod tests;
