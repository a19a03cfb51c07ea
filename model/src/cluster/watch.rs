//! Watches: who reads what of the log, how an event reaches it, and how it lists anew.
//!
//! A LIST and the WATCH from its revision are one step: what happens between the two is delivered
//! by the watch. A watch that breaks and resumes at its revision changes nothing here, so it has
//! no action.

use super::budgets::Budget;
use super::ids::{NodeId, PodId};
use super::objects::{Event, Node, Object, Objects, Pod};
use super::state::State;
use crate::history::Cursor;
use serde::Serialize;

/// A component's watch of one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Watcher {
    /// kube-scheduler's Pods.
    SchedulerPods,
    /// kube-scheduler's Nodes.
    SchedulerNodes,
    /// The ReplicaSets of the ReplicaSet controller.
    ReplicaSets,
    /// The Pods of the ReplicaSet controller.
    ReplicaSetPods,
    /// The Nodes of the node lifecycle controller.
    NodeLifecycleNodes,
    /// The Pods of the taint eviction controller.
    NodeLifecyclePods,
    /// The watch cache of an API server that lags behind the others.
    LaggingApiServer,
    /// The Pods whose `spec.nodeName` is the kubelet's Node.
    Kubelet(NodeId),
}

impl Watcher {
    /// How many watchers there are beside the kubelets.
    pub const SHARED: usize = 7;

    /// Every watcher of a cluster with so many Nodes.
    pub fn all(nodes: usize) -> impl Iterator<Item = Watcher> {
        use Watcher::*;
        [
            SchedulerPods,
            SchedulerNodes,
            ReplicaSets,
            ReplicaSetPods,
            NodeLifecycleNodes,
            NodeLifecyclePods,
            LaggingApiServer,
        ]
        .into_iter()
        .chain(NodeId::all(nodes).map(Kubelet))
    }

    /// Whether its watch selects this event.
    pub fn selects(self, event: &Event) -> bool {
        match (self, event.object) {
            // Only kubelets list from it, and each selects what is on its Node.
            (Watcher::LaggingApiServer, Object::Pod(_, pod)) => pod.node.is_some(),
            (Watcher::LaggingApiServer, Object::Node(..) | Object::ReplicaSet(..)) => false,
            (Watcher::Kubelet(node), Object::Pod(_, pod)) => pod.node == Some(node),
            (
                Watcher::SchedulerPods | Watcher::ReplicaSetPods | Watcher::NodeLifecyclePods,
                object,
            ) => matches!(object, Object::Pod(..)),
            (Watcher::SchedulerNodes | Watcher::NodeLifecycleNodes, object) => {
                matches!(object, Object::Node(..))
            }
            (Watcher::ReplicaSets, object) => matches!(object, Object::ReplicaSet(..)),
            (Watcher::Kubelet(_), Object::Node(..) | Object::ReplicaSet(..)) => false,
        }
    }

    /// Whether it selects the object of this change as it was before.
    pub(super) fn selects_what_was<const PODS: usize, const NODES: usize, const SETS: usize>(
        self,
        objects: &Objects<PODS, NODES, SETS>,
        event: &Event,
    ) -> bool {
        let was = match event.object {
            Object::Pod(id, _) => objects.pod(id).map(|pod| Object::Pod(id, pod)),
            Object::Node(id, _) => objects.node(id).map(|node| Object::Node(id, node)),
            Object::ReplicaSet(id, _) => {
                objects.replica_set(id).map(|set| Object::ReplicaSet(id, set))
            }
        };
        was.is_some_and(|object| self.selects(&Event { object, ..*event }))
    }

    /// Its place among the shared cursors, or the Node whose kubelet it is.
    pub fn shared_index(self) -> Result<usize, NodeId> {
        match self {
            Watcher::SchedulerPods => Ok(0),
            Watcher::SchedulerNodes => Ok(1),
            Watcher::ReplicaSets => Ok(2),
            Watcher::ReplicaSetPods => Ok(3),
            Watcher::NodeLifecycleNodes => Ok(4),
            Watcher::NodeLifecyclePods => Ok(5),
            Watcher::LaggingApiServer => Ok(6),
            Watcher::Kubelet(node) => Err(node),
        }
    }
}

