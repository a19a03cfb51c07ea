//! Requests for certificates: who approves, who signs, and who cleans up.
//!
//! There is one name. A kubelet asks for what it may have, somebody else asks for the usages of a server under
//! the name of a client; both may ask twice. The approver asks whether the author may (SubjectAccessReview), a
//! person approves or denies beside it. Left out: when a certificate expires, signers that are not Kubernetes',
//! kinds of requests beside these two; an informer that is more than three events behind.

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

/// How many events an informer is behind at most.
pub const LAG: usize = 3;
/// How many numbers of certificates there are: they begin again after the last.
pub const NUMBERS: u8 = 3;

/// The scenario `certificate`.
#[derive(Clone, Debug)]
pub struct CertificateSlice {
    /// What may happen.
    pub budgets: Budgets,
    /// The step that is replaced, if any.
    pub mutation: Option<Mutation>,
}

/// A state of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// The API server's object, and how far the controllers have read.
    pub store: History<Objects, 1, 5>,
    /// What the approver was told of the request of this uid: whether its author may.
    pub review: Option<Review>,
    /// What the approver has asked for.
    pub approval: Option<Update>,
    /// What the signer has asked for.
    pub signature: Option<Update>,
    /// The number of the certificate that was signed last. One that follows another has another.
    pub signed: u8,
    /// What may still happen.
    pub budgets: Budgets,
}

/// What the API server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Objects {
    /// The CertificateSigningRequest.
    pub request: Option<Request>,
}

/// A CertificateSigningRequest. Two that are equal count as one resourceVersion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Request {
    /// Which of its name.
    pub uid: u8,
    /// Whether a kubelet asks, for what it may have.
    pub is_of_kubelet: bool,
    /// Whether the condition `Approved` is there.
    pub approved: bool,
    /// Whether the condition `Denied` is there.
    pub denied: bool,
    /// Whether the condition `Failed` is there.
    pub failed: bool,
    /// The number of the certificate, `status.certificate`.
    pub certificate: Option<u8>,
    /// Whether it is so old that it is cleaned up.
    pub old: bool,
}

/// What a SubjectAccessReview has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Review {
    /// Of which request.
    pub uid: u8,
    /// Whether its author may have what it asks for.
    pub allowed: bool,
}

/// An update of the request: it is refused where it has changed since it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Update {
    /// The request that was read.
    pub read: Request,
    /// The request as it is to be.
    pub write: Request,
}

/// What may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Budgets {
    /// Somebody asks.
    pub requests: u8,
    /// A person approves or denies.
    pub decisions: u8,
    /// Who asked takes the request back.
    pub withdrawals: u8,
    /// The controllers crash.
    pub crashes: u8,
}

/// A step of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is documented at the step of its name, which it applies")]
pub enum Action {
    Deliver,
    Review,
    Approve,
    CommitApproval,
    Sign,
    CommitSignature,
    Clean,
    GrowOld,
    Ask { kubelet: bool },
    Decide { approve: bool },
    Withdraw,
    Crash,
}

impl Slice for CertificateSlice {
    type State = State;
    type Action = Action;

    fn initial(&self) -> State {
        State {
            store: History::listed(Objects { request: None }),
            review: None,
            approval: None,
            signature: None,
            signed: 0,
            budgets: self.budgets,
        }
    }

    fn candidates(&self) -> Vec<Action> {
        use Action::*;
        vec![
            Deliver,
            Review,
            Approve,
            CommitApproval,
            Sign,
            CommitSignature,
            Clean,
            GrowOld,
            Ask { kubelet: true },
            Ask { kubelet: false },
            Decide { approve: true },
            Decide { approve: false },
            Withdraw,
            Crash,
        ]
    }

    fn step(&self, state: &State, action: Action) -> Option<State> {
        let next = Mutation::step(self.mutation, state, action)?;
        (next.store.log.len() <= LAG).then_some(next)
    }

    fn cause(&self, action: Action) -> Cause {
        match action {
            Action::Deliver
            | Action::Review
            | Action::Approve
            | Action::CommitApproval
            | Action::Sign
            | Action::CommitSignature
            | Action::Clean => Cause::Duty,
            Action::GrowOld | Action::Ask { .. } | Action::Decide { .. } | Action::Withdraw => {
                Cause::Choice
            }
            Action::Crash => Cause::Fault(Fault::Crash),
        }
    }

    claims_and_words!();

    fn outcome(&self, before: &State, action: Action, after: &State) -> Outcome {
        let is_request = matches!(action, Action::CommitApproval | Action::CommitSignature);
        after.store.outcome(&before.store, is_request)
    }
}

impl Family for CertificateSlice {
    const SCENARIOS: &'static [&'static str] = &["certificate"];
    const MUTATIONS: &'static [&'static str] = Mutation::IDS;

    fn set_up(_: &str, size: &Size, mutation: Option<&str>) -> Result<Self, String> {
        let crashes = size.times(1);
        let budgets = Budgets { requests: 2, decisions: 2, withdrawals: 1, crashes };
        Ok(CertificateSlice { budgets, mutation: mutation.and_then(Mutation::of) })
    }
}

impl history::Objects for Objects {
    type Event = Option<Request>;

    fn apply(&mut self, event: &Option<Request>) {
        self.request = *event;
    }
}

packed!(struct State { store, review, approval, signature, signed, budgets });
packed!(struct Objects { request });
packed!(struct Request { uid, is_of_kubelet, approved, denied, failed, certificate, old });
packed!(struct Review { uid, allowed });
packed!(struct Update { read, write });
packed!(struct Budgets { requests, decisions, withdrawals, crashes });
