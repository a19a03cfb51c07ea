//! The end of a namespace, against clients that create in it through another API server.
//!
//! Admission (NamespaceLifecycle) reads the namespace from a cache that lags, and the write comes
//! later. The namespace controller waits a while before it deletes the content; that the caches and
//! the requests of that time are done by then is taken as given, as a matter of clocks. There is one
//! ConfigMap and one Pod, which takes a while to end. Left out: finalizers of the content, conditions
//! of the namespace, and that a namespace of the name is created again.

mod claims;
mod mutations;
mod requests;
mod state;
mod steps;
mod words;

pub use mutations::Mutation;
pub use state::{Budgets, Content, Controller, Operation, Phase, Progress, Request, State};

use crate::cause::Cause;
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

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::Cache { .. }
            | Action::Admit { .. }
            | Action::Commit { .. }
            | Action::Observe
            | Action::Begin
            | Action::List { .. }
            | Action::DeleteCollection { .. }
            | Action::Finalize
            | Action::EndPod => Cause::Duty,
            Action::DeleteNamespace | Action::Send { .. } => Cause::Choice,
            Action::CrashController => Cause::Fault(Fault::Crash),
            Action::LoseFinalize => Cause::Fault(Fault::LostRequest),
            Action::FailDiscovery { .. } => Cause::Fault(Fault::Partition),
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
        let refused = matches!(action, Action::Admit { client } if after.request(client).is_none())
            || matches!(action, Action::Commit { client: 0 });
        match (before.content != after.content || before.phase != after.phase, refused) {
            (true, _) => Outcome::Committed,
            (false, true) => Outcome::Refused,
            (false, false) => Outcome::Done,
        }
    }

    fn request(&self, before: &State, action: Action) -> Option<serde_json::Value> {
        let after = self.step(before, action)?;
        Some(requests::request(before, action, &after)?.written())
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
