//! The steps of the controller, and of Nodes that come and go.

use super::{Action, Budgets, Event, NODE_INFORMER, State, Ttl};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverNode => state.deliver_node(),
            Action::Sync { node } => state.sync(node, State::size_of),
            Action::CommitPatch => state.commit_patch(),
            Action::CreateNode { node } => state.create_node(node),
            Action::DeleteNode { node } => state.delete_node(node),
            Action::Crash => state.crash(),
        }
    }
}

impl State {
    /// The controller hears of a Node.
    pub fn deliver_node(&self) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(NODE_INFORMER)?;
        Some(next)
    }

    /// The size that the controller takes the cluster for with so many Nodes: the one before, as long as it suits.
    pub fn size_of(&self, count: usize) -> Ttl {
        match self.size.suits(count) {
            true => self.size,
            false if Ttl::Short.suits(count) => Ttl::Short,
            false => Ttl::Long,
        }
    }

    /// The controller looks at a Node, whose heartbeats come again and again, and tells it what it lacks.
    pub fn sync(&self, node: u8, size_of: fn(&State, usize) -> Ttl) -> Option<Self> {
        let seen = self.store.cache(NODE_INFORMER).filter(|_| self.asked.is_none())?;
        let size = size_of(self, seen.count());
        let told = seen.nodes[usize::from(node)]?;
        (told != size).then_some(State { size, asked: Some((node, size)), ..*self })
    }

    /// The API server patches the Node, if it is there (NotFound).
    pub fn commit_patch(&self) -> Option<Self> {
        let (node, ttl) = self.asked?;
        let next = State { asked: None, ..*self };
        let is_there = self.store.now().nodes[usize::from(node)].is_some();
        Some(if is_there { next.put(Event::Node(node, Some(ttl))) } else { next })
    }

    /// A Node comes.
    pub fn create_node(&self, node: u8) -> Option<Self> {
        let nodes = self.budgets.nodes.checked_sub(1)?;
        let next = State { budgets: Budgets { nodes, ..self.budgets }, ..*self };
        let is_new = self.store.now().nodes[usize::from(node)].is_none();
        is_new.then(|| next.put(Event::Node(node, Some(Ttl::Untold))))
    }

    /// A Node goes.
    pub fn delete_node(&self, node: u8) -> Option<Self> {
        let deletions = self.budgets.deletions.checked_sub(1)?;
        let next = State { budgets: Budgets { deletions, ..self.budgets }, ..*self };
        self.store.now().nodes[usize::from(node)].map(|_| next.put(Event::Node(node, None)))
    }

    /// The controller crashes, starts again and lists.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let mut next = State { size: Ttl::Short, asked: None, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    fn put(mut self, event: Event) -> Self {
        self.store.write(event);
        self
    }
}
