//! Takes the tracking finalizer from pods that no Job counts any more, so that they can go.
//!
//! Source: syncOrphanPod in pkg/controller/job/job_controller.go (v1.36). Keys are those of pods.

use api::object::controller_of;
use api::{AnyObject, Key, Kind, Request, Timestamp};
use client::{Change, Outcome, View};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;

use super::pass::has_finalizer;
use super::{is_finished, is_managed_elsewhere, release};
use crate::pod_control::owner_key;
use crate::{Controller, Plan, pods};

/// Watches over pods whose Job is gone or finished.
#[derive(Clone, Debug, Default)]
pub struct JobOrphanController;

impl Controller for JobOrphanController {
    fn name(&self) -> &'static str {
        "job-controller"
    }

    fn backoff(&self) -> client::Backoff {
        client::Backoff::seconds(1, 60).without_turns()
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        if let AnyObject::Job(job) = change.object() {
            let counts_no_more = change.new.is_none() || is_finished(job);
            return if counts_no_more { pods_of(view, job) } else { vec![] };
        }
        match &change.new {
            Some(AnyObject::Pod(pod)) if is_candidate(view, pod) => vec![change.key()],
            Some(_) | None => vec![],
        }
    }

    fn reconcile(&mut self, view: &View, key: &Key, _now: Timestamp) -> Plan {
        let pod = view.pods.get(key).filter(|pod| has_finalizer(pod) && is_orphan(view, pod));
        let requests: Vec<Request> = pod.into_iter().map(|pod| release(pod)).collect();
        Plan { requests, look_again: None }.observed_at(view.revision)
    }

    fn completed(&mut self, _key: &Key, _request: &Request, _outcome: &Outcome) {}
}

/// A pod whose Job is not there may be one whose Job is not known yet, until it is being deleted.
fn is_candidate(view: &View, pod: &Pod) -> bool {
    let has_unknown_owner =
        controller_of(&pod.metadata).is_some() && owner_key::<Job>(view, &pod.metadata).is_none();
    has_finalizer(pod) && is_orphan(view, pod) && (!has_unknown_owner || pods::is_terminating(pod))
}

/// Whether no Job counts the pod, and nobody else does.
fn is_orphan(view: &View, pod: &Pod) -> bool {
    let Some(owner) = controller_of(&pod.metadata) else { return true };
    if owner.kind != Job::RESOURCE.kind || owner.api_version != Job::RESOURCE.api_version() {
        return false;
    }
    let job = owner_key::<Job>(view, &pod.metadata).and_then(|key| view.jobs.get(&key));
    job.is_none_or(|job| is_finished(job) && !is_managed_elsewhere(job))
}

fn pods_of(view: &View, job: &Job) -> Vec<Key> {
    let tracked = view.pods_of(&job.metadata).filter(|pod| has_finalizer(pod));
    tracked.map(|pod| Key::of(&pod.metadata)).collect()
}
