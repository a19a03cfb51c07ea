//! DynamicResources: a pod goes where the devices are that it claims, or can be had.
//!
//! Source: framework/plugins/dynamicresources (v1.36), KEP-4381; with what is on by default: DRAAdminAccess,
//! DRAPrioritizedList, DRAPartitionableDevices, DRADeviceTaints, DRAConsumableCapacity, DRADeviceBindingConditions with
//! DRAResourceClaimDeviceStatus, DRAExtendedResource, and DRASchedulerFilterTimeout, which is counted in looks at devices
//! here. Left out as it is off: DRADeviceTaintRules, DRAListTypeAttributes, DRANodeAllocatableResources,
//! DRAWorkloadResourceClaims.

mod allocated;
mod allocator;
mod binding;
mod capacity;
mod claims;
mod constraint;
mod counters;
mod extended;
mod extended_requests;
mod pools;
mod request;
mod result;
mod search;
mod seeking;
mod selectors;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use api::AnyObject;
use client::Change;
use k8s_openapi::api::resource::v1::{AllocationResult, ResourceClaim};

use crate::cluster::Cluster;
use crate::config::DynamicResourcesArgs;
use crate::cycle::{Cycle, CycleState};
use crate::devices::allocation_of;
use crate::event::Event;
use crate::framework::{
    Filter, Plugin, PreFilter, Rejection, Score, Verdict, default_normalize_score,
};
use crate::node_info::{NodeInfo, PodInfo};
use crate::scoring::Scoring;

use allocator::allocate;
pub(crate) use binding::{Readiness, has_conditions, is_timed_out, readiness};
pub use claims::PreFilterState;
pub(crate) use claims::{asked, claims_of, is_reserved_for, reserved_for};
pub(crate) use extended::{ExtendedClaim, is_backed, is_in_memory, to_create, uid_before, wanted};
use seeking::{Failure, Inputs};

/// Its name.
pub(crate) const NAME: &str = "DynamicResources";

const NOT_AVAILABLE: &str = "resourceclaim not available on the node";

/// How many looks at devices take as long as a second.
const LOOKS_PER_SECOND: u64 = 100_000;

/// How long a node is searched, and devices may take to become ready, where nothing is said. Source:
/// `SetDefaults_DynamicResourcesArgs` (v1.36).
const FILTER_TIMEOUT: Duration = Duration::from_secs(10);
const BINDING_TIMEOUT: Duration = Duration::from_secs(600);

/// Looks for devices for the claims of a pod.
#[derive(Clone, Copy, Debug)]
pub struct DynamicResources {
    /// After how many looks at a device the search on a node ends, if it does.
    looks_max: Option<usize>,
    binding_timeout: Duration,
}

impl DynamicResources {
    /// The plugin, told how long it may take.
    pub fn new(args: &DynamicResourcesArgs) -> Self {
        let filter_timeout = args.filter_timeout.map_or(FILTER_TIMEOUT, |it| it.to_std());
        let looks = filter_timeout.as_millis() * u128::from(LOOKS_PER_SECOND) / 1000;
        Self {
            looks_max: (looks > 0).then(|| usize::try_from(looks).unwrap_or(usize::MAX)),
            binding_timeout: binding_timeout(args),
        }
    }

    /// What the claims that have no devices get on a node, that for extended resources last; nothing, if they cannot all
    /// have some.
    fn allocate(
        &self,
        (state, extended): (&PreFilterState, Option<&ExtendedClaim>),
        (node, cluster): (&NodeInfo, &Cluster),
    ) -> Result<Option<Vec<AllocationResult>>, Failure> {
        let extended = extended.map(|extended| &extended.claim);
        let claims: Vec<&ResourceClaim> =
            state.to_allocate.iter().chain(extended).map(AsRef::as_ref).collect();
        allocate(Inputs {
            node,
            devices: &cluster.devices,
            claims: &claims,
            allocated: &state.allocated,
            selectors: &state.selectors,
            looks_max: self.looks_max,
        })
    }

