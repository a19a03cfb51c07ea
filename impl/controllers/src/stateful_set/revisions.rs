//! Which revision the pods of a StatefulSet are of, and which they become.
//!
//! Source: `getStatefulSetRevisions` and `truncateHistory` in
//! pkg/controller/statefulset/stateful_set_control.go (v1.36). A revision that has to be made or numbered anew
//! is waited for; upstream goes on with what the API server answers. One that is being deleted makes none.

use std::collections::BTreeSet;
use std::sync::Arc;

use api::Request;
use client::View;
use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet, StatefulSetSpec};
use k8s_openapi::api::core::v1::Pod;

use super::identity;
use crate::history::{self, Placed};
use crate::ownership::name;

const HISTORY_LIMIT: i32 = 10;

/// The revisions between which a StatefulSet moves, and the StatefulSet as it was at each.
#[derive(Debug)]
pub(super) struct Revisions {
    pub(super) current: Restored,
    pub(super) update: Restored,
    pub(super) collision_count: i32,
}

/// A StatefulSet as it was at a revision.
#[derive(Clone, Debug)]
pub(super) struct Restored {
    pub(super) name: String,
    pub(super) stateful_set: StatefulSet,
}

/// What is known of the revisions.
#[derive(Debug)]
pub(super) enum Resolved {
    Known(Box<Revisions>),
    /// The revision of the template is to be made first.
    Missing(Request),
    /// It is to become the newest first.
    Old(Request),
    /// One of them does not fit the StatefulSet.
    Broken,
}

/// Finds the revisions among those that the StatefulSet has, which are sorted.
pub(super) fn resolve(
    view: &View,
    stateful_set: &StatefulSet,
    spec: &StatefulSetSpec,
    sorted: &[Arc<ControllerRevision>],
) -> Resolved {
    let status = stateful_set.status.as_ref();
    let collision_count = status.and_then(|status| status.collision_count).unwrap_or(0);
    let number = history::next_number(sorted);
    let new = history::new_revision(stateful_set, &spec.template, (number, collision_count));
    let equal = sorted.iter().rfind(|revision| history::is_equal(revision, &new));
    let last = sorted.last();
    let (update, collision_count) = match (equal, last) {
        (Some(equal), Some(last)) if !history::is_equal(equal, last) => {
            return Resolved::Old(history::renumber(equal, number));
        }
        (_, Some(last)) if equal.is_some() || gives_back(last, stateful_set, &new) => {
            (last.as_ref().clone(), collision_count)
        }
        _ => match history::place(view, &stateful_set.metadata, (new, collision_count)) {
            Placed { revision, exists: true, collision_count } => (revision, collision_count),
            Placed { revision, .. } => return Resolved::Missing(Request::create(&revision)),
        },
    };
    let named = status.and_then(|status| status.current_revision.as_deref());
    let current = sorted.iter().find(|revision| revision.metadata.name.as_deref() == named);
    let current = current.map_or(&update, Arc::as_ref);
    match (restored(stateful_set, current), restored(stateful_set, &update)) {
        (Some(current), Some(update)) => {
            Resolved::Known(Box::new(Revisions { current, update, collision_count }))
        }
        _ => Resolved::Broken,
    }
}

/// The requests that delete revisions which no pod is of, the oldest first, but for as many as are kept.
pub(super) fn truncate(
    spec: &StatefulSetSpec,
    sorted: &[Arc<ControllerRevision>],
    (revisions, pods): (&Revisions, &[Arc<Pod>]),
) -> Vec<Request> {
    let mut live: BTreeSet<&str> = pods.iter().map(|pod| identity::revision(pod)).collect();
    live.extend([revisions.current.name.as_str(), revisions.update.name.as_str()]);
    let historic: Vec<&Arc<ControllerRevision>> =
        sorted.iter().filter(|revision| !live.contains(name(&revision.metadata))).collect();
    let limit = spec.revision_history_limit.unwrap_or(HISTORY_LIMIT);
    let surplus = usize::try_from(limit).map_or(0, |limit| historic.len().saturating_sub(limit));
    historic[..surplus].iter().map(|revision| history::delete(revision)).collect()
}

/// Whether a revision, written another way, gives the same template. Source:
/// `setMatchesLatestExistingRevision`; what has had no defaults is not given any.
fn gives_back(
    revision: &ControllerRevision,
    stateful_set: &StatefulSet,
    new: &ControllerRevision,
) -> bool {
    let restored = history::restore(stateful_set, revision);
    let template = restored.and_then(|restored| restored.spec).map(|spec| spec.template);
    template.is_some_and(|template| Some(history::data(&template)) == new.data)
}

fn restored(stateful_set: &StatefulSet, revision: &ControllerRevision) -> Option<Restored> {
    let stateful_set = history::restore(stateful_set, revision)?;
    Some(Restored { name: name(&revision.metadata).to_owned(), stateful_set })
}
