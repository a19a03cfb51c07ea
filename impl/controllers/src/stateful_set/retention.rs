//! Who owns the claims of a pod, so that they go with the StatefulSet, with the pod, or stay.
//!
//! Source: `isClaimOwnerUpToDate` and `updateClaimOwnerRefForSetAndPod` in
//! pkg/controller/statefulset/stateful_set_utils.go (v1.36).

use api::object::controller_reference;
use api::{Key, Kind, Request, resources};
use client::View;
use client::event::Note;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde_json::json;

use super::claims;
use super::identity::{ordinal, ordinals, pod_name};
use crate::ownership::{name, uid};

/// Whether the claims of a pod are owned by whom the policy says.
pub(super) fn is_kept(view: &View, stateful_set: &StatefulSet, pod: &Pod) -> bool {
    each(view, stateful_set, pod, |claim| claim.is_up_to_date()).into_iter().all(|kept| kept)
}

/// The requests that give the claims of a pod the owners that the policy says.
pub(super) fn requests(view: &View, stateful_set: &StatefulSet, pod: &Pod) -> Vec<Request> {
    let requests =
        each(view, stateful_set, pod, |claim| (!claim.is_up_to_date()).then(|| claim.update()));
    requests.into_iter().flatten().collect()
}

/// What is to be said of claims that somebody else manages.
pub(super) fn conflicts(view: &View, stateful_set: &StatefulSet, pod: &Pod) -> Vec<Note> {
    let notes = each(view, stateful_set, pod, |claim| {
        claim.has_unexpected_controller().then(|| {
            let message = format!(
                "PersistentVolumeClaim {} has a conflicting OwnerReference that acts as a manging \
                 controller, the retention policy is ignored for this claim",
                name(claim.metadata)
            );
            Note::warning("ConflictingController", message)
        })
    });
    notes.into_iter().flatten().collect()
}

/// Whether a claim of a pod that is not there yet waits to go with the pod of that name before it.
pub(super) fn is_stale(view: &View, stateful_set: &StatefulSet, ordinal: i64) -> bool {
    let pod = pod_name(name(&stateful_set.metadata), ordinal);
    let goes_with = |owner: &OwnerReference| refers::<Pod>(owner, &pod) && !owner.uid.is_empty();
    let claims = claims::existing(view, stateful_set, ordinal);
    Policy::of(stateful_set).when_scaled
        && claims
            .iter()
            .any(|claim| claim.metadata().owner_references.iter().flatten().any(goes_with))
}

/// When claims are deleted.
#[derive(Clone, Copy)]
struct Policy {
    when_scaled: bool,
    when_deleted: bool,
}

impl Policy {
    fn of(stateful_set: &StatefulSet) -> Self {
        let spec = stateful_set.spec.as_ref();
        let policy = spec.and_then(|spec| spec.persistent_volume_claim_retention_policy.as_ref());
        let deletes = |when: Option<&String>| when.is_some_and(|when| when == "Delete");
        Self {
            when_scaled: deletes(policy.and_then(|policy| policy.when_scaled.as_ref())),
            when_deleted: deletes(policy.and_then(|policy| policy.when_deleted.as_ref())),
        }
    }
}

/// A claim, and the two who may own it.
struct Claim<'a> {
    metadata: &'a ObjectMeta,
    stateful_set: &'a StatefulSet,
    pod: &'a Pod,
}

fn each<T>(
    view: &View,
    stateful_set: &StatefulSet,
    pod: &Pod,
    tell: impl Fn(&Claim<'_>) -> T,
) -> Vec<T> {
    let Some(ordinal) = ordinal(name(&pod.metadata)) else { return vec![] };
    let claims = claims::existing(view, stateful_set, ordinal);
    claims
        .iter()
        .map(|claim| tell(&Claim { metadata: claim.metadata(), stateful_set, pod }))
        .collect()
}

/// Whether a reference is to an object of this kind and name, whichever it was.
fn refers<K: Kind>(owner: &OwnerReference, name: &str) -> bool {
    owner.api_version == K::RESOURCE.api_version()
        && owner.kind == K::RESOURCE.kind
        && owner.name == name
}

impl Claim<'_> {
    fn owners(&self) -> impl Iterator<Item = &OwnerReference> {
        self.metadata.owner_references.iter().flatten()
    }

    /// Whether a reference is to the StatefulSet or the pod by kind and name; the uid that it should have.
    fn uid_of_ours(&self, owner: &OwnerReference) -> Option<&str> {
        if refers::<StatefulSet>(owner, name(&self.stateful_set.metadata)) {
            Some(uid(&self.stateful_set.metadata))
        } else if refers::<Pod>(owner, name(&self.pod.metadata)) {
            Some(uid(&self.pod.metadata))
        } else {
            None
        }
    }

    /// An owner that was there before one of the two, under the same name.
    fn has_stale_owner(&self) -> bool {
        self.owners().any(|owner| self.uid_of_ours(owner).is_some_and(|uid| uid != owner.uid))
    }

    fn has_unexpected_controller(&self) -> bool {
        let Policy { when_scaled, when_deleted } = Policy::of(self.stateful_set);
        (when_scaled || when_deleted)
            && self.owners().any(|owner| match self.uid_of_ours(owner) {
                Some(uid) => uid != owner.uid,
                None => owner.controller == Some(true),
            })
    }

    fn is_owned_by(&self, owner: &ObjectMeta) -> bool {
        self.owners().any(|reference| reference.uid == uid(owner))
    }

    fn has_owner_that_is_no_controller(&self) -> bool {
        let uids = [uid(&self.stateful_set.metadata), uid(&self.pod.metadata)];
        self.owners()
            .any(|owner| uids.contains(&owner.uid.as_str()) && owner.controller != Some(true))
    }

    /// Whether the StatefulSet, and whether the pod, should own the claim.
    fn wanted(&self) -> (bool, bool) {
        let spec = self.stateful_set.spec.as_ref();
        let is_scaled_down = !ordinal(name(&self.pod.metadata))
            .is_some_and(|ordinal| spec.is_some_and(|spec| ordinals(spec).contains(&ordinal)));
        let Policy { when_scaled, when_deleted } = Policy::of(self.stateful_set);
        (when_deleted && !(when_scaled && is_scaled_down), when_scaled && is_scaled_down)
    }

    /// Claims that are in a state nobody has foreseen are left alone.
    fn is_up_to_date(&self) -> bool {
        let is_owned =
            (self.is_owned_by(&self.stateful_set.metadata), self.is_owned_by(&self.pod.metadata));
        if self.has_stale_owner() {
            true
        } else if self.has_unexpected_controller() {
            is_owned == (false, false)
        } else {
            !self.has_owner_that_is_no_controller() && is_owned == self.wanted()
        }
    }

    fn update(&self) -> Request {
        let others = self.owners().filter(|owner| self.uid_of_ours(owner).is_none());
        let mut owners: Vec<OwnerReference> = others.cloned().collect();
        if !self.has_unexpected_controller() {
            let (by_set, by_pod) = self.wanted();
            owners.extend(by_set.then(|| controller_reference(self.stateful_set)));
            owners.extend(by_pod.then(|| controller_reference(self.pod)));
        }
        let metadata =
            json!({"resourceVersion": self.metadata.resource_version, "ownerReferences": owners});
        let key = Key::of(self.metadata);
        let patch = json!({"metadata": metadata});
        Request::merge_patch(&resources::PERSISTENT_VOLUME_CLAIMS, key, patch)
    }
}
