//! Mutations of the controllers of accounts and tokens: each replaces one step and passes the rest through.

use super::objects::Secret;
use super::{Action, Asked, State};

crate::mutations! {
    /// An account that was deleted is not made again.
    NotRecreated = "account-is-not-recreated",
    /// A certificate that is there is taken for the right one.
    KeepsChanged = "root-ca-keeps-changes",
    /// A Secret gets the token of whoever has the name now.
    Inherits = "token-moves-to-new-account",
    /// A Secret whose account the cache does not show is deleted, unasked.
    DeletesUnasked = "token-controller-deletes-unasked",
    /// What was said of a Secret's account counts for the next Secret of its name.
    RemembersByName = "token-controller-remembers-by-name",
    /// No Secret is filled.
    NeverFills = "token-controller-never-fills",
    /// No Secret is deleted.
    NeverDeletes = "token-outlives-account",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        use Mutation::*;
        match (mutation, action) {
            (Some(NotRecreated), Action::EnsureAccount) => {
                action.apply(state).filter(|next| next.budgets.account_deletions == 2)
            }
            (Some(KeepsChanged), Action::PublishRootCa) => {
                state.publish_root_ca(|root_ca| root_ca.is_none())
            }
            (Some(Inherits), Action::SyncSecret) => {
                let seen = state.seen().filter(|_| state.asked.is_none())?;
                match (seen.secret, seen.account) {
                    (Some(secret), Some(account)) => state.fills(secret, account),
                    (_, _) => action.apply(state),
                }
            }
            (Some(DeletesUnasked), Action::SyncSecret) => deletes_unasked(state),
            (Some(RemembersByName), Action::SyncSecret) => state.sync_secret(|_, _| true),
            (Some(NeverFills), Action::SyncSecret) => {
                let fills = |next: &State| matches!(next.asked, Some(Asked::Fill(..)));
                action.apply(state).filter(|next| !fills(next))
            }
            (Some(NeverDeletes), Action::SyncSecret) => {
                let deletes = |next: &State| matches!(next.asked, Some(Asked::Delete(_)));
                action.apply(state).filter(|next| !deletes(next))
            }
            (_, action) => action.apply(state),
        }
    }
}

fn deletes_unasked(state: &State) -> Option<State> {
    let seen = state.seen().filter(|_| state.asked.is_none())?;
    let secret: Secret = seen.secret?;
    match seen.account.filter(|account| secret.is_for(*account)) {
        Some(account) => state.fills(secret, account),
        None => Some(State { asked: Some(Asked::Delete(secret.uid)), ..*state }),
    }
}
