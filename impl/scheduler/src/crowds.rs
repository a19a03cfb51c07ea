//! Pods that are the same to other pods, counted together: by node, and by the values that a label of their nodes has. What
//! terms and constraints mean is then asked of each crowd once, not of each pod.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::node_info::{Labels, PodInfo};

/// How many pods there are at each value of a label of nodes; none has no entry.
pub type Places = BTreeMap<String, i64>;

/// Pods of one namespace with the same labels and terms, all of them being deleted or none.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// One of them, or one like them.
    pub pod: PodInfo,
    /// How many of them are on each node.
    pub nodes: Arc<Places>,
    places: BTreeMap<String, Arc<Places>>,
}

impl Crowd {
    fn of(pod: PodInfo) -> Self {
        Self { pod, nodes: Arc::default(), places: BTreeMap::new() }
    }

    /// Where they are, by the values of a label of nodes. `labels` tells the labels of a node.
    pub fn places<'a>(
        &self,
        key: &str,
        labels: impl Fn(&str) -> Option<&'a Labels>,
    ) -> Arc<Places> {
        match self.places.get(key) {
            Some(places) => Arc::clone(places),
            None => Arc::new(self.count(key, labels)),
        }
    }

    /// The labels of nodes by whose values they are counted.
    #[cfg(test)]
    pub(crate) fn counted_by(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    fn count<'a>(&self, key: &str, labels: impl Fn(&str) -> Option<&'a Labels>) -> Places {
        let mut places = Places::new();
        for (node, count) in self.nodes.iter() {
            if let Some(value) = labels(node).and_then(|labels| labels.get(key)) {
                change(&mut places, value, *count);
            }
        }
        places
    }

    fn change_places(&mut self, labels: &Labels, by: i64) {
        for (key, places) in &mut self.places {
            if let Some(value) = labels.get(key) {
                change(Arc::make_mut(places), value, by);
            }
        }
    }

    fn has_terms(&self) -> bool {
        self.pod.affinity.is_some()
    }
}

/// Counts more or fewer under a name.
pub(crate) fn change(counts: &mut BTreeMap<String, i64>, name: &str, by: i64) {
    match counts.get_mut(name) {
        Some(count) if *count + by == 0 => drop(counts.remove(name)),
        Some(count) => *count += by,
        None if by == 0 => {}
        None => drop(counts.insert(name.to_owned(), by)),
    }
}

/// Namespace, labels, whether they are being deleted.
type Likeness = (String, Labels, bool);

/// All crowds.
#[derive(Clone, Debug, Default)]
pub struct Crowds {
    crowds: BTreeMap<u64, Crowd>,
    /// Those of a likeness, which differ in their terms.
    alike: BTreeMap<Likeness, Vec<u64>>,
    with_terms: BTreeSet<u64>,
    /// The labels of nodes by whose values is counted as pods come and go.
    keys: BTreeSet<String>,
    made: u64,
}

impl Crowds {
    /// Every crowd.
    pub fn all(&self) -> impl Iterator<Item = &Crowd> {
        self.crowds.values()
    }

    /// Those that say something of other pods.
    pub fn with_terms(&self) -> impl Iterator<Item = &Crowd> {
        self.with_terms.iter().filter_map(|id| self.crowds.get(id))
    }

    /// From now on it is counted by the values of this label of nodes as pods come and go.
    pub fn track<'a>(&mut self, key: &str, labels: impl Fn(&str) -> Option<&'a Labels>) {
        if self.keys.insert(key.to_owned()) {
            for crowd in self.crowds.values_mut() {
                let places = crowd.count(key, &labels);
                crowd.places.insert(key.to_owned(), Arc::new(places));
            }
        }
    }

    /// Counts a pod on a node with these labels.
    pub fn add(&mut self, pod: &PodInfo, node: &str, labels: &Labels) {
        let id = self.id_of(pod).unwrap_or_else(|| self.make(pod));
        if let Some(crowd) = self.crowds.get_mut(&id) {
            change(Arc::make_mut(&mut crowd.nodes), node, 1);
            crowd.change_places(labels, 1);
        }
    }

    /// Counts a pod no more on a node with these labels.
    pub fn remove(&mut self, pod: &PodInfo, node: &str, labels: &Labels) {
        let Some(id) = self.id_of(pod) else { return };
        let Some(crowd) = self.crowds.get_mut(&id) else { return };
        change(Arc::make_mut(&mut crowd.nodes), node, -1);
        crowd.change_places(labels, -1);
        if crowd.nodes.is_empty() {
            self.end(id, pod);
        }
    }

    /// Counts a pod by other labels of its node.
    pub fn relabel(&mut self, pod: &PodInfo, old: &Labels, new: &Labels) {
        if let Some(id) = self.id_of(pod)
            && let Some(crowd) = self.crowds.get_mut(&id)
        {
            crowd.change_places(old, -1);
            crowd.change_places(new, 1);
        }
    }

    fn id_of(&self, pod: &PodInfo) -> Option<u64> {
        let ids = self.alike.get(&likeness(pod))?;
        ids.iter().copied().find(|id| self.crowds[id].pod.affinity == pod.affinity)
    }

    fn make(&mut self, pod: &PodInfo) -> u64 {
        self.made += 1;
        let mut crowd = Crowd::of(pod.clone());
        let nowhere = self.keys.iter().map(|key| (key.clone(), Arc::default()));
        crowd.places = nowhere.collect();
        if crowd.has_terms() {
            self.with_terms.insert(self.made);
        }
        self.crowds.insert(self.made, crowd);
        self.alike.entry(likeness(pod)).or_default().push(self.made);
        self.made
    }

    fn end(&mut self, id: u64, pod: &PodInfo) {
        self.crowds.remove(&id);
        self.with_terms.remove(&id);
        let likeness = likeness(pod);
        if let Some(ids) = self.alike.get_mut(&likeness) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.alike.remove(&likeness);
            }
        }
    }
}

fn likeness(pod: &PodInfo) -> Likeness {
    (pod.namespace().to_owned(), pod.labels().clone(), pod.is_terminating())
}
