//! Two schedulers in words.

use super::{Action, PODS, Phase, Scheduler, State};
use crate::slice::Lane;

pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let refused = !after.store.has_changed_since(&before.store);
    match action {
        Action::CreatePod { pod } => format!("a client creates pod-{pod}"),
        Action::Deliver { scheduler } => format!("scheduler-{scheduler} gets an event"),
        Action::Lead { scheduler } => format!("scheduler-{scheduler} takes the Lease and leads"),
        Action::FallSilent => "the Lease has not been renewed and may be taken".to_owned(),
        Action::Schedule { scheduler, pod, node } => {
            format!("scheduler-{scheduler} assumes pod-{pod} on node-{node} and sends the Binding")
        }
        Action::CommitBinding { pod, .. } if refused => {
            format!("the API server refuses a Binding of pod-{pod}, which is bound")
        }
        Action::CommitBinding { pod, .. } => format!("the API server binds pod-{pod}"),
        Action::CommitLateBinding { pod } if refused => {
            format!("a late Binding of pod-{pod} arrives and is refused")
        }
        Action::CommitLateBinding { pod } => {
            format!("a late Binding of pod-{pod} arrives and is committed")
        }
        Action::Admit { pod } => format!("a kubelet admits pod-{pod} and runs it"),
        Action::Reject { pod } => format!("a kubelet rejects pod-{pod} (OutOfpods)"),
        Action::Crash { scheduler } => format!("scheduler-{scheduler} crashes and starts again"),
        Action::GiveUp { scheduler } => {
            format!("scheduler-{scheduler} cannot renew the Lease, exits and starts again")
        }
    }
}

pub(super) fn actor(action: Action) -> String {
    match action {
        Action::CreatePod { .. } => "client".to_owned(),
        Action::FallSilent => "clock".to_owned(),
        Action::CommitBinding { .. } | Action::CommitLateBinding { .. } => {
            "kube-apiserver".to_owned()
        }
        Action::Admit { .. } | Action::Reject { .. } => "kubelet".to_owned(),
        Action::Deliver { scheduler }
        | Action::Lead { scheduler }
        | Action::Schedule { scheduler, .. }
        | Action::Crash { scheduler }
        | Action::GiveUp { scheduler } => format!("scheduler-{scheduler}"),
    }
}

pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let store = Lane { name: "kube-apiserver".to_owned(), holds: objects(state), behind: None };
    let schedulers = state.schedulers.iter().enumerate().map(|(number, scheduler)| Lane {
        name: format!("scheduler-{number}"),
        holds: scheduler_words(scheduler),
        behind: state.store.behind(number),
    });
    std::iter::once(store).chain(schedulers).collect()
}

fn objects(state: &State) -> String {
    let holder = match state.lease.holder {
        Some(holder) => format!("Lease held by scheduler-{holder}"),
        None => "Lease that nobody holds".to_owned(),
    };
    let pods = state.store.now().pods;
    let pods = (0..PODS).map(|pod| {
        let place = pods[pod].node.map_or(String::new(), |node| format!(" on node-{node}"));
        format!("pod-{pod} {}{place}", phase_word(pods[pod].phase))
    });
    let late = (0..PODS).filter_map(|pod| {
        let node = state.late_bindings[pod]?;
        Some(format!("late Binding of pod-{pod} to node-{node}"))
    });
    std::iter::once(holder).chain(pods).chain(late).collect::<Vec<_>>().join("; ")
}

fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Absent => "not created",
        Phase::Pending => "Pending",
        Phase::Running => "Running",
        Phase::Failed => "Failed",
    }
}

fn scheduler_words(scheduler: &Scheduler) -> String {
    let role = if scheduler.leads { "LEADS" } else { "stands by" };
    let assumed = (0..PODS).filter_map(|pod| {
        let node = scheduler.assumed[pod]?.node;
        Some(format!("assumes pod-{pod} on node-{node}"))
    });
    std::iter::once(role.to_owned()).chain(assumed).collect::<Vec<_>>().join("; ")
}
