//! The steps of the scheduler's cache.

use super::{
    Action, Binding, Budgets, NODES, NodeEvent, PLACES, PODS, Placement, Pod, PodEvent, State,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::CreatePod => state.create_pod(),
            Action::DeleteNode => state.delete_node(),
            Action::AddNode => state.add_node(),
            Action::CollectPod { pod } => state.collect_pod(pod),
            Action::DeliverPod => state.deliver_pod(),
            Action::DeliverNode => state.deliver_node(),
            Action::RelistPods => state.relist_pods(),
            Action::RelistNodes => state.relist_nodes(),
            Action::Schedule { pod, node } => state.schedule(pod, node),
            Action::CommitBinding { pod } => state.commit_binding(pod),
            Action::LoseBinding { pod } => state.lose_binding(pod),
            Action::FinishBinding { pod } => state.finish_binding(pod),
        }
    }
}

impl State {
    /// The ReplicaSet controller creates a Pod that is missing.
    pub fn create_pod(&self) -> Option<Self> {
        let pod = (0..PODS as u8).find(|pod| self.is_forgotten(*pod))?;
        Some(self.written(pod, Some(Pod { node: None })))
    }

    /// A client deletes the larger Node. Its Pods stay.
    pub fn delete_node(&self) -> Option<Self> {
        let deletions = self.budgets.deletions.checked_sub(1)?;
        let next = State { budgets: Budgets { deletions, ..self.budgets }, ..*self };
        self.nodes.now().there[0].then(|| next.registered(false))
    }

    /// A machine registers under the name of the Node that is gone.
    pub fn add_node(&self) -> Option<Self> {
        let registrations = self.budgets.registrations.checked_sub(1)?;
        let next = State { budgets: Budgets { registrations, ..self.budgets }, ..*self };
        (!self.nodes.now().there[0]).then(|| next.registered(true))
    }

    /// Pod garbage collection deletes a Pod whose Node is gone.
    pub fn collect_pod(&self, pod: u8) -> Option<Self> {
        let node = self.pods.now().pods[usize::from(pod)]?.node?;
        let gone = !self.nodes.now().there[usize::from(node)];
        gone.then(|| self.written(pod, None))
    }

    /// The informer of Pods gets the next event.
    pub fn deliver_pod(&self) -> Option<Self> {
        let mut next = *self;
        let event = next.pods.deliver(0)?;
        Some(next.told_of_pod(event.pod))
    }

    /// The informer of Nodes gets the next event.
    pub fn deliver_node(&self) -> Option<Self> {
        let mut next = *self;
        let event = next.nodes.deliver(0)?;
        Some(next.told_of_node(event.node))
    }

    /// The watch of Pods is closed. The informer lists, and its handlers are told of every Pod, of
    /// those too that it had and the list has not (`DeletedFinalStateUnknown`).
    pub fn relist_pods(&self) -> Option<Self> {
        let listed = self.listed_pods()?;
        Some((0..PODS as u8).fold(listed, |state, pod| state.told_of_pod(pod)))
    }

    /// The watch of Nodes is closed, and the informer lists.
    pub fn relist_nodes(&self) -> Option<Self> {
        let listed = self.listed_nodes()?;
        Some((0..NODES as u8).fold(listed, |state, node| state.told_of_node(node)))
    }

    /// The scheduler picks a Node for a Pod, assumes it there and sends the Binding.
    pub fn schedule(&self, pod: u8, node: u8) -> Option<Self> {
        let object = self.informed_pods()[usize::from(pod)]?;
        let idle = self.bindings[usize::from(pod)] == Binding::None;
        let info = self.cache.infos[usize::from(node)];
        let fits = info.node && info.used() < PLACES[usize::from(node)];
        let waits = object.node.is_none() && self.cache.pods[usize::from(pod)].is_none();
        (idle && waits && fits).then(|| {
            let mut next = self.with_binding(pod, Binding::Sent(node));
            next.cache.add_pod(pod, Placement { node, assumed: true });
            next
        })
    }

