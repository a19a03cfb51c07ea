//! What a scheduler knows and waits for, for whoever looks into it.
//!
//! Source: pkg/scheduler/backend/cache/debugger/dumper.go (v1.36).

use std::collections::{BTreeMap, BTreeSet};

use api::Key;

use super::Scheduler;
use crate::queue::Entry;

/// What a scheduler knows and waits for. Two with equal dumps, whose caches show the same, decide the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Dump {
    /// Every node that is there, or on which pods count.
    pub nodes: BTreeMap<String, KnownNode>,
    /// The pods that wait for a node.
    pub queue: BTreeMap<Key, Entry>,
    /// The nodes where others make room for pods.
    pub nominated: BTreeMap<Key, String>,
    /// The uids of pods whose binding was not answered yet.
    pub binding: BTreeSet<String>,
    /// Pods for which others have to go, with those whose deletion was not answered yet.
    pub preempting: BTreeMap<Key, BTreeSet<Key>>,
    /// From which node on the next search begins.
    pub next_start_node: String,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct KnownNode {
    /// Whether it is there.
    pub is_there: bool,
    /// The pods that count on it.
    pub pods: BTreeMap<Key, CountedPod>,
}

/// A pod that counts on a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CountedPod {
    /// Its uid.
    pub uid: String,
    /// Whether it is about to be bound, and was not seen bound yet.
    pub is_assumed: bool,
}

impl Scheduler {
    /// What it knows and waits for.
    pub fn dump(&self) -> Dump {
        let nominated = self.cluster.nominations.all();
        let victims = |(key, preempting): (&Key, &super::Preempting)| {
            (key.clone(), preempting.victims().cloned().collect())
        };
        Dump {
            nodes: self.known_nodes(),
            queue: self.queue.entries(),
            nominated: nominated.map(|(key, node)| (key.clone(), node.to_owned())).collect(),
            binding: self.binding.keys().cloned().collect(),
            preempting: self.preempting.iter().map(victims).collect(),
            next_start_node: self.next_start_node.clone(),
        }
    }

    fn known_nodes(&self) -> BTreeMap<String, KnownNode> {
        let snapshot = &self.cluster.snapshot;
        let known = snapshot.known().map(|(name, info)| {
            let pods = info.pods().map(|pod| {
                let (key, uid) = (pod.key(), pod.uid().to_owned());
                let is_assumed = snapshot.is_assumed(&key, &uid);
                (key, CountedPod { uid, is_assumed })
            });
            let node = KnownNode { is_there: info.node.is_some(), pods: pods.collect() };
            (name.to_owned(), node)
        });
        known.collect()
    }
}

#[cfg(test)]
mod tests {
    use api::{AnyObject, Timestamp};
    use client::Change;
    use serde_json::json;

    use super::*;
    use crate::Configuration;
    use crate::queue::Waits;
    use crate::testing::{node, pod};

    #[test]
    fn a_dump_tells_what_is_assumed_and_what_waits() {
        let mut scheduler = Scheduler::new(Configuration::default());
        let wants = |name| pod(name, json!({"requests": {"cpu": "1500m"}}));
        let objects =
            [AnyObject::from(node("a", json!({}))), wants("one").into(), wants("two").into()];
        for object in objects {
            let change = Change { old: None, new: Some(object) };
            scheduler.observe(&change, Timestamp::UNIX_EPOCH);
        }

        scheduler.schedule_one(0, Timestamp::UNIX_EPOCH);

        let dump = scheduler.dump();
        let assumed = CountedPod { uid: "uid-one".to_owned(), is_assumed: true };
        assert_eq!(dump.nodes["a"].pods, [(Key::new("default", "one"), assumed)].into());
        assert_eq!(dump.queue[&Key::new("default", "two")].waits, Waits::Active(0));
        assert_eq!(dump.binding, ["uid-one".to_owned()].into());
    }
}
