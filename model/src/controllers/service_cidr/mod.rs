//! The ServiceCIDR controller and who allocates addresses: one range, and one address of it.
//!
//! Left out: ranges that overlap; that a range is ready is that it has its finalizer; informers that are more than three events behind. The grace
//! period before a range goes is long enough for every API server to hear of the deletion.

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

/// The controller's watcher of ServiceCIDRs.
pub const CIDR_INFORMER: usize = 0;
/// The controller's watcher of IPAddresses.
pub const ADDRESS_INFORMER: usize = 1;
/// The watcher of ServiceCIDRs of an API server, which allocates.
pub const ALLOCATOR: usize = 2;
/// How many events an informer is behind at most.
pub const LAG: usize = 3;

/// The scenario `service-cidr`.
#[derive(Clone, Debug)]
pub struct ServiceCidrSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The API server's objects, and how far others have read.
    pub store: History<Objects, 3, 5>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The ServiceCIDR.
    pub cidr: Option<ServiceCidr>,
    /// Whether there is an IPAddress of it.
    pub address: bool,
}

/// A ServiceCIDR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServiceCidr {
    /// Whether it has the finalizer `networking.k8s.io/service-cidr-finalizer`.
    pub protected: bool,
    /// Whether it has a deletionTimestamp.
    pub deleting: bool,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of the range.
    Cidr(Option<ServiceCidr>),
    /// Of the address.
    Address(bool),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A Service gets an address.
    pub addresses: u8,
    /// A client creates the range.
    pub cidrs: u8,
    /// The controller crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverCidr,
    DeliverAddress,
    DeliverToAllocator,
    Protect,
    LetGo,
    Allocate,
    Release,
    CreateCidr,
    DeleteCidr,
    Crash,
}

impl Slice for ServiceCidrSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let objects = Objects { cidr: None, address: false };
        State { store: History::listed(objects), budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        vec![
            DeliverCidr,
            DeliverAddress,
            DeliverToAllocator,
            Protect,
            LetGo,
            Allocate,
            Release,
            CreateCidr,
            DeleteCidr,
            Crash,
        ]
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverCidr
            | Action::DeliverAddress
            | Action::DeliverToAllocator
            | Action::Protect
            | Action::LetGo => Cause::Duty,
            Action::Allocate | Action::Release | Action::CreateCidr | Action::DeleteCidr => {
                Cause::Choice
            }
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    fn claims(&self) -> Vec<Claim<Self>> {
        claims::all()
    }

    fn describe(&self, _: &State, action: Action, after: &State) -> String {
        words::describe(action, after)
    }

    fn actor(&self, action: Action) -> String {
        words::actor(action).to_owned()
    }

    fn lanes(&self, state: &State) -> Vec<Lane> {
        words::lanes(state)
    }

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        let is_request = matches!(action, Action::Protect | Action::LetGo | Action::Allocate);
        after.store.outcome(&before.store, is_request)
    }
}

impl Family for ServiceCidrSlice {
    const SCENARIOS: &'static [&'static str] = &["service-cidr"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { addresses: 2, cidrs: 2, crashes: size.times(1) };
        Ok(ServiceCidrSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Cidr(cidr) => self.cidr = cidr,
            Event::Address(address) => self.address = address,
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        matches!(event, Event::Address(_)) == (watcher == ADDRESS_INFORMER)
    }
}

packed!(struct State { store, budgets });
packed!(struct Objects { cidr, address });
packed!(struct ServiceCidr { protected, deleting });
packed!(
    enum Event {
        Cidr(cidr),
        Address(address),
    }
);
packed!(struct Budgets { addresses, cidrs, crashes });
