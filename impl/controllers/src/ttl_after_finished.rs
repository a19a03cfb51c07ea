//! The TTL-after-finished controller: deletes Jobs some time after they have finished, if they ask for it.
//!
//! Source: pkg/controller/ttlafterfinished/ttlafterfinished_controller.go (v1.36). Where upstream reads the
//! Job once more before it deletes it, here the deletion names the `resourceVersion` that was decided on.

use api::{AnyObject, Key, Request, Timestamp, resources};
use client::{Change, Outcome, View};
use k8s_openapi::api::batch::v1::Job;
use serde_json::json;

use crate::job::finished_at;
use crate::ownership::uid;
use crate::{Controller, Plan, after_seconds};

/// Deletes finished Jobs when their time has come.
#[derive(Clone, Debug, Default)]
pub struct TtlAfterFinishedController;

impl Controller for TtlAfterFinishedController {
    fn name(&self) -> &'static str {
        "ttl-after-finished-controller"
    }

    fn workers(&self) -> usize {
        5
    }

    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        match &change.new {
            Some(AnyObject::Job(job)) if expires_at(job).is_some() => vec![change.key()],
            _ => vec![],
        }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let mut plan = Plan::default();
        let Some(job) = view.jobs.get(key) else { return plan };
        match expires_at(job) {
            Some(when) if when <= now => plan.requests.push(delete(job)),
            Some(when) => plan.look_again_at(when),
            None => {}
        }
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, _key: &Key, _request: &Request, _outcome: &Outcome) {}
}

/// When the Job is to be deleted; `None` while it has not finished, does not ask for it, or is going anyway.
fn expires_at(job: &Job) -> Option<Timestamp> {
    let ttl = job.spec.as_ref()?.ttl_seconds_after_finished?;
    let lives = job.metadata.deletion_timestamp.is_none();
    finished_at(job).filter(|_| lives).map(|finished| after_seconds(finished, ttl.into()))
}

/// Deletes the Job after its pods, if nobody has changed it.
fn delete(job: &Job) -> Request {
    let preconditions =
        json!({"uid": uid(&job.metadata), "resourceVersion": job.metadata.resource_version});
    let options = json!({"propagationPolicy": "Foreground", "preconditions": preconditions});
    Request::delete(&resources::JOBS, Key::of(&job.metadata), uid(&job.metadata), options)
}

#[cfg(test)]
mod tests {
    use api::Verb;
    use serde_json::Value;

    use super::*;
    use crate::testing::{World, at, names, requests, time_text};

    #[test]
    fn a_finished_job_goes_when_its_time_has_come_and_not_before() {
        let mut world = World::new(TtlAfterFinishedController);
        let due = world.put(&resources::JOBS, job(json!(30), "True"));

        let early = world.reconcile(&due[0], at(129));
        let late = world.reconcile(&due[0], at(130));

        assert_eq!((early.requests.len(), early.look_again), (0, Some(at(130))));
        assert_eq!(names(&late, Verb::Delete, &resources::JOBS), ["pi"]);
        let options = requests(&late, Verb::Delete, &resources::JOBS)[0].body.clone().unwrap();
        assert_eq!(options["propagationPolicy"], "Foreground");
        assert_eq!(options["preconditions"], json!({"uid": "uid-pi", "resourceVersion": "1"}));
    }

    #[test]
    fn a_job_stays_that_has_not_finished_or_does_not_ask_to_go() {
        let mut world = World::new(TtlAfterFinishedController);

        assert!(world.put(&resources::JOBS, job(json!(30), "False")).is_empty());
        assert!(world.put(&resources::JOBS, job(Value::Null, "True")).is_empty());
    }

    /// A Job that is complete, or not, since second 100.
    fn job(ttl: Value, status: &str) -> Value {
        let condition =
            json!({"type": "Complete", "status": status, "lastTransitionTime": time_text(100)});
        json!({"metadata": {"name": "pi", "namespace": "default"},
            "spec": {"ttlSecondsAfterFinished": ttl, "template": {}}, "status": {"conditions": [condition]}})
    }
}
