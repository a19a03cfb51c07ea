//! One pass over one StatefulSet: which pods and claims come, go and are put right, and what its status becomes.
//!
//! Source: `updateStatefulSet` in pkg/controller/statefulset/stateful_set_control.go and
//! `StatefulPodControl` in stateful_pod_control.go (v1.36). Claims are made in one pass and the pod that needs
//! them in the next, when the cache shows them. Left out: `maxUnavailable`, whose gate is off.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use api::{Request, Timestamp};
use client::View;
use client::event::Note;
use k8s_openapi::api::apps::v1::{
    RollingUpdateStatefulSetStrategy, StatefulSet, StatefulSetSpec, StatefulSetStatus,
};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};

use super::revisions::Revisions;
use super::status::{self, is_available, is_running_and_ready};
use super::{claims, events, identity, retention};
use crate::ownership::name;
use crate::pods;

/// How many pods one pass asks for at most.
pub(super) const BATCH_SIZE_MAX: usize = 500;

/// What a pass looks at.
pub(super) struct Seen<'a> {
    pub(super) view: &'a View,
    pub(super) stateful_set: &'a StatefulSet,
    pub(super) spec: &'a StatefulSetSpec,
    pub(super) revisions: &'a Revisions,
    /// The pods that the StatefulSet manages.
    pub(super) pods: &'a [Arc<Pod>],
    pub(super) now: Timestamp,
}

/// What a claim is written for, which decides what a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A pod that is to be created.
    Create,
    /// A pod that is to be put right.
    Update,
    /// A pod that is there and may go on without.
    Upkeep,
}

/// What a pass wants done.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) new_claims: Vec<(PersistentVolumeClaim, Purpose)>,
    pub(super) new_pods: Vec<Pod>,
    pub(super) deleted: Vec<Arc<Pod>>,
    /// Changes of claims.
    pub(super) owned: Vec<(Request, Purpose)>,
    /// Pods that are put right.
    pub(super) repaired: Vec<Pod>,
    pub(super) notes: Vec<Note>,
    pub(super) status: StatefulSetStatus,
}

struct Pass<'a> {
    seen: Seen<'a>,
    ordinals: RangeInclusive<i64>,
    /// By ordinal, the pods that stay.
    replicas: BTreeMap<i64, Arc<Pod>>,
    /// The pods that go, the highest ordinal first.
    condemned: Vec<Arc<Pod>>,
    wanted: Wanted,
    /// Something could not be asked for; what comes after it waits.
    failed: bool,
}

/// Runs a pass.
pub(super) fn run(seen: Seen<'_>) -> Wanted {
    let mut pass = Pass::new(seen);
    let (stateful_set, spec) = (pass.seen.stateful_set, pass.seen.spec);
    let counted = (pass.seen.revisions, pass.seen.pods);
    pass.wanted.status = status::count(stateful_set, spec, counted, pass.seen.now);
    if stateful_set.metadata.deletion_timestamp.is_none() && pass.keep() && pass.condemn() {
        pass.roll_out();
    }
    status::complete_rolling_update(spec, &mut pass.wanted.status);
    pass.wanted
}

impl<'a> Pass<'a> {
    fn new(seen: Seen<'a>) -> Self {
        let ordinals = identity::ordinals(seen.spec);
        let by_ordinal = seen.pods.iter().filter_map(|pod| {
            identity::ordinal(name(&pod.metadata)).map(|ordinal| (ordinal, Arc::clone(pod)))
        });
        let (replicas, condemned): (BTreeMap<_, _>, BTreeMap<_, _>) =
            by_ordinal.partition(|(ordinal, _)| ordinals.contains(ordinal));
        let condemned = condemned.into_values().rev().collect();
        Self { seen, ordinals, replicas, condemned, wanted: Wanted::default(), failed: false }
    }

    fn is_parallel(&self) -> bool {
        self.seen.spec.pod_management_policy.as_deref() == Some("Parallel")
    }

