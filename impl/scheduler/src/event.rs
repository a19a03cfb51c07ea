//! Changes of the cluster that may make a pod schedulable.
//!
//! Source: framework/events.go and the plugins' `EventsToRegister` (v1.36).

use api::AnyObject;
use client::Change;
use k8s_openapi::api::core::v1::Node;

use crate::node_info::PodInfo;

/// What has changed. An addition has no old state, a deletion no new one.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A node.
    Node {
        /// As it was.
        old: Option<&'a Node>,
        /// As it is.
        new: Option<&'a Node>,
    },
    /// A pod that has a node, or is nominated to one.
    Pod {
        /// As it was.
        old: Option<&'a PodInfo>,
        /// As it is.
        new: Option<&'a PodInfo>,
    },
    /// A claim, a volume, or what limits volumes.
    Volumes(&'a Change),
    /// A claim of devices, a class or a slice.
    Devices(&'a Change),
    /// Devices that were about to be allocated are not.
    FreedDevices,
}

impl<'a> Event<'a> {
    /// A pod that takes its place no more.
    pub fn freed(pod: &'a PodInfo) -> Self {
        Self::Pod { old: Some(pod), new: None }
    }

    /// The pod that takes its place no more.
    pub fn freed_by(self) -> Option<&'a PodInfo> {
        match self {
            Self::Pod { old, new: None } => old,
            Self::Pod { .. }
            | Self::Node { .. }
            | Self::Volumes(_)
            | Self::Devices(_)
            | Self::FreedDevices => None,
        }
    }

    /// The node that has appeared or changed, before and after.
    pub fn node(self) -> Option<(Option<&'a Node>, &'a Node)> {
        match self {
            Self::Node { old, new } => new.map(|new| (old, new)),
            Self::Pod { .. } | Self::Volumes(_) | Self::Devices(_) | Self::FreedDevices => None,
        }
    }

    /// Whether a node has appeared.
    pub fn is_new_node(self) -> bool {
        self.node().is_some_and(|(old, _)| old.is_none())
    }

    /// Whether a node has appeared, or has other labels.
    pub fn has_new_labels(self) -> bool {
        self.node().is_some_and(|(old, new)| {
            old.is_none_or(|old| old.metadata.labels != new.metadata.labels)
        })
    }

    /// The object that has to do with volumes, as it is or was.
    pub fn of_volumes(self) -> Option<&'a AnyObject> {
        match self {
            Self::Volumes(change) => Some(change.object()),
            Self::Node { .. } | Self::Pod { .. } | Self::Devices(_) | Self::FreedDevices => None,
        }
    }
}
