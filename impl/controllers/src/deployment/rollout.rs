//! One pass over one Deployment: what its ReplicaSets and its status become.
//!
//! Source: rolling.go, recreate.go and sync.go in pkg/controller/deployment (v1.36). A pass works on
//! copies and writes each that has changed once, at the end.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::object::controller_reference;
use api::{Key, Request, Timestamp, resources};
use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentSpec, DeploymentStatus, ReplicaSet, ReplicaSetSpec,
    RollingUpdateDeployment,
};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::json;

use super::scale::scaled_value;
use super::template::{equal_ignoring_hash, with_hash};
use crate::ownership::uid;
use crate::replica_set::Replicated;
use crate::{Plan, hash};

pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
pub(super) const DESIRED_REPLICAS: &str = "deployment.kubernetes.io/desired-replicas";
pub(super) const MAX_REPLICAS: &str = "deployment.kubernetes.io/max-replicas";
const REVISION_HISTORY: &str = "deployment.kubernetes.io/revision-history";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const ROLLBACK_TO: &str = "deprecated.deployment.rollback.to";

/// The longest name of an object.
const NAME_LENGTH_MAX: usize = 253;
/// The longest list of earlier revisions that a ReplicaSet keeps, in bytes.
const REVISION_HISTORY_LENGTH_MAX: usize = 2000;

/// A ReplicaSet of the Deployment.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// As the cache has it; `None` when this pass creates it.
    before: Option<Arc<ReplicaSet>>,
    /// As it is to be.
    pub(super) after: ReplicaSet,
}

impl Member {
    pub(super) fn replicas(&self) -> i32 {
        self.after.replicas()
    }

    pub(super) fn available(&self) -> i32 {
        let status = self.after.status.as_ref();
        status.and_then(|status| status.available_replicas).unwrap_or(0)
    }

    pub(super) fn name(&self) -> &str {
        self.after.metadata.name.as_deref().unwrap_or_default()
    }

    /// The non-negative number in an annotation.
    pub(super) fn annotation(&self, name: &str) -> Option<i32> {
        let annotations = self.after.metadata.annotations.as_ref()?;
        annotations.get(name)?.parse().ok().filter(|number| *number >= 0)
    }

    fn revision(&self) -> i64 {
        let annotations = self.after.metadata.annotations.as_ref();
        let revision = annotations.and_then(|annotations| annotations.get(REVISION));
        revision.and_then(|revision| revision.parse().ok()).unwrap_or(0)
    }

    fn annotations(&mut self) -> &mut BTreeMap<String, String> {
        self.after.metadata.annotations.get_or_insert_default()
    }

    /// Whether nothing runs of it and its controller has seen that nothing should.
    fn is_cleanable(&self) -> bool {
        let metadata = &self.after.metadata;
        let status = self.after.status.as_ref();
        let observed = status.and_then(|status| status.observed_generation).unwrap_or(0);
        self.replicas() == 0
            && status.is_none_or(|status| status.replicas == 0)
            && metadata.generation.unwrap_or(0) <= observed
            && metadata.deletion_timestamp.is_none()
    }
}

/// What the last attempt to create the new ReplicaSet has taught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Creation {
    /// Nothing stands against it.
    Possible,
    /// It was granted, and the status does not say so yet.
    Created,
    /// Another ReplicaSet has the name: it needs another hash.
    Collided,
    /// It was refused, with this message.
    Failed(String),
}

/// A change of a ReplicaSet's size, to be told when it is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scaling {
    pub(super) replica_set: String,
    pub(super) message: String,
}

/// The state of one pass.
#[derive(Clone, Debug)]
pub(super) struct Rollout {
    pub(super) deployment: Deployment,
    pub(super) spec: DeploymentSpec,
    /// The status to write. Its counts are those of the last pass until `finish`.
    pub(super) status: DeploymentStatus,
    pub(super) desired: i32,
    /// Oldest first; one that this pass creates comes last.
    pub(super) members: Vec<Member>,
    /// The member with the Deployment's template.
    pub(super) new: Option<usize>,
    pub(super) creation: Creation,
    /// Whether the progress of the rollout is to be judged in this pass.
    pub(super) judges_progress: bool,
    pub(super) now: Timestamp,
    deletions: Vec<Request>,
}

