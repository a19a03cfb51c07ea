//! The steps of the controller, and of clients.

use super::{
    Action, Budgets, ENDPOINTS_INFORMER, Event, MIRRORS, Objects, SLICE_INFORMER, State, Write,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverEndpoints => state.deliver(ENDPOINTS_INFORMER),
            Action::DeliverSlice => state.deliver_slice(),
            Action::Sync => state.sync(|state| state.unseen == 0),
            Action::CommitSlice => state.commit_slice(),
            Action::WriteEndpoints => state.write_endpoints(),
            Action::DeleteEndpoints => state.delete_endpoints(),
            Action::EditSelector => state.edit_selector(),
            Action::Crash => state.crash(),
        }
    }
}

impl Objects {
    /// What slices should say, if there should be any.
    pub fn wanted(&self) -> Option<u8> {
        self.endpoints.filter(|_| !self.selects)
    }

    /// What is to be written, if anything is: one slice stays, and says what is wanted.
    fn write(&self) -> Option<Write> {
        let mut mirrors = (0..MIRRORS).filter(|index| self.mirrors[*index].is_some());
        let (first, second) = (mirrors.next(), mirrors.next());
        match (self.wanted(), first) {
            (None, None) => None,
            (None, Some(first)) => Some(Write::Delete(number(first))),
            (Some(says), None) => Some(Write::Create(says)),
            (Some(says), Some(first)) if self.mirrors[first] != Some(says) => {
                Some(Write::Update(number(first), says))
            }
            (Some(_), Some(_)) => second.map(|second| Write::Delete(number(second))),
        }
    }
}

impl State {
    /// The controller hears of Endpoints, or of the Service.
    pub fn deliver(&self, watcher: usize) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(watcher)?;
        Some(next)
    }

    /// The controller hears of a slice, perhaps of what it has written itself.
    pub fn deliver_slice(&self) -> Option<Self> {
        let next = self.deliver(SLICE_INFORMER)?;
        Some(State { unseen: self.unseen.saturating_sub(1), ..next })
    }

    /// The controller compares what its caches show, if they show what it has written.
    pub fn sync(&self, may: fn(&State) -> bool) -> Option<Self> {
        let seen = self.store.caches().filter(|_| self.asked.is_none() && may(self))?;
        Some(State { asked: Some(seen.write()?), ..*self })
    }

    /// The API server writes the slice.
    pub fn commit_slice(&self) -> Option<Self> {
        let next = State { asked: None, ..*self };
        let mirrors = self.store.now().mirrors;
        let event = match self.asked? {
            Write::Create(says) => {
                let free = mirrors.iter().position(Option::is_none);
                free.map(|index| Event::Mirror(number(index), Some(says)))
            }
            Write::Update(index, says) => Some(Event::Mirror(index, Some(says))),
            Write::Delete(index) => Some(Event::Mirror(index, None)),
            Write::DeleteForeign => Some(Event::ForeignGone),
        };
        Some(event.map_or(next, |event| State { unseen: next.unseen + 1, ..next.put(event) }))
    }

    /// A client writes Endpoints that say something new.
    pub fn write_endpoints(&self) -> Option<Self> {
        let writes = self.budgets.writes.checked_sub(1)?;
        let next = State { budgets: Budgets { writes, ..self.budgets }, ..*self };
        Some(next.put(Event::Endpoints(Some(writes))))
    }

    /// A client deletes the Endpoints.
    pub fn delete_endpoints(&self) -> Option<Self> {
        self.store.now().endpoints.map(|_| self.put(Event::Endpoints(None)))
    }

    /// A client gives the Service a selector, or takes it away.
    pub fn edit_selector(&self) -> Option<Self> {
        let edits = self.budgets.edits.checked_sub(1)?;
        let next = State { budgets: Budgets { edits, ..self.budgets }, ..*self };
        Some(next.put(Event::Service(!self.store.now().selects)))
    }

    /// The controller crashes, starts again and lists.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let mut next = State { unseen: 0, asked: None, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    fn put(mut self, event: Event) -> Self {
        self.store.write(event);
        self
    }
}

/// The number of a slice in its place.
fn number(index: usize) -> u8 {
    [0, 1][index]
}
