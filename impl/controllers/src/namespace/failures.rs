//! What an attempt to empty a namespace could not do: one thing for each resource.
//!
//! Source: `deleteAllContent` in pkg/controller/namespace/deletion/namespaced_resources_deleter.go (v1.36).

use std::collections::BTreeMap;

use api::{ApiResource, Reason, Timestamp};
use client::{Outcome, View};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::Left;
use crate::after_seconds;
use crate::ownership::name;

/// What could not be done.
#[derive(Clone, Debug, Default)]
pub(super) struct Failures {
    by_resource: BTreeMap<&'static ApiResource, String>,
}

impl Failures {
    pub(super) fn is_empty(&self) -> bool {
        self.by_resource.is_empty()
    }

    /// What has been deleted, is kept by no finalizer and had time enough should not be there any more.
    pub(super) fn find_stuck(&mut self, left: &Left<'_>, is_grace_over: bool) {
        if !is_grace_over {
            return;
        }
        for (resource, all) in left.by_resource() {
            if all.iter().all(|metadata| is_stuck(metadata)) {
                let namespace = all[0].namespace.as_deref().unwrap_or_default();
                let ApiResource { group, version, plural, .. } = resource;
                let kind = format!("{group}/{version}, Resource={plural}");
                let message = format!(
                    "unexpected items still remain in namespace: {namespace} for gvr: {kind}"
                );
                self.add(resource, &message);
            }
        }
    }

    /// The first failure speaks for its resource.
    pub(super) fn add(&mut self, resource: &'static ApiResource, message: &str) {
        self.by_resource.entry(resource).or_insert_with(|| message.to_owned());
    }

    /// The reason and the message of the condition that tells of them.
    pub(super) fn told(&self) -> Option<(&'static str, String)> {
        let mut messages: Vec<&str> = self.by_resource.values().map(String::as_str).collect();
        messages.sort_unstable();
        let (count, messages) = (messages.len(), messages.join(", "));
        let message = format!("Failed to delete all resource types, {count} remaining: {messages}");
        (count > 0).then_some(("ContentDeletionFailed", message))
    }
}

/// Why a deletion or a list has failed. What is gone, or another one by now, is no failure; nor is a kind that
/// cannot be deleted.
pub(super) fn of(outcome: &Outcome) -> Option<&str> {
    let status = outcome.as_ref().err()?;
    let is_harmless =
        matches!(status.reason, Reason::NotFound | Reason::MethodNotAllowed | Reason::Conflict);
    (!is_harmless).then_some(status.message.as_str())
}

fn is_stuck(metadata: &ObjectMeta) -> bool {
    metadata.deletion_timestamp.is_some() && metadata.finalizers.iter().flatten().next().is_none()
}

impl Left<'_> {
    /// Until when Pods that end may take their time: as long as the slowest asks for, since the namespace was
    /// deleted.
    pub(super) fn graceful_until(&self, view: &View, namespace: &Namespace) -> Timestamp {
        let deleted = namespace.metadata.deletion_timestamp.as_ref();
        let deleted = deleted.map_or(Timestamp::MIN, |deleted| deleted.0);
        let pods = view.pods.in_namespace(name(&namespace.metadata));
        after_seconds(deleted, pods.filter_map(|pod| grace(pod)).max().unwrap_or(0))
    }
}

/// What a Pod asks for that has not ended.
fn grace(pod: &Pod) -> Option<i64> {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    let has_ended = matches!(phase, Some("Succeeded" | "Failed"));
    pod.spec.as_ref()?.termination_grace_period_seconds.filter(|_| !has_ended)
}