    fn is_unavailable(&self, pod: &Pod) -> bool {
        !is_available(self.seen.spec, pod, self.seen.now) || pods::is_terminating(pod)
    }

    /// Makes and puts right the pods that stay. Whether anything else may be done.
    fn keep(&mut self) -> bool {
        if self.is_parallel() {
            self.keep_all();
            return !self.failed;
        }
        let mut ordinals = self.ordinals.clone();
        ordinals.all(|ordinal| match self.replicas.get(&ordinal).cloned() {
            Some(pod) => self.keep_one(&pod, ordinal),
            None => {
                self.create(ordinal);
                false
            }
        })
    }

    fn keep_all(&mut self) {
        for (ordinal, pod) in self.replicas.clone() {
            self.keep_one(&pod, ordinal);
        }
        let ordinals = self.ordinals.clone();
        let missing = ordinals.filter(|ordinal| !self.replicas.contains_key(ordinal));
        let missing: Vec<i64> = missing.take(BATCH_SIZE_MAX).collect();
        for ordinal in missing {
            self.create(ordinal);
        }
    }

    /// Whether the pods after this one may be looked at, where they wait for each other.
    fn keep_one(&mut self, pod: &Arc<Pod>, ordinal: i64) -> bool {
        if pods::is_finished(pod) {
            self.delete(pod);
            return false;
        }
        if pods::phase(pod) == "Pending" && !self.complete_claims(pod, ordinal) {
            return false;
        }
        let is_waited_for = pods::is_terminating(pod)
            || !is_running_and_ready(pod)
            || !is_available(self.seen.spec, pod, self.seen.now);
        if is_waited_for && !self.is_parallel() {
            return false;
        }
        self.repair(pod, ordinal);
        !self.failed
    }

    /// Makes the pod of an ordinal, or first the claims that it needs.
    fn create(&mut self, ordinal: i64) {
        let (view, stateful_set) = (self.seen.view, self.seen.stateful_set);
        if retention::is_stale(view, stateful_set, ordinal) {
            return;
        }
        let missing = claims::missing(view, stateful_set, ordinal);
        let is_complete = missing.is_empty();
        self.wanted.new_claims.extend(missing.into_iter().map(|claim| (claim, Purpose::Create)));
        if let Some(obstacle) = claims::obstacle(view, stateful_set, ordinal) {
            self.fails("create", ordinal, &obstacle);
        } else if is_complete {
            let restored = match self.is_of_current(ordinal) {
                true => &self.seen.revisions.current,
                false => &self.seen.revisions.update,
            };
            let pod = identity::new_pod(&restored.stateful_set, &restored.name, ordinal);
            self.wanted.new_pods.push(pod);
        }
    }

    /// Whether the pod of an ordinal is not to be updated yet. Source: `newVersionedStatefulSetPod`.
    fn is_of_current(&self, ordinal: i64) -> bool {
        let status = self.seen.stateful_set.status.as_ref();
        let not_updated = match self.rolling_update() {
            Some(rolling_update) => rolling_update.partition.unwrap_or(0),
            None if status::strategy(self.seen.spec) == "RollingUpdate" => {
                status.and_then(|status| status.current_replicas).unwrap_or(0)
            }
            None => 0,
        };
        ordinal < self.ordinals.start() + i64::from(not_updated)
    }

    fn rolling_update(&self) -> Option<&RollingUpdateStatefulSetStrategy> {
        self.seen.spec.update_strategy.as_ref()?.rolling_update.as_ref()
    }

    fn fails(&mut self, verb: &str, ordinal: i64, error: &str) {
        let stateful_set = name(&self.seen.stateful_set.metadata);
        let pod = identity::pod_name(stateful_set, ordinal);
        self.wanted.notes.push(events::pod_failed(verb, &pod, stateful_set, error));
        self.failed = true;
    }

