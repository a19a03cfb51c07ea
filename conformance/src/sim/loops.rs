//! Drives controllers and a scheduler, as `host::controller_loop` and `host::scheduler_loop` do, but one
//! step at a time. Events (the kind) are not sent, only kept: the model does not know them.

use std::collections::{BTreeMap, BTreeSet};

use api::{AnyObject, Key, Request, Timestamp, Verb, resources};
use client::{Batches, Change, Outcome, View, WorkQueue};
use controllers::Controller;
use scheduler::{Configuration, Scheduler};

use crate::sim::plant::{self, Plant};
use crate::sim::workloads::Decisions;

/// A controller with its queue and the plans it is carrying out, one for a key.
#[derive(Clone, Debug)]
pub(crate) struct ControllerLoop {
    controller: Box<dyn Controller>,
    queue: WorkQueue,
    running: BTreeMap<Key, Batches>,
    /// Whether it tries again without delay: how long others wait is for time to tell.
    is_hasty: bool,
    /// The Events of its last plan.
    said: Vec<Request>,
    /// What its plans were, for claims.
    decisions: Decisions,
    /// The claim that its last plan breaks.
    broken: Option<String>,
}

/// A request of a plan: whose, and its place.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    key: Key,
    index: usize,
}

impl ControllerLoop {
    pub(crate) fn new(controller: Box<dyn Controller>, is_hasty: bool) -> Self {
        Self {
            queue: WorkQueue::new(controller.backoff()),
            controller,
            running: BTreeMap::new(),
            is_hasty,
            said: vec![],
            decisions: Decisions::default(),
            broken: None,
        }
    }

    /// Takes the claim that its last plan breaks.
    pub(crate) fn take_broken(&mut self) -> Option<String> {
        self.broken.take()
    }

    /// Takes the Events that it would have sent.
    pub(crate) fn take_said(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.said)
    }

    /// The controller's name.
    pub(crate) fn name(&self) -> &'static str {
        self.controller.name()
    }

    fn has_room(&self) -> bool {
        self.running.len() < self.controller.workers()
    }

    /// Whether it would do something now.
    pub(crate) fn is_due(&self, has_changes: bool, now: Timestamp) -> bool {
        let waits = self.queue.next_deadline().is_none_or(|deadline| now < deadline);
        self.has_room() && (has_changes || self.queue.has_due() || !waits)
    }

    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.queue.next_deadline().filter(|_| self.has_room())
    }

    /// Hears of changes and decides about the next key that is due; what to send.
    pub(crate) fn act(
        &mut self,
        view: &View,
        changes: &[Change],
        (now, plant): (Timestamp, Plant),
    ) -> Vec<(Place, Request)> {
        let name = self.controller.name();
        if let Some(forgetful) = plant::controllers::forgetful(plant, name) {
            self.controller = forgetful;
        }
        let heard =
            changes.iter().filter(|change| plant::controllers::is_heard(plant, name, change));
        for key in heard.flat_map(|change| self.controller.observe(view, change)) {
            self.queue.add(key);
        }
        let Some(key) = self.queue.pop(now) else { return vec![] };
        let seen = plant::controllers::seen(plant, name, view);
        let plan = self.controller.reconcile(seen.as_ref().unwrap_or(view), &key, now);
        let plan = plan.observed_at(view.revision);
        if let Some(when) = plan.look_again {
            self.queue.add_after(key.clone(), when);
        }
        let (said, mut requests): (Vec<_>, Vec<_>) = plan.requests.into_iter().partition(is_event);
        self.said = said;
        plant::controllers::planned(plant, name, &mut requests);
        self.broken = self.decisions.broken((name, &key), (view, now), &requests);
        let pacing = plant::controllers::paced(plant, self.controller.pacing());
        self.running.insert(key.clone(), Batches::new(requests, pacing));
        self.proceed(&key, (now, plant))
    }

    /// Hears what came of a request; what to send next.
    pub(crate) fn answered(
        &mut self,
        Place { key, index }: Place,
        outcome: Outcome,
        (now, plant): (Timestamp, Plant),
    ) -> Vec<(Place, Request)> {
        if let Some(running) = self.running.get_mut(&key) {
            running.answer(index, outcome);
        }
        self.proceed(&key, (now, plant))
    }

    fn proceed(&mut self, key: &Key, (now, plant): (Timestamp, Plant)) -> Vec<(Place, Request)> {
        let name = self.controller.name();
        let Some(running) = self.running.get_mut(key) else { return vec![] };
        while !running.is_waiting() {
            let Some(places) = running.next_batch() else {
                if let Some(done) = self.running.remove(key) {
                    self.settle(key, &done, now);
                }
                return vec![];
            };
            let mut sent = vec![];
            for index in places {
                let request = running.requests()[index].clone();
                match plant::controllers::believed(plant, name, &request) {
                    Some(outcome) => running.answer(index, outcome),
                    None => sent.push((Place { key: key.clone(), index }, request)),
                }
            }
            if !sent.is_empty() {
                return sent;
            }
        }
        vec![]
    }

    /// Tells the controller what came of its requests; a key with a refusal is tried again later.
    fn settle(&mut self, key: &Key, done: &Batches, now: Timestamp) {
        for (request, outcome) in done.outcomes() {
            match outcome {
                Some(outcome) => self.controller.completed(key, request, outcome),
                None => self.controller.left_out(key, request),
            }
        }
        let failed = done.has_failed();
        self.queue.done(key);
        if failed && !self.is_hasty {
            self.queue.add_rate_limited(key.clone(), now);
            return;
        }
        self.queue.forget(key);
        if done.has_asked() || failed {
            self.queue.add(key.clone());
        }
    }
}

