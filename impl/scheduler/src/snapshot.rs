//! Every node with its pods, among them those that are assumed: bound by a decision that the cache does
//! not show yet.
//!
//! Source: pkg/scheduler/backend/cache (v1.36). An assumed pod counts until it is seen bound, is deleted,
//! or its binding fails. Pods of a deleted node count when it comes back (k#93938).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use api::{Key, storage};
use k8s_openapi::api::core::v1::{ContainerImage, Node};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::changes::Changes;
use crate::crowds::{self, Crowd, Crowds, Places};
use crate::node_info::{Labels, NodeInfo, PodInfo};
use crate::plugins::pod_topology_spread::ZONE;

/// What the scheduler decides on.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    nodes: BTreeMap<String, NodeInfo>,
    /// Where each pod counts.
    places: BTreeMap<Key, Place>,
    crowds: Crowds,
    /// How many nodes have each value of each label.
    domains: BTreeMap<String, Places>,
    images: BTreeMap<String, ImageState>,
    /// How many nodes are there.
    nodes_len: usize,
    changes: Changes,
}

/// An image that nodes have.
#[derive(Clone, Debug)]
pub struct ImageState {
    /// Its size, as the first node that had it said.
    pub size_bytes: i64,
    /// The nodes that have it.
    pub nodes: BTreeSet<String>,
}

#[derive(Clone, Debug)]
struct Place {
    node: String,
    uid: String,
    assumed: bool,
}

impl Snapshot {
    /// The nodes that are there, by name.
    pub fn nodes(&self) -> impl Iterator<Item = &NodeInfo> {
        self.nodes.values().filter(|info| info.node.is_some())
    }

    /// Every node that is there, or on which pods count.
    pub fn known(&self) -> impl Iterator<Item = (&str, &NodeInfo)> {
        self.nodes.iter().map(|(name, info)| (name.as_str(), info))
    }

    /// The nodes that are there, from this name on.
    pub fn nodes_from(&self, name: &str) -> impl Iterator<Item = &NodeInfo> {
        self.between(Bound::Included(name), Bound::Unbounded)
    }

    /// The nodes that are there, up to this name and without it.
    pub fn nodes_before(&self, name: &str) -> impl Iterator<Item = &NodeInfo> {
        self.between(Bound::Unbounded, Bound::Excluded(name))
    }

    fn between(&self, from: Bound<&str>, to: Bound<&str>) -> impl Iterator<Item = &NodeInfo> {
        let nodes = self.nodes.range::<str, _>((from, to));
        nodes.map(|(_, info)| info).filter(|info| info.node.is_some())
    }

    /// How many nodes are there.
    pub fn nodes_len(&self) -> usize {
        self.nodes_len
    }

    /// The nodes that plugins may see otherwise than before, for themselves or for their pods.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The pods, each with those that are the same to others.
    pub fn crowds(&self) -> &Crowds {
        &self.crowds
    }

    /// Where the pods of a crowd are, by the values of a label of nodes.
    pub fn places(&self, crowd: &Crowd, key: &str) -> Arc<Places> {
        crowd.places(key, |name| self.node(name).map(NodeInfo::labels))
    }

    /// How many nodes have each value of a label, if all nodes have it.
    pub fn domains(&self, key: &str) -> Option<&Places> {
        let domains = self.domains.get(key)?;
        let nodes = i64::try_from(self.nodes_len).ok()?;
        (domains.values().sum::<i64>() == nodes).then_some(domains)
    }

    /// From now on pods are counted by the values of this label of nodes, which pods ask for. Not where no node has
    /// it: pods can make up any number of labels.
    pub fn track(&mut self, key: &str) {
        if self.domains.contains_key(key) {
            let nodes = &self.nodes;
            self.crowds.track(key, |name| nodes.get(name).map(NodeInfo::labels));
        }
    }

    /// Counts by what the terms and constraints of a pod that waits will ask for.
    pub fn track_wishes(&mut self, pod: &PodInfo) {
        self.track_terms(pod);
        self.track(ZONE);
        let constraints = pod.spec().and_then(|spec| spec.topology_spread_constraints.as_ref());
        for constraint in constraints.into_iter().flatten() {
            self.track(&constraint.topology_key);
        }
    }

    fn track_terms(&mut self, pod: &PodInfo) {
        for key in pod.affinity.iter().flat_map(|terms| terms.topology_keys()) {
            self.track(key);
        }
    }

    /// An image that some node has.
    pub fn image(&self, name: &str) -> Option<&ImageState> {
        self.images.get(name)
    }

    /// A node of this name that is there.
    pub fn node(&self, name: &str) -> Option<&NodeInfo> {
        self.nodes.get(name).filter(|info| info.node.is_some())
    }

    /// Whether a pod on any node uses a claim that is not its own.
    pub fn uses_claim(&self, claim: &Key) -> bool {
        let uses = |pod: &PodInfo| {
            pod.namespace() == claim.namespace
                && storage::claims_of_pod(&pod.pod)
                    .any(|(name, is_own)| !is_own && name == claim.name)
        };
        self.nodes.values().flat_map(NodeInfo::pods).any(uses)
    }

