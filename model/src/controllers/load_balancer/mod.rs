//! The service load balancer controller: a Service of the type LoadBalancer says where it is reached.
//!
//! One Service, whose type and class change, and Nodes whose addresses change. Left out: ports and families; the
//! balancer itself. Informers that are more than three events behind.

mod claims;
mod mutations;
mod steps;
mod words;

pub use mutations::Mutation;

use crate::cause::Cause;
use crate::history::{self, History};
use crate::slice::{Family, Fault, Outcome, Size, Slice};
use crate::{claims_and_words, packed};
use serde::Serialize;

/// The watcher of the Service.
pub const SERVICE_INFORMER: usize = 0;
/// The watcher of Nodes.
pub const NODE_INFORMER: usize = 1;
/// How many events the informers are behind at most.
pub const LAG: usize = 3;

/// The scenario `load-balancer`.
#[derive(Clone, Debug)]
pub struct LoadBalancerSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The API server's objects, and how far the controller has read.
    pub store: History<Objects, 2, 5>,
    /// For which addresses the controller has made a balancer.
    pub made: Option<u8>,
    /// What the controller asks for.
    pub asked: Option<Write>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The Service.
    pub service: Option<Service>,
    /// The addresses of the Nodes, of which one number stands for all.
    pub addresses: u8,
}

/// The Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Service {
    /// Whose it is, by `spec.type` and `spec.loadBalancerClass`.
    pub kind: Kind,
    /// Whether it has the finalizer of the controller.
    pub finalizer: bool,
    /// The addresses in `status.loadBalancer`.
    pub ingress: Option<u8>,
    /// Whether it is being deleted.
    pub deleted: bool,
}

/// Who makes the balancer of a Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Nobody: it is of the type ClusterIP.
    Plain,
    /// The controller.
    Balanced,
}

/// A write of the Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// It gets the finalizer.
    AddFinalizer,
    /// It says these addresses.
    SetIngress(u8),
    /// It says no address.
    ClearIngress,
    /// It loses the finalizer.
    RemoveFinalizer,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of the Service.
    Service(Option<Service>),
    /// Of the Nodes.
    Nodes(u8),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client creates the Service.
    pub services: u8,
    /// A client edits its type.
    pub edits: u8,
    /// The addresses of Nodes change.
    pub moves: u8,
    /// The controller crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverService,
    DeliverNode,
    Sync,
    CommitWrite,
    CreateService,
    EditType,
    DeleteService,
    MoveNodes,
    Crash,
}

impl Slice for LoadBalancerSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let objects = Objects { service: None, addresses: 0 };
        State { store: History::listed(objects), made: None, asked: None, budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let mut candidates = vec![DeliverService, DeliverNode, Sync, CommitWrite, CreateService];
        candidates.extend([EditType, DeleteService, MoveNodes, Crash]);
        candidates
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverService | Action::DeliverNode | Action::Sync | Action::CommitWrite => {
                Cause::Duty
            }
            Action::CreateService
            | Action::EditType
            | Action::DeleteService
            | Action::MoveNodes => Cause::Choice,
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, matches!(action, Action::CommitWrite))
    }
}

impl Family for LoadBalancerSlice {
    const SCENARIOS: &'static [&'static str] = &["load-balancer"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { services: 2, edits: 2, moves: 1, crashes: size.times(1) };
        Ok(LoadBalancerSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Service(service) => self.service = service,
            Event::Nodes(addresses) => self.addresses = addresses,
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        match event {
            Event::Service(_) => watcher == SERVICE_INFORMER,
            Event::Nodes(_) => watcher == NODE_INFORMER,
        }
    }
}

packed!(struct State { store, made, asked, budgets });
packed!(struct Objects { service, addresses });
packed!(struct Service { kind, finalizer, ingress, deleted });
packed!(
    enum Kind {
        Plain,
        Balanced,
    }
);
packed!(
    enum Write {
        AddFinalizer,
        SetIngress(addresses),
        ClearIngress,
        RemoveFinalizer,
    }
);
packed!(
    enum Event {
        Service(service),
        Nodes(addresses),
    }
);
packed!(struct Budgets { services, edits, moves, crashes });
