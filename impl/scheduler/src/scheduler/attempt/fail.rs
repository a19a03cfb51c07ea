//! Why there is no node for a pod, and what preemption can do about it.
//!
//! Source: `FitError` and `RunPostFilterPlugins` (v1.36).

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::resource::v1::ResourceClaim;

use super::{Attempt, Stop};
use crate::config::{DefaultPreemptionArgs, DynamicResourcesArgs, PluginArgs};
use crate::cycle::Cycle;
use crate::framework::{ExtensionPoint, Rejection, fit_error, pre_filter_error};
use crate::plugins::default_preemption::{Preemption, find_candidates, select_candidate};
use crate::plugins::dynamic_resources;
use crate::refusals::Refusals;

/// What there is to say of the resource claims of a pod that has none. Source: `DynamicResources` (v1.36).
const NO_CLAIMS: &str = "no new claims to deallocate";

/// What is said where nothing was noted of the claims. Source: `CycleState` (v1.36).
const NOT_FOUND: &str = "not found";

/// What there is to say of those that keep it from every node, and of those that do not.
const DEALLOCATED: &str = "deallocation of ResourceClaim completed";
const DELETED: &str = "deletion of ResourceClaim completed";
const STILL_NOT: &str = "still not schedulable";

/// Why there is no node.
pub(in crate::scheduler) struct Failure {
    pub(in crate::scheduler) rejected_by: BTreeSet<&'static str>,
    pub(in crate::scheduler) message: String,
    /// What comes of preemption; `None` where nobody was asked for it.
    pub(in crate::scheduler) preemption: Option<Preemption>,
    /// What becomes of a claim that keeps the pod waiting.
    pub(in crate::scheduler) remedy: Option<Remedy>,
}

/// What becomes of a claim that keeps its pod from every node.
pub(in crate::scheduler) enum Remedy {
    /// It loses its devices.
    Deallocate(Arc<ResourceClaim>),
    /// It was made for extended resources by an earlier attempt, and goes.
    Delete(Arc<ResourceClaim>),
}

impl Failure {
    /// There are no nodes at all.
    pub(super) fn no_nodes() -> Self {
        Self {
            rejected_by: BTreeSet::new(),
            message: "no nodes available to schedule pods".to_owned(),
            preemption: None,
            remedy: None,
        }
    }
}

