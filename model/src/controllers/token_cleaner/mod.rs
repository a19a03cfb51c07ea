//! The legacy service account token cleaner: marks a token that nobody has used for long, and deletes it long after.
//!
//! One token, a Pod that may mount it, and days of which two are long. Left out: tokens that somebody has asked for, and
//! since when it is known who uses them. Informers that are more than three events behind.

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

/// The watcher of Secrets.
pub const SECRET_INFORMER: usize = 0;
/// The watcher of Pods.
pub const POD_INFORMER: usize = 1;
/// How many events the informers are behind at most.
pub const LAG: usize = 3;
/// How many days a token is kept that nobody uses.
pub const KEPT: u8 = 2;
/// The last day.
pub const DAYS: u8 = 5;

/// The scenario `token-cleaner`.
#[derive(Clone, Debug)]
pub struct TokenCleanerSlice {
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
    /// The day.
    pub today: u8,
    /// What the controller asks for, and the token as it has seen it.
    pub asked: Option<(Secret, Write)>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The Secret with the token.
    pub secret: Option<Secret>,
    /// Whether a Pod mounts it.
    pub is_mounted: bool,
}

/// The Secret with the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Secret {
    /// The day on which it was last used, or made.
    pub used: u8,
    /// The day on which it was marked; who is, is let in no more.
    pub marked: Option<u8>,
    /// How often a client took the mark away, which tells one version from another.
    pub reprieves: u8,
}

/// What the controller does about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Write {
    /// It is marked.
    Mark,
    /// It is deleted.
    Delete,
}

/// A change, with the object after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Of the Secret.
    Secret(Option<Secret>),
    /// Of the Pod.
    Pod(bool),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// The Pod comes, or goes.
    pub pods: u8,
    /// A client takes the mark away.
    pub reprieves: u8,
    /// The controller crashes.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverSecret,
    DeliverPod,
    EndDay,
    LookThrough,
    CommitWrite,
    UseToken,
    TakeMarkAway,
    ChangePod,
    Crash,
}

impl Slice for TokenCleanerSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        let secret = Some(Secret { used: 0, marked: None, reprieves: 0 });
        let store = History::listed(Objects { secret, is_mounted: false });
        State { store, today: 0, asked: None, budgets: self.budgets }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        let mut candidates = vec![DeliverSecret, DeliverPod, EndDay, LookThrough, CommitWrite];
        candidates.extend([UseToken, TakeMarkAway, ChangePod, Crash]);
        candidates
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverSecret
            | Action::DeliverPod
            | Action::EndDay
            | Action::LookThrough
            | Action::CommitWrite => Cause::Duty,
            Action::UseToken | Action::TakeMarkAway | Action::ChangePod => Cause::Choice,
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        after.store.outcome(&before.store, matches!(action, Action::CommitWrite))
    }
}

impl Family for TokenCleanerSlice {
    const SCENARIOS: &'static [&'static str] = &["token-cleaner"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets { pods: 2, reprieves: 1, crashes: size.times(1) };
        Ok(TokenCleanerSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl Secret {
    /// Whether nobody has used it for long.
    pub fn is_unused(&self, today: u8) -> bool {
        today >= self.used + KEPT
    }

    /// Whether it was marked long ago.
    pub fn is_over(&self, today: u8) -> bool {
        self.marked.is_some_and(|marked| today >= marked + KEPT)
    }
}

impl history::Objects for Objects {
    type Event = Event;

    fn apply(&mut self, event: &Event) {
        match *event {
            Event::Secret(secret) => self.secret = secret,
            Event::Pod(is_mounted) => self.is_mounted = is_mounted,
        }
    }

    fn selects(watcher: usize, event: &Event) -> bool {
        match event {
            Event::Secret(_) => watcher == SECRET_INFORMER,
            Event::Pod(_) => watcher == POD_INFORMER,
        }
    }
}

packed!(struct State { store, today, asked, budgets });
packed!(struct Objects { secret, is_mounted });
packed!(struct Secret { used, marked, reprieves });
packed!(
    enum Write {
        Mark,
        Delete,
    }
);
packed!(
    enum Event {
        Secret(secret),
        Pod(is_mounted),
    }
);
packed!(struct Budgets { pods, reprieves, crashes });
