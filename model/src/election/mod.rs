//! Leader election: two candidates, one Lease, clocks that differ.
//!
//! A candidate reads the Lease, decides by its own clock, and writes with the resourceVersion that
//! it read. Left out: the object behind the Lease, how often it changed hands, jitter.

mod claims;
mod mutations;
mod requests;
mod steps;

pub use mutations::Mutation;

use crate::cause::Cause;
use crate::packed;
use crate::slice::{Claim, Family, Fault, Lane, Outcome, Size, Slice};
use serde::Serialize;

/// How many candidates there are.
pub const CANDIDATES: usize = 2;

/// The scenario `election`.
#[derive(Clone, Debug)]
pub struct ElectionSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The Lease in the store.
    pub lease: Lease,
    /// The candidates.
    pub candidates: [Candidate; CANDIDATES],
    /// What may still happen.
    pub budgets: Budgets,
}

/// The Lease object. Its holder is a candidate, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// `spec.holderIdentity`.
    pub holder: Option<u8>,
    /// Whether it has passed from one holder to another: `spec.leaseTransitions` is not zero.
    pub changed_hands: bool,
    /// Whether a candidate has written it since this one read it: their resourceVersion is old.
    pub changed_since_read: [bool; CANDIDATES],
}

/// A candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// Whether it acts as the leader.
    pub leads: bool,
    /// Whether its loop that renews runs; it ends when `renewDeadline` has passed.
    pub renewing: bool,
    /// How long ago it has renewed, by its own clock, in quarters of `leaseDurationSeconds`.
    pub since_renewal: u8,
    /// How long ago it has seen the Lease change, by its own clock, in the same unit.
    pub since_observed: u8,
    /// What it has read and not written yet.
    pub attempt: Attempt,
}

/// An update of the Lease that a candidate has decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attempt {
    /// None.
    None,
    /// It renews the Lease that it holds.
    Renew,
    /// It takes the Lease, which nobody holds or whose holder is silent.
    Take,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A candidate's clock runs ahead of the other's by one unit.
    pub skews: u8,
    /// An update is lost on its way.
    pub lost_requests: u8,
    /// A candidate crashes and starts again.
    pub crashes: u8,
}

/// A step of the election.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    Observe { candidate: u8 },
    Decide { candidate: u8 },
    Commit { candidate: u8 },
    GiveUp { candidate: u8 },
    Tick,
    RunAhead { candidate: u8 },
    LoseUpdate { candidate: u8 },
    Crash { candidate: u8 },
}