impl Rollout {
    /// A pass that has done nothing yet.
    pub(super) fn new(
        deployment: &Deployment,
        mut replica_sets: Vec<Arc<ReplicaSet>>,
        now: Timestamp,
    ) -> Self {
        let spec = deployment.spec.clone().unwrap_or_default();
        replica_sets.sort_by_key(|replica_set| {
            let metadata = &replica_set.metadata;
            (metadata.creation_timestamp.as_ref().map(|time| time.0), metadata.name.clone())
        });
        let new = replica_sets.iter().position(|replica_set| {
            let template = replica_set.spec.as_ref().and_then(|spec| spec.template.as_ref());
            template.is_some_and(|template| equal_ignoring_hash(template, &spec.template))
        });
        let member = |before: Arc<ReplicaSet>| Member {
            after: before.as_ref().clone(),
            before: Some(before),
        };
        Self {
            desired: spec.replicas.unwrap_or(1),
            status: deployment.status.clone().unwrap_or_default(),
            deployment: deployment.clone(),
            spec,
            members: replica_sets.into_iter().map(member).collect(),
            new,
            creation: Creation::Possible,
            judges_progress: false,
            now,
            deletions: vec![],
        }
    }

    /// Decides what becomes of the ReplicaSets. `old_pods_run` is asked only by Deployments that recreate.
    pub(super) fn sync(&mut self, old_pods_run: impl Fn(Option<&ReplicaSet>) -> bool) {
        self.check_paused();
        let scales = self.is_scaling();
        self.sync_revision();
        let paused = self.spec.paused == Some(true);
        if paused || scales {
            self.scale();
            if paused {
                self.clean_up();
            }
        } else if self.recreates() {
            self.judges_progress = true;
            self.recreate(old_pods_run);
        } else {
            self.judges_progress = true;
            self.roll();
        }
    }

    /// Writes what has changed.
    pub(super) fn finish(mut self, plan: &mut Plan) {
        for member in &self.members {
            match &member.before {
                None => plan.requests.push(Request::create(&member.after)),
                Some(before) if before.as_ref() != &member.after => {
                    plan.requests.push(Request::update(&member.after));
                }
                Some(_) => {}
            }
        }
        plan.requests.append(&mut self.deletions);
        self.finish_status(plan);
    }

    /// What changes in size.
    pub(super) fn scalings(&self) -> Vec<Scaling> {
        let scaling = |member: &Member| {
            let before = member.before.as_deref().map_or(0, Replicated::replicas);
            let (after, name) = (member.replicas(), member.name());
            let direction = if before < after { "up" } else { "down" };
            let message = format!("Scaled {direction} replica set {name} from {before} to {after}");
            (before != after).then(|| Scaling { replica_set: name.to_owned(), message })
        };
        self.members.iter().filter_map(scaling).collect()
    }

    /// The name that a new ReplicaSet for the Deployment's template gets.
    pub(super) fn new_name(&self) -> String {
        let hash = hash::of_template(&self.spec.template, self.status.collision_count);
        let name = self.deployment.metadata.name.as_deref().unwrap_or_default();
        let length = name.len().min(NAME_LENGTH_MAX - 1 - hash.len());
        format!("{}-{hash}", &name[..length])
    }

    pub(super) fn recreates(&self) -> bool {
        recreates(&self.spec)
    }

    pub(super) fn old(&self) -> Vec<usize> {
        (0..self.members.len()).filter(|index| Some(*index) != self.new).collect()
    }

    pub(super) fn active(&self) -> Vec<usize> {
        (0..self.members.len()).filter(|index| self.members[*index].replicas() > 0).collect()
    }

    pub(super) fn active_old(&self) -> Vec<usize> {
        self.active().into_iter().filter(|index| Some(*index) != self.new).collect()
    }

    pub(super) fn max_surge(&self) -> i32 {
        if self.recreates() { 0 } else { self.surge_and_unavailable().0 }
    }

    pub(super) fn max_unavailable(&self) -> i32 {
        if self.recreates() || self.desired == 0 {
            return 0;
        }
        self.surge_and_unavailable().1.min(self.desired)
    }

    /// Surge is rounded up, unavailable down; both zero would never get on.
    fn surge_and_unavailable(&self) -> (i32, i32) {
        let strategy = self.spec.strategy.as_ref();
        let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
        let value = |field: fn(&RollingUpdateDeployment) -> Option<&IntOrString>, round_up| {
            scaled_value(rolling.and_then(field), self.desired, round_up)
        };
        match (
            value(|rolling| rolling.max_surge.as_ref(), true),
            value(|rolling| rolling.max_unavailable.as_ref(), false),
        ) {
            (0, 0) => (0, 1),
            bounds => bounds,
        }
    }

