//! The steps of the StatefulSet controller, and of those who bind, run and evict its Pods.

use super::{
    Action, Budgets, Event, FAR, Objects, POD_INFORMER, Pod, Request, SET_INFORMER, State,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverSet => state.deliver(SET_INFORMER),
            Action::DeliverPod => state.deliver(POD_INFORMER),
            Action::SyncSet => state.sync_set(),
            Action::Commit => state.commit(),
            Action::Bind { ordinal, node } => state.bind(ordinal, node),
            Action::StartContainer { ordinal, node } => state.start_container(ordinal, node),
            Action::StopContainer { ordinal, node } => state.stop_container(ordinal, node),
            Action::ReportReady { ordinal } => state.report_ready(ordinal),
            Action::ConfirmDeletion { ordinal } => state.confirm_deletion(ordinal),
            Action::Evict { ordinal } => state.evict(ordinal),
            Action::Reconnect => state.reconnect(),
            Action::Scale { replicas } => state.scale(replicas),
            Action::DeletePod { ordinal } => state.delete_pod(ordinal),
            Action::CutOff => state.cut_off(),
            Action::Crash => state.crash(),
        }
    }
}

impl Objects {
    /// The first ordinal that is not there, not Ready, or on its way out: the next is not touched
    /// before it is well.
    pub(super) fn first_unwell(&self) -> Option<u8> {
        let unwell = |ordinal: &u8| {
            let pod = self.pods[usize::from(*ordinal)];
            !pod.is_some_and(|pod| pod.ready && !pod.deleting)
        };
        (0..self.replicas).find(unwell)
    }

    /// The highest ordinal that is too much.
    pub(super) fn last_condemned(&self) -> Option<u8> {
        let condemned = self.replicas..self.pods.len() as u8;
        condemned.rev().find(|ordinal| self.pods[usize::from(*ordinal)].is_some())
    }
}

