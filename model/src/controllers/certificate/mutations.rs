//! Mutations of the controllers of certificates: each replaces one step and passes the rest through.

use super::{Action, Request, State, Update};

crate::mutations! {
    /// An approval is added to whatever the request has become.
    AddsToDenied = "approval-ignores-denial",
    /// The approver writes the conditions that it has read, whatever was decided since.
    OverwritesConditions = "approval-overwrites-conditions",
    /// What was said of the author of a request counts for the next of its name.
    RemembersByName = "approver-remembers-by-name",
    /// The signer does not look for an approval.
    IgnoresApproval = "signer-ignores-approval",
    /// The signer does not look at the usages.
    IgnoresUsages = "signer-ignores-usages",
    /// The signer signs again what has its certificate, unseen.
    SignsAgain = "signer-signs-again",
    /// The cleaner does not look at the age.
    IgnoresAge = "cleaner-ignores-age",
    /// The cleaner deletes by name.
    CleansByName = "cleaner-deletes-by-name",
    /// The approver approves before anybody can deny.
    ApprovesAtOnce = "approver-is-never-late",
    /// The signer says nothing of what it will not sign.
    NeverFails = "signer-never-fails",
    /// The approver approves nothing.
    NeverApproves = "approver-never-approves",
    /// The cleaner cleans what has its certificate, and nothing else.
    CleansSignedOnly = "cleaner-keeps-undecided",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(AddsToDenied), Action::CommitApproval) => adds_approval(state),
            (Some(OverwritesConditions), Action::CommitApproval) => {
                state.commit_approval(is_same_request)
            }
            (Some(RemembersByName), Action::Approve) => approves_by_name(state),
            (Some(RemembersByName), Action::Review) if state.review.is_some() => None,
            (Some(IgnoresApproval), Action::Sign) => state.sign(
                |request| !request.failed && request.certificate.is_none(),
                |request| request.is_of_kubelet,
            ),
            (Some(IgnoresUsages), Action::Sign) => state.sign(Request::awaits_signature, |_| true),
            (Some(SignsAgain), Action::CommitSignature) => signs_again(state),
            (Some(IgnoresAge), Action::Clean) => state.clean(|_| true),
            (Some(CleansByName), Action::Clean) => {
                state.store.caches()?.request.filter(|request| request.old)?;
                state.store.now().request.map(|_| state.put(None))
            }
            (Some(ApprovesAtOnce), Action::Approve) => {
                let next = action.apply(state)?;
                next.commit_approval(State::is_as_read)
            }
            (Some(NeverFails), Action::Sign) => action
                .apply(state)
                .filter(|next| !next.signature.is_some_and(|one| one.write.failed)),
            (Some(NeverApproves), Action::Approve) => None,
            (Some(CleansSignedOnly), Action::Clean) => {
                state.clean(|request| request.old && request.certificate.is_some())
            }
            (_, action) => action.apply(state),
        }
    }
}

/// Whether it is the request that was read, whatever has become of it.
fn is_same_request(state: &State, update: Update) -> bool {
    state.store.now().request.is_some_and(|request| request.uid == update.read.uid)
}

fn adds_approval(state: &State) -> Option<State> {
    let update = state.approval?;
    let request = state.store.now().request.filter(|request| request.uid == update.read.uid);
    let next = State { approval: None, ..*state };
    Some(match request {
        Some(request) => next.put(Some(Request { approved: true, ..request })),
        None => next,
    })
}

fn approves_by_name(state: &State) -> Option<State> {
    state.approve(|_, _| true)
}

fn signs_again(state: &State) -> Option<State> {
    let update = state.signature?;
    let request = state.store.now().request.filter(|request| request.uid == update.read.uid);
    let next = State { signature: None, ..*state };
    Some(match request {
        Some(request) => {
            let certificate = update.write.certificate.or(request.certificate);
            next.put(Some(Request { certificate, ..request }))
        }
        None => next,
    })
}