    fn delete(&mut self, pod: &Arc<Pod>) {
        if !pods::is_terminating(pod) {
            self.wanted.deleted.push(Arc::clone(pod));
        }
    }

    /// Makes the claims that a pod waits for. Whether none of them is going.
    fn complete_claims(&mut self, pod: &Pod, ordinal: i64) -> bool {
        let (view, stateful_set) = (self.seen.view, self.seen.stateful_set);
        let missing = claims::missing(view, stateful_set, ordinal);
        self.wanted.new_claims.extend(missing.into_iter().map(|claim| (claim, Purpose::Upkeep)));
        if claims::obstacle(view, stateful_set, ordinal).is_some() {
            self.failed = true;
            return false;
        }
        self.own_claims(pod, Purpose::Update);
        true
    }

    fn own_claims(&mut self, pod: &Pod, purpose: Purpose) {
        let (view, stateful_set) = (self.seen.view, self.seen.stateful_set);
        self.wanted.notes.extend(retention::conflicts(view, stateful_set, pod));
        let requests = retention::requests(view, stateful_set, pod);
        self.wanted.owned.extend(requests.into_iter().map(|request| (request, purpose)));
    }

    /// Gives a pod back what it must have. A pod whose claims got other owners is written, too.
    fn repair(&mut self, pod: &Arc<Pod>, ordinal: i64) {
        let (view, stateful_set) = (self.seen.view, self.seen.stateful_set);
        let repaired = identity::repaired(stateful_set, pod, ordinal);
        let is_kept = retention::is_kept(view, stateful_set, pod);
        if repaired.is_none() && is_kept {
            return;
        }
        if !identity::has_claims(stateful_set, pod, ordinal) {
            let missing = claims::missing(view, stateful_set, ordinal);
            self.wanted
                .new_claims
                .extend(missing.into_iter().map(|claim| (claim, Purpose::Update)));
            if let Some(obstacle) = claims::obstacle(view, stateful_set, ordinal) {
                return self.fails("update", ordinal, &obstacle);
            }
        }
        if !is_kept && pods::phase(pod) != "Pending" {
            self.own_claims(pod, Purpose::Update);
        }
        self.wanted.repaired.push(repaired.unwrap_or_else(|| pod.as_ref().clone()));
    }

    /// Deletes the pods that are too many. Whether the others may be updated.
    fn condemn(&mut self) -> bool {
        for pod in self.condemned.clone() {
            if !retention::is_kept(self.seen.view, self.seen.stateful_set, &pod) {
                self.own_claims(&pod, Purpose::Upkeep);
            }
        }
        if self.is_parallel() {
            for pod in self.condemned.clone() {
                self.delete(&pod);
            }
            return true;
        }
        let Some(last) = self.condemned.first().cloned() else { return true };
        let mut lower = self.condemned.iter().skip(1);
        let is_first_unavailable = !lower.any(|pod| self.is_unavailable(pod));
        let is_healthy = is_running_and_ready(&last) && !self.is_unavailable(&last);
        if is_healthy || is_first_unavailable {
            self.delete(&last);
        }
        false
    }

    /// Deletes the pod with the highest ordinal that is not of the update revision, if all above it are
    /// available.
    fn roll_out(&mut self) {
        if status::strategy(self.seen.spec) == "OnDelete" {
            return;
        }
        let partition = self.rolling_update().and_then(|update| update.partition).unwrap_or(0);
        let start = self.ordinals.start() + i64::from(partition);
        for ordinal in (start..=*self.ordinals.end()).rev() {
            let Some(pod) = self.replicas.get(&ordinal).cloned() else { return };
            let is_old = identity::revision(&pod) != self.seen.revisions.update.name;
            if is_old && !pods::is_terminating(&pod) {
                self.delete(&pod);
                let current = &mut self.wanted.status.current_replicas;
                *current = current.map(|current| (current - 1).max(0));
                return;
            }
            if self.is_unavailable(&pod) {
                return;
            }
        }
    }
}
