//! The Endpoints controller: the addresses of the Pods that serve a Service.
//!
//! Left out: ports, addresses that are not ready, EndpointSlices, clients that write Endpoints, the
//! queue between a Pod's event and its Service; an answer that is lost after its commit and a request
//! that arrives after its sender has crashed, which only the resync of Services repairs; an informer
//! that is more than three events behind.

mod claims;
mod mutations;
mod objects;
mod requests;
mod steps;
mod words;

pub use mutations::Mutation;
pub use objects::{Addresses, Event, Objects, PODS, Pod, Stage};

use crate::cause::Cause;
use crate::history::History;
use crate::slice::{Family, Fault, Outcome, Size, Slice};
use crate::{claims_and_words, packed};
use serde::Serialize;

/// The watcher of Services.
pub const SERVICE_INFORMER: usize = 0;
/// The watcher of Pods.
pub const POD_INFORMER: usize = 1;
/// The watcher of Endpoints.
pub const ENDPOINTS_INFORMER: usize = 2;
/// How many events an informer is behind at most.
pub const LAG: usize = 3;

/// The scenario `endpoints`.
#[derive(Clone, Debug)]
pub struct EndpointsSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The API server's objects, and how far the controller has read.
    pub store: History<Objects, 3, 6>,
    /// Whether the Service is in the controller's queue.
    pub queued: bool,
    /// Whether the cache still shows the Endpoints that the controller has replaced. Upstream's
    /// tracker keeps their resourceVersion, which no later Endpoints have.
    pub stale: bool,
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
    /// New Endpoints.
    Create(Addresses),
    /// Endpoints in place of those that the cache showed.
    Update {
        /// The addresses.
        addresses: Addresses,
        /// Whether the cache showed Endpoints that had been replaced, so that the resourceVersion
        /// is an old one.
        outdated: bool,
    },
    /// The end of the Endpoints.
    Delete,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A Pod stops being Ready, or a client creates, deletes or relabels one.
    pub pods: u8,
    /// A client deletes the Service or creates it again.
    pub services: u8,
    /// The controller crashes, or a request of it is lost.
    pub faults: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverService,
    DeliverPod,
    DeliverEndpoints,
    SyncService,
    Commit,
    BecomeReady { pod: u8 },
    RemovePod { pod: u8 },
    BecomeUnready { pod: u8 },
    CreatePod { pod: u8 },
    DeletePod { pod: u8 },
    RelabelPod { pod: u8 },
    DeleteService,
    CreateService,
    LoseRequest,
    Crash,
}

impl Slice for EndpointsSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let pod = Some(Pod { labelled: true, stage: Stage::Ready });
        let objects = Objects { service: true, pods: [pod; PODS], endpoints: None };
        State {
            store: History::listed(objects),
            queued: true,
            stale: false,
            request: Request::None,
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let of = |pod| {
            let kubelet = [BecomeReady { pod }, RemovePod { pod }, BecomeUnready { pod }];
            let clients = [CreatePod { pod }, DeletePod { pod }, RelabelPod { pod }];
            kubelet.into_iter().chain(clients)
        };
        let controller = [DeliverService, DeliverPod, DeliverEndpoints, SyncService, Commit];
        let others = [DeleteService, CreateService, LoseRequest, Crash];
        (0..PODS as u8).flat_map(of).chain(controller).chain(others).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverService
            | Action::DeliverPod
            | Action::DeliverEndpoints
            | Action::SyncService
            | Action::Commit
            | Action::BecomeReady { .. }
            | Action::RemovePod { .. } => Cause::Duty,
            Action::BecomeUnready { .. }
            | Action::CreatePod { .. }
            | Action::DeletePod { .. }
            | Action::RelabelPod { .. }
            | Action::DeleteService
            | Action::CreateService => Cause::Choice,
            Action::LoseRequest => Cause::Fault(Fault::LostRequest),
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, matches!(action, Action::Commit))
    }

    fn request(&self, before: &State, action: Action) -> Option<serde_json::Value> {
        let after = self.step(before, action)?;
        Some(requests::request(before, action, &after)?.written())
    }

    fn objects_at_start(&self) -> Vec<crate::request::Request> {
        requests::at_start(&self.initial())
    }
}

impl Family for EndpointsSlice {
    const SCENARIOS: &'static [&'static str] = &["endpoints"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { pods: 2, services: 2, faults: size.times(1) };
        Ok(EndpointsSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

packed!(struct State { store, queued, stale, request, budgets });
packed!(enum Request { None, Create(addresses), Update { addresses, outdated }, Delete });
packed!(struct Budgets { pods, services, faults });
