//! What tells one state from another, in 64 bits.
//!
//! Two orders of independent writes lead to the same objects with other revisions. Nothing depends on a
//! revision but whether it is that of an object as it is, so each stands here for what was written with it,
//! and whether that is there still.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

use api::{ApiResource, resources};
use apiserver::keys;
use store::{KeyValue, Store};

use super::cluster::Cluster;
use super::revisions;
use crate::sim::world::CONTROLLERS;

/// What was written, by revision.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    by_revision: BTreeMap<u64, u64>,
    /// The revisions of what there is now.
    current: BTreeSet<u64>,
    /// How many objects of each resource there ever were.
    created: BTreeMap<&'static str, usize>,
}

impl Written {
    /// Takes in what was written since.
    pub(super) fn remember(&mut self, before: &Store, after: &Store) {
        if before.revision() == after.revision() {
            return;
        }
        for resource in resources::ALL {
            let range = keys::range(resource, None);
            let new = after.range(&range).filter(|one| one.create_revision > before.revision());
            *self.created.entry(resource.plural).or_default() += new.count();
        }
        for found in after.iter().filter(|found| found.mod_revision > before.revision()) {
            self.by_revision.insert(found.mod_revision.0, self.hash_of(found));
        }
        self.current = after.iter().map(|found| found.mod_revision.0).collect();
    }

    fn hash_of(&self, found: &KeyValue) -> u64 {
        let mut hasher = DefaultHasher::new();
        let value = String::from_utf8_lossy(&found.value);
        (&found.key, self.without_revisions(&value)).hash(&mut hasher);
        hasher.finish()
    }

    /// How many objects of a resource there ever were.
    pub(super) fn created(&self, resource: &ApiResource) -> usize {
        self.created.get(resource.plural).copied().unwrap_or_default()
    }

    /// A text with what was written in place of each revision.
    fn without_revisions(&self, text: &str) -> String {
        revisions::replace(text, |revision| format!("{:?}", self.of(revision)))
    }

    /// What was written at a revision, and whether it is there still. Of deletions, and of what was written
    /// over at once, nothing is known but the revision.
    fn of(&self, revision: u64) -> (u64, bool) {
        let hash = self.by_revision.get(&revision).copied();
        (hash.unwrap_or(revision), self.current.contains(&revision))
    }
}

impl Cluster {
    /// The hash of everything that what happens next depends on. Of scheduler, kubelets and machines it is
    /// enough to know what they had to do with when they last worked, and whether they have something to do.
    pub(super) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let world = &self.world;
        (world.now, self.left(), self.rested).hash(&mut hasher);
        (world.is_certain, world.is_steady, self.has_rest()).hash(&mut hasher);
        self.digest_of(resources::ALL).hash(&mut hasher);
        let mut text = format!("{:?}{:?}", world.processes[CONTROLLERS], world.ledger);
        for flight in world.flights.values().filter(|flight| flight.process() == Some(CONTROLLERS))
        {
            write!(text, "{flight:?}").expect("a text takes everything");
        }
        self.written.without_revisions(&text).hash(&mut hasher);
        hasher.finish()
    }

    /// The hash of every object of these resources.
    pub(super) fn digest_of(&self, of: &[&ApiResource]) -> u64 {
        let mut hasher = DefaultHasher::new();
        for resource in of {
            let range = keys::range(resource, None);
            for found in self.world.server.published.range(&range) {
                self.written.of(found.mod_revision.0).hash(&mut hasher);
            }
        }
        hasher.finish()
    }
}
