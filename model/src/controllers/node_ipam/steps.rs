//! The steps of the controller, and of Nodes that come and go.

use super::{Action, Budgets, Event, NODE_INFORMER, NODES, Node, Objects, State};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverNode => state.deliver_node(),
            Action::Offer { node } => state.offer(node, State::is_free_for),
            Action::CommitRange { node } => state.commit_range(node, |live, uid| live.uid == uid),
            Action::CreateNode { node } => state.create_node(node),
            Action::DeleteNode { node } => state.delete_node(node),
            Action::Crash => state.crash(),
        }
    }
}

impl Objects {
    /// Whether no Node has the range.
    pub fn has_free_range(&self) -> bool {
        !self.nodes.iter().flatten().any(|node| node.has_range)
    }
}

impl State {
    /// The controller hears of a Node: an offer that was taken, or whose Node is gone, is one no more.
    pub fn deliver_node(&self) -> Option<Self> {
        let mut next = *self;
        let Event::Node(node, now) = next.store.deliver(NODE_INFORMER)?;
        next.offered[usize::from(node)] &= now.is_some_and(|now| !now.has_range);
        Some(next)
    }

    /// The controller sends a Node the range, if nobody else has it.
    pub fn offer(&self, node: u8, is_free: fn(&Self, usize) -> bool) -> Option<Self> {
        let number = usize::from(node);
        let seen = self.store.cache(NODE_INFORMER)?.nodes[number]?;
        let may = !seen.has_range && self.asked[number].is_none() && is_free(self, number);
        let mut next = *self;
        next.offered[number] = true;
        next.asked[number] = Some(seen.uid);
        may.then_some(next)
    }

    /// Whether no Node has the range, as far as the controller has seen and offered it.
    pub fn is_free_for(&self, number: usize) -> bool {
        let seen = self.store.cache(NODE_INFORMER);
        let is_offered = (0..NODES).any(|other| other != number && self.offered[other]);
        seen.is_some_and(|seen| seen.has_free_range()) && !is_offered
    }

    /// The API server writes the range into the Node, if it is the one that the patch is for (Conflict).
    pub fn commit_range(&self, node: u8, is_it: fn(Node, u8) -> bool) -> Option<Self> {
        let number = usize::from(node);
        let uid = self.asked[number]?;
        let mut next = *self;
        next.asked[number] = None;
        let live = self.store.now().nodes[number].filter(|live| is_it(*live, uid));
        let given = live.filter(|live| !live.has_range);
        let given = given.map(|live| Event::Node(node, Some(Node { has_range: true, ..live })));
        Some(given.map_or(next, |given| next.put(given)))
    }

    /// A Node registers, without a range.
    pub fn create_node(&self, node: u8) -> Option<Self> {
        let nodes = self.budgets.nodes.checked_sub(1)?;
        let next = State { budgets: Budgets { nodes, ..self.budgets }, ..*self };
        let new = Node { uid: nodes, has_range: false };
        let is_free = self.store.now().nodes[usize::from(node)].is_none();
        is_free.then(|| next.put(Event::Node(node, Some(new))))
    }

    /// A Node is deleted.
    pub fn delete_node(&self, node: u8) -> Option<Self> {
        self.store.now().nodes[usize::from(node)].map(|_| self.put(Event::Node(node, None)))
    }

    /// The controller crashes, starts again and lists. What it has sent is lost.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let (offered, asked) = ([false; NODES], [None; NODES]);
        let mut next = State { offered, asked, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    pub(super) fn put(mut self, event: Event) -> Self {
        self.store.write(event);
        self
    }
}
