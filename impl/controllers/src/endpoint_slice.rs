//! The EndpointSlice controller: the pods that a Service selects, a hundred to a slice.
//!
//! Source: pkg/controller/endpointslice and staging/src/k8s.io/endpointslice/reconciler.go (v1.36).

mod desired;
mod hints;
pub(crate) mod packing;
mod placeholder;
pub(crate) mod tracker;

use std::collections::BTreeSet;
use std::sync::Arc;

use api::object::controller_reference;
use api::{AnyObject, Key, Kind, Request, Timestamp, resources};
use client::event::Note;
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use crate::notes::Notes;
use crate::ownership::{labels, uid};
use crate::services::trigger_time::{TriggerTimes, annotate};
use crate::services::{self, unless_empty};
use crate::{Controller, Plan, RETRIES_MAX};
use hints::{Slices, TopologyCache};
use packing::Changes;
use tracker::Tracker;

/// The label of a slice with the name of its Service.
pub(crate) const SERVICE_NAME: &str = "kubernetes.io/service-name";
/// The label of a slice with the name of the controller that writes it.
pub(crate) const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
/// This controller's name there.
const CONTROLLER: &str = "endpointslice-controller.k8s.io";
/// The label of a node with the name of its zone.
const ZONE: &str = "topology.kubernetes.io/zone";

/// Writes the EndpointSlices of Services.
#[derive(Clone, Debug)]
pub struct EndpointSliceController {
    trigger_times: TriggerTimes,
    tracker: Tracker,
    topology: TopologyCache,
    notes: Notes,
}

impl Default for EndpointSliceController {
    fn default() -> Self {
        Self {
            trigger_times: TriggerTimes::default(),
            tracker: Tracker::default(),
            topology: TopologyCache::default(),
            notes: Notes::new("endpoint-slice-controller"),
        }
    }
}

impl Controller for EndpointSliceController {
    fn name(&self) -> &'static str {
        "endpointslice-controller"
    }

    fn backoff(&self) -> client::Backoff {
        client::Backoff::seconds(1, 1000).up_to(RETRIES_MAX)
    }

    fn workers(&self) -> usize {
        5
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let resource = change.resource();
        if resource == &resources::SERVICES {
            vec![change.key()]
        } else if resource == &resources::PODS {
            services::selecting(view, change)
        } else if resource == &resources::NODES {
            self.observe_node(view, change)
        } else if resource == &resources::ENDPOINT_SLICES {
            self.tracker.observe(change);
            services_of(change, CONTROLLER)
        } else {
            vec![]
        }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let service = view.services.get(key);
        let mut requests = service.map(|service| self.sync(view, service)).unwrap_or_default();
        requests.extend(self.notes.flush(key, now));
        if service.is_none() {
            self.trigger_times.forget(key);
            self.tracker.forget(key);
            self.topology.forget(key);
            self.notes.forget(key);
        }
        Plan { requests, look_again: None }.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        self.tracker.completed(key, request, outcome);
        if let Err(status) = outcome
            && request.resource == &resources::ENDPOINT_SLICES
        {
            let message = format!("Error updating Endpoint Slices for Service {key}: {status}");
            self.notes.add(key, Note::warning("FailedToUpdateEndpointSlices", message));
        }
    }
}

impl EndpointSliceController {
    fn observe_node(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let mut keys = self.topology.observe(view, change);
        if zone_changed(change) {
            keys.extend(services::with_pods_on(view, &change.key().name));
        }
        keys
    }

    fn sync(&mut self, view: &View, service: &Arc<Service>) -> Vec<Request> {
        let Some(pods) = services::pods_of(view, service) else { return vec![] };
        let key = Key::of(&service.metadata);
        self.notes.about(&key, &AnyObject::from(Arc::clone(service)));
        let existing = slices_of(view, &key, CONTROLLER);
        if self.tracker.is_stale(&key, &existing) {
            return vec![];
        }
        let trigger_time = self.trigger_times.next(service, &pods);
        let families = desired::address_types(service);
        let (existing, unsupported): (Vec<_>, Vec<_>) =
            existing.into_iter().partition(|slice| families.contains(&slice.address_type.as_str()));
        for slice in &unsupported {
            self.topology.remove_hints(&key, &slice.address_type);
        }
        self.topology.refresh(view);
        let mut requests = vec![];
        for family in families {
            let existing = existing.iter().filter(|slice| slice.address_type == family);
            let existing = existing.copied().collect();
            let changes = self.changes(view, service, (&pods, existing), family);
            requests.extend(finalize(service, changes, trigger_time));
        }
        requests.extend(unsupported.into_iter().map(|slice| delete(slice)));
        requests
    }

