//! What a Deployment says about its rollout.
//!
//! Source: `calculateStatus` in sync.go and `syncRolloutStatus` in progress.go, both in
//! pkg/controller/deployment (v1.36).

use api::{Request, Timestamp};
use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentCondition, DeploymentStatus, ReplicaSetCondition, ReplicaSetStatus,
};

use super::rollout::{Creation, REVISION, Rollout};
use crate::{Plan, after_seconds};

const PROGRESSING: &str = "Progressing";
const AVAILABLE: &str = "Available";
const REPLICA_FAILURE: &str = "ReplicaFailure";

const NEW_REPLICA_SET_AVAILABLE: &str = "NewReplicaSetAvailable";
const PROGRESS_DEADLINE_EXCEEDED: &str = "ProgressDeadlineExceeded";
const DEPLOYMENT_PAUSED: &str = "DeploymentPaused";

impl Rollout {
    /// Time spent paused does not count against the progress deadline.
    pub(super) fn check_paused(&mut self) {
        let reason = self.progressing_reason().unwrap_or_default().to_owned();
        if self.deadline_seconds().is_none() || reason == PROGRESS_DEADLINE_EXCEEDED {
            return;
        }
        match (self.spec.paused == Some(true), reason == DEPLOYMENT_PAUSED) {
            (true, false) => {
                self.set_progressing("Unknown", DEPLOYMENT_PAUSED, "Deployment is paused");
            }
            (false, true) => {
                self.set_progressing("Unknown", "DeploymentResumed", "Deployment is resumed");
            }
            (true, true) | (false, false) => {}
        }
    }

    /// Says that the new ReplicaSet exists: made by the last pass, or found.
    pub(super) fn note_new_replica_set(&mut self, new: usize) {
        if self.deadline_seconds().is_none() {
            return;
        }
        let name = self.members[new].name().to_owned();
        if self.creation == Creation::Created {
            let message = format!("Created new replica set \"{name}\"");
            self.set_progressing("True", "NewReplicaSetCreated", &message);
        } else if self.progressing_reason().is_none() {
            let message = format!("Found new replica set \"{name}\"");
            self.set_progressing("True", "FoundNewReplicaSet", &message);
        }
    }

    /// Whether every replica is new and available, and there is no other.
    pub(super) fn is_complete(&self, status: &DeploymentStatus) -> bool {
        status.updated_replicas.unwrap_or(0) == self.desired
            && status.replicas.unwrap_or(0) == self.desired
            && status.available_replicas.unwrap_or(0) == self.desired
            && status.observed_generation.unwrap_or(0)
                >= self.deployment.metadata.generation.unwrap_or(0)
    }

    /// Counts, judges the progress, and writes the status if it has changed.
    pub(super) fn finish_status(&mut self, plan: &mut Plan) {
        let before = std::mem::take(&mut self.status);
        self.status = self.counted(&before);
        self.judge_availability();
        if self.judges_progress {
            self.judge_progress(&before);
            self.copy_replica_failure();
        }
        let revision = self.new_revision_annotation();
        if self.deployment.status.as_ref() == Some(&self.status) && revision.is_none() {
            self.look_again_at_deadline(plan);
            return;
        }
        let status = Some(self.status.clone());
        let mut deployment = Deployment { status, ..self.deployment.clone() };
        if let Some(revision) = revision {
            // With the status, an annotation is no new generation.
            let annotations = deployment.metadata.annotations.get_or_insert_default();
            annotations.insert(REVISION.to_owned(), revision);
        }
        plan.requests.push(Request::update_status(&deployment));
    }

