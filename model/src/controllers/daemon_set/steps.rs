//! The steps of the DaemonSet controller and of those around it.

use super::{
    Action, Budgets, Event, Expected, NAMES, NODE_INFORMER, NODES, Objects, POD_INFORMER, Pod,
    Request, State,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverNode => state.deliver_node(),
            Action::DeliverPod => state.deliver_pod(),
            Action::SyncSet => state.sync_set(),
            Action::Commit => state.commit(),
            Action::RemovePod { node, name } => state.remove_pod(node, name),
            Action::DeletePod { node, name } => state.delete_pod(node, name),
            Action::Label { node } => state.label(node),
            Action::FailOver => state.fail_over().map(State::listed),
        }
    }
}

impl Objects {
    /// What is to be done first: a Pod that is missing, or one that is too much. A Pod that is
    /// Terminating is waited for.
    pub(super) fn wanted(&self, eligible: fn(&Objects, usize) -> bool) -> Request {
        let wanted = |node: usize| {
            let pods = self.pods[node];
            let keeps = usize::from(eligible(self, node));
            let active = (0..NAMES).filter(|name| pods[*name] == Pod::Active);
            match active.skip(keeps).last() {
                Some(name) => Some(Request::Delete { node: node as u8, name: name as u8 }),
                None if keeps == 1 && pods == [Pod::None; NAMES] => {
                    Some(Request::Create(node as u8))
                }
                None => None,
            }
        };
        (0..NODES).find_map(wanted).unwrap_or(Request::None)
    }
}

impl State {
    /// The controller hears of a Node.
    pub fn deliver_node(&self) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(NODE_INFORMER)?;
        Some(next)
    }

    /// The controller hears of a Pod. What it expected has happened.
    pub fn deliver_pod(&self) -> Option<Self> {
        let mut next = *self;
        let Event::Pod { pod, .. } = next.store.deliver(POD_INFORMER)? else { return None };
        let seen = match pod {
            Pod::Active => Expected::Creation,
            Pod::Terminating | Pod::None => Expected::Deletion,
        };
        if next.expected == seen {
            next.expected = Expected::None;
        }
        Some(next)
    }

    /// The controller compares Nodes with Pods, and asks for what is to be done first. It does
    /// nothing as long as it has not seen what it asked for.
    pub fn sync_set(&self) -> Option<Self> {
        let satisfied = self.expected == Expected::None;
        satisfied.then(|| self.manage(|objects, node| objects.eligible[node]))?
    }

    /// The API server handles what the controller asked for.
    pub fn commit(&self) -> Option<Self> {
        let next = State { request: Request::None, ..*self };
        match self.request {
            Request::None => None,
            Request::Create(node) => {
                let name = (0..NAMES as u8).find(|name| self.is_free(node, *name))?;
                Some(next.put_pod(node, name, Pod::Active))
            }
            Request::Delete { node, name } if self.pod(node, name) == Pod::Active => {
                Some(next.put_pod(node, name, Pod::Terminating))
            }
            Request::Delete { .. } => Some(State { expected: Expected::None, ..next }),
        }
    }

    /// The kubelet has ended a Pod that is being deleted.
    pub fn remove_pod(&self, node: u8, name: u8) -> Option<Self> {
        let deleting = self.pod(node, name) == Pod::Terminating;
        deleting.then(|| self.put_pod(node, name, Pod::None))
    }

    /// A client deletes a Pod.
    pub fn delete_pod(&self, node: u8, name: u8) -> Option<Self> {
        let deletions = self.budgets.deletions.checked_sub(1)?;
        let active = self.pod(node, name) == Pod::Active;
        let next = active.then(|| self.put_pod(node, name, Pod::Terminating))?;
        Some(State { budgets: Budgets { deletions, ..self.budgets }, ..next })
    }

    /// A client labels a Node so that the DaemonSet selects it, or no longer does.
    pub fn label(&self, node: u8) -> Option<Self> {
        let labels = self.budgets.labels.checked_sub(1)?;
        let eligible = self.store.now().eligible[usize::from(node)];
        let mut next = *self;
        next.store.write(Event::Node(node, !eligible));
        Some(State { budgets: Budgets { labels, ..self.budgets }, ..next })
    }

    /// The controller crashes, and another one takes over. It expects nothing.
    pub fn fail_over(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        Some(State { request: Request::None, expected: Expected::None, budgets, ..*self })
    }

    /// The controller lists what there is now.
    pub fn listed(mut self) -> Self {
        self.store.list_all();
        self
    }

    /// The part of a sync that follows the look at what is expected.
    pub(super) fn manage(&self, eligible: fn(&Objects, usize) -> bool) -> Option<Self> {
        let caches = self.store.caches().filter(|_| self.request == Request::None)?;
        let request = caches.wanted(eligible);
        let expected = match request {
            Request::None => return None,
            Request::Create(_) => Expected::Creation,
            Request::Delete { .. } => Expected::Deletion,
        };
        Some(State { request, expected, ..*self })
    }

    fn pod(&self, node: u8, name: u8) -> Pod {
        self.store.now().pods[usize::from(node)][usize::from(name)]
    }

    /// Whether nobody knows a Pod of this name: `generateName` never gives the same twice.
    fn is_free(&self, node: u8, name: u8) -> bool {
        let none = |position: usize| {
            self.store.at(position).pods[usize::from(node)][usize::from(name)] == Pod::None
        };
        (0..=self.store.log.len()).all(none)
    }

    fn put_pod(mut self, node: u8, name: u8, pod: Pod) -> Self {
        self.store.write(Event::Pod { node, name, pod });
        self
    }
}