    /// The claims whose devices a node does not reach, or that will not become ready.
    fn unavailable<'a>(
        &self,
        state: &'a PreFilterState,
        (node, cluster): (&NodeInfo, &Cluster),
    ) -> impl Iterator<Item = &'a Arc<ResourceClaim>> {
        state.claims.iter().filter(move |claim| {
            let is_late = || match readiness(claim) {
                Readiness::Ready => false,
                Readiness::Waits => is_timed_out(claim, self.binding_timeout, cluster.now),
                Readiness::Failed(_) => true,
            };
            allocation_of(claim).is_some()
                && (!claims::is_reached(claim, node.place()) || is_late())
        })
    }

    /// What each claim without devices gets on the node that was chosen.
    pub(crate) fn reserve(&self, cycle: &Cycle<'_>, node: &NodeInfo) -> Option<Reserved> {
        let state = cycle.state.devices.as_deref()?;
        let extended = extended_on(state, cycle, node).ok()?;
        if state.claims.is_empty() && extended.is_none() {
            return None;
        }
        let with = (state, extended.as_ref());
        let found = self.allocate(with, (node, cycle.cluster)).ok().flatten()?;
        let mut allocations = found.into_iter();
        let claims = state.claims.iter().map(|claim| {
            let allocation = allocation_of(claim).is_none().then(|| allocations.next()).flatten();
            (Arc::clone(claim), allocation)
        });
        let claims = claims.collect();
        let extended = extended.zip(allocations.next());
        Some(Reserved { claims, extended, binding_timeout: self.binding_timeout })
    }

    /// The claim for the extended resources of a pod that an earlier attempt has left, and that is in its way.
    pub(crate) fn left_over<'a>(&self, cycle: &'a Cycle<'_>) -> Option<&'a Arc<ResourceClaim>> {
        cycle.state.devices.as_deref()?.left_over()
    }

    /// A claim of the pod that keeps it from every node, and that nobody else uses.
    pub(crate) fn idle_claim<'a>(
        &self,
        cycle: &'a Cycle<'_>,
        node: &NodeInfo,
    ) -> Option<&'a Arc<ResourceClaim>> {
        let state = cycle.state.devices.as_deref()?;
        let is_own = |claim: &&Arc<ResourceClaim>| match reserved_for(claim) {
            [] => true,
            [only] => only.uid == cycle.pod.uid(),
            _ => false,
        };
        self.unavailable(state, (node, cycle.cluster)).find(is_own)
    }
}

/// Whether a node is refused because of claims that have their devices elsewhere, or in vain.
pub(crate) fn is_unavailable(rejection: &Rejection) -> bool {
    rejection.plugin == NAME && rejection.verdict == Verdict::unresolvable(NOT_AVAILABLE)
}

/// How long devices may take to become ready.
pub(crate) fn binding_timeout(args: &DynamicResourcesArgs) -> Duration {
    args.binding_timeout.map_or(BINDING_TIMEOUT, |timeout| timeout.to_std())
}

/// The claims of a pod that has a node, and what those get that have no devices.
#[derive(Clone, Debug)]
pub struct Reserved {
    pub(crate) claims: Vec<(Arc<ResourceClaim>, Option<AllocationResult>)>,
    /// The claim for its extended resources, if it needs one on that node, and what it gets.
    pub(crate) extended: Option<(ExtendedClaim, AllocationResult)>,
    pub(crate) binding_timeout: Duration,
}

impl Plugin for DynamicResources {
    fn name(&self) -> &'static str {
        NAME
    }
}

impl PreFilter for DynamicResources {
    fn pre_filter(
        &self,
        (pod, cluster): (&PodInfo, &Cluster),
        state: &mut CycleState,
    ) -> Result<(), String> {
        let found = claims::pre_filter(pod, &cluster.devices)?;
        state.devices = (!found.is_empty()).then(|| Arc::new(found));
        Ok(())
    }
}

