//! The two vocabularies side by side: which step of the model a recorded event is.
//!
//! | recorded | the model's step |
//! | --- | --- |
//! | `create` of a Pod, Node, ReplicaSet | `create_pod`, `create_node`, `create_replica_set` |
//! | `bind` | `create_binding` |
//! | `update-status` of a Pod | `patch_pod_status` |
//! | `delete-gracefully` of a Pod that is bound and has not finished | `delete_pod` |
//! | `delete` of a Pod, by its kubelet | `finish_deletion` |
//! | `delete` of a Pod, by others | `remove_pod` |
//! | `update`, `update-status` of a Node | `update_node` |
//! | `delete` of a Node, of a ReplicaSet | `delete_node`, `delete_replica_set` |
//! | `update` of a Lease by its kubelet | `renew_lease` |
//! | `scale`, `update` of a ReplicaSet | `update_scale` |
//! | any other write of a Pod or ReplicaSet | an entry of the log |
//! | `added`, `modified`, `deleted` | `deliver` |
//! | `container-started`, `container-stopped` | `start_containers`, `stop_containers` |
//!
//! Writes of other kinds only take a revision. What components decide is not recorded; the rules
//! about Pods and controllers hold their requests against what they had read.

use model::cluster::objects::{Node, Phase, Pod};
use model::cluster::{NodeId, SetId, Uid, Watcher};

use super::log::Delta;

/// The bounds of the model that replays a trace.
pub(super) const PODS: usize = 250;
/// How many Nodes there may be.
pub(super) const NODES: usize = 16;
/// How many ReplicaSets there may be.
pub(super) const SETS: usize = 64;
/// How far a cache may lag behind.
pub(super) const LOG: usize = 1024;

/// The model's state.
pub(super) type State = model::cluster::State<PODS, NODES, SETS, LOG>;

/// The taint that the model knows.
const UNREACHABLE: &str = "node.kubernetes.io/unreachable:NoExecute";

/// A write that the model has a step for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Pod,
    Node,
    ReplicaSet,
    Lease,
    /// Only a revision.
    Other,
}

/// Which kind of object the model takes this resource for.
pub(super) fn kind(resource: &str) -> Kind {
    match resource {
        "pods" => Kind::Pod,
        "nodes" => Kind::Node,
        "replicasets" => Kind::ReplicaSet,
        "leases" => Kind::Lease,
        _ => Kind::Other,
    }
}

/// The watches of the model that an actor's watch of a resource is.
pub(super) fn watchers(actor: &str, resource: &str, node: Option<NodeId>) -> Vec<Watcher> {
    match (actor, resource) {
        ("kube-scheduler", "pods") => vec![Watcher::SchedulerPods],
        ("kube-scheduler", "nodes") => vec![Watcher::SchedulerNodes],
        (_, "pods") if actor.starts_with("kubelet/") => {
            node.map(Watcher::Kubelet).into_iter().collect()
        }
        _ => vec![],
    }
}

/// A Pod as the model knows it.
pub(super) fn pod(uid: Uid, delta: &Delta, owner: Option<SetId>, node: Option<NodeId>) -> Pod {
    Pod { uid, owner, node, phase: phase(&delta.phase), deleting: delta.deleting }
}

/// A phase; the rules about Pods know those that do not exist.
pub(super) fn phase(name: &str) -> Phase {
    match name {
        "Running" => Phase::Running,
        "Succeeded" => Phase::Succeeded,
        "Failed" => Phase::Failed,
        _ => Phase::Pending,
    }
}

/// A Node as the model knows it.
pub(super) fn node(uid: Uid, delta: &Delta) -> Node {
    let unreachable = delta.taints.iter().any(|taint| taint == UNREACHABLE);
    Node { uid, ready: delta.ready, unreachable, allocatable_pods: allocatable_pods(delta) }
}

/// `status.allocatable.pods`; more than the model counts to is as good as no limit.
pub(super) fn allocatable_pods(delta: &Delta) -> u8 {
    delta.pods.map_or(u8::MAX, |pods| u8::try_from(pods).unwrap_or(u8::MAX))
}

/// `spec.replicas`, of which the rules about controllers keep the exact number.
pub(super) fn replicas(delta: &Delta) -> u8 {
    delta.replicas.map_or(1, |replicas| u8::try_from(replicas).unwrap_or(u8::MAX))
}
