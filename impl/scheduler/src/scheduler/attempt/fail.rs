//! Why there is no node for a pod, and what preemption can do about it.
//!
//! Source: `FitError` and `RunPostFilterPlugins` (v1.36).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::api::resource::v1::ResourceClaim;

use super::{Attempt, Rejections, Stop, verdicts_of};
use crate::config::{DefaultPreemptionArgs, DynamicResourcesArgs, PluginArgs};
use crate::cycle::Cycle;
use crate::framework::{ExtensionPoint, Rejection, Verdict, fit_error, pre_filter_error};
use crate::plugins::default_preemption::{Preemption, find_candidates, select_candidate};
use crate::plugins::dynamic_resources;

/// What there is to say of the resource claims of a pod that has none. Source: `DynamicResources` (v1.36).
const NO_CLAIMS: &str = "no new claims to deallocate";

/// What there is to say of those that keep it from every node, and of those that do not.
const DEALLOCATED: &str = "deallocation of ResourceClaim completed";
const STILL_NOT: &str = "still not schedulable";

/// Why there is no node.
pub(in crate::scheduler) struct Failure {
    pub(in crate::scheduler) verdicts: BTreeMap<String, Verdict>,
    pub(in crate::scheduler) rejected_by: BTreeSet<&'static str>,
    pub(in crate::scheduler) message: String,
    /// What comes of preemption; `None` where nobody was asked for it.
    pub(in crate::scheduler) preemption: Option<Preemption>,
    /// A claim whose devices keep the pod waiting, and that loses them.
    pub(in crate::scheduler) to_deallocate: Option<Arc<ResourceClaim>>,
}

impl Failure {
    /// There are no nodes at all.
    pub(super) fn no_nodes() -> Self {
        Self {
            verdicts: BTreeMap::new(),
            rejected_by: BTreeSet::new(),
            message: "no nodes available to schedule pods".to_owned(),
            preemption: None,
            to_deallocate: None,
        }
    }
}

impl Attempt<'_> {
    /// A pod that can run nowhere, whatever nodes there are.
    pub(super) fn refused_everywhere(&self, rejection: &Rejection) -> Failure {
        let nodes = self.cluster.snapshot.nodes();
        let verdicts: BTreeMap<_, _> =
            nodes.map(|node| (node.name().to_owned(), rejection.verdict.clone())).collect();
        let why = rejection.verdict.reasons().join(", ");
        let error = pre_filter_error(verdicts.len(), &why);
        let preemption = self.profile.preemption.map(|_| {
            let unhelpful = Verdict::unresolvable("Preemption is not helpful for scheduling");
            let message = fit_error(verdicts.len(), vec![&unhelpful; verdicts.len()].into_iter());
            let policy = self.pod.spec().and_then(|spec| spec.preemption_policy.as_deref());
            match policy {
                Some("Never") => {
                    Preemption::NotEligible("not eligible due to preemptionPolicy=Never.")
                }
                _ => Preemption::Impossible { message, rejected_by: BTreeSet::new() },
            }
        });
        let message = self.with_post_filter(&error, (NO_CLAIMS, preemption.as_ref()));
        let rejected_by = BTreeSet::from([rejection.plugin]);
        Failure { verdicts, rejected_by, message, preemption, to_deallocate: None }
    }

    /// A pod that fits no node.
    pub(super) fn unschedulable(
        &self,
        cycle: &Cycle<'_>,
        rejections: Rejections<'_>,
    ) -> Result<Failure, Stop> {
        let mut rejected_by: BTreeSet<&'static str> =
            rejections.values().map(|rejection| rejection.plugin).collect();
        let to_deallocate = self.to_deallocate(cycle, &rejections);
        let of_claims = match (&to_deallocate, &cycle.state.devices) {
            (Some(_), _) => DEALLOCATED,
            (None, Some(_)) => STILL_NOT,
            (None, None) => NO_CLAIMS,
        };
        let verdicts = verdicts_of(rejections);
        let preemption = match self.profile.preemption {
            Some(args) => Some(self.preemption(cycle, args, &verdicts)?),
            None => None,
        };
        if let Some(Preemption::Impossible { rejected_by: also, .. }) = &preemption {
            rejected_by.extend(also);
        }
        let error = fit_error(verdicts.len(), verdicts.values());
        let message = self.with_post_filter(&error, (of_claims, preemption.as_ref()));
        Ok(Failure { verdicts, rejected_by, message, preemption, to_deallocate })
    }

    /// A claim that keeps the pod from a node and that nobody else uses, where claims may lose their devices.
    fn to_deallocate(
        &self,
        cycle: &Cycle<'_>,
        rejections: &Rejections<'_>,
    ) -> Option<Arc<ResourceClaim>> {
        if !self.profile.enabled.has(ExtensionPoint::PostFilter, dynamic_resources::NAME) {
            return None;
        }
        let mut refused =
            rejections.iter().filter(|(_, one)| dynamic_resources::is_unavailable(one));
        refused.find_map(|(name, _)| {
            let node = cycle.cluster.snapshot.node(name)?;
            self.profile.devices.idle_claim(cycle, node).cloned()
        })
    }

    fn preemption(
        &self,
        cycle: &Cycle<'_>,
        args: DefaultPreemptionArgs,
        verdicts: &BTreeMap<String, Verdict>,
    ) -> Result<Preemption, Stop> {
        let candidates = match find_candidates(cycle, args, (verdicts, self.now)) {
            Ok(candidates) => candidates,
            Err(preemption) => return Ok(preemption),
        };
        let candidates = match self.process_preemption(candidates) {
            Ok(candidates) => candidates,
            Err(Stop::Error(why)) => return Ok(Preemption::Failed(why)),
            Err(stop @ Stop::Ask(_)) => return Err(stop),
        };
        Ok(match select_candidate(candidates, self.now) {
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
