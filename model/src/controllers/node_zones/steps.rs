//! The steps of the controller, of Nodes, and of time.

use super::{
    Action, Budgets, Event, Limiter, Memory, NODE_INFORMER, NODES, Node, Objects, Patch, State,
    ZONE_OF, ZONES,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverNode => state.deliver_node(),
            Action::Sync { node } => state.sync(node, &Rules::RIGHT),
            Action::CommitPatch => state.commit_patch(),
            Action::Tick => state.tick(),
            Action::LoseNode { node } => state.lose_node(node),
            Action::NodeReturns { node } => state.node_returns(node),
            Action::Crash => state.crash(),
        }
    }
}

/// What the controller goes by.
#[derive(Clone, Copy)]
pub struct Rules {
    /// Whether Nodes may be tainted at all, by what the controller sees.
    pub may_evict: fn(&Objects) -> bool,
    /// What is left of a bucket whose token was taken.
    pub after_turn: Limiter,
    /// Whether a lost Node keeps its taint, by what the controller sees.
    pub keeps: fn(&Objects) -> bool,
}

impl Rules {
    /// Those of the controller.
    pub const RIGHT: Rules = Rules {
        may_evict: Objects::has_ready,
        after_turn: Limiter::Empty,
        keeps: Objects::has_ready,
    };
}

impl Memory {
    /// That of a controller which has just started.
    pub const EMPTY: Memory = Memory { limiters: [Limiter::Full; ZONES], granted: [false; NODES] };

    /// Where no Node may be tainted, nobody's turn comes; and who waits when they may again waits for a period.
    fn judge(&mut self, may_evict: bool) {
        if !may_evict {
            *self = Memory { limiters: [Limiter::Stopped; ZONES], granted: [false; NODES] };
        }
        let stopped = self.limiters.iter_mut().filter(|limiter| **limiter == Limiter::Stopped);
        stopped.filter(|_| may_evict).for_each(|limiter| *limiter = Limiter::Empty);
    }

    /// Whether it is a Node's turn, which goes on until it is tainted.
    fn admit(&mut self, node: usize, after_turn: Limiter) -> bool {
        let limiter = &mut self.limiters[ZONE_OF[node]];
        if !self.granted[node] && *limiter == Limiter::Full {
            *limiter = after_turn;
            self.granted[node] = true;
        }
        self.granted[node]
    }
}

impl State {
    /// The controller hears of a Node.
    pub fn deliver_node(&self) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(NODE_INFORMER)?;
        Some(next)
    }

    /// The controller looks at a Node, and patches its taints if they are not as they should be.
    pub fn sync(&self, node: u8, rules: &Rules) -> Option<Self> {
        let seen = self.store.cache(NODE_INFORMER).filter(|_| self.asked.is_none())?;
        let (index, mut next) = (usize::from(node), *self);
        next.memory.judge((rules.may_evict)(&seen));
        let Node { ready, tainted } = seen.nodes[index];
        let wanted = if ready || tainted {
            next.memory.granted[index] = false;
            !ready && (rules.keeps)(&seen)
        } else {
            next.memory.admit(index, rules.after_turn)
        };
        if next.memory.granted[index] && !self.memory.granted[index] {
            next.turns[ZONE_OF[index]] += 1;
        }
        let outdated = self.is_behind(node);
        next.asked = (wanted != tainted).then_some(Patch { node, tainted: wanted, outdated });
        (next != *self).then_some(next)
    }

    /// Whether the Node has changed without the controller having heard of it.
    fn is_behind(&self, node: u8) -> bool {
        let read = self.store.cursors[NODE_INFORMER].position().unwrap_or(0);
        let mut unread = self.store.log.entries().skip(read);
        unread.any(|Event::Node(changed, _)| *changed == node)
    }

    /// The API server patches the Node. Refused where it has changed since it was read (Conflict).
    pub fn commit_patch(&self) -> Option<Self> {
        let Patch { node, tainted, outdated } = self.asked?;
        let next = State { asked: None, ..*self };
        let object = Node { tainted, ..self.store.now().nodes[usize::from(node)] };
        Some(if outdated { next } else { next.put(node, object) })
    }

    /// A period of the rate passes.
    pub fn tick(&self) -> Option<Self> {
        let mut next = State { turns: [0; ZONES], ..*self };
        let empty = next.memory.limiters.iter_mut().filter(|limiter| **limiter == Limiter::Empty);
        empty.for_each(|limiter| *limiter = Limiter::Full);
        (next != *self).then_some(next)
    }

    /// A Node falls silent, and is marked as Unknown.
    pub fn lose_node(&self, node: u8) -> Option<Self> {
        let losses = self.budgets.losses.checked_sub(1)?;
        let object = self.store.now().nodes[usize::from(node)];
        let next = State { budgets: Budgets { losses, ..self.budgets }, ..*self };
        object.ready.then(|| next.put(node, Node { ready: false, ..object }))
    }

    /// The kubelet of a Node reports it as Ready again.
    pub fn node_returns(&self, node: u8) -> Option<Self> {
        let returns = self.budgets.returns.checked_sub(1)?;
        let object = self.store.now().nodes[usize::from(node)];
        let next = State { budgets: Budgets { returns, ..self.budgets }, ..*self };
        (!object.ready).then(|| next.put(node, Node { ready: true, ..object }))
    }

    /// The controller crashes, starts again and lists.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let (memory, turns) = (Memory::EMPTY, [0; ZONES]);
        let mut next = State { memory, asked: None, turns, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    fn put(mut self, node: u8, object: Node) -> Self {
        if let Some(patch) = self.asked.as_mut().filter(|patch| patch.node == node) {
            patch.outdated = true;
        }
        self.store.write(Event::Node(node, object));
        self
    }
}
