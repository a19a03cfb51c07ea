//! The steps of the controller, and of clients.

use super::{Action, Budgets, Event, Objects, ROLE_INFORMER, Rules, State};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverRole => state.deliver_role(),
            Action::SyncRole => state.sync_role(|seen| seen.roles),
            Action::CommitRules => state.commit_rules(),
            Action::ChangeRole { role } => state.change_role(role),
            Action::EditRules { role } => state.edit_rules(role),
            Action::Crash => state.crash(),
        }
    }
}

impl State {
    /// The controller hears of a role.
    pub fn deliver_role(&self) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(ROLE_INFORMER)?;
        Some(next)
    }

    /// The controller asks for the rules of the other roles, unless its cache shows the role to have them.
    pub fn sync_role(&self, wanted: fn(&Objects) -> Rules) -> Option<Self> {
        let seen = self.store.cache(ROLE_INFORMER).filter(|_| self.asked.is_none())?;
        let rules = wanted(&seen);
        (seen.aggregated != rules).then_some(State { asked: Some(rules), ..*self })
    }

    /// The API server applies the rules.
    pub fn commit_rules(&self) -> Option<Self> {
        let rules = self.asked?;
        let next = State { asked: None, ..*self };
        let is_same = self.store.now().aggregated == rules;
        Some(if is_same { next } else { next.put(Event::Aggregated(rules)) })
    }

    /// A role that matches comes or goes.
    pub fn change_role(&self, role: u8) -> Option<Self> {
        let changes = self.budgets.changes.checked_sub(1)?;
        let next = State { budgets: Budgets { changes, ..self.budgets }, ..*self };
        let is_there = self.store.now().roles[usize::from(role)];
        Some(next.put(Event::Role(role, !is_there)))
    }

    /// A client edits the rules of the aggregated role.
    pub fn edit_rules(&self, role: u8) -> Option<Self> {
        let edits = self.budgets.edits.checked_sub(1)?;
        let next = State { budgets: Budgets { edits, ..self.budgets }, ..*self };
        let mut rules = self.store.now().aggregated;
        rules[usize::from(role)] = !rules[usize::from(role)];
        Some(next.put(Event::Aggregated(rules)))
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
