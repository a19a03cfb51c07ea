//! The pools of devices that a node reaches.
//!
//! Source: `GatherPools` in structured/internal/incubating/pools_incubating.go (v1.36).

use std::collections::{BTreeMap, BTreeSet};

use api::node_fit::{Place, term_matches};
use k8s_openapi::api::core::v1::NodeSelector;
use k8s_openapi::api::resource::v1::{CounterSet, Device, ResourceSlice};

use crate::devices::{Devices, PoolId, pool_id};
use crate::node_info::NodeInfo;

/// What there is of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// All of it is known.
    Complete,
    /// Its driver is about to publish more.
    Incomplete,
    /// It contradicts itself.
    Invalid,
}

/// A pool, as far as a node reaches it.
#[derive(Clone, Debug)]
pub(super) struct Pool<'a> {
    pub(super) id: PoolId,
    pub(super) standing: Standing,
    /// Those with devices that the node reaches.
    pub(super) slices: Vec<&'a ResourceSlice>,
    /// Those with devices that it does not reach, but that share counters with the others.
    pub(super) elsewhere: Vec<&'a ResourceSlice>,
    /// By their names.
    pub(super) counter_sets: BTreeMap<&'a str, &'a CounterSet>,
}

/// Which nodes a slice or a device is for.
pub(super) struct Reach<'a> {
    pub(super) node_name: Option<&'a str>,
    pub(super) all_nodes: bool,
    pub(super) node_selector: Option<&'a NodeSelector>,
}

impl<'a> Reach<'a> {
    /// Of a slice, unless its devices say so each for itself.
    pub(super) fn of_slice(slice: &'a ResourceSlice) -> Self {
        Self {
            node_name: slice.spec.node_name.as_deref().filter(|name| !name.is_empty()),
            all_nodes: slice.spec.all_nodes == Some(true),
            node_selector: slice.spec.node_selector.as_ref(),
        }
    }

    /// Of a device that says so for itself.
    pub(super) fn of_device(device: &'a Device) -> Self {
        Self {
            node_name: device.node_name.as_deref().filter(|name| !name.is_empty()),
            all_nodes: device.all_nodes == Some(true),
            node_selector: device.node_selector.as_ref(),
        }
    }

    fn is_said(&self) -> bool {
        self.node_name.is_some() || self.all_nodes || self.node_selector.is_some()
    }

    /// Whether it is for a node.
    pub(super) fn reaches(&self, node: &NodeInfo) -> bool {
        if let Some(name) = self.node_name {
            return name == node.name();
        }
        let selects = |selector: &NodeSelector, place: Place<'_>| {
            selector.node_selector_terms.iter().any(|term| term_matches(term, place))
        };
        let selector = self.node_selector.zip(node.place());
        self.all_nodes || selector.is_some_and(|(selector, place)| selects(selector, place))
    }
}

/// The pools that a node reaches, by their names; those with devices that must be bound come last.
pub(super) fn gather<'a>(node: &NodeInfo, devices: &'a Devices) -> Vec<Pool<'a>> {
    let mut near: BTreeMap<PoolId, Vec<&ResourceSlice>> = BTreeMap::new();
    for slice in devices.slices_near(node.name()).filter(|slice| is_relevant(slice, node)) {
        let slices = near.entry(pool_id(slice)).or_default();
        let newest = slices.first().map_or(i64::MIN, |slice| slice.spec.pool.generation);
        if slice.spec.pool.generation > newest {
            slices.clear();
        }
        if slice.spec.pool.generation >= newest {
            slices.push(slice);
        }
    }
    let pools = near.into_iter().filter_map(|(id, slices)| pool(id, slices, devices));
    let (last, mut first): (Vec<Pool<'_>>, Vec<_>) = pools.partition(has_binding_conditions);
    first.extend(last);
    first
}

