//! What the store and each component hold, in words: the lanes of a counterexample.

use super::action::Action;
use super::actor::Actor;
use super::ids::{NodeId, PodId};
use super::kubelet::{Container, Kubelet, Machine};
use super::objects::{Node, Objects, Phase, Pod};
use super::scenario::Components;
use super::scheduler::{Attempt, Binding};
use super::state::State;
use super::watch::Watcher;
use crate::slice::Lane;
use std::fmt;

/// The name of the lane of who takes a step.
pub fn actor(action: Action) -> String {
    let name = match action.actor() {
        Actor::Client => "client",
        Actor::ApiServer => "kube-apiserver",
        Actor::Watch => return watching(action),
        Actor::Scheduler => "kube-scheduler",
        Actor::ReplicaSetController => "replicaset-controller",
        Actor::NodeLifecycle => "node-lifecycle-controller",
        Actor::Kubelet | Actor::Fault => return machine(action),
        Actor::Time => "clock",
    };
    name.to_owned()
}

/// The store, and each component that takes steps.
pub fn lanes<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    state: &State<PODS, NODES, SETS, LOG>,
    components: Components,
    machines: usize,
) -> Vec<Lane> {
    let lane = |name: &str, holds, watchers: &[Watcher]| Lane {
        name: name.to_owned(),
        holds,
        behind: state.behind(watchers),
    };
    let mut lanes = vec![lane("kube-apiserver", objects(&state.objects()), &[])];
    if components.scheduler {
        use Watcher::{SchedulerNodes, SchedulerPods};
        lanes.push(lane("kube-scheduler", scheduler(state), &[SchedulerPods, SchedulerNodes]));
    }
    if components.replica_set_controller {
        let watchers = [Watcher::ReplicaSets, Watcher::ReplicaSetPods];
        lanes.push(lane("replicaset-controller", replica_set_controller(state), &watchers));
    }
    if components.node_lifecycle {
        let watchers = [Watcher::NodeLifecycleNodes, Watcher::NodeLifecyclePods];
        lanes.push(lane("node-lifecycle-controller", node_lifecycle(state), &watchers));
    }
    if components.kubelets {
        lanes.extend(NodeId::all(machines).map(|node| {
            lane(&format!("kubelet/{node}"), kubelet(state, node), &[Watcher::Kubelet(node)])
        }));
    }
    if components.lagging_api_server {
        let cached = cached(state, &[Watcher::LaggingApiServer]);
        lanes.push(lane("lagging kube-apiserver", cached, &[Watcher::LaggingApiServer]));
    }
    lanes
}

fn watching(action: Action) -> String {
    let (Action::List { watcher }
    | Action::ListFromLaggingApiServer { watcher }
    | Action::Deliver { watcher }) = action
    else {
        return String::new();
    };
    match watcher {
        Watcher::SchedulerPods | Watcher::SchedulerNodes => "kube-scheduler".to_owned(),
        Watcher::ReplicaSets | Watcher::ReplicaSetPods => "replicaset-controller".to_owned(),
        Watcher::NodeLifecycleNodes | Watcher::NodeLifecyclePods => {
            "node-lifecycle-controller".to_owned()
        }
        Watcher::LaggingApiServer => "lagging kube-apiserver".to_owned(),
        Watcher::Kubelet(node) => format!("kubelet/{node}"),
    }
}

fn machine(action: Action) -> String {
    let value = serde_json::to_value(action).unwrap_or_default();
    match (action, value["node"].as_str()) {
        (_, Some(node)) => format!("kubelet/{node}"),
        (Action::FallBehind, _) => "lagging kube-apiserver".to_owned(),
        (Action::CrashScheduler, _) => "kube-scheduler".to_owned(),
        (Action::CrashReplicaSetController, _) => "replicaset-controller".to_owned(),
        (Action::CrashNodeLifecycle, _) => "node-lifecycle-controller".to_owned(),
        (_, None) => "kube-apiserver".to_owned(),
    }
}

impl<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>
    State<PODS, NODES, SETS, LOG>
{
    /// How many events have not reached these watchers, together.
    fn behind(&self, watchers: &[Watcher]) -> Option<usize> {
        let unread = |watcher: &Watcher| {
            let position = self.store.cursor(*watcher).position()?;
            let events = self.store.log.entries().skip(position);
            Some(events.filter(|event| watcher.selects(event)).count())
        };
        let counts: Vec<_> = watchers.iter().filter_map(unread).collect();
        (!counts.is_empty()).then(|| counts.iter().sum())
    }
}

fn objects<const PODS: usize, const NODES: usize, const SETS: usize>(
    objects: &Objects<PODS, NODES, SETS>,
) -> String {
    let pods = PodId::all(PODS).filter_map(|id| Some(format!("{id} {}", objects.pod(id)?)));
    let nodes = NodeId::all(NODES).filter_map(|id| Some(format!("{id} {}", objects.node(id)?)));
    let sets = objects.replica_sets.iter().flatten();
    let sets = sets.map(|set| format!("replicaset-0 with {} replicas", set.replicas));
    listed(sets.chain(pods).chain(nodes))
}

