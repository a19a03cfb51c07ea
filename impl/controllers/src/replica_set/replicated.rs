//! What the controller needs of a kind that keeps a number of pods: ReplicaSets and ReplicationControllers.
//!
//! Source: pkg/controller/replication/conversion.go (v1.36), which converts between the two kinds. The
//! status of a ReplicationController does not count the pods that are being deleted.

use api::selector::Selector;
use client::{Cache, View};
use k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetCondition, ReplicaSetStatus};
use k8s_openapi::api::core::v1::{
    PodTemplateSpec, ReplicationController, ReplicationControllerCondition,
    ReplicationControllerStatus,
};

use crate::pod_control::ManagesPods;

/// A kind whose objects keep a number of pods of one template.
pub trait Replicated: ManagesPods {
    /// The name of its controller in upstream.
    const CONTROLLER: &'static str;
    /// The name of its component in Events.
    const COMPONENT: &'static str;

    /// The number of pods that it asks for.
    fn replicas(&self) -> i32;

    /// What its pods are made from.
    fn template(&self) -> Option<&PodTemplateSpec>;

    /// For how many seconds a pod has to be ready to be available.
    fn min_ready_seconds(&self) -> i32;

    /// Its status, in the words of a ReplicaSet.
    fn status(&self) -> ReplicaSetStatus;

    /// The same object with another status.
    #[must_use]
    fn with_status(&self, status: ReplicaSetStatus) -> Self;
}

impl ManagesPods for ReplicaSet {
    fn cache(view: &View) -> &Cache<Self> {
        &view.replica_sets
    }

    fn selector(&self) -> Option<Selector> {
        Selector::from_label_selector(&self.spec.as_ref()?.selector).ok()
    }
}

impl Replicated for ReplicaSet {
    const CONTROLLER: &'static str = "replicaset-controller";
    const COMPONENT: &'static str = Self::CONTROLLER;

    fn replicas(&self) -> i32 {
        self.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
    }

    fn template(&self) -> Option<&PodTemplateSpec> {
        self.spec.as_ref()?.template.as_ref()
    }

    fn min_ready_seconds(&self) -> i32 {
        self.spec.as_ref().and_then(|spec| spec.min_ready_seconds).unwrap_or(0)
    }

    fn status(&self) -> ReplicaSetStatus {
        self.status.clone().unwrap_or_default()
    }

    fn with_status(&self, status: ReplicaSetStatus) -> Self {
        Self { status: Some(status), ..self.clone() }
    }
}

impl ManagesPods for ReplicationController {
    fn cache(view: &View) -> &Cache<Self> {
        &view.replication_controllers
    }

    fn selector(&self) -> Option<Selector> {
        self.spec.as_ref()?.selector.as_ref().map(Selector::from_labels)
    }
}

impl Replicated for ReplicationController {
    const CONTROLLER: &'static str = "replicationcontroller-controller";
    const COMPONENT: &'static str = "replication-controller";

    fn replicas(&self) -> i32 {
        self.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
    }

    fn template(&self) -> Option<&PodTemplateSpec> {
        self.spec.as_ref()?.template.as_ref()
    }

    fn min_ready_seconds(&self) -> i32 {
        self.spec.as_ref().and_then(|spec| spec.min_ready_seconds).unwrap_or(0)
    }

    fn status(&self) -> ReplicaSetStatus {
        let status = self.status.clone().unwrap_or_default();
        ReplicaSetStatus {
            replicas: status.replicas,
            fully_labeled_replicas: status.fully_labeled_replicas,
            ready_replicas: status.ready_replicas,
            available_replicas: status.available_replicas,
            terminating_replicas: None,
            observed_generation: status.observed_generation,
            conditions: status.conditions.map(|all| all.into_iter().map(of_replica_set).collect()),
        }
    }

    fn with_status(&self, status: ReplicaSetStatus) -> Self {
        let conditions = status.conditions;
        let status = ReplicationControllerStatus {
            replicas: status.replicas,
            fully_labeled_replicas: status.fully_labeled_replicas,
            ready_replicas: status.ready_replicas,
            available_replicas: status.available_replicas,
            observed_generation: status.observed_generation,
            conditions: conditions.map(|all| all.into_iter().map(of_controller).collect()),
        };
        Self { status: Some(status), ..self.clone() }
    }
}

fn of_replica_set(condition: ReplicationControllerCondition) -> ReplicaSetCondition {
    ReplicaSetCondition {
        type_: condition.type_,
        status: condition.status,
        reason: condition.reason,
        message: condition.message,
        last_transition_time: condition.last_transition_time,
    }
}

fn of_controller(condition: ReplicaSetCondition) -> ReplicationControllerCondition {
    ReplicationControllerCondition {
        type_: condition.type_,
        status: condition.status,
        reason: condition.reason,
        message: condition.message,
        last_transition_time: condition.last_transition_time,
    }
}
