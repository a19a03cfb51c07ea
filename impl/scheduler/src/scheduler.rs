//! One scheduler: it hears of nodes and pods, decides about one pod at a time, and hears what came of it.
//!
//! Source: pkg/scheduler/schedule_one.go and eventhandlers.go (v1.36). Every node is looked at, and of
//! equally good ones the first by name is taken; upstream looks at a sample and throws dice.

mod report;
mod reservations;
mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{AnyObject, ApiResource, Key, Reason, Request, Status, Timestamp, resources};
use client::event::{Note, Recorder, reference};
use client::{Change, Outcome};
use k8s_openapi::api::core::v1::{Node, Pod};

use self::report::{not_scheduled, truncated, unschedulable_message};
use self::reservations::Reservations;
use crate::framework::Verdict;
use crate::node_info::{NodeInfo, PodInfo};
use crate::plugins::volume_binding::{self, Claims, Wanted};
use crate::plugins::{FILTERS, SCORES, volume_restrictions};
use crate::queue::Queue;
use crate::snapshot::Snapshot;
use crate::volumes::Volumes;

/// What a scheduler watches.
pub const WATCHED: [&ApiResource; 5] = [
    &resources::NODES,
    &resources::PODS,
    &resources::PERSISTENT_VOLUME_CLAIMS,
    &resources::PERSISTENT_VOLUMES,
    &resources::STORAGE_CLASSES,
];

/// The scheduler of pods that name none.
pub const DEFAULT_SCHEDULER: &str = "default-scheduler";

/// Why a node was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explanation {
    /// How many nodes were feasible.
    pub feasible: usize,
    /// The weighted score of each plugin for the node that was chosen.
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
    /// It has a node, and waits there for its volumes.
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
        /// What the filters said of each node.
        verdicts: BTreeMap<String, Verdict>,
    },
    /// It had a node, and nothing came of its volumes there.
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
}

/// The state of a scheduler.
#[derive(Clone, Debug)]
pub struct Scheduler {
    name: String,
    snapshot: Snapshot,
    queue: Queue,
    /// Pods that are this scheduler's to bind.
    pending: BTreeMap<Key, PodInfo>,
    /// Pods whose binding was asked for and not answered yet, by uid.
    binding: BTreeMap<String, PodInfo>,
    volumes: Volumes,
    reservations: Reservations,
    recorder: Recorder,
    /// The latest time it was told.
    now: Timestamp,
}