    /// The API server handles a Binding. It does not ask whether the Node exists.
    pub fn commit_binding(&self, pod: u8) -> Option<Self> {
        let Binding::Sent(node) = self.bindings[usize::from(pod)] else {
            return None;
        };
        let waits = self.pods.now().pods[usize::from(pod)].is_some_and(|pod| pod.node.is_none());
        Some(match waits {
            true => {
                let bound = Pod { node: Some(node) };
                self.with_binding(pod, Binding::Created).written(pod, Some(bound))
            }
            false => self.with_binding(pod, Binding::Failed),
        })
    }

    /// A Binding is lost on its way; the scheduler will see a timeout.
    pub fn lose_binding(&self, pod: u8) -> Option<Self> {
        let lost_requests = self.budgets.lost_requests.checked_sub(1)?;
        let sent = matches!(self.bindings[usize::from(pod)], Binding::Sent(_));
        let next = self.with_binding(pod, Binding::Failed);
        sent.then_some(State { budgets: Budgets { lost_requests, ..self.budgets }, ..next })
    }

    /// The scheduler reads the answer. It forgets a Pod that it assumed and that is not bound;
    /// any other stays assumed until the informer shows it, however long that takes.
    pub fn finish_binding(&self, pod: u8) -> Option<Self> {
        let mut next = self.with_binding(pod, Binding::None);
        match self.bindings[usize::from(pod)] {
            Binding::None | Binding::Sent(_) => None,
            Binding::Created => Some(next),
            Binding::Failed => {
                if self.assumes(pod) {
                    next.cache.remove_pod(pod);
                }
                Some(next)
            }
        }
    }

    /// The Pods that their informer has read. Both informers have listed before anything happens.
    pub fn informed_pods(&self) -> [Option<Pod>; PODS] {
        self.pods.cache(0).unwrap_or(self.pods.base).pods
    }

    /// The Nodes that their informer has read.
    pub fn informed_nodes(&self) -> [bool; NODES] {
        self.nodes.cache(0).unwrap_or(self.nodes.base).there
    }

    /// The informer of Pods lists: it is up to date, and its handlers know nothing of it yet.
    pub(super) fn listed_pods(&self) -> Option<Self> {
        let mut next = self.watch_closed()?;
        next.pods.list(0);
        Some(next)
    }

    /// The informer of Nodes lists, in the same way.
    pub(super) fn listed_nodes(&self) -> Option<Self> {
        let mut next = self.watch_closed()?;
        next.nodes.list(0);
        Some(next)
    }

    /// The handler of Pods learns how this one is now.
    pub(super) fn told_of_pod(mut self, pod: u8) -> Self {
        let object = self.informed_pods()[usize::from(pod)];
        self.cache.pod_changed(pod, object);
        self
    }

    /// The handler of Nodes learns whether this one is there. A NodeInfo with Pods outlives it.
    pub(super) fn told_of_node(mut self, node: u8) -> Self {
        let there = self.informed_nodes()[usize::from(node)];
        self.cache.infos[usize::from(node)].node = there;
        self
    }

    /// Whether the scheduler assumes the Pod somewhere.
    pub(super) fn assumes(&self, pod: u8) -> bool {
        self.cache.pods[usize::from(pod)].is_some_and(|placement| placement.assumed)
    }

    fn is_forgotten(&self, pod: u8) -> bool {
        let place = usize::from(pod);
        let gone = self.pods.now().pods[place].is_none();
        let unseen = self.informed_pods()[place].is_none();
        let unheld = self.cache.pods[place].is_none() && self.bindings[place] == Binding::None;
        gone && unseen && unheld
    }

    fn with_binding(&self, pod: u8, binding: Binding) -> Self {
        let mut next = *self;
        next.bindings[usize::from(pod)] = binding;
        next
    }

    fn watch_closed(&self) -> Option<Self> {
        let closed_watches = self.budgets.closed_watches.checked_sub(1)?;
        Some(State { budgets: Budgets { closed_watches, ..self.budgets }, ..*self })
    }

    fn written(mut self, pod: u8, object: Option<Pod>) -> Self {
        self.pods.write(PodEvent { pod, object });
        self
    }

    fn registered(mut self, there: bool) -> Self {
        self.nodes.write(NodeEvent { node: 0, there });
        self
    }
}