/// Whether a node must know of a slice. What tells how often devices can be shared, it must.
fn is_relevant(slice: &ResourceSlice, node: &NodeInfo) -> bool {
    let reach = Reach::of_slice(slice);
    if counter_sets_of(slice).next().is_some() {
        true
    } else if reach.is_said() {
        reach.reaches(node)
    } else {
        slice.spec.per_device_node_selection == Some(true)
            && devices_of(slice).iter().any(|device| Reach::of_device(device).reaches(node))
    }
}

/// A pool of which these slices are near; none where its driver has replaced them by others, which are not.
fn pool<'a>(
    id: PoolId,
    mut near: Vec<&'a ResourceSlice>,
    devices: &'a Devices,
) -> Option<Pool<'a>> {
    near.sort_by(|a, b| a.metadata.name.cmp(&b.metadata.name));
    let (generation, wanted) = {
        let of = &near.first()?.spec.pool;
        (of.generation, of.resource_slice_count)
    };
    let is_all = |slices: usize| i64::try_from(slices) == Ok(wanted);
    let mut elsewhere = vec![];
    if !is_all(near.len()) {
        let all: Vec<&ResourceSlice> = devices.slices_of(&id).collect();
        if all.iter().any(|slice| slice.spec.pool.generation > generation) {
            return None;
        }
        let current = all.into_iter().filter(|slice| slice.spec.pool.generation == generation);
        let current: Vec<&ResourceSlice> = current.collect();
        if !is_all(current.len()) {
            return Some(Pool::of(id, Standing::Incomplete));
        }
        let is_near = |slice: &ResourceSlice| {
            near.iter().any(|other| other.metadata.name == slice.metadata.name)
        };
        elsewhere = current.into_iter().filter(|slice| !is_near(slice)).collect();
    }
    Some(checked(id, near, elsewhere))
}

fn checked<'a>(
    id: PoolId,
    near: Vec<&'a ResourceSlice>,
    elsewhere: Vec<&'a ResourceSlice>,
) -> Pool<'a> {
    let counters = near.iter().flat_map(|slice| counter_sets_of(slice));
    let counter_sets: BTreeMap<&str, &CounterSet> =
        counters.map(|counters| (counters.name.as_str(), counters)).collect();
    let counter_sets_len = near.iter().flat_map(|slice| counter_sets_of(slice)).count();
    let mut known = near.iter().chain(&elsewhere).flat_map(|slice| devices_of(slice));
    let is_known = |device: &Device| {
        device.consumes_counters.iter().flatten().all(|consumption| {
            let set = counter_sets.get(consumption.counter_set.as_str());
            set.is_some_and(|set| {
                consumption.counters.keys().all(|name| set.counters.contains_key(name))
            })
        })
    };
    let is_sound = counter_sets_len == counter_sets.len() && known.all(is_known);
    let (slices, _): (Vec<&ResourceSlice>, Vec<_>) =
        near.into_iter().partition(|slice| counter_sets_of(slice).next().is_none());
    if !is_sound || has_duplicates(&slices) {
        return Pool::of(id, Standing::Invalid);
    }
    Pool { id, standing: Standing::Complete, slices, elsewhere, counter_sets }
}

fn has_duplicates(slices: &[&ResourceSlice]) -> bool {
    let mut names = BTreeSet::new();
    slices.iter().flat_map(|slice| devices_of(slice)).any(|device| !names.insert(&device.name))
}

impl Pool<'_> {
    fn of(id: PoolId, standing: Standing) -> Self {
        Self { id, standing, slices: vec![], elsewhere: vec![], counter_sets: BTreeMap::new() }
    }
}

fn has_binding_conditions(pool: &Pool<'_>) -> bool {
    let mut devices = pool.slices.iter().flat_map(|slice| devices_of(slice));
    devices.any(|device| device.binding_conditions.is_some())
}

fn counter_sets_of(slice: &ResourceSlice) -> impl Iterator<Item = &CounterSet> {
    slice.spec.shared_counters.iter().flatten()
}

/// The devices of a slice.
pub(super) fn devices_of(slice: &ResourceSlice) -> &[Device] {
    slice.spec.devices.as_deref().unwrap_or_default()
}
