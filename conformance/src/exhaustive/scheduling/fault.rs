//! Faults of a scheduler, planted in what it hears, sends and is told. Tests only.

use std::panic::resume_unwind;
use std::sync::Arc;

use api::{AnyObject, Key, Request, Verb};
use client::{Change, View};
use k8s_openapi::api::core::v1::Pod;
use scheduler::Dump;
use scheduler::queue::Waits;

use crate::sim::plant::Plant;

/// A fault of the implementation, planted to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchedulingFault {
    /// None: the implementation as it is.
    Nothing,
    /// It does not hear that a Node is deleted (k#56261).
    MissesNodeDeletions,
    /// It does not hear of a Node that a list lacks (k#94437).
    MissesNodesThatListsLack,
    /// It does not hear of a Pod that a list lacks (k#55587).
    MissesPodsThatListsLack,
    /// It does not hear that a Pod is deleted whose Node it does not know (k#51313).
    MissesPodsOfMissingNodes,
    /// It panics when it hears that a Pod is deleted whose Node it does not know (k#89552).
    PanicsWithoutNode,
    /// With a Node it forgets the Pods there (k#93938).
    ForgetsPodsOfNode,
    /// What comes right after an attempt that failed wakes nobody (k#72122).
    ForgetsEventsInFlight,
    /// It does not hear of new Pods in a list (k#102790).
    MissesPodsOfLists,
    /// It does not hear that a Pod has ended (k#106884).
    CountsFinishedPods,
    /// It forgets which Pods it has assumed on which Nodes.
    ForgetsAssumedPods,
    /// The API server does not compare the uid that a Binding names.
    BindingIgnoresUid,
    /// It is not told that a Binding has failed.
    KeepsFailedAssumptions,
    /// Every event of a Node wakes every Pod.
    HintIgnored,
    /// An event ends the backoff of every Pod.
    BackoffIgnored,
    /// It takes Pods that have a Node for less important than they are.
    TakesEqualPriority,
    /// It forgets to which Node it has nominated a Pod.
    IgnoresNominatedPods,
    /// It hears of no PodDisruptionBudget.
    IgnoresDisruptionBudgets,
    /// It does not see that a Pod terminates because of a preemption.
    IgnoresTerminatingVictims,
    /// Its deletions are granted, and not performed.
    SparesVictims,
    /// The API server grants a second Binding.
    LateBindingOverwrites,
    /// The kubelets believe that their Nodes have room for everything.
    KubeletSkipsAdmission,
}

/// When and how a change is heard.
pub(super) struct Hearing<'a> {
    /// What is heard of in a list and not in a watch.
    pub(super) by_list: bool,
    /// Right after an attempt that failed.
    pub(super) after_failure: bool,
    pub(super) view: &'a View,
    pub(super) dump: &'a Dump,
}

