//! The Job controller: pods that run to their end, so many at once, until enough have succeeded.
//!
//! Source: pkg/controller/job (v1.36). Leaves out Workloads and PodGroups.

mod backoff;
mod conditions;
mod counts;
mod indexes;
mod orphans;
mod pass;
mod per_index;
mod policies;
mod template;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::object::text;
use api::selector::Selector;
use api::{AnyObject, Key, Reason, Request, Timestamp, Verb, resources};
use client::event::Note;
use client::expectations::TIMEOUT_SECONDS;
use client::{Cache, Change, Outcome, Pacing, View};
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use self::backoff::Backoff;
use self::pass::{Seen, TRACKING_FINALIZER, Wanted, has_finalizer};
use crate::ownership::{Claims, uid};
use crate::pod_control::{ManagesPods, PACING, PodControl};
use crate::{Controller, Plan, after_seconds, pods};

pub(crate) use self::conditions::{finished, finished_at, is_finished};
pub use self::orphans::JobOrphanController;

/// Who manages a Job that names nobody else.
const MANAGER: &str = "kubernetes.io/job-controller";

impl ManagesPods for Job {
    fn cache(view: &View) -> &Cache<Self> {
        &view.jobs
    }

    fn selector(&self) -> Option<Selector> {
        Selector::from_label_selector(self.spec.as_ref()?.selector.as_ref()?).ok()
    }
}

/// Whether another controller manages the Job.
fn is_managed_elsewhere(job: &Job) -> bool {
    let manager = job.spec.as_ref().and_then(|spec| spec.managed_by.as_deref());
    manager.is_some_and(|manager| manager != MANAGER)
}

/// The request that takes the tracking finalizer from a pod.
fn release(pod: &Pod) -> Request {
    let metadata = json!({"uid": uid(&pod.metadata),
        "$deleteFromPrimitiveList/finalizers": [TRACKING_FINALIZER]});
    let patch = json!({"metadata": metadata});
    Request::strategic_merge_patch(&resources::PODS, Key::of(&pod.metadata), patch)
}

/// What is remembered of a Job beside what the API server knows.
#[derive(Clone, Debug, Default)]
struct Memory {
    backoff: Backoff,
    /// Pods whose finalizer is gone, though the cache does not show it yet.
    released: BTreeSet<String>,
    /// The `resourceVersion` that the last status was written over. A cache that shows it is too old.
    outdated: String,
    /// What holds once the status that is being written is.
    pending: Option<(Backoff, Vec<Note>)>,
}

/// Creates, adopts, counts and deletes the pods of Jobs.
#[derive(Clone, Debug)]
pub struct JobController {
    control: PodControl,
    claims: Claims,
    memories: BTreeMap<Key, Memory>,
}

impl Default for JobController {
    fn default() -> Self {
        Self {
            control: PodControl::new("job-controller"),
            claims: Claims::with_finalizer(TRACKING_FINALIZER),
            memories: BTreeMap::new(),
        }
    }
}

impl Controller for JobController {
    fn name(&self) -> &'static str {
        "job-controller"
    }

    fn workers(&self) -> usize {
        5
    }

    fn backoff(&self) -> client::Backoff {
        client::Backoff::seconds(1, 60).without_turns()
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        if change.resource() == &resources::JOBS {
            return vec![change.key()];
        }
        let AnyObject::Pod(pod) = change.object() else { return vec![] };
        let keys = self.control.observe::<Job>(view, change);
        if change.new.is_none() || !has_finalizer(pod) {
            self.forget_released(&keys, pod);
        }
        keys
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let Some(job) = view.jobs.get(key) else {
            self.control.forget(key);
            self.memories.remove(key);
            return Plan::default();
        };
        self.control.notes.about(key, &AnyObject::from(Arc::clone(job)));
        let mut plan = Plan { requests: self.control.notes.flush(key, now), look_again: None };
        if is_finished(job) {
            self.memories.remove(key);
        } else if let Some(spec) = job.spec.as_ref().filter(|_| !is_managed_elsewhere(job)) {
            self.sync(view, (job, spec), (&mut plan, now));
        }
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        self.claims.completed(request, outcome);
        self.control.completed(key, request, outcome);
        if request.resource == &resources::JOBS && request.verb == Verb::Update {
            self.status_completed(key, request, outcome);
        } else if is_release(request) {
            self.release_completed(key, request, outcome);
        }
    }

    fn pacing(&self) -> Pacing {
        Pacing { correct: count_uncreated, ..PACING }
    }

    fn left_out(&mut self, key: &Key, _request: &Request) {
        self.control.left_out(key);
    }
}

