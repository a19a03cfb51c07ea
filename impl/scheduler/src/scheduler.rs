//! One scheduler: it hears of nodes and pods, decides about one pod at a time, and hears what came of it.
//!
//! Source: pkg/scheduler/schedule_one.go and eventhandlers.go (v1.36). Of equally good nodes the first by name is
//! taken; upstream throws dice.

mod ask;
mod attempt;
mod claims;
mod debugger;
mod decide;
mod explain;
mod observe;
mod preempt;
mod report;
mod reservation;
mod reservations;
mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{AnyObject, ApiResource, Key, Request, Timestamp, resources};
use client::Outcome;
use client::event::{Note, Recorder, reference};

use self::ask::Asking;
pub use self::debugger::{CountedPod, Dump, KnownNode};
use self::preempt::Preempting;
use self::report::{Nominating, not_scheduled, truncated};
use self::reservations::Reservations;
use crate::cluster::Cluster;
use crate::configuration::Configuration;
use crate::event::Event;
use crate::explain::Explained;
use crate::extender::Call;
use crate::knowledge::Knowledge;
use crate::node_info::PodInfo;
use crate::profile::Profile;
use crate::queue::{Pending, Queue};

/// What a scheduler watches.
pub const WATCHED: [&ApiResource; 16] = [
    &resources::NODES,
    &resources::PODS,
    &resources::PERSISTENT_VOLUME_CLAIMS,
    &resources::PERSISTENT_VOLUMES,
    &resources::STORAGE_CLASSES,
    &resources::CSI_NODES,
    &resources::VOLUME_ATTACHMENTS,
    &resources::NAMESPACES,
    &resources::SERVICES,
    &resources::REPLICATION_CONTROLLERS,
    &resources::REPLICA_SETS,
    &resources::STATEFUL_SETS,
    &resources::POD_DISRUPTION_BUDGETS,
    &resources::RESOURCE_CLAIMS,
    &resources::DEVICE_CLASSES,
    &resources::RESOURCE_SLICES,
];

/// Why a node was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// How many nodes were feasible.
    pub feasible: usize,
    /// The weighted score of each plugin for the node that was chosen; none where there was no choice.
    pub scores: Vec<(&'static str, i64)>,
}

/// What becomes of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It is to be bound.
    Bind {
        /// To this node.
        node: String,
        /// Because of this.
        explanation: Explanation,
    },
    /// It has a node, and waits there for its volumes and devices.
    Reserve {
        /// This node.
        node: String,
        /// Because of this.
        explanation: Explanation,
    },
    /// It fits no node.
    Unschedulable {
        /// As the condition and the event say it.
        message: String,
        /// The node where others make room for it.
        nominated: Option<String>,
    },
    /// Extenders are asked about it first.
    Ask,
    /// An extender or a plugin failed; or it had a node, and nothing came of its volumes or devices there.
    Failed {
        /// As the condition and the event say it.
        message: String,
    },
}

/// One decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The pod.
    pub pod: Key,
    /// Its uid.
    pub uid: String,
    /// How far the cache had read.
    pub observed_revision: u64,
    /// What becomes of it.
    pub outcome: Choice,
    /// What to ask of the API server, in order.
    pub requests: Vec<Request>,
    /// What to ask extenders, side by side.
    pub calls: Vec<Call>,
}

/// The state of a scheduler.
#[derive(Clone, Debug)]
pub struct Scheduler {
    configuration: Arc<Configuration>,
    cluster: Cluster,
    queue: Queue,
    /// What earlier decisions have found out about nodes, which changes none.
    knowledge: Knowledge,
    /// From which node on the next search begins, so that all are looked at in turn.
    next_start_node: String,
    /// The pod about which extenders are asked; no other is decided about meanwhile.
    asking: Option<Asking>,
    /// How often extenders were asked about a pod.
    attempts: u64,
    /// What to ask extenders next.
    calls: Vec<Call>,
    /// Pods that are this scheduler's to bind.
    pending: BTreeMap<Key, PodInfo>,
    /// Pods whose binding was asked for and not answered yet, by uid.
    binding: BTreeMap<String, PodInfo>,
    reservations: Reservations,
    /// Pods for which others are being deleted.
    preempting: BTreeMap<Key, Preempting>,
    /// By the names of the profiles.
    recorders: BTreeMap<String, Recorder>,
    /// The latest time it was told.
    now: Timestamp,
}

