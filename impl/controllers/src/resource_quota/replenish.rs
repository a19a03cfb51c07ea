//! After which changes a quota is counted again: when it says something new, and when objects use less.
//!
//! Source: pkg/quota/v1/install/update_filter.go and resource_quota_monitor.go (v1.36). Of Services and
//! claims the cache holds only the metadata, so each change of one counts.

use api::{AnyObject, ApiResource, Key, quota, resources};
use client::{Change, View};
use k8s_openapi::api::core::v1::{Pod, ResourceQuota};

/// The quotas that a change makes due.
pub(super) fn due(view: &View, change: &Change) -> Vec<Key> {
    let mut due = vec![];
    if is_new_to_a_quota(change) {
        due.push(change.key());
    }
    let resource = change.resource();
    if quota::is_counted(resource) && may_use_less(change) {
        let Key { namespace, .. } = change.key();
        let quotas = view.resource_quotas.in_namespace(&namespace);
        let limiting = quotas.filter(|quota| limits(quota, resource));
        due.extend(limiting.map(|quota| Key::of(&quota.metadata)));
    }
    due
}

/// A quota that is new, is gone, or limits something else than before. What is used changes with every object
/// that the API server takes, and is right then.
fn is_new_to_a_quota(change: &Change) -> bool {
    let quota = |object: &Option<AnyObject>| match object {
        Some(AnyObject::ResourceQuota(quota)) => Some(quota.clone()),
        Some(_) | None => None,
    };
    match (quota(&change.old), quota(&change.new)) {
        (Some(old), Some(new)) => old.spec != new.spec || hard(&old) != hard(&new),
        (None, None) => false,
        (Some(_), None) | (None, Some(_)) => true,
    }
}

/// What it limits as far as the API server knows. Those that came before that are not counted by it.
fn hard(quota: &ResourceQuota) -> impl PartialEq + use<> {
    quota.status.as_ref().and_then(|status| status.hard.clone())
}

fn limits(quota: &ResourceQuota, resource: &ApiResource) -> bool {
    let hard = quota.status.iter().flat_map(|status| status.hard.iter().flatten());
    hard.into_iter().any(|(name, _)| quota::limits(name, resource))
}

fn may_use_less(change: &Change) -> bool {
    match (&change.old, &change.new) {
        (Some(AnyObject::Pod(old)), Some(AnyObject::Pod(new))) => uses_less(old, new),
        (Some(_), Some(new)) => {
            [&resources::SERVICES, &resources::PERSISTENT_VOLUME_CLAIMS].contains(&new.resource())
        }
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// A pod that has ended, has other resources, or is under other scopes than before.
fn uses_less(old: &Pod, new: &Pod) -> bool {
    let has_ended = |pod: &Pod| {
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        matches!(phase, Some("Failed" | "Succeeded"))
    };
    let is_terminating =
        |pod: &Pod| pod.spec.as_ref().is_some_and(|spec| spec.active_deadline_seconds.is_some());
    has_ended(old) != has_ended(new)
        || is_terminating(old) != is_terminating(new)
        || resources_of(old) != resources_of(new)
}

/// What the kubelet says that the containers have.
fn resources_of(pod: &Pod) -> impl PartialEq + use<> {
    let statuses = pod.status.iter().flat_map(|status| {
        let lists = [&status.container_statuses, &status.init_container_statuses];
        lists.into_iter().flatten().flatten()
    });
    let resources = statuses.map(|status| (status.name.clone(), status.resources.clone()));
    resources.filter(|(_, resources)| resources.is_some()).collect::<Vec<_>>()
}
