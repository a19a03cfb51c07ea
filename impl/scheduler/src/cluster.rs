//! Everything that the scheduler knows of the cluster when it decides.

use client::{Cache, Change};

use api::{AnyObject, Timestamp};
use k8s_openapi::api::apps::v1::{ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Namespace, ReplicationController, Service};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;

use crate::devices::Devices;
use crate::event::Event;
use crate::nominations::Nominations;
use crate::snapshot::Snapshot;
use crate::volumes::Volumes;

/// Nodes with their pods, and what plugins read beside them.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// The nodes with their pods.
    pub snapshot: Snapshot,
    /// Pods for which room is being made on a node.
    pub nominations: Nominations,
    /// Claims, volumes and what limits them.
    pub volumes: Volumes,
    /// What drivers offer, and claims of it.
    pub devices: Devices,
    /// Every namespace, for terms that select some by their labels.
    pub namespaces: Cache<Namespace>,
    /// Every Service, for the pods that it selects are spread.
    pub services: Cache<Service>,
    /// Every ReplicationController; its pods are spread.
    pub replication_controllers: Cache<ReplicationController>,
    /// Every ReplicaSet; its pods are spread.
    pub replica_sets: Cache<ReplicaSet>,
    /// Every StatefulSet; its pods are spread.
    pub stateful_sets: Cache<StatefulSet>,
    /// What protects pods from preemption, where there is a choice.
    pub budgets: Cache<PodDisruptionBudget>,
    /// How often that has changed.
    budgets_changed: u64,
    /// The time of the decision.
    pub now: Timestamp,
}

impl Cluster {
    /// Hears of a change of something that is neither a node nor a pod; what it tells pods that wait, if it may help some.
    pub fn observe<'a>(&mut self, change: &'a Change) -> Option<Event<'a>> {
        let object = change.object();
        if let AnyObject::Namespace(namespace) = object {
            set(&mut self.namespaces, namespace, change);
        } else if let AnyObject::Service(service) = object {
            set(&mut self.services, service, change);
        } else if let AnyObject::ReplicationController(controller) = object {
            set(&mut self.replication_controllers, controller, change);
        } else if let AnyObject::ReplicaSet(replica_set) = object {
            set(&mut self.replica_sets, replica_set, change);
        } else if let AnyObject::StatefulSet(stateful_set) = object {
            set(&mut self.stateful_sets, stateful_set, change);
        } else if let AnyObject::PodDisruptionBudget(budget) = object {
            set(&mut self.budgets, budget, change);
            self.budgets_changed += 1;
        } else if self.volumes.observe(change) {
            return Some(Event::Volumes(change));
        } else if self.devices.observe(change) {
            return Some(Event::Devices(change));
        }
        None
    }
}

impl Cluster {
    /// How often budgets have changed.
    pub fn budgets_changed(&self) -> u64 {
        self.budgets_changed
    }
}

/// Puts into a cache, or takes from it, what has changed.
pub(crate) fn set<K: api::Kind>(cache: &mut Cache<K>, object: &std::sync::Arc<K>, change: &Change) {
    match change.new {
        Some(_) => drop(cache.insert(std::sync::Arc::clone(object))),
        None => drop(cache.remove(&change.key())),
    }
}
