//! The controller of ReplicaSets and of ReplicationControllers: as many pods of one template as are asked for.
//!
//! Source: pkg/controller/replicaset/replica_set.go (v1.36).

mod ranking;
mod replicated;
mod status;

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use api::object::{controller_of, controller_reference};
use api::selector::Selector;
use api::{AnyObject, Key, Request, Timestamp, resources};
use client::expectations::TIMEOUT_SECONDS;
use client::{Change, Outcome, Pacing, View};
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::core::v1::{Pod, ReplicationController};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use crate::ownership::{Claims, uid};
use crate::pod_control::{PACING, PodControl};
use crate::{Controller, Plan, after_seconds, pods};

pub(crate) use self::ranking::least_missed;
pub use self::replicated::Replicated;

/// How many pods one reconciliation creates or deletes at most.
pub const BURST_REPLICAS: usize = 500;

/// The controller of ReplicaSets.
pub type ReplicaSetController = ReplicaController<ReplicaSet>;

/// The controller of ReplicationControllers.
pub type ReplicationManager = ReplicaController<ReplicationController>;

/// Creates, adopts, releases and deletes the pods of one kind.
#[derive(Clone, Debug)]
pub struct ReplicaController<K> {
    control: PodControl,
    claims: Claims,
    /// Why the last creation or deletion of an owner's pods was refused.
    failures: BTreeMap<Key, String>,
    kind: PhantomData<K>,
}

impl<K: Replicated> Default for ReplicaController<K> {
    fn default() -> Self {
        Self {
            control: PodControl::new(K::COMPONENT),
            claims: Claims::default(),
            failures: BTreeMap::new(),
            kind: PhantomData,
        }
    }
}

impl<K: Replicated> Controller for ReplicaController<K>
where
    AnyObject: From<Arc<K>>,
{
    fn name(&self) -> &'static str {
        K::CONTROLLER
    }

    fn workers(&self) -> usize {
        5
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let resource = change.resource();
        if resource == K::RESOURCE {
            vec![change.key()]
        } else if resource == &resources::PODS {
            self.control.observe::<K>(view, change)
        } else {
            vec![]
        }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let Some(owner) = K::cache(view).get(key) else {
            self.forget(key);
            return Plan::default();
        };
        self.control.notes.about(key, &AnyObject::from(Arc::clone(owner)));
        let mut plan = Plan { requests: self.control.notes.flush(key, now), look_again: None };
        if let Some(selector) = owner.selector() {
            self.sync(view, (owner.as_ref(), &selector), (&mut plan, now));
        }
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        self.claims.completed(request, outcome);
        if let Some(failure) = self.control.completed(key, request, outcome) {
            self.failures.insert(key.clone(), failure);
        }
    }

    fn pacing(&self) -> Pacing {
        PACING
    }

    fn left_out(&mut self, key: &Key, _request: &Request) {
        self.control.left_out(key);
    }
}

impl<K: Replicated> ReplicaController<K> {
    fn forget(&mut self, key: &Key) {
        self.control.forget(key);
        self.failures.remove(key);
    }

    fn sync(
        &mut self,
        view: &View,
        (owner, selector): (&K, &Selector),
        (plan, now): (&mut Plan, Timestamp),
    ) {
        let key = Key::of(owner.metadata());
        let (active, inactive): (Vec<_>, Vec<_>) =
            pods::claimable(view, owner).into_iter().partition(|pod| pods::is_active(pod));
        let Some(active) = self.claims.claim(owner, (selector, active), (&mut *plan, now)) else {
            return;
        };
        let failure = self.failures.remove(&key);
        if !self.control.expectations.satisfied(&key, now) {
            plan.look_again_at(after_seconds(now, TIMEOUT_SECONDS + 1));
        } else if owner.metadata().deletion_timestamp.is_none() {
            plan.requests.extend(self.manage(view, (owner, &active), now));
        }
        let terminating = inactive.iter().filter(|pod| is_terminating_replica(owner, pod));
        let replicas =
            status::Replicas { active: &active, terminating: terminating.count(), failure };
        plan.requests.extend(status::update(owner, &replicas, now));
        if let Some(when) = status::next_available(owner, &active, now) {
            plan.look_again_at(when);
        }
    }

    /// Creates what is missing, or deletes what is too many, and expects to see it.
    fn manage(
        &mut self,
        view: &View,
        (owner, active): (&K, &[Arc<Pod>]),
        now: Timestamp,
    ) -> Vec<Request> {
        let key = Key::of(owner.metadata());
        let wanted = usize::try_from(owner.replicas()).unwrap_or(0);
        if active.len() < wanted {
            let missing = (wanted - active.len()).min(BURST_REPLICAS);
            self.control.expectations.expect(&key, missing, [], now);
            return vec![Request::create(&new_pod(owner)); missing];
        }
        let surplus = (active.len() - wanted).min(BURST_REPLICAS);
        if surplus == 0 {
            return vec![];
        }
        let doomed = ranking::first_to_delete(view, owner, (active, surplus), now);
        let uids = doomed.iter().map(|pod| uid(&pod.metadata).to_owned());
        self.control.expectations.expect(&key, 0, uids, now);
        doomed.iter().map(|pod| pods::delete(pod, json!({}))).collect()
    }
}

fn new_pod<K: Replicated>(owner: &K) -> Pod {
    let template = owner.template().cloned().unwrap_or_default();
    let metadata = template.metadata.unwrap_or_default();
    let name = owner.metadata().name.as_deref().unwrap_or_default();
    Pod {
        metadata: ObjectMeta {
            generate_name: Some(format!("{name}-")),
            namespace: owner.metadata().namespace.clone(),
            labels: metadata.labels,
            annotations: metadata.annotations,
            finalizers: metadata.finalizers,
            owner_references: Some(vec![controller_reference(owner)]),
            ..ObjectMeta::default()
        },
        spec: template.spec,
        status: None,
    }
}

fn is_terminating_replica<K: Replicated>(owner: &K, pod: &Pod) -> bool {
    let controller = controller_of(&pod.metadata);
    !pods::is_finished(pod)
        && pods::is_terminating(pod)
        && controller.is_some_and(|controller| controller.uid == uid(owner.metadata()))
}

#[cfg(test)]
mod tests;