    pub(super) fn scale_to(&mut self, index: usize, replicas: i32) {
        if self.members[index].replicas() != replicas {
            self.force_scale_to(index, replicas);
        }
    }

    /// Also says in the annotations what it was scaled for.
    pub(super) fn force_scale_to(&mut self, index: usize, replicas: i32) {
        let (desired, max) = (self.desired, self.desired + self.max_surge());
        let member = &mut self.members[index];
        member.after.spec.get_or_insert_default().replicas = Some(replicas);
        let annotations = member.annotations();
        annotations.insert(DESIRED_REPLICAS.to_owned(), desired.to_string());
        annotations.insert(MAX_REPLICAS.to_owned(), max.to_string());
    }

    /// Whether the number of replicas has changed since the ReplicaSets were scaled.
    fn is_scaling(&self) -> bool {
        let desired = |index: &usize| self.members[*index].annotation(DESIRED_REPLICAS);
        self.active().iter().filter_map(desired).any(|desired| desired != self.desired)
    }

    /// Gives the new ReplicaSet, if it exists, the highest revision and the Deployment's annotations.
    fn sync_revision(&mut self) {
        let Some(new) = self.new else { return };
        self.annotate_new(new);
        self.members[new].after.spec.get_or_insert_default().min_ready_seconds =
            self.spec.min_ready_seconds;
        self.note_new_replica_set(new);
    }

    fn annotate_new(&mut self, new: usize) {
        let copied = self.deployment.metadata.annotations.clone().unwrap_or_default();
        let revision = self.next_revision();
        let member = &mut self.members[new];
        let is_copied = |name: &String| {
            ![LAST_APPLIED, REVISION, REVISION_HISTORY, DESIRED_REPLICAS, MAX_REPLICAS, ROLLBACK_TO]
                .contains(&name.as_str())
        };
        member.annotations().extend(copied.into_iter().filter(|(name, _)| is_copied(name)));
        if member.revision() < revision {
            let old = member.annotations().insert(REVISION.to_owned(), revision.to_string());
            if let Some(old) = old {
                remember_revision(member.annotations(), &old);
            }
        }
    }

    fn next_revision(&self) -> i64 {
        let old = self.old();
        old.into_iter().map(|index| self.members[index].revision()).max().unwrap_or(0) + 1
    }

    /// The revision of the new ReplicaSet, if the Deployment does not say it yet.
    pub(super) fn new_revision_annotation(&self) -> Option<String> {
        let new = &self.members[self.new?].after.metadata.annotations;
        let revision = new.as_ref()?.get(REVISION)?;
        let annotations = self.deployment.metadata.annotations.as_ref();
        let current = annotations.and_then(|annotations| annotations.get(REVISION));
        (current != Some(revision)).then(|| revision.clone())
    }

    /// Source: rolloutRolling. It does one thing a pass: grow the new, or shrink the old, or clean up.
    fn roll(&mut self) {
        let Some(new) = self.ensure_new() else { return };
        let before = self.members[new].replicas();
        self.scale_to(new, self.new_replicas(new));
        if self.members[new].replicas() != before || self.shrink_old(new) {
            return;
        }
        if self.is_complete(&self.status) {
            self.clean_up();
        }
    }

    /// How large the new ReplicaSet may be now.
    fn new_replicas(&self, new: usize) -> i32 {
        let current = self.members[new].replicas();
        if current >= self.desired {
            return self.desired;
        }
        let total: i32 = self.members.iter().map(Member::replicas).sum();
        let room = (self.desired + self.max_surge() - total).max(0);
        current + room.min(self.desired - current)
    }

    /// Source: reconcileOldReplicaSets. Pods that serve nobody go first.
    fn shrink_old(&mut self, new: usize) -> bool {
        let total: i32 = self.members.iter().map(Member::replicas).sum();
        let min_available = self.desired - self.max_unavailable();
        let new_unavailable = self.members[new].replicas() - self.members[new].available();
        let old = self.active_old();
        let max_shrunk = total - min_available - new_unavailable;
        if old.is_empty() || max_shrunk <= 0 {
            return false;
        }
        let unhealthy = |member: &Member| (member.replicas() - member.available()).max(0);
        let cleaned = self.shrink(&old, max_shrunk, unhealthy);
        let available: i32 = self.members.iter().map(Member::available).sum();
        let shrunk = self.shrink(&old, available - min_available, Member::replicas);
        cleaned + shrunk > 0
    }

