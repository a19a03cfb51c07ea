//! The NoExecute taints of devices, and for how long an allocation tolerates them.

use api::node_fit::tolerates_device;
use api::{AnyObject, Timestamp};
use client::{Change, View};
use k8s_openapi::api::resource::v1::{
    Device, DeviceRequestAllocationResult, DeviceTaint, DeviceToleration, ResourceClaim,
    ResourceSlice,
};

use crate::after_seconds;

const NO_EXECUTE: &str = "NoExecute";

/// Whether a change of a slice may be one of taints: where its pool has none, and had none, it is not.
pub(super) fn concern(view: &View, change: &Change) -> bool {
    let mut both = [&change.old, &change.new].into_iter().flatten();
    both.any(|object| {
        let AnyObject::ResourceSlice(slice) = object else { return false };
        is_tainted(slice) || pool(view, place(slice)).any(is_tainted)
    })
}

fn is_tainted(slice: &ResourceSlice) -> bool {
    devices(slice).iter().any(|device| no_execute(device).next().is_some())
}

/// Whether a claim has devices of the pool of a slice.
pub(super) fn has_device_of(claim: &ResourceClaim, slice: &ResourceSlice) -> bool {
    allocated(claim).iter().any(|one| (one.driver.as_str(), one.pool.as_str()) == place(slice))
}

/// When the pods of a claim are to go: at the earliest time of all taints of its devices that it does not tolerate for
/// ever. `None` if there are none.
pub(super) fn eviction_time(view: &View, claim: &ResourceClaim) -> Option<Timestamp> {
    let of_device = |allocated: &DeviceRequestAllocationResult| {
        let device = device(view, allocated)?;
        let tolerations = allocated.tolerations.as_deref().unwrap_or_default();
        no_execute(device).filter_map(|taint| end(taint, tolerations)).min()
    };
    allocated(claim).iter().filter_map(of_device).min()
}

fn allocated(claim: &ResourceClaim) -> &[DeviceRequestAllocationResult] {
    let allocation = claim.status.as_ref().and_then(|status| status.allocation.as_ref());
    let devices = allocation.and_then(|allocation| allocation.devices.as_ref());
    devices.and_then(|devices| devices.results.as_deref()).unwrap_or_default()
}

/// The driver and the name of the pool.
fn place(slice: &ResourceSlice) -> (&str, &str) {
    (slice.spec.driver.as_str(), slice.spec.pool.name.as_str())
}

fn pool<'a>(
    view: &'a View,
    (driver, name): (&'a str, &'a str),
) -> impl Iterator<Item = &'a ResourceSlice> {
    let slices = view.resource_slices.iter().map(AsRef::as_ref);
    slices.filter(move |slice| place(slice) == (driver, name))
}

/// The device that was allocated, as the newest slices of its pool have it.
fn device<'a>(view: &'a View, allocated: &'a DeviceRequestAllocationResult) -> Option<&'a Device> {
    let slices = || pool(view, (&allocated.driver, &allocated.pool));
    let newest = slices().map(|slice| slice.spec.pool.generation).max()?;
    let current = slices().filter(|slice| slice.spec.pool.generation == newest);
    current.flat_map(devices).find(|device| device.name == allocated.device)
}

fn devices(slice: &ResourceSlice) -> &[Device] {
    slice.spec.devices.as_deref().unwrap_or_default()
}

fn no_execute(device: &Device) -> impl Iterator<Item = &DeviceTaint> {
    device.taints.iter().flatten().filter(|taint| taint.effect == NO_EXECUTE)
}

/// Until when a taint is tolerated; `None` for ever. Of those tolerations that match, the shortest counts, and one for
/// ever alone. One for every effect does not (`claimEvictionTime`, v1.36).
fn end(taint: &DeviceTaint, tolerations: &[DeviceToleration]) -> Option<Timestamp> {
    let added = taint.time_added.as_ref()?.0;
    let names_effect = |one: &&DeviceToleration| one.effect.as_deref() == Some(NO_EXECUTE);
    let matching =
        || tolerations.iter().filter(names_effect).filter(|one| tolerates_device(one, taint));
    if matching().any(|toleration| toleration.toleration_seconds.is_none()) {
        return None;
    }
    let shortest = matching().filter_map(|toleration| toleration.toleration_seconds).min();
    Some(after_seconds(added, shortest.unwrap_or(0)))
}
