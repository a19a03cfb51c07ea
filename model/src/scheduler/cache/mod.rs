//! kube-scheduler's cache: Pods and Nodes that come from two informers, each with a lag of its own.
//!
//! Three Pods, of which two run; two Nodes, with two places and with one. The larger Node is
//! deleted and may be registered again under its name. Left out: the queue, every resource but
//! places, generations of NodeInfos and the snapshot that is brought up to date by them, answers
//! to Bindings that are lost. A Pod that is deleted comes back as another one: its slot is used
//! again only when nobody remembers it.

mod claims;
mod info;
mod mutations;
mod requests;
mod steps;
mod words;

pub use info::{Cache, NodeInfo, Placement};
pub use mutations::Mutation;

use crate::cause::Cause;
use crate::history::{History, Objects};
use crate::slice::{Family, Fault, Outcome, Size, Slice};
use crate::{claims_and_words, packed};
use serde::Serialize;

/// How many Pods there are.
pub const PODS: usize = 3;
/// How many Nodes there are.
pub const NODES: usize = 2;
/// `status.allocatable.pods` of each Node.
pub const PLACES: [usize; NODES] = [2, 1];

/// The scenario `scheduler-cache`.
#[derive(Clone, Debug)]
pub struct CacheSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// Whether no event is skipped.
    pub lazy: bool,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the store and the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The Pods in the store, and how far their informer has read.
    pub pods: History<Pods, 1, 12>,
    /// The Nodes in the store, and how far their informer has read.
    pub nodes: History<Nodes, 1, 4>,
    /// What the scheduler makes of it.
    pub cache: Cache,
    /// By Pod: the Binding that the scheduler has sent.
    pub bindings: [Binding; PODS],
    /// What may still happen.
    pub budgets: Budgets,
}

/// The Pods that the store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pods {
    /// Those that exist.
    pub pods: [Option<Pod>; PODS],
}

/// The Nodes that the store holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Nodes {
    /// Whether each exists.
    pub there: [bool; NODES],
}

/// A Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pod {
    /// `spec.nodeName`.
    pub node: Option<u8>,
}

/// A Pod was created, bound or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PodEvent {
    /// The Pod.
    pub pod: u8,
    /// How it is now; nothing where it was deleted.
    pub object: Option<Pod>,
}

/// A Node was registered or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NodeEvent {
    /// The Node.
    pub node: u8,
    /// Whether it is there now.
    pub there: bool,
}

/// A Binding of the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binding {
    /// None.
    None,
    /// On its way to the API server, with its Node.
    Sent(u8),
    /// Committed; the answer is on its way.
    Created,
    /// Refused or lost; the answer or the timeout is on its way.
    Failed,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// The larger Node is deleted.
    pub deletions: u8,
    /// It is registered again.
    pub registrations: u8,
    /// A watch is closed, and its informer lists.
    pub closed_watches: u8,
    /// A Binding is lost on its way.
    pub lost_requests: u8,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    CreatePod,
    DeleteNode,
    AddNode,
    CollectPod { pod: u8 },
    DeliverPod,
    DeliverNode,
    RelistPods,
    RelistNodes,
    Schedule { pod: u8, node: u8 },
    CommitBinding { pod: u8 },
    LoseBinding { pod: u8 },
    FinishBinding { pod: u8 },
}

impl Objects for Pods {
    type Event = PodEvent;

    fn apply(&mut self, event: &PodEvent) {
        self.pods[usize::from(event.pod)] = event.object;
    }
}

impl Objects for Nodes {
    type Event = NodeEvent;

    fn apply(&mut self, event: &NodeEvent) {
        self.there[usize::from(event.node)] = event.there;
    }
}

impl Pods {
    /// How many are bound to this Node.
    pub fn bound_to(&self, node: usize) -> usize {
        let here = |pod: &&Pod| pod.node.map(usize::from) == Some(node);
        self.pods.iter().flatten().filter(here).count()
    }
}

impl Slice for CacheSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let bound = Some(Pod { node: Some(0) });
        let mut pods = History::listed(Pods { pods: [bound, bound, None] });
        let mut nodes = History::listed(Nodes { there: [true; NODES] });
        (pods.lazy, nodes.lazy) = (self.lazy, self.lazy);
        let held = Some(Placement { node: 0, assumed: false });
        let infos = [
            NodeInfo { node: true, pods: [true, true, false] },
            NodeInfo { node: true, pods: [false; PODS] },
        ];
        let cache = Cache { pods: [held, held, None], infos, panicked: false };
        State { pods, nodes, cache, bindings: [Binding::None; PODS], budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        let of_pod = |pod| {
            [
                Action::CollectPod { pod },
                Action::CommitBinding { pod },
                Action::LoseBinding { pod },
                Action::FinishBinding { pod },
                Action::Schedule { pod, node: 0 },
                Action::Schedule { pod, node: 1 },
            ]
        };
        let others = [
            Action::CreatePod,
            Action::DeleteNode,
            Action::AddNode,
            Action::DeliverPod,
            Action::DeliverNode,
            Action::RelistPods,
            Action::RelistNodes,
        ];
        (0..PODS as u8).flat_map(of_pod).chain(others).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        Mutation::step(self.mutation, state, action)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::CreatePod
            | Action::CollectPod { .. }
            | Action::DeliverPod
            | Action::DeliverNode
            | Action::Schedule { .. }
            | Action::CommitBinding { .. }
            | Action::FinishBinding { .. } => Cause::Duty,
            Action::DeleteNode | Action::AddNode => Cause::Choice,
            Action::RelistPods | Action::RelistNodes => Cause::Fault(Fault::WatchClosed),
            Action::LoseBinding { .. } => Cause::Fault(Fault::LostRequest),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        let written =
            before.pods.now() != after.pods.now() || before.nodes.now() != after.nodes.now();
        match (action, written) {
            (_, true) => Outcome::Committed,
            (Action::CommitBinding { .. }, false) => Outcome::Refused,
            (_, false) => Outcome::Done,
        }
    }

    fn request(&self, before: &State, action: Action) -> Option<serde_json::Value> {
        let after = self.step(before, action)?;
        Some(requests::request(before, action, &after)?.written())
    }

    fn objects_at_start(&self) -> Vec<crate::request::Request> {
        requests::at_start(&self.initial())
    }
}

impl Family for CacheSlice {
    const SCENARIOS: &'static [&'static str] = &["scheduler-cache"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets {
            deletions: 1,
            registrations: 1,
            closed_watches: size.times(1),
            lost_requests: size.times(1),
        };
        Ok(CacheSlice { budgets, lazy: size.lazy, mutation: mutation.and_then(Mutation::of) })
    }
}

packed!(struct State { pods, nodes, cache, bindings, budgets });
packed!(struct Pods { pods });
packed!(struct Nodes { there });
packed!(struct PodEvent { pod, object });
packed!(struct NodeEvent { node, there });
packed!(struct Pod { node });
packed!(
    enum Binding {
        None,
        Sent(node),
        Created,
        Failed,
    }
);
packed!(struct Budgets { deletions, registrations, closed_watches, lost_requests });
