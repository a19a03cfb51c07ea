//! How an election stands.

use std::hash::{DefaultHasher, Hash, Hasher};

use api::object::text;
use api::{Request, resources};
use apiserver::{keys, object};
use client::Outcome;
use store::Store;

use super::replica::{LEASE_SECONDS, Replica, lease};
use super::server::perform;
use super::{Action, Budgets, Election, ElectionFault};
use crate::exhaustive::revisions;
use crate::sim::{user, wire};

/// A state of the election.
#[derive(Clone, Debug)]
pub struct State {
    store: Store,
    lease: Lease,
    replicas: Vec<Replica>,
    /// Requests that nobody waits for any more: from whom, and what his clock showed when he sent it.
    late: Vec<Late>,
    budgets: Budgets,
    seconds: i64,
    /// Nothing has happened in this second.
    is_new_second: bool,
    /// Somebody has taken a Lease that was not silent for long enough by his clock.
    was_taken_early: bool,
    digest: u64,
}

/// What a Lease says.
#[derive(Clone, Debug, Default)]
struct Lease {
    holder: String,
    /// How often it has passed from one holder to another.
    transitions: u64,
    revision: u64,
    digest: u64,
}

#[derive(Clone, Debug)]
struct Late {
    replica: usize,
    request: Request,
    sent: i64,
}

impl State {
    /// Nobody has asked for anything.
    pub(super) fn new(election: &Election) -> Self {
        let mut store = Store::default();
        for request in user::bootstrap() {
            drop(perform(&mut store, ("kube-apiserver", request), ElectionFault::Nothing));
        }
        let replicas = (0..election.replicas).map(|number| Replica::new(number, election.fault));
        let state = Self {
            store,
            lease: Lease::default(),
            replicas: replicas.collect(),
            late: vec![],
            budgets: election.budgets,
            seconds: 0,
            is_new_second: true,
            was_taken_early: false,
            digest: 0,
        };
        state.digested()
    }

    /// What can happen next.
    pub(super) fn choices(&self, election: &Election, actions: &mut Vec<Action>) {
        if self.seconds >= election.stormy_seconds {
            return actions.extend(self.next_when_calm(election.end()));
        }
        let Budgets { losses, crashes, skew_seconds, slow_seconds } = self.budgets;
        for (number, replica) in self.replicas.iter().enumerate() {
            let (travels, hears) = (replica.travels(), replica.hears());
            actions.extend(travels.then_some(Action::Arrive(number)));
            actions.extend(hears.then_some(Action::Hear(number)));
            if losses > 0 {
                actions.extend(travels.then_some(Action::LoseRequest(number)));
                actions.extend(hears.then_some(Action::LoseAnswer(number)));
                actions.extend(travels.then_some(Action::GiveUp(number)));
            }
            // What a replica does by itself in a second, it may as well do when the second begins.
            let crashes = self.is_new_second && crashes > 0;
            actions.extend(crashes.then_some(Action::Crash(number)));
        }
        actions.extend((!self.late.is_empty()).then_some(Action::ArriveLate));
        if slow_seconds > 0 || self.is_quiet() {
            actions.push(Action::Tick);
            let all = (0..election.replicas).filter(|_| skew_seconds > 0);
            actions.extend(all.map(Action::RunAhead));
        }
    }

    /// What it is like when this has happened.
    pub(super) fn after(&self, action: Action, fault: ElectionFault) -> Option<Self> {
        let mut next = Self { is_new_second: false, ..self.clone() };
        match action {
            Action::Tick => next.tick(None),
            Action::RunAhead(number) => {
                let skew_seconds = std::mem::take(&mut next.budgets.skew_seconds);
                next.tick(Some((number, skew_seconds.into())));
            }
            Action::Arrive(number) => {
                let (request, sent) = next.replicas[number].arrived()?;
                let outcome = next.perform((number, request, sent), fault);
                next.replicas.iter_mut().for_each(Replica::put_off);
                next.replicas[number].answer(outcome);
            }
            Action::Hear(number) => next.replicas[number].hear(),
            Action::LoseRequest(number) | Action::LoseAnswer(number) => {
                next.budgets.losses -= 1;
                next.replicas[number].answer(wire::no_answer());
                next.replicas[number].hear();
            }
            Action::GiveUp(number) => {
                next.budgets.losses -= 1;
                let (request, sent) = next.replicas[number].arrived()?;
                next.late.push(Late { replica: number, request, sent });
                next.replicas[number].answer(wire::no_answer());
                next.replicas[number].hear();
            }
            Action::ArriveLate => {
                let Late { replica, request, sent } = next.late.pop()?;
                drop(next.perform((replica, request, sent), fault));
            }
            Action::Crash(number) => {
                next.budgets.crashes -= 1;
                let travelling = next.replicas[number].crash();
                let late =
                    travelling.map(|(request, sent)| Late { replica: number, request, sent });
                next.late.extend(late);
            }
        }
        Some(next.digested())
    }

