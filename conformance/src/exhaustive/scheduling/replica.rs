//! A scheduler: the real core with its caches, and what it has asked for.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use api::{Key, Request, Timestamp, Verb, resources};
use client::reflector::{Reflector, WatchEvent};
use client::{Change, Outcome, View};
use scheduler::queue::Waits;
use scheduler::{Choice, Decision, Dump, Scheduler};

use super::SchedulingFault;
use super::api_server::{ApiServer, HEARD, Line};
use super::fault::Hearing;

/// A scheduler, whether it runs or not.
#[derive(Clone, Debug, Default)]
pub(super) struct Replica {
    /// Nothing where it does not run.
    pub(super) running: Option<Arc<Running>>,
    /// What it waits for.
    pub(super) flights: Vec<Flight>,
}

/// A scheduler that runs.
#[derive(Clone, Debug)]
pub(super) struct Running {
    core: Scheduler,
    pub(super) view: View,
    informers: Vec<Informer>,
    /// What the core knows.
    pub(super) dump: Dump,
    /// The last that happened to it was an attempt that failed.
    has_failed: bool,
    pub(super) has_panicked: bool,
    fault: SchedulingFault,
}

#[derive(Clone, Debug)]
struct Informer {
    reflector: Reflector,
    lines: VecDeque<Line>,
}

/// What was asked for a pod, one request after the other.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub(super) pod: Key,
    pub(super) requests: VecDeque<Request>,
    /// What has come of the first.
    pub(super) outcome: Option<Outcome>,
}

impl Flight {
    /// Whether the scheduler makes something of the answer to the first request.
    pub(super) fn is_awaited(&self) -> bool {
        let of_victim = |request: &Request| request.key != self.pod || request.verb == Verb::Delete;
        self.requests
            .front()
            .is_some_and(|request| request.subresource == "binding" || of_victim(request))
    }

    /// Whether it was a Binding, and is granted.
    pub(super) fn is_granted(&self) -> bool {
        let is_binding = |request: &Request| request.subresource == "binding";
        self.requests.front().is_some_and(is_binding) && matches!(self.outcome, Some(Ok(_)))
    }

    /// The hash of what is asked and has come of it; of an answer it matters why it is none.
    pub(super) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let refused =
            self.outcome.as_ref().map(|outcome| outcome.as_ref().err().map(ToString::to_string));
        (&self.pod, format!("{:?}", self.requests), refused).hash(&mut hasher);
        hasher.finish()
    }
}

impl Running {
    /// Starts with a list of everything.
    pub(super) fn start(
        blank: &Scheduler,
        api_server: &ApiServer,
        (now, fault): (Timestamp, SchedulingFault),
    ) -> Self {
        let informer =
            |resource| Informer { reflector: Reflector::new(resource), lines: VecDeque::new() };
        let mut running = Self {
            core: blank.clone(),
            view: View::default(),
            informers: HEARD.into_iter().map(informer).collect(),
            dump: Dump::default(),
            has_failed: false,
            has_panicked: false,
            fault,
        };
        for number in 0..HEARD.len() {
            running.list(number, api_server, now);
        }
        running
    }

    /// A line is on its way.
    pub(super) fn told(&mut self, number: usize, line: Line) {
        self.informers[number].lines.push_back(line);
    }

    /// Whether there is a line to be heard.
    pub(super) fn hears(&self, number: usize) -> bool {
        !self.informers[number].lines.is_empty()
    }

    /// The lines that are on their way.
    pub(super) fn unheard(&self) -> impl Iterator<Item = &WatchEvent> {
        self.informers.iter().flat_map(|informer| &informer.lines).map(|line| &line.event)
    }

    /// Hears a line.
    pub(super) fn hear(&mut self, number: usize, now: Timestamp) {
        let informer = &mut self.informers[number];
        let Some(line) = informer.lines.pop_front() else { return };
        let change = informer.reflector.observe(&mut self.view, line.event);
        self.observe(change.into_iter().collect(), (false, now));
    }