impl Attempt<'_> {
    /// A pod that can run nowhere, whatever nodes there are.
    pub(super) fn refused_everywhere(&self, rejection: &Rejection) -> Failure {
        let nodes = self.cluster.snapshot.nodes_len();
        let why = rejection.verdict.reasons().join(", ");
        let error = pre_filter_error(nodes, &why);
        let rejected_by = BTreeSet::from([rejection.plugin]);
        if self.is_unseen_by_devices(rejection.plugin) {
            let message = format!("{error} {NOT_FOUND}");
            let preemption = Some(Preemption::Failed(NOT_FOUND.to_owned()));
            return Failure { rejected_by, message, preemption, remedy: None };
        }
        let preemption = self.profile.preemption.map(|_| {
            let unhelpful = ("Preemption is not helpful for scheduling", nodes);
            let message = fit_error(nodes, std::iter::once(unhelpful));
            let policy = self.pod.spec().and_then(|spec| spec.preemption_policy.as_deref());
            match policy {
                Some("Never") => {
                    Preemption::NotEligible("not eligible due to preemptionPolicy=Never.")
                }
                _ => Preemption::Impossible { message, rejected_by: BTreeSet::new() },
            }
        });
        let message = self.with_post_filter(&error, (NO_CLAIMS, preemption.as_ref()));
        Failure { rejected_by, message, preemption, remedy: None }
    }

    /// Whether a plugin that refuses a pod comes before claims of devices are looked at. Upstream's DynamicResources
    /// does not find then what it would have noted, and nobody is asked for room (dynamicresources.go, v1.36).
    fn is_unseen_by_devices(&self, plugin: &str) -> bool {
        let enabled = &self.profile.enabled;
        let mut first = enabled.at(ExtensionPoint::PreFilter).iter();
        let first = first.find(|name| **name == plugin || **name == dynamic_resources::NAME);
        enabled.has(ExtensionPoint::PostFilter, dynamic_resources::NAME)
            && first.is_some_and(|name| *name == plugin && plugin != dynamic_resources::NAME)
    }

    /// A pod that fits no node.
    pub(super) fn unschedulable(
        &self,
        cycle: &Cycle<'_>,
        refusals: &mut Refusals,
    ) -> Result<Failure, Stop> {
        let mut rejected_by = refusals.rejected_by();
        let remedy = self.remedy(cycle, refusals);
        let of_claims = match (&remedy, &cycle.state.devices) {
            (Some(Remedy::Deallocate(_)), _) => DEALLOCATED,
            (Some(Remedy::Delete(_)), _) => DELETED,
            (None, Some(_)) => STILL_NOT,
            (None, None) => NO_CLAIMS,
        };
        let preemption = match self.profile.preemption {
            Some(args) => Some(self.preemption(cycle, args, refusals)?),
            None => None,
        };
        if let Some(Preemption::Impossible { rejected_by: also, .. }) = &preemption {
            rejected_by.extend(also);
        }
        let message = self.with_post_filter(&refusals.message(), (of_claims, preemption.as_ref()));
        Ok(Failure { rejected_by, message, preemption, remedy })
    }

    /// What is done about a claim that keeps the pod from a node and that nobody else uses, where that is allowed.
    fn remedy(&self, cycle: &Cycle<'_>, refusals: &Refusals) -> Option<Remedy> {
        let frees = self.profile.enabled.has(ExtensionPoint::PostFilter, dynamic_resources::NAME);
        if !frees || cycle.state.devices.is_none() {
            return None;
        }
        let mut refused =
            refusals.rejections().filter(|(_, one)| dynamic_resources::is_unavailable(one));
        let idle = refused.find_map(|(name, _)| {
            let node = cycle.cluster.snapshot.node(name)?;
            self.profile.devices.idle_claim(cycle, node)
        });
        let left_over = || self.profile.devices.left_over(cycle).cloned().map(Remedy::Delete);
        idle.cloned().map(Remedy::Deallocate).or_else(left_over)
    }

    fn preemption(
        &self,
        cycle: &Cycle<'_>,
        args: DefaultPreemptionArgs,
        refusals: &mut Refusals,
    ) -> Result<Preemption, Stop> {
        let candidates = match find_candidates(cycle, args, refusals) {
            Ok(candidates) => candidates,
            Err(preemption) => return Ok(preemption),
        };
        let selected = match self.extenders.is_empty() {
            true => select_candidate(candidates).cloned(),
            false => match self.process_preemption(candidates.into_iter().cloned().collect()) {
                Ok(candidates) => select_candidate(&candidates).cloned(),
                Err(Stop::Error(why)) => return Ok(Preemption::Failed(why)),
                Err(stop @ Stop::Ask(_)) => return Err(stop),
            },
        };
        Ok(match selected {
            Some(candidate) => Preemption::Possible(candidate),
            None => Preemption::NotEligible("no candidate node for preemption"),
        })
    }

    /// What is said of a pod that fits no node. Of preemption nothing is said where it makes room.
    fn with_post_filter(
        &self,
        error: &str,
        (of_claims, preemption): (&str, Option<&Preemption>),
    ) -> String {
        let why = match preemption {
            Some(Preemption::Possible(_)) => return error.to_owned(),
            Some(Preemption::Failed(why)) => return format!("{error} preemption: {why}"),
            Some(Preemption::NotEligible(why)) => Some(*why),
            Some(Preemption::Impossible { message, .. }) => Some(message.as_str()),
            None => None,
        };
        let plugins = self.profile.enabled.at(ExtensionPoint::PostFilter).iter();
        let said = plugins.filter_map(|plugin| match *plugin {
            DynamicResourcesArgs::PLUGIN => Some(of_claims.to_owned()),
            _ => why.map(|why| format!("preemption: {why}")),
        });
        let said: Vec<String> = said.collect();
        if said.is_empty() { error.to_owned() } else { format!("{error} {}", said.join(", ")) }
    }
}
