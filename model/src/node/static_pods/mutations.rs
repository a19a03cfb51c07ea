//! Mutations of static Pods: each replaces one step and passes the rest through.

use super::{Action, Seen, State, VERSIONS, Work};

crate::mutations! {
    /// A version waits for what the kubelet has started since it started itself. What ran before is
    /// not stopped until all sources have been seen, and the next version starts beside it.
    StartsBesideOld = "k-112814",
    /// A manifest that is put back while its Pod is being stopped is not started again.
    NotStartedAgain = "k-104648",
    /// A static Pod is stopped when its mirror Pod is deleted, as any other Pod is.
    StopsWithMirror = "static-pod-stops-with-mirror",
    /// What is not wanted is stopped before all sources have been seen.
    CleansUpEarly = "kubelet-cleans-up-before-sync",
    /// What a kubelet did not start itself is never stopped.
    OrphansStay = "kubelet-leaves-orphans",
    /// A mirror Pod is not replaced when the manifest changes.
    MirrorKept = "mirror-pod-keeps-hash",
    /// A static Pod is started only when the API server can be reached.
    WaitsForApiServer = "static-pod-waits-for-api-server",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        match (mutation, action) {
            (Some(Mutation::StartsBesideOld), Action::Start { version }) => state.started(version),
            (Some(Mutation::NotStartedAgain), Action::Finish { version }) => {
                let next = action.apply(state)?;
                Some(next.working(version, Work::None))
            }
            (Some(Mutation::StopsWithMirror), Action::Deliver) => {
                let next = action.apply(state)?;
                let deleting = next.informed()?.mirror.is_some_and(|mirror| mirror.deleting);
                let victim = next.synced_version().filter(|_| deleting);
                Some(victim.map_or(next, |version| next.working(version, Work::Terminating)))
            }
            (Some(Mutation::CleansUpEarly), Action::CleanUp { version }) => {
                let ready = state.seen != Seen::Nothing && !state.wants(version);
                if ready { state.cleaned_up(version) } else { None }
            }
            (Some(Mutation::OrphansStay), Action::CleanUp { version }) => {
                let known = state.worker(version) != Work::None;
                action.apply(state).filter(|_| known)
            }
            (Some(Mutation::MirrorKept), Action::RemoveMirror) => {
                let mirror = state.informed()?.mirror?;
                let orphaned =
                    state.seen == Seen::Missing && state.workers == [Work::None; VERSIONS];
                action.apply(state).filter(|_| mirror.deleting || orphaned)
            }
            (Some(Mutation::WaitsForApiServer), Action::Start { .. }) => {
                action.apply(state).filter(|_| state.has_synced())
            }
            (_, action) => action.apply(state),
        }
    }
}