    /// Its watch breaks; a list tells what there is.
    pub(super) fn list(&mut self, number: usize, api_server: &ApiServer, now: Timestamp) {
        let informer = &mut self.informers[number];
        informer.lines.clear();
        let (revision, objects) = api_server.list(HEARD[number]);
        let changes = informer.reflector.listed(&mut self.view, revision, objects);
        self.observe(changes, (true, now));
    }

    fn observe(&mut self, changes: Vec<Change>, (by_list, now): (bool, Timestamp)) {
        let after_failure = std::mem::take(&mut self.has_failed);
        for change in changes {
            let fault = self.fault;
            let (view, dump) = (&self.view, &self.dump);
            let hearing = Hearing { by_list, after_failure, view, dump };
            let core = &mut self.core;
            let heard = catch_unwind(AssertUnwindSafe(|| {
                for change in fault.heard(change, &hearing) {
                    core.observe(&change, now);
                }
            }));
            self.has_panicked |= heard.is_err();
            self.dump = self.core.dump();
        }
    }

    /// Whether a pod is due.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        self.core.next_deadline().is_some_and(|deadline| deadline <= now)
    }

    /// When the first pod that backs off is due.
    pub(super) fn backs_off_until(&self) -> Option<Timestamp> {
        let waits = self.dump.queue.values().filter_map(|entry| match entry.waits {
            Waits::Backoff(until) => Some(until),
            Waits::Active(_)
            | Waits::Unschedulable(..)
            | Waits::Preempting(..)
            | Waits::InFlight => None,
        });
        waits.min()
    }

    /// Decides about the next pod.
    pub(super) fn cycle(&mut self, now: Timestamp) -> Option<Decision> {
        let core = &mut self.core;
        let decided = catch_unwind(AssertUnwindSafe(|| core.schedule_one(0, now)));
        self.has_panicked |= decided.is_err();
        let decision = decided.ok().flatten();
        if let Some(decision) = &decision {
            let is_bound = matches!(decision.outcome, Choice::Bind { .. });
            self.has_failed = matches!(decision.outcome, Choice::Unschedulable { .. });
            let forgotten = self.fault.forgotten(&decision.pod, (is_bound, &self.view));
            forgotten.iter().for_each(|change| self.core.observe(change, now));
        }
        self.dump = self.core.dump();
        decision
    }

    /// Hears what came of a request; what to send next.
    pub(super) fn answered(
        &mut self,
        (pod, request): (&Key, &Request),
        outcome: &Outcome,
        now: Timestamp,
    ) -> Vec<Request> {
        self.has_failed = false;
        let is_kept = self.fault == SchedulingFault::KeepsFailedAssumptions;
        if is_kept && outcome.is_err() && request.subresource == "binding" {
            return vec![];
        }
        let requests = self.core.completed(pod, request, outcome, now);
        self.dump = self.core.dump();
        without_events(requests)
    }

    /// The hash of what it knows.
    pub(super) fn digest(&self, api_server: &ApiServer, hasher: &mut DefaultHasher) {
        self.dump.hash(hasher);
        for (resource, metadata) in self.view.all() {
            let revision = metadata.resource_version.as_deref().unwrap_or_default();
            let written = api_server.written_at(revision.parse().unwrap_or(0));
            (resource.plural, written).hash(hasher);
        }
        for informer in &self.informers {
            informer.lines.iter().for_each(|line| line.digest.hash(hasher));
            informer.lines.len().hash(hasher);
        }
        (self.has_failed && self.fault == SchedulingFault::ForgetsEventsInFlight).hash(hasher);
    }
}

/// Events (the kind) are not sent: nobody reads them.
pub(super) fn without_events(mut requests: Vec<Request>) -> Vec<Request> {
    requests.retain(|request| request.resource != &resources::EVENTS);
    requests
}
