//! Steps in Kubernetes' words.

use super::action::Action;
use super::actor::Actor;
use super::ids::{NodeId, PodId};
use super::node_lifecycle::NodeChange;
use super::scheduler::{Attempt, Stage};
use super::state::State;
use super::watch::Watcher;
use std::fmt;

/// What a step says: who did what to which object, and the revision that it made.
pub fn describe<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    before: &State<PODS, NODES, SETS, LOG>,
    action: Action,
    after: &State<PODS, NODES, SETS, LOG>,
) -> String {
    let deed = phrase(before, action);
    let revision = after.store.revision.0;
    if revision > before.store.revision.0 {
        format!("{deed} (resourceVersion {revision})")
    } else if action.actor() == Actor::ApiServer {
        format!("{deed}: refused")
    } else {
        deed
    }
}

fn phrase<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    state: &State<PODS, NODES, SETS, LOG>,
    action: Action,
) -> String {
    let target = |pod: PodId| match state.scheduler.attempts[pod.index()] {
        Attempt::Assumed(binding, _) => binding.node.to_string(),
        Attempt::None | Attempt::Failing { .. } | Attempt::Unschedulable => "a node".to_owned(),
    };
    match action {
        Action::CreatePod { pod, node: None } => format!("a client creates {pod}"),
        Action::CreatePod { pod, node: Some(node) } => {
            format!("a client creates {pod} with spec.nodeName {node}")
        }
        Action::DeletePod { pod } => format!("a client deletes {pod}"),
        Action::ForceDeletePod { pod } => format!("a client deletes {pod} by force"),
        Action::CreateReplicaSet { set, replicas } => {
            format!("a client creates {set} with {replicas} replicas")
        }
        Action::ScaleReplicaSet { set, replicas } => {
            format!("a client scales {set} to {replicas} replicas")
        }
        Action::DeleteReplicaSet { set } => format!("a client deletes {set}"),
        Action::List { watcher } => format!("{watcher} lists at {}", state.store.revision.0),
        Action::FallBehind => "the watch cache of an API server stops to follow".to_owned(),
        Action::ListFromLaggingApiServer { watcher } => {
            format!("{watcher} lists from an API server that lags behind")
        }
        Action::Deliver { watcher } => format!("{watcher} receives {}", next_event(state, watcher)),
        Action::Schedule { pod, node } => {
            format!("kube-scheduler assumes {pod} on {node} and sends the Binding")
        }
        Action::FailToSchedule { pod } => format!("kube-scheduler finds no node for {pod}"),
        Action::QueueAsUnschedulable { pod } => {
            format!("kube-scheduler puts {pod} back into its queue")
        }
        Action::CommitBinding { pod } => format!("kube-scheduler binds {pod} to {}", target(pod)),
        Action::LoseBinding { pod } => {
            format!("the Binding of {pod} to {} is lost", target(pod))
        }
        Action::LoseAnswerToBinding { pod } => {
            format!("kube-scheduler binds {pod} to {}, and the answer is lost", target(pod))
        }
        Action::FinishBinding { pod } => match state.scheduler.attempts[pod.index()] {
            Attempt::Assumed(_, Stage::Failed) => {
                format!("kube-scheduler learns that binding {pod} failed, and forgets it")
            }
            Attempt::Assumed(..)
            | Attempt::None
            | Attempt::Failing { .. }
            | Attempt::Unschedulable => format!("kube-scheduler learns that {pod} is bound"),
        },
        Action::CommitLateBinding { pod } => match state.scheduler.late_bindings[pod.index()] {
            Some(late) => {
                format!("a Binding sent before the crash binds {pod} to {}", late.node)
            }
            None => format!("a Binding of {pod} arrives late"),
        },
        Action::SyncReplicaSet { set } => format!("the ReplicaSet controller syncs {set}"),
        Action::ChooseForDeletion { pod, .. } => {
            format!("the ReplicaSet controller chooses {pod} to be deleted")
        }
        Action::CommitCreation { set, pod } => {
            format!("the ReplicaSet controller creates {pod} for {set}")
        }
        Action::CommitLateCreation { set, pod } => {
            format!("a creation sent before the crash creates {pod} for {set}")
        }
        Action::LoseCreation { set } => format!("the creation of a Pod for {set} is lost"),
        Action::LoseAnswerToCreation { set, pod } => {
            format!("the ReplicaSet controller creates {pod} for {set}, and the answer is lost")
        }
        Action::CommitScaleDown { pod } => format!("the ReplicaSet controller deletes {pod}"),
        Action::RegisterNode { node } => format!("the kubelet of {node} registers its Node"),
        Action::ReportNodeReady { node } => format!("the kubelet reports {node} as Ready"),
        Action::RenewLease { node } => format!("the kubelet renews the Lease of {node}"),
        Action::StartContainers { node, pod } => {
            format!("the kubelet of {node} starts the containers of {pod}{}", uid(state, node, pod))
        }
        Action::RejectPod { node, pod } => {
            format!("the kubelet of {node} rejects {pod} (OutOfpods)")
        }
        Action::ContainersExit { node, pod } => {
            format!("the containers of {pod} on {node} run to their end")
        }
        Action::ReportStatus { node, pod } => {
            format!("the kubelet of {node} reports {pod} as {}", state.phase_to_report(node, pod))
        }
        Action::StopContainers { node, pod } => {
            format!("the kubelet of {node} stops the containers of {pod}")
        }
        Action::FinishDeletion { node, pod } => {
            format!("the kubelet of {node} confirms the deletion of {pod}")
        }
        Action::StartKubelet { node } => format!("the kubelet of {node} starts"),
        Action::ExpireLease { node } => format!("the Lease of {node} expires"),
        Action::DecideNodeUpdate { node, change } => {
            format!("the node lifecycle controller decides to {} {node}", verb(change))
        }
        Action::CommitNodeUpdate { node } => {
            let update = state.node_lifecycle.updates[node.index()];
            let change = update.map_or("update", |update| verb(update.change));
            format!("the node lifecycle controller asks to {change} {node}")
        }
        Action::DecideEviction { pod } => format!("taint eviction decides to evict {pod}"),
        Action::CommitEviction { pod } => format!("taint eviction deletes {pod}"),
        Action::CollectOrphan { pod } => {
            format!("Pod garbage collection removes {pod}, whose Node is gone")
        }
        Action::CrashScheduler => "kube-scheduler crashes".to_owned(),
        Action::CrashReplicaSetController => "the ReplicaSet controller crashes".to_owned(),
        Action::CrashNodeLifecycle => "the node lifecycle controller crashes".to_owned(),
        Action::CrashKubelet { node } => format!("the kubelet of {node} crashes"),
        Action::CrashApiServer => "the API server crashes".to_owned(),
        Action::NodeDies { node } => format!("{node} loses power"),
        Action::NodeBoots { node } => format!("{node} boots"),
        Action::DeadNodeIsDeleted { node } => format!("the Node object of {node} is deleted"),
    }
}

