//! The steps of the garbage collector and of its clients.

use super::objects::{Dependent, Event, Objects, Owner, Policy, Reference};
use super::{
    Action, Budgets, DEPENDENT_INFORMER, DEPENDENTS, Entry, Graph, Node, OWNER_INFORMER, State,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverOwner => state.deliver_owner(),
            Action::DeliverDependent => state.deliver_dependent(),
            Action::InsertOwner => state.insert_owner(),
            Action::InsertDependent { dependent } => state.insert_dependent(dependent),
            Action::VerifyVirtual => state.verify_virtual(),
            Action::AttemptToDelete { dependent } => {
                state.attempt_to_delete(dependent, State::is_absent)
            }
            Action::CommitDeletion { dependent } => state.commit_deletion(dependent),
            Action::Orphan { dependent } => state.orphan(dependent),
            Action::RemoveFinalizer => state.remove_finalizer(Policy::Background),
            Action::CreateDependent { dependent, wrong } => state.create_dependent(
                dependent,
                if wrong { Reference::Wrong } else { Reference::Right },
            ),
            Action::DeleteOwner { policy } => state.delete_owner(policy),
            Action::RecreateOwner => state.recreate_owner(),
            Action::Crash => state.crash(),
        }
    }
}

impl Graph {
    /// Nothing is in it.
    pub const EMPTY: Self =
        Graph { owner: Node::None, dependents: [Entry::None; DEPENDENTS], absent: [false; 2] };

    /// Lets a dependent that is in the graph be looked at.
    fn queue(&mut self, dependent: usize) {
        if self.dependents[dependent] == Entry::Known {
            self.dependents[dependent] = Entry::Queued;
        }
    }
}

impl State {
    /// The collector hears that the owner has changed. When it is gone, all its dependents are
    /// looked at; when they are to go first, too.
    pub fn deliver_owner(&self) -> Option<Self> {
        let mut next = *self;
        let Event::Owner(owner) = next.store.deliver(OWNER_INFORMER)? else { return None };
        if self.graph.owner != Node::Observed {
            return Some(next);
        }
        let gone = owner.is_none_or(|owner| owner.recreated);
        if gone {
            next.graph.owner = Node::None;
            next.graph.absent[Reference::Right.place()] = true;
        }
        if gone || owner.is_some_and(|owner| owner.deleting == Some(Policy::Foreground)) {
            (0..DEPENDENTS).for_each(|dependent| next.graph.queue(dependent));
        }
        Some(next)
    }

    /// The collector hears that a dependent has changed.
    pub fn deliver_dependent(&self) -> Option<Self> {
        let mut next = *self;
        let event = next.store.deliver(DEPENDENT_INFORMER)?;
        if let Event::Dependent(number, None) = event {
            next.graph.dependents[usize::from(number)] = Entry::None;
        }
        Some(next)
    }

    /// The owner that the cache shows enters the graph. Dependents that name it otherwise are looked
    /// at.
    pub fn insert_owner(&self) -> Option<Self> {
        let cache = self.store.caches()?;
        let owner = cache.owner_at(Reference::Right)?;
        let mut next = (self.graph.owner != Node::Observed).then_some(*self)?;
        next.graph.owner = Node::Observed;
        for dependent in 0..DEPENDENTS {
            let wrong = cache.reference(dependent) == Some(Reference::Wrong);
            if wrong || owner.deleting == Some(Policy::Foreground) {
                next.graph.queue(dependent);
            }
        }
        Some(next)
    }

    /// A dependent that the cache shows enters the graph. If no informer has shown its owner, a
    /// virtual node stands for it; a dependent that names the node otherwise is looked at.
    pub fn insert_dependent(&self, number: u8) -> Option<Self> {
        let place = usize::from(number);
        let cache = self.store.caches().filter(|_| self.graph.dependents[place] == Entry::None)?;
        let dependent = cache.dependents[place]?;
        let mut next = *self;
        next.graph.dependents[place] = Entry::Known;
        let Some(reference) = dependent.owner else { return Some(next) };
        let foreground =
            cache.owner.is_some_and(|owner| owner.deleting == Some(Policy::Foreground));
        match self.graph.owner {
            Node::None => next.graph.owner = Node::Virtual(reference),
            Node::Virtual(named) if named == reference => {}
            Node::Observed if reference == Reference::Right && !foreground => {}
            Node::Virtual(_) | Node::Observed => next.graph.queue(place),
        }
        Some(next)
    }

    /// The collector looks up the owner for which a virtual node stands. If it is absent, those who
    /// name it so are looked at, and the node stands for what others name, if there are any.
    pub fn verify_virtual(&self) -> Option<Self> {
        let Node::Virtual(reference) = self.graph.owner else { return None };
        let absent = self.store.now().owner_at(reference).is_none();
        let mut next = absent.then(|| self.found_absent(reference))?;
        let cache = self.store.caches()?;
        let others = (0..DEPENDENTS).filter(|place| next.graph.dependents[*place] != Entry::None);
        let other = others.filter_map(|place| cache.reference(place)).find(|of| *of != reference);
        if let Some(other) = other {
            next.graph.owner = Node::Virtual(other);
        }
        Some(next)
    }

