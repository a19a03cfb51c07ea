//! The state of the scheduling queue, and its steps by name.

use super::PODS;
use crate::history::{self, History};
use crate::packed;
use serde::Serialize;

/// A state of the store and the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The store, and how far the scheduler has read.
    pub store: History<Objects, 1, 10>,
    /// Where each Pod is.
    pub queue: [Queued; PODS],
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The Pods.
    pub pods: [Pod; PODS],
    /// `status.allocatable.pods` of the Node.
    pub allocatable: u8,
}

/// A Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pod {
    /// It has not been created.
    Absent,
    /// It waits for a Node.
    Pending,
    /// It is bound to the Node.
    Bound,
    /// It was deleted.
    Deleted,
}

/// A change of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The Pod is so now.
    Pod(u8, Pod),
    /// The Node has one place more.
    NodeGrown,
    /// The Node got another label, which matters to no Pod here.
    NodeLabelled,
}

/// Where a Pod is: in one of the queues, or in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Queued {
    /// In activeQ.
    pub active: bool,
    /// In backoffQ.
    pub backoff: bool,
    /// In unschedulablePods.
    pub unschedulable: bool,
    /// Whether the backoff of its last attempt has not ended yet, wherever it is.
    pub backing_off: bool,
    /// Whether its last attempt ended in an error: its backoffQ is podErrorBackoffQ.
    pub failed: bool,
    /// Whether the cache assumes it on the Node, and the informer has not shown it there.
    pub assumed: bool,
    /// The attempt that is in flight.
    pub attempt: Attempt,
}

/// An attempt to schedule a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attempt {
    /// None.
    None,
    /// The scheduling cycle, with its snapshot.
    Deciding {
        /// Whether the snapshot has room for the Pod.
        fits: bool,
        /// Whether an event that may help came since the cycle began (`inFlightEvents`).
        moved: bool,
    },
    /// The binding cycle.
    Binding(Stage),
}

/// How far a Binding has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// On its way to the API server.
    Sent,
    /// Committed; the answer is on its way.
    Created,
    /// Refused or lost.
    Failed,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client deletes a Pod.
    pub deletions: u8,
    /// The Node grows.
    pub growths: u8,
    /// A client labels the Node.
    pub labels: u8,
    /// The watch is closed, and the informer lists.
    pub closed_watches: u8,
    /// A Binding is lost on its way.
    pub lost_requests: u8,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    CreatePod { pod: u8 },
    DeletePod { pod: u8 },
    GrowNode,
    LabelNode,
    Deliver,
    Relist,
    Pop { pod: u8 },
    Assume { pod: u8 },
    FailAttempt { pod: u8 },
    CommitBinding { pod: u8 },
    LoseBinding { pod: u8 },
    FinishBinding { pod: u8 },
    EndBackoff { pod: u8 },
    FlushBackoff { pod: u8 },
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Pod(pod, object) => self.pods[usize::from(pod)] = object,
            Event::NodeGrown => self.allocatable += 1,
            Event::NodeLabelled => {}
        }
    }
}

impl Objects {
    /// How many Pods are bound.
    pub fn bound(&self) -> usize {
        self.pods.iter().filter(|pod| **pod == Pod::Bound).count()
    }
}

packed!(struct State { store, queue, budgets });
packed!(struct Objects { pods, allocatable });
packed!(
    enum Pod {
        Absent,
        Pending,
        Bound,
        Deleted,
    }
);
packed!(
    enum Event {
        Pod(pod, object),
        NodeGrown,
        NodeLabelled,
    }
);
packed!(struct Queued { active, backoff, unschedulable, backing_off, failed, assumed, attempt });
packed!(
    enum Attempt {
        None,
        Deciding { fits, moved },
        Binding(stage),
    }
);
packed!(
    enum Stage {
        Sent,
        Created,
        Failed,
    }
);
packed!(struct Budgets { deletions, growths, labels, closed_watches, lost_requests });
