//! The end of a namespace, against clients that create in it through another API server.
//!
//! Admission (NamespaceLifecycle) reads the namespace from a cache that lags, and the write comes
//! later. The namespace controller waits a while before it deletes the content; that the caches and
//! the requests of that time are done by then is taken as given, as a matter of clocks. There is one
//! ConfigMap and one Pod, which takes a while to end. Left out: finalizers of the content, conditions
//! of the namespace, and that a namespace of the name is created again.

mod claims;
mod mutations;
mod steps;
mod words;

pub use mutations::Mutation;

use crate::packed;
use crate::slice::{Claim, Family, Fault, Lane, Outcome, Size, Slice};
use serde::Serialize;

/// How many API servers there are. The first handles the deletion of the namespace.
pub const SERVERS: usize = 2;
/// How many clients there are: one that creates, and one that applies.
pub const CLIENTS: usize = 2;
/// How many resources there are: ConfigMaps and Pods.
pub const RESOURCES: usize = 2;
/// Pods.
pub const PODS: usize = 1;

/// The scenario `namespace`.
#[derive(Clone, Debug)]
pub struct NamespaceSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The namespace.
    pub phase: Phase,
    /// Whether each API server's cache has the namespace as terminating.
    pub caches: [bool; SERVERS],
    /// The ConfigMap and the Pod.
    pub content: [Content; RESOURCES],
    /// The clients' requests.
    pub requests: [Option<Request>; CLIENTS],
    /// The namespace controller.
    pub controller: Controller,
    /// What may still happen.
    pub budgets: Budgets,
}

/// `status.phase` of the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Active.
    Active,
    /// Terminating: `deletionTimestamp` is set, and the finalizer `kubernetes` is there.
    Terminating,
    /// The finalizer was removed, and with it the namespace.
    Gone,
}

/// An object in the namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// It does not exist.
    Absent,
    /// It exists.
    Present,
    /// It is being deleted gracefully.
    Deleting,
}

/// A request to create an object, or to apply one, which creates it if it does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// The API server.
    pub server: u8,
    /// The resource.
    pub resource: u8,
    /// What admission has let pass, if it has.
    pub admitted: Option<Operation>,
    /// Whether the namespace was terminating then.
    pub late: bool,
}

/// The operation that admission sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// The object does not exist.
    Create,
    /// The object exists.
    Update,
}

/// The namespace controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Controller {
    /// Whether its cache has the namespace as terminating.
    pub sees: bool,
    /// How far it is with each resource, once it has begun.
    pub progress: Option<[Progress; RESOURCES]>,
}

/// How far the namespace controller is with a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Progress {
    /// It has to list it.
    ToList,
    /// It has listed something, to be deleted.
    ToDelete,
    /// It has listed nothing.
    Empty,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// Each client asks.
    pub requests: [u8; CLIENTS],
    /// The namespace controller crashes and starts again.
    pub crashes: u8,
    /// A request of the namespace controller is lost.
    pub lost_requests: u8,
    /// The API of a resource cannot be discovered.
    pub discovery_failures: u8,
}

/// A step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeleteNamespace,
    Cache { server: u8 },
    Send { client: u8, server: u8, resource: u8 },
    Admit { client: u8 },
    Commit { client: u8 },
    Observe,
    Begin,
    List { resource: u8 },
    DeleteCollection { resource: u8 },
    Finalize,
    EndPod,
    CrashController,
    LoseFinalize,
    FailDiscovery { resource: u8 },
}

impl Slice for NamespaceSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        State {
            phase: Phase::Active,
            caches: [false; SERVERS],
            content: [Content::Absent; RESOURCES],
            requests: [None; CLIENTS],
            controller: Controller { sees: false, progress: None },
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let mut actions =
            vec![DeleteNamespace, Observe, Begin, Finalize, EndPod, CrashController, LoseFinalize];
        for server in 0..SERVERS as u8 {
            actions.push(Cache { server });
            let created = (0..RESOURCES as u8).map(|resource| Send { client: 0, server, resource });
            actions.extend(created);
            actions.push(Send { client: 1, server, resource: 0 });
        }
        for client in 0..CLIENTS as u8 {
            actions.extend([Admit { client }, Commit { client }]);
        }
        for resource in 0..RESOURCES as u8 {
            actions.extend([
                List { resource },
                DeleteCollection { resource },
                FailDiscovery { resource },
            ]);
        }
        actions
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        Mutation::step(self.mutation, state, action)
    }

    fn is_fair(&self, action: Action) -> bool {
        let by_client = matches!(action, Action::DeleteNamespace | Action::Send { .. });
        !by_client && self.fault(action).is_none()
    }

    fn fault(&self, action: Action) -> Option<Fault> {
        match action {
            Action::CrashController => Some(Fault::Crash),
            Action::LoseFinalize => Some(Fault::LostRequest),
            Action::FailDiscovery { .. } => Some(Fault::Partition),
            Action::DeleteNamespace
            | Action::Cache { .. }
            | Action::Send { .. }
            | Action::Admit { .. }
            | Action::Commit { .. }
            | Action::Observe
            | Action::Begin
            | Action::List { .. }
            | Action::DeleteCollection { .. }
            | Action::Finalize
            | Action::EndPod => None,
        }
    }

    fn claims(&self) -> Vec<Claim<Self>> {
        claims::all()
    }

    fn describe(&self, before: &State, action: Action, after: &State) -> String {
        words::describe(before, action, after)
    }

    fn actor(&self, action: Action) -> String {
        words::actor(action)
    }

    fn lanes(&self, state: &State) -> Vec<Lane> {
        words::lanes(state)
    }

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        let refused = matches!(action, Action::Admit { client } if after.request(client).is_none());
        match (before.content != after.content || before.phase != after.phase, refused) {
            (true, _) => Outcome::Committed,
            (false, true) => Outcome::Refused,
            (false, false) => Outcome::Done,
        }
    }
}

impl Family for NamespaceSlice {
    const SCENARIOS: &'static [&'static str] = &["namespace"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets {
            requests: [2, 2],
            crashes: size.times(1),
            lost_requests: size.times(1),
            discovery_failures: size.times(1),
        };
        Ok(NamespaceSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

packed!(struct State { phase, caches, content, requests, controller, budgets });
packed!(
    enum Phase {
        Active,
        Terminating,
        Gone,
    }
);
packed!(
    enum Content {
        Absent,
        Present,
        Deleting,
    }
);
packed!(struct Request { server, resource, admitted, late });
packed!(
    enum Operation {
        Create,
        Update,
    }
);
packed!(struct Controller { sees, progress });
packed!(
    enum Progress {
        ToList,
        ToDelete,
        Empty,
    }
);
packed!(struct Budgets { requests, crashes, lost_requests, discovery_failures });
