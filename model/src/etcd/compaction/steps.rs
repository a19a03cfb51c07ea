//! The steps of the member that compacts.

use super::{Action, Change, State, Watch};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::Put => state.write(Change::Put),
            Action::Delete => state.write(Change::Delete),
            Action::Compact { revision } => state.compact(revision),
            Action::Remove { revision } => state.remove(revision, State::is_kept),
            Action::Finish => state.finish(State::is_kept),
            Action::Crash => state.crash(),
            Action::Watch { revision } => state.open_watch(revision),
            Action::DeliverEvent => state.deliver_event(),
        }
    }
}

impl State {
    /// A client puts the key, or deletes it if it exists.
    pub fn write(&self, change: Change) -> Option<State> {
        let mut next = *self;
        let revision = usize::from(self.revision());
        let exists = revision > 0 && self.changes[revision - 1] == Some(Change::Put);
        *next.changes.get_mut(revision)? = Some(change);
        next.database[revision] = true;
        next.index[revision] = true;
        (change == Change::Put || exists).then_some(next)
    }

    /// A compaction is noted on disk, once the one before is finished. A watch that has not come so
    /// far is closed.
    pub fn compact(&self, revision: u8) -> Option<State> {
        let mut next = State { scheduled: revision, ..*self };
        next.watch = self.watch.filter(|watch| watch.next >= revision);
        next.budgets.compactions = self.budgets.compactions.checked_sub(1)?;
        let allowed = self.scheduled < revision && revision <= self.revision();
        (allowed && self.finished == self.scheduled).then_some(next)
    }

    /// The member removes a revision from its database that the compaction does not keep.
    pub fn remove(&self, revision: u8, is_kept: fn(&State, u8) -> bool) -> Option<State> {
        let mut next = *self;
        let removed = self.is_removed(revision, is_kept);
        next.database[usize::from(revision) - 1] = false;
        removed.then_some(next)
    }

    /// Nothing is left to remove: the compaction is noted as finished.
    pub fn finish(&self, is_kept: fn(&State, u8) -> bool) -> Option<State> {
        let mut next = State { finished: self.scheduled, ..*self };
        let removes = (1..=self.scheduled).any(|revision| self.is_removed(revision, is_kept));
        for revision in 1..=self.scheduled {
            next.index[usize::from(revision) - 1] &= is_kept(self, revision);
        }
        (self.finished < self.scheduled && !removes).then_some(next)
    }

    /// The member crashes, and builds its index from the database. Watches are closed.
    pub fn crash(&self) -> Option<State> {
        let mut next = State { index: self.database, watch: None, ..*self };
        next.budgets.crashes = self.budgets.crashes.checked_sub(1)?;
        Some(next)
    }

    /// A client watches from a revision on that is not compacted.
    pub fn open_watch(&self, revision: u8) -> Option<State> {
        let mut next = *self;
        next.budgets.watches = self.budgets.watches.checked_sub(1)?;
        next.watch = Some(Watch { next: revision, delivered: 0 });
        let range = self.scheduled.max(1)..=self.revision();
        range.contains(&revision).then_some(next)
    }

    /// The watch delivers the next revision that the database has.
    pub fn deliver_event(&self) -> Option<State> {
        let mut next = *self;
        let watch = next.watch.as_mut()?;
        let has = |revision: &u8| self.database[usize::from(*revision) - 1];
        let delivered = (watch.next..=self.revision()).find(has)?;
        *watch = Watch { next: delivered + 1, delivered };
        Some(next)
    }

    /// The newest revision.
    pub fn revision(&self) -> u8 {
        self.changes.iter().flatten().count() as u8
    }

    /// Whether a compaction keeps this revision: the newest that the index knows up to the
    /// compaction, unless it is a tombstone from before.
    pub fn is_kept(&self, revision: u8) -> bool {
        let newest = self.newest_known();
        newest == Some(revision)
            && (self.change(revision) == Some(Change::Put) || revision == self.scheduled)
    }

    pub(super) fn newest_known(&self) -> Option<u8> {
        (1..=self.scheduled).rev().find(|revision| self.index[usize::from(*revision) - 1])
    }

    pub(super) fn change(&self, revision: u8) -> Option<Change> {
        self.changes.get(usize::from(revision).checked_sub(1)?).copied().flatten()
    }

    fn is_removed(&self, revision: u8, is_kept: fn(&State, u8) -> bool) -> bool {
        let compacts = self.finished < self.scheduled && revision <= self.scheduled;
        compacts && self.database[usize::from(revision) - 1] && !is_kept(self, revision)
    }
}