impl Filter for DynamicResources {
    fn filter(&self, cycle: &Cycle<'_>, node: &NodeInfo) -> Verdict {
        let Some(state) = cycle.state.devices.as_deref() else { return Verdict::Feasible };
        let on = (node, cycle.cluster);
        let extended = match extended_on(state, cycle, node) {
            Ok(None) if state.claims.is_empty() => return Verdict::Feasible,
            Ok(extended) => extended,
            Err(why) => return Verdict::unresolvable(why),
        };
        match self.allocate((state, extended.as_ref()), on) {
            Ok(Some(_)) => {}
            Ok(None) => return Verdict::unresolvable("cannot allocate all claims"),
            Err(Failure::OnNode(why)) => return Verdict::unresolvable(&why),
            Err(Failure::Error(why)) => return Verdict::Error(why),
        }
        match self.unavailable(state, on).next() {
            Some(_) => Verdict::unresolvable(NOT_AVAILABLE),
            None => Verdict::Feasible,
        }
    }

    fn skips(&self, cycle: &Cycle<'_>) -> bool {
        cycle.state.devices.is_none()
    }

    /// Devices that were about to be allocated are free again when nothing comes of the pod; upstream tells nobody.
    fn may_help(&self, pod: &PodInfo, event: Event<'_>, cluster: &Cluster) -> bool {
        let claims = claims_of(&pod.pod, &cluster.devices);
        if let Event::Devices(change) = event {
            return claims.is_ok_and(|claims| change_may_help(&claims, change));
        }
        let has_devices =
            |gone: &PodInfo| !asked(&gone.pod).is_empty() || is_backed(gone, &cluster.devices);
        let is_freed = matches!(event, Event::FreedDevices);
        claims.is_ok()
            && (is_freed || event.freed_by().is_some_and(has_devices) || event.node().is_some())
    }
}

/// What a pod has to claim for its extended resources on a node, or why it cannot run there.
fn extended_on(
    state: &PreFilterState,
    cycle: &Cycle<'_>,
    node: &NodeInfo,
) -> Result<Option<ExtendedClaim>, &'static str> {
    let Some(claim) = &state.extended else { return Ok(None) };
    extended::on_node(claim, cycle.pod, (node, &cycle.cluster.devices))
}

/// Whether a change of a claim, a class or a slice may help a pod with these claims.
fn change_may_help(claims: &[&Arc<ResourceClaim>], change: &Change) -> bool {
    let (Some(AnyObject::ResourceClaim(new)), old) = (&change.new, &change.old) else {
        return change.new.is_some();
    };
    let is_used = claims.iter().any(|claim| claim.metadata.uid == new.metadata.uid);
    let Some(AnyObject::ResourceClaim(old)) = old else { return is_used };
    let is_freed = allocation_of(old).is_some() && allocation_of(new).is_none();
    is_freed || is_used && old.status != new.status
}

impl Score for DynamicResources {
    /// The sooner an alternative comes in its request, the better.
    fn score(&self, scoring: &Scoring<'_>, node: &NodeInfo) -> i64 {
        let cycle = scoring.cycle;
        let Some(state) = cycle.state.devices.as_deref() else { return 0 };
        let extended = extended_on(state, cycle, node).ok().flatten();
        let with = (state, extended.as_ref());
        let allocations = self.allocate(with, (node, cycle.cluster)).ok().flatten();
        let mut allocations = allocations.unwrap_or_default().into_iter();
        let scores = state.claims.iter().map(|claim| match allocation_of(claim) {
            Some(allocation) => request::score(claim, allocation),
            None => allocations.next().map_or(0, |found| request::score(claim, &found)),
        });
        scores.sum()
    }

    fn normalize_score(&self, _scoring: &Scoring<'_>, scores: &mut [i64]) {
        default_normalize_score(scores, false);
    }

    fn skips(&self, cycle: &Cycle<'_>) -> bool {
        let claims = cycle.state.devices.iter().flat_map(|state| &state.claims);
        !claims.flat_map(|claim| request::requests_of(claim)).any(|one| one.exactly.is_none())
    }
}
