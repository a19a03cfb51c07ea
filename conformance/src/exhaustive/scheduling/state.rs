//! How schedulers, their API server and its nodes stand, and what comes of each step.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use api::{Request, Timestamp};
use client::Outcome;
use scheduler::{Configuration, Scheduler};
use serde_json::Value;

use super::action::Action;
use super::api_server::ApiServer;
use super::claims::{self, Broken};
use super::kubelets::{self, Work};
use super::replica::{Flight, Replica, Running, without_events};
use super::stories::Budgets;
use super::{SchedulingFault, Story};
use crate::sim::{user, wire};

/// A state.
#[derive(Clone)]
pub(super) struct State {
    pub(super) story: &'static Story,
    pub(super) fault: SchedulingFault,
    pub(super) api_server: Arc<ApiServer>,
    pub(super) replicas: Vec<Replica>,
    /// Which of them leads, if one does.
    pub(super) leader: usize,
    /// What schedulers have sent before they crashed.
    pub(super) late: Vec<Request>,
    /// A scheduler that has heard of nothing.
    blank: Arc<Scheduler>,
    pub(super) now: Timestamp,
    pub(super) asked: usize,
    pub(super) waits: u8,
    pub(super) budgets: Budgets,
    pub(super) past: Past,
    /// The claims that the last step has broken.
    pub(super) broken: Broken,
    /// What has happened in the last step, by the claims that say that it can.
    pub(super) happened: Vec<&'static str>,
}

/// What has gone wrong before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Past {
    /// A scheduler has crashed, or another leads.
    pub(super) crashed: bool,
    /// A request was lost.
    pub(super) lost_request: bool,
    /// An answer was lost.
    pub(super) lost_answer: bool,
}

impl State {
    /// Everything given is there, and the schedulers have started.
    pub(super) fn new(story: &'static Story, fault: SchedulingFault) -> Self {
        let mut state = Self {
            story,
            fault,
            api_server: Arc::new(ApiServer::new()),
            replicas: vec![Replica::default(); story.schedulers],
            leader: 0,
            late: vec![],
            blank: Arc::new(Scheduler::new(Configuration::default())),
            now: Timestamp::UNIX_EPOCH,
            asked: 0,
            waits: 0,
            budgets: story.budgets,
            past: Past::default(),
            broken: vec![],
            happened: vec![],
        };
        let given = story.given.iter().map(|given| given());
        for request in user::bootstrap().into_iter().chain([user::service_account()]).chain(given) {
            let outcome = state.perform("kubectl", &request);
            outcome.expect("what is given is created");
        }
        for work in kubelets::work(&state.api_server) {
            if matches!(work, Work::Admit(_)) {
                state.work(&work);
            }
        }
        for scheduler in 0..story.schedulers {
            if state.may_run(scheduler) {
                state.start(scheduler);
            }
        }
        state
    }

    /// What it is like when this has happened.
    pub(super) fn after(&self, action: &Action) -> Self {
        let mut next = self.clone();
        match action {
            Action::Ask => {
                let request = self.story.asked[self.asked]();
                next.asked += 1;
                // What is not there any more cannot be asked for.
                drop(next.perform("kubectl", &request));
            }
            Action::Start(scheduler) => next.start(*scheduler),
            Action::Hear { scheduler, resource } => {
                let now = next.now;
                next.change(*scheduler, |running| running.hear(*resource, now));
                claims::hears(self, &mut next, *scheduler);
            }
            Action::List { scheduler, resource } => {
                next.budgets.lists -= 1;
                let (now, api_server) = (next.now, Arc::clone(&next.api_server));
                next.change(*scheduler, |running| running.list(*resource, &api_server, now));
                claims::hears(self, &mut next, *scheduler);
            }
            Action::Cycle(scheduler) => next.cycle(*scheduler, self),
            Action::Arrive { scheduler, flight } => next.arrive(*scheduler, *flight),
            Action::Answer { scheduler, flight } => {
                let found = &mut next.replicas[*scheduler].flights[*flight];
                let outcome = found.outcome.take().unwrap_or_else(wire::no_answer);
                next.answer((*scheduler, *flight), &outcome);
            }
            Action::LoseRequest { scheduler, flight } => {
                next.budgets.losses -= 1;
                next.past.lost_request = true;
                next.answer((*scheduler, *flight), &wire::no_answer());
            }
            Action::LoseAnswer { scheduler, flight } => {
                next.budgets.losses -= 1;
                next.past.lost_answer = true;
                next.arrive(*scheduler, *flight);
                next.replicas[*scheduler].flights[*flight].outcome = None;
                next.answer((*scheduler, *flight), &wire::no_answer());
            }
            Action::Crash(scheduler) => next.crash(*scheduler),
            Action::ArriveLate(late) => {
                let request = next.late.remove(*late);
                drop(next.perform("kube-scheduler", &request));
            }
            Action::Work(work) => {
                next.budgets.collections -= u8::from(matches!(work, Work::Collect(_)));
                next.work(work);
            }
            Action::Wait => {
                next.budgets.delays =
                    next.budgets.delays.saturating_sub(u8::from(!self.is_quiet()));
                next.waits += 1;
                next.now = self.backs_off_until().unwrap_or(self.now);
            }
        }
        claims::stands(&mut next);
        next
    }

