//! The scenario `cron-job` in Kubernetes' words.

use super::{Action, Job, Objects, Policy, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLER: &str = "cronjob-controller";

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let is_refused = !after.store.has_changed_since(&before.store);
    match action {
        Action::CreateForbidding => "a client creates a CronJob with concurrencyPolicy Forbid",
        Action::CreateReplacing => "a client creates a CronJob with concurrencyPolicy Replace",
        Action::Tick => return format!("time {} of the schedule comes", after.clock),
        Action::DeliverCronJob => "the controller hears of the CronJob",
        Action::DeliverJob => "the controller hears of a Job",
        Action::Look => "the controller looks at the CronJob and decides",
        Action::CommitDeletions => "the API server deletes the Job that is to be replaced",
        Action::CommitStatus if is_refused => "the CronJob is not as it was (Conflict)",
        Action::CommitStatus => "the API server writes the status of the CronJob",
        Action::CommitCreation if is_refused => "there is such a Job (AlreadyExists)",
        Action::CommitCreation => "the API server creates the Job",
        Action::FinishJob { time } => return format!("the Job of time {time} finishes"),
        Action::Crash => "the controller crashes and starts again",
    }
    .to_owned()
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::CreateForbidding | Action::CreateReplacing => "client",
        Action::Tick => "time",
        Action::DeliverCronJob | Action::DeliverJob | Action::Look | Action::Crash => CONTROLLER,
        Action::CommitDeletions | Action::CommitStatus | Action::CommitCreation => "kube-apiserver",
        Action::FinishJob { .. } => "job-controller",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controller] = lanes_of(CONTROLLER, &state.store, objects);
    if state.memory.started > 0 {
        controller.holds += &format!("; has made the Job of time {}", state.memory.started);
    }
    if state.plan.is_some() {
        controller.holds += "; is about to write";
    }
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    let Some(cron_job) = objects.cron_job else { return "nothing".to_owned() };
    let policy = match cron_job.policy {
        Policy::Forbid => "Forbid",
        Policy::Replace => "Replace",
    };
    let mut said = vec![format!("CronJob ({policy}, lastScheduleTime {})", cron_job.status.last)];
    for ((made, is_active), time) in objects.jobs.iter().zip(cron_job.status.active).zip(1..) {
        let active = if is_active { ", active" } else { "" };
        match made.job {
            Job::Absent => {}
            Job::Runs => said.push(format!("Job {time} (running{active})")),
            Job::Finished => said.push(format!("Job {time} (finished{active})")),
        }
    }
    said.join(", ")
}
