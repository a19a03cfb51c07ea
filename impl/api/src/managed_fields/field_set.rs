//! A set of fields of an object, and its form `FieldsV1`.
//!
//! Being in the set is said of each field by itself: `spec` may be in it without `spec.replicas`, and the
//! other way round. Source: `fieldpath/set.go` and `serialize.go` of structured-merge-diff v6.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use serde_json::{Map, Value};

use super::path::{MalformedElement, PathElement};

/// A set of fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Each is a member, or has some below it.
    nodes: BTreeMap<PathElement, Node>,
}

/// One field: whether it is in the set, and what is in the set below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Node {
    is_member: bool,
    below: FieldSet,
}

impl Node {
    fn is_empty(&self) -> bool {
        !self.is_member && self.below.is_empty()
    }
}

impl FieldSet {
    /// The set of these fields, each a path of names.
    pub fn of(paths: &[&[&str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            let path: Vec<PathElement> =
                path.iter().map(|name| PathElement::Field((*name).to_owned())).collect();
            set.insert_path(&path);
        }
        set
    }

    /// Whether it has no fields.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Puts a child in, and what is in the set below it.
    pub(super) fn put(&mut self, element: PathElement, is_member: bool, below: Self) {
        let node = Node { is_member, below };
        if node.is_empty() {
            return;
        }
        match self.nodes.entry(element) {
            Entry::Vacant(vacant) => {
                vacant.insert(node);
            }
            Entry::Occupied(mut found) => {
                let found = found.get_mut();
                found.is_member |= node.is_member;
                found.below = found.below.union(&node.below);
            }
        }
    }

    fn insert_path(&mut self, path: &[PathElement]) {
        let Some((first, rest)) = path.split_first() else { return };
        let node = self.nodes.entry(first.clone()).or_default();
        match rest {
            [] => node.is_member = true,
            rest => node.below.insert_path(rest),
        }
    }

    /// Whether a child itself is in the set.
    pub(super) fn has(&self, element: &PathElement) -> bool {
        self.nodes.get(element).is_some_and(|node| node.is_member)
    }

    /// Whether the field at a path is in the set.
    pub fn has_path(&self, path: &[PathElement]) -> bool {
        match path {
            [] => false,
            [last] => self.has(last),
            [first, rest @ ..] => self.below(first).is_some_and(|below| below.has_path(rest)),
        }
    }

    /// What is in the set below a child; `None` when nothing is.
    pub(super) fn below(&self, element: &PathElement) -> Option<&Self> {
        self.nodes.get(element).map(|node| &node.below).filter(|below| !below.is_empty())
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut union = self.clone();
        for (element, node) in &other.nodes {
            union.put(element.clone(), node.is_member, node.below.clone());
        }
        union
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.with(|element, node| {
            let other = other.nodes.get(element)?;
            let is_member = node.is_member && other.is_member;
            Some(Node { is_member, below: node.below.intersection(&other.below) })
        })
    }

    /// What is in this one and not in the other; a field that the other has takes nothing below it away.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.with(|element, node| match other.nodes.get(element) {
            None => Some(node.clone()),
            Some(other) => Some(Node {
                is_member: node.is_member && !other.is_member,
                below: node.below.difference(&other.below),
            }),
        })
    }

    /// The same, but a field that the other has takes all below it away.
    #[must_use]
    pub fn recursive_difference(&self, other: &Self) -> Self {
        self.with(|element, node| match other.nodes.get(element) {
            None => Some(node.clone()),
            Some(other) if other.is_member => None,
            Some(other) => Some(Node {
                is_member: node.is_member,
                below: node.below.recursive_difference(&other.below),
            }),
        })
    }

    fn with(&self, change: impl Fn(&PathElement, &Node) -> Option<Node>) -> Self {
        let nodes = self.nodes.iter().filter_map(|(element, node)| {
            let node = change(element, node).filter(|node| !node.is_empty())?;
            Some((element.clone(), node))
        });
        Self { nodes: nodes.collect() }
    }

    /// The same set, and with a child each child that `is_implied` names where something is below it;
    /// `descend` says how the set below a child changes.
    pub(super) fn with_implied(
        &self,
        is_implied: impl Fn(&PathElement) -> bool,
        descend: impl Fn(&PathElement, &Self) -> Self,
    ) -> Self {
        self.with(|element, node| {
            let is_member = node.is_member || (!node.below.is_empty() && is_implied(element));
            Some(Node { is_member, below: descend(element, &node.below) })
        })
    }

    /// The path of each field in the set: all on a level, then those below.
    pub fn paths(&self) -> Vec<Vec<PathElement>> {
        let mut paths = vec![];
        self.collect_paths(&mut vec![], &mut paths);
        paths
    }

    fn collect_paths(&self, path: &mut Vec<PathElement>, paths: &mut Vec<Vec<PathElement>>) {
        for (element, _) in self.nodes.iter().filter(|(_, node)| node.is_member) {
            paths.push([path.as_slice(), std::slice::from_ref(element)].concat());
        }
        for (element, node) in &self.nodes {
            path.push(element.clone());
            node.below.collect_paths(path, paths);
            path.pop();
        }
    }

    /// Its `FieldsV1` form: an object for each field, with `.` for itself where it has others below it.
    pub fn to_value(&self) -> Value {
        Value::Object(self.to_map(false))
    }

    fn to_map(&self, with_self: bool) -> Map<String, Value> {
        let itself =
            (with_self && !self.is_empty()).then(|| (".".to_owned(), Value::Object(Map::new())));
        let nodes = self.nodes.iter().map(|(element, node)| {
            (element.serialize(), Value::Object(node.below.to_map(node.is_member)))
        });
        itself.into_iter().chain(nodes).collect()
    }

    /// The set that a `FieldsV1` form means.
    pub fn from_value(fields: &Value) -> Result<Self, MalformedElement> {
        let mut set = Self::default();
        for (key, below) in fields.as_object().into_iter().flatten().filter(|(key, _)| *key != ".")
        {
            let Some(element) = PathElement::parse(key)? else { continue };
            let children = Self::from_value(below)?;
            let is_member = children.is_empty() || below.get(".").is_some();
            set.put(element, is_member, children);
        }
        Ok(set)
    }
}
