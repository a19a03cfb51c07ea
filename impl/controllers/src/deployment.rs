//! The Deployment controller: one ReplicaSet for each template there has been, and pods moved from the
//! old ones to the new one.
//!
//! Source: pkg/controller/deployment (v1.36). Left out: the deprecated rollback annotation.

mod rollout;
mod scale;
mod status;
mod template;

pub(crate) use scale::scaled_value;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::object::controller_of;
use api::selector::Selector;
use api::{AnyObject, Key, Reason, Request, Timestamp, Verb, resources};
use client::event::Note;
use client::{Change, Outcome, View};
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::deployment::rollout::{Creation, Rollout};
use crate::notes::Notes;
use crate::ownership::{Claims, labels, uid};
use crate::{Controller, Plan, RETRIES_MAX, pods};

/// Rolls Deployments out.
#[derive(Clone, Debug)]
pub struct DeploymentController {
    claims: Claims,
    notes: Notes,
    /// What to say when the write of a ReplicaSet is granted.
    scalings: BTreeMap<Key, String>,
    /// Deployments whose new ReplicaSet was granted and has not been seen yet.
    created: BTreeSet<Key>,
    /// Deployments whose new ReplicaSet's name is taken.
    collided: BTreeSet<Key>,
    /// Why the new ReplicaSet of a Deployment was refused.
    failures: BTreeMap<Key, String>,
}

impl Default for DeploymentController {
    fn default() -> Self {
        Self {
            claims: Claims::default(),
            notes: Notes::new("deployment-controller"),
            scalings: BTreeMap::new(),
            created: BTreeSet::new(),
            collided: BTreeSet::new(),
            failures: BTreeMap::new(),
        }
    }
}

impl Controller for DeploymentController {
    fn name(&self) -> &'static str {
        "deployment-controller"
    }

    fn backoff(&self) -> client::Backoff {
        client::Backoff::default().up_to(RETRIES_MAX)
    }

    fn workers(&self) -> usize {
        5
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let resource = change.resource();
        if resource == &resources::DEPLOYMENTS {
            vec![change.key()]
        } else if resource == &resources::REPLICA_SETS {
            due_by_replica_set(view, change)
        } else if resource == &resources::PODS && change.new.is_none() {
            due_by_deleted_pod(view, change.object().metadata())
        } else {
            vec![]
        }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let Some(deployment) = view.deployments.get(key) else {
            self.forget(key);
            return Plan::default();
        };
        self.notes.about(key, &AnyObject::from(Arc::clone(deployment)));
        let mut plan = Plan { requests: self.notes.flush(key, now), look_again: None };
        if let Some(replica_sets) = self.replica_sets(view, deployment, (&mut plan, now)) {
            self.sync(view, (deployment, replica_sets), (&mut plan, now));
        }
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        self.claims.completed(request, outcome);
        if request.resource != &resources::REPLICA_SETS {
            return;
        }
        match request.verb {
            Verb::Create => self.create_completed(key, request, outcome),
            Verb::Update => self.write_completed(key, &request.key, outcome),
            Verb::Get
            | Verb::List
            | Verb::Delete
            | Verb::MergePatch
            | Verb::StrategicMergePatch
            | Verb::Apply => {}
        }
    }
}

impl DeploymentController {
    fn forget(&mut self, key: &Key) {
        self.notes.forget(key);
        self.created.remove(key);
        self.collided.remove(key);
        self.failures.remove(key);
    }

    /// The ReplicaSets that the Deployment manages, if it knows them.
    fn replica_sets(
        &mut self,
        view: &View,
        deployment: &Arc<Deployment>,
        plan: (&mut Plan, Timestamp),
    ) -> Option<Vec<Arc<ReplicaSet>>> {
        let selector = Selector::from_label_selector(&deployment.spec.as_ref()?.selector).ok()?;
        let namespace = deployment.metadata.namespace.as_deref().unwrap_or_default();
        let replica_sets = view.replica_sets.in_namespace(namespace).cloned().collect();
        self.claims.claim(deployment.as_ref(), (&selector, replica_sets), plan)
    }

    fn sync(
        &mut self,
        view: &View,
        (deployment, replica_sets): (&Deployment, Vec<Arc<ReplicaSet>>),
        (plan, now): (&mut Plan, Timestamp),
    ) {
        let key = Key::of(&deployment.metadata);
        let mut rollout = Rollout::new(deployment, replica_sets, now);
        if deployment.metadata.deletion_timestamp.is_none() {
            self.check_creation(view, &key, &mut rollout);
            rollout.sync(|new| old_pods_run(view, deployment, new));
        }
        for scaling in rollout.scalings() {
            let name = Key::new(&key.namespace, &scaling.replica_set);
            self.scalings.insert(name, scaling.message);
        }
        rollout.finish(plan);
    }