    /// The claims that are broken where nothing can happen any more.
    pub(super) fn broken_at_end(&self) -> Broken {
        claims::at_end(self)
    }

    fn start(&mut self, scheduler: usize) {
        let running = Running::start(&self.blank, &self.api_server, (self.now, self.fault));
        self.replicas[scheduler].running = Some(Arc::new(running));
    }

    fn change<R>(&mut self, scheduler: usize, change: impl FnOnce(&mut Running) -> R) -> Option<R> {
        let running = self.replicas[scheduler].running.as_mut()?;
        Some(change(Arc::make_mut(running)))
    }

    fn cycle(&mut self, scheduler: usize, before: &Self) {
        let now = self.now;
        let decision = self.change(scheduler, |running| running.cycle(now)).flatten();
        let Some(decision) = decision else { return };
        claims::decides(before, self, (scheduler, &decision));
        self.send(scheduler, decision.pod, decision.requests);
    }

    fn send(&mut self, scheduler: usize, pod: api::Key, requests: Vec<Request>) {
        let mut flight = Flight { pod, requests: without_events(requests).into(), outcome: None };
        while let Some(request) = flight.requests.pop_front_if(|request| only_explains(request)) {
            drop(self.perform("kube-scheduler", &request));
        }
        if !flight.requests.is_empty() {
            self.replicas[scheduler].flights.push(flight);
        }
    }

    fn arrive(&mut self, scheduler: usize, flight: usize) {
        let found = &self.replicas[scheduler].flights[flight];
        let (is_awaited, request) = (found.is_awaited(), found.requests[0].clone());
        let outcome = match self.fault.is_swallowed(&request) {
            true => Ok(Value::Null),
            false => self.perform("kube-scheduler", &request),
        };
        let found = &mut self.replicas[scheduler].flights[flight];
        if is_awaited {
            found.outcome = Some(outcome);
        } else {
            found.requests.pop_front();
            self.drop_empty(scheduler);
        }
    }

    fn answer(&mut self, (scheduler, flight): (usize, usize), outcome: &Outcome) {
        let found = &mut self.replicas[scheduler].flights[flight];
        let (pod, now) = (found.pod.clone(), self.now);
        let Some(request) = found.requests.pop_front() else { return };
        self.drop_empty(scheduler);
        let more =
            self.change(scheduler, |running| running.answered((&pod, &request), outcome, now));
        self.send(scheduler, pod, more.unwrap_or_default());
    }

    fn drop_empty(&mut self, scheduler: usize) {
        self.replicas[scheduler].flights.retain(|flight| !flight.requests.is_empty());
    }

    fn crash(&mut self, scheduler: usize) {
        self.budgets.crashes -= 1;
        self.past.crashed = true;
        let replica = &mut self.replicas[scheduler];
        replica.running = None;
        for flight in std::mem::take(&mut replica.flights) {
            let is_travelling = flight.outcome.is_none();
            self.late.extend(flight.requests.into_iter().next().filter(|_| is_travelling));
        }
        self.leader = (scheduler + 1) % self.story.schedulers;
    }

    fn work(&mut self, work: &Work) {
        let request = kubelets::done(&self.api_server, work, (self.now, self.fault));
        drop(self.perform("kubelet", &request));
    }

    /// What comes of a request; schedulers that run are going to hear of it.
    fn perform(&mut self, actor: &str, request: &Request) -> Outcome {
        let before = Arc::clone(&self.api_server);
        let mut arrived = request.clone();
        self.fault.arrived(&mut arrived);
        let api_server = Arc::make_mut(&mut self.api_server);
        let at = (self.now, self.fault.in_api_server());
        let (outcome, told) = api_server.perform((actor, &arrived), at);
        for (resource, line) in told {
            for scheduler in 0..self.replicas.len() {
                self.change(scheduler, |running| running.told(resource, line.clone()));
            }
        }
        claims::arrives(self, (&before, request), &outcome);
        outcome
    }

    /// The hash of everything that what happens next depends on.
    pub(super) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.api_server.digest(&mut hasher);
        for replica in &self.replicas {
            replica.running.is_some().hash(&mut hasher);
            if let Some(running) = &replica.running {
                running.digest(&self.api_server, &mut hasher);
            }
            let mut flights: Vec<u64> = replica.flights.iter().map(Flight::digest).collect();
            flights.sort_unstable();
            flights.hash(&mut hasher);
        }
        let mut late: Vec<String> =
            self.late.iter().map(|request| format!("{request:?}")).collect();
        late.sort_unstable();
        (late, self.leader, self.now, self.waits, self.asked, self.budgets, self.past)
            .hash(&mut hasher);
        hasher.finish()
    }
}

/// Whether a request says of a Pod why it waits, and nothing else: nobody decides by that.
fn only_explains(request: &Request) -> bool {
    let status = request.body.as_ref().map(|body| &body["status"]);
    let condition = status.map(|status| &status["conditions"][0]["type"]);
    let nominates = status.is_some_and(|status| status.get("nominatedNodeName").is_some());
    condition.is_some_and(|condition| condition == "PodScheduled") && !nominates
}
