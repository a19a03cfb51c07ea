//! What happened over all rounds, in the order of revisions, and whether what processes said agrees with it.
//!
//! The order is not searched: each write names its revision. Writes and reads are linearizable if they, at the
//! revisions that they name, find what the writes before have left, and if none names a revision from before it began.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use store::{Revision, Store};

use crate::child::{self, GROUP};
use crate::line::{Change, Line, Number};

/// All that is known.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// What happened at each revision.
    changes: BTreeMap<Number, Vec<Change>>,
    /// By which revisions each key was changed, and what it was then.
    keys: BTreeMap<String, BTreeMap<Number, Option<(String, i64)>>>,
    /// The revision up to which a watch has heard of everything.
    heard: Number,
    /// Leases that were granted and are not being revoked; those that were revoked.
    granted: BTreeSet<i64>,
    revoked: BTreeSet<i64>,
    compacted: Number,
    writes: usize,
    reads: usize,
}

/// The revision of a store to which nothing has happened.
const BEGINNING: Number = 1;

type Checked = Result<(), String>;

fn must(holds: bool, why: impl FnOnce() -> String) -> Checked {
    if holds { Ok(()) } else { Err(why()) }
}

impl History {
    /// The revision after which a watch goes on.
    pub(crate) fn heard(&self) -> Number {
        self.heard.max(BEGINNING)
    }

    /// Whether nothing has happened yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// Whether what is tried has happened at all, and not only once.
    pub(crate) fn is_rich(&self, kills: u64) -> bool {
        let enough = |count: usize| count as u64 > kills;
        enough(self.writes)
            && enough(self.reads)
            && enough(self.revoked.len())
            && self.compacted > kills
    }

    /// Adds what a process has said, and what the store holds after it was killed.
    pub(crate) fn continue_with(&mut self, lines: &[Line], store: &Store) -> Checked {
        let last = self.last();
        must(store.revision().0 >= last, || format!("revision {last} is lost"))?;
        self.hear(lines)?;
        self.find(store)?;
        self.check_begun(lines, last)?;
        self.check_order(lines, store)?;
        self.check_leases(lines, store)?;
        self.check_present(store)
    }

    /// The last revision.
    fn last(&self) -> Number {
        self.changes.keys().next_back().copied().unwrap_or(BEGINNING)
    }

    /// A watch hears of each revision once. Those after the one of which the watch before has heard come first.
    fn hear(&mut self, lines: &[Line]) -> Checked {
        for line in lines {
            if let Line::Heard(revision, changes) = line {
                let due = self.heard() + 1;
                must(*revision == due, || format!("revision {revision} was heard of, not {due}"))?;
                self.add(*revision, changes)?;
                self.heard = *revision;
            }
        }
        Ok(())
    }

    /// What the store remembers is what is known, or comes next.
    fn find(&mut self, store: &Store) -> Checked {
        let start = Revision(store.oldest().0.saturating_sub(1));
        let events: Vec<_> =
            store.events_after(start).map_err(|error| error.to_string())?.collect();
        for events in events.chunk_by(|one, next| one.now.mod_revision == next.now.mod_revision) {
            self.add(events[0].now.mod_revision.0, &child::changes(events.iter().copied()))?;
        }
        let (last, revision) = (self.last(), store.revision());
        must(revision.0 == last, || format!("the store is at {revision}, and {last} is known"))
    }

    fn add(&mut self, revision: Number, changes: &[Change]) -> Checked {
        if let Some(known) = self.changes.get(&revision) {
            return must(known == changes, || {
                format!("revision {revision} was {known:?}, and is {changes:?}")
            });
        }
        let due = self.last() + 1;
        must(revision == due, || format!("revision {due} is missing before {revision}"))?;
        for change in changes {
            self.check_made_from(change, revision)?;
            let key = self.keys.entry(change.key.clone()).or_default();
            key.insert(revision, change.written.clone());
        }
        self.changes.insert(revision, changes.to_vec());
        self.check_whole(revision)
    }