    /// What the last attempt to create the new ReplicaSet means for the next.
    fn check_creation(&mut self, view: &View, key: &Key, rollout: &mut Rollout) {
        let name = Key::new(&key.namespace, &rollout.new_name());
        let collided = self.collided.remove(key) && view.replica_sets.get(&name).is_some();
        rollout.creation = match self.failures.remove(key) {
            Some(message) => Creation::Failed(message),
            None if collided => Creation::Collided,
            None if rollout.new.is_some() && self.created.remove(key) => Creation::Created,
            None => Creation::Possible,
        };
    }

    fn create_completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        let name = request.body.as_ref().and_then(|body| body["metadata"]["name"].as_str());
        let name = name.unwrap_or_default();
        match outcome {
            Ok(_) => {
                self.created.insert(key.clone());
            }
            Err(status) if status.reason == Reason::AlreadyExists => {
                self.collided.insert(key.clone());
            }
            Err(status) => {
                let message = format!("Failed to create new replica set \"{name}\": {status}");
                self.notes.add(key, Note::warning("ReplicaSetCreateError", message.as_str()));
                self.failures.insert(key.clone(), message);
            }
        }
        self.write_completed(key, &Key::new(&key.namespace, name), outcome);
    }

    fn write_completed(&mut self, key: &Key, replica_set: &Key, outcome: &Outcome) {
        let message = self.scalings.remove(replica_set);
        if let (Some(message), Ok(_)) = (message, outcome) {
            self.notes.add(key, Note::normal("ScalingReplicaSet", message));
        }
    }
}

fn due_by_replica_set(view: &View, change: &Change) -> Vec<Key> {
    let objects = change.old.iter().chain(change.new.iter());
    let owners = objects.filter_map(|object| owner_key(view, object.metadata()));
    let mut keys: BTreeSet<Key> = owners.collect();
    let metadata = change.object().metadata();
    if change.new.is_some() && controller_of(metadata).is_none() {
        keys.extend(selecting(view, metadata));
    }
    keys.into_iter().collect()
}

/// A Deployment that recreates waits for the last old pod to be gone.
fn due_by_deleted_pod(view: &View, metadata: &ObjectMeta) -> Vec<Key> {
    let owner = controller_of(metadata).filter(|owner| owner.kind == resources::REPLICA_SETS.kind);
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    let key = owner.map(|owner| Key::new(namespace, &owner.name));
    let replica_set = key.and_then(|key| view.replica_sets.get(&key));
    let deployment = replica_set.and_then(|found| owner_key(view, &found.metadata));
    let recreates = |key: &Key| {
        let spec = view.deployments.get(key).and_then(|deployment| deployment.spec.as_ref());
        spec.is_some_and(rollout::recreates)
    };
    deployment.into_iter().filter(recreates).collect()
}

fn owner_key(view: &View, metadata: &ObjectMeta) -> Option<Key> {
    let owner =
        controller_of(metadata).filter(|owner| owner.kind == resources::DEPLOYMENTS.kind)?;
    let key = Key::new(metadata.namespace.as_deref().unwrap_or_default(), &owner.name);
    let deployment = view.deployments.get(&key)?;
    (uid(&deployment.metadata) == owner.uid).then_some(key)
}

/// The Deployments that an orphaned ReplicaSet may belong to.
fn selecting(view: &View, metadata: &ObjectMeta) -> Vec<Key> {
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    let selects = |deployment: &&Arc<Deployment>| {
        let spec = deployment.spec.as_ref();
        let selector = spec.map(|spec| Selector::from_label_selector(&spec.selector));
        matches!(selector, Some(Ok(selector)) if selector.matches(labels(metadata)))
    };
    let deployments = view.deployments.in_namespace(namespace).filter(selects);
    deployments.map(|deployment| Key::of(&deployment.metadata)).collect()
}

/// Whether a pod of a ReplicaSet other than `new` may still run.
fn old_pods_run(view: &View, deployment: &Deployment, new: Option<&ReplicaSet>) -> bool {
    let namespace = deployment.metadata.namespace.as_deref().unwrap_or_default();
    let new = new.map(|new| uid(&new.metadata));
    let is_old = |replica_set: &&Arc<ReplicaSet>| {
        let owner = controller_of(&replica_set.metadata);
        owner.is_some_and(|owner| owner.uid == uid(&deployment.metadata))
            && Some(uid(&replica_set.metadata)) != new
    };
    let old = view.replica_sets.in_namespace(namespace).filter(is_old);
    let mut pods = old.flat_map(|replica_set| view.pods_of(&replica_set.metadata));
    pods.any(|pod| !pods::is_finished(pod))
}

#[cfg(test)]
mod tests;