    fn counted(&self, before: &DeploymentStatus) -> DeploymentStatus {
        let sum = |count: fn(&ReplicaSetStatus) -> i32| -> i32 {
            let statuses = self.members.iter().filter_map(|member| member.after.status.as_ref());
            statuses.map(count).sum()
        };
        let available = sum(|status| status.available_replicas.unwrap_or(0));
        let total: i32 = self.members.iter().map(super::rollout::Member::replicas).sum();
        let new = self.new.and_then(|new| self.members[new].after.status.as_ref());
        DeploymentStatus {
            observed_generation: self.deployment.metadata.generation,
            replicas: nonzero(sum(|status| status.replicas)),
            updated_replicas: nonzero(new.map_or(0, |status| status.replicas)),
            ready_replicas: nonzero(sum(|status| status.ready_replicas.unwrap_or(0))),
            available_replicas: nonzero(available),
            unavailable_replicas: nonzero((total - available).max(0)),
            terminating_replicas: Some(sum(|status| status.terminating_replicas.unwrap_or(0))),
            collision_count: before.collision_count,
            conditions: before.conditions.clone(),
        }
    }

    fn judge_availability(&mut self) {
        let min_available = self.desired - self.max_unavailable();
        let condition = if self.status.available_replicas.unwrap_or(0) >= min_available {
            let message = "Deployment has minimum availability.";
            self.condition(AVAILABLE, "True", ("MinimumReplicasAvailable", message))
        } else {
            let message = "Deployment does not have minimum availability.";
            self.condition(AVAILABLE, "False", ("MinimumReplicasUnavailable", message))
        };
        set(&mut self.status, condition);
    }

    fn judge_progress(&mut self, before: &DeploymentStatus) {
        let Some(deadline) = self.deadline_seconds() else {
            remove(&mut self.status, PROGRESSING);
            return;
        };
        if let Creation::Failed(message) = self.creation.clone() {
            self.set_progressing("False", "ReplicaSetCreateError", &message);
        }
        let rolled_out = self.progressing_reason() == Some(NEW_REPLICA_SET_AVAILABLE);
        if rolled_out && self.status.replicas == self.status.updated_replicas {
            return;
        }
        let what = self.rolled();
        if self.is_complete(&self.status) {
            let message = format!("{what} has successfully progressed.");
            self.set_progressing("True", NEW_REPLICA_SET_AVAILABLE, &message);
        } else if has_progressed(before, &self.status) {
            self.refresh_progressing(&format!("{what} is progressing."));
        } else if self.has_timed_out(deadline) {
            let message = format!("{what} has timed out progressing.");
            self.set_progressing("False", PROGRESS_DEADLINE_EXCEEDED, &message);
        }
    }

    /// `ReplicaSet "web-5d9c"`, or the Deployment while it has no new ReplicaSet.
    fn rolled(&self) -> String {
        match self.new {
            Some(new) => format!("ReplicaSet \"{}\"", self.members[new].name()),
            None => {
                let name = self.deployment.metadata.name.as_deref().unwrap_or_default();
                format!("Deployment \"{name}\"")
            }
        }
    }

    /// Sets `lastUpdateTime` even when nothing else changes: the deadline counts from there.
    fn refresh_progressing(&mut self, message: &str) {
        let old = get(&self.status, PROGRESSING).cloned();
        let mut condition = self.condition(PROGRESSING, "True", ("ReplicaSetUpdated", message));
        if let Some(old) = old.filter(|old| old.status == "True") {
            condition.last_transition_time = old.last_transition_time;
        }
        remove(&mut self.status, PROGRESSING);
        set(&mut self.status, condition);
    }

    fn has_timed_out(&self, deadline: i32) -> bool {
        match self.progressing_reason() {
            None | Some(NEW_REPLICA_SET_AVAILABLE) => false,
            Some(PROGRESS_DEADLINE_EXCEEDED) => true,
            Some(_) => self.deadline(deadline).is_some_and(|deadline| deadline < self.now),
        }
    }

    fn deadline(&self, seconds: i32) -> Option<Timestamp> {
        let condition = get(&self.status, PROGRESSING)?;
        let updated = condition.last_update_time.as_ref()?;
        Some(after_seconds(updated.0, seconds.into()))
    }

