//! Replicas of a component that stand for election, in every order of what happens to them.
//!
//! Each is the real [`Elector`](client::leader_election::Elector), all ask the real API server on one store. What
//! they send travels, is performed, is answered; requests and answers are lost, a request that its sender has given
//! up arrives after all, a replica crashes, a clock runs ahead of the others, and all this takes time. Then nothing
//! fails any more and answers take no time, until time ends. Left out: the Events that tell who leads.
//!
//! The claims are those of `specs/leader-election.md`. States are told apart by a hash of 64 bits of what the replicas
//! know, what travels and the Lease.

mod action;
mod replica;
mod server;
mod state;

use stateright::{Checker, Expectation, HasDiscoveries, Model, Property};

pub use self::action::Action;
use self::replica::LEASE_SECONDS;
pub use self::state::State;

/// How long it is calm before time ends: a Lease falls silent, and is taken.
const CALM_SECONDS: i64 = LEASE_SECONDS + 3;

/// A fault of the implementation, planted to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElectionFault {
    /// None: the implementation as it is.
    Nothing,
    /// Who could not renew the Lease acts on until it reads that another holds it (k#23731).
    NobodyIsTold,
    /// The revision that an update names is not compared (k#67651).
    ConcurrentTakeover,
    /// A Lease is never silent for long enough.
    SilentLeaseStays,
}

impl ElectionFault {
    /// Every fault.
    pub const ALL: [Self; 3] =
        [Self::NobodyIsTold, Self::ConcurrentTakeover, Self::SilentLeaseStays];

    /// Its name in `docs/planted-faults.md`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::NobodyIsTold => "election-tells-nobody",
            Self::ConcurrentTakeover => "election-ignores-resource-version",
            Self::SilentLeaseStays => "election-leaves-silent-leases",
        }
    }
}

/// An election among so many replicas.
#[derive(Clone, Debug)]
pub struct Election {
    /// How many stand.
    pub replicas: usize,
    /// What may fail.
    pub budgets: Budgets,
    /// For how long something may fail.
    pub stormy_seconds: i64,
    /// The fault of the implementation.
    pub fault: ElectionFault,
}

/// What may still fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A request is lost, or its answer is, or its sender waits no longer.
    pub losses: u8,
    /// A replica crashes, and starts again under another name.
    pub crashes: u8,
    /// A clock runs ahead by so much, once. The claims ask for less than `leaseDuration` is longer than
    /// `renewDeadline`.
    pub skew_seconds: u8,
    /// A second passes while somebody waits for an answer.
    pub slow_seconds: u8,
}

/// What came of all orders.
#[derive(Clone, Debug)]
pub struct Held {
    /// How many states there are.
    pub states: usize,
    /// The claims that do not hold, each with what happened.
    pub broken: Vec<(&'static str, String)>,
}

impl Election {
    /// Tries every order.
    pub fn check(self) -> Held {
        let checker = self.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
        let broken = checker.model().properties().into_iter().filter_map(|property| {
            let found = checker.discovery(property.name).map(|path| told(path.into_actions()));
            let why = match property.expectation {
                Expectation::Sometimes if found.is_some() => None,
                Expectation::Sometimes => Some("it never happens".to_owned()),
                Expectation::Always | Expectation::Eventually => found,
            };
            Some((property.name, why?))
        });
        Held { broken: broken.collect(), states: checker.unique_state_count() }
    }

    /// When time ends.
    fn end(&self) -> i64 {
        self.stormy_seconds + CALM_SECONDS
    }
}

fn told(actions: Vec<Action>) -> String {
    let lines: Vec<String> = actions.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

impl Model for Election {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(self)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        state.choices(self, actions);
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        last.after(action, self.fault)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut claims = vec![
            Property::always("ELECTION-1", |_, state: &State| state.leaders() <= 1),
            Property::always("ELECTION-2", |_, state: &State| !state.was_taken_early()),
            Property::always("ELECTION-4", |election: &Self, state: &State| {
                !state.is_last(election) || state.leaders() == 1
            }),
        ];
        // A Lease falls silent while a renewal is on its way.
        if i64::from(self.budgets.slow_seconds) >= LEASE_SECONDS - 1 {
            claims.push(Property::sometimes("ELECTION-3", State::has_changed_hands));
        }
        claims
    }
}
