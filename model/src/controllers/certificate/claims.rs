//! The claims about requests for certificates. Their sentences stand in `specs/certificate.md`.

use super::{CertificateSlice, Request, State};
use crate::slice::{Claim, Fact};

/// Every claim of the scenario. The one whose breach may follow from another's comes after it.
pub(super) fn all() -> Vec<Claim<CertificateSlice>> {
    use Fact::{Always, EachStep, Eventually, Reachable};
    let claim = |id, fact| Claim { id, fact };
    vec![
        claim("CERTIFICATE-1", Always(none_is_both_approved_and_denied)),
        claim("CERTIFICATE-2", EachStep(a_decision_stays)),
        claim("CERTIFICATE-3", EachStep(only_who_may_is_approved_by_the_approver)),
        claim("CERTIFICATE-4", EachStep(only_what_is_approved_is_signed)),
        claim("CERTIFICATE-5", Always(only_what_is_allowed_is_signed)),
        claim("CERTIFICATE-6", EachStep(a_certificate_stays)),
        claim("CERTIFICATE-7", EachStep(only_old_requests_are_cleaned)),
        claim("CERTIFICATE-8", Reachable(a_person_denies_what_the_approver_would_approve)),
        claim("CERTIFICATE-9", Eventually(what_is_approved_is_answered)),
        claim("CERTIFICATE-10", Eventually(what_a_kubelet_asks_for_is_decided)),
        claim("CERTIFICATE-11", Eventually(old_requests_go)),
    ]
}

/// The same request before and after a step.
fn same(before: &State, after: &State) -> Option<(Request, Request)> {
    let (was, is) = (before.store.now().request?, after.store.now().request?);
    (was.uid == is.uid).then_some((was, is))
}

fn none_is_both_approved_and_denied(_: &CertificateSlice, state: &State) -> bool {
    state.store.now().request.is_none_or(|request| !request.approved || !request.denied)
}

fn a_decision_stays(_: &CertificateSlice, before: &State, after: &State) -> bool {
    same(before, after)
        .is_none_or(|(was, is)| was.approved <= is.approved && was.denied <= is.denied)
}

fn only_who_may_is_approved_by_the_approver(
    _: &CertificateSlice,
    before: &State,
    after: &State,
) -> bool {
    let is_by_person = before.budgets.decisions != after.budgets.decisions;
    is_by_person
        || same(before, after)
            .is_none_or(|(was, is)| was.approved || !is.approved || is.is_of_kubelet)
}

fn only_what_is_approved_is_signed(_: &CertificateSlice, before: &State, after: &State) -> bool {
    same(before, after).is_none_or(|(was, is)| {
        was.certificate.is_some() || is.certificate.is_none() || (was.approved && !was.denied)
    })
}

fn only_what_is_allowed_is_signed(_: &CertificateSlice, state: &State) -> bool {
    let request = state.store.now().request;
    request.is_none_or(|request| request.certificate.is_none() || request.is_of_kubelet)
}

fn a_certificate_stays(_: &CertificateSlice, before: &State, after: &State) -> bool {
    same(before, after)
        .is_none_or(|(was, is)| was.certificate.is_none() || was.certificate == is.certificate)
}

fn only_old_requests_are_cleaned(_: &CertificateSlice, before: &State, after: &State) -> bool {
    let is_withdrawn = before.budgets.withdrawals != after.budgets.withdrawals;
    let goes = after.store.now().request.is_none() && !is_withdrawn;
    before.store.now().request.is_none_or(|request| request.old || !goes)
}

fn a_person_denies_what_the_approver_would_approve(_: &CertificateSlice, state: &State) -> bool {
    let denied = state.store.now().request.is_some_and(|request| request.denied);
    denied && state.approval.is_some()
}

fn what_is_approved_is_answered(_: &CertificateSlice, state: &State) -> bool {
    state.store.now().request.is_none_or(|request| !request.awaits_signature())
}

fn what_a_kubelet_asks_for_is_decided(_: &CertificateSlice, state: &State) -> bool {
    let request = state.store.now().request;
    request.is_none_or(|request| !request.is_of_kubelet || !request.is_undecided())
}

fn old_requests_go(_: &CertificateSlice, state: &State) -> bool {
    state.store.now().request.is_none_or(|request| !request.old)
}
