//! The steps of the cleaner, of time, of who uses the token, and of clients.

use super::{
    Action, Budgets, DAYS, Event, Objects, POD_INFORMER, SECRET_INFORMER, Secret, State, Write,
};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::DeliverSecret => state.deliver(SECRET_INFORMER),
            Action::DeliverPod => state.deliver(POD_INFORMER),
            Action::EndDay => state.end_day(),
            Action::LookThrough => state.look_through(|seen| seen.is_mounted),
            Action::CommitWrite => state.commit_write(|live, seen| live == seen),
            Action::UseToken => state.use_token(),
            Action::TakeMarkAway => state.take_mark_away(),
            Action::ChangePod => state.change_pod(),
            Action::Crash => state.crash(),
        }
    }
}

impl State {
    /// The cleaner hears of a change.
    pub fn deliver(&self, watcher: usize) -> Option<Self> {
        let mut next = *self;
        next.store.deliver(watcher)?;
        Some(next)
    }

    /// The next day begins.
    pub fn end_day(&self) -> Option<Self> {
        (self.today < DAYS).then_some(State { today: self.today + 1, ..*self })
    }

    /// The cleaner looks through what its caches show: what nobody uses or mounts is marked, and later deleted.
    pub fn look_through(&self, is_mounted: fn(&Objects) -> bool) -> Option<Self> {
        let seen = self.store.caches().filter(|_| self.asked.is_none())?;
        let secret = seen.secret.filter(|secret| secret.is_unused(self.today))?;
        let write = match secret.marked {
            _ if is_mounted(&seen) => return None,
            None => Write::Mark,
            Some(_) if secret.is_over(self.today) => Write::Delete,
            Some(_) => return None,
        };
        Some(State { asked: Some((secret, write)), ..*self })
    }

    /// The API server marks the Secret, or deletes it if it is as it was seen (Conflict).
    pub fn commit_write(&self, may: fn(Secret, Secret) -> bool) -> Option<Self> {
        let (seen, write) = self.asked?;
        let next = State { asked: None, ..*self };
        let Some(live) = self.store.now().secret else { return Some(next) };
        Some(match write {
            Write::Mark => {
                next.put(Event::Secret(Some(Secret { marked: Some(self.today), ..live })))
            }
            Write::Delete if may(live, seen) => next.put(Event::Secret(None)),
            Write::Delete => next,
        })
    }

    /// Somebody shows the token, and is let in, which the API server notes once a day.
    pub fn use_token(&self) -> Option<Self> {
        let secret = self.store.now().secret.filter(|secret| secret.marked.is_none())?;
        let used = Secret { used: self.today, ..secret };
        (used != secret).then(|| self.put(Event::Secret(Some(used))))
    }

    /// A client takes the mark away, and the token lets in again.
    pub fn take_mark_away(&self) -> Option<Self> {
        let reprieves = self.budgets.reprieves.checked_sub(1)?;
        let next = State { budgets: Budgets { reprieves, ..self.budgets }, ..*self };
        let secret = self.store.now().secret.filter(|secret| secret.marked.is_some())?;
        let reprieves = secret.reprieves + 1;
        Some(next.put(Event::Secret(Some(Secret { marked: None, reprieves, ..secret }))))
    }

    /// A Pod that mounts the token comes, or goes.
    pub fn change_pod(&self) -> Option<Self> {
        let pods = self.budgets.pods.checked_sub(1)?;
        let next = State { budgets: Budgets { pods, ..self.budgets }, ..*self };
        Some(next.put(Event::Pod(!self.store.now().is_mounted)))
    }

    /// The cleaner crashes, starts again and lists.
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
