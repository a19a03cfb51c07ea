//! Names of a trace as the numbers that the model has for names.

use std::collections::BTreeMap;

use model::cluster::{NodeId, PodId, SetId};

use super::table::{NODES, SETS, State};

/// The trace has more objects at a time than the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Full(pub(super) &'static str, pub(super) usize);

/// The numbers that are in use.
#[derive(Clone, Debug, Default)]
pub(super) struct Slots {
    pods: BTreeMap<String, PodId>,
    nodes: BTreeMap<String, NodeId>,
    sets: BTreeMap<String, SetId>,
}

impl Slots {
    /// The number of a Pod; a new name takes one that nothing mentions any more.
    pub(super) fn pod(&mut self, key: &str, state: &State) -> Result<PodId, Full> {
        if let Some(slot) = self.pods.get(key) {
            return Ok(*slot);
        }
        let slot = state.first_free().ok_or(Full("Pods", super::table::PODS))?;
        self.pods.retain(|_, used| *used != slot);
        self.pods.insert(key.to_owned(), slot);
        Ok(slot)
    }

    /// The number of a Pod that has one.
    pub(super) fn known_pod(&self, key: &str) -> Option<PodId> {
        self.pods.get(key).copied()
    }

    /// The number of a Node.
    pub(super) fn node(&mut self, name: &str) -> Result<NodeId, Full> {
        let next = self.nodes.len();
        match self.nodes.get(name) {
            Some(slot) => Ok(*slot),
            None if next == NODES => Err(Full("Nodes", NODES)),
            None => {
                self.nodes.insert(name.to_owned(), NodeId::new(next));
                Ok(NodeId::new(next))
            }
        }
    }

    /// The number of a ReplicaSet; names of those that are gone are given away when none is left.
    pub(super) fn set(&mut self, key: &str, state: &State) -> Result<SetId, Full> {
        if let Some(slot) = self.sets.get(key) {
            return Ok(*slot);
        }
        let free = SetId::all(SETS).find(|slot| self.is_free(*slot, state));
        let slot = free.ok_or(Full("ReplicaSets", SETS))?;
        self.sets.retain(|_, used| *used != slot);
        self.sets.insert(key.to_owned(), slot);
        Ok(slot)
    }

    fn is_free(&self, slot: SetId, state: &State) -> bool {
        if !self.sets.values().any(|used| *used == slot) {
            return true;
        }
        let objects = state.objects();
        let owns = objects.pods.iter().flatten().any(|pod| pod.owner == Some(slot));
        objects.replica_set(slot).is_none() && !owns
    }
}