    /// Takes up to `most` pods from these ReplicaSets, from each no more than it can spare.
    fn shrink(&mut self, old: &[usize], most: i32, spare: impl Fn(&Member) -> i32) -> i32 {
        let mut taken = 0;
        for index in old {
            let member = &self.members[*index];
            let count = spare(member).min(most - taken).max(0);
            let replicas = member.replicas() - count;
            self.scale_to(*index, replicas);
            taken += count;
        }
        taken
    }

    /// Source: rolloutRecreate.
    fn recreate(&mut self, old_pods_run: impl Fn(Option<&ReplicaSet>) -> bool) {
        let old = self.active_old();
        for index in &old {
            self.scale_to(*index, 0);
        }
        let has_pods = |index: &usize| {
            let status = self.members[*index].after.status.as_ref();
            status.is_some_and(|status| status.replicas > 0)
        };
        let new = self.new.map(|new| &self.members[new].after);
        if !old.is_empty() || self.old().iter().any(has_pods) || old_pods_run(new) {
            return;
        }
        let Some(new) = self.ensure_new() else { return };
        self.scale_to(new, self.desired);
        if self.is_complete(&self.status) {
            self.clean_up();
        }
    }

    /// The new ReplicaSet, made if there is none and nothing stands against it.
    fn ensure_new(&mut self) -> Option<usize> {
        if self.new.is_some() {
            return self.new;
        }
        if self.creation == Creation::Collided {
            self.status.collision_count = Some(self.status.collision_count.unwrap_or(0) + 1);
            return None;
        }
        let new = self.members.len();
        self.members.push(Member { before: None, after: self.new_replica_set() });
        self.new = Some(new);
        self.annotate_new(new);
        self.force_scale_to(new, self.new_replicas(new));
        Some(new)
    }

    fn new_replica_set(&self) -> ReplicaSet {
        let hash = hash::of_template(&self.spec.template, self.status.collision_count);
        let metadata = self.spec.template.metadata.clone().unwrap_or_default();
        let labels = with_hash(metadata.labels.as_ref(), &hash);
        let mut selector = self.spec.selector.clone();
        selector.match_labels = Some(with_hash(selector.match_labels.as_ref(), &hash));
        let template_metadata = ObjectMeta { labels: Some(labels.clone()), ..metadata };
        let pod_spec = self.spec.template.spec.clone();
        let template = PodTemplateSpec { metadata: Some(template_metadata), spec: pod_spec };
        ReplicaSet {
            metadata: ObjectMeta {
                name: Some(self.new_name()),
                namespace: self.deployment.metadata.namespace.clone(),
                owner_references: Some(vec![controller_reference(&self.deployment)]),
                labels: Some(labels),
                ..ObjectMeta::default()
            },
            spec: Some(ReplicaSetSpec {
                min_ready_seconds: self.spec.min_ready_seconds,
                replicas: Some(0),
                selector,
                template: Some(template),
            }),
            status: None,
        }
    }

    /// Deletes the oldest ReplicaSets beyond the history that is kept.
    fn clean_up(&mut self) {
        let limit = match self.spec.revision_history_limit {
            None | Some(i32::MAX) => return,
            Some(limit) => usize::try_from(limit).unwrap_or(0),
        };
        let mut old = self.old();
        old.retain(|index| self.members[*index].after.metadata.deletion_timestamp.is_none());
        old.sort_by_key(|index| self.members[*index].revision());
        let surplus = old.len().saturating_sub(limit);
        for member in old.into_iter().take(surplus).map(|index| &self.members[index]) {
            if member.is_cleanable() {
                let metadata = &member.after.metadata;
                let (key, uid) = (Key::of(metadata), uid(metadata));
                let deletion = Request::delete(&resources::REPLICA_SETS, key, uid, json!({}));
                self.deletions.push(deletion);
            }
        }
    }
}

/// Whether a Deployment stops all old pods before it starts new ones.
pub(super) fn recreates(spec: &DeploymentSpec) -> bool {
    let strategy = spec.strategy.as_ref();
    strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("Recreate")
}

/// Keeps a revision that a ReplicaSet had before it was rolled back to; the oldest make room.
fn remember_revision(annotations: &mut BTreeMap<String, String>, old: &str) {
    let history = annotations.entry(REVISION_HISTORY.to_owned()).or_default();
    while history.len() + 1 + old.len() > REVISION_HISTORY_LENGTH_MAX {
        match history.split_once(',') {
            Some((_, later)) => *history = later.to_owned(),
            None => history.clear(),
        }
    }
    if !history.is_empty() {
        history.push(',');
    }
    history.push_str(old);
}
