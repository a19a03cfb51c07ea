//! The service account of a namespace, the certificate of the cluster beside it, and a Secret with the
//! account's token.
//!
//! Clients delete the account and the Secret, change the certificate and end the namespace; a Secret asks for
//! the token of whoever has the account's name. Left out: other accounts, what a token says and who believes
//! it, the list of Secrets in an account, the content of a namespace that ends; an informer that is more than
//! three events behind.

mod claims;
mod mutations;
mod objects;
mod steps;
mod words;

pub use mutations::Mutation;
pub use objects::{Event, Objects, Secret};

use crate::cause::Cause;
use crate::history::History;
use crate::slice::{Family, Fault, Outcome, Size, Slice};
use crate::{claims_and_words, packed};
use serde::Serialize;

/// The watcher of the namespace and its certificate.
pub const NAMESPACE_INFORMER: usize = 0;
/// The watcher of service accounts.
pub const ACCOUNT_INFORMER: usize = 1;
/// The watcher of Secrets.
pub const SECRET_INFORMER: usize = 2;
/// How many events an informer is behind at most.
pub const LAG: usize = 3;

/// The scenario `service-account`.
#[derive(Clone, Debug)]
pub struct ServiceAccountSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The API server's objects, and how far the informers have read.
    pub store: History<Objects, 3, 5>,
    /// What the API server has said of the account of a Secret.
    pub answer: Option<Answer>,
    /// What the token controller has asked for.
    pub asked: Option<Asked>,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Answer {
    /// Of the account of the Secret with this uid.
    pub secret: u8,
    /// The uid of the account, if there is one of the name.
    pub account: Option<u8>,
}

/// What the token controller asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asked {
    /// That the Secret, if it is as it was read, holds the token of the account of this uid.
    Fill(Secret, u8),
    /// That the Secret of this uid is deleted.
    Delete(u8),
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// A client deletes the account.
    pub account_deletions: u8,
    /// A client creates the Secret.
    pub secrets: u8,
    /// A client deletes the Secret.
    pub secret_deletions: u8,
    /// A client changes the certificate.
    pub changes: u8,
    /// The controllers crash.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    DeliverNamespace,
    DeliverAccount,
    DeliverSecret,
    EnsureAccount,
    PublishRootCa,
    LookUp,
    SyncSecret,
    Commit,
    DeleteAccount,
    CreateSecret,
    DeleteSecret,
    ChangeRootCa,
    EndNamespace,
    Crash,
}

impl Slice for ServiceAccountSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        State {
            store: History::listed(Objects::NEW),
            answer: None,
            asked: None,
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        vec![
            DeliverNamespace,
            DeliverAccount,
            DeliverSecret,
            EnsureAccount,
            PublishRootCa,
            LookUp,
            SyncSecret,
            Commit,
            DeleteAccount,
            CreateSecret,
            DeleteSecret,
            ChangeRootCa,
            EndNamespace,
            Crash,
        ]
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::DeliverNamespace
            | Action::DeliverAccount
            | Action::DeliverSecret
            | Action::EnsureAccount
            | Action::PublishRootCa
            | Action::LookUp
            | Action::SyncSecret
            | Action::Commit => Cause::Duty,
            Action::DeleteAccount
            | Action::CreateSecret
            | Action::DeleteSecret
            | Action::ChangeRootCa
            | Action::EndNamespace => Cause::Choice,
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        let is_request = matches!(action, Action::Commit | Action::EnsureAccount);
        after.store.outcome(&before.store, is_request)
    }
}

impl Family for ServiceAccountSlice {
    const SCENARIOS: &'static [&'static str] = &["service-account"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let budgets = Budgets {
            account_deletions: 2,
            secrets: 2,
            secret_deletions: 1,
            changes: 1,
            crashes: size.times(1),
        };
        Ok(ServiceAccountSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

packed!(struct State { store, answer, asked, budgets });
packed!(struct Answer { secret, account });
packed!(
    enum Asked {
        Fill(read, account),
        Delete(secret),
    }
);
packed!(struct Budgets { account_deletions, secrets, secret_deletions, changes, crashes });
