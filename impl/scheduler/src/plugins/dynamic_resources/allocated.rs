//! The devices that claims have, or are about to have.
//!
//! Source: framework/plugins/dynamicresources/allocateddevices.go (v1.36). What administrators use is free to others.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::resource::v1::{Device, DeviceRequestAllocationResult};

use super::capacity::{Amounts, amount};
use crate::devices::{Devices, PoolId};

/// A pool and the name of one of its devices.
type DeviceId = (PoolId, String);

/// What is allocated in the whole cluster.
#[derive(Clone, Debug, Default)]
pub(crate) struct Allocated {
    dedicated: BTreeSet<DeviceId>,
    /// What is taken of devices that several claims share.
    shared: BTreeMap<DeviceId, Amounts>,
}

impl Allocated {
    /// All that is allocated or is about to be.
    pub(super) fn of(devices: &Devices) -> Self {
        let mut allocated = Self::default();
        devices.allocated().for_each(|result| allocated.add(result));
        allocated
    }

    fn add(&mut self, result: &DeviceRequestAllocationResult) {
        let id = ((result.driver.clone(), result.pool.clone()), result.device.clone());
        if result.share_id.is_none() {
            self.dedicated.insert(id);
            return;
        }
        let shared = self.shared.entry(id).or_default();
        for (name, taken) in result.consumed_capacity.iter().flatten() {
            let total = shared.entry(name.clone()).or_default();
            *total = *total + amount(taken);
        }
    }

    /// Whether a claim has a device for itself.
    pub(super) fn is_dedicated(&self, pool: &PoolId, device: &Device) -> bool {
        !self.dedicated.is_empty() && self.dedicated.contains(&(pool.clone(), device.name.clone()))
    }

    /// What claims take of a device that they share.
    pub(super) fn shares(&self, pool: &PoolId, device: &Device) -> Option<&Amounts> {
        if self.shared.is_empty() {
            return None;
        }
        self.shared.get(&(pool.clone(), device.name.clone()))
    }

    /// Whether any claim has a device.
    pub(super) fn has(&self, pool: &PoolId, device: &Device) -> bool {
        self.is_dedicated(pool, device) || self.shares(pool, device).is_some()
    }
}
