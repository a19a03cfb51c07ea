//! What a claim asks for, and how much of it.
//!
//! Source: `validateDeviceRequest` and `requestAccessor` in structured/internal/incubating/allocator_incubating.go (v1.36).

use std::collections::BTreeSet;

use api::Key;
use api::node_fit::tolerates_device;
use k8s_openapi::api::resource::v1::{
    AllocationResult, CapacityRequirements, Device, DeviceClass, DeviceRequest, DeviceSelector,
    DeviceSubRequest, DeviceTaint, DeviceToleration, ExactDeviceRequest, ResourceClaim,
};

use super::constraint::RequestName;
use crate::devices::Devices;

/// What a request can be met by: devices of a class.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish<'a> {
    /// The request.
    pub(super) request: &'a str,
    /// The one of its alternatives that this is, if it has some.
    pub(super) alternative: Option<&'a str>,
    pub(super) class_name: &'a str,
    mode: &'a str,
    count: i64,
    pub(super) admin_access: bool,
    pub(super) selectors: &'a [DeviceSelector],
    pub(super) tolerations: &'a [DeviceToleration],
    pub(super) capacity: Option<&'a CapacityRequirements>,
}

impl<'a> Wish<'a> {
    /// What a request can be met by, the best first; none of a type that nobody knows.
    pub(super) fn all_of(request: &'a DeviceRequest) -> Vec<Self> {
        match &request.exactly {
            Some(exactly) => vec![Self::exactly(&request.name, exactly)],
            None => {
                let alternatives = request.first_available.iter().flatten();
                alternatives.map(|one| Self::alternative(&request.name, one)).collect()
            }
        }
    }

    fn exactly(request: &'a str, exactly: &'a ExactDeviceRequest) -> Self {
        Self {
            request,
            alternative: None,
            class_name: &exactly.device_class_name,
            mode: exactly.allocation_mode.as_deref().unwrap_or(EXACT_COUNT),
            count: exactly.count.unwrap_or(1),
            admin_access: exactly.admin_access == Some(true),
            selectors: exactly.selectors.as_deref().unwrap_or_default(),
            tolerations: exactly.tolerations.as_deref().unwrap_or_default(),
            capacity: exactly.capacity.as_ref(),
        }
    }

    fn alternative(request: &'a str, one: &'a DeviceSubRequest) -> Self {
        Self {
            request,
            alternative: Some(&one.name),
            class_name: &one.device_class_name,
            mode: one.allocation_mode.as_deref().unwrap_or(EXACT_COUNT),
            count: one.count.unwrap_or(1),
            admin_access: false,
            selectors: one.selectors.as_deref().unwrap_or_default(),
            tolerations: one.tolerations.as_deref().unwrap_or_default(),
            capacity: one.capacity.as_ref(),
        }
    }

    /// The request, and the alternative that this is.
    pub(super) fn name(&self) -> RequestName<'a> {
        (self.request, self.alternative)
    }

    /// Its name alone: that of the alternative, if it is one.
    pub(super) fn own_name(&self) -> &'a str {
        self.alternative.unwrap_or(self.request)
    }

    /// `REQUEST`, or `REQUEST/ALTERNATIVE`.
    pub(super) fn full_name(&self) -> String {
        match self.alternative {
            Some(alternative) => format!("{}/{alternative}", self.request),
            None => self.request.to_owned(),
        }
    }

    /// How many devices it is for; none where it is for all. Fails where it says something that nobody knows.
    pub(super) fn count(&self) -> Result<Option<usize>, String> {
        match self.mode {
            EXACT_COUNT => {
                let too_large = || format!("exact count {} is too large", self.count);
                usize::try_from(self.count).map(Some).map_err(|_| too_large())
            }
            "All" => Ok(None),
            other => Err(format!("unsupported count mode {other}")),
        }
    }

    /// The class of its devices.
    pub(super) fn class(&self, devices: &'a Devices) -> Result<&'a DeviceClass, String> {
        let name = self.class_name;
        let class = devices.class(name).map(AsRef::as_ref);
        class.ok_or_else(|| {
            format!(
                "could not retrieve device class {name}: deviceclass.resource.k8s.io \"{name}\" not found"
            )
        })
    }

    /// Whether a taint of the device keeps the request away.
    pub(super) fn is_kept_from(&self, device: &Device) -> bool {
        let keeps = |taint: &DeviceTaint| {
            matches!(taint.effect.as_str(), "NoSchedule" | "NoExecute")
                && !self.tolerations.iter().any(|toleration| tolerates_device(toleration, taint))
        };
        device.taints.iter().flatten().any(keeps)
    }
}

const EXACT_COUNT: &str = "ExactCount";

/// The requests of a claim.
pub(super) fn requests_of(claim: &ResourceClaim) -> &[DeviceRequest] {
    let devices = claim.spec.devices.as_ref();
    devices.and_then(|devices| devices.requests.as_deref()).unwrap_or_default()
}

/// What is wrong with a request of a claim.
pub(super) fn wrong(claim: &ResourceClaim, request: &str, why: &str) -> String {
    format!("claim {}, request {request}: {why}", Key::of(&claim.metadata))
}

/// How good an allocation is: the sooner the alternatives come that it has of the requests, the better.
///
/// Source: `computeScore` in dynamicresources.go (v1.36).
pub(super) fn score(claim: &ResourceClaim, allocation: &AllocationResult) -> i64 {
    const ALTERNATIVES_MAX: i64 = 8;
    let results = allocation.devices.iter().flat_map(|devices| devices.results.iter().flatten());
    let taken: BTreeSet<&str> = results.map(|result| result.request.as_str()).collect();
    let mut score = 0;
    for request in requests_of(claim).iter().filter(|request| request.exactly.is_none()) {
        for (worse, wish) in (0..).zip(Wish::all_of(request)) {
            if taken.contains(&*wish.full_name()) {
                score += ALTERNATIVES_MAX - worse;
            }
        }
    }
    score
}
