//! Which DaemonSets a change of a node concerns.
//!
//! Source: shouldIgnoreNodeUpdate and syncNodeUpdate in pkg/controller/daemon/daemon_controller.go (v1.36).

use std::sync::Arc;

use api::{AnyObject, Key};
use client::{Change, View};
use k8s_openapi::api::apps::v1::DaemonSet;
use k8s_openapi::api::core::v1::Node;

use super::placement::{self, Fit};
use super::template;
use crate::ownership::name;
use crate::pods;

/// Whether what decides about pods has changed on a node.
pub(super) fn has_moved(change: &Change) -> bool {
    let (Some(AnyObject::Node(old)), Some(AnyObject::Node(new))) = (&change.old, &change.new)
    else {
        return true;
    };
    let taints = |node: &Node| node.spec.as_ref().and_then(|spec| spec.taints.clone());
    old.metadata.labels != new.metadata.labels || taints(old) != taints(new)
}

/// The DaemonSets that lack a pod on a node, have one too much, or counted one as out of place.
pub(super) fn due_by_node(view: &View, node: &Node) -> Vec<Key> {
    let is_due = |daemon_set: &&Arc<DaemonSet>| {
        let Some(spec) = &daemon_set.spec else { return false };
        let has_pod = has_pod(view, daemon_set, name(&node.metadata));
        let status = daemon_set.status.as_ref();
        match placement::fit(&template::pod_spec(spec), node) {
            Fit::Runs if !has_pod => true,
            Fit::Never if has_pod => true,
            Fit::Runs | Fit::Keeps | Fit::Never => {
                has_pod && status.is_some_and(|status| status.number_misscheduled > 0)
            }
        }
    };
    let due = view.daemon_sets.iter().filter(is_due);
    due.map(|daemon_set| Key::of(&daemon_set.metadata)).collect()
}

fn has_pod(view: &View, daemon_set: &DaemonSet, node: &str) -> bool {
    view.pods_of(&daemon_set.metadata).any(|pod| pods::node_name(pod) == node)
}
