//! Which nodes have changed, for those who remember what they found out about them.

use std::collections::BTreeMap;

/// So many nodes are remembered; with one more it begins anew, so that names that come and go make no memory grow.
const MOST: usize = 100_000;

/// How far somebody has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    begun: u64,
    latest: u64,
}

/// The nodes that have changed, each once, in the order of their last changes.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    mark: Mark,
    order: BTreeMap<u64, String>,
    at: BTreeMap<String, u64>,
}

impl Changes {
    /// A node has changed, has come or has gone.
    pub fn add(&mut self, node: &str) {
        self.mark.latest += 1;
        let latest = self.mark.latest;
        let name = match self.at.get_mut(node) {
            Some(at) => self.order.remove(&std::mem::replace(at, latest)),
            None => None,
        };
        let name = name.unwrap_or_else(|| {
            self.at.insert(node.to_owned(), latest);
            node.to_owned()
        });
        self.order.insert(latest, name);
        if self.at.len() > MOST {
            let begun = self.mark.begun + 1;
            *self = Self { mark: Mark { begun, latest }, ..Self::default() };
        }
    }

    /// Up to here.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// The nodes that have changed since; `None` where that is not known any more.
    pub fn since(&self, mark: Mark) -> Option<impl Iterator<Item = &str>> {
        let is_known = mark.begun == self.mark.begun;
        is_known.then(|| self.order.range(mark.latest + 1..).map(|(_, name)| name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(changes: &Changes, mark: Mark) -> Option<Vec<&str>> {
        changes.since(mark).map(Iterator::collect)
    }

    #[test]
    fn each_node_is_told_once_in_the_order_of_its_last_change() {
        let mut changes = Changes::default();
        changes.add("a");
        let mark = changes.mark();
        assert_eq!(since(&changes, mark), Some(vec![]));

        ["b", "a", "c", "b"].iter().for_each(|node| changes.add(node));

        assert_eq!(since(&changes, mark), Some(vec!["a", "c", "b"]));
        assert_eq!(since(&changes, Mark::default()), Some(vec!["a", "c", "b"]));
    }

    #[test]
    fn names_that_come_and_go_are_forgotten_and_it_is_said_so() {
        let mut changes = Changes::default();
        let mark = changes.mark();

        (0..=MOST).for_each(|number| changes.add(&number.to_string()));

        assert_eq!(since(&changes, mark), None);
        assert_eq!(since(&changes, changes.mark()), Some(vec![]));
    }
}