impl State {
    /// The controller hears of a change.
    pub fn deliver(&self, watcher: usize) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(watcher)?;
        Some(next)
    }

    /// The controller looks for the first Pod that is not well. It creates it if it is missing,
    /// and waits for it otherwise; when all are well, it deletes the last that is too much.
    pub fn sync_set(&self) -> Option<Self> {
        let caches = self.store.caches().filter(|_| self.request == Request::None)?;
        let request = match (caches.first_unwell(), caches.last_condemned()) {
            (Some(ordinal), _) => {
                caches.pods[usize::from(ordinal)].is_none().then_some(Request::Create(ordinal))
            }
            (None, Some(ordinal)) => {
                let pod = caches.pods[usize::from(ordinal)].filter(|pod| !pod.deleting);
                pod.map(|_| Request::Delete(ordinal))
            }
            (None, None) => None,
        };
        Some(State { request: request?, ..*self })
    }

    /// The API server handles what the controller asked for. It refuses a name that is in use
    /// (AlreadyExists).
    pub fn commit(&self) -> Option<Self> {
        let next = State { request: Request::None, ..*self };
        let after = match self.request {
            Request::None => return None,
            Request::Create(ordinal) if self.pod(ordinal).is_none() => {
                let pod = Pod { node: None, ready: false, deleting: false };
                Some(next.put_pod(ordinal, Some(pod)))
            }
            Request::Create(_) => None,
            Request::Delete(ordinal) => next.marked_deleted(ordinal),
        };
        Some(after.unwrap_or(next))
    }

    /// The scheduler binds a Pod to a Node that is not known to be unreachable.
    pub fn bind(&self, ordinal: u8, node: u8) -> Option<Self> {
        let pod = self.pod(ordinal).filter(|pod| pod.node.is_none() && !pod.deleting)?;
        let node = self.hears(node).then_some(node);
        node.map(|_| self.put_pod(ordinal, Some(Pod { node, ..pod })))
    }

    /// A kubelet that hears of a Pod of its Node starts the Pod's containers.
    pub fn start_container(&self, ordinal: u8, node: u8) -> Option<Self> {
        let here = self.pod(ordinal).filter(|pod| pod.node == Some(node) && !pod.deleting);
        here.filter(|_| self.hears(node))?;
        self.set_running(ordinal, node, true)
    }

    /// A kubelet that hears that a Pod is to go, or is gone, stops its containers.
    pub fn stop_container(&self, ordinal: u8, node: u8) -> Option<Self> {
        let stays = self.pod(ordinal).is_some_and(|pod| pod.node == Some(node) && !pod.deleting);
        let stops = self.hears(node) && !stays;
        stops.then(|| self.set_running(ordinal, node, false))?
    }

    /// The kubelet reports that a Pod is Ready.
    pub fn report_ready(&self, ordinal: u8) -> Option<Self> {
        let pod = self.pod(ordinal).filter(|pod| !pod.ready && !pod.deleting)?;
        let node = pod.node.filter(|node| self.hears(*node) && self.runs(ordinal, *node));
        node.map(|_| self.put_pod(ordinal, Some(Pod { ready: true, ..pod })))
    }

    /// The kubelet confirms that the containers of a Pod have ended, and the Pod goes. A Pod that
    /// was never bound goes at once.
    pub fn confirm_deletion(&self, ordinal: u8) -> Option<Self> {
        let pod = self.pod(ordinal).filter(|pod| pod.deleting)?;
        let ended = |node| self.hears(node) && !self.runs(ordinal, node);
        pod.node.is_none_or(ended).then(|| self.put_pod(ordinal, None))
    }

    /// The node lifecycle controller deletes a Pod of a Node that is unreachable.
    pub fn evict(&self, ordinal: u8) -> Option<Self> {
        let pod = self.pod(ordinal)?;
        pod.node.filter(|node| !self.hears(*node))?;
        self.marked_deleted(ordinal)
    }

    /// The Node is reachable again.
    pub fn reconnect(&self) -> Option<Self> {
        self.partitioned.then_some(State { partitioned: false, ..*self })
    }

    /// A client scales the StatefulSet.
    pub fn scale(&self, replicas: u8) -> Option<Self> {
        let scales = self.budgets.scales.checked_sub(1)?;
        let mut next = (self.store.now().replicas != replicas).then_some(*self)?;
        next.store.write(Event::Scaled(replicas));
        Some(State { budgets: Budgets { scales, ..self.budgets }, ..next })
    }

    /// A client deletes a Pod.
    pub fn delete_pod(&self, ordinal: u8) -> Option<Self> {
        let deletions = self.budgets.deletions.checked_sub(1)?;
        let next = self.marked_deleted(ordinal)?;
        Some(State { budgets: Budgets { deletions, ..self.budgets }, ..next })
    }

    /// A Node is cut off. Its containers go on.
    pub fn cut_off(&self) -> Option<Self> {
        let partitions = self.budgets.partitions.checked_sub(1)?;
        let budgets = Budgets { partitions, ..self.budgets };
        (!self.partitioned).then_some(State { partitioned: true, budgets, ..*self })
    }

    /// The controller crashes, starts again and lists.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let mut next = State { request: Request::None, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    pub(super) fn pod(&self, ordinal: u8) -> Option<Pod> {
        self.store.now().pods[usize::from(ordinal)]
    }

    pub(super) fn put_pod(mut self, ordinal: u8, pod: Option<Pod>) -> Self {
        self.store.write(Event::Pod(ordinal, pod));
        self
    }

    /// Whether a Node is reachable.
    pub(super) fn hears(&self, node: u8) -> bool {
        !self.partitioned || usize::from(node) != FAR
    }

    fn marked_deleted(&self, ordinal: u8) -> Option<Self> {
        let pod = self.pod(ordinal).filter(|pod| !pod.deleting)?;
        Some(self.put_pod(ordinal, Some(Pod { deleting: true, ready: false, ..pod })))
    }

    fn runs(&self, ordinal: u8, node: u8) -> bool {
        self.running[usize::from(node)][usize::from(ordinal)]
    }

    fn set_running(mut self, ordinal: u8, node: u8, runs: bool) -> Option<Self> {
        let slot = &mut self.running[usize::from(node)][usize::from(ordinal)];
        (std::mem::replace(slot, runs) != runs).then_some(self)
    }
}