impl Scheduler {
    /// A scheduler that has heard of nothing.
    pub fn new(configuration: Configuration) -> Self {
        let recorder = |name: &String| (name.clone(), Recorder::new(name, ""));
        Self {
            queue: Queue::new(configuration.initial_backoff, configuration.max_backoff),
            recorders: configuration.profiles.keys().map(recorder).collect(),
            configuration: Arc::new(configuration),
            cluster: Cluster::default(),
            knowledge: Knowledge::default(),
            next_start_node: String::new(),
            asking: None,
            attempts: 0,
            calls: vec![],
            pending: BTreeMap::new(),
            binding: BTreeMap::new(),
            reservations: Reservations::default(),
            preempting: BTreeMap::new(),
            now: Timestamp::UNIX_EPOCH,
        }
    }

    /// Decides about the next pod that is due, on a cache that had read up to `view_revision`.
    pub fn schedule_one(&mut self, view_revision: u64, now: Timestamp) -> Option<Decision> {
        self.now = self.now.max(now);
        self.cluster.now = self.now;
        let (pod, (outcome, requests)) = match self.settled() {
            Some(settled) => settled,
            None => {
                let (pod, answers) = self.next_pod()?;
                let decided = self.decide(&pod, answers);
                (pod, decided)
            }
        };
        let calls = std::mem::take(&mut self.calls);
        let requests: Vec<Request> =
            requests.into_iter().map(|request| request.observed_at(view_revision)).collect();
        self.begin_reports(&pod.key(), &requests);
        let uid = pod.uid().to_owned();
        let (key, observed_revision) = (pod.key(), view_revision);
        Some(Decision { pod: key, uid, observed_revision, outcome, requests, calls })
    }

    /// Hears what came of a request; a binding that was granted is told, one that was refused is undone.
    pub fn completed(
        &mut self,
        pod: &Key,
        request: &Request,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Vec<Request> {
        self.now = self.now.max(now);
        self.cluster.now = self.now;
        if is_report(pod, request) {
            self.queue.end_report(pod);
        }
        let more = self.go_on(pod, (request, outcome));
        self.begin_reports(pod, &more);
        more
    }

    /// Notes which of the requests write what was found out about their pod.
    fn begin_reports(&mut self, pod: &Key, requests: &[Request]) {
        for _ in requests.iter().filter(|request| is_report(pod, request)) {
            self.queue.begin_report(pod);
        }
    }

    /// What follows from an answer.
    fn go_on(&mut self, pod: &Key, answered: (&Request, &Outcome)) -> Vec<Request> {
        let (request, outcome) = answered;
        if request.resource == &resources::RESOURCE_CLAIMS || claims::tells_of_claim(request) {
            return self.claim_answered(pod, answered);
        }
        if self.reservations.answered(pod, answered, &mut self.cluster.volumes) {
            return vec![];
        }
        if request.subresource != "binding" {
            return self.victim_answered(pod, answered);
        }
        let uid = request.body.as_ref().and_then(|body| body["metadata"]["uid"].as_str());
        let node = request.body.as_ref().and_then(|body| body["target"]["name"].as_str());
        let (uid, node) = (uid.unwrap_or_default(), node.unwrap_or_default());
        match outcome {
            Ok(_) => self.bound(pod, uid, node),
            Err(status) => {
                let why = format!("running Bind plugin \"DefaultBinder\": {status}");
                self.refused(pod, uid, &why)
            }
        }
    }

    /// When to call `schedule_one` again if nothing is heard before; not later than now when a pod is due.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let reserved = self.reservations.next_deadline(self.now);
        let next_pod = match &self.asking {
            Some(asking) => asking.is_answered().then_some(self.now),
            None => self.queue.next_deadline(self.now),
        };
        next_pod.into_iter().chain(reserved).min()
    }

