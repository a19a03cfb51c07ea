//! CronJobs that start a Job each minute, which runs for longer than that.

use std::collections::BTreeMap;

use api::object::{at, text};
use api::{ApiResource, Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::super::{Moment, any, create, delete, key, name, owners, pod_spec, uid};
use crate::sim::checks::is_deleted;
use crate::sim::objects::{Objects, objects};
use crate::sim::random::Random;

const CRON_JOBS: &ApiResource = &resources::CRON_JOBS;
const JOBS: &ApiResource = &resources::JOBS;

const POLICIES: [&str; 3] = ["Allow", "Forbid", "Replace"];
const SCHEDULED: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/// How long a Job runs whose Pods are none.
const DEADLINE_SECONDS: i64 = 90;

pub(super) fn ask(store: &Store, random: &mut Random) -> Option<Request> {
    match random.below(10) {
        0..=5 => Some(create(CRON_JOBS, "default", cron_job(POLICIES[random.below(3)]))),
        6 => {
            let patch = json!({"spec": {"suspend": random.one_in(2)}});
            Some(Request::merge_patch(CRON_JOBS, key(&any(store, CRON_JOBS, random)?), patch))
        }
        7 | 8 => {
            let patch = json!({"spec": {"activeDeadlineSeconds": 1}});
            Some(Request::merge_patch(JOBS, key(&any_of_cron_job(store, random)?), patch))
        }
        _ if random.one_in(4) => {
            Some(delete(CRON_JOBS, &any(store, CRON_JOBS, random)?, "Background"))
        }
        _ => Some(delete(JOBS, &any_of_cron_job(store, random)?, "Background")),
    }
}

/// A CronJob of this policy.
pub(crate) fn cron_job(policy: &str) -> Value {
    let spec = json!({"restartPolicy": "Never", "containers": pod_spec()["containers"]});
    let job = json!({"parallelism": 0, "completions": 1,
        "activeDeadlineSeconds": DEADLINE_SECONDS, "template": {"spec": spec}});
    json!({"apiVersion": "batch/v1", "kind": "CronJob",
        "metadata": {"name": policy.to_lowercase(), "namespace": "default"},
        "spec": {"schedule": "* * * * *", "concurrencyPolicy": policy,
            "jobTemplate": {"spec": job}}})
}

fn any_of_cron_job(store: &Store, random: &mut Random) -> Option<Value> {
    let mut jobs = objects(store, JOBS);
    jobs.retain(|job| owner(job).is_some());
    jobs.any(random)
}

/// The uid of the CronJob of a Job.
fn owner(job: &Value) -> Option<&str> {
    let owner = owners(job).find(|owner| owner["kind"] == "CronJob")?;
    Some(text(owner, &["uid"]))
}

/// The claim that a write breaks.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    let is_creation = moment.writes(JOBS) && moment.event.action == "create";
    if !is_creation || !moment.is_by_controllers() {
        return None;
    }
    let jobs = objects(moment.after, JOBS);
    let (cron_jobs, before) = (objects(moment.before, CRON_JOBS), objects(moment.before, JOBS));
    made_twice(&jobs).or_else(|| {
        let made = jobs.iter().find(|job| uid(job) == moment.uid)?;
        let cron_job = cron_jobs.iter().find(|found| owner(made) == Some(uid(found)))?;
        starts_beside(cron_job, &before).filter(|_| moment.is_certain)
    })
}

/// CRONJOB-1.
fn made_twice(jobs: &Objects) -> Option<String> {
    let mut times = BTreeMap::new();
    jobs.iter().find_map(|job| {
        let time = text(job, &["metadata", "annotations", SCHEDULED]);
        let other = times.insert((owner(job)?, time), name(job))?;
        Some(format!("CRONJOB-1: {other} and {} are for {time}", name(job)))
    })
}

/// CRONJOB-2 and CRONJOB-3, for a CronJob that starts a Job while there are these. A request may arrive after its
/// sender has crashed, or given up.
fn starts_beside(cron_job: &Value, jobs: &Objects) -> Option<String> {
    let mut active =
        active(cron_job).filter_map(|one| jobs.iter().find(|job| one["uid"] == uid(job)));
    let (claim, other) = match text(cron_job, &["spec", "concurrencyPolicy"]) {
        "Forbid" => ("CRONJOB-2", active.find(|job| !has_ended(job))),
        "Replace" => ("CRONJOB-3", active.find(|job| !is_deleted(job))),
        _ => return None,
    };
    Some(format!("{claim}: {} starts a Job beside {}", name(cron_job), name(other?)))
}

fn active(cron_job: &Value) -> impl Iterator<Item = &Value> {
    at(cron_job, &["status", "active"]).and_then(Value::as_array).into_iter().flatten()
}

fn has_ended(job: &Value) -> bool {
    let conditions = at(job, &["status", "conditions"]).and_then(Value::as_array);
    let ends = |one: &Value| one["type"] == "Failed" || one["type"] == "Complete";
    conditions.into_iter().flatten().any(|one| ends(one) && one["status"] == "True")
}

/// CRONJOB-4.
pub(crate) fn run_together(store: &Store) -> bool {
    let jobs = objects(store, JOBS);
    jobs.iter().filter(|job| owner(job).is_some() && !has_ended(job)).count() > 1
}

/// CRONJOB-5 and CRONJOB-6.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let jobs = objects(store, JOBS);
    objects(store, CRON_JOBS).iter().find_map(|cron_job| {
        let has_started = at(cron_job, &["status", "lastScheduleTime"]).is_some();
        if !has_started && cron_job["spec"]["suspend"] != true {
            return Some(format!("CRONJOB-5: {} has started nothing", name(cron_job)));
        }
        let runs = |one: &&Value| jobs.iter().any(|job| one["uid"] == uid(job) && !has_ended(job));
        let ended = active(cron_job).find(|one| !runs(one))?;
        Some(format!("CRONJOB-6: {} lists {}", name(cron_job), text(ended, &["name"])))
    })
}
