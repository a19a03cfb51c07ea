//! NodeResourcesFit: a node has room for what a pod requests; the emptier, the better, unless it is told otherwise.
//!
//! Source: framework/plugins/noderesources/fit.go (v1.36).

mod delegated;
mod strategy;

use std::collections::BTreeSet;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Node;

use crate::cluster::Cluster;
use crate::config::{NodeResourcesFitArgs, PluginArgs, is_extended_resource};
use crate::cycle::Cycle;
use crate::devices::Devices;
use crate::event::Event;
use crate::framework::{Filter, Plugin, Score, Verdict};
use crate::node_info::{NodeInfo, PodInfo};
use crate::resources::Resources;
use crate::scoring::Scoring;

use delegated::{class_may_help, delegates, is_delegated};
use strategy::Strategy;

/// Compares requests with what is left.
#[derive(Clone, Debug)]
pub struct NodeResourcesFit {
    ignored: Ignored,
    strategy: Strategy,
}

/// Extended resources that need not fit.
#[derive(Clone, Debug, Default)]
struct Ignored {
    resources: BTreeSet<String>,
    /// What stands before the slash.
    groups: BTreeSet<String>,
}

impl Ignored {
    fn has(&self, resource: &str) -> bool {
        let group = resource.split('/').next().unwrap_or_default();
        (self.resources.contains(resource) || self.groups.contains(group))
            && is_extended_resource(resource)
    }
}

impl NodeResourcesFit {
    /// Told its arguments. If extenders ignore resources for the scheduler, it ignores these only.
    pub fn new(args: &NodeResourcesFitArgs, ignored_by_extenders: &[String]) -> Self {
        let resources = match ignored_by_extenders {
            [] => &args.ignored_resources,
            resources => resources,
        };
        let ignored = Ignored {
            resources: resources.iter().cloned().collect(),
            groups: args.ignored_resource_groups.iter().cloned().collect(),
        };
        Self { ignored, strategy: Strategy::new(args.scoring_strategy.as_ref()) }
    }
}

impl Default for NodeResourcesFit {
    fn default() -> Self {
        let mut args = NodeResourcesFitArgs::default();
        args.set_defaults();
        Self::new(&args, &[])
    }
}

impl Plugin for NodeResourcesFit {
    fn name(&self) -> &'static str {
        "NodeResourcesFit"
    }
}

impl Filter for NodeResourcesFit {
    fn filter(&self, cycle: &Cycle<'_>, node: &NodeInfo) -> Verdict {
        let lacking = insufficient((cycle.pod, &cycle.cluster.devices), node, &self.ignored);
        let unresolvable = lacking.iter().any(|lack| lack.exceeds_allocatable);
        let reasons: Vec<String> = lacking.into_iter().map(|lack| lack.reason).collect();
        if reasons.is_empty() {
            Verdict::Feasible
        } else if unresolvable {
            Verdict::UnschedulableAndUnresolvable(reasons)
        } else {
            Verdict::Unschedulable(reasons)
        }
    }

    fn is_local(&self) -> bool {
        true
    }

    /// As upstream, it holds against a node also what it ignores otherwise.
    fn may_help(&self, pod: &PodInfo, event: Event<'_>, cluster: &Cluster) -> bool {
        let devices = &cluster.devices;
        match event {
            Event::Pod { old: Some(_), new: None } => true,
            Event::Pod { old: Some(old), new: Some(new) } => requests_less(pod, old, new),
            Event::Node { old, new: Some(new) } => {
                let (old, new) = (old.map(empty), empty(new));
                let gives_more =
                    |old| gives_more(pod, &old, &new) || delegates((pod, devices), &new);
                insufficient((pod, devices), &new, &Ignored::default()).is_empty()
                    && old.is_none_or(gives_more)
            }
            Event::Devices(change) => class_may_help(pod, change),
            Event::Pod { old: None, .. }
            | Event::Node { new: None, .. }
            | Event::Volumes(_)
            | Event::FreedDevices => false,
        }
    }
}

