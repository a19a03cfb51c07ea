//! What goes into a kubelet and what comes out, as plain values.

use api::Key;
use client::{Change, Outcome};

use crate::eviction::Usage;
use crate::following::Followed;
use crate::node::NodePurpose;
use crate::references::Reference;
use crate::runtime::{RuntimeCommand, RuntimeEvent};
use crate::static_pods::StaticPod;

/// Something that a kubelet hears.
#[derive(Clone, Debug)]
pub enum Input {
    /// A pod with this node in `spec.nodeName` changed; the cache has read up to the revision.
    Pod(Change, u64),
    /// A Service changed. All that there are are told of before the first pod.
    Service(Change),
    /// The cache of pods has its first list: what runs and is not in it has been deleted.
    Synced,
    /// What the files of the node's own pods say, all of them. The first comes before `Synced`.
    StaticPods(Vec<StaticPod>),
    /// What the machine has left.
    Usage(Usage),
    /// The runtime reports.
    Runtime(RuntimeEvent),
    /// A request was answered.
    Answer(Purpose, Outcome),
    /// An object that is followed has this `resourceVersion`, none if it is not there.
    Object(Followed, Option<String>),
    /// Time has passed.
    Tick,
}

/// Something that a kubelet wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// By the runtime.
    Runtime(RuntimeCommand),
    /// By the API server; the purpose comes back with the answer.
    Api(Purpose, api::Request),
    /// From now on `Input::Object` is to tell of an object: first of what it is, then of what it becomes.
    Follow(Followed),
    /// No more.
    Forget(Followed),
}

/// Why a request was made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// An event; its answer does not matter.
    Event,
    /// The Node object or its Lease.
    Node(NodePurpose),
    /// The mirror of a static pod of this name.
    Mirror(Key),
    /// The status of the pod with this uid.
    PodStatus(String),
    /// The end of the pod with this uid.
    PodDeletion(String),
    /// What a container needs before it can be started.
    Reference {
        /// The pod's uid.
        pod_uid: String,
        /// The container's name.
        container: String,
        /// What is read.
        reference: Reference,
    },
    /// What a volume shows, which is read anew.
    Volume {
        /// The pod's uid.
        pod_uid: String,
        /// The volume's name.
        volume: String,
        /// What is read.
        reference: Reference,
    },
}
