//! Whether the devices of a claim are ready for a pod to be bound.
//!
//! Source: `isClaimReadyForBinding` and `isClaimTimeout` in dynamicresources.go (v1.36), KEP-5007.

use std::time::Duration;

use api::Timestamp;
use k8s_openapi::api::resource::v1::{
    AllocatedDeviceStatus, DeviceRequestAllocationResult, ResourceClaim,
};

use crate::devices::{allocation_of, results_of};

/// How far the devices of a claim have come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// All are ready, or need nothing.
    Ready,
    /// Some are not, yet.
    Waits,
    /// One will never be, for this reason.
    Failed(String),
}

/// How far the devices of a claim have come.
pub(crate) fn readiness(claim: &ResourceClaim) -> Readiness {
    if allocation_of(claim).is_none() {
        return Readiness::Waits;
    }
    for result in results_of(claim) {
        let wanted = result.binding_conditions.as_deref().unwrap_or_default();
        if wanted.is_empty() {
            continue;
        }
        let Some(status) = status_of(claim, result) else { return Readiness::Waits };
        let is_true = |name: &String| {
            let mut conditions = status.conditions.iter().flatten();
            conditions.find(|one| one.type_ == *name && one.status == "True")
        };
        let failures = result.binding_failure_conditions.as_deref().unwrap_or_default();
        if let Some(failure) = failures.iter().find_map(is_true) {
            return Readiness::Failed(format!(
                "device binding failed: claim={}, reason={}, message={:?}",
                claim.metadata.name.as_deref().unwrap_or_default(),
                failure.reason,
                failure.message
            ));
        }
        if !wanted.iter().all(|name| is_true(name).is_some()) {
            return Readiness::Waits;
        }
    }
    Readiness::Ready
}

/// Whether the devices of a claim had their time to become ready.
pub(crate) fn is_timed_out(claim: &ResourceClaim, timeout: Duration, now: Timestamp) -> bool {
    let since =
        allocation_of(claim).and_then(|allocation| allocation.allocation_timestamp.as_ref());
    has_conditions(claim) && since.is_some_and(|since| since.0 + timeout < now)
}

/// Whether some device of a claim must become ready.
pub(crate) fn has_conditions(claim: &ResourceClaim) -> bool {
    let mut results = results_of(claim).iter();
    results.any(|result| result.binding_conditions.as_ref().is_some_and(|all| !all.is_empty()))
}

fn status_of<'a>(
    claim: &'a ResourceClaim,
    result: &DeviceRequestAllocationResult,
) -> Option<&'a AllocatedDeviceStatus> {
    let is_its = |status: &&AllocatedDeviceStatus| {
        (&status.driver, &status.pool, &status.device)
            == (&result.driver, &result.pool, &result.device)
    };
    claim.status.as_ref()?.devices.iter().flatten().find(is_its)
}
