//! The steps of the election.

use super::{Action, Attempt, Budgets, CANDIDATES, Candidate, State};

/// `leaseDuration`: a Lease that was silent for so long may be taken.
pub(super) const LEASE_DURATION: u8 = 4;
/// `renewDeadline`: a leader that could not renew for so long gives up.
pub(super) const RENEW_DEADLINE: u8 = 2;

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::Observe { candidate } => state.observe(candidate),
            Action::Decide { candidate } => state.decide(candidate, LEASE_DURATION),
            Action::Commit { candidate } => state.commit(candidate),
            Action::GiveUp { candidate } => state.give_up(candidate),
            Action::Tick => state.tick(),
            Action::RunAhead { candidate } => state.run_ahead(candidate),
            Action::LoseUpdate { candidate } => state.lose_update(candidate),
            Action::Crash { candidate } => state.crash(candidate),
        }
    }
}

impl Candidate {
    /// It has just started.
    pub const STARTED: Self = Candidate {
        leads: false,
        renewing: false,
        since_renewal: 0,
        since_observed: 0,
        attempt: Attempt::None,
    };

    /// Its clock moves on. What is older than a lease is as old as any.
    fn older(self) -> Self {
        let since_renewal =
            if self.leads { (self.since_renewal + 1).min(LEASE_DURATION) } else { 0 };
        let since_observed = (self.since_observed + 1).min(LEASE_DURATION);
        Candidate { since_renewal, since_observed, ..self }
    }
}

impl State {
    /// A candidate reads the Lease, and notes by its own clock when it saw a change.
    pub fn observe(&self, candidate: u8) -> Option<Self> {
        let mut next = *self;
        let changed = &mut next.lease.changed_since_read[usize::from(candidate)];
        if !std::mem::take(changed) || self.candidate(candidate).attempt != Attempt::None {
            return None;
        }
        next.candidates[usize::from(candidate)].since_observed = 0;
        Some(next)
    }

    /// Of those who know the Lease as it is, the leader decides to renew, and another to take it if
    /// nobody holds it or it was silent for so long by its own clock.
    pub fn decide(&self, number: u8, silent_for: u8) -> Option<Self> {
        let candidate = self.candidate(number);
        let silent = self.lease.holder.is_none() || candidate.since_observed >= silent_for;
        let due = self.lease.holder == Some(number) && candidate.since_renewal > 0;
        let attempt = match candidate.leads {
            true if candidate.renewing && due => Attempt::Renew,
            false if silent => Attempt::Take,
            true | false => return None,
        };
        let has_read = !self.lease.changed_since_read[usize::from(number)];
        let idle = candidate.attempt == Attempt::None;
        (has_read && idle).then(|| self.with(number, Candidate { attempt, ..candidate }))
    }

    /// The API server handles an update. It is refused where the Lease has changed since it was
    /// read (Conflict).
    pub fn commit(&self, number: u8) -> Option<Self> {
        if self.lease.changed_since_read[usize::from(number)] {
            return self.without_attempt(number);
        }
        self.written(number)
    }

    /// A leader that could not renew in time stops leading.
    pub fn give_up(&self, number: u8) -> Option<Self> {
        let candidate = self.candidate(number);
        let late = candidate.renewing && candidate.since_renewal >= RENEW_DEADLINE;
        late.then(|| {
            let since_observed = candidate.since_observed;
            self.with(number, Candidate { since_observed, ..Candidate::STARTED })
        })
    }

    /// Time passes for everybody. A leader's timer fires before more of it does.
    pub fn tick(&self) -> Option<Self> {
        let due = |of: &Candidate| of.renewing && of.since_renewal >= RENEW_DEADLINE;
        if self.candidates.iter().any(due) {
            return None;
        }
        let next = State { candidates: self.candidates.map(Candidate::older), ..*self };
        (next != *self).then_some(next)
    }

    /// The clock of one candidate runs ahead of the other's, by less than the difference between
    /// `leaseDuration` and `renewDeadline`.
    pub fn run_ahead(&self, number: u8) -> Option<Self> {
        let budgets = Budgets { skews: self.budgets.skews.checked_sub(1)?, ..self.budgets };
        let candidate = self.candidate(number);
        let since_observed = (candidate.since_observed + 1).min(LEASE_DURATION);
        let next = self.with(number, Candidate { since_observed, ..candidate });
        Some(State { budgets, ..next })
    }

    /// An update never reaches the API server.
    pub fn lose_update(&self, number: u8) -> Option<Self> {
        let lost_requests = self.budgets.lost_requests.checked_sub(1)?;
        let next = self.without_attempt(number)?;
        Some(State { budgets: Budgets { lost_requests, ..self.budgets }, ..next })
    }

    /// A candidate crashes. It starts again under another identity, so it does not hold the Lease
    /// that it held.
    pub fn crash(&self, number: u8) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        let mut next = self.with(number, Candidate::STARTED);
        next.lease.changed_since_read[usize::from(number)] = true;
        Some(State { budgets: Budgets { crashes, ..self.budgets }, ..next })
    }

    /// Whether the API server has refused the update of this candidate: the Lease has changed since
    /// it was read, and is as it was.
    pub(super) fn refuses(&self, number: u8, after: &State) -> bool {
        self.lease.changed_since_read[usize::from(number)] && self.lease == after.lease
    }

    pub(super) fn candidate(&self, number: u8) -> Candidate {
        self.candidates[usize::from(number)]
    }

    pub(super) fn with(mut self, number: u8, candidate: Candidate) -> Self {
        self.candidates[usize::from(number)] = candidate;
        self
    }

    /// The Lease after this candidate's update, which makes it the leader.
    pub(super) fn written(&self, number: u8) -> Option<Self> {
        let mut next = self.without_attempt(number)?;
        next.lease.changed_hands |= self.lease.holder.is_some_and(|holder| holder != number);
        next.lease.holder = Some(number);
        next.lease.changed_since_read = [true; CANDIDATES];
        next.lease.changed_since_read[usize::from(number)] = false;
        let leader = Candidate { leads: true, renewing: true, ..Candidate::STARTED };
        Some(next.with(number, leader))
    }

    fn without_attempt(&self, number: u8) -> Option<Self> {
        let candidate = self.candidate(number);
        let pending = candidate.attempt != Attempt::None;
        pending.then(|| self.with(number, Candidate { attempt: Attempt::None, ..candidate }))
    }
}
