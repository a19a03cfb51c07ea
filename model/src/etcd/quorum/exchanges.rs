//! What clients see of three members: answers to writes, and the watch. Which member answers they do not
//! see, nor what it has not applied yet: they read what is acknowledged.

use super::{Action, Data, Entry, KEYS, QuorumSlice, SELECTED, State};
use crate::etcd::exchange::{Ask, Event, Exchange, Key, Seen, Told, View};

impl Seen for QuorumSlice {
    fn exchanges(before: &State, action: Action, after: &State) -> Vec<Exchange> {
        match action {
            Action::Acknowledge => {
                (before.acknowledged..after.acknowledged).map(|entry| after.answer(entry)).collect()
            }
            Action::DeliverEvent => after.events_since(before).into_iter().collect(),
            Action::Propose { .. }
            | Action::Persist { .. }
            | Action::Apply { .. }
            | Action::Flush { .. }
            | Action::Crash { .. }
            | Action::ChangeLeader { .. }
            | Action::LearnOfLeader
            | Action::ReadSerializable { .. }
            | Action::StartRead { .. }
            | Action::AskLeader { .. }
            | Action::AskAgain { .. }
            | Action::AnswerHeartbeat { .. }
            | Action::ReceiveHeartbeat { .. }
            | Action::AnswerRead { .. }
            | Action::NotifyProgress => vec![],
        }
    }
}

impl State {
    /// What the client is told of an entry.
    fn answer(&self, entry: u8) -> Exchange {
        let (old, new) = (self.data_after(entry), self.data_after(entry + 1));
        let ask = match self.log[usize::from(entry)] {
            Some(Entry::PutSecond) => Ask::Put { key: 1, lease: false },
            Some(Entry::Transaction) => Ask::CreateBoth,
            Some(Entry::PutFirst) | None => Ask::Put { key: 0, lease: false },
        };
        let told = if new.revision > old.revision { Told::Written } else { Told::Unequal };
        Exchange { ask, told, then: self.view(entry + 1) }
    }

    /// What the watch has delivered: every change of its key, as far as clients know of it.
    fn events_since(&self, before: &State) -> Option<Exchange> {
        let (from, to) = (before.watch?.revision, self.watch?.revision);
        let mut revisions: Vec<u8> = (0..=self.acknowledged)
            .map(|entries| self.data_after(entries).keys[SELECTED])
            .filter(|revision| (from + 1..=to).contains(revision))
            .collect();
        revisions.dedup();
        let events = revisions.into_iter().map(|revision| Event { revision, put: true }).collect();
        let is_known = self.data_after(self.acknowledged).keys[SELECTED] >= to;
        let then = self.view(self.acknowledged);
        is_known.then_some(Exchange { ask: Ask::Listen, told: Told::Events { events }, then })
    }

    fn view(&self, entries: u8) -> View {
        let key = |revision: u8| {
            (revision > 0).then_some(Key { mod_revision: Some(revision), leased: false })
        };
        let now = self.data_after(entries);
        let mut past: Vec<(u8, u8)> = (1..=entries)
            .map(|entries| self.data_after(entries))
            .map(|data| (data.revision, data.keys[SELECTED]))
            .collect();
        past.dedup();
        let past = past.into_iter().map(|(_, first)| first).collect();
        View { keys: now.keys.map(key), compacted: 0, past }
    }

    /// The data after so many entries of the log.
    fn data_after(&self, entries: u8) -> Data {
        let entries = self.log.iter().flatten().take(usize::from(entries));
        entries.fold(Data { revision: 0, keys: [0; KEYS] }, |data, entry| data.after(*entry))
    }
}
