//! For whom endpoints are: hints of zones and of nodes, by which proxies prefer some of them.
//!
//! Source: `reconcileByAddressType` in staging/src/k8s.io/endpointslice/reconciler.go, and `hintsEnabled` in utils.go
//! beside it (v1.36).

mod allocation;
mod nodes;
mod topology;
mod traffic_distribution;

use std::sync::Arc;

use api::Key;
use client::event::Note;
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointHints, EndpointSlice, ForZone};

use super::packing::Changes;
use crate::services;
pub(super) use topology::TopologyCache;
use traffic_distribution::Distribution;

/// The annotation of a Service that asks for hints by the zones' shares of CPU, and the older one, which comes first.
const TOPOLOGY_MODE: &str = "service.kubernetes.io/topology-mode";
const TOPOLOGY_AWARE_HINTS: &str = "service.kubernetes.io/topology-aware-hints";

/// The slices of a Service of one family of addresses: what is to be done about them, and what would stay as it is.
pub(super) struct Slices<'a> {
    pub(super) family: &'static str,
    pub(super) changes: &'a mut Changes,
    pub(super) unchanged: Vec<Arc<EndpointSlice>>,
}

impl<'a> Slices<'a> {
    /// Those that are there, and what is to be done about them.
    pub(super) fn new(
        family: &'static str,
        existing: Vec<&Arc<EndpointSlice>>,
        changes: &'a mut Changes,
    ) -> Self {
        let name = |slice: &EndpointSlice| slice.metadata.name.clone();
        let updated = changes.update.iter().map(name);
        let changed: Vec<_> =
            updated.chain(changes.delete.iter().map(|slice| name(slice))).collect();
        let stays = |slice: &&Arc<EndpointSlice>| !changed.contains(&slice.metadata.name);
        let unchanged = existing.into_iter().filter(stays).cloned().collect();
        Self { family, changes, unchanged }
    }

    /// Writes those anew, too, that would stay as they are, and ought not to.
    fn update_where(&mut self, mut is_wrong: impl FnMut(&EndpointSlice) -> bool) {
        let unchanged = std::mem::take(&mut self.unchanged);
        let (wrong, right): (Vec<_>, Vec<_>) =
            unchanged.into_iter().partition(|slice| is_wrong(slice));
        self.changes.update.extend(wrong.into_iter().map(Arc::unwrap_or_clone));
        self.unchanged = right;
    }

    /// The endpoints that are written.
    fn endpoints(&mut self) -> impl Iterator<Item = &mut Endpoint> {
        let Changes { create, update, .. } = &mut *self.changes;
        let written = create.iter_mut().chain(update);
        written.flat_map(|slice| slice.endpoints.iter_mut().flatten())
    }

    /// Takes all hints away.
    fn remove_hints(&mut self) {
        self.update_where(|slice| endpoints(slice).iter().any(|endpoint| endpoint.hints.is_some()));
        self.endpoints().for_each(|endpoint| endpoint.hints = None);
    }

    /// What is said of the hints of this family.
    fn message(&self, message: &str) -> String {
        format!("{message}, addressType: {}", self.family)
    }

    fn disabled(&self, why: &str) -> Note {
        Note::warning("TopologyAwareHintsDisabled", self.message(why))
    }

    fn enabled(&self) -> Note {
        let message = self.message("Topology Aware Hints has been enabled");
        Note::normal("TopologyAwareHintsEnabled", message)
    }
}

/// Gives endpoints the hints that the Service asks for, and says what there is to be said of that.
pub(super) fn reconcile(
    topology: &mut TopologyCache,
    service: &Service,
    mut slices: Slices<'_>,
) -> Option<Note> {
    let key = Key::of(&service.metadata);
    if is_topology_aware(service) {
        return topology.add_hints(&key, &mut slices);
    }
    let had_hints = topology.remove_hints(&key, slices.family);
    match Distribution::of(service) {
        Some(distribution) => distribution.hint(&mut slices),
        None => slices.remove_hints(),
    }
    had_hints.then(|| slices.disabled("Topology Aware Hints has been disabled"))
}

fn is_topology_aware(service: &Service) -> bool {
    let annotations = service.metadata.annotations.as_ref();
    let annotation = |name| annotations.and_then(|annotations| annotations.get(name));
    let mode = annotation(TOPOLOGY_AWARE_HINTS).or_else(|| annotation(TOPOLOGY_MODE));
    mode.is_some_and(|mode| matches!(mode.as_str(), "Auto" | "auto"))
}

fn endpoints(slice: &EndpointSlice) -> &[Endpoint] {
    slice.endpoints.as_deref().unwrap_or_default()
}

fn is_ready(endpoint: &Endpoint) -> bool {
    endpoint.conditions.as_ref().and_then(|conditions| conditions.ready) == Some(true)
}

fn for_zone(zone: &str) -> EndpointHints {
    let zone = ForZone { name: zone.to_owned() };
    EndpointHints { for_zones: Some(vec![zone]), for_nodes: None }
}

#[cfg(test)]
mod tests;
