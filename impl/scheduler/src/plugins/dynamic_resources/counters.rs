//! Counters that the devices of a pool share: what one takes, the others cannot have.
//!
//! Source: `checkAvailableCounters` in structured/internal/incubating/allocator_incubating.go (v1.36). A pool is known by
//! its driver and its name; upstream's is known by its name.

use std::collections::BTreeMap;

use api::quantity::Quantity;
use k8s_openapi::api::resource::v1::Device;

use super::allocated::Allocated;
use super::capacity::amount;
use super::pools::{Pool, devices_of};

/// A counter set and one of its counters.
type Name<'a> = (&'a str, &'a str);

/// What is left of the counters of some pools, by the places of the pools.
#[derive(Clone, Debug, Default)]
pub(super) struct Counters<'a> {
    left: BTreeMap<usize, BTreeMap<Name<'a>, Quantity>>,
}

impl<'a> Counters<'a> {
    /// Takes what a device of a pool consumes; whether there was so much.
    pub(super) fn take(
        &mut self,
        device: &'a Device,
        (place, pool): (usize, &Pool<'a>),
        allocated: &Allocated,
    ) -> bool {
        let left = self.left.entry(place).or_insert_with(|| available(pool, allocated));
        for (name, amount) in consumption(device) {
            if let Some(left) = left.get_mut(&name) {
                *left = *left - amount;
            }
        }
        let is_enough = left.values().all(|left| !left.is_negative());
        if !is_enough {
            self.give_back(device, place);
        }
        is_enough
    }

    /// Gives back what a device has taken.
    pub(super) fn give_back(&mut self, device: &'a Device, place: usize) {
        let Some(left) = self.left.get_mut(&place) else { return };
        for (name, amount) in consumption(device) {
            if let Some(left) = left.get_mut(&name) {
                *left = *left + amount;
            }
        }
    }
}

/// What is left beside what is allocated.
fn available<'a>(pool: &Pool<'a>, allocated: &Allocated) -> BTreeMap<Name<'a>, Quantity> {
    let mut left = BTreeMap::new();
    for (set, counters) in &pool.counter_sets {
        for (name, counter) in &counters.counters {
            left.insert((*set, name.as_str()), amount(&counter.value));
        }
    }
    for slice in pool.slices.iter().chain(&pool.elsewhere) {
        let taken = devices_of(slice).iter().filter(|device| allocated.has(&pool.id, device));
        for (name, amount) in taken.flat_map(consumption) {
            if let Some(left) = left.get_mut(&name) {
                *left = *left - amount;
            }
        }
    }
    left
}

fn consumption(device: &Device) -> impl Iterator<Item = (Name<'_>, Quantity)> {
    device.consumes_counters.iter().flatten().flat_map(|consumption| {
        let set = consumption.counter_set.as_str();
        let counters = consumption.counters.iter();
        counters.map(move |(name, counter)| ((set, name.as_str()), amount(&counter.value)))
    })
}
