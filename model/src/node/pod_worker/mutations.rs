//! Mutations of pod workers: each replaces one step and passes the rest through.

use super::{Action, Container, Phase, Pod, State, Work};

crate::mutations! {
    /// A final phase is reported as soon as the container has ended, while its pod worker still
    /// has to stop and to release what the Pod holds.
    ReportedTooSoon = "k-106884",
    /// After a restart of the kubelet a container inherits the readiness of the one that it has
    /// replaced.
    StaleReadiness = "k-141473",
    /// A container that waits to be started again makes its Pod Pending.
    PendingAgain = "pod-worker-forgets-phase",
    /// A container that was created is started, though its Pod is to be stopped.
    StartsWhileTerminating = "pod-worker-starts-while-terminating",
    /// A Pod that is being stopped is reported as Failed.
    ReportedWhileStopping = "pod-worker-reports-while-stopping",
    /// A container that has ended is not followed by another.
    NeverRestarts = "pod-worker-never-restarts",
    /// A kubelet that has started starts no pod worker for a Pod that is being deleted.
    DeletingSkipped = "pod-worker-skips-deleting-pods",
}

impl Mutation {
    /// Takes a step, or the wrong one in its place.
    pub fn step(mutation: Option<Mutation>, state: &State, action: Action) -> Option<State> {
        match (mutation, action) {
            (Some(Mutation::ReportedTooSoon), Action::ReportStatus { pod }) => {
                let status = state.status(pod)?;
                let ended = state.has_ended(pod) && !status.phase.is_terminal();
                let phase = match state.container(pod) == (Container::Exited { success: true }) {
                    true => Phase::Succeeded,
                    false => Phase::Failed,
                };
                state.reporting(pod, if ended { Pod { phase, ..status } } else { status })
            }
            (Some(Mutation::StaleReadiness), Action::ReportStatus { pod }) => {
                let status = state.status(pod)?;
                let runs = matches!(state.container(pod), Container::Running { .. });
                let inherited = runs && state.worker(pod).ready.is_none();
                let ready = status.ready || inherited && state.object(pod)?.ready;
                state.reporting(pod, Pod { ready, ..status })
            }
            (Some(Mutation::PendingAgain), Action::ReportStatus { pod }) => {
                let status = state.status(pod)?;
                let waits = state.worker(pod).work == Work::Syncing
                    && !matches!(state.container(pod), Container::Running { .. });
                let phase = if waits { Phase::Pending } else { status.phase };
                state.reporting(pod, Pod { phase, ..status })
            }
            (Some(Mutation::StartsWhileTerminating), Action::StartContainer { pod }) => {
                state.started(pod)
            }
            (Some(Mutation::ReportedWhileStopping), Action::ReportStatus { pod }) => {
                let status = state.status(pod)?;
                let stops = state.worker(pod).work == Work::Terminating;
                let phase = if stops { Phase::Failed } else { status.phase };
                state.reporting(pod, Pod { phase, ..status })
            }
            (Some(Mutation::NeverRestarts), Action::CreateContainer { pod }) => {
                let first = state.container(pod) == Container::None;
                action.apply(state).filter(|_| first)
            }
            (Some(Mutation::DeletingSkipped), Action::StartWorker { pod }) => {
                let deleting = state.known(pod).is_some_and(|object| object.deleting);
                action.apply(state).filter(|_| !deleting)
            }
            (_, action) => action.apply(state),
        }
    }
}
