//! The TTL controller: tells each node for how long it may keep what it has read of Secrets and ConfigMaps,
//! by the size of the cluster.
//!
//! Source: pkg/controller/ttl/ttl_controller.go (v1.36).

use api::{Key, Request, Timestamp, resources};
use client::{Change, Outcome, View};
use serde_json::json;

use crate::{Controller, Plan};

/// Where a node is told, in seconds.
const ANNOTATION: &str = "node.alpha.kubernetes.io/ttl";

/// A size of a cluster, in nodes, and what its nodes are told. Sizes overlap: a cluster of about as many
/// nodes as a limit does not go to and fro.
struct Size {
    nodes_min: usize,
    nodes_max: usize,
    ttl_seconds: u32,
}

const SIZES: [Size; 5] = [
    Size { nodes_min: 0, nodes_max: 100, ttl_seconds: 0 },
    Size { nodes_min: 90, nodes_max: 500, ttl_seconds: 15 },
    Size { nodes_min: 450, nodes_max: 1000, ttl_seconds: 30 },
    Size { nodes_min: 900, nodes_max: 2000, ttl_seconds: 60 },
    Size { nodes_min: 1800, nodes_max: usize::MAX, ttl_seconds: 300 },
];

/// Annotates nodes by the size of the cluster.
#[derive(Clone, Copy, Debug, Default)]
pub struct TtlController {
    /// Which of the sizes the cluster has.
    size: usize,
}

impl TtlController {
    fn ttl_seconds(&mut self, nodes: usize) -> u32 {
        while nodes > SIZES[self.size].nodes_max {
            self.size += 1;
        }
        while nodes < SIZES[self.size].nodes_min {
            self.size -= 1;
        }
        SIZES[self.size].ttl_seconds
    }
}

impl Controller for TtlController {
    fn name(&self) -> &'static str {
        "ttl-controller"
    }

    fn workers(&self) -> usize {
        5
    }

    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        // A change of the size reaches the other nodes with their next heartbeat.
        let is_node = change.resource() == &resources::NODES && change.new.is_some();
        if is_node { vec![change.key()] } else { vec![] }
    }

    fn reconcile(&mut self, view: &View, key: &Key, _now: Timestamp) -> Plan {
        let Some(node) = view.nodes.get(key) else { return Plan::default() };
        let wanted = self.ttl_seconds(view.nodes.len());
        let annotations = node.metadata.annotations.as_ref();
        let found = annotations.and_then(|annotations| annotations.get(ANNOTATION));
        if found.and_then(|text| text.parse().ok()) == Some(wanted) {
            return Plan::default();
        }
        let patch = json!({"metadata": {"annotations": {ANNOTATION: wanted.to_string()}}});
        let request = Request::strategic_merge_patch(&resources::NODES, key.clone(), patch);
        Plan { requests: vec![request], look_again: None }.observed_at(view.revision)
    }

    fn completed(&mut self, _key: &Key, _request: &Request, _outcome: &Outcome) {}
}

#[cfg(test)]
mod tests {
    use api::object::text;
    use serde_json::Value;

    use super::*;
    use crate::testing::{World, at};

    fn node(ttl: Option<&str>) -> Value {
        let annotations = ttl.map_or_else(|| json!({}), |ttl| json!({ANNOTATION: ttl}));
        json!({"metadata": {"name": "n0", "annotations": annotations}})
    }

    /// What a node is told that has been told this, or nothing.
    fn told(ttl: Option<&str>) -> Option<String> {
        let mut world = World::new(TtlController::default());
        let due = world.put(&resources::NODES, node(ttl));
        let plan = world.reconcile(&due[0], at(10));
        let body = plan.requests.first()?.body.clone().unwrap();
        Some(text(&body, &["metadata", "annotations", ANNOTATION]).to_owned())
    }

    #[test]
    fn a_node_is_told_once() {
        assert_eq!(told(None).as_deref(), Some("0"));
        assert_eq!(told(Some("15")).as_deref(), Some("0"));
        assert_eq!(told(Some("soon")).as_deref(), Some("0"));
        assert_eq!(told(Some("0")), None);
    }

    #[test]
    fn a_larger_cluster_keeps_longer_and_sizes_overlap() {
        let mut controller = TtlController::default();
        let table = [
            (100, 0),
            (101, 15),
            (90, 15),
            (89, 0),
            (501, 30),
            (450, 30),
            (449, 15),
            (2001, 300),
            (1800, 300),
            (1799, 60),
            (1, 0),
        ];
        for (nodes, ttl_seconds) in table {
            assert_eq!(controller.ttl_seconds(nodes), ttl_seconds, "{nodes}");
        }
    }

    #[test]
    fn a_node_that_is_gone_is_told_nothing() {
        let mut world = World::new(TtlController::default());
        let due = world.put(&resources::NODES, node(None));

        assert!(world.remove(&resources::NODES, &due[0]).is_empty());
        assert_eq!(world.reconcile(&due[0], at(10)), Plan::default());
    }
}
