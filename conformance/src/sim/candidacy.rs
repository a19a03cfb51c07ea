//! A controller manager that stands for election, as `host::election` has it, but one step at a time: it has
//! controllers while it leads, and only then.

use api::{Request, Timestamp};
use client::Outcome;
use client::event::Recorder;
use client::leader_election::{Candidate, Elector, Step};

use crate::sim::cast::Cast;

/// The Lease for which they stand.
const LEASE: &str = "kube-controller-manager";

/// What one of several controller managers knows of the election.
#[derive(Clone, Debug)]
pub(crate) struct Candidacy {
    /// Which controllers it has while it leads.
    pub(crate) cast: Cast,
    /// How often it has begun to lead. What comes of requests of an earlier term concerns nobody.
    pub(crate) term: u64,
    elector: Elector,
    recorder: Recorder,
    has_controllers: bool,
    is_waiting: bool,
    next: Timestamp,
}

/// What a candidate does next.
pub(crate) enum Move {
    /// It begins to lead.
    Begin,
    /// It leads no longer.
    End,
    /// It asks for this.
    Ask(Box<Request>),
    /// Nothing, for a while.
    Rest,
}

impl Candidacy {
    /// One that knows nothing yet. Each life of a component stands under a name of its own.
    pub(crate) fn new(cast: &Cast, actor: &str, incarnation: u64) -> Self {
        let candidate = Candidate::new(LEASE, &format!("{actor}_{incarnation}"));
        Self {
            cast: cast.clone(),
            term: 0,
            elector: Elector::new(candidate),
            recorder: Recorder::new(LEASE, ""),
            has_controllers: false,
            is_waiting: false,
            next: Timestamp::MIN,
        }
    }

    /// Whether its controllers may act.
    pub(crate) fn leads(&self, now: Timestamp) -> bool {
        self.elector.leads(now)
    }

    /// Whether it would do something now.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.leads(now) != self.has_controllers || (!self.is_waiting && self.next <= now)
    }

    /// When something becomes due by itself.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let end = self.elector.leads_until().filter(|_| self.has_controllers);
        let next = Some(self.next).filter(|_| !self.is_waiting);
        end.into_iter().chain(next).min()
    }

    /// Does it.
    pub(crate) fn act(&mut self, now: Timestamp) -> Move {
        if self.leads(now) != self.has_controllers {
            self.has_controllers = !self.has_controllers;
            self.term += u64::from(self.has_controllers);
            return if self.has_controllers { Move::Begin } else { Move::End };
        }
        match self.elector.next(now) {
            Step::Ask(request) => {
                self.is_waiting = true;
                Move::Ask(request)
            }
            Step::Wait(next) => {
                self.next = next;
                Move::Rest
            }
        }
    }

    /// Hears what came of the request that it has sent.
    pub(crate) fn answered(&mut self, outcome: &Outcome, now: Timestamp) {
        self.is_waiting = false;
        self.next = now;
        self.elector.answered(outcome, now);
    }

    /// The Event that says what it has begun or ceased to do.
    pub(crate) fn event(&mut self, what: &str, now: Timestamp) -> Option<Request> {
        self.elector.event(&mut self.recorder, what, now)
    }
}