impl Scheduler {
    /// A scheduler of this name that has heard of nothing.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            snapshot: Snapshot::default(),
            queue: Queue::default(),
            pending: BTreeMap::new(),
            binding: BTreeMap::new(),
            volumes: Volumes::default(),
            reservations: Reservations::default(),
            recorder: Recorder::new(name, ""),
            now: Timestamp::UNIX_EPOCH,
        }
    }

    /// Hears of a change of a node, a pod or its volumes; other changes are nothing to it.
    pub fn observe(&mut self, change: &Change, now: Timestamp) {
        self.now = self.now.max(now);
        let (old, new) = (change.old.as_ref(), change.new.as_ref());
        if change.resource() == &resources::NODES {
            self.observe_node(as_node(old), as_node(new));
        } else if change.resource() == &resources::PODS {
            self.observe_pod(as_pod(old), as_pod(new));
        } else if self.volumes.observe(change) {
            self.reservations.are_due = true;
            self.queue.move_all(self.now);
        }
    }

    /// Decides about the next pod that is due, on a cache that had read up to `view_revision`.
    pub fn schedule_one(&mut self, view_revision: u64, now: Timestamp) -> Option<Decision> {
        self.now = self.now.max(now);
        let (pod, (outcome, requests)) = match self.settled() {
            Some(settled) => settled,
            None => {
                let pod = std::iter::from_fn(|| self.queue.pop(now))
                    .find_map(|key| self.pending.get(&key).cloned())?;
                let decided = self.decide(&pod);
                (pod, decided)
            }
        };
        let requests =
            requests.into_iter().map(|request| request.observed_at(view_revision)).collect();
        let uid = pod.uid().to_owned();
        Some(Decision { pod: pod.key(), uid, observed_revision: view_revision, outcome, requests })
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
        let answered = (request, outcome);
        if self.reservations.answered(pod, answered, &mut self.volumes)
            || request.subresource != "binding"
        {
            return vec![];
        }
        let uid = request.body.as_ref().and_then(|body| body["metadata"]["uid"].as_str());
        let node = request.body.as_ref().and_then(|body| body["target"]["name"].as_str());
        let (uid, node) = (uid.unwrap_or_default(), node.unwrap_or_default());
        match outcome {
            Ok(_) => self.bound(pod, uid, node),
            Err(status) => self.refused(pod, uid, status),
        }
    }

    /// When to call `schedule_one` again if nothing is heard before; not later than now when a pod is due.
    pub fn next_deadline(&self) -> Option<Timestamp> {
        let reserved = self.reservations.next_deadline(self.now);
        self.queue.next_deadline(self.now).into_iter().chain(reserved).min()
    }

    fn observe_node(&mut self, old: Option<&Arc<Node>>, new: Option<&Arc<Node>>) {
        match (old, new) {
            (_, Some(new)) => {
                self.snapshot.set_node(Arc::clone(new));
                if old.is_none_or(|old| may_help(old, new)) {
                    self.queue.move_all(self.now);
                }
            }
            (Some(old), None) => {
                self.snapshot.remove_node(old.metadata.name.as_deref().unwrap_or_default());
            }
            (None, None) => {}
        }
    }

    fn observe_pod(&mut self, old: Option<&Arc<Pod>>, new: Option<&Arc<Pod>>) {
        let replaced = old.zip(new).is_some_and(|(old, new)| old.metadata.uid != new.metadata.uid);
        if let Some(old) = old.filter(|_| replaced || new.is_none()) {
            self.pod_gone(&Key::of(&old.metadata));
        }
        let Some(new) = new else { return };
        let key = Key::of(&new.metadata);
        if is_finished(new) {
            self.pod_gone(&key);
        } else if let Some(node) = node_name(new) {
            self.dequeue(&key);
            self.snapshot.add_pod(PodInfo::new(Arc::clone(new)), node);
        } else if self.is_mine(new) {
            self.pod_waits(new, old.filter(|_| !replaced));
        } else {
            self.dequeue(&key);
        }
    }

    /// A pod that took room leaves it to others.
    fn pod_gone(&mut self, key: &Key) {
        self.dequeue(key);
        if self.snapshot.node_of(key).is_some() {
            self.snapshot.remove_pod(key);
            self.queue.move_all(self.now);
        }
    }

    fn dequeue(&mut self, key: &Key) {
        self.release(key);
        self.pending.remove(key);
        self.queue.remove(key);
    }

    /// Queues a pod that is new, or whose change may help it. While it is being bound it waits.
    fn pod_waits(&mut self, new: &Arc<Pod>, old: Option<&Arc<Pod>>) {
        let info = PodInfo::new(Arc::clone(new));
        let (key, priority) = (info.key(), info.priority());
        let assumed = self.snapshot.is_assumed(&key, info.uid());
        self.pending.insert(key.clone(), info);
        let changed = old
            .is_none_or(|old| old.spec != new.spec || old.metadata.labels != new.metadata.labels);
        if !assumed && (changed || !self.queue.contains(&key)) {
            self.queue.add(&key, priority);
        }
    }

    fn is_mine(&self, pod: &Pod) -> bool {
        let spec = pod.spec.as_ref();
        let name = spec.and_then(|spec| spec.scheduler_name.as_deref());
        let gated = spec
            .and_then(|spec| spec.scheduling_gates.as_ref())
            .is_some_and(|gates| !gates.is_empty());
        let deleted = pod.metadata.deletion_timestamp.is_some();
        name.unwrap_or(DEFAULT_SCHEDULER) == self.name && !gated && !deleted
    }

    /// Looks for a node for a pod.
    fn decide(&mut self, pod: &PodInfo) -> (Choice, Vec<Request>) {
        let claims = match volume_binding::pre_filter(pod, &self.volumes) {
            Ok(claims) => claims,
            Err(why) => return self.refuse_everywhere(pod, &why),
        };
        let verdicts = self.filter(pod, &claims);
        let Some((node, explanation)) = self.best(pod, &verdicts) else {
            let named = |(node, verdict): (&NodeInfo, Verdict)| (node.name().to_owned(), verdict);
            let verdicts: BTreeMap<_, _> = verdicts.into_iter().map(named).collect();
            let message = unschedulable_message(pod, &verdicts, None);
            return self.give_up(pod, message, verdicts);
        };
        let info = self.snapshot.node(&node);
        let wanted = info.and_then(|info| Wanted::of(&claims, info, &self.volumes));
        match wanted.filter(|wanted| !wanted.is_empty()) {
            Some(wanted) => self.reserve(pod, (node, explanation), wanted),
            None => self.bind(pod, node, explanation),
        }
    }

    fn filter(&self, pod: &PodInfo, claims: &Claims) -> Vec<(&NodeInfo, Verdict)> {
        let restricted = volume_restrictions::filter(pod, &self.snapshot, &self.volumes);
        let verdict = |node: &NodeInfo| match [run_filters(pod, node), restricted.clone()] {
            [Verdict::Feasible, Verdict::Feasible] => {
                volume_binding::filter(claims, node, &self.volumes)
            }
            [Verdict::Feasible, verdict] | [verdict, _] => verdict,
        };
        self.snapshot.nodes().map(|node| (node, verdict(node))).collect()
    }

    /// A pod that can run nowhere, whatever nodes there are.
    fn refuse_everywhere(&mut self, pod: &PodInfo, why: &str) -> (Choice, Vec<Request>) {
        let nodes = self.snapshot.nodes();
        let verdicts: BTreeMap<_, _> =
            nodes.map(|node| (node.name().to_owned(), Verdict::unresolvable(why))).collect();
        let message = unschedulable_message(pod, &verdicts, Some(why));
        self.give_up(pod, message, verdicts)
    }

    /// The feasible node with the highest weighted sum of scores; the first by name among equals.
    fn best(
        &self,
        pod: &PodInfo,
        verdicts: &[(&NodeInfo, Verdict)],
    ) -> Option<(String, Explanation)> {
        let feasible: Vec<&NodeInfo> = verdicts
            .iter()
            .filter(|(_, verdict)| *verdict == Verdict::Feasible)
            .map(|(node, _)| *node)
            .collect();
        let scores = run_scores(pod, &feasible);
        let total = |index: &usize| scores.iter().map(|(_, scores)| scores[*index]).sum::<i64>();
        let best = (0..feasible.len()).rev().max_by_key(total)?;
        let of_best = scores.iter().map(|(name, scores)| (*name, scores[best])).collect();
        let explanation = Explanation { feasible: feasible.len(), scores: of_best };
        Some((feasible[best].name().to_owned(), explanation))
    }

    fn bind(
        &mut self,
        pod: &PodInfo,
        node: String,
        explanation: Explanation,
    ) -> (Choice, Vec<Request>) {
        self.snapshot.assume(pod.clone(), &node);
        self.binding.insert(pod.uid().to_owned(), pod.clone());
        let request = Request::bind(pod.key(), pod.uid(), &node);
        (Choice::Bind { node, explanation }, vec![request])
    }

    fn give_up(
        &mut self,
        pod: &PodInfo,
        message: String,
        verdicts: BTreeMap<String, Verdict>,
    ) -> (Choice, Vec<Request>) {
        self.queue.add_unschedulable(&pod.key(), self.now);
        let requests = self.report_failure(pod, "Unschedulable", &message);
        (Choice::Unschedulable { message, verdicts }, requests)
    }

    /// The event and the condition that say why a pod is not scheduled.
    fn report_failure(&mut self, pod: &PodInfo, reason: &str, message: &str) -> Vec<Request> {
        let note = Note::warning("FailedScheduling", truncated(message));
        let mut requests = vec![self.tell(pod, note)];
        requests.extend(not_scheduled(&pod.pod, (reason, message), self.now));
        requests
    }

    fn tell(&mut self, pod: &PodInfo, note: Note) -> Request {
        let about = reference(&AnyObject::from(Arc::clone(&pod.pod)), "");
        self.recorder.record(about, note, self.now)
    }

    fn bound(&mut self, key: &Key, uid: &str, node: &str) -> Vec<Request> {
        let Some(pod) = self.binding.remove(uid) else {
            return vec![];
        };
        let message = format!("Successfully assigned {key} to {node}");
        vec![self.tell(&pod, Note::normal("Scheduled", message))]
    }

    /// The pod's room is free again, for it and for others.
    fn refused(&mut self, key: &Key, uid: &str, status: &Status) -> Vec<Request> {
        self.binding.remove(uid);
        self.snapshot.forget(key, uid);
        self.queue.move_all(self.now);
        let waits = self.pending.get(key).filter(|pod| pod.uid() == uid).cloned();
        let Some(pod) = waits.filter(|_| status.reason != Reason::NotFound) else {
            return vec![];
        };
        self.queue.add_failed(key, self.now);
        let message = format!("running Bind plugin \"DefaultBinder\": {status}");
        self.report_failure(&pod, "SchedulerError", &message)
    }
}

