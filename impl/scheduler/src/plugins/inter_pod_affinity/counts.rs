//! How many pods there are that terms mean, by topology key and value.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::affinity::AffinityTerm;
use crate::crowds::Places;
use crate::node_info::NodeInfo;

/// From so many crowds on, those of a key are added up, once for all nodes.
const MANY: usize = 4;

/// Sums over crowds, each with a weight, and what has been changed since.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    crowds: BTreeMap<String, Vec<(i64, Arc<Places>)>>,
    changes: BTreeMap<String, Places>,
}

impl Counts {
    /// Counts a crowd, where it is by a topology key.
    pub(super) fn add(&mut self, key: &str, places: Arc<Places>, weight: i64) {
        if places.is_empty() || weight == 0 {
            return;
        }
        let of_key = self.crowds.entry(key.to_owned()).or_default();
        of_key.push((weight, places));
    }

    /// What is many is added up.
    pub(super) fn added_up(mut self) -> Self {
        for of_key in self.crowds.values_mut().filter(|of_key| of_key.len() > MANY) {
            *of_key = vec![(1, Arc::new(sums(of_key)))];
        }
        self
    }

    /// Counts a pod on a node more or less.
    pub(super) fn update(&mut self, term: &AffinityTerm, node: &NodeInfo, change: i64) {
        let Some(value) = node.label(&term.topology_key) else { return };
        let of_key = self.changes.entry(term.topology_key.clone()).or_default();
        *of_key.entry(value.to_owned()).or_default() += change;
    }

    /// The sum at a value.
    pub(super) fn at(&self, key: &str, value: &str) -> i64 {
        let of_key = self.crowds.get(key).into_iter().flatten();
        let sum: i64 = of_key.filter_map(|(weight, of)| Some(weight * of.get(value)?)).sum();
        let changes = self.changes.get(key).and_then(|changes| changes.get(value));
        sum + changes.unwrap_or(&0)
    }

    /// The sum over the node's values of all keys.
    pub(super) fn of_node(&self, node: &NodeInfo) -> i64 {
        self.keys().filter_map(|key| Some(self.at(key, node.label(key)?))).sum()
    }

    /// Whether there is any at one of the node's values.
    pub(super) fn has_any_at(&self, node: &NodeInfo) -> bool {
        self.keys().any(|key| node.label(key).is_some_and(|value| self.at(key, value) > 0))
    }

    /// Whether nothing is counted anywhere.
    pub(super) fn is_empty(&self) -> bool {
        let values = |key: &'_ String| -> Vec<&str> {
            let crowds = self.crowds.get(key).into_iter().flatten();
            let of_crowds = crowds.flat_map(|(_, places)| places.keys());
            let changed = self.changes.get(key).into_iter().flat_map(BTreeMap::keys);
            of_crowds.chain(changed).map(String::as_str).collect()
        };
        if self.changes.is_empty() {
            return self.crowds.is_empty();
        }
        self.keys().all(|key| values(key).into_iter().all(|value| self.at(key, value) == 0))
    }

    fn keys(&self) -> impl Iterator<Item = &String> {
        let changed = self.changes.keys().filter(|key| !self.crowds.contains_key(*key));
        self.crowds.keys().chain(changed)
    }
}

/// The sum at each value. Values are sorted once, and not found one by one in what grows.
fn sums(crowds: &[(i64, Arc<Places>)]) -> Places {
    let weighted = crowds.iter().flat_map(|(weight, places)| {
        places.iter().map(move |(value, count)| (value, weight * count))
    });
    let mut all: Vec<(&String, i64)> = weighted.collect();
    all.sort_unstable_by_key(|(value, _)| *value);
    let of_value = all.chunk_by(|(one, _), (other, _)| one == other);
    of_value
        .map(|counts| (counts[0].0.clone(), counts.iter().map(|(_, count)| count).sum()))
        .collect()
}