    /// Whether time has ended.
    pub(super) fn is_last(&self, election: &Election) -> bool {
        self.seconds >= election.end() && self.is_quiet()
    }

    /// Whether somebody has taken a Lease too early.
    pub(super) fn was_taken_early(&self) -> bool {
        self.was_taken_early
    }

    /// Whether the Lease has passed from one holder to another, and nothing has failed.
    pub(super) fn has_changed_hands(election: &Election, state: &Self) -> bool {
        let slow_seconds = state.budgets.slow_seconds;
        let nothing_failed = Budgets { slow_seconds, ..election.budgets };
        state.budgets == nothing_failed && state.lease.transitions > 0
    }

    /// A second passes, and so many more by the clock of one that runs ahead.
    fn tick(&mut self, ahead: Option<(usize, i64)>) {
        self.budgets.slow_seconds -= u8::from(!self.is_quiet());
        self.seconds += 1;
        self.is_new_second = true;
        for (number, replica) in self.replicas.iter_mut().enumerate() {
            let more = ahead.filter(|(one, _)| *one == number).map_or(0, |(_, seconds)| seconds);
            replica.tick(1 + more);
        }
    }

    /// How many act as the leader.
    pub(super) fn leaders(&self) -> usize {
        self.replicas.iter().filter(|replica| replica.acts()).count()
    }

    /// One thing after the other, without delay.
    fn next_when_calm(&self, end: i64) -> Option<Action> {
        let late = (!self.late.is_empty()).then_some(Action::ArriveLate);
        let numbered = || self.replicas.iter().enumerate();
        let answered = numbered().find(|(_, replica)| replica.is_answered());
        let travels = numbered().find(|(_, replica)| replica.travels());
        late.or(answered.map(|(number, _)| Action::Hear(number)))
            .or(travels.map(|(number, _)| Action::Arrive(number)))
            .or((self.seconds < end).then_some(Action::Tick))
    }

    fn is_quiet(&self) -> bool {
        !self.replicas.iter().any(|replica| replica.travels() || replica.is_answered())
    }

    /// The API server performs what a replica has sent when its clock showed this.
    fn perform(
        &mut self,
        (number, request, sent): (usize, Request, i64),
        fault: ElectionFault,
    ) -> Outcome {
        let revision = self.store.revision();
        let actor = format!("kube-controller-manager-{number}");
        let outcome = perform(&mut self.store, (&actor, request), fault);
        if self.store.revision() == revision {
            return outcome;
        }
        let lease = Lease::of(&self.store);
        let before = std::mem::replace(&mut self.lease, lease).holder;
        let silent = sent - self.replicas[number].saw_change;
        let is_takeover = !before.is_empty() && self.lease.holder != before;
        self.was_taken_early |= is_takeover && silent < LEASE_SECONDS;
        self.replicas.iter_mut().for_each(Replica::see_change);
        outcome
    }

    /// The same, with the hash of what the rest follows from.
    fn digested(mut self) -> Self {
        let mut hasher = DefaultHasher::new();
        for replica in &self.replicas {
            replica.digest(self.lease.revision).hash(&mut hasher);
        }
        for late in &self.late {
            let is_current = |one| (one == self.lease.revision).to_string();
            let request = revisions::replace(&format!("{:?}", late.request), is_current);
            (late.replica, late.sent, request).hash(&mut hasher);
        }
        let crashes = self.is_new_second && self.budgets.crashes > 0;
        (self.lease.digest, self.budgets, self.seconds).hash(&mut hasher);
        (crashes, self.was_taken_early).hash(&mut hasher);
        self.digest = hasher.finish();
        self
    }
}

impl Lease {
    fn of(store: &Store) -> Self {
        let key = lease();
        let key = keys::key(&resources::LEASES, key.namespace(), &key.name);
        let Some(found) = store.get(&key) else { return Self::default() };
        let lease = object::decode(found);
        let mut hasher = DefaultHasher::new();
        lease["spec"].to_string().hash(&mut hasher);
        Self {
            holder: text(&lease, &["spec", "holderIdentity"]).to_owned(),
            transitions: lease["spec"]["leaseTransitions"].as_u64().unwrap_or(0),
            revision: found.mod_revision.0,
            digest: hasher.finish(),
        }
    }
}

impl Hash for State {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.digest.hash(hasher);
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}