impl<const PODS: usize, const NODES: usize, const SETS: usize, const LOG: usize>
    State<PODS, NODES, SETS, LOG>
{
    /// What this watcher's cache holds; nothing before its first list.
    pub fn cache(&self, watcher: Watcher) -> Option<Objects<PODS, NODES, SETS>> {
        let position = self.store.cursor(watcher).position()?;
        Some(self.store.objects_at(position))
    }

    /// The Pod of this name in the cache of a component; nothing at all before its first list.
    pub fn cached_pod(&self, watcher: Watcher, pod: PodId) -> Option<Option<Pod>> {
        let position = self.store.cursor(watcher).position()?;
        Some(self.store.pod_at(position, pod))
    }

    /// The Node of this name in the cache of a component; nothing at all before its first list.
    pub fn cached_node(&self, watcher: Watcher, node: NodeId) -> Option<Option<Node>> {
        let position = self.store.cursor(watcher).position()?;
        Some(self.store.node_at(position, node))
    }

    /// Delivers the next event of a watch; the component's event handler runs with it.
    pub fn deliver(&self, watcher: Watcher) -> Option<Self> {
        let of_the_sync = matches!(watcher, Watcher::ReplicaSets | Watcher::ReplicaSetPods);
        if of_the_sync && self.is_choosing() {
            return None;
        }
        let position = self.store.cursor(watcher).position()?;
        let event = *self.store.log.get(position)?;
        let mut next = *self;
        next.store.set_cursor(watcher, Cursor::at(position + 1));
        if watcher.selects(&event) {
            next.handle(watcher, &event);
        }
        next.store.settle();
        Some(next)
    }

    /// Answers the first LIST of a component that has started, with the newest state.
    pub fn list(&self, watcher: Watcher) -> Option<Self> {
        self.list_at(watcher, self.store.log.len())
    }

    /// The watch cache of an API server stops to follow, while there is a list to come that it may
    /// answer. It might as well have stopped later, so it goes on only when it has answered.
    pub fn fall_behind(&self) -> Option<Self> {
        let useful = self.budgets.left(Budget::StaleList) > 0 && !self.fell_behind;
        useful.then_some(State { fell_behind: true, ..*self })
    }

    /// Answers the first LIST from an API server that has fallen behind. It waits until its own
    /// cache is as new as the request: a list is consistent (KEP-2340, KEP-3157).
    pub fn list_from_lagging_api_server(&self, watcher: Watcher) -> Option<Self> {
        self.list_late(watcher, self.store.log.len())
    }

    /// Answers the first LIST from an API server that has fallen behind, as of a place in the log.
    /// It goes on following then.
    pub(super) fn list_late(&self, watcher: Watcher, position: usize) -> Option<Self> {
        if !self.fell_behind {
            return None;
        }
        let mut next = self.spend(Budget::StaleList)?.list_at(watcher, position)?;
        next.fell_behind = false;
        Some(next)
    }

    /// Lists as of a place in the log. Refused while its component is down, or once it has listed.
    pub(super) fn list_at(&self, watcher: Watcher, position: usize) -> Option<Self> {
        if self.store.cursor(watcher) != Cursor::OFF || !self.component_is_up(watcher) {
            return None;
        }
        let mut next = *self;
        next.store.set_cursor(watcher, Cursor::at(position));
        next.store.settle();
        Some(next)
    }

    fn component_is_up(&self, watcher: Watcher) -> bool {
        match watcher {
            Watcher::Kubelet(node) => self.kubelets[node.index()].is_running(),
            Watcher::SchedulerPods
            | Watcher::SchedulerNodes
            | Watcher::ReplicaSets
            | Watcher::ReplicaSetPods
            | Watcher::NodeLifecycleNodes
            | Watcher::NodeLifecyclePods
            | Watcher::LaggingApiServer => true,
        }
    }

    fn handle(&mut self, watcher: Watcher, event: &Event) {
        match watcher {
            Watcher::SchedulerPods | Watcher::SchedulerNodes => self.scheduler_handles(event),
            Watcher::ReplicaSetPods => self.replica_set_controller_handles(event),
            Watcher::ReplicaSets
            | Watcher::NodeLifecycleNodes
            | Watcher::NodeLifecyclePods
            | Watcher::LaggingApiServer
            | Watcher::Kubelet(_) => {}
        }
    }
}