/// A node without pods.
fn empty(node: &Node) -> NodeInfo {
    let mut info = NodeInfo::default();
    info.set_node(Arc::new(node.clone()));
    info
}

/// Whether a node gives more of something that the pod requests.
fn gives_more(pod: &PodInfo, old: &NodeInfo, new: &NodeInfo) -> bool {
    new.allocatable.pods > old.allocatable.pods
        || exceeds(&pod.requests.requested, &new.allocatable, &old.allocatable)
}

/// Whether another pod requests less than before of something that the pod requests.
fn requests_less(pod: &PodInfo, old: &PodInfo, new: &PodInfo) -> bool {
    exceeds(&pod.requests.requested, &old.requests.requested, &new.requests.requested)
}

/// Whether there is more in the one than in the other of something that is wanted.
fn exceeds(wanted: &Resources, one: &Resources, other: &Resources) -> bool {
    let more = |of: fn(&Resources) -> i64| of(wanted) > 0 && of(one) > of(other);
    let scalar = |resources: &Resources, name: &str| resources.scalar.get(name).copied();
    more(|resources| resources.milli_cpu)
        || more(|resources| resources.memory)
        || more(|resources| resources.ephemeral_storage)
        || wanted.scalar.iter().any(|(name, amount)| {
            *amount > 0 && scalar(one, name).unwrap_or(0) > scalar(other, name).unwrap_or(0)
        })
}

impl Score for NodeResourcesFit {
    fn score(&self, scoring: &Scoring<'_>, node: &NodeInfo) -> i64 {
        self.strategy.score(scoring.cycle.pod, node)
    }

    fn is_local(&self) -> bool {
        true
    }
}

/// A resource of which there is not enough.
struct Lack {
    reason: String,
    /// Whether the node could not give as much even if it were empty.
    exceeds_allocatable: bool,
}

