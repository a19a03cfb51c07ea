//! The steps of the controller, of who modifies volumes, and of clients.

use super::{
    Action, Budgets, CLASS_INFORMER, Class, Event, Finalizer, Objects, State, USER_INFORMER,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverClass => state.deliver(CLASS_INFORMER),
            Action::DeliverUser => state.deliver(USER_INFORMER),
            Action::Sync => state.sync(Objects::is_used),
            Action::CommitFinalizer => state.commit_finalizer(),
            Action::ModifyVolume => state.modify_volume(),
            Action::CreateClass => state.create_class(),
            Action::DeleteClass => state.delete_class(),
            Action::EditClaim => state.edit_claim(),
            Action::Crash => state.crash(),
        }
    }
}

impl State {
    /// The controller hears of a change.
    pub fn deliver(&self, watcher: usize) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(watcher)?;
        Some(next)
    }

    /// The controller looks at the class: one that lives gets the finalizer, one that goes and is not used loses it.
    pub fn sync(&self, is_used: fn(&Objects) -> bool) -> Option<Self> {
        let seen = self.store.caches().filter(|_| self.asked.is_none())?;
        let class = seen.class?;
        let finalizer = match (class.deleted, class.finalizer) {
            (false, false) => Finalizer::Comes,
            (true, true) if !is_used(&seen) => Finalizer::Goes,
            (true, _) | (false, true) => return None,
        };
        Some(State { asked: Some((class.version, finalizer)), ..*self })
    }

    /// The API server patches the class, if it is as it was read (Conflict).
    pub fn commit_finalizer(&self) -> Option<Self> {
        let (version, asked) = self.asked?;
        let next = State { asked: None, ..*self };
        let Some(live) = self.store.now().class.filter(|live| live.version == version) else {
            return Some(next);
        };
        let finalizer = asked == Finalizer::Comes;
        let class = Class { version: version + 1, finalizer, ..live };
        let is_gone = class.deleted && !class.finalizer;
        Some(next.put(Event::Class((!is_gone).then_some(class))))
    }

    /// The volume gets the class that its claim names, or loses it; without the class nobody can.
    pub fn modify_volume(&self) -> Option<Self> {
        let objects = self.store.now();
        let may = objects.class.is_some() || !objects.is_claimed;
        let differs = objects.is_applied != objects.is_claimed;
        (may && differs).then(|| self.put(Event::Volume(objects.is_claimed)))
    }

    /// A client creates the class.
    pub fn create_class(&self) -> Option<Self> {
        let classes = self.budgets.classes.checked_sub(1)?;
        let next = State { budgets: Budgets { classes, ..self.budgets }, ..*self };
        let version = 4 * (1 - classes);
        let new = Class { version, finalizer: false, deleted: false };
        self.store.now().class.is_none().then(|| next.put(Event::Class(Some(new))))
    }

    /// A client deletes the class, which stays while it has the finalizer.
    pub fn delete_class(&self) -> Option<Self> {
        let class = self.store.now().class.filter(|class| !class.deleted)?;
        let deleted = Class { version: class.version + 1, deleted: true, ..class };
        Some(self.put(Event::Class(class.finalizer.then_some(deleted))))
    }

    /// A client has the claim name the class, or does so no longer.
    pub fn edit_claim(&self) -> Option<Self> {
        let edits = self.budgets.edits.checked_sub(1)?;
        let next = State { budgets: Budgets { edits, ..self.budgets }, ..*self };
        Some(next.put(Event::Claim(!self.store.now().is_claimed)))
    }

    /// The controller crashes, starts again and lists.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let budgets = Budgets { crashes, ..self.budgets };
        let mut next = State { asked: None, budgets, ..*self };
        next.store.list_all();
        Some(next)
    }

    fn put(mut self, event: Event) -> Self {
        self.store.write(event);
        self
    }
}
