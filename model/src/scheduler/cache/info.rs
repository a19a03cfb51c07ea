//! What the cache holds: a NodeInfo for each Node, the Pods on it, and those that it assumes there.

use super::{NODES, PODS, Pod};
use crate::packed;

/// The cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cache {
    /// Where it knows or assumes each Pod to be (`podStates`).
    pub pods: [Option<Placement>; PODS],
    /// By Node. There is none where its Node is gone and no Pod is left on it.
    pub infos: [NodeInfo; NODES],
    /// Whether the scheduler has panicked.
    pub panicked: bool,
}

/// Where a Pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Placement {
    /// The Node.
    pub node: u8,
    /// Whether the scheduler put it there itself, and the informer has not shown it yet.
    pub assumed: bool,
}

/// A Node and the Pods on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeInfo {
    /// Whether the Node object is there. Pods may outlive it.
    pub node: bool,
    /// The Pods on it.
    pub pods: [bool; PODS],
}

impl NodeInfo {
    /// Whether the cache has it at all.
    pub fn exists(&self) -> bool {
        self.node || self.pods.contains(&true)
    }

    /// How many places are taken.
    pub fn used(&self) -> usize {
        self.pods.iter().filter(|held| **held).count()
    }
}

impl Cache {
    /// The informer shows a Pod as it is now, or that it is gone.
    pub(super) fn pod_changed(&mut self, pod: u8, object: Option<Pod>) {
        match object {
            None => self.remove_pod(pod),
            Some(Pod { node: None }) => {}
            Some(Pod { node: Some(node) }) => {
                self.remove_pod(pod);
                self.add_pod(pod, Placement { node, assumed: false });
            }
        }
    }

    /// Puts a Pod on a Node, which may be unknown yet.
    pub(super) fn add_pod(&mut self, pod: u8, placement: Placement) {
        self.pods[usize::from(pod)] = Some(placement);
        self.infos[usize::from(placement.node)].pods[usize::from(pod)] = true;
    }

    /// Takes a Pod off its Node. A NodeInfo without a Node that does not hold the Pod is no state
    /// that a cache can be in: upstream dereferenced the missing Node when it said so.
    pub(super) fn remove_pod(&mut self, pod: u8) {
        let Some(placement) = self.pods[usize::from(pod)].take() else {
            return;
        };
        let info = &mut self.infos[usize::from(placement.node)];
        let holds = std::mem::take(&mut info.pods[usize::from(pod)]);
        if !holds && info.exists() && !info.node {
            self.panicked = true;
        }
    }
}

packed!(struct Cache { pods, infos, panicked });
packed!(struct Placement { node, assumed });
packed!(struct NodeInfo { node, pods });
