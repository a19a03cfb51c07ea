//! The attach/detach controller, a CSI driver and two kubelets: one volume that only one node may have.
//!
//! A Pod on each node may use the volume; a node may be lost, and does not come back. Left out: volumes that
//! several nodes may have, what a driver refuses, attachments that others make, a node that comes back after
//! the controller has given it up; an informer that is more than two events behind.

mod claims;
mod mutations;
mod steps;
mod words;

pub use mutations::Mutation;

use crate::cause::Cause;
use crate::history::{self, History};
use crate::packed;
use crate::slice::{Claim, Family, Fault, Lane, Outcome, Size, Slice};
use serde::Serialize;

/// How many nodes there are.
pub const NODES: usize = 2;
/// The watcher of Pods.
pub const POD_INFORMER: usize = 0;
/// The watcher of VolumeAttachments.
pub const ATTACHMENT_INFORMER: usize = 1;
/// The watcher of Nodes.
pub const NODE_INFORMER: usize = 2;
/// How many events an informer is behind at most.
pub const LAG: usize = 2;

/// The scenario `attachment`.
#[derive(Clone, Debug)]
pub struct AttachmentSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The API server's objects, and how far the controller has read.
    pub store: History<Objects, 3, 4>,
    /// The attachments that the controller has asked for and has not seen.
    pub asked: [bool; NODES],
    /// The nodes on which the volume is mounted.
    pub mounted: [bool; NODES],
    /// The nodes that the controller has waited for long enough.
    pub given_up: [bool; NODES],
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// Whether a Pod on each node uses the volume.
    pub pods: [bool; NODES],
    /// The VolumeAttachment of each node.
    pub attachments: [Option<Attachment>; NODES],
    /// The Nodes.
    pub nodes: [Node; NODES],
}

/// A VolumeAttachment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attachment {
    /// `status.attached`, which the driver sets.
    pub attached: bool,
    /// Whether it has a deletionTimestamp: the driver's finalizer keeps it.
    pub deleting: bool,
}

/// A Node, as far as its volumes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// Whether `status.volumesAttached` has the volume, which the controller writes.
    pub reported: bool,
    /// Whether `status.volumesInUse` has the volume, which the kubelet writes.
    pub in_use: bool,
    /// Whether its condition `Ready` is true.
    pub ready: bool,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of the Pod of this node.
    Pod(u8, bool),
    /// Of the attachment of this node.
    Attachment(u8, Option<Attachment>),
    /// Of this Node.
    Node(u8, Node),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A Pod comes.
    pub pods: u8,
    /// A node is lost.
    pub losses: u8,
    /// The controller crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverPod,
    DeliverAttachment,
    DeliverNode,
    Attach { node: u8 },
    Report { node: u8 },
    Detach { node: u8 },
    GiveUp { node: u8 },
    DriverAttaches { node: u8 },
    DriverDetaches { node: u8 },
    WantMount { node: u8 },
    Mount { node: u8 },
    Unmount { node: u8 },
    PlacePod { node: u8 },
    EndPod { node: u8 },
    LoseNode { node: u8 },
    Crash,
}

impl Slice for AttachmentSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let node = Node { reported: false, in_use: false, ready: true };
        let objects =
            Objects { pods: [false; NODES], attachments: [None; NODES], nodes: [node; NODES] };
        State {
            store: History::listed(objects),
            asked: [false; NODES],
            mounted: [false; NODES],
            given_up: [false; NODES],
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let of = |node| {
            [
                Attach { node },
                Report { node },
                Detach { node },
                GiveUp { node },
                DriverAttaches { node },
                DriverDetaches { node },
                WantMount { node },
                Mount { node },
                Unmount { node },
                PlacePod { node },
                EndPod { node },
                LoseNode { node },
            ]
        };
        let others = [DeliverPod, DeliverAttachment, DeliverNode, Crash];
        (0..NODES as u8).flat_map(of).chain(others).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverPod
            | Action::DeliverAttachment
            | Action::DeliverNode
            | Action::Attach { .. }
            | Action::Report { .. }
            | Action::Detach { .. }
            | Action::GiveUp { .. }
            | Action::DriverAttaches { .. }
            | Action::DriverDetaches { .. }
            | Action::WantMount { .. }
            | Action::Mount { .. }
            | Action::Unmount { .. } => Cause::Duty,
            Action::PlacePod { .. } | Action::EndPod { .. } => Cause::Choice,
            Action::LoseNode { .. } => Cause::Fault(Fault::Partition),
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    fn claims(&self) -> Vec<Claim<Self>> {
        claims::all()
    }

    fn describe(&self, _: &State, action: Action, _: &State) -> String {
        words::describe(action)
    }

    fn actor(&self, action: Action) -> String {
        words::actor(action)
    }

    fn lanes(&self, state: &State) -> Vec<Lane> {
        words::lanes(state)
    }

    fn outcome(&self, before: &State, _: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, false)
    }
}

impl Family for AttachmentSlice {
    const SCENARIOS: &'static [&'static str] = &["attachment"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { pods: 3, losses: size.times(1), crashes: size.times(1) };
        Ok(AttachmentSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Pod(node, is_there) => self.pods[usize::from(node)] = is_there,
            Event::Attachment(node, attachment) => {
                self.attachments[usize::from(node)] = attachment;
            }
            Event::Node(number, node) => self.nodes[usize::from(number)] = node,
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        let own = match event {
            Event::Pod(..) => POD_INFORMER,
            Event::Attachment(..) => ATTACHMENT_INFORMER,
            Event::Node(..) => NODE_INFORMER,
        };
        watcher == own
    }
}

packed!(struct State { store, asked, mounted, given_up, budgets });
packed!(struct Objects { pods, attachments, nodes });
packed!(struct Attachment { attached, deleting });
packed!(struct Node { reported, in_use, ready });
packed!(
    enum Event {
        Pod(node, is_there),
        Attachment(node, attachment),
        Node(number, node),
    }
);
packed!(struct Budgets { pods, losses, crashes });
