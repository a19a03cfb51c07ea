//! The ControllerRevisions that StatefulSets and DaemonSets share: what they hold, how they are named,
//! numbered and told apart.
//!
//! Source: pkg/controller/history/controller_history.go and `getPatch` in pkg/controller/statefulset and
//! pkg/controller/daemon (v1.36). Which of them an owner adopts and releases is decided as for pods; how many
//! it keeps, each owner decides for itself.

use std::sync::Arc;

use api::object::{controller_reference, to_value};
use api::patch::{self, PatchKind};
use api::{Key, Kind, Request};
use client::View;
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::api::core::v1::PodTemplateSpec;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::apimachinery::pkg::runtime::RawExtension;
use serde_json::{Value, json};

use crate::hash::{fnv_1, safe_encode};
use crate::ownership::{name, uid};

/// The label with the hash of what a revision holds.
pub const CONTROLLER_REVISION_HASH: &str = "controller.kubernetes.io/hash";

/// The longest part of an owner's name that stands in those of its revisions.
const PREFIX_LENGTH_MAX: usize = 223;

/// What a revision holds of a template: the patch that gives it back to its owner.
pub fn data(template: &PodTemplateSpec) -> RawExtension {
    let mut template = serde_json::to_value(template).expect("a pod template is JSON");
    template["$patch"] = json!("replace");
    RawExtension(json!({"spec": {"template": template}}))
}

/// Whether two revisions hold the same.
pub fn is_equal(left: &ControllerRevision, right: &ControllerRevision) -> bool {
    left.data == right.data
}

/// By number, then by age, then by name.
pub fn sort(revisions: &mut [Arc<ControllerRevision>]) {
    revisions.sort_by(|left, right| rank(left).cmp(&rank(right)));
}

/// The number of the next of these revisions, which are sorted.
pub fn next_number(sorted: &[Arc<ControllerRevision>]) -> i64 {
    sorted.last().map_or(1, |last| last.revision + 1)
}

/// The revision of an owner's template, under the name that it has unless that is taken.
pub fn new_revision<O: Kind>(
    owner: &O,
    template: &PodTemplateSpec,
    (number, collision_count): (i64, i32),
) -> ControllerRevision {
    let data = data(template);
    let hash = hash(&data, collision_count);
    let labels = template.metadata.as_ref().and_then(|metadata| metadata.labels.clone());
    let mut labels = labels.unwrap_or_default();
    labels.insert(CONTROLLER_REVISION_HASH.to_owned(), hash.clone());
    ControllerRevision {
        metadata: ObjectMeta {
            name: Some(revision_name(owner.metadata(), &hash)),
            namespace: owner.metadata().namespace.clone(),
            labels: Some(labels),
            annotations: owner.metadata().annotations.clone(),
            owner_references: Some(vec![controller_reference(owner)]),
            ..ObjectMeta::default()
        },
        data: Some(data),
        revision: number,
    }
}

/// A revision under the first of its names that is not taken by another content.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// The revision; the one that is there, if it is.
    pub revision: ControllerRevision,
    /// Whether somebody has made it already.
    pub exists: bool,
    /// How often a name was taken, now and before.
    pub collision_count: i32,
}

/// Finds a name for a new revision of an owner. Upstream learns from a refused creation that one is taken,
/// and reads who has it; the hash in the labels stays the first.
pub fn place(
    view: &View,
    owner: &ObjectMeta,
    (mut revision, mut collision_count): (ControllerRevision, i32),
) -> Placed {
    while let Some(found) = view.controller_revisions.get(&Key::of(&revision.metadata)) {
        if is_equal(found, &revision) {
            return Placed { revision: found.as_ref().clone(), exists: true, collision_count };
        }
        collision_count += 1;
        let hash = revision.data.as_ref().map(|data| hash(data, collision_count));
        revision.metadata.name = Some(revision_name(owner, &hash.unwrap_or_default()));
    }
    Placed { revision, exists: false, collision_count }
}

/// The owner as it was at a revision; `None` if the revision does not fit it.
pub fn restore<O: Kind>(owner: &O, revision: &ControllerRevision) -> Option<O> {
    let RawExtension(data) = revision.data.as_ref()?;
    let restored = patch::apply(PatchKind::StrategicMerge, O::RESOURCE, &to_value(owner), data);
    serde_json::from_value(restored.ok()?).ok()
}

/// The request that gives a revision another number.
pub fn renumber(revision: &ControllerRevision, number: i64) -> Request {
    Request::update(&ControllerRevision { revision: number, ..revision.clone() })
}

/// The request that deletes a revision.
pub fn delete(revision: &ControllerRevision) -> Request {
    let metadata = &revision.metadata;
    let resource = ControllerRevision::RESOURCE;
    Request::delete(resource, Key::of(metadata), uid(metadata), Value::Null)
}

fn rank(revision: &ControllerRevision) -> (i64, Option<&Time>, &str) {
    let metadata = &revision.metadata;
    (revision.revision, metadata.creation_timestamp.as_ref(), name(metadata))
}

/// The same as upstream's for the same JSON, as Go writes it.
fn hash(RawExtension(data): &RawExtension, collision_count: i32) -> String {
    let json = data.to_string();
    let escaped = json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let salt = collision_count.to_string().into_bytes();
    safe_encode(fnv_1(escaped.into_bytes().into_iter().chain(salt)))
}

fn revision_name(owner: &ObjectMeta, hash: &str) -> String {
    let prefix = name(owner);
    format!("{}-{hash}", prefix.get(..PREFIX_LENGTH_MAX).unwrap_or(prefix))
}

#[cfg(test)]
mod tests;