    /// Source: requeueStuckDeployment, which adds a second for clocks that skew.
    fn look_again_at_deadline(&self, plan: &mut Plan) {
        let timed_out = self.progressing_reason() == Some(PROGRESS_DEADLINE_EXCEEDED);
        if !self.judges_progress || timed_out || self.is_complete(&self.status) {
            return;
        }
        let deadline = self.deadline_seconds().and_then(|seconds| self.deadline(seconds));
        if let Some(deadline) = deadline {
            plan.look_again_at(after_seconds(deadline.max(self.now), 1));
        }
    }

    /// The new ReplicaSet's failure to create pods, else an old one's.
    fn copy_replica_failure(&mut self) {
        let new = self.new.into_iter();
        let failure = new.chain(self.old()).find_map(|index| {
            let status = self.members[index].after.status.as_ref()?;
            let conditions = status.conditions.as_ref()?;
            conditions.iter().find(|condition| condition.type_ == REPLICA_FAILURE)
        });
        match failure.map(replica_failure) {
            Some(condition) => set(&mut self.status, condition),
            None => remove(&mut self.status, REPLICA_FAILURE),
        }
    }

    fn deadline_seconds(&self) -> Option<i32> {
        self.spec.progress_deadline_seconds.filter(|seconds| *seconds != i32::MAX)
    }

    fn progressing_reason(&self) -> Option<&str> {
        get(&self.status, PROGRESSING).map(|old| old.reason.as_deref().unwrap_or_default())
    }

    fn set_progressing(&mut self, status: &str, reason: &str, message: &str) {
        let condition = self.condition(PROGRESSING, status, (reason, message));
        set(&mut self.status, condition);
    }

    fn condition(
        &self,
        type_: &str,
        status: &str,
        (reason, message): (&str, &str),
    ) -> DeploymentCondition {
        DeploymentCondition {
            type_: type_.to_owned(),
            status: status.to_owned(),
            reason: Some(reason.to_owned()),
            message: Some(message.to_owned()),
            last_transition_time: Some(api::time::time(self.now)),
            last_update_time: Some(api::time::time(self.now)),
        }
    }
}

/// More new pods, fewer old ones, or more that are ready or available.
fn has_progressed(before: &DeploymentStatus, after: &DeploymentStatus) -> bool {
    let updated = |status: &DeploymentStatus| status.updated_replicas.unwrap_or(0);
    let old = |status: &DeploymentStatus| status.replicas.unwrap_or(0) - updated(status);
    updated(after) > updated(before)
        || old(after) < old(before)
        || after.ready_replicas.unwrap_or(0) > before.ready_replicas.unwrap_or(0)
        || after.available_replicas.unwrap_or(0) > before.available_replicas.unwrap_or(0)
}

/// Kubernetes leaves out numbers that are zero.
fn nonzero(count: i32) -> Option<i32> {
    (count != 0).then_some(count)
}

fn get<'a>(status: &'a DeploymentStatus, type_: &str) -> Option<&'a DeploymentCondition> {
    status.conditions.iter().flatten().find(|condition| condition.type_ == type_)
}

/// Keeps the old condition when neither its status nor its reason changes.
fn set(status: &mut DeploymentStatus, mut condition: DeploymentCondition) {
    if let Some(old) = get(status, &condition.type_)
        && old.status == condition.status
    {
        if old.reason == condition.reason {
            return;
        }
        condition.last_transition_time = old.last_transition_time.clone();
    }
    remove(status, &condition.type_);
    status.conditions.get_or_insert_default().push(condition);
}

fn remove(status: &mut DeploymentStatus, type_: &str) {
    if let Some(conditions) = &mut status.conditions {
        conditions.retain(|condition| condition.type_ != type_);
    }
}

fn replica_failure(condition: &ReplicaSetCondition) -> DeploymentCondition {
    DeploymentCondition {
        type_: condition.type_.clone(),
        status: condition.status.clone(),
        reason: condition.reason.clone(),
        message: condition.message.clone(),
        last_transition_time: condition.last_transition_time.clone(),
        last_update_time: condition.last_transition_time.clone(),
    }
}
