//! The scenario `ttl-after-finished` in Kubernetes' words.

use super::{Action, Job, Objects, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLER: &str = "ttl-after-finished-controller";

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let is_refused = !after.store.has_changed_since(&before.store);
    match action {
        Action::DeliverJob => "the controller hears of the Job",
        Action::Expire => "the time of the Job is over, and the controller deletes it",
        Action::CommitDeletion if is_refused => "the Job is not as it was (Conflict)",
        Action::CommitDeletion => "the API server deletes the Job",
        Action::FinishJob => "the Job finishes",
        Action::CreateJob => "a client creates the Job",
        Action::EditTtl => "a client edits spec.ttlSecondsAfterFinished",
        Action::DeleteJob => "a client deletes the Job",
        Action::Crash => "the controller crashes and starts again",
    }
    .to_owned()
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverJob | Action::Expire | Action::Crash => CONTROLLER,
        Action::CommitDeletion => "kube-apiserver",
        Action::FinishJob => "job-controller",
        Action::CreateJob | Action::EditTtl | Action::DeleteJob => "client",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controller] = lanes_of(CONTROLLER, &state.store, objects);
    if let Some(asked) = state.asked {
        controller.holds += &format!("; deletes the {}", job(asked));
    }
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    objects.job.map_or_else(|| "nothing".to_owned(), job)
}

fn job(job: Job) -> String {
    let finished = if job.finished { ", finished" } else { "" };
    let ttl = if job.has_ttl { ", with a TTL" } else { "" };
    format!("Job (uid {}{finished}{ttl})", job.uid)
}
