//! The ReplicaSet controller: as many pods of one template as are asked for.
//!
//! Source: pkg/controller/replicaset/replica_set.go (v1.36). Creations are not started in growing batches;
//! after a refusal there is one at a time until one is granted.

mod ranking;
mod status;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::object::{at, controller_of, controller_reference, text};
use api::selector::Selector;
use api::{AnyObject, Key, Reason, Request, Timestamp, Verb, resources};
use client::event::Note;
use client::expectations::{Expectations, TIMEOUT_SECONDS};
use client::{Change, Outcome, View};
use k8s_openapi::api::apps::v1::{ReplicaSet, ReplicaSetSpec};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde_json::json;

use crate::notes::Notes;
use crate::ownership::{Claims, labels, uid};
use crate::{Controller, Plan, after_seconds, pods};

/// How many pods one reconciliation creates or deletes at most.
pub const BURST_REPLICAS: usize = 500;

/// Creates, adopts, releases and deletes the pods of ReplicaSets.
#[derive(Clone, Debug)]
pub struct ReplicaSetController {
    expectations: Expectations,
    claims: Claims,
    notes: Notes,
    /// Why the last creation or deletion of a ReplicaSet's pods was refused.
    failures: BTreeMap<Key, String>,
}

impl Default for ReplicaSetController {
    fn default() -> Self {
        Self {
            expectations: Expectations::default(),
            claims: Claims::default(),
            notes: Notes::new("replicaset-controller"),
            failures: BTreeMap::new(),
        }
    }
}

impl Controller for ReplicaSetController {
    fn name(&self) -> &'static str {
        "replicaset-controller"
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let resource = change.resource();
        if resource == &resources::REPLICA_SETS {
            vec![change.key()]
        } else if resource == &resources::PODS {
            self.observe_pod(view, change)
        } else {
            vec![]
        }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let Some(replica_set) = view.replica_sets.get(key) else {
            self.forget(key);
            return Plan::default();
        };
        self.notes.about(key, &AnyObject::from(Arc::clone(replica_set)));
        let mut plan = Plan { requests: self.notes.flush(key, now), look_again: None };
        if let Some(spec) = &replica_set.spec {
            self.sync(view, (replica_set, spec), (&mut plan, now));
        }
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        self.claims.completed(request, outcome);
        if request.resource != &resources::PODS {
            return;
        }
        match request.verb {
            Verb::Create => self.create_completed(key, outcome),
            Verb::Delete => self.delete_completed(key, request, outcome),
            Verb::Get
            | Verb::List
            | Verb::Update
            | Verb::MergePatch
            | Verb::StrategicMergePatch => {}
        }
    }
}

impl ReplicaSetController {
    fn forget(&mut self, key: &Key) {
        self.expectations.forget(key);
        self.notes.forget(key);
        self.failures.remove(key);
    }

    fn sync(
        &mut self,
        view: &View,
        (replica_set, spec): (&Arc<ReplicaSet>, &ReplicaSetSpec),
        (plan, now): (&mut Plan, Timestamp),
    ) {
        let Ok(selector) = Selector::from_label_selector(&spec.selector) else {
            return;
        };
        let key = Key::of(&replica_set.metadata);
        let in_namespace: Vec<Arc<Pod>> = view.pods.in_namespace(&key.namespace).cloned().collect();
        let (active, inactive): (Vec<_>, Vec<_>) =
            in_namespace.into_iter().partition(|pod| pods::is_active(pod));
        let owner = replica_set.as_ref();
        let Some(active) = self.claims.claim(owner, (&selector, active), (&mut *plan, now)) else {
            return;
        };
        let failure = self.failures.remove(&key);
        if !self.expectations.satisfied(&key, now) {
            plan.look_again_at(after_seconds(now, TIMEOUT_SECONDS + 1));
        } else if replica_set.metadata.deletion_timestamp.is_none() {
            let burst = if failure.is_some() { 1 } else { BURST_REPLICAS };
            plan.requests.extend(self.manage(view, replica_set, (&active, burst), now));
        }
        let terminating = inactive.iter().filter(|pod| is_terminating_replica(replica_set, pod));
        let replicas =
            status::Replicas { active: &active, terminating: terminating.count(), failure };
        plan.requests.extend(status::update(replica_set, spec, &replicas, now));
        if let Some(when) = status::next_available(spec, &active, now) {
            plan.look_again_at(when);
        }
    }

    /// Creates what is missing, or deletes what is too many, and expects to see it.
    fn manage(
        &mut self,
        view: &View,
        replica_set: &ReplicaSet,
        (active, burst): (&[Arc<Pod>], usize),
        now: Timestamp,
    ) -> Vec<Request> {
        let key = Key::of(&replica_set.metadata);
        let wanted = usize::try_from(replicas(replica_set)).unwrap_or(0);
        if active.len() < wanted {
            let missing = (wanted - active.len()).min(burst);
            self.expectations.expect(&key, missing, [], now);
            return vec![Request::create(&new_pod(replica_set)); missing];
        }
        let surplus = (active.len() - wanted).min(BURST_REPLICAS);
        if surplus == 0 {
            return vec![];
        }
        let doomed = ranking::first_to_delete(view, replica_set, (active, surplus), now);
        let uids = doomed.iter().map(|pod| uid(&pod.metadata).to_owned());
        self.expectations.expect(&key, 0, uids, now);
        doomed.iter().map(|pod| pods::delete(pod, json!({}))).collect()
    }