impl Slice for ElectionSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let candidate = Candidate::STARTED;
        State {
            lease: Lease {
                holder: None,
                changed_hands: false,
                changed_since_read: [true; CANDIDATES],
            },
            candidates: [candidate; CANDIDATES],
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        let of = |candidate| {
            [
                Action::Observe { candidate },
                Action::Decide { candidate },
                Action::Commit { candidate },
                Action::GiveUp { candidate },
                Action::RunAhead { candidate },
                Action::LoseUpdate { candidate },
                Action::Crash { candidate },
            ]
        };
        (0..CANDIDATES as u8).flat_map(of).chain([Action::Tick]).collect()
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        Mutation::step(self.mutation, state, action)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::Observe { .. }
            | Action::Decide { .. }
            | Action::Commit { .. }
            | Action::GiveUp { .. }
            | Action::Tick => Cause::Duty,
            Action::RunAhead { .. } => Cause::Fault(Fault::ClockSkew),
            Action::LoseUpdate { .. } => Cause::Fault(Fault::LostRequest),
            Action::Crash { .. } => Cause::Fault(Fault::Crash),
        }
    }

    fn claims(&self) -> Vec<Claim<Self>> {
        claims::all()
    }

    fn describe(&self, before: &State, action: Action, after: &State) -> String {
        match action {
            Action::Observe { candidate } => format!("candidate-{candidate} reads the Lease"),
            Action::Decide { candidate } => {
                match after.candidates[usize::from(candidate)].attempt {
                    Attempt::Take => format!("candidate-{candidate} decides to take the Lease"),
                    Attempt::Renew | Attempt::None => {
                        format!("candidate-{candidate} decides to renew the Lease")
                    }
                }
            }
            Action::Commit { candidate } if before.refuses(candidate, after) => {
                format!("the API server refuses the update of candidate-{candidate} (Conflict)")
            }
            Action::Commit { candidate } => {
                format!("the API server writes the Lease for candidate-{candidate}")
            }
            Action::GiveUp { candidate } => {
                format!("candidate-{candidate} gives up: renewDeadline has passed")
            }
            Action::Tick => "time passes".to_owned(),
            Action::RunAhead { candidate } => {
                format!("the clock of candidate-{candidate} runs ahead")
            }
            Action::LoseUpdate { candidate } => {
                format!("an update of candidate-{candidate} is lost")
            }
            Action::Crash { candidate } => {
                format!("candidate-{candidate} crashes and starts again")
            }
        }
    }

    fn actor(&self, action: Action) -> String {
        match action {
            Action::Observe { candidate }
            | Action::Decide { candidate }
            | Action::GiveUp { candidate }
            | Action::RunAhead { candidate }
            | Action::Crash { candidate } => format!("candidate-{candidate}"),
            Action::Commit { .. } | Action::LoseUpdate { .. } => "kube-apiserver".to_owned(),
            Action::Tick => "clock".to_owned(),
        }
    }

    fn lanes(&self, state: &State) -> Vec<Lane> {
        let holder = match state.lease.holder {
            Some(holder) => format!("Lease held by candidate-{holder}"),
            None => "Lease that nobody holds".to_owned(),
        };
        let store = Lane { name: "kube-apiserver".to_owned(), holds: holder, behind: None };
        let candidates = state.candidates.iter().enumerate().map(|(number, candidate)| Lane {
            name: format!("candidate-{number}"),
            holds: candidate.to_string(),
            behind: Some(usize::from(state.lease.changed_since_read[number])),
        });
        std::iter::once(store).chain(candidates).collect()
    }

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        match action {
            Action::Commit { candidate } if before.refuses(candidate, after) => Outcome::Refused,
            Action::Commit { .. } => Outcome::Committed,
            Action::Observe { .. }
            | Action::Decide { .. }
            | Action::GiveUp { .. }
            | Action::Tick
            | Action::RunAhead { .. }
            | Action::LoseUpdate { .. }
            | Action::Crash { .. } => Outcome::Done,
        }
    }

    fn request(&self, before: &State, action: Action) -> Option<serde_json::Value> {
        let after = self.step(before, action)?;
        Some(requests::request(before, action, &after)?.written())
    }

    fn objects_at_start(&self) -> Vec<crate::request::Request> {
        requests::at_start()
    }
}

impl Family for ElectionSlice {
    const SCENARIOS: &'static [&'static str] = &["election"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets =
            Budgets { skews: size.times(1), lost_requests: size.times(1), crashes: size.times(1) };
        Ok(ElectionSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl std::fmt::Display for Candidate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Candidate { leads, renewing: _, since_renewal, since_observed, attempt } = self;
        match leads {
            true => write!(formatter, "LEADS, renewed {since_renewal}/4 of a lease ago")?,
            false => write!(formatter, "follows, saw a change {since_observed}/4 of a lease ago")?,
        }
        match attempt {
            Attempt::None => Ok(()),
            Attempt::Renew => formatter.write_str(", renews"),
            Attempt::Take => formatter.write_str(", takes the Lease"),
        }
    }
}

packed!(struct State { lease, candidates, budgets });
packed!(struct Lease { holder, changed_hands, changed_since_read });
packed!(struct Candidate { leads, renewing, since_renewal, since_observed, attempt });
packed!(
    enum Attempt {
        None,
        Renew,
        Take,
    }
);
packed!(struct Budgets { skews, lost_requests, crashes });
