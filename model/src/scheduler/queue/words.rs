//! The scheduling queue in words.

use super::{Action, Attempt, PODS, Pod, Queued, Stage, State};
use crate::slice::Lane;

pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    match action {
        Action::CreatePod { pod } => format!("a client creates pod-{pod}"),
        Action::DeletePod { pod } => format!("a client deletes pod-{pod}"),
        Action::GrowNode => "the Node gets one place more".to_owned(),
        Action::LabelNode => "a client labels the Node".to_owned(),
        Action::Deliver => "kube-scheduler gets an event".to_owned(),
        Action::Relist => "kube-scheduler's watch is closed; it lists".to_owned(),
        Action::Pop { pod } if before.queued(pod).backoff => {
            format!("kube-scheduler takes pod-{pod} out of backoffQ, since activeQ is empty")
        }
        Action::Pop { pod } => format!("kube-scheduler takes pod-{pod} out of activeQ"),
        Action::Assume { pod } => {
            format!("kube-scheduler assumes pod-{pod} on the Node and sends the Binding")
        }
        Action::FailAttempt { pod } if after.queued(pod).unschedulable => {
            format!("kube-scheduler queues pod-{pod} as unschedulable")
        }
        Action::FailAttempt { pod } => format!("kube-scheduler lets pod-{pod} back off"),
        Action::CommitBinding { pod } if !after.store.has_changed_since(&before.store) => {
            format!("the API server refuses the Binding of pod-{pod}")
        }
        Action::CommitBinding { pod } => format!("the API server binds pod-{pod}"),
        Action::LoseBinding { pod } => format!("the Binding of pod-{pod} is lost"),
        Action::FinishBinding { pod } => {
            format!("kube-scheduler reads what became of the Binding of pod-{pod}")
        }
        Action::EndBackoff { pod } => format!("the backoff of pod-{pod} ends"),
        Action::FlushBackoff { pod } => format!("kube-scheduler moves pod-{pod} to activeQ"),
    }
}

pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::CreatePod { .. }
        | Action::DeletePod { .. }
        | Action::GrowNode
        | Action::LabelNode => "client",
        Action::CommitBinding { .. } | Action::LoseBinding { .. } => "kube-apiserver",
        Action::EndBackoff { .. } => "clock",
        Action::Deliver
        | Action::Relist
        | Action::Pop { .. }
        | Action::Assume { .. }
        | Action::FailAttempt { .. }
        | Action::FinishBinding { .. }
        | Action::FlushBackoff { .. } => "kube-scheduler",
    }
}

pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let objects = state.store.now();
    let pods = (0..PODS).map(|pod| format!("pod-{pod} {}", pod_word(objects.pods[pod])));
    let store = format!("{} places; {}", objects.allocatable, pods.collect::<Vec<_>>().join("; "));
    let queue = (0..PODS).map(|pod| format!("pod-{pod} {}", queue_words(state.queue[pod])));
    vec![
        Lane { name: "kube-apiserver".to_owned(), holds: store, behind: None },
        Lane {
            name: "kube-scheduler".to_owned(),
            holds: queue.collect::<Vec<_>>().join("; "),
            behind: state.store.behind(0),
        },
    ]
}

fn pod_word(pod: Pod) -> &'static str {
    match pod {
        Pod::Absent => "not created",
        Pod::Pending => "Pending",
        Pod::Bound => "bound",
        Pod::Deleted => "deleted",
    }
}

fn queue_words(queued: Queued) -> String {
    let flight = match queued.attempt {
        Attempt::None => None,
        Attempt::Deciding { fits: true, .. } => Some("fits"),
        Attempt::Deciding { fits: false, .. } => Some("fits nowhere"),
        Attempt::Binding(Stage::Sent) => Some("is being bound"),
        Attempt::Binding(Stage::Created | Stage::Failed) => Some("awaits an answer"),
    };
    let words = [
        queued.active.then_some("in activeQ"),
        queued.backoff.then_some("in backoffQ"),
        queued.unschedulable.then_some("in unschedulablePods"),
        flight,
        queued.assumed.then_some("assumed"),
        queued.backing_off.then_some("backing off"),
        queued.failed.then_some("after an error"),
    ];
    let words: Vec<_> = words.into_iter().flatten().collect();
    if words.is_empty() { "unknown".to_owned() } else { words.join(", ") }
}
