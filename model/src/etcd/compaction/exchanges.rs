//! What a client sees of the member that compacts.

use super::{Action, Change, CompactionSlice, State};
use crate::etcd::exchange::{Ask, Event, Exchange, Key, Seen, Told, View};

impl Seen for CompactionSlice {
    fn exchanges(_: &State, action: Action, after: &State) -> Vec<Exchange> {
        let (ask, told) = match action {
            Action::Put => (Ask::Put { key: 0, lease: false }, Told::Written),
            Action::Delete => (Ask::Delete { key: 0 }, Told::Written),
            Action::Compact { revision } => (Ask::Compact { revision }, Told::Done),
            Action::Watch { revision } => (Ask::Watch { revision }, Told::Done),
            Action::Crash => (Ask::Restart, Told::Done),
            Action::DeliverEvent => (Ask::Listen, after.told()),
            Action::Remove { .. } | Action::Finish => return vec![],
        };
        vec![Exchange { ask, told, then: after.view() }]
    }
}

impl State {
    /// The event that was delivered last.
    fn told(&self) -> Told {
        let revision = self.watch.map_or(0, |watch| watch.delivered);
        let put = self.change(revision) == Some(Change::Put);
        Told::Events { events: vec![Event { revision, put }] }
    }

    fn view(&self) -> View {
        let past = (self.scheduled.max(1)..=self.revision()).map(|revision| self.put_at(revision));
        let newest = Some(self.put_at(self.revision())).filter(|revision| *revision > 0);
        let key = newest.map(|revision| Key { mod_revision: Some(revision), leased: false });
        View { keys: [key, None], compacted: self.scheduled, past: past.collect() }
    }

    /// The revision of the put that a read at a revision finds, zero if the key does not exist: what the
    /// index knows, of what the database has.
    fn put_at(&self, revision: u8) -> u8 {
        let known = |at: &u8| self.index[usize::from(*at) - 1];
        let found = (1..=revision).rev().find(known).unwrap_or(0);
        match self.change(found) {
            Some(Change::Put) if self.database[usize::from(found) - 1] => found,
            Some(Change::Put | Change::Delete) | None => 0,
        }
    }
}