fn cached<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    state: &State<PODS, NODES, SETS, LOG>,
    watchers: &[Watcher],
) -> String {
    let caches = watchers.iter().filter_map(|watcher| {
        let mut cache = state.cache(*watcher)?;
        let (pods, nodes, sets) = watcher.kinds();
        if !pods {
            cache.pods = [None; PODS];
        }
        if !nodes {
            cache.nodes = [None; NODES];
        }
        if !sets {
            cache.replica_sets = [None; SETS];
        }
        Some(objects(&cache))
    });
    let caches: Vec<_> = caches.collect();
    if caches.is_empty() { "has not listed".to_owned() } else { caches.join("; ") }
}

fn scheduler<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    state: &State<PODS, NODES, SETS, LOG>,
) -> String {
    let attempts = PodId::all(PODS).filter_map(|pod| {
        let attempt = state.scheduler.attempts[pod.index()];
        (attempt != Attempt::None).then(|| format!("{pod} {attempt}"))
    });
    let late = PodId::all(PODS).filter_map(|pod| {
        let Binding { node, .. } = state.scheduler.late_bindings[pod.index()]?;
        Some(format!("a Binding of {pod} to {node} from before the crash is on its way"))
    });
    let cache = cached(state, &[Watcher::SchedulerPods, Watcher::SchedulerNodes]);
    with_memory(cache, attempts.chain(late))
}

fn replica_set_controller<
    const PODS: usize,
    const NODES: usize,
    const SETS: usize,
    const LOG: usize,
>(
    state: &State<PODS, NODES, SETS, LOG>,
) -> String {
    let expectations = state.replica_set_controller.expectations.iter();
    let expected = expectations.filter(|expected| expected.creations > 0).map(|expected| {
        format!("expects {} Pods, {} not handled yet", expected.creations, expected.unsent)
    });
    let cache = cached(state, &[Watcher::ReplicaSets, Watcher::ReplicaSetPods]);
    with_memory(cache, expected)
}

fn node_lifecycle<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    state: &State<PODS, NODES, SETS, LOG>,
) -> String {
    let updates = NodeId::all(NODES).filter_map(|node| {
        let update = state.node_lifecycle.updates[node.index()]?;
        Some(format!("{:?} of {node} is on its way", update.change))
    });
    let evictions = PodId::all(PODS)
        .filter(|pod| state.node_lifecycle.evictions[pod.index()])
        .map(|pod| format!("the eviction of {pod} is on its way"));
    let cache = cached(state, &[Watcher::NodeLifecycleNodes, Watcher::NodeLifecyclePods]);
    with_memory(cache, updates.chain(evictions))
}

fn kubelet<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    state: &State<PODS, NODES, SETS, LOG>,
    node: NodeId,
) -> String {
    let Kubelet { machine, containers, .. } = state.kubelets[node.index()];
    let held = PodId::all(PODS).filter_map(|pod| match containers[pod.index()] {
        Container::None => None,
        Container::Running(uid) => Some(format!("{pod} (uid {}) RUNS", uid.0)),
        Container::Exited(uid) => Some(format!("{pod} (uid {}) exited", uid.0)),
        Container::Rejected(uid) => Some(format!("{pod} (uid {}) rejected", uid.0)),
    });
    let up = match machine {
        Machine::Off => "off".to_owned(),
        Machine::KubeletDown => "down".to_owned(),
        Machine::Registering => "registering".to_owned(),
        Machine::Running => {
            let wanted = PodId::all(PODS).filter_map(|pod| {
                let object = state.pod_on(node, pod).flatten()?;
                Some(format!("{pod} {object}"))
            });
            if state.has_synced(node) { listed(wanted) } else { "has not listed".to_owned() }
        }
    };
    with_memory(up, held)
}

fn with_memory(cache: String, memory: impl Iterator<Item = String>) -> String {
    std::iter::once(cache).chain(memory).collect::<Vec<_>>().join("; ")
}

fn listed(items: impl Iterator<Item = String>) -> String {
    let items: Vec<_> = items.collect();
    if items.is_empty() { "nothing".to_owned() } else { items.join(", ") }
}

impl Watcher {
    /// Whether it watches Pods, Nodes, ReplicaSets.
    fn kinds(self) -> (bool, bool, bool) {
        match self {
            Watcher::SchedulerPods
            | Watcher::ReplicaSetPods
            | Watcher::NodeLifecyclePods
            | Watcher::Kubelet(_) => (true, false, false),
            Watcher::SchedulerNodes | Watcher::NodeLifecycleNodes => (false, true, false),
            Watcher::ReplicaSets => (false, false, true),
            Watcher::LaggingApiServer => (true, true, true),
        }
    }
}

impl fmt::Display for Pod {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "(uid {}) {}", self.uid.0, self.phase)?;
        if let Some(node) = self.node {
            write!(formatter, " on {node}")?;
        }
        formatter.write_str(if self.deleting { ", being deleted" } else { "" })
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Phase::Pending => "Pending",
            Phase::Running => "Running",
            Phase::Succeeded => "Succeeded",
            Phase::Failed => "Failed",
        })
    }
}

impl fmt::Display for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.ready { "Ready" } else { "NotReady" })?;
        formatter.write_str(if self.unreachable { ", tainted unreachable" } else { "" })
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Attempt::None => formatter.write_str("is queued"),
            Attempt::Failing { .. } => formatter.write_str("fits nowhere"),
            Attempt::Unschedulable => formatter.write_str("waits as unschedulable"),
            Attempt::Assumed(binding, stage) => {
                write!(formatter, "is assumed on {} ({stage:?})", binding.node)
            }
        }
    }
}