    /// The collector looks at a dependent: if its owner is absent, or waits for it to go, it is to
    /// be deleted.
    pub fn attempt_to_delete(
        &self,
        number: u8,
        is_absent: fn(&State, Reference) -> bool,
    ) -> Option<Self> {
        let place = usize::from(number);
        let queued = self.graph.dependents[place] == Entry::Queued;
        let mut next = queued.then_some(*self)?;
        let objects = self.store.now();
        next.graph.dependents[place] = Entry::Known;
        let Some(reference) = objects.reference(place) else { return Some(next) };
        let owner = objects.owner_at(reference);
        if is_absent(self, reference) {
            next.graph.absent[reference.place()] = true;
            next.graph.dependents[place] = Entry::Deleting;
        } else if owner.is_some_and(|owner| owner.deleting == Some(Policy::Foreground)) {
            next.graph.dependents[place] = Entry::Deleting;
        }
        Some(next)
    }

    /// The API server deletes a dependent.
    pub fn commit_deletion(&self, number: u8) -> Option<Self> {
        let place = usize::from(number);
        let mut next = (self.graph.dependents[place] == Entry::Deleting).then_some(*self)?;
        next.graph.dependents[place] = Entry::Known;
        if self.store.now().dependents[place].is_some() {
            next.store.write(Event::Dependent(number, None));
        }
        Some(next)
    }

    /// The collector removes the reference to an owner that orphans its dependents.
    pub fn orphan(&self, number: u8) -> Option<Self> {
        self.store.caches()?.owner.filter(|owner| owner.deleting == Some(Policy::Orphan))?;
        let in_graph = self.graph.dependents[usize::from(number)] != Entry::None;
        let owner = self.store.now().reference(usize::from(number)).filter(|_| in_graph)?;
        let right = owner == Reference::Right && self.graph.owner == Node::Observed;
        let event = Event::Dependent(number, Some(Dependent { owner: None }));
        right.then(|| self.write(event))
    }

    /// The collector removes the owner's finalizer once no dependent that is in the graph names it,
    /// and the owner goes. A deletion of this kind does not wait.
    pub fn remove_finalizer(&self, hasty: Policy) -> Option<Self> {
        let cache = self.store.caches().filter(|_| self.graph.owner == Node::Observed)?;
        let policy = cache.owner?.deleting?;
        self.store.now().owner?.deleting?;
        let blocks = |place: usize| self.blocks(&cache, place);
        let waits = policy != hasty && (0..DEPENDENTS).any(blocks);
        (!waits).then(|| self.write(Event::Owner(None)))
    }

    /// A client creates a dependent of the owner that it has seen.
    pub fn create_dependent(&self, number: u8, owner: Reference) -> Option<Self> {
        let objects = self.store.now();
        let lives =
            objects.owner_at(Reference::Right).is_some_and(|owner| owner.deleting.is_none());
        let mut next = lives.then_some(*self)?;
        let may = std::mem::replace(&mut next.budgets.creations[usize::from(number)], false);
        let event = Event::Dependent(number, Some(Dependent { owner: Some(owner) }));
        may.then(|| next.write(event))
    }

    /// A client deletes the owner.
    pub fn delete_owner(&self, policy: Policy) -> Option<Self> {
        let owner = self.store.now().owner.filter(|owner| owner.deleting.is_none())?;
        let deleting = (!owner.recreated).then_some(Some(policy))?;
        let after = (policy != Policy::Background).then_some(Owner { deleting, ..owner });
        Some(self.write(Event::Owner(after)))
    }

    /// A client creates an owner of the same name. It has another uid.
    pub fn recreate_owner(&self) -> Option<Self> {
        let recreations = self.budgets.recreations.checked_sub(1)?;
        let gone = self.store.now().owner.is_none();
        let owner = Owner { recreated: true, deleting: None };
        let next = gone.then(|| self.write(Event::Owner(Some(owner))))?;
        Some(State { budgets: Budgets { recreations, ..self.budgets }, ..next })
    }

    /// The collector crashes, starts again and lists. Its graph is empty.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let mut next = State { graph: Graph::EMPTY, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    /// Whether the owner is absent where a reference says: remembered, or looked up live.
    pub(super) fn is_absent(&self, reference: Reference) -> bool {
        let known = self.graph.absent[reference.place()];
        known || self.store.now().owner_at(reference).is_none()
    }

    /// The virtual node is gone, and those who name the owner so are looked at.
    pub(super) fn found_absent(&self, reference: Reference) -> Self {
        let mut next = *self;
        next.graph.owner = Node::None;
        next.graph.absent[reference.place()] = true;
        for dependent in 0..DEPENDENTS {
            let names = |cache: Objects| cache.reference(dependent) == Some(reference);
            if self.store.caches().is_some_and(names) {
                next.graph.queue(dependent);
            }
        }
        next
    }

    /// Whether a dependent that is in the graph still names the owner.
    pub(super) fn blocks(&self, cache: &Objects, place: usize) -> bool {
        let in_graph = self.graph.dependents[place] != Entry::None;
        in_graph && cache.reference(place) == Some(Reference::Right)
    }

    fn write(&self, event: Event) -> Self {
        let mut next = *self;
        next.store.write(event);
        next
    }
}
