//! The steps of the controller, of clients, and of metrics.

use super::{Action, Budgets, MAX, MIN, Round, Scale, State};

impl Action {
    /// The state after this step, or nothing where it cannot be taken now.
    pub fn apply(self, state: &State) -> Option<State> {
        match self {
            Action::ReadScale => state.read_scale(),
            Action::ReadMetrics => state.read_metrics(|wish| wish.clamp(MIN, MAX), None),
            Action::CommitScale => state.commit_scale(|live, read| live.version == read.version),
            Action::Scale { replicas } => state.scale(replicas),
            Action::Measure { replicas } => state.change_metrics(Some(replicas)),
            Action::LoseMetrics => state.change_metrics(None),
            Action::Crash => state.crash(),
        }
    }
}

impl Scale {
    /// The replicas that the limits ask for, whatever the metrics say; one that is scaled to zero rests.
    fn limited(self) -> Option<u8> {
        let limited = self.replicas.clamp(MIN, MAX);
        (self.replicas > 0 && limited != self.replicas).then_some(limited)
    }
}

impl State {
    /// The controller reads the scale, and knows what the limits ask for.
    pub fn read_scale(&self) -> Option<Self> {
        let read = self.scale;
        let is_due = read.limited().is_some() || self.metrics.is_some();
        let round = Round { read, desired: read.limited(), is_measured: false };
        (self.round.is_none() && is_due).then_some(State { round: Some(round), ..*self })
    }

    /// The controller reads the metrics, and decides; it leaves the scale alone where there are none.
    pub fn read_metrics(&self, may: fn(u8) -> u8, without: Option<u8>) -> Option<Self> {
        let round = self.round.filter(|round| round.desired.is_none())?;
        let is_awake = round.read.replicas > 0;
        let desired = self.metrics.map(may).or(without).filter(|_| is_awake);
        let desired = desired.filter(|desired| *desired != round.read.replicas);
        let decided = Round { desired, is_measured: self.metrics.is_some(), ..round };
        Some(State { round: desired.map(|_| decided), ..*self })
    }

    /// The API server writes the scale, if it is as it was read (Conflict).
    pub fn commit_scale(&self, may: fn(Scale, Scale) -> bool) -> Option<Self> {
        let round = self.round?;
        let desired = round.desired?;
        let next = State { round: None, ..*self };
        Some(if may(self.scale, round.read) { next.put(desired) } else { next })
    }

    /// A client scales.
    pub fn scale(&self, replicas: u8) -> Option<Self> {
        let scales = self.budgets.scales.checked_sub(1)?;
        let next = State { budgets: Budgets { scales, ..self.budgets }, ..*self };
        (replicas != self.scale.replicas).then(|| next.put(replicas))
    }

    /// The metrics come, change or go.
    pub fn change_metrics(&self, metrics: Option<u8>) -> Option<Self> {
        let changes = self.budgets.changes.checked_sub(1)?;
        let budgets = Budgets { changes, ..self.budgets };
        (metrics != self.metrics).then_some(State { metrics, budgets, ..*self })
    }

    /// The controller crashes, and begins a new round.
    pub fn crash(&self) -> Option<Self> {
        let crashes = self.budgets.crashes.checked_sub(1)?;
        Some(State { round: None, budgets: Budgets { crashes, ..self.budgets }, ..*self })
    }

    fn put(self, replicas: u8) -> Self {
        State { scale: Scale { version: self.scale.version + 1, replicas }, ..self }
    }
}
