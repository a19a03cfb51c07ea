//! A replica that stands: what it knows, what its clock shows, what it waits for.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use api::{Key, Request, Timestamp};
use client::Outcome;
use client::leader_election::{Candidate, Elector, Step};

use super::ElectionFault;
use crate::exhaustive::revisions;

/// How long a Lease must be silent before another replica takes it.
pub(super) const LEASE_SECONDS: i64 = 4;
/// How long the leader acts without having renewed.
const RENEW_SECONDS: u64 = 2;
/// How long a Lease lasts that is never taken.
const FOR_EVER_SECONDS: u64 = 3600;

/// The Lease that all stand for.
pub(super) fn lease() -> Key {
    Key::new("kube-system", "kube-controller-manager")
}

/// A replica.
#[derive(Clone, Debug)]
pub(super) struct Replica {
    number: usize,
    fault: ElectionFault,
    elector: Elector,
    /// What its clock shows, in seconds.
    clock: i64,
    incarnation: u64,
    waits: Option<Waits>,
    /// What its clock showed when the Lease changed last.
    pub(super) saw_change: i64,
    /// What it knows and waits for, as text.
    said: String,
}

/// What has become of a request.
#[derive(Clone, Debug)]
struct Waits {
    request: Request,
    sent: i64,
    outcome: Option<Outcome>,
    /// It may hear the answer now; if not, after time has passed.
    hears: bool,
}

impl Replica {
    pub(super) fn new(number: usize, fault: ElectionFault) -> Self {
        let elector = elector(number, 0, fault);
        let mut replica = Self {
            number,
            fault,
            elector,
            clock: 0,
            incarnation: 0,
            waits: None,
            saw_change: 0,
            said: String::new(),
        };
        replica.ask();
        replica
    }

    /// Whether it acts as the leader.
    pub(super) fn acts(&self) -> bool {
        match self.fault {
            ElectionFault::NobodyIsTold => self.elector.leads_until().is_some(),
            ElectionFault::Nothing
            | ElectionFault::ConcurrentTakeover
            | ElectionFault::SilentLeaseStays => self.elector.leads(self.now()),
        }
    }

    /// Whether its request is on its way.
    pub(super) fn travels(&self) -> bool {
        self.waits.as_ref().is_some_and(|waits| waits.outcome.is_none())
    }

    /// Whether an answer is on its way to it.
    pub(super) fn is_answered(&self) -> bool {
        self.waits.as_ref().is_some_and(|waits| waits.outcome.is_some())
    }

    /// Whether it can hear an answer now.
    pub(super) fn hears(&self) -> bool {
        self.waits.as_ref().is_some_and(|waits| waits.hears)
    }

    /// If it has not heard an answer, it hears it when time has passed.
    pub(super) fn put_off(&mut self) {
        if let Some(waits) = self.waits.as_mut().filter(|waits| waits.hears) {
            waits.hears = false;
            self.say();
        }
    }

    /// Its clock goes on.
    pub(super) fn tick(&mut self, seconds: i64) {
        self.clock += seconds;
        if let Some(waits) = &mut self.waits {
            waits.hears = waits.outcome.is_some();
        }
        self.ask();
    }

    /// The request that is on its way, and what its clock showed when it was sent.
    pub(super) fn arrived(&self) -> Option<(Request, i64)> {
        let waits = self.waits.as_ref().filter(|waits| waits.outcome.is_none())?;
        Some((waits.request.clone(), waits.sent))
    }

    /// An answer is on its way.
    pub(super) fn answer(&mut self, outcome: Outcome) {
        if let Some(waits) = &mut self.waits {
            waits.outcome = Some(outcome);
            waits.hears = true;
        }
        self.say();
    }

    /// It hears the answer.
    pub(super) fn hear(&mut self) {
        if let Some(outcome) = self.waits.take().and_then(|waits| waits.outcome) {
            self.elector.answered(&outcome, self.now());
        }
        self.ask();
    }

    /// It starts again under another name; what was on its way is on its way still.
    pub(super) fn crash(&mut self) -> Option<(Request, i64)> {
        let travelling = self.arrived();
        self.incarnation += 1;
        self.elector = elector(self.number, self.incarnation, self.fault);
        self.waits = None;
        self.ask();
        travelling
    }

    /// The Lease has changed.
    pub(super) fn see_change(&mut self) {
        self.saw_change = self.clock;
        self.say();
    }

    /// The hash of all this. Of a revision it matters whether it is the Lease's, and nothing else.
    pub(super) fn digest(&self, current: u64) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.clock, self.saw_change, self.incarnation).hash(&mut hasher);
        revisions::replace(&self.said, |one| (one == current).to_string()).hash(&mut hasher);
        hasher.finish()
    }

    fn say(&mut self) {
        self.said = format!("{:?} {:?}", self.elector, self.waits);
    }

    fn ask(&mut self) {
        if self.waits.is_none()
            && let Step::Ask(request) = self.elector.next(self.now())
        {
            let sent = self.clock;
            self.waits = Some(Waits { request: *request, sent, outcome: None, hears: false });
        }
        self.say();
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.clock).unwrap_or(Timestamp::MAX)
    }
}

fn elector(number: usize, incarnation: u64, fault: ElectionFault) -> Elector {
    let lease_seconds = match fault {
        ElectionFault::SilentLeaseStays => FOR_EVER_SECONDS,
        ElectionFault::Nothing
        | ElectionFault::NobodyIsTold
        | ElectionFault::ConcurrentTakeover => LEASE_SECONDS.unsigned_abs(),
    };
    Elector::new(Candidate {
        lease: lease(),
        identity: format!("replica-{number}_{incarnation}"),
        lease_duration: Duration::from_secs(lease_seconds),
        renew_deadline: Duration::from_secs(RENEW_SECONDS),
        retry_period: Duration::from_secs(1),
    })
}