/// Takes those that were not created out of the active pods that a status counts.
fn count_uncreated(request: &mut Request, uncreated: usize) {
    let body = request.body.as_mut().filter(|_| request.resource == &resources::JOBS);
    let status = body.and_then(|job| job.get_mut("status")?.as_object_mut());
    let Some(status) = status.filter(|_| uncreated > 0) else { return };
    let counted = status.remove("active").and_then(|active| active.as_u64()).unwrap_or(0);
    let active = counted.saturating_sub(uncreated as u64);
    // Kubernetes leaves out numbers that are zero.
    if active > 0 {
        status.insert("active".to_owned(), json!(active));
    }
}

/// Whether a request takes the tracking finalizer from a pod that stays the Job's.
fn is_release(request: &Request) -> bool {
    let body = request.body.as_ref();
    request.resource == &resources::PODS
        && body.is_some_and(|body| {
            body["metadata"].get("$deleteFromPrimitiveList/finalizers").is_some()
                && body["metadata"].get("ownerReferences").is_none()
        })
}

impl JobController {
    fn forget_released(&mut self, keys: &[Key], pod: &Pod) {
        for key in keys {
            if let Some(memory) = self.memories.get_mut(key) {
                memory.released.remove(uid(&pod.metadata));
            }
        }
    }

    fn status_completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        let Some(memory) = self.memories.get_mut(key) else { return };
        let (Some((backoff, notes)), Ok(answer), Some(body)) =
            (memory.pending.take(), outcome, &request.body)
        else {
            return;
        };
        memory.backoff = backoff;
        // A write that changed nothing has no version of its own, and none that a cache could lack.
        let [before, after] =
            [body, answer].map(|object| text(object, &["metadata", "resourceVersion"]));
        if before != after {
            before.clone_into(&mut memory.outdated);
        }
        for note in notes {
            self.control.notes.add(key, note);
        }
    }

    /// A pod that is gone has no finalizer either.
    fn release_completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        let is_gone =
            outcome.as_ref().map_or_else(|status| status.reason == Reason::NotFound, |_| true);
        let (Some(memory), Some(body)) = (self.memories.get_mut(key), &request.body) else {
            return;
        };
        if is_gone {
            memory.released.insert(text(body, &["metadata", "uid"]).to_owned());
        }
    }

    fn sync(
        &mut self,
        view: &View,
        (job, spec): (&Arc<Job>, &JobSpec),
        (plan, now): (&mut Plan, Timestamp),
    ) {
        let Some(selector) = job.selector() else { return };
        let key = Key::of(&job.metadata);
        let memory = self.memories.entry(key.clone()).or_default();
        if job.metadata.resource_version.as_deref() == Some(memory.outdated.as_str()) {
            return;
        }
        if !self.control.expectations.satisfied(&key, now) {
            return plan.look_again_at(after_seconds(now, TIMEOUT_SECONDS + 1));
        }
        let owner = job.as_ref();
        let claimable = pods::claimable(view, owner);
        let Some(pods) = self.claims.claim(owner, (&selector, claimable), (&mut *plan, now)) else {
            return;
        };
        let (released, backoff) = (memory.released.clone(), memory.backoff);
        let wanted = pass::run(Seen { job, spec, pods, released, backoff, now });
        if let Some(when) = wanted.look_again {
            plan.look_again_at(when);
        }
        self.perform(job, wanted, (plan, now));
    }

    /// Pods first, then the status; finalizers only when there is no status to write.
    fn perform(&mut self, job: &Job, wanted: Wanted, (plan, now): (&mut Plan, Timestamp)) {
        let key = Key::of(&job.metadata);
        let gone = || wanted.deleted.iter().chain(&wanted.withdrawn);
        if !wanted.created.is_empty() || gone().next().is_some() {
            let uids = gone().map(|pod| uid(&pod.metadata).to_owned());
            self.control.expectations.expect(&key, wanted.created.len(), uids, now);
        }
        let withdrawn = wanted.withdrawn.iter().filter(|pod| has_finalizer(pod));
        plan.requests.extend(withdrawn.map(|pod| release(pod)));
        plan.requests.extend(gone().map(|pod| pods::delete(pod, json!({}))));
        plan.requests.extend(wanted.created.iter().map(Request::create));
        plan.requests.extend(wanted.counted.iter().map(|pod| release(pod)));
        if job.status.as_ref() != Some(&wanted.status) {
            plan.requests
                .push(Request::update_status(&Job { status: Some(wanted.status), ..job.clone() }));
            if let Some(memory) = self.memories.get_mut(&key) {
                memory.pending = Some((wanted.backoff, wanted.notes));
            }
        }
    }
}

#[cfg(test)]
mod tests;
