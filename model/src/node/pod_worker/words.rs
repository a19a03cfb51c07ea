//! Pod workers in words.

use super::{Action, Container, PODS, Phase, State, Work};
use crate::slice::Lane;

pub(super) fn describe(action: Action, after: &State) -> String {
    match action {
        Action::PlacePod { pod } => format!("pod-{pod} is placed on the Node"),
        Action::DeletePod { pod } => format!("a client deletes pod-{pod}"),
        Action::Deliver => "the kubelet gets an event".to_owned(),
        Action::StartWorker { pod } if after.worker(pod).work == Work::Rejected => {
            format!("the kubelet rejects pod-{pod} (OutOfpods)")
        }
        Action::StartWorker { pod } => format!("the kubelet starts a pod worker for pod-{pod}"),
        Action::CreateContainer { pod } => format!("the kubelet creates a container of pod-{pod}"),
        Action::StartContainer { pod } => format!("the kubelet starts the container of pod-{pod}"),
        Action::Probe { pod } => format!("the readiness probe of pod-{pod} succeeds"),
        Action::Exit { pod, success: true } => format!("the container of pod-{pod} ends well"),
        Action::Exit { pod, success: false } => format!("the container of pod-{pod} ends badly"),
        Action::EndBackoff { pod } => format!("the backoff of pod-{pod} is over"),
        Action::BeginTermination { pod } => {
            format!("the pod worker of pod-{pod} begins to terminate it")
        }
        Action::StopContainer { pod } => format!("the container of pod-{pod} has been killed"),
        Action::FinishTermination { pod } => {
            format!("the pod worker of pod-{pod} has terminated it")
        }
        Action::ReportStatus { pod } => match after.object(pod) {
            Some(object) => {
                let ready = if object.ready { " and ready" } else { "" };
                format!("the kubelet reports pod-{pod} {}{ready}", phase_word(object.phase))
            }
            None => format!("the kubelet reports pod-{pod}"),
        },
        Action::FinishDeletion { pod } => format!("the kubelet confirms the deletion of pod-{pod}"),
        Action::Forget { pod } => format!("the kubelet removes what is left of pod-{pod}"),
        Action::Crash => "the kubelet crashes and starts again".to_owned(),
        Action::Reboot => "the machine loses power and boots".to_owned(),
    }
}

pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::PlacePod { .. } => "kube-scheduler",
        Action::DeletePod { .. } => "client",
        Action::Exit { .. } | Action::Reboot => "machine",
        Action::EndBackoff { .. } => "clock",
        Action::Deliver
        | Action::StartWorker { .. }
        | Action::CreateContainer { .. }
        | Action::StartContainer { .. }
        | Action::Probe { .. }
        | Action::BeginTermination { .. }
        | Action::StopContainer { .. }
        | Action::FinishTermination { .. }
        | Action::ReportStatus { .. }
        | Action::FinishDeletion { .. }
        | Action::Forget { .. }
        | Action::Crash => "kubelet",
    }
}

pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let store = (0..PODS as u8).filter_map(|pod| {
        let object = state.object(pod)?;
        let ready = if object.ready { ", ready" } else { "" };
        let deleting = if object.deleting { ", is being deleted" } else { "" };
        Some(format!("pod-{pod} {}{ready}{deleting}", phase_word(object.phase)))
    });
    let workers = (0..PODS as u8)
        .filter_map(|pod| Some(format!("{} pod-{pod}", work_word(state.worker(pod).work)?)));
    let containers = (0..PODS as u8).filter_map(|pod| {
        Some(format!("container of pod-{pod} {}", container_word(state.container(pod))?))
    });
    let joined = |words: Vec<String>| words.join("; ");
    vec![
        Lane { name: "kube-apiserver".to_owned(), holds: joined(store.collect()), behind: None },
        Lane {
            name: "kubelet".to_owned(),
            holds: joined(workers.collect()),
            behind: state.store.behind(0),
        },
        Lane { name: "machine".to_owned(), holds: joined(containers.collect()), behind: None },
    ]
}

fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Pending => "Pending",
        Phase::Running => "Running",
        Phase::Succeeded => "Succeeded",
        Phase::Failed => "Failed",
    }
}

fn work_word(work: Work) -> Option<&'static str> {
    match work {
        Work::None => None,
        Work::Syncing => Some("syncs"),
        Work::Terminating => Some("terminates"),
        Work::Terminated => Some("has terminated"),
        Work::Rejected => Some("has rejected"),
    }
}

fn container_word(container: Container) -> Option<&'static str> {
    match container {
        Container::None => None,
        Container::Created => Some("is created"),
        Container::Running { probed: false, .. } => Some("runs"),
        Container::Running { probed: true, .. } => Some("runs and is ready"),
        Container::Exited { success: true } => Some("has ended well"),
        Container::Exited { success: false } => Some("has ended badly"),
    }
}
