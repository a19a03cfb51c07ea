//! What a step looks like to an API server: the request that a client or component sends.

use super::action::Action;
use super::ids::{NodeId, PodId};
use super::node_lifecycle::NodeChange;
use super::objects::Phase;
use super::scheduler::Binding;
use super::state::State;
use serde::Serialize;

/// A request, with as much of its body as the model knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// `create`, `update`, `patch` or `delete`.
    pub verb: &'static str,
    /// The resource, with its subresource.
    pub resource: &'static str,
    /// `metadata.name`.
    pub name: String,
    /// The uid that the request names as a precondition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uid: Option<u8>,
    /// `spec.nodeName`, or the target of a Binding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_name: Option<String>,
    /// The ReplicaSet in `metadata.ownerReferences`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// `status.phase`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// `spec.replicas`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u8>,
    /// The status of the Ready condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready: Option<&'static str>,
    /// Whether the Node has the taint `node.kubernetes.io/unreachable:NoExecute`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unreachable: Option<bool>,
    /// `gracePeriodSeconds`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_period_seconds: Option<u8>,
    /// Whether the resourceVersion that it names is older than the object's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outdated: Option<bool>,
}

/// The request behind a step, if it is one.
pub fn request<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    state: &State<PODS, NODES, SETS, LOG>,
    action: Action,
) -> Option<Request> {
    let uid_of = |pod: PodId| state.pod(pod).map(|object| object.uid.0);
    Some(match action {
        Action::CreatePod { pod, node } => {
            Request { node_name: node.map(|node| node.to_string()), ..named("create", "pods", pod) }
        }
        Action::DeletePod { pod }
        | Action::CommitScaleDown { pod }
        | Action::CommitEviction { pod } => named("delete", "pods", pod),
        Action::ForceDeletePod { pod } | Action::CollectOrphan { pod } => {
            Request { grace_period_seconds: Some(0), ..named("delete", "pods", pod) }
        }
        Action::FinishDeletion { pod, .. } => Request {
            uid: uid_of(pod),
            grace_period_seconds: Some(0),
            ..named("delete", "pods", pod)
        },
        Action::CreateReplicaSet { set, replicas } => {
            Request { replicas: Some(replicas), ..named("create", "replicasets", set) }
        }
        Action::ScaleReplicaSet { set, replicas } => {
            Request { replicas: Some(replicas), ..named("update", "replicasets/scale", set) }
        }
        Action::DeleteReplicaSet { set } => named("delete", "replicasets", set),
        Action::CommitBinding { pod } | Action::LoseAnswerToBinding { pod } => {
            binding(pod, state.scheduler.sent(pod)?)
        }
        Action::CommitLateBinding { pod } => {
            binding(pod, state.scheduler.late_bindings[pod.index()]?)
        }
        Action::CommitCreation { set, pod }
        | Action::CommitLateCreation { set, pod }
        | Action::LoseAnswerToCreation { set, pod } => {
            Request { owner: Some(set.to_string()), ..named("create", "pods", pod) }
        }
        Action::RegisterNode { node } => named("create", "nodes", node),
        Action::ReportNodeReady { node } => {
            Request { ready: Some("True"), ..named("patch", "nodes/status", node) }
        }
        Action::RenewLease { node } => named("update", "leases", node),
        Action::DeadNodeIsDeleted { node } => named("delete", "nodes", node),
        Action::ReportStatus { node, pod } => {
            let phase = state.phase_to_report(node, pod);
            Request { uid: uid_of(pod), phase: Some(phase), ..named("patch", "pods/status", pod) }
        }
        Action::CommitNodeUpdate { node } => node_update(state, node)?,
        Action::List { .. }
        | Action::ListFromLaggingApiServer { .. }
        | Action::FallBehind
        | Action::Deliver { .. }
        | Action::Schedule { .. }
        | Action::FailToSchedule { .. }
        | Action::QueueAsUnschedulable { .. }
        | Action::FinishBinding { .. }
        | Action::SyncReplicaSet { .. }
        | Action::ChooseForDeletion { .. }
        | Action::StartContainers { .. }
        | Action::RejectPod { .. }
        | Action::ContainersExit { .. }
        | Action::StopContainers { .. }
        | Action::StartKubelet { .. }
        | Action::ExpireLease { .. }
        | Action::DecideNodeUpdate { .. }
        | Action::DecideEviction { .. }
        | Action::LoseBinding { .. }
        | Action::LoseCreation { .. }
        | Action::CrashScheduler
        | Action::CrashReplicaSetController
        | Action::CrashNodeLifecycle
        | Action::CrashKubelet { .. }
        | Action::CrashApiServer
        | Action::NodeDies { .. }
        | Action::NodeBoots { .. } => return None,
    })
}

fn named(verb: &'static str, resource: &'static str, name: impl ToString) -> Request {
    Request { verb, resource, name: name.to_string(), ..Request::default() }
}

fn binding(pod: PodId, binding: Binding) -> Request {
    Request {
        uid: Some(binding.uid.0),
        node_name: Some(binding.node.to_string()),
        ..named("create", "pods/binding", pod)
    }
}

fn node_update<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>(
    state: &State<PODS, NODES, SETS, LOG>,
    node: NodeId,
) -> Option<Request> {
    let update = state.node_lifecycle.updates[node.index()]?;
    let base = match update.change {
        NodeChange::MarkUnknown => {
            Request { ready: Some("Unknown"), ..named("update", "nodes/status", node) }
        }
        NodeChange::Taint => Request { unreachable: Some(true), ..named("patch", "nodes", node) },
        NodeChange::Untaint => {
            Request { unreachable: Some(false), ..named("patch", "nodes", node) }
        }
    };
    Some(Request { outdated: Some(update.outdated), ..base })
}