impl SchedulingFault {
    /// Every fault, and its name in `docs/planted-faults.md`.
    pub const ALL: [(Self, &'static str); 21] = [
        (Self::MissesNodeDeletions, "k-56261"),
        (Self::MissesNodesThatListsLack, "k-94437"),
        (Self::MissesPodsThatListsLack, "k-55587"),
        (Self::MissesPodsOfMissingNodes, "k-51313"),
        (Self::PanicsWithoutNode, "k-89552"),
        (Self::ForgetsPodsOfNode, "k-93938"),
        (Self::ForgetsEventsInFlight, "k-72122"),
        (Self::MissesPodsOfLists, "k-102790"),
        (Self::CountsFinishedPods, "k-106884"),
        (Self::ForgetsAssumedPods, "scheduler-forgets-assumed-pods"),
        (Self::BindingIgnoresUid, "binding-ignores-uid"),
        (Self::KeepsFailedAssumptions, "scheduler-keeps-failed-assumption"),
        (Self::HintIgnored, "queueing-hint-ignored"),
        (Self::BackoffIgnored, "queue-ignores-backoff"),
        (Self::TakesEqualPriority, "preemption-takes-equal-priority"),
        (Self::IgnoresNominatedPods, "scheduler-ignores-nominated-pods"),
        (Self::IgnoresDisruptionBudgets, "preemption-ignores-disruption-budget"),
        (Self::IgnoresTerminatingVictims, "preemption-ignores-terminating-victims"),
        (Self::SparesVictims, "preemptor-waits-without-victims"),
        (Self::LateBindingOverwrites, "failover-late-binding-overwrites"),
        (Self::KubeletSkipsAdmission, "failover-kubelet-skips-admission"),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        let named = Self::ALL.into_iter().find(|(fault, _)| *fault == self);
        named.map_or("nothing", |(_, name)| name)
    }

    /// The same in the API server.
    pub(super) fn in_api_server(self) -> Plant {
        match self == Self::LateBindingOverwrites {
            true => Plant::BindingOverwritesNodeName,
            false => Plant::Nothing,
        }
    }

    /// What the API server reads of a request.
    pub(super) fn arrived(self, request: &mut Request) {
        if self == Self::BindingIgnoresUid
            && request.subresource == "binding"
            && let Some(body) = request.body.as_mut()
        {
            body["metadata"]["uid"] = "".into();
        }
    }

    /// Whether a request is answered as if it were performed.
    pub(super) fn is_swallowed(self, request: &Request) -> bool {
        self == Self::SparesVictims && request.verb == Verb::Delete
    }

    /// What the scheduler hears in place of a change.
    pub(super) fn heard(self, change: Change, hearing: &Hearing<'_>) -> Vec<Change> {
        if let AnyObject::Node(_) = change.object() {
            self.heard_of_node(change, hearing)
        } else if let AnyObject::Pod(pod) = change.object() {
            self.heard_of_pod(Arc::clone(pod), change, hearing)
        } else if self == Self::IgnoresDisruptionBudgets {
            vec![]
        } else {
            vec![change]
        }
    }

    fn heard_of_node(self, change: Change, hearing: &Hearing<'_>) -> Vec<Change> {
        let name = change.key().name;
        let is_gone = change.new.is_none();
        let again = |is_meant: fn(&Waits) -> bool| {
            let queue = hearing.dump.queue.iter();
            let meant = queue.filter(move |(_, entry)| is_meant(&entry.waits));
            meant.filter_map(|(key, _)| announced(hearing.view, key))
        };
        match (self, is_gone) {
            (Self::MissesNodeDeletions, true) => vec![],
            (Self::MissesNodesThatListsLack, true) if hearing.by_list => vec![],
            (Self::ForgetsPodsOfNode, true) => {
                let pods = hearing.view.pods_on(&name).cloned().map(AnyObject::Pod);
                let gone = pods.map(|pod| Change { old: Some(pod), new: None });
                std::iter::once(change).chain(gone).collect()
            }
            (Self::ForgetsEventsInFlight, false) if hearing.after_failure => {
                vec![Change { old: change.new.clone(), new: change.new }]
            }
            (Self::HintIgnored, _) => {
                let waits = |waits: &Waits| matches!(waits, Waits::Unschedulable(..));
                std::iter::once(change).chain(again(waits)).collect()
            }
            (Self::BackoffIgnored, _) => {
                let waits = |waits: &Waits| matches!(waits, Waits::Backoff(_));
                std::iter::once(change).chain(again(waits)).collect()
            }
            _ => vec![change],
        }
    }

    fn heard_of_pod(self, pod: Arc<Pod>, change: Change, hearing: &Hearing<'_>) -> Vec<Change> {
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
        let knows = |name| hearing.dump.nodes.get(name).is_some_and(|node| node.is_there);
        let is_lost = node.is_some_and(|name| !knows(name));
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        match (self, change.new.is_none()) {
            (Self::MissesPodsThatListsLack, true) if hearing.by_list => vec![],
            (Self::MissesPodsOfMissingNodes, true) if is_lost => vec![],
            (Self::PanicsWithoutNode, true) if is_lost => resume_unwind(Box::new("no NodeInfo")),
            (Self::MissesPodsOfLists, false) if hearing.by_list && change.old.is_none() => vec![],
            (Self::CountsFinishedPods, false) if phase == Some("Succeeded") => vec![],
            (Self::TakesEqualPriority, false) if node.is_some() => {
                seen(change, &pod, |pod| pod.spec.get_or_insert_default().priority = Some(-1))
            }
            (Self::IgnoresTerminatingVictims, false) => {
                seen(change, &pod, |pod| pod.status.get_or_insert_default().conditions = None)
            }
            (Self::IgnoresNominatedPods, false) => seen(change, &pod, |pod| {
                pod.status.get_or_insert_default().nominated_node_name = None;
            }),
            _ => vec![change],
        }
    }

    /// What the scheduler hears after it has decided, so that it forgets.
    pub(super) fn forgotten(self, key: &Key, (is_bound, view): (bool, &View)) -> Option<Change> {
        let pod = view.pods.get(key)?;
        match (self, is_bound) {
            (Self::ForgetsAssumedPods, true) => {
                Some(Change { old: Some(AnyObject::Pod(Arc::clone(pod))), new: None })
            }
            (Self::IgnoresNominatedPods, false) => {
                let mut nominated = (**pod).clone();
                let status = nominated.status.get_or_insert_default();
                status.nominated_node_name = Some("nowhere".to_owned());
                let old = Some(AnyObject::Pod(Arc::new(nominated)));
                Some(Change { old, new: Some(AnyObject::Pod(Arc::clone(pod))) })
            }
            _ => None,
        }
    }
}

/// A change after which a pod looks different from what it is.
fn seen(change: Change, pod: &Pod, differs: impl FnOnce(&mut Pod)) -> Vec<Change> {
    let mut seen = pod.clone();
    differs(&mut seen);
    vec![Change { new: Some(AnyObject::Pod(Arc::new(seen))), ..change }]
}

/// A pod as if it were new.
fn announced(view: &View, key: &Key) -> Option<Change> {
    let pod = view.pods.get(key)?;
    Some(Change { old: None, new: Some(AnyObject::Pod(Arc::clone(pod))) })
}
