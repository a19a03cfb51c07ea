//! Mutations of the Endpoints controller: each replaces one step and passes the rest through.

use super::{Action, ENDPOINTS_INFORMER, Pod, Request, SERVICE_INFORMER, Stage, State};

crate::mutations! {
    /// The cache is believed though it shows Endpoints that the controller has replaced. Where they
    /// are those that are wanted again, nothing is done, and nobody asks again.
    NoTracker = "k-127429",
    /// The end of the Endpoints is no reason to look at the Service, which may have come back.
    IgnoresDeletedEndpoints = "k-47711",
    /// What the API server refuses is forgotten.
    ForgetsRefused = "endpoints-forgets-what-is-refused",
    /// Every Pod that is Ready has an address.
    IgnoresSelector = "endpoints-ignores-selector",
    /// Every Pod of the Service has an address.
    IgnoresReadiness = "endpoints-ignores-readiness",
    /// Endpoints are written whatever the resourceVersion.
    Blind = "endpoints-without-resource-version",
    /// Endpoints without addresses are deleted.
    DeletesEmpty = "endpoints-deletes-those-without-addresses",
    /// Only the first Pod gets an address.
    OnlyFirstPod = "endpoints-serves-first-pod-only",
    /// A Pod that loses its label is not of any Service.
    IgnoresOldLabels = "endpoints-ignores-old-labels",
    /// The end of a Service is no reason to look at it.
    IgnoresDeletedService = "endpoints-ignores-deleted-service",
    /// A controller that starts looks only at Services that exist.
    IgnoresLeftovers = "k-6877",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        match (mutation, action) {
            (Some(Mutation::NoTracker), Action::SyncService) => state.compare(Pod::serves),
            (Some(Mutation::IgnoresDeletedEndpoints), Action::DeliverEndpoints) => {
                let next = state.deliver_endpoints()?;
                Some(State { queued: state.queued, ..next })
            }
            (Some(Mutation::ForgetsRefused), Action::Commit) => {
                Some(State { queued: state.queued, ..state.commit()? })
            }
            (Some(Mutation::IgnoresSelector), Action::SyncService) => {
                syncs(state, |pod| pod.stage == Stage::Ready)
            }
            (Some(Mutation::IgnoresReadiness), Action::SyncService) => {
                syncs(state, |pod| pod.labelled && pod.stage != Stage::Terminating)
            }
            (Some(Mutation::Blind), Action::Commit) => blind(state),
            (Some(Mutation::DeletesEmpty), Action::SyncService) => deletes_empty(state),
            (Some(Mutation::OnlyFirstPod), Action::SyncService) => only_first_pod(state),
            (Some(Mutation::IgnoresOldLabels), Action::DeliverPod) => {
                state.deliver_pod(|_, after| after.is_some_and(|pod| pod.labelled))
            }
            (Some(Mutation::IgnoresDeletedService), Action::DeliverService) => {
                let next = state.deliver_service()?;
                let exists = next.store.cache(SERVICE_INFORMER)?.service;
                Some(State { queued: state.queued || exists, ..next })
            }
            (Some(Mutation::IgnoresLeftovers), Action::Crash) => {
                let next = state.crash()?;
                Some(State { queued: next.store.now().service, ..next })
            }
            (_, action) => action.apply(state),
        }
    }
}

fn syncs(state: &State, serves: fn(&Pod) -> bool) -> Option<State> {
    state.sync_service()?;
    state.compare(serves)
}

fn blind(state: &State) -> Option<State> {
    let exists = state.store.now().endpoints.is_some();
    match state.request {
        Request::Update { addresses, .. } if exists => {
            Some(State { request: Request::None, ..*state }.replaced(addresses))
        }
        Request::Update { .. } | Request::None | Request::Create(_) | Request::Delete => {
            state.commit()
        }
    }
}

fn deletes_empty(state: &State) -> Option<State> {
    let next = state.sync_service()?;
    match next.request {
        Request::Update { addresses, .. } if !addresses.contains(&true) => {
            Some(State { request: Request::Delete, ..next })
        }
        Request::Update { .. } | Request::None | Request::Create(_) | Request::Delete => Some(next),
    }
}

fn only_first_pod(state: &State) -> Option<State> {
    let mut next = state.sync_service()?;
    let shown = state.store.cache(ENDPOINTS_INFORMER)?.endpoints;
    if let Request::Create(addresses) | Request::Update { addresses, .. } = &mut next.request {
        addresses[1..].fill(false);
        if shown == Some(*addresses) {
            next.request = Request::None;
        }
    }
    Some(next)
}
