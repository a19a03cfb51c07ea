//! The claims of the pods of a StatefulSet: what they are called, and who they are made from.
//!
//! Source: pkg/controller/statefulset/stateful_pod_control.go and stateful_set_utils.go (v1.36).

use api::object::AnyObject;
use api::{Key, resources};
use client::View;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;

use super::identity::ordinal;
use crate::ownership::name;

/// By template, the name of its claim for an ordinal.
pub(super) fn names(
    stateful_set: &StatefulSet,
    ordinal: i64,
) -> impl Iterator<Item = (&str, String)> {
    let owner = name(&stateful_set.metadata);
    templates(stateful_set).map(move |template| {
        let template = name(&template.metadata);
        (template, format!("{template}-{owner}-{ordinal}"))
    })
}

/// The claims of an ordinal that are there.
pub(super) fn existing(view: &View, stateful_set: &StatefulSet, ordinal: i64) -> Vec<AnyObject> {
    let keys = names(stateful_set, ordinal).map(|(_, claim)| key(stateful_set, &claim));
    keys.filter_map(|key| view.get(&resources::PERSISTENT_VOLUME_CLAIMS, &key)).collect()
}

/// The claims of an ordinal that are not there, as they are to be made.
pub(super) fn missing(
    view: &View,
    stateful_set: &StatefulSet,
    ordinal: i64,
) -> Vec<PersistentVolumeClaim> {
    let claims = templates(stateful_set).zip(names(stateful_set, ordinal));
    let missing = claims.filter(|(_, (_, claim))| {
        let key = key(stateful_set, claim);
        view.get(&resources::PERSISTENT_VOLUME_CLAIMS, &key).is_none()
    });
    missing.map(|(template, (_, claim))| new(stateful_set, template, claim)).collect()
}

/// Why a pod cannot have its claims, if some of them are going.
pub(super) fn obstacle(view: &View, stateful_set: &StatefulSet, ordinal: i64) -> Option<String> {
    let existing = existing(view, stateful_set, ordinal);
    let going = existing.iter().filter(|claim| claim.metadata().deletion_timestamp.is_some());
    let messages: Vec<String> =
        going.map(|claim| format!("pvc {} is being deleted", name(claim.metadata()))).collect();
    match messages.as_slice() {
        [] => None,
        [message] => Some(message.clone()),
        several => Some(format!("[{}]", several.join(", "))),
    }
}

/// The StatefulSets whose pods a claim may be for.
pub(super) fn concerned(view: &View, claim: &Key) -> Vec<Key> {
    let sets = view.stateful_sets.in_namespace(&claim.namespace).filter(|stateful_set| {
        let ordinal = ordinal(&claim.name);
        ordinal
            .is_some_and(|ordinal| names(stateful_set, ordinal).any(|(_, name)| name == claim.name))
    });
    sets.map(|stateful_set| Key::of(&stateful_set.metadata)).collect()
}

fn templates(stateful_set: &StatefulSet) -> impl Iterator<Item = &PersistentVolumeClaim> {
    let spec = stateful_set.spec.as_ref();
    spec.and_then(|spec| spec.volume_claim_templates.as_ref()).into_iter().flatten()
}

fn key(stateful_set: &StatefulSet, claim: &str) -> Key {
    Key::new(stateful_set.metadata.namespace.as_deref().unwrap_or_default(), claim)
}

fn new(
    stateful_set: &StatefulSet,
    template: &PersistentVolumeClaim,
    claim: String,
) -> PersistentVolumeClaim {
    let selector = stateful_set.spec.as_ref().map(|spec| &spec.selector);
    let selected = selector.and_then(|selector| selector.match_labels.clone());
    let mut new = template.clone();
    new.metadata.name = Some(claim);
    new.metadata.namespace.clone_from(&stateful_set.metadata.namespace);
    if let Some(selected) = selected {
        new.metadata.labels.get_or_insert_default().extend(selected);
    }
    new
}