    fn create_completed(&mut self, key: &Key, outcome: &Outcome) {
        match outcome {
            Ok(pod) => {
                let message = format!("Created pod: {}", text(pod, &["metadata", "name"]));
                self.notes.add(key, Note::normal("SuccessfulCreate", message));
            }
            Err(status) => {
                self.expectations.creation_observed(key);
                self.failures.insert(key.clone(), status.message.clone());
                let message = format!("Error creating: {status}");
                self.notes.add(key, Note::warning("FailedCreate", message));
            }
        }
    }

    fn delete_completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        let Err(status) = outcome else {
            let message = format!("Deleted pod: {}", request.key.name);
            self.notes.add(key, Note::normal("SuccessfulDelete", message));
            return;
        };
        let preconditions = request.body.as_ref().and_then(|body| at(body, &["preconditions"]));
        let uid = preconditions.map(|preconditions| text(preconditions, &["uid"]));
        self.expectations.deletion_observed(key, uid.unwrap_or_default());
        if status.reason != Reason::NotFound {
            self.failures.insert(key.clone(), status.message.clone());
            let message = format!("Error deleting: {status}");
            self.notes.add(key, Note::warning("FailedDelete", message));
        }
    }

    fn observe_pod(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let metadata = change.object().metadata();
        let mut keys: Vec<Key> = owners(view, change).into_iter().collect();
        if let Some(key) = owner_key(view, metadata) {
            self.lower_expectations(&key, change, metadata);
        } else if change.new.is_some() && controller_of(metadata).is_none() {
            keys.extend(selecting(view, metadata));
        }
        keys
    }

    /// Source: addPod, updatePod and deletePod. A pod that is being deleted counts as deleted.
    fn lower_expectations(&mut self, key: &Key, change: &Change, metadata: &ObjectMeta) {
        if change.new.is_none() || metadata.deletion_timestamp.is_some() {
            self.expectations.deletion_observed(key, uid(metadata));
        } else if change.old.is_none() {
            self.expectations.creation_observed(key);
        }
    }
}

/// The number of pods that a ReplicaSet asks for.
pub(crate) fn replicas(replica_set: &ReplicaSet) -> i32 {
    replica_set.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1)
}

fn new_pod(replica_set: &ReplicaSet) -> Pod {
    let spec = replica_set.spec.as_ref();
    let template = spec.and_then(|spec| spec.template.clone()).unwrap_or_default();
    let metadata = template.metadata.unwrap_or_default();
    let name = replica_set.metadata.name.as_deref().unwrap_or_default();
    Pod {
        metadata: ObjectMeta {
            generate_name: Some(format!("{name}-")),
            namespace: replica_set.metadata.namespace.clone(),
            labels: metadata.labels,
            annotations: metadata.annotations,
            finalizers: metadata.finalizers,
            owner_references: Some(vec![controller_reference(replica_set)]),
            ..ObjectMeta::default()
        },
        spec: template.spec,
        status: None,
    }
}

fn is_terminating_replica(replica_set: &ReplicaSet, pod: &Pod) -> bool {
    let owner = controller_of(&pod.metadata);
    !pods::is_finished(pod)
        && pods::is_terminating(pod)
        && owner.is_some_and(|owner| owner.uid == uid(&replica_set.metadata))
}

/// The ReplicaSets that manage a pod, before and after a change.
fn owners(view: &View, change: &Change) -> BTreeSet<Key> {
    let objects = change.old.iter().chain(change.new.iter());
    objects.filter_map(|object| owner_key(view, object.metadata())).collect()
}

fn owner_key(view: &View, metadata: &ObjectMeta) -> Option<Key> {
    let owner: &OwnerReference =
        controller_of(metadata).filter(|owner| owner.kind == resources::REPLICA_SETS.kind)?;
    let key = Key::new(metadata.namespace.as_deref().unwrap_or_default(), &owner.name);
    let replica_set = view.replica_sets.get(&key)?;
    (uid(&replica_set.metadata) == owner.uid).then_some(key)
}

/// The ReplicaSets that an orphan may belong to.
fn selecting(view: &View, metadata: &ObjectMeta) -> Vec<Key> {
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    let selects = |replica_set: &&Arc<ReplicaSet>| {
        let spec = replica_set.spec.as_ref();
        let selector = spec.map(|spec| Selector::from_label_selector(&spec.selector));
        matches!(selector, Some(Ok(selector)) if selector.matches(labels(metadata)))
    };
    let replica_sets = view.replica_sets.in_namespace(namespace).filter(selects);
    replica_sets.map(|replica_set| Key::of(&replica_set.metadata)).collect()
}

#[cfg(test)]
mod tests;