    /// Takes a node as it is now.
    pub fn set_node(&mut self, node: Arc<Node>) {
        let name = node.metadata.name.clone().unwrap_or_default();
        let old = self.node(&name).and_then(|info| info.node.clone());
        self.nodes_len += usize::from(old.is_none());
        if old.as_deref().is_none_or(|old| images(old) != images(&node)) {
            self.remove_images(&name, old.as_deref());
            self.add_images(&name, &node);
        }
        if old.as_deref().is_none_or(|old| is_seen_otherwise(old, &node)) {
            self.changes.add(&name);
        }
        let old_labels = old.as_deref().and_then(|old| old.metadata.labels.clone());
        let labels = node.metadata.labels.clone();
        self.nodes.entry(name.clone()).or_default().set_node(node);
        if old.is_none() || old_labels != labels {
            self.relabel(&name, &old_labels.unwrap_or_default(), &labels.unwrap_or_default());
        }
    }

    /// Counts a node and its pods by other labels.
    fn relabel(&mut self, name: &str, old: &Labels, new: &Labels) {
        for (labels, by) in [(old, -1), (new, 1)] {
            for (key, value) in labels {
                let domains = self.domains.entry(key.clone()).or_default();
                crowds::change(domains, value, by);
                if domains.is_empty() {
                    self.domains.remove(key);
                }
            }
        }
        for pod in self.nodes.get(name).into_iter().flat_map(NodeInfo::pods) {
            self.crowds.relabel(pod, old, new);
        }
    }

    /// Forgets a node.
    pub fn remove_node(&mut self, name: &str) {
        let old = self.node(name).and_then(|info| info.node.clone());
        self.nodes_len -= usize::from(old.is_some());
        self.remove_images(name, old.as_deref());
        self.changes.add(name);
        if let Some(info) = self.nodes.get_mut(name) {
            info.remove_node();
        }
        let labels = old.and_then(|old| old.metadata.labels.clone()).unwrap_or_default();
        self.relabel(name, &labels, &Labels::new());
        self.drop_if_empty(name);
    }

    /// Counts a pod that is bound to a node.
    pub fn add_pod(&mut self, pod: PodInfo, node: &str) {
        self.place(pod, node, false);
    }

    /// Counts a pod that is about to be bound to a node.
    pub fn assume(&mut self, pod: PodInfo, node: &str) {
        self.place(pod, node, true);
    }

    /// Whether this pod is assumed, and not seen bound yet.
    pub fn is_assumed(&self, key: &Key, uid: &str) -> bool {
        self.places.get(key).is_some_and(|place| place.assumed && place.uid == uid)
    }

    /// A pod that counts on some node.
    pub fn pod(&self, key: &Key) -> Option<&PodInfo> {
        self.nodes.get(&self.places.get(key)?.node)?.pod(key)
    }

    /// The node on which a pod counts.
    pub fn node_of(&self, key: &Key) -> Option<&str> {
        self.places.get(key).map(|place| place.node.as_str())
    }

    /// Counts an assumed pod no more, because it was not bound. A pod that was seen bound stays.
    pub fn forget(&mut self, key: &Key, uid: &str) {
        if self.is_assumed(key, uid) {
            self.remove_pod(key);
        }
    }

    /// Counts a pod no more.
    pub fn remove_pod(&mut self, key: &Key) {
        if let Some(place) = self.places.remove(key) {
            if let Some(info) = self.nodes.get_mut(&place.node)
                && let Some(pod) = info.remove_pod(key)
            {
                self.crowds.remove(&pod, &place.node, info.labels());
            }
            self.changes.add(&place.node);
            self.drop_if_empty(&place.node);
        }
    }

    fn place(&mut self, pod: PodInfo, node: &str, assumed: bool) {
        let key = pod.key();
        self.remove_pod(&key);
        let place = Place { node: node.to_owned(), uid: pod.uid().to_owned(), assumed };
        self.places.insert(key, place);
        self.track_terms(&pod);
        let info = self.nodes.entry(node.to_owned()).or_default();
        self.crowds.add(&pod, node, info.labels());
        info.add_pod(pod);
        self.changes.add(node);
    }

    fn add_images(&mut self, name: &str, node: &Node) {
        for image in images(node) {
            for image_name in image.names.iter().flatten() {
                let size_bytes = image.size_bytes.unwrap_or(0);
                let new = || ImageState { size_bytes, nodes: BTreeSet::new() };
                let state = self.images.entry(image_name.clone()).or_insert_with(new);
                state.nodes.insert(name.to_owned());
            }
        }
    }

    fn remove_images(&mut self, name: &str, node: Option<&Node>) {
        let images = node.into_iter().flat_map(images);
        for image_name in images.flat_map(|image| image.names.iter().flatten()) {
            if let Some(state) = self.images.get_mut(image_name) {
                state.nodes.remove(name);
                if state.nodes.is_empty() {
                    self.images.remove(image_name);
                }
            }
        }
    }

