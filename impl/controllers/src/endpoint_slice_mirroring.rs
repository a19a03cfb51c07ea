//! The EndpointSliceMirroring controller: Endpoints that somebody writes by hand, as slices.
//!
//! Source: pkg/controller/endpointslicemirroring (v1.36).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use api::{AnyObject, Key, Request, Timestamp, resources};
use client::event::Note;
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{self, EndpointAddress, Endpoints};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::endpoint_slice::packing::{Changes, EndpointSet, named, port_key};
use crate::endpoint_slice::tracker::Tracker;
use crate::endpoint_slice::{
    MANAGED_BY, SERVICE_NAME, delete, new_metadata, services_of, slices_of,
};
use crate::endpoints::repack;
use crate::notes::Notes;
use crate::ownership::labels;
use crate::services::trigger_time::ANNOTATION as TRIGGER_TIME;
use crate::services::{self, unless_empty};
use crate::{Controller, Plan, RETRIES_MAX};

/// This controller's name in the label of its slices.
const CONTROLLER: &str = "endpointslicemirroring-controller.k8s.io";
/// The label of Endpoints that are not mirrored.
const SKIP_MIRROR: &str = "endpointslice.kubernetes.io/skip-mirror";
/// The annotation of Endpoints that are somebody's lock.
const LEADER: &str = "control-plane.alpha.kubernetes.io/leader";
/// The annotation that kubectl keeps what it has applied in.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// How many addresses of a subset are mirrored at most.
const ADDRESSES_MAX: usize = 1000;

/// Mirrors Endpoints.
#[derive(Clone, Debug)]
pub struct EndpointSliceMirroringController {
    tracker: Tracker,
    notes: Notes,
}

impl Default for EndpointSliceMirroringController {
    fn default() -> Self {
        let notes = Notes::new("endpoint-slice-mirroring-controller");
        Self { tracker: Tracker::default(), notes }
    }
}

impl Controller for EndpointSliceMirroringController {
    fn name(&self) -> &'static str {
        "endpointslice-mirroring-controller"
    }

    fn backoff(&self) -> client::Backoff {
        client::Backoff::seconds(1, 100).up_to(RETRIES_MAX)
    }

    fn workers(&self) -> usize {
        5
    }

    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        let resource = change.resource();
        if resource == &resources::SERVICES || resource == &resources::ENDPOINTS {
            vec![change.key()]
        } else if resource == &resources::ENDPOINT_SLICES {
            self.tracker.observe(change);
            services_of(change, CONTROLLER)
        } else {
            vec![]
        }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let existing = slices_of(view, key, CONTROLLER);
        // Also where nothing is mirrored any more: what was written and is not seen yet would be forgotten, and made again.
        if self.tracker.is_stale(key, &existing) {
            return Plan::default();
        }
        let Some(endpoints) = mirrored(view, key) else {
            self.tracker.forget(key);
            self.notes.forget(key);
            let requests = existing.into_iter().map(|slice| delete(slice)).collect();
            return Plan { requests, look_again: None }.observed_at(view.revision);
        };
        self.notes.about(key, &AnyObject::from(Arc::clone(endpoints)));
        let (desired, skipped) = Desired::of(endpoints);
        for note in skipped.notes() {
            self.notes.add(key, note);
        }
        let mut requests = desired.changes(endpoints, &existing).requests();
        requests.extend(self.notes.flush(key, now));
        Plan { requests, look_again: None }.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        self.tracker.completed(key, request, outcome);
    }
}

/// Endpoints that are to be mirrored: of a Service that selects no pods itself.
fn mirrored<'a>(view: &'a View, key: &Key) -> Option<&'a Arc<Endpoints>> {
    let endpoints = view.endpoints.get(key)?;
    let service = view.services.get(key)?;
    let annotations = endpoints.metadata.annotations.as_ref();
    let skips = labels(&endpoints.metadata).get(SKIP_MIRROR).is_some_and(|skip| skip == "true");
    let is_lock = annotations.is_some_and(|annotations| annotations.contains_key(LEADER));
    (!skips && !is_lock && services::selector(service).is_none()).then_some(endpoints)
}

