//! What a node tells whoever writes a trace.

use std::sync::Arc;

use api::Key;

/// Something that happened on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceNote {
    /// The node's name.
    pub node: String,
    /// What happened.
    pub action: TraceAction,
    /// The pod; none for a list or a bookmark.
    pub pod: Key,
    /// The pod's uid.
    pub uid: String,
    /// The container's name; empty when it is about the pod.
    pub container: String,
    /// For a delivery its revision, else the revision of the cache that was decided on.
    pub revision: u64,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceAction {
    /// The pods were listed.
    Listed,
    /// The watch delivered ADDED.
    Added,
    /// The watch delivered MODIFIED.
    Modified,
    /// The watch delivered DELETED.
    Deleted,
    /// The watch delivered BOOKMARK.
    Bookmark,
    /// The kubelet ordered a container to start.
    StartOrdered,
    /// The runtime reported that a container runs.
    Started,
    /// The kubelet ordered a container to stop.
    StopOrdered,
    /// The runtime reported that a container ended.
    Exited,
    /// The kubelet found a container that ran before it did.
    Adopted,
}

/// Takes notes, at once and without waiting.
pub type TraceSink = Arc<dyn Fn(TraceNote) + Send + Sync>;