    /// What is to be done about the slices of one family of addresses, and whom their endpoints are for.
    fn changes(
        &mut self,
        view: &View,
        service: &Service,
        (pods, existing): (&[&Arc<Pod>], Vec<&Arc<EndpointSlice>>),
        family: &'static str,
    ) -> Changes {
        let mut changes = changes(view, service, (pods, existing.clone()), family);
        let slices = Slices::new(family, existing, &mut changes);
        if let Some(note) = hints::reconcile(&mut self.topology, service, slices) {
            self.notes.add(&Key::of(&service.metadata), note);
        }
        changes
    }
}

fn zone_changed(change: &Change) -> bool {
    let zone = |object: &AnyObject| labels(object.metadata()).get(ZONE).cloned();
    let (old, new) = (change.old.as_ref().map(zone), change.new.as_ref().map(zone));
    new.is_some() && old != new
}

/// The Services to which a changed slice of a controller belongs, or belonged.
pub(crate) fn services_of(change: &Change, controller: &str) -> Vec<Key> {
    let objects = [&change.old, &change.new].into_iter().flatten();
    let metadata = objects.map(AnyObject::metadata);
    let is_managed = |metadata: &&ObjectMeta| {
        labels(metadata).get(MANAGED_BY).is_some_and(|name| name == controller)
    };
    let keys: BTreeSet<Key> = metadata.filter(is_managed).filter_map(service_of).collect();
    keys.into_iter().collect()
}

/// The Service to which a slice belongs.
pub(crate) fn service_of(metadata: &ObjectMeta) -> Option<Key> {
    let service = labels(metadata).get(SERVICE_NAME).filter(|name| !name.is_empty())?;
    Some(Key::new(metadata.namespace.as_deref().unwrap_or_default(), service))
}

/// The slices of a Service that a controller writes, but for those that are being deleted.
pub(crate) fn slices_of<'a>(
    view: &'a View,
    service: &'a Key,
    controller: &str,
) -> Vec<&'a Arc<EndpointSlice>> {
    let is_of = |slice: &&Arc<EndpointSlice>| {
        let metadata = &slice.metadata;
        labels(metadata).get(MANAGED_BY).is_some_and(|name| name == controller)
            && metadata.deletion_timestamp.is_none()
            && service_of(metadata).as_ref() == Some(service)
    };
    view.endpoint_slices.in_namespace(&service.namespace).filter(is_of).collect()
}

/// What is to be done about the slices of one family of addresses.
fn changes(
    view: &View,
    service: &Service,
    (pods, existing): (&[&Arc<Pod>], Vec<&Arc<EndpointSlice>>),
    family: &str,
) -> Changes {
    let count = existing.len();
    let (owned, strangers): (Vec<_>, Vec<_>) =
        existing.into_iter().partition(|slice| is_owned_by(slice, service));
    let groups = desired::groups(view, service, pods, family);
    let template = desired::template(service, family);
    let mut changes = packing::pack(&template, &owned, groups);
    changes.delete.extend(strangers.into_iter().cloned());
    if changes.delete.len() == count && changes.create.is_empty() {
        placeholder::keep_or_add(&mut changes, template);
    }
    changes
}

fn is_owned_by(slice: &EndpointSlice, service: &Service) -> bool {
    slice.metadata.owner_references.iter().flatten().any(|owner| {
        owner.uid == uid(&service.metadata) && owner.kind == "Service" && owner.api_version == "v1"
    })
}

/// The requests; what would be deleted becomes what would be created.
fn finalize(
    service: &Service,
    mut changes: Changes,
    trigger_time: Option<Timestamp>,
) -> Vec<Request> {
    let is_reusable = |slice: &Arc<EndpointSlice>| is_owned_by(slice, service);
    changes.recycle(is_reusable);
    if service.metadata.deletion_timestamp.is_some() {
        changes.create.clear();
    }
    for slice in changes.create.iter_mut().chain(&mut changes.update) {
        let mut annotations = slice.metadata.annotations.take().unwrap_or_default();
        annotate(&mut annotations, trigger_time);
        slice.metadata.annotations = unless_empty(annotations);
    }
    changes.requests()
}

/// Deletes a slice.
pub(crate) fn delete(slice: &EndpointSlice) -> Request {
    let metadata = &slice.metadata;
    Request::delete(&resources::ENDPOINT_SLICES, Key::of(metadata), uid(metadata), json!({}))
}

/// The metadata of a new slice that belongs to an object of this name.
pub(crate) fn new_metadata<K: Kind>(owner: &K) -> ObjectMeta {
    let name = owner.metadata().name.as_deref().unwrap_or_default();
    ObjectMeta {
        generate_name: Some(format!("{name}-")),
        namespace: owner.metadata().namespace.clone(),
        owner_references: Some(vec![controller_reference(owner)]),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests;