fn run_filters(pod: &PodInfo, node: &NodeInfo) -> Verdict {
    let mut verdicts = FILTERS.iter().map(|plugin| plugin.filter(pod, node));
    verdicts.find(|verdict| *verdict != Verdict::Feasible).unwrap_or(Verdict::Feasible)
}

/// Per plugin, the weighted score of each node.
fn run_scores(pod: &PodInfo, nodes: &[&NodeInfo]) -> Vec<(&'static str, Vec<i64>)> {
    let mut all = vec![];
    for plugin in SCORES {
        let mut scores: Vec<i64> = nodes.iter().map(|node| plugin.score(pod, node)).collect();
        plugin.normalize_score(&mut scores);
        for score in &mut scores {
            *score *= plugin.weight();
        }
        all.push((plugin.name(), scores));
    }
    all
}

/// Whether a node has changed in something that a filter reads.
fn may_help(old: &Node, new: &Node) -> bool {
    let allocatable =
        |node: &Node| node.status.as_ref().and_then(|status| status.allocatable.clone());
    old.metadata.uid != new.metadata.uid
        || old.metadata.labels != new.metadata.labels
        || old.spec != new.spec
        || allocatable(old) != allocatable(new)
}

fn is_finished(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

fn node_name(pod: &Pod) -> Option<&str> {
    let node = pod.spec.as_ref()?.node_name.as_deref()?;
    (!node.is_empty()).then_some(node)
}

fn as_node(object: Option<&AnyObject>) -> Option<&Arc<Node>> {
    if let Some(AnyObject::Node(node)) = object { Some(node) } else { None }
}

fn as_pod(object: Option<&AnyObject>) -> Option<&Arc<Pod>> {
    if let Some(AnyObject::Pod(pod)) = object { Some(pod) } else { None }
}

#[cfg(test)]
mod tests;
