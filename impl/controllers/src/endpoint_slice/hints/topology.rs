//! Hints by the zones' shares of CPU, for Services with an annotation: each zone has about as many endpoints as it has
//! CPU, its own where it can.
//!
//! Source: staging/src/k8s.io/endpointslice/topologycache (v1.36). Unlike upstream's, this cache forgets Services that
//! are gone.

use std::collections::{BTreeMap, BTreeSet};

use api::Key;
use client::event::Note;
use client::{Change, View};
use k8s_openapi::api::discovery::v1::EndpointSlice;

use super::allocation::{self, Allocation, Counts};
use super::nodes::{self, Shares};
use super::{Slices, endpoints, for_zone, is_ready};

type Allocations<'a> = BTreeMap<&'a str, Allocation>;

/// The shares of the zones, and which Services have hints by them.
#[derive(Clone, Debug, Default)]
pub(crate) struct TopologyCache {
    shares: Shares,
    /// Whether nodes have changed since the shares were counted.
    is_stale: bool,
    /// How many endpoints are for each zone, by Service and family of addresses.
    hinted: BTreeMap<Key, BTreeMap<&'static str, Counts>>,
    /// The Services of which was said that they have hints.
    enabled: BTreeSet<Key>,
}

impl TopologyCache {
    /// The Services with hints by which too few endpoints are for a zone, after a change of a node.
    pub(crate) fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        self.is_stale |= nodes::is_of_interest(change);
        if self.hinted.is_empty() || !self.is_stale {
            return vec![];
        }
        self.refresh(view);
        let is_overloaded = |families: &BTreeMap<_, Counts>| {
            families.values().any(|hinted| allocation::is_overloaded(hinted, &self.shares))
        };
        let overloaded = self.hinted.iter().filter(|(_, families)| is_overloaded(families));
        overloaded.map(|(service, _)| service.clone()).collect()
    }

    /// Counts the shares anew, if nodes have changed.
    pub(crate) fn refresh(&mut self, view: &View) {
        if std::mem::take(&mut self.is_stale) {
            self.shares = nodes::shares(view);
        }
    }

    /// Forgets a Service.
    pub(crate) fn forget(&mut self, service: &Key) {
        self.hinted.remove(service);
        self.enabled.remove(service);
    }

    /// Forgets the hints of one family, and says whether the Service was said to have some.
    pub(crate) fn remove_hints(&mut self, service: &Key, family: &str) -> bool {
        if let Some(families) = self.hinted.get_mut(service) {
            families.remove(family);
            if families.is_empty() {
                self.hinted.remove(service);
            }
        }
        self.enabled.remove(service)
    }

    /// Gives each endpoint that is ready a zone, or none if that would overload some, and says so.
    pub(super) fn add_hints(&mut self, service: &Key, slices: &mut Slices<'_>) -> Option<Note> {
        match assign(&self.shares, slices) {
            Ok(hinted) => {
                self.hinted.entry(service.clone()).or_default().insert(slices.family, hinted);
                self.enabled.insert(service.clone()).then(|| slices.enabled())
            }
            Err(why) => {
                self.remove_hints(service, slices.family);
                slices.remove_hints();
                Some(slices.disabled(&why))
            }
        }
    }
}

/// How many endpoints are for each zone afterwards; why none is, if none is.
fn assign(shares: &Shares, slices: &mut Slices<'_>) -> Result<Counts, String> {
    let allocations = allocation::allocations(shares, ready_count(slices))?;
    let mut hinted = keep(&allocations, slices);
    for endpoint in slices.endpoints().filter(|endpoint| is_ready(endpoint)) {
        let zone = endpoint.zone.clone().filter(|zone| !zone.is_empty());
        let zone = zone.ok_or("One or more endpoints do not have a zone specified")?;
        endpoint.hints = Some(for_zone(&zone));
        *hinted.entry(zone).or_default() += 1;
    }
    redistribute(&allocations, slices, &mut hinted);
    Ok(hinted)
}

fn ready_count(slices: &mut Slices<'_>) -> usize {
    let written = slices.endpoints().filter(|endpoint| is_ready(endpoint)).count();
    let unchanged = slices.unchanged.iter().flat_map(|slice| endpoints(slice));
    written + unchanged.filter(|endpoint| is_ready(endpoint)).count()
}

/// How many endpoints are for each zone in slices that may stay as they are; the others are written anew.
fn keep(allocations: &Allocations<'_>, slices: &mut Slices<'_>) -> Counts {
    let mut kept = Counts::new();
    slices.update_where(|slice| {
        let hinted = hinted(slice).filter(|hinted| fits(allocations, &kept, hinted));
        for (zone, count) in hinted.iter().flatten() {
            *kept.entry(zone.clone()).or_default() += count;
        }
        hinted.is_none()
    });
    kept
}

/// How many endpoints of a slice are for each zone, if all that are ready are for some.
fn hinted(slice: &EndpointSlice) -> Option<Counts> {
    let mut counts = Counts::new();
    for endpoint in endpoints(slice).iter().filter(|endpoint| is_ready(endpoint)) {
        let zones = endpoint.hints.as_ref()?.for_zones.as_ref()?;
        zones.first()?;
        zones.iter().for_each(|zone| *counts.entry(zone.name.clone()).or_default() += 1);
    }
    Some(counts)
}

/// Whether no zone has more of these and those together than it may have.
fn fits(allocations: &Allocations<'_>, these: &Counts, those: &Counts) -> bool {
    those.iter().all(|(zone, count)| {
        let together = count + these.get(zone).copied().unwrap_or(0);
        allocations.get(zone.as_str()).is_some_and(|allocation| together <= allocation.maximum)
    })
}

/// Gives endpoints of zones that have too many to zones that have too few.
fn redistribute(allocations: &Allocations<'_>, slices: &mut Slices<'_>, hinted: &mut Counts) {
    let (mut giving, mut receiving) = allocation::giving_and_receiving(allocations, hinted);
    for endpoint in slices.endpoints().filter(|endpoint| is_ready(endpoint)) {
        let zone = endpoint.zone.as_ref();
        let Some(giver) = zone.filter(|zone| giving.contains_key(*zone)) else { continue };
        let Some((receiver, _)) = receiving.first_key_value() else { return };
        let receiver = receiver.clone();
        endpoint.hints = Some(for_zone(&receiver));
        take_one(hinted, giver);
        take_one(&mut giving, giver);
        take_one(&mut receiving, &receiver);
        *hinted.entry(receiver).or_default() += 1;
    }
}

fn take_one(counts: &mut Counts, zone: &str) {
    if let Some(count) = counts.get_mut(zone) {
        *count -= 1;
    }
    counts.retain(|_, count| *count > 0);
}
