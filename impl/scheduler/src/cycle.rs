//! One attempt to find a node for one pod.
//!
//! Source: `CycleState`, `RunPreFilterPlugins` and `RunFilterPluginsWithNominatedPods` in framework/runtime (v1.36).

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::cluster::Cluster;
use crate::framework::{Filter, Rejection, Verdict};
use crate::node_info::{NodeInfo, PodInfo};
use crate::plugins::{
    dynamic_resources, inter_pod_affinity, pod_topology_spread, volume_binding,
    volume_restrictions, volume_zone,
};
use crate::profile::Profile;

/// What plugins found out about the pod and the whole cluster before they look at nodes.
#[derive(Clone, Debug, Default)]
pub struct CycleState {
    /// The only nodes that are looked at, if the pod names some.
    pub(crate) nodes: Option<BTreeSet<String>>,
    /// The pod's claims.
    pub(crate) claims: volume_binding::Claims,
    /// The pod's claims of devices; `None` when it has none.
    pub(crate) devices: Option<Arc<dynamic_resources::PreFilterState>>,
    /// Who uses the claims that one pod may use.
    pub(crate) restrictions: volume_restrictions::PreFilterState,
    /// Where the pod's volumes are; `None` when nobody has looked.
    pub(crate) zones: Option<volume_zone::PreFilterState>,
    /// How pods like it are spread.
    pub(crate) spread: pod_topology_spread::PreFilterState,
    /// Which pods it must be near to and far from; `None` when nobody has looked.
    pub(crate) affinity: Option<inter_pod_affinity::PreFilterState>,
}

/// The pod, the cluster, and what was found out. A clone may change what was found out, to try something.
#[derive(Clone, Debug)]
pub struct Cycle<'a> {
    /// The plugins that are asked.
    pub profile: &'a Profile,
    /// The pod that is to be scheduled.
    pub pod: &'a PodInfo,
    /// The cluster as it is known.
    pub cluster: &'a Cluster,
    pub(crate) state: CycleState,
}

impl<'a> Cycle<'a> {
    /// Looks at the pod and at the whole cluster; a rejection is one by every node.
    pub fn pre_filter(
        profile: &'a Profile,
        (pod, cluster): (&'a PodInfo, &'a Cluster),
    ) -> Result<Self, Rejection> {
        let mut state = CycleState::default();
        for plugin in &profile.pre_filters {
            plugin.pre_filter((pod, cluster), &mut state).map_err(|why| Rejection {
                plugin: plugin.name(),
                verdict: Verdict::unresolvable(&why),
            })?;
        }
        Ok(Self { profile, pod, cluster, state })
    }

    /// Counts a pod that is not on the node.
    pub fn add_pod(&mut self, added: &PodInfo, node: &NodeInfo) {
        self.update(added, node, 1);
    }

    /// Counts a pod that is on the node no more.
    pub fn remove_pod(&mut self, removed: &PodInfo, node: &NodeInfo) {
        self.update(removed, node, -1);
    }

    fn update(&mut self, other: &PodInfo, node: &NodeInfo, change: i64) {
        self.state.restrictions.update(self.pod, other, change);
        self.state.spread.update(self.pod, (other, node), change);
        if let Some(affinity) = &mut self.state.affinity {
            affinity.update((self.pod, self.cluster), (other, node), change);
        }
    }

    /// Why the pod cannot run on a node, if it cannot. Pods that are nominated there and no less important count as
    /// if they ran there; and as it may be that they never will, it must also fit without them.
    pub fn rejection(&self, node: &NodeInfo) -> Option<Rejection> {
        if !self.names(node) {
            let why = "node(s) didn't satisfy plugin(s) [NodeAffinity]";
            return Some(Rejection { plugin: "NodeAffinity", verdict: Verdict::unresolvable(why) });
        }
        let nominated = self.nominated(node);
        if nominated.is_empty() {
            return self.run_filters(node);
        }
        let (mut cycle, mut with_nominated) = (self.clone(), node.clone());
        for pod in nominated {
            with_nominated.add_pod(pod.clone());
            cycle.add_pod(pod, node);
        }
        cycle.run_filters(&with_nominated).or_else(|| self.run_filters(node))
    }

    /// Whether the pod names the nodes on which it can run.
    pub fn names_some(&self) -> bool {
        self.state.nodes.is_some()
    }

    /// Whether the pod names the node, if it names any.
    pub fn names(&self, node: &NodeInfo) -> bool {
        self.state.nodes.as_ref().is_none_or(|nodes| nodes.contains(node.name()))
    }

    fn nominated(&self, node: &NodeInfo) -> Vec<&'a PodInfo> {
        let counts =
            |pod: &&PodInfo| pod.priority() >= self.pod.priority() && pod.uid() != self.pod.uid();
        self.cluster.nominations.on(node.name()).filter(counts).collect()
    }

    /// The same of filters alone that look at nothing but the node and its pods, if the pod names no nodes and those
    /// that are nominated say nothing of other pods.
    pub fn local_rejection(&self, node: &NodeInfo) -> Option<Rejection> {
        let local = || self.filters().filter(|plugin| plugin.is_local());
        let nominated = self.nominated(node);
        if nominated.is_empty() {
            return self.run(local(), node);
        }
        let mut with_nominated = node.clone();
        nominated.into_iter().for_each(|pod| with_nominated.add_pod(pod.clone()));
        self.run(local(), &with_nominated).or_else(|| self.run(local(), node))
    }

    /// Why the pod cannot run on a node, where only these filters may be against it; with pods that are nominated there
    /// all are asked.
    pub fn rejection_of(&self, filters: &[&dyn Filter], node: &NodeInfo) -> Option<Rejection> {
        match self.nominated(node).is_empty() {
            true => self.run(filters.iter().copied(), node),
            false => self.rejection(node),
        }
    }

    /// The first filter that is against the node speaks for all.
    fn run_filters(&self, node: &NodeInfo) -> Option<Rejection> {
        self.run(self.filters(), node)
    }

    /// The filters of the profile, in their order.
    pub fn filters(&self) -> impl Iterator<Item = &'a dyn Filter> {
        self.profile.filters.iter().map(|plugin| &**plugin)
    }

    /// What a filter says of a node.
    pub fn verdict(&self, plugin: &dyn Filter, node: &NodeInfo) -> Verdict {
        match self.profile.unprepared.filter(plugin.name()) {
            Some(why) => Verdict::Error(why.to_owned()),
            None => plugin.filter(self, node),
        }
    }

    fn run<'f>(
        &self,
        mut filters: impl Iterator<Item = &'f dyn Filter>,
        node: &NodeInfo,
    ) -> Option<Rejection> {
        filters.find_map(|plugin| match self.verdict(plugin, node) {
            Verdict::Feasible => None,
            verdict @ (Verdict::Unschedulable(_)
            | Verdict::UnschedulableAndUnresolvable(_)
            | Verdict::Error(_)) => Some(Rejection { plugin: plugin.name(), verdict }),
        })
    }
}
