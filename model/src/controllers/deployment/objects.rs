//! A Deployment and its ReplicaSets.

use super::{DEPLOYMENT_INFORMER, REPLICAS, SET_INFORMER};
use crate::history;
use crate::packed;

/// How many names of ReplicaSets there are: one for each template and `collisionCount`.
pub const NAMES: usize = 4;

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The Deployment.
    pub deployment: Deployment,
    /// The ReplicaSets by name.
    pub sets: [Option<Set>; NAMES],
}

/// A Deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Deployment {
    /// Which of two templates its Pods have.
    pub template: u8,
    /// `status.collisionCount`.
    pub collision_count: u8,
}

/// A ReplicaSet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Set {
    /// Which of two templates its Pods have.
    pub template: u8,
    /// Whether the Deployment is its controller.
    pub owned: bool,
    /// `spec.replicas`.
    pub replicas: u8,
    /// How many Pods are available, and `status.availableReplicas`.
    pub available: u8,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The Deployment.
    Deployment(Deployment),
    /// A ReplicaSet by its name.
    Set(u8, Set),
}

impl Deployment {
    /// The name of its ReplicaSet: the hash of template and `collisionCount`, which is the same
    /// however often it is computed.
    pub fn set_name(&self) -> u8 {
        self.template + 2 * self.collision_count
    }
}

impl Set {
    /// A ReplicaSet of a Deployment that was just created.
    pub(super) fn new(template: u8, replicas: u8) -> Self {
        Set { template, owned: true, replicas, available: 0 }
    }

    /// How many Pods are left that are available, once it has as few as it is to have.
    pub(super) fn lasting(&self) -> u8 {
        self.available.min(self.replicas)
    }
}

impl Objects {
    /// The first template is rolled out.
    pub(super) const ROLLED_OUT: Self = Objects {
        deployment: Deployment { template: 0, collision_count: 0 },
        sets: [
            Some(Set { template: 0, owned: true, replicas: REPLICAS, available: REPLICAS }),
            None,
            None,
            None,
        ],
    };

    /// The ReplicaSets that the Deployment controls, by name.
    pub fn owned(&self) -> impl Iterator<Item = (u8, Set)> {
        let named = self.sets.into_iter().zip(0..).filter_map(|(set, name)| Some((name, set?)));
        named.filter(|(_, set)| set.owned)
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Deployment(deployment) => self.deployment = deployment,
            Event::Set(name, set) => self.sets[usize::from(name)] = Some(set),
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        watcher
            == match event {
                Event::Deployment(_) => DEPLOYMENT_INFORMER,
                Event::Set(..) => SET_INFORMER,
            }
    }
}

packed!(struct Objects { deployment, sets });
packed!(struct Deployment { template, collision_count });
packed!(struct Set { template, owned, replicas, available });
packed!(
    enum Event {
        Deployment(deployment),
        Set(name, set),
    }
);