    fn drop_if_empty(&mut self, name: &str) {
        if self.nodes.get(name).is_some_and(NodeInfo::is_empty) {
            self.nodes.remove(name);
        }
    }
}

/// Whether a node is another one to plugins that look at nothing but a node.
pub(crate) fn is_seen_otherwise(old: &Node, new: &Node) -> bool {
    old.metadata.labels != new.metadata.labels
        || old.spec != new.spec
        || allocatable(old) != allocatable(new)
}

fn allocatable(node: &Node) -> Option<&BTreeMap<String, Quantity>> {
    node.status.as_ref()?.allocatable.as_ref()
}

fn images(node: &Node) -> &[ContainerImage] {
    let status = node.status.as_ref();
    status.and_then(|status| status.images.as_deref()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::testing::{labelled, node, pod};

    #[test]
    fn a_node_that_is_created_again_keeps_its_pods_counted() {
        let mut snapshot = Snapshot::default();
        snapshot.set_node(node("a", json!({})));
        snapshot.add_pod(PodInfo::new(pod("web", json!({"requests": {"cpu": "1"}}))), "a");
        snapshot.remove_node("a");
        assert_eq!(snapshot.nodes().count(), 0);

        snapshot.set_node(node("a", json!({})));

        assert_eq!(snapshot.node("a").map(|info| info.requested.milli_cpu), Some(1000));
    }

    #[test]
    fn a_pod_that_was_seen_bound_is_not_forgotten() {
        let mut snapshot = Snapshot::default();
        snapshot.set_node(node("a", json!({})));
        let info = PodInfo::new(pod("web", json!({"requests": {"cpu": "1"}})));
        snapshot.assume(info.clone(), "a");
        snapshot.add_pod(info.clone(), "a");

        snapshot.forget(&info.key(), info.uid());

        assert_eq!(snapshot.node("a").map(|info| info.requested.milli_cpu), Some(1000));
    }
    #[test]
    fn pods_are_counted_by_no_label_that_no_node_has() {
        let mut snapshot = Snapshot::default();
        snapshot.set_node(node("a", json!({"metadata": {"labels": {"zone": "1"}}})));
        snapshot.add_pod(labelled("web", json!({}), json!({})), "a");

        for made_up in 0..1000 {
            snapshot.track(&format!("made-up-{made_up}"));
        }
        snapshot.track("zone");

        assert_eq!(
            snapshot.crowds().all().flat_map(Crowd::counted_by).collect::<Vec<_>>(),
            ["zone"]
        );
    }

    /// What happens to a node or a pod: to which, and which zone or node it has then.
    fn happenings() -> impl Strategy<Value = Vec<(usize, usize, usize)>> {
        proptest::collection::vec((0..6_usize, 0..4_usize, 0..3_usize), 0..40)
    }

    fn happens(snapshot: &mut Snapshot, (what, which, other): (usize, usize, usize)) {
        let name = which.to_string();
        let key = Key::new("default", &format!("pod-{which}"));
        match what {
            0 | 1 => {
                let labels =
                    if other == 0 { json!({}) } else { json!({"zone": other.to_string()}) };
                snapshot.set_node(node(&name, json!({"metadata": {"labels": labels}})));
            }
            2 => snapshot.remove_node(&name),
            3 => snapshot.remove_pod(&key),
            _ => {
                let labels = json!({"app": (which % 2).to_string()});
                let pod = labelled(&format!("pod-{which}"), labels, json!({}));
                snapshot.add_pod(pod, &other.to_string());
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_counted_as_it_comes_and_goes_is_what_is_there(
            before in happenings(),
            after in happenings(),
        ) {
            let mut snapshot = Snapshot::default();
            before.into_iter().for_each(|happening| happens(&mut snapshot, happening));
            snapshot.track("zone");
            after.into_iter().for_each(|happening| happens(&mut snapshot, happening));

            let (mut zones, mut places) = (BTreeMap::new(), BTreeMap::new());
            for node in snapshot.nodes() {
                let Some(zone) = node.label("zone") else { continue };
                *zones.entry(zone.to_owned()).or_insert(0) += 1;
                for pod in node.pods() {
                    *places.entry((pod.labels().clone(), zone.to_owned())).or_insert(0) += 1;
                }
            }
            let counted = snapshot.crowds().all().flat_map(|crowd| {
                let labels = crowd.pod.labels();
                let places = snapshot.places(crowd, "zone");
                places.iter().map(|(zone, pods)| ((labels.clone(), zone.clone()), *pods)).collect::<Vec<_>>()
            });
            prop_assert_eq!(counted.collect::<BTreeMap<_, _>>(), places);
            let have_all = snapshot.nodes().all(|node| node.label("zone").is_some());
            let all = Some(&zones).filter(|zones| have_all && !zones.is_empty());
            prop_assert_eq!(snapshot.domains("zone"), all);
        }
    }
}
