//! The steps of the controller, of an API server that allocates, and of clients.

use super::{
    ADDRESS_INFORMER, ALLOCATOR, Action, Budgets, CIDR_INFORMER, Event, ServiceCidr, State,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverCidr => state.deliver(CIDR_INFORMER),
            Action::DeliverAddress => state.deliver(ADDRESS_INFORMER),
            Action::DeliverToAllocator => state.deliver(ALLOCATOR),
            Action::Protect => state.protect(),
            Action::LetGo => state.let_go(|state| state.is_unused() && state.is_graced()),
            Action::Allocate => state.allocate(),
            Action::Release => state.release(),
            Action::CreateCidr => state.create_cidr(),
            Action::DeleteCidr => state.delete_cidr(),
            Action::Crash => state.crash(),
        }
    }
}

impl State {
    /// Somebody hears of a change.
    pub fn deliver(&self, watcher: usize) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(watcher)?;
        Some(next)
    }

    /// The controller gives a new range its finalizer.
    pub fn protect(&self) -> Option<Self> {
        let seen = self.store.cache(CIDR_INFORMER)?.cidr?;
        let live = self.store.now().cidr.filter(|live| !live.deleting && !live.protected)?;
        let protected = ServiceCidr { protected: true, ..live };
        (!seen.deleting && !seen.protected).then(|| self.put(Event::Cidr(Some(protected))))
    }

    /// The controller takes the finalizer from a range that is being deleted, and it goes.
    pub fn let_go(&self, may: fn(&Self) -> bool) -> Option<Self> {
        let seen = self.store.cache(CIDR_INFORMER)?.cidr?;
        let live = self.store.now().cidr.filter(|live| live.deleting && live.protected)?;
        (seen.deleting && live.protected && may(self)).then(|| self.put(Event::Cidr(None)))
    }

    /// Whether the controller's cache shows no address of the range. It is not behind any more after the grace
    /// period.
    pub fn is_unused(&self) -> bool {
        let is_up_to_date = self.store.behind(ADDRESS_INFORMER) == Some(0);
        is_up_to_date && self.store.cache(ADDRESS_INFORMER).is_some_and(|seen| !seen.address)
    }

    /// Whether the grace period is over: who allocates has heard of the deletion.
    pub fn is_graced(&self) -> bool {
        let seen = self.store.cache(ALLOCATOR);
        seen.and_then(|seen| seen.cidr).is_some_and(|cidr| cidr.deleting)
    }

    /// A Service gets an address of the range, as soon as it is protected and until it is being deleted.
    pub fn allocate(&self) -> Option<Self> {
        let addresses = self.budgets.addresses.checked_sub(1)?;
        let next = State { budgets: Budgets { addresses, ..self.budgets }, ..*self };
        self.store.cache(ALLOCATOR)?.cidr.filter(|cidr| cidr.protected && !cidr.deleting)?;
        (!self.store.now().address).then(|| next.put(Event::Address(true)))
    }

    /// A Service goes, and its address with it.
    pub fn release(&self) -> Option<Self> {
        self.store.now().address.then(|| self.put(Event::Address(false)))
    }

    /// A client creates the range.
    pub fn create_cidr(&self) -> Option<Self> {
        let cidrs = self.budgets.cidrs.checked_sub(1)?;
        let next = State { budgets: Budgets { cidrs, ..self.budgets }, ..*self };
        let objects = self.store.now();
        let new = ServiceCidr { protected: false, deleting: false };
        let is_free = objects.cidr.is_none() && !objects.address;
        is_free.then(|| next.put(Event::Cidr(Some(new))))
    }

    /// A client deletes the range: without a finalizer it is gone.
    pub fn delete_cidr(&self) -> Option<Self> {
        let live = self.store.now().cidr.filter(|live| !live.deleting)?;
        let deleting = ServiceCidr { deleting: true, ..live };
        Some(self.put(Event::Cidr(Some(deleting).filter(|live| live.protected))))
    }

    /// The controller crashes, starts again and lists.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let mut next = State { budgets: Budgets { crashes, ..self.budgets }, ..*self };
        next.store.list(CIDR_INFORMER);
        next.store.list(ADDRESS_INFORMER);
        Some(next)
    }

    fn put(mut self, event: Event) -> Self {
        self.store.write(event);
        self
    }
}
