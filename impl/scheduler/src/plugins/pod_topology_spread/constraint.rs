//! One constraint: which pods, over which domains, how evenly.
//!
//! Source: podtopologyspread/common.go and plugins/helper/spread.go (v1.36).

use std::collections::BTreeMap;

use api::Key;
use api::node_fit::selects;
use api::object::controller_of;
use api::selector::{Operator, Requirement, Selector};
use k8s_openapi::api::core::v1::TopologySpreadConstraint;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, OwnerReference};

use crate::cluster::Cluster;
use crate::crowds::{Crowd, Places};
use crate::node_info::{Labels, NodeInfo, PodInfo};
use crate::plugins::taint_toleration::keep_away;
use crate::snapshot::Snapshot;

/// The constraint must hold.
pub(crate) const DO_NOT_SCHEDULE: &str = "DoNotSchedule";
/// The constraint holds if it can.
pub(super) const SCHEDULE_ANYWAY: &str = "ScheduleAnyway";
/// The label of nodes that no two share.
pub(super) const HOSTNAME: &str = "kubernetes.io/hostname";
pub(crate) const ZONE: &str = "topology.kubernetes.io/zone";

/// A constraint with its defaults.
#[derive(Clone, Debug)]
pub(super) struct Constraint {
    /// By how many pods a domain may exceed the least one.
    pub(super) max_skew: i64,
    /// The label of nodes whose value is the domain.
    pub(super) topology_key: String,
    /// The pods that are spread.
    pub(super) selector: Selector,
    /// With fewer domains, the least has none.
    pub(super) min_domains: i64,
    honors_affinity: bool,
    honors_taints: bool,
}

impl Constraint {
    fn of(constraint: &TopologySpreadConstraint, labels: &Labels) -> Self {
        let honors = |policy: &Option<String>| policy.as_deref().map(|policy| policy == "Honor");
        Self {
            max_skew: i64::from(constraint.max_skew),
            topology_key: constraint.topology_key.clone(),
            selector: selector(constraint, labels),
            min_domains: i64::from(constraint.min_domains.unwrap_or(1)),
            honors_affinity: honors(&constraint.node_affinity_policy).unwrap_or(true),
            honors_taints: honors(&constraint.node_taints_policy).unwrap_or(false),
        }
    }

    fn default(topology_key: &str, max_skew: i64) -> Self {
        Self {
            max_skew,
            topology_key: topology_key.to_owned(),
            selector: Selector::nothing(),
            min_domains: 1,
            honors_affinity: true,
            honors_taints: false,
        }
    }

    /// Whether a node counts as part of its domain.
    pub(super) fn includes(&self, pod: &PodInfo, node: &NodeInfo) -> bool {
        let is_selected = || {
            let (spec, place) = (pod.spec(), node.place());
            spec.zip(place).is_none_or(|(spec, place)| selects(spec, place))
        };
        (!self.honors_affinity || is_selected())
            && (!self.honors_taints || !keep_away(pod, node.taints()))
    }

    /// How many nodes each domain has, where every node has its label and counts as part of its domain.
    pub(super) fn domains<'a>(&self, pod: &PodInfo, snapshot: &'a Snapshot) -> Option<&'a Places> {
        if self.includes_all(pod) { snapshot.domains(&self.topology_key) } else { None }
    }

    /// Whether every node with its label counts as part of its domain.
    pub(super) fn includes_all(&self, pod: &PodInfo) -> bool {
        let selects_nodes = pod.spec().is_some_and(|spec| {
            let affinity = spec.affinity.as_ref();
            spec.node_selector.as_ref().is_some_and(|selector| !selector.is_empty())
                || affinity.is_some_and(|affinity| affinity.node_affinity.is_some())
        });
        !(self.honors_taints || (self.honors_affinity && selects_nodes))
    }

    /// The pods that are spread with a pod.
    pub(super) fn crowds<'a>(
        &'a self,
        (pod, snapshot): (&'a PodInfo, &'a Snapshot),
    ) -> impl Iterator<Item = &'a Crowd> {
        let crowds = snapshot.crowds().all();
        crowds.filter(|crowd| !crowd.pod.is_terminating() && self.counts(pod, &crowd.pod))
    }

    /// Adds the pods that are spread to the counts of their domains, if those are counted.
    pub(super) fn count_crowds(
        &self,
        (pod, snapshot): (&PodInfo, &Snapshot),
        counts: &mut BTreeMap<String, i64>,
    ) {
        for crowd in self.crowds((pod, snapshot)) {
            for (value, pods) in snapshot.places(crowd, &self.topology_key).iter() {
                if let Some(count) = counts.get_mut(value) {
                    *count += pods;
                }
            }
        }
    }

    /// Whether another pod is one of those that are spread with a pod. A selector of everything counts none.
    pub(super) fn counts(&self, pod: &PodInfo, other: &PodInfo) -> bool {
        other.namespace() == pod.namespace()
            && !self.selector.is_everything()
            && self.selector.matches(other.labels())
    }

    /// How many of them a node has.
    pub(super) fn count(&self, pod: &PodInfo, node: &NodeInfo) -> i64 {
        if self.selector.is_everything() {
            return 0;
        }
        let count = node.label_counts.count(pod.namespace(), &self.selector);
        i64::try_from(count).unwrap_or(i64::MAX)
    }
}

