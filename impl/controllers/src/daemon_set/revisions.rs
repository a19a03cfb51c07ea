//! The templates that a DaemonSet has had, each in a ControllerRevision.
//!
//! Source: constructHistory, dedupCurHistories, snapshot and cleanupHistory in pkg/controller/daemon/update.go
//! (v1.36).

use std::collections::BTreeSet;
use std::sync::Arc;

use api::object::controller_reference;
use api::{Key, Request, resources};
use k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet, DaemonSetSpec};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use super::template::HASH;
use crate::ownership::{labels, name};
use crate::{hash, history};

/// How many old revisions are kept where nobody says.
const LIMIT: i32 = 10;

/// The revision of the template as it is now.
pub(super) enum Current {
    /// It is there, with this hash.
    Known(String),
    /// It is to be made.
    New(Box<ControllerRevision>),
}

/// The revisions of a DaemonSet.
pub(super) struct Revisions {
    pub(super) current: Current,
    /// Those of earlier templates.
    old: Vec<Arc<ControllerRevision>>,
    /// What makes them as they should be.
    pub(super) requests: Vec<Request>,
}

impl Revisions {
    /// Tells the current revision from the old ones, and gives it the highest number.
    pub(super) fn new(
        (daemon_set, spec): (&DaemonSet, &DaemonSetSpec),
        revisions: Vec<Arc<ControllerRevision>>,
        pods: &[Arc<Pod>],
    ) -> Self {
        let mut requests: Vec<Request> = revisions.iter().filter_map(add_hash).collect();
        let (mut current, mut old): (Vec<_>, Vec<_>) =
            revisions.into_iter().partition(|revision| holds(revision, spec));
        history::sort(&mut current);
        history::sort(&mut old);
        let number = history::next_number(&old);
        let current = match current.pop() {
            None => Current::New(Box::new(snapshot(daemon_set, spec, number))),
            Some(kept) => {
                requests.extend(dissolve(&current, &kept, pods));
                if kept.revision < number {
                    requests.push(history::renumber(&kept, number));
                }
                Current::Known(hash_of(&kept))
            }
        };
        Self { current, old, requests }
    }

    /// Deletes the oldest beyond what is to be kept, but none of which there are pods.
    pub(super) fn clean_up(&self, spec: &DaemonSetSpec, pods: &[Arc<Pod>]) -> Vec<Request> {
        let kept = usize::try_from(spec.revision_history_limit.unwrap_or(LIMIT)).unwrap_or(0);
        let too_many = self.old.len().saturating_sub(kept);
        let live: BTreeSet<&String> =
            pods.iter().filter_map(|pod| labels(&pod.metadata).get(HASH)).collect();
        let dead = self.old.iter().filter(|revision| !live.contains(&hash_of(revision)));
        dead.take(too_many).map(|revision| history::delete(revision)).collect()
    }
}

/// Whether a revision holds the template as it is now.
pub(super) fn holds(revision: &ControllerRevision, spec: &DaemonSetSpec) -> bool {
    revision.data.as_ref() == Some(&history::data(&spec.template))
}

/// The hash of a revision; its name where it has none.
pub(super) fn hash_of(revision: &ControllerRevision) -> String {
    let hash = labels(&revision.metadata).get(HASH);
    hash.map_or(name(&revision.metadata), String::as_str).to_owned()
}

fn add_hash(revision: &Arc<ControllerRevision>) -> Option<Request> {
    let metadata = &revision.metadata;
    let patch = json!({"metadata": {"labels": {HASH: name(metadata)}}});
    let resource = &resources::CONTROLLER_REVISIONS;
    (!labels(metadata).contains_key(HASH))
        .then(|| Request::merge_patch(resource, Key::of(metadata), patch))
}

/// Leaves one revision of a template: the pods get its hash, and its doubles go.
fn dissolve(
    doubles: &[Arc<ControllerRevision>],
    kept: &ControllerRevision,
    pods: &[Arc<Pod>],
) -> Vec<Request> {
    if doubles.is_empty() {
        return vec![];
    }
    let hash = hash_of(kept);
    let others = pods.iter().filter(|pod| labels(&pod.metadata).get(HASH) != Some(&hash));
    let relabel = |pod: &Arc<Pod>| {
        let patch = json!({"metadata": {"labels": {HASH: hash}}});
        Request::merge_patch(&resources::PODS, Key::of(&pod.metadata), patch)
    };
    let deletions = doubles.iter().map(|double| history::delete(double));
    others.map(relabel).chain(deletions).collect()
}

fn snapshot(daemon_set: &DaemonSet, spec: &DaemonSetSpec, number: i64) -> ControllerRevision {
    let collision_count = daemon_set.status.as_ref().and_then(|status| status.collision_count);
    let hash = hash::of_template(&spec.template, collision_count);
    let metadata = spec.template.metadata.as_ref();
    let mut labels = metadata.and_then(|metadata| metadata.labels.clone()).unwrap_or_default();
    labels.insert(HASH.to_owned(), hash.clone());
    ControllerRevision {
        metadata: ObjectMeta {
            name: Some(format!("{}-{hash}", name(&daemon_set.metadata))),
            namespace: daemon_set.metadata.namespace.clone(),
            labels: Some(labels),
            annotations: daemon_set.metadata.annotations.clone(),
            owner_references: Some(vec![controller_reference(daemon_set)]),
            ..ObjectMeta::default()
        },
        data: Some(history::data(&spec.template)),
        revision: number,
    }
}