/// A family of addresses and the text of ports.
type SliceKey = (&'static str, String);

/// The endpoints that slices should have.
#[derive(Default)]
struct Desired(BTreeMap<SliceKey, (Vec<EndpointPort>, EndpointSet)>);

/// What of Endpoints is not mirrored.
#[derive(Default)]
struct Skipped {
    invalid: usize,
    too_many: usize,
}

impl Skipped {
    fn notes(&self) -> Vec<Note> {
        let mut notes = vec![];
        if self.invalid > 0 {
            let message = format!(
                "Skipped {} invalid IP addresses when mirroring to EndpointSlices",
                self.invalid
            );
            notes.push(Note::warning("InvalidIPAddress", message));
        }
        if self.too_many > 0 {
            let message = format!(
                "A max of {ADDRESSES_MAX} addresses can be mirrored to EndpointSlices per Endpoints \
                 subset. {} addresses were skipped",
                self.invalid + self.too_many
            );
            notes.push(Note::warning("TooManyAddressesToMirror", message));
        }
        notes
    }
}

impl Desired {
    fn of(endpoints: &Endpoints) -> (Self, Skipped) {
        let (mut desired, mut skipped) = (Self::default(), Skipped::default());
        for subset in repack(endpoints.subsets.iter().flatten().cloned()) {
            let ports: Vec<_> = subset.ports.iter().flatten().map(slice_port).collect();
            let ready = subset.addresses.iter().flatten().map(|address| (address, true));
            let not_ready = subset.not_ready_addresses.iter().flatten();
            let not_ready = not_ready.map(|address| (address, false));
            let mut added = 0;
            for (address, is_ready) in ready.chain(not_ready) {
                if added == ADDRESSES_MAX {
                    skipped.too_many += 1;
                } else if desired.add(&ports, address, is_ready) {
                    added += 1;
                } else {
                    skipped.invalid += 1;
                }
            }
        }
        (desired, skipped)
    }

    /// Adds an address; `false` when it is none.
    fn add(&mut self, ports: &[EndpointPort], address: &EndpointAddress, is_ready: bool) -> bool {
        let Ok(ip) = address.ip.parse::<IpAddr>() else { return false };
        let family = if ip.is_ipv6() { "IPv6" } else { "IPv4" };
        let group = self.0.entry((family, port_key(ports)));
        let (_, endpoints) = group.or_insert_with(|| (ports.to_vec(), EndpointSet::default()));
        endpoints.insert(Endpoint {
            addresses: vec![ip.to_string()],
            conditions: Some(EndpointConditions {
                ready: Some(is_ready),
                ..EndpointConditions::default()
            }),
            hostname: address.hostname.clone().filter(|hostname| !hostname.is_empty()),
            node_name: address.node_name.clone(),
            target_ref: address.target_ref.clone(),
            ..Endpoint::default()
        });
        true
    }

    /// One slice for each family and list of ports; of several that are there, the first stays.
    fn changes(self, endpoints: &Endpoints, existing: &[&Arc<EndpointSlice>]) -> Changes {
        let mut by_key: BTreeMap<(&str, String), Vec<&Arc<EndpointSlice>>> = BTreeMap::new();
        for slice in existing {
            let ports = port_key(slice.ports.as_deref().unwrap_or_default());
            by_key.entry((&slice.address_type, ports)).or_default().push(slice);
        }
        let mut changes = Changes::default();
        for ((family, ports_key), (ports, wanted)) in self.0 {
            let mut existing = by_key.remove(&(family, ports_key)).unwrap_or_default().into_iter();
            let first = existing.next();
            changes.delete.extend(existing.cloned());
            let template = template(endpoints, family, ports);
            match first {
                Some(first) if is_mirror(first, &template, &wanted) => {}
                Some(first) => changes.update.push(named(filled(template, wanted), first)),
                None => changes.create.push(filled(template, wanted)),
            }
        }
        changes.delete.extend(by_key.into_values().flatten().cloned());
        changes.recycle(|_| true);
        if endpoints.metadata.deletion_timestamp.is_some() {
            changes.create.clear();
        }
        changes
    }
}

fn slice_port(port: &v1::EndpointPort) -> EndpointPort {
    EndpointPort {
        name: Some(port.name.clone().unwrap_or_default()),
        port: Some(port.port),
        protocol: port.protocol.clone(),
        app_protocol: port.app_protocol.clone(),
    }
}

fn filled(mut slice: EndpointSlice, mut endpoints: EndpointSet) -> EndpointSlice {
    endpoints.fill(&mut slice, ADDRESSES_MAX);
    slice
}

/// A slice of the Endpoints' labels and annotations, without endpoints.
fn template(endpoints: &Endpoints, family: &str, ports: Vec<EndpointPort>) -> EndpointSlice {
    let mut labels = labels(&endpoints.metadata).clone();
    let name = endpoints.metadata.name.clone().unwrap_or_default();
    labels.insert(SERVICE_NAME.to_owned(), name);
    labels.insert(MANAGED_BY.to_owned(), CONTROLLER.to_owned());
    let mut annotations = endpoints.metadata.annotations.clone().unwrap_or_default();
    annotations.retain(|name, _| name != TRIGGER_TIME && name != LAST_APPLIED);
    EndpointSlice {
        metadata: ObjectMeta {
            labels: Some(labels),
            annotations: unless_empty(annotations),
            ..new_metadata(endpoints)
        },
        address_type: family.to_owned(),
        endpoints: None,
        ports: (!ports.is_empty()).then_some(ports),
    }
}

/// Whether a slice says what it should.
fn is_mirror(slice: &EndpointSlice, template: &EndpointSlice, endpoints: &EndpointSet) -> bool {
    let owner = |slice: &EndpointSlice| {
        let owners = slice.metadata.owner_references.iter().flatten();
        owners.map(|owner| owner.uid.clone()).collect::<Vec<_>>()
    };
    let annotations =
        |slice: &EndpointSlice| slice.metadata.annotations.clone().unwrap_or_default();
    endpoints.is_what(slice.endpoints.as_deref().unwrap_or_default())
        && labels(&slice.metadata) == labels(&template.metadata)
        && annotations(slice) == annotations(template)
        && owner(slice) == owner(template)
}

#[cfg(test)]
mod tests;