fn verb(change: NodeChange) -> &'static str {
    match change {
        NodeChange::MarkUnknown => "mark as Unknown",
        NodeChange::Taint => "taint",
        NodeChange::Untaint => "untaint",
    }
}

fn uid<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    state: &State<PODS, NODES, SETS, LOG>,
    node: NodeId,
    pod: PodId,
) -> String {
    match state.pod_on(node, pod).flatten() {
        Some(object) => format!(" (uid {})", object.uid.0),
        None => String::new(),
    }
}

fn next_event<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    state: &State<PODS, NODES, SETS, LOG>,
    watcher: Watcher,
) -> String {
    use super::objects::{Change, Object};
    let position = state.store.cursor(watcher).position();
    let Some(event) = position.and_then(|position| state.store.log.get(position)) else {
        return "an event".to_owned();
    };
    let change = match event.change {
        Change::Added => "ADDED",
        Change::Modified => "MODIFIED",
        Change::Deleted => "DELETED",
    };
    match event.object {
        Object::Pod(pod, object) => format!("{change} {pod} (uid {})", object.uid.0),
        Object::Node(node, _) => format!("{change} {node}"),
        Object::ReplicaSet(set, _) => format!("{change} {set}"),
    }
}

impl fmt::Display for Watcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Watcher::SchedulerPods => formatter.write_str("kube-scheduler's Pod informer"),
            Watcher::SchedulerNodes => formatter.write_str("kube-scheduler's Node informer"),
            Watcher::ReplicaSets => {
                formatter.write_str("the ReplicaSet controller's ReplicaSet informer")
            }
            Watcher::ReplicaSetPods => {
                formatter.write_str("the ReplicaSet controller's Pod informer")
            }
            Watcher::NodeLifecycleNodes => {
                formatter.write_str("the node lifecycle controller's Node informer")
            }
            Watcher::NodeLifecyclePods => formatter.write_str("taint eviction's Pod informer"),
            Watcher::LaggingApiServer => formatter.write_str("an API server's watch cache"),
            Watcher::Kubelet(node) => write!(formatter, "the kubelet of {node}"),
        }
    }
}
