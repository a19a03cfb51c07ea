//! What room a scheduler sees: the places of a Node, those that Pods take, and those that are kept for others.

use std::collections::BTreeMap;

use api::Key;
use k8s_openapi::api::core::v1::Pod;

use super::claims::{is_guarded, node_of, priority};
use super::replica::Running;

impl Running {
    /// Where a Pod is assumed.
    pub(super) fn assumed_on(&self, key: &Key, uid: &str) -> Option<&str> {
        let nodes = self.dump.nodes.iter();
        let mut found = nodes.filter(|(_, node)| {
            node.pods.get(key).is_some_and(|pod| pod.is_assumed && pod.uid == uid)
        });
        found.next().map(|(name, _)| name.as_str())
    }

    /// How many places of a Node no Pod takes.
    pub(super) fn room_of(&self, name: &str) -> i64 {
        let node = self.view.nodes.get(&Key::cluster(name));
        let status = node.and_then(|node| node.status.as_ref());
        let cpus = status.and_then(|status| status.allocatable.as_ref()?.get("cpu"));
        let places: i64 = cpus.and_then(|cpus| cpus.0.parse().ok()).unwrap_or(0);
        let taken = self.dump.nodes.get(name).map_or(0, |node| node.pods.len());
        places - i64::try_from(taken).unwrap_or(i64::MAX)
    }

    /// A Pod that is more important, waits, and says that it is nominated to a Node.
    pub(super) fn nominated_above(&self, name: &str, pod: &Pod) -> Option<Key> {
        let nominated = |other: &Pod| {
            let status = other.status.as_ref();
            status.and_then(|status| status.nominated_node_name.clone())
        };
        let mut pods = self.view.pods.iter().filter(|other| node_of(other).is_none());
        let found = pods.find(|other| {
            priority(other) > priority(pod) && nominated(other).as_deref() == Some(name)
        });
        found.map(|other| Key::of(&other.metadata))
    }

    fn promised(&self, name: &str, is_meant: impl Fn(&Pod) -> bool) -> i64 {
        let nominated = self.dump.nominated.iter().filter(|(_, node)| *node == name);
        let pods = nominated.filter_map(|(key, _)| self.view.pods.get(key));
        i64::try_from(pods.filter(|other| is_meant(other)).count()).unwrap_or(i64::MAX)
    }

    /// How much room there is on a Node for a Pod.
    fn room_for(&self, pod: &Pod, name: &str) -> i64 {
        let is_other = |other: &Pod| other.metadata.name != pod.metadata.name;
        let is_kept = |other: &Pod| is_other(other) && priority(other) >= priority(pod);
        self.room_of(name) - self.promised(name, is_kept)
    }

    /// The Nodes that the scheduler considers.
    fn nodes(&self) -> impl Iterator<Item = &str> {
        self.dump.nodes.iter().filter(|(_, node)| node.is_there).map(|(name, _)| name.as_str())
    }

    /// A Node that has room for a Pod.
    pub(super) fn node_with_room(&self, pod: &Pod) -> Option<&str> {
        self.nodes().find(|name| self.room_for(pod, name) > 0)
    }

    /// Whether something has happened that may help a Pod: room was made, a Node has come, or a Pod has gone.
    pub(super) fn may_help_since(&self, before: &Self, pod: &Pod) -> bool {
        let is_counted =
            |key: &Key| self.dump.nodes.values().any(|node| node.pods.contains_key(key));
        let is_known = |name: &str| {
            let uid = |running: &Self| {
                running.view.nodes.get(&Key::cluster(name)).map(|node| node.metadata.uid.clone())
            };
            uid(self) == uid(before)
        };
        self.nodes().any(|name| self.room_for(pod, name) > before.room_for(pod, name))
            || self.nominations() != before.nominations()
            || !self.nodes().all(is_known)
            || !before.dump.nodes.values().flat_map(|node| node.pods.keys()).all(is_counted)
    }

    /// The Nodes to which Pods are nominated, as the scheduler knows it and as their status says it.
    fn nominations(&self) -> (&BTreeMap<Key, String>, Vec<Option<&str>>) {
        let said = self.view.pods.iter().filter_map(|pod| pod.status.as_ref());
        (&self.dump.nominated, said.map(|said| said.nominated_node_name.as_deref()).collect())
    }

    /// A Pod that is less important, and that no budget protects.
    pub(super) fn unguarded_victim(&self, pod: &Pod) -> Option<Key> {
        let is_meant = |key: &&Key| {
            let other = self.view.pods.get(key);
            other.is_some_and(|other| !is_guarded(other) && priority(other) < priority(pod))
        };
        let nodes = self.nodes().filter_map(|name| self.dump.nodes.get(name));
        nodes.flat_map(|node| node.pods.keys()).find(is_meant).cloned()
    }

    /// A Pod that is less important and terminates on a Node.
    pub(super) fn terminating_victim(&self, node: &str, pod: &Pod) -> Option<Key> {
        let on_it = self.dump.nodes.get(node).filter(|node| node.is_there)?.pods.keys();
        let mut meant = on_it.filter(|key| {
            let other = self.view.pods.get(key);
            other.is_some_and(|other| {
                other.metadata.deletion_timestamp.is_some() && priority(other) < priority(pod)
            })
        });
        meant.next().cloned()
    }
}