    /// Who changes a shared key says which revision was read before.
    fn check_made_from(&self, Change { key, written }: &Change, revision: Number) -> Checked {
        match written {
            Some((name, _)) if key.starts_with("shared") => {
                let before = self.modified(key, revision);
                must(name.ends_with(&format!(".{before}")), || {
                    format!("{name} was written at {revision} over what {before} had left")
                })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Of a group of keys all are written at once; the first is, or is not there afterwards.
    fn check_whole(&self, revision: Number) -> Checked {
        let changes = &self.changes[&revision];
        let mut grouped = changes.iter().filter(|change| change.key.starts_with("group"));
        let Some(Change { key, written: Some((name, _)) }) = grouped.next_back() else {
            return must(changes.len() == 1, || format!("revision {revision} is {changes:?}"));
        };
        let group = key.rsplit_once('-').map_or("", |(group, _)| group);
        let is_whole = (0..GROUP).all(|number| {
            let key = self.keys.get(&format!("{group}-{number}"));
            match key.and_then(|key| key.range(..=revision).next_back()) {
                Some((_, None)) | None => number == 0,
                Some((_, Some((written, _)))) => written == name,
            }
        });
        must(is_whole, || format!("of the group at {revision} there is only {changes:?}"))
    }

    /// Nobody has written what nobody has begun to write.
    fn check_begun(&self, lines: &[Line], last: Number) -> Checked {
        let begun: BTreeSet<_> = lines.iter().filter_map(Line::begun).collect();
        let changes = self.changes.range(last + 1..).flat_map(|(_, changes)| changes);
        let mut names = changes.filter_map(|change| change.written.as_ref());
        let foreign = names.find(|(name, _)| !begun.contains(name.as_str()));
        must(foreign.is_none(), || format!("nobody has begun to write {foreign:?}"))
    }

    /// Whoever was answered finds its revision in the history. None is older than what was known to anyone when it
    /// began, and none is newer than what the store holds.
    fn check_order(&mut self, lines: &[Line], store: &Store) -> Checked {
        let mut known = BEGINNING;
        let mut begun = HashMap::new();
        for line in lines {
            if let Some(name) = line.begun() {
                begun.insert(name, known);
            }
            let Some((name, revision)) = line.found() else { continue };
            let since = name.map_or(known, |name| begun[name]);
            must(revision >= since, || format!("{line} began when {since} was known"))?;
            must(revision <= store.revision().0, || format!("{line} is lost"))?;
            self.check_answer(line, since)?;
            known = known.max(revision);
        }
        Ok(())
    }

    fn check_answer(&mut self, line: &Line, since: Number) -> Checked {
        match line {
            Line::Wrote(name, revision) => {
                self.writes += 1;
                let wrote =
                    |change: &Change| change.written.as_ref().is_some_and(|(by, _)| by == name);
                let is_there = self.changes.get(revision).is_some_and(|all| all.iter().any(wrote));
                must(*revision > since && is_there, || format!("{line} is not so"))
            }
            Line::Read(_, revision, key, modified) => {
                self.reads += 1;
                let there = self.modified(key, revision + 1);
                must(*modified == there, || format!("{line}, and {there} was there"))
            }
            Line::Opened(_) | Line::Begins(_) | Line::Kept(..) | Line::Granted(_) => Ok(()),
            Line::Revokes(_) | Line::Revoked(_) | Line::Compacted(_) | Line::Heard(..) => Ok(()),
        }
    }

    /// By which revision a key was there before another one; 0 if it was not.
    fn modified(&self, key: &str, before: Number) -> Number {
        let last = self.keys.get(key).and_then(|key| key.range(..before).next_back());
        last.map_or(0, |(revision, written)| if written.is_some() { *revision } else { 0 })
    }

    fn check_leases(&mut self, lines: &[Line], store: &Store) -> Checked {
        for line in lines {
            match line {
                Line::Granted(lease) => drop(self.granted.insert(*lease)),
                Line::Revokes(lease) => drop(self.granted.remove(lease)),
                Line::Revoked(lease) => drop(self.revoked.insert(*lease)),
                Line::Compacted(revision) => self.compacted = *revision,
                Line::Opened(_) | Line::Begins(_) | Line::Wrote(..) | Line::Kept(..) => {}
                Line::Read(..) | Line::Heard(..) => {}
            }
        }
        let held: BTreeSet<_> = store.leases().map(|(id, _)| id.0).collect();
        let lost = self.granted.difference(&held).next();
        must(lost.is_none(), || format!("lease {lost:?} is lost"))?;
        let back = self.revoked.intersection(&held).next();
        must(back.is_none(), || format!("lease {back:?} was revoked, and is there"))?;
        must(store.compacted().0 >= self.compacted, || {
            format!("{} was compacted, now {} is", self.compacted, store.compacted())
        })
    }

    /// Each key is what the last write has left, and so is each lease.
    fn check_present(&self, store: &Store) -> Checked {
        let mut due = BTreeMap::new();
        for (key, changes) in &self.keys {
            if let Some((revision, Some((name, lease)))) = changes.iter().next_back() {
                due.insert(key.as_bytes(), (*revision, name.as_str(), *lease));
            }
        }
        must(store.len() == due.len(), || format!("{} keys, not {}", store.len(), due.len()))?;
        for found in store.iter() {
            let key = String::from_utf8_lossy(&found.key);
            let (revision, name, lease) = *due.get(&*found.key).ok_or(format!("{key} is there"))?;
            let is_due = found.mod_revision.0 == revision
                && *found.value == *child::value(name)
                && found.lease.0 == lease
                && (lease == 0
                    || store.lease(found.lease).is_some_and(|of| of.keys.contains(&found.key)));
            must(is_due, || format!("{found:?}, and {name} was written at {revision}"))?;
        }
        Ok(())
    }
}

impl Line {
    /// Who begins.
    fn begun(&self) -> Option<&str> {
        match self {
            Line::Begins(name) => Some(name),
            Line::Opened(_) | Line::Wrote(..) | Line::Kept(..) | Line::Read(..) => None,
            Line::Granted(_) | Line::Revokes(_) | Line::Revoked(_) => None,
            Line::Compacted(_) | Line::Heard(..) => None,
        }
    }

    /// Who has found the store at which revision.
    fn found(&self) -> Option<(Option<&str>, Number)> {
        match self {
            Line::Wrote(name, revision) | Line::Kept(name, revision) => {
                Some((Some(name), *revision))
            }
            Line::Read(name, revision, ..) => Some((Some(name), *revision)),
            Line::Opened(revision) => Some((None, *revision)),
            Line::Heard(..) | Line::Compacted(_) | Line::Begins(_) => None,
            Line::Granted(_) | Line::Revokes(_) | Line::Revoked(_) => None,
        }
    }
}

impl fmt::Display for History {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { writes, reads, compacted, .. } = self;
        let (last, leases) = (self.last(), self.revoked.len());
        write!(
            formatter,
            "{writes} writes acknowledged and {reads} reads answered up to revision {last}, "
        )?;
        write!(formatter, "{leases} leases revoked, compacted to {compacted}")
    }
}
