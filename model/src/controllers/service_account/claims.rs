//! The claims about service accounts and their tokens. Their sentences stand in `specs/service-account.md`.

use super::{Secret, ServiceAccountSlice, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario. The one whose breach may follow from another's comes after it.
pub(super) fn all() -> Vec<Claim<ServiceAccountSlice>> {
    use Fact::{EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("SERVICEACCOUNT-3", EachStep(a_token_is_not_inherited)),
        claim("SERVICEACCOUNT-4", EachStep(a_secret_stays_while_its_account_lives)),
        claim("SERVICEACCOUNT-5", Reachable(a_token_of_an_earlier_account_is_left)),
        claim("SERVICEACCOUNT-1", Eventually(an_active_namespace_has_its_account)),
        claim("SERVICEACCOUNT-2", Eventually(an_active_namespace_has_the_certificate)),
        claim("SERVICEACCOUNT-6", Eventually(a_secret_gets_the_token_of_its_account)),
        claim("SERVICEACCOUNT-7", Eventually(a_secret_goes_with_its_account)),
    ]
}

fn a_token_is_not_inherited(_: &ServiceAccountSlice, before: &State, after: &State) -> bool {
    let (was, is) = (before.store.now().secret, after.store.now().secret);
    match (was, is) {
        (Some(was), Some(is)) if was.uid == is.uid => was.token.is_none() || was.token == is.token,
        (Some(_) | None, _) => true,
    }
}

fn a_secret_stays_while_its_account_lives(
    _: &ServiceAccountSlice,
    before: &State,
    after: &State,
) -> bool {
    let is_by_client = before.budgets.secret_deletions != after.budgets.secret_deletions;
    let goes = after.store.now().secret.is_none() && !is_by_client;
    let lives = |secret: &Secret| {
        let account = before.store.now().account;
        account.is_some() && account == secret.token.or(secret.made_for)
    };
    !goes || !before.store.now().secret.is_some_and(|secret| lives(&secret))
}

fn a_token_of_an_earlier_account_is_left(_: &ServiceAccountSlice, state: &State) -> bool {
    let objects = state.store.now();
    let token = objects.secret.and_then(|secret| secret.token);
    token.is_some() && objects.account.is_some() && token != objects.account
}

fn an_active_namespace_has_its_account(_: &ServiceAccountSlice, state: &State) -> bool {
    let objects = state.store.now();
    !objects.active || objects.account.is_some()
}

fn an_active_namespace_has_the_certificate(_: &ServiceAccountSlice, state: &State) -> bool {
    let objects = state.store.now();
    !objects.active || objects.root_ca == Some(true)
}

fn a_secret_gets_the_token_of_its_account(_: &ServiceAccountSlice, state: &State) -> bool {
    let objects = state.store.now();
    objects.account.is_none() || objects.secret.is_none_or(|secret| secret.token.is_some())
}

fn a_secret_goes_with_its_account(_: &ServiceAccountSlice, state: &State) -> bool {
    let objects = state.store.now();
    let token = objects.secret.and_then(|secret| secret.token);
    token.is_none() || token == objects.account
}