    /// How many pods wait where.
    pub fn pending_pods(&self) -> Pending {
        self.queue.pending()
    }

    fn bind(
        &mut self,
        pod: &PodInfo,
        node: String,
        explanation: Explanation,
    ) -> (Choice, Vec<Request>) {
        self.assume(pod, &node);
        self.binding.insert(pod.uid().to_owned(), pod.clone());
        let requests = self.ask_to_bind(pod, &node).into_iter().collect();
        (Choice::Bind { node, explanation }, requests)
    }

    /// Counts a pod where it is about to be bound, and nowhere else.
    fn assume(&mut self, pod: &PodInfo, node: &str) {
        let nominated = self.cluster.nominations.node_of(&pod.key());
        let leaves_room = nominated.is_some_and(|nominated| nominated != node);
        self.cluster.nominations.remove(&pod.key());
        self.cluster.snapshot.assume(pod.clone(), node);
        if leaves_room {
            self.wake(Event::freed(pod));
        }
    }

    /// The event and the condition that say why a pod is not scheduled.
    fn report_failure(
        &mut self,
        pod: &PodInfo,
        (reason, message): (&str, &str),
        nominating: &Nominating,
    ) -> Vec<Request> {
        match nominating {
            Nominating::Keep => {}
            Nominating::Nowhere => self.cluster.nominations.remove(&pod.key()),
            Nominating::To(node) => self.cluster.nominations.add(pod.clone(), node),
        }
        let note = Note::warning("FailedScheduling", truncated(message));
        let mut requests = vec![self.tell(pod, note)];
        requests.extend(not_scheduled(&pod.pod, (reason, message), (nominating, self.now)));
        requests
    }

    fn tell(&mut self, pod: &PodInfo, note: Note) -> Request {
        let about = reference(&AnyObject::from(Arc::clone(&pod.pod)), "");
        let name = pod.scheduler_name();
        let recorder =
            self.recorders.entry(name.to_owned()).or_insert_with(|| Recorder::new(name, ""));
        recorder.record_each(about, &note, self.now)
    }

    fn bound(&mut self, key: &Key, uid: &str, node: &str) -> Vec<Request> {
        let Some(pod) = self.binding.remove(uid) else {
            return vec![];
        };
        let message = format!("Successfully assigned {key} to {node}");
        vec![self.tell(&pod, Note::normal("Scheduled", message))]
    }

    /// The pod's room is free again, for it and for others. It is told why, unless it is known to be gone.
    fn refused(&mut self, key: &Key, uid: &str, why: &str) -> Vec<Request> {
        let bound = self.binding.remove(uid);
        self.cluster.snapshot.forget(key, uid);
        if let Some(pod) = &bound {
            self.wake(Event::freed(pod));
        }
        let waits = self.pending.get(key).filter(|pod| pod.uid() == uid).cloned();
        let Some(pod) = waits else { return vec![] };
        self.queue.add_failed(key, self.now);
        let mut requests = claims::unreserve(&pod, &self.cluster.devices, None);
        requests.extend(self.report_failure(&pod, ("SchedulerError", why), &Nominating::Nowhere));
        requests
    }

    /// The profile that decides about a pod.
    fn profile<'a>(configuration: &'a Configuration, pod: &PodInfo) -> &'a Profile {
        let profile = configuration.profiles.get(pod.scheduler_name());
        profile.expect("pods of no profile are left alone, and a pod keeps its scheduler")
    }
}

/// Whether a request writes into the status of the pod itself.
fn is_report(pod: &Key, request: &Request) -> bool {
    request.resource == &resources::PODS && request.subresource == "status" && request.key == *pod
}

#[cfg(test)]
mod tests;
