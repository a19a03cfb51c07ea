//! Mutations of the disruption controller and of evictions: each replaces one step and passes the
//! rest through.

use super::{Action, Budget, PODS, State, StatusUpdate};

crate::mutations! {
    /// A status that was refused is written again to the newest budget, as it was computed.
    RetryOverwrites = "k-82149",
    /// The eviction lowers the number but does not name the Pod.
    NamesNoPod = "eviction-names-no-pod",
    /// The eviction does not look whether a disruption is allowed.
    IgnoresZero = "eviction-ignores-zero",
    /// The eviction does not look whether the controller has seen the newest generation.
    IgnoresGeneration = "eviction-ignores-generation",
    /// No eviction is granted.
    NeverGranted = "eviction-never-granted",
    /// What an eviction has named is believed to go for ever.
    NeverExpires = "disruption-never-expires",
    /// The status does not say for which generation it is.
    ForgetsGeneration = "disruption-forgets-generation",
    /// Pods that an eviction names are counted as healthy until they are gone.
    CountsDisrupted = "disruption-counts-disrupted-pods",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        match (mutation, action) {
            (Some(Mutation::RetryOverwrites), Action::CommitStatus) => retry_overwrites(state),
            (Some(Mutation::NamesNoPod), Action::CommitEviction { pod }) => {
                state.commit_eviction(pod, |budget, _| Budget {
                    disruptions_allowed: budget.disruptions_allowed.saturating_sub(1),
                    ..budget
                })
            }
            (Some(Mutation::IgnoresZero), Action::Evict { pod }) => {
                state.evict(pod, Budget::is_observed)
            }
            (Some(Mutation::IgnoresGeneration), Action::Evict { pod }) => {
                state.evict(pod, |budget| budget.disruptions_allowed > 0)
            }
            (Some(Mutation::NeverGranted), Action::Evict { .. }) => None,
            (Some(Mutation::NeverExpires), Action::Expire { .. }) => None,
            (Some(Mutation::ForgetsGeneration), Action::SyncBudget) => {
                let next = state.sync_budget()?;
                let StatusUpdate { read, write } = next.update?;
                let observed = read.observed.or(write.observed);
                next.updates(read, Budget { observed, ..write })
            }
            (Some(Mutation::CountsDisrupted), Action::SyncBudget) => counts_disrupted(state),
            (_, action) => action.apply(state),
        }
    }
}

fn retry_overwrites(state: &State) -> Option<State> {
    let StatusUpdate { read, write } = state.update?;
    let newest = state.store.now().budget;
    if newest == read {
        return state.commit_status();
    }
    let write = Budget { min_available: newest.min_available, ..write };
    Some(State { update: Some(StatusUpdate { read: newest, write }), ..*state })
}

fn counts_disrupted(state: &State) -> Option<State> {
    let caches = state.store.caches().filter(|_| state.update.is_none())?;
    let unnamed = super::Objects {
        budget: Budget { disrupted_pods: [false; PODS], ..caches.budget },
        ..caches
    };
    let disruptions_allowed = unnamed.status(state.expired).disruptions_allowed;
    let write = Budget { disruptions_allowed, ..caches.status(state.expired) };
    state.updates(caches.budget, write)
}