/// A scheduler.
#[derive(Clone, Debug)]
pub(crate) struct SchedulerLoop {
    scheduler: Scheduler,
    /// The pods it has asked to bind, for the plant that forgets everything else.
    asked: BTreeSet<String>,
    /// The Events of its last decision.
    said: Vec<Request>,
}

impl SchedulerLoop {
    pub(crate) fn new() -> Self {
        let scheduler = Scheduler::new(Configuration::default());
        Self { scheduler, asked: BTreeSet::new(), said: vec![] }
    }

    /// Takes the Events that it would have sent.
    pub(crate) fn take_said(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.said)
    }

    /// Whether it would do something now.
    pub(crate) fn is_due(&self, has_changes: bool, now: Timestamp) -> bool {
        has_changes || self.scheduler.next_deadline().is_some_and(|deadline| deadline <= now)
    }

    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        self.scheduler.next_deadline()
    }

    /// Hears of changes and decides about the next pod that is due.
    pub(crate) fn act(
        &mut self,
        view: &View,
        changes: &[Change],
        (now, plant): (Timestamp, Plant),
    ) -> Vec<(Key, Request)> {
        for change in changes {
            self.scheduler.observe(change, now);
        }
        if plant == Plant::SchedulerForgetsAssumedPods {
            self.start_again(view, now);
        }
        let Some(decision) = self.scheduler.schedule_one(view.revision, now) else {
            return vec![];
        };
        if decision.requests.iter().any(|request| request.subresource == "binding") {
            self.asked.insert(decision.uid);
        }
        self.without_events(&decision.pod, decision.requests)
    }

    /// Hears what came of a request; what to send next.
    pub(crate) fn answered(
        &mut self,
        (pod, request): (&Key, &Request),
        outcome: &Outcome,
        now: Timestamp,
    ) -> Vec<(Key, Request)> {
        let requests = self.scheduler.completed(pod, request, outcome, now);
        self.without_events(pod, requests)
    }

    fn without_events(&mut self, pod: &Key, requests: Vec<Request>) -> Vec<(Key, Request)> {
        let (said, requests): (Vec<_>, Vec<_>) = requests.into_iter().partition(is_event);
        self.said = said;
        requests.into_iter().map(|request| (pod.clone(), request)).collect()
    }

    fn start_again(&mut self, view: &View, now: Timestamp) {
        self.scheduler = Scheduler::new(Configuration::default());
        let nodes = view.nodes.iter().cloned().map(AnyObject::from);
        let pods = view.pods.iter().cloned().map(AnyObject::from);
        let objects = nodes.chain(pods).filter(|object| !self.is_on_its_way(object));
        for object in objects.collect::<Vec<_>>() {
            self.scheduler.observe(&Change { old: None, new: Some(object) }, now);
        }
    }

    /// Whether a pod was asked to be bound and is not bound yet.
    fn is_on_its_way(&self, object: &AnyObject) -> bool {
        let uid = object.metadata().uid.as_deref().unwrap_or_default();
        let AnyObject::Pod(pod) = object else { return false };
        let node = pod.spec.as_ref().and_then(|spec| spec.node_name.as_ref());
        node.is_none() && self.asked.contains(uid)
    }
}

/// Whether it writes an Event. Events can be read: there are none.
fn is_event(request: &Request) -> bool {
    request.resource == &resources::EVENTS && !matches!(request.verb, Verb::Get | Verb::List)
}
