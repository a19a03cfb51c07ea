//! The Deployment controller: a rolling update from the ReplicaSet of one template to that of another.
//!
//! The controller asks for one thing at a time. ReplicaSets run and stop Pods one by one and say at
//! once how many are available. Left out: Pods that fail, a Deployment that is scaled, paused or
//! deleted, old ReplicaSets that are cleaned up, what its status says beside `collisionCount`;
//! requests that arrive after their sender has crashed; an informer that is more than three events
//! behind.

mod claims;
mod mutations;
mod objects;
mod requests;
mod rolling;
mod steps;
mod words;

pub use mutations::Mutation;
pub use objects::{Deployment, Event, NAMES, Objects, Set};

use crate::cause::Cause;
use crate::history::History;
use crate::slice::{Family, Fault, Outcome, Size, Slice};
use crate::{claims_and_words, packed};
use serde::Serialize;

/// The watcher of Deployments.
pub const DEPLOYMENT_INFORMER: usize = 0;
/// The watcher of ReplicaSets.
pub const SET_INFORMER: usize = 1;
/// How many events an informer is behind at most.
pub const LAG: usize = 3;
/// How many replicas the Deployment wants.
pub const REPLICAS: u8 = 2;
/// How many more there may be during an update.
pub const MAX_SURGE: u8 = 1;
/// How many fewer may be available during an update.
pub const MAX_UNAVAILABLE: u8 = 1;

/// The scenario `deployment`.
#[derive(Clone, Debug)]
pub struct DeploymentSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The API server's objects, and how far the controller has read.
    pub store: History<Objects, 2, 8>,
    /// What the controller has asked for.
    pub request: Request,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the controller has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Nothing.
    None,
    /// A ReplicaSet whose name follows from the template and `collisionCount`.
    Create {
        /// The Deployment that it read.
        read: Deployment,
        /// How many replicas it has at first.
        replicas: u8,
    },
    /// Other replicas of a ReplicaSet.
    Scale {
        /// Its name.
        name: u8,
        /// The ReplicaSet that it read: another has another resourceVersion.
        read: Set,
        /// The replicas.
        replicas: u8,
    },
    /// A higher `collisionCount`.
    CountCollision {
        /// The Deployment that it read: another has another resourceVersion.
        read: Deployment,
    },
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client changes the Deployment's template: to the new one, and back.
    pub rollouts: u8,
    /// A client creates a ReplicaSet of its own under a name that the controller would choose.
    pub strangers: u8,
    /// The controller crashes.
    pub crashes: u8,
    /// A request or its answer is lost.
    pub lost: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverDeployment,
    DeliverSet,
    SyncDeployment,
    Commit,
    RunPod { set: u8 },
    StopPod { set: u8 },
    ChangeTemplate,
    CreateStranger,
    LoseRequest,
    LoseAnswer,
    Crash,
}

impl Slice for DeploymentSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let store = History::listed(Objects::ROLLED_OUT);
        State { store, request: Request::None, budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let of = |set| [RunPod { set }, StopPod { set }];
        let controller = [DeliverDeployment, DeliverSet, SyncDeployment, Commit];
        let others = [ChangeTemplate, CreateStranger, LoseRequest, LoseAnswer, Crash];
        (0..NAMES as u8).flat_map(of).chain(controller).chain(others).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverDeployment
            | Action::DeliverSet
            | Action::SyncDeployment
            | Action::Commit
            | Action::RunPod { .. }
            | Action::StopPod { .. } => Cause::Duty,
            Action::ChangeTemplate | Action::CreateStranger => Cause::Choice,
            Action::LoseRequest | Action::LoseAnswer => Cause::Fault(Fault::LostRequest),
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        let is_request = matches!(action, Action::Commit | Action::LoseAnswer);
        after.store.outcome(&before.store, is_request)
    }

    fn request(&self, before: &State, action: Action) -> Option<serde_json::Value> {
        let after = self.step(before, action)?;
        Some(requests::request(before, action, &after)?.written())
    }

    fn objects_at_start(&self) -> Vec<crate::request::Request> {
        requests::at_start(&self.initial())
    }
}

impl Family for DeploymentSlice {
    const SCENARIOS: &'static [&'static str] = &["deployment"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let (crashes, lost) = (size.times(1), size.times(1));
        let budgets = Budgets { rollouts: 3, strangers: 1, crashes, lost };
        Ok(DeploymentSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

packed!(struct State { store, request, budgets });
packed!(
    enum Request {
        None,
        Create { read, replicas },
        Scale { name, read, replicas },
        CountCollision { read },
    }
);
packed!(struct Budgets { rollouts, strangers, crashes, lost });