/// The selector of a constraint, with the labels of the pod that it names.
fn selector(constraint: &TopologySpreadConstraint, labels: &Labels) -> Selector {
    let own = constraint.label_selector.as_ref().and_then(read).unwrap_or_else(Selector::nothing);
    let requirement = |key: &String| {
        let values = [labels.get(key)?.clone()].into();
        Some(Requirement { key: key.clone(), operator: Operator::In, values })
    };
    let keys = constraint.match_label_keys.iter().flatten();
    own.and(&keys.filter_map(requirement).collect::<Vec<_>>())
}

fn read(selector: &LabelSelector) -> Option<Selector> {
    Selector::from_label_selector(selector).ok()
}

/// Those of some constraints that say this of what is to be done when they do not hold.
pub(super) fn of_kind(
    constraints: &[TopologySpreadConstraint],
    pod: &PodInfo,
    when_unsatisfiable: &str,
) -> Vec<Constraint> {
    let of_kind =
        constraints.iter().filter(|constraint| constraint.when_unsatisfiable == when_unsatisfiable);
    of_kind.map(|constraint| Constraint::of(constraint, pod.labels())).collect()
}

/// The constraints of a pod as they stand there.
pub(super) fn constraints(pod: &PodInfo) -> &[TopologySpreadConstraint] {
    pod.spec().and_then(|spec| spec.topology_spread_constraints.as_deref()).unwrap_or_default()
}

/// The system's constraints for a pod that has none of its own. They hold if they can.
pub(super) fn system_defaults() -> Vec<Constraint> {
    [(HOSTNAME, 3), (ZONE, 5)].map(|(key, skew)| Constraint::default(key, skew)).into()
}

/// The same constraints for the pods that are like a pod: of the same Services and controller. None when it is of no
/// such.
pub(super) fn with_default_selector(
    mut constraints: Vec<Constraint>,
    pod: &PodInfo,
    cluster: &Cluster,
) -> Vec<Constraint> {
    if constraints.is_empty() {
        return constraints;
    }
    let selector = default_selector(pod, cluster);
    if selector.is_everything() {
        return vec![];
    }
    for constraint in &mut constraints {
        constraint.selector = selector.clone();
    }
    constraints
}

/// The pods that the Services of a pod and its controller select.
fn default_selector(pod: &PodInfo, cluster: &Cluster) -> Selector {
    let mut labels = Labels::new();
    for service in cluster.services.in_namespace(pod.namespace()) {
        let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
        let Some(selector) = selector else { continue };
        if Selector::from_labels(selector).matches(pod.labels()) {
            labels.extend(selector.clone());
        }
    }
    let Some(owner) = controller_of(&pod.pod.metadata) else {
        return Selector::from_labels(&labels);
    };
    let key = Key::new(pod.namespace(), &owner.name);
    if is_of(owner, &api::resources::REPLICATION_CONTROLLERS) {
        let controller = cluster.replication_controllers.get(&key);
        let selector = controller.and_then(|found| found.spec.as_ref()?.selector.clone());
        labels.extend(selector.unwrap_or_default());
    }
    let selector = Selector::from_labels(&labels);
    let of_owner = if is_of(owner, &api::resources::REPLICA_SETS) {
        let spec = cluster.replica_sets.get(&key).and_then(|found| found.spec.as_ref());
        spec.and_then(|spec| read(&spec.selector))
    } else if is_of(owner, &api::resources::STATEFUL_SETS) {
        let spec = cluster.stateful_sets.get(&key).and_then(|found| found.spec.as_ref());
        spec.and_then(|spec| read(&spec.selector))
    } else {
        None
    };
    match of_owner.as_ref().and_then(Selector::requirements) {
        Some(requirements) => selector.and(requirements),
        None => selector,
    }
}

fn is_of(owner: &OwnerReference, resource: &api::ApiResource) -> bool {
    (owner.api_version.as_str(), owner.kind.as_str())
        == (resource.api_version().as_str(), resource.kind)
}