fn insufficient(
    (pod, devices): (&PodInfo, &Devices),
    node: &NodeInfo,
    ignored: &Ignored,
) -> Vec<Lack> {
    let (wanted, used, all) = (&pod.requests.requested, &node.requested, &node.allocatable);
    let mut lacking = vec![];
    if i64::try_from(node.pods_len()).unwrap_or(i64::MAX) >= all.pods {
        lacking.push(Lack { reason: "Too many pods".to_owned(), exceeds_allocatable: false });
    }
    let mut check = |name: &str, wanted: i64, used: i64, all: i64| {
        if wanted > 0 && wanted > all.saturating_sub(used) {
            let reason = format!("Insufficient {name}");
            lacking.push(Lack { reason, exceeds_allocatable: wanted > all });
        }
    };
    check("cpu", wanted.milli_cpu, used.milli_cpu, all.milli_cpu);
    check("memory", wanted.memory, used.memory, all.memory);
    check(
        "ephemeral-storage",
        wanted.ephemeral_storage,
        used.ephemeral_storage,
        all.ephemeral_storage,
    );
    let counts = |name: &str| !ignored.has(name) && !is_delegated(name, devices, node);
    for (name, wanted) in wanted.scalar.iter().filter(|(name, _)| counts(name)) {
        let amount = |resources: &Resources| resources.scalar.get(name).copied().unwrap_or(0);
        check(name, *wanted, amount(used), amount(all));
    }
    lacking
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{node, node_info, pod_info, scores, verdict};

    #[test]
    fn a_node_must_have_room_for_every_resource() {
        let unschedulable = |reason: &str| Verdict::Unschedulable(vec![reason.to_owned()]);
        let cases = [
            (json!({"cpu": "1", "memory": "1Gi"}), Verdict::Feasible),
            (json!({"cpu": "1500m"}), unschedulable("Insufficient cpu")),
            (json!({"cpu": "3"}), Verdict::unresolvable("Insufficient cpu")),
            (json!({"memory": "1537Mi"}), unschedulable("Insufficient memory")),
            (
                json!({"example.com/gpu": "1"}),
                Verdict::unresolvable("Insufficient example.com/gpu"),
            ),
        ];

        for (requests, expected) in cases {
            let found = verdict(&NodeResourcesFit::default(), &pod(&requests), &half_full_node());
            assert_eq!(found, expected, "{requests}");
        }
    }

    #[test]
    fn a_node_takes_no_more_pods_than_it_allows() {
        let allocatable = json!({"cpu": "2", "memory": "2Gi", "pods": "0"});
        let node = node_info("a", json!({"status": {"allocatable": allocatable}}));

        let found = verdict(&NodeResourcesFit::default(), &pod(&json!({})), &node);

        assert_eq!(found, Verdict::Unschedulable(vec!["Too many pods".to_owned()]));
    }

    #[test]
    fn the_emptier_node_scores_higher() {
        let pod = pod(&json!({"cpu": "500m", "memory": "512Mi"}));
        let empty = node_info("a", json!({}));

        assert_eq!(
            scores(&NodeResourcesFit::default(), &pod, &[empty, half_full_node()]),
            [75, 37]
        );
    }

    #[test]
    fn only_what_gives_more_of_what_is_wanted_may_help() {
        let waits = pod(&json!({"cpu": "3"}));
        let of = |cpu: &str, memory: &str| {
            let allocatable = json!({"cpu": cpu, "memory": memory, "pods": "10"});
            node("a", json!({"status": {"allocatable": allocatable}}))
        };
        let helps = |event: Event<'_>| {
            NodeResourcesFit::default().may_help(&waits, event, &Cluster::default())
        };
        let node = |old: Option<&Node>, new: &Node| helps(Event::Node { old, new: Some(new) });
        let (large, small) = (pod(&json!({"cpu": "2"})), pod(&json!({"cpu": "1"})));

        assert!(node(None, &of("4", "2Gi")));
        assert!(!node(None, &of("2", "2Gi")));
        assert!(node(Some(&of("2", "2Gi")), &of("4", "2Gi")));
        assert!(!node(Some(&of("4", "2Gi")), &of("4", "4Gi")));
        assert!(helps(Event::freed(&small)));
        assert!(helps(Event::Pod { old: Some(&large), new: Some(&small) }));
        assert!(!helps(Event::Pod { old: Some(&small), new: Some(&large) }));
        assert!(!helps(Event::Pod { old: None, new: Some(&small) }));
    }

    #[test]
    fn what_is_ignored_need_not_fit() {
        let args = |args: Value| serde_json::from_value(args).unwrap();
        let wants = pod(&json!({"example.com/gpu": "1"}));
        let fits = |plugin: &NodeResourcesFit| {
            verdict(plugin, &wants, &half_full_node()) == Verdict::Feasible
        };
        let by_name = args(json!({"ignoredResources": ["example.com/gpu"]}));
        let by_group = args(json!({"ignoredResourceGroups": ["example.com"]}));
        let none = args(json!({}));

        assert!(fits(&NodeResourcesFit::new(&by_name, &[])));
        assert!(fits(&NodeResourcesFit::new(&by_group, &[])));
        assert!(fits(&NodeResourcesFit::new(&none, &["example.com/gpu".to_owned()])));
        assert!(!fits(&NodeResourcesFit::new(&by_name, &["example.com/other".to_owned()])));
        assert!(!fits(&NodeResourcesFit::new(&none, &[])));
    }

    fn pod(requests: &Value) -> PodInfo {
        pod_info(json!({"containers": [{"name": "c", "resources": {"requests": requests}}]}))
    }

    /// Two cpus and two GiB, of which one cpu and half a GiB are taken.
    fn half_full_node() -> NodeInfo {
        let mut node = node_info("a", json!({}));
        node.add_pod(pod(&json!({"cpu": "1", "memory": "512Mi"})));
        node
    }
}
