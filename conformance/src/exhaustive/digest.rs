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
use crate::sim::world::CONTROLLERS;

/// What was written, by revision.
#[derive(Clone, Debug, Default)]
pub(super) struct Written {
    by_revision: BTreeMap<u64, u64>,
    /// The revisions of what there is now.
    current: BTreeSet<u64>,
    /// How many objects of each resource there ever were.
    created: BTreeMap<Vec<u8>, u64>,
}

impl Written {
    /// Takes in what was written since.
    pub(super) fn remember(&mut self, before: &Store, after: &Store) {
        for found in after.iter().filter(|found| found.mod_revision > before.revision()) {
            if found.create_revision > before.revision() {
                *self.created.entry(resource_of(&found.key)).or_default() += 1;
            }
            self.by_revision.insert(found.mod_revision.0, self.hash_of(found));
        }
        self.current = after.iter().map(|found| found.mod_revision.0).collect();
    }

    fn hash_of(&self, found: &KeyValue) -> u64 {
        let mut hasher = DefaultHasher::new();
        found.key.hash(&mut hasher);
        self.take_in(&String::from_utf8_lossy(&found.value), &mut hasher);
        hasher.finish()
    }

    /// How many objects there ever were of the resource that this path names.
    pub(super) fn created(&self, resource: &str) -> u64 {
        let of_resource = |(prefix, _): &(&Vec<u8>, &u64)| {
            String::from_utf8_lossy(prefix).contains(&format!("/{resource}/"))
        };
        self.created.iter().filter(of_resource).map(|(_, number)| number).sum()
    }

    /// Hashes a text, each revision in it as what was written with it.
    fn take_in(&self, text: &str, hasher: &mut DefaultHasher) {
        let mut parts = text.split("resourceVersion");
        parts.next().hash(hasher);
        for part in parts {
            let is_digit = |character: char| character.is_ascii_digit();
            let begin = part.find(is_digit).filter(|begin| *begin < "\\\": String(\\\"".len());
            let (head, rest) = part.split_at(begin.unwrap_or(0));
            let end = rest.find(|character| !is_digit(character)).unwrap_or(rest.len());
            let (number, rest) = rest.split_at(end);
            let revision = number.parse().ok().filter(|_| begin.is_some());
            (head, revision.map(|revision| self.of(revision)), rest).hash(hasher);
        }
    }

    /// What was written at a revision, and whether it is there still. Of deletions, and of what was written
    /// over at once, nothing is known but the revision.
    fn of(&self, revision: u64) -> (u64, bool) {
        let hash = self.by_revision.get(&revision).copied();
        (hash.unwrap_or(revision), self.current.contains(&revision))
    }
}

/// The first bytes of a key, up to its resource.
fn resource_of(key: &[u8]) -> Vec<u8> {
    let slashes = key.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    let end = slashes.take(3).last().unwrap_or(0);
    key[..=end].to_vec()
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
        self.written.take_in(&text, &mut hasher);
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
