//! A tiny cluster: what can happen in it, and what it is like.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::RangeInclusive;
use std::time::Duration;

use api::trace::{Origin, key};
use api::{ApiResource, Request, resources};
use apiserver::keys;
use store::Store;

use super::Story;
use super::digest::Written;
use crate::sim::Workload;
use crate::sim::cast::Cast;
use crate::sim::informer::Stream;
use crate::sim::network::Flight;
use crate::sim::options::Options;
use crate::sim::plant::Plant;
use crate::sim::random::Random;
use crate::sim::user;
use crate::sim::world::{CONTROLLERS, Step, World};

/// How many steps everybody but the controllers may take until they rest.
const REST_STEPS: usize = 10_000;

/// What scheduler and kubelets have to do with.
const REST: [&ApiResource; 8] = [
    &resources::PODS,
    &resources::NODES,
    &resources::PERSISTENT_VOLUMES,
    &resources::PERSISTENT_VOLUME_CLAIMS,
    &resources::STORAGE_CLASSES,
    &resources::RESOURCE_CLAIMS,
    &resources::RESOURCE_SLICES,
    &resources::DEVICE_CLASSES,
];

/// What passes, now and then, while there is something to do.
const MINUTE: Duration = Duration::from_secs(60);

/// How often time may pass before a cluster in which nothing happens is what it was asked to be.
const WAITS: usize = 40;

/// A cluster, and what may still be done to it.
pub(super) struct Cluster {
    pub(super) world: World<'static>,
    story: &'static Story,
    /// How much was asked for.
    asked: usize,
    crashes: usize,
    failovers: usize,
    losses: usize,
    minutes: usize,
    waits: usize,
    /// The revisions that scheduler and kubelets have written in one go.
    rest: Vec<RangeInclusive<u64>>,
    /// What they had to do with when they last worked.
    pub(super) rested: u64,
    pub(super) written: Written,
}

/// What can happen next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Choice {
    /// A step of the controllers.
    Step(Step),
    /// Everybody else works until there is nothing left to do.
    Rest,
    /// Those who are not simulated do the next thing.
    Tend,
    /// Somebody asks for the next thing.
    Ask,
    /// The controllers lose their memory.
    Crash,
    /// Other controllers take over, once nothing of these is on its way.
    FailOver,
    /// A request does not arrive.
    LoseRequest(u64),
    /// A request arrives, and its answer does not.
    LoseAnswer(u64),
    /// Time passes, up to when there is something to do.
    Wait,
    /// A minute passes, whatever there is to do.
    PassMinute,
}

impl Cluster {
    /// The cluster in which the story begins.
    pub(super) fn new(story: &'static Story, plant: Plant) -> Self {
        let workloads = story.workload.into_iter().collect();
        let options = Options { workloads, ..Options::default() };
        let mut world = World::sized(&options, plant, story.machines);
        world.cast = Cast {
            controllers: Some(story.controllers),
            resources: Some(story.resources),
            ..world.cast
        };
        world.boot();
        let mut cluster = Self {
            world,
            story,
            asked: 0,
            crashes: story.crashes,
            failovers: story.failovers,
            losses: story.losses,
            minutes: story.minutes,
            waits: WAITS,
            rest: vec![],
            rested: 0,
            written: Written::default(),
        };
        cluster.come_to_rest();
        let accounts = keys::range(&resources::SERVICE_ACCOUNTS, None);
        if cluster.world.server.published.range(&accounts).next().is_none() {
            cluster.give(|_| user::service_account());
        }
        story.given.iter().for_each(|request| cluster.give(*request));
        cluster.world.now += Duration::from_secs(story.quiet_seconds);
        cluster.world.past = cluster.world.server.published.clone();
        cluster
    }

    /// The same cluster, to try something else with.
    pub(super) fn fork(&self) -> Self {
        Self {
            world: self.world.fork(),
            rest: self.rest.clone(),
            written: self.written.clone(),
            ..*self
        }
    }

    /// Everything that can happen next; nothing at the end.
    pub(super) fn choices(&self) -> Vec<Choice> {
        let mut steps = self.world.enabled();
        steps.retain(|step| self.is_of_controllers(*step));
        let mut choices: Vec<Choice> = steps.into_iter().map(Choice::Step).collect();
        choices.extend(self.has_rest().then_some(Choice::Rest));
        choices.extend(self.tended().map(|_| Choice::Tend));
        choices.extend((self.asked < self.story.asked.len()).then_some(Choice::Ask));
        if choices.is_empty() && self.waits > 0 && self.unsettled().is_some() {
            choices.push(Choice::Wait);
        }
        choices.extend((self.crashes > 0).then_some(Choice::Crash));
        choices.extend(self.may_fail_over().then_some(Choice::FailOver));
        choices.extend((self.minutes > 0).then_some(Choice::PassMinute));
        if self.losses > 0 {
            let flights = self.world.flights.iter();
            let travelling = flights.filter(|(_, flight)| {
                flight.process() == Some(CONTROLLERS) && flight.is_travelling()
            });
            choices.extend(
                travelling.flat_map(|(id, _)| [Choice::LoseRequest(*id), Choice::LoseAnswer(*id)]),
            );
        }
        choices
    }

    /// Whether nothing can happen any more but a fault.
    pub(super) fn rests(choices: &[Choice]) -> bool {
        let is_fault = |choice: &Choice| {
            matches!(
                choice,
                Choice::Crash
                    | Choice::FailOver
                    | Choice::PassMinute
                    | Choice::LoseRequest(_)
                    | Choice::LoseAnswer(_)
            )
        };
        choices.iter().all(is_fault)
    }

    /// Lets something happen.
    pub(super) fn take(&mut self, choice: Choice) {
        let before = self.world.server.published.clone();
        match choice {
            Choice::Step(Step::Inform { informer, .. }) => self.hear(informer),
            Choice::Step(Step::Arrive(flight)) => {
                self.arrive(flight);
                self.world.take(Step::Answer(flight));
            }
            Choice::Step(step) => self.world.take(step),
            Choice::Rest => self.rest(),
            Choice::Tend => {
                if let Some(request) = self.tended() {
                    self.perform(request);
                }
            }
            Choice::Ask => {
                let request = self.story.asked[self.asked](&self.world.server.published);
                self.asked += 1;
                self.perform(request);
            }
            Choice::Crash => {
                self.crashes -= 1;
                self.world.crash_process(CONTROLLERS);
            }
            Choice::FailOver => {
                self.failovers -= 1;
                self.world.fail_over();
            }
            Choice::LoseRequest(flight) => {
                self.losses -= 1;
                self.world.lose(flight);
            }
            Choice::LoseAnswer(flight) => {
                self.losses -= 1;
                self.arrive(flight);
                self.world.lose(flight);
            }
            Choice::Wait => {
                self.waits -= 1;
                self.world.wait();
            }
            Choice::PassMinute => {
                self.minutes -= 1;
                self.world.now += MINUTE;
            }
        }
        self.hasten();
        self.written.remember(&before, &self.world.server.published);
        if matches!(choice, Choice::Rest) {
            self.rested = self.digest_of(&REST);
        }
    }

    /// Whether somebody else than the controllers has something to do.
    pub(super) fn has_rest(&self) -> bool {
        self.world.enabled().into_iter().any(|step| !self.is_of_controllers(step))
    }

    /// Where nothing can happen any more, everything is as it was asked for, and the model has followed.
    pub(super) fn check_end(&self) -> Result<(), String> {
        if let Some(why) = self.unsettled() {
            return Err(format!("{why}, and nothing can happen any more"));
        }
        let beyond = self.world.recorder.beyond().filter(|_| !self.story.is_beyond_model);
        beyond.map_or(Ok(()), |why| Err(format!("the model does not follow: {why}")))
    }

    fn may_fail_over(&self) -> bool {
        let mut flights = self.world.flights.values();
        self.failovers > 0 && !flights.any(|flight| flight.process() == Some(CONTROLLERS))
    }

    /// What those would do next who are not simulated.
    fn tended(&self) -> Option<Request> {
        let workload = self.story.workload?;
        workload.tend(&self.world.server.published).into_iter().next()
    }

    /// What is not as it was asked for.
    fn unsettled(&self) -> Option<String> {
        self.world.unsettled(&BTreeSet::new())
    }

    /// Names that are drawn follow from how many objects there were, not from the order in which they came.
    fn draw_again(&mut self, resource: &ApiResource) {
        let mut hasher = DefaultHasher::new();
        (resource.plural, self.written.created(resource)).hash(&mut hasher);
        self.world.random = Random::new(hasher.finish());
    }

    /// A request of the controllers is performed, and its answer is on its way.
    fn arrive(&mut self, flight: u64) {
        let resource = self.world.flights[&flight].resource();
        self.draw_again(resource);
        self.world.take(Step::Arrive(flight));
        self.hasten();
    }

    /// What must be there before the story begins.
    fn give(&mut self, request: fn(&Store) -> Request) {
        let before = self.world.server.published.revision();
        self.perform(request(&self.world.server.published));
        if self.world.server.published.revision() == before {
            self.world.recorder.object("what the story begins with is refused");
        }
        self.come_to_rest();
        while let Some(request) = self.tended() {
            self.perform(request);
            self.come_to_rest();
        }
    }

    fn perform(&mut self, request: Request) {
        let before = self.world.server.published.clone();
        self.draw_again(request.resource);
        let flight = self.world.send(None, Origin::new("kubectl", 0), request);
        self.world.arrive(flight);
        self.hasten();
        self.world.flights.remove(&flight);
        self.written.remember(&before, &self.world.server.published);
    }

    /// What would only multiply the orders: the disk is synced, and caches ask, without delay.
    fn hasten(&mut self) {
        if self.world.server.wants_sync() {
            self.world.sync();
        }
        // Without machines there are no Pods, and nothing that the scheduler does matters.
        if self.story.machines == 0 {
            self.work();
        }
        let informers = 0..self.world.processes[CONTROLLERS].caches.informers.len();
        for informer in informers {
            let informers = &self.world.processes[CONTROLLERS].caches.informers;
            if matches!(informers[informer].stream, Stream::Closed) {
                self.world.take(Step::Inform { process: CONTROLLERS, informer });
            }
        }
    }

    fn is_of_controllers(&self, step: Step) -> bool {
        match step {
            Step::Inform { process, .. } | Step::Act { process, .. } => process == CONTROLLERS,
            Step::Arrive(flight) | Step::Answer(flight) => {
                self.world.flights[&flight].process() == Some(CONTROLLERS)
            }
            Step::Sync | Step::Finish { .. } => false,
        }
    }

    /// The next line of a watch; what was written in one go is heard in one go.
    fn hear(&mut self, informer: usize) {
        let step = Step::Inform { process: CONTROLLERS, informer };
        self.world.take(step);
        let (mut read, mut is_due) = self.read(informer);
        let together = self.rest.iter().find(|written| written.contains(&read));
        let last = together.map_or(read, |written| *written.end());
        while is_due && read < last {
            self.world.take(step);
            (read, is_due) = self.read(informer);
        }
    }

    /// How far it has read, and whether there is more.
    fn read(&self, informer: usize) -> (u64, bool) {
        let informer = &self.world.processes[CONTROLLERS].caches.informers[informer];
        (informer.revision(), informer.is_due())
    }

    fn rest(&mut self) {
        let before = self.world.server.head.revision().0;
        self.draw_again(&resources::PODS);
        self.work();
        if self.story.workload == Some(Workload::Jobs) {
            self.world.end_work(0);
            self.work();
        }
        let written = before + 1..=self.world.server.head.revision().0;
        self.rest.extend((!written.is_empty()).then_some(written));
    }

    fn work(&mut self) {
        for _ in 0..REST_STEPS {
            let mut steps = self.world.enabled().into_iter();
            let Some(step) = steps.find(|step| !self.is_of_controllers(*step)) else { return };
            self.world.take(step);
        }
        self.world.recorder.object("scheduler and kubelets do not come to rest");
    }

    /// Everybody works until there is nothing left to do.
    fn come_to_rest(&mut self) {
        for _ in 0..REST_STEPS {
            let Some(step) = self.world.enabled().first().copied() else { return };
            self.world.take(step);
        }
        self.world.recorder.object("the cluster does not come to rest");
    }

    fn describe(&self, step: Step) -> String {
        let process = &self.world.processes[CONTROLLERS];
        match step {
            Step::Inform { informer, .. } => {
                format!("hears of {}", process.caches.informers[informer].resource().plural)
            }
            Step::Act { part, .. } => format!("{} looks", process.name_of(part)),
            Step::Arrive(flight) => format!("arrives: {}", self.world.flights[&flight]),
            Step::Answer(flight) => format!("is answered: {}", self.world.flights[&flight]),
            Step::Sync | Step::Finish { .. } => String::new(),
        }
    }

    /// What a choice does, for whoever reads a counterexample.
    pub(super) fn words(&self, choice: Choice) -> String {
        match choice {
            Choice::Step(step) => self.describe(step),
            Choice::Rest => "scheduler and kubelets do their work".to_owned(),
            Choice::Tend => "drivers and the like do the next thing".to_owned(),
            Choice::Ask => {
                let request = self.story.asked[self.asked](&self.world.server.published);
                let object = key(request.resource, &request.key);
                format!("somebody asks: {:?} {object} {}", request.verb, request.subresource)
            }
            Choice::Crash => "the controllers crash".to_owned(),
            Choice::FailOver => "other controllers take over".to_owned(),
            Choice::LoseRequest(flight) => format!("is lost: {}", self.world.flights[&flight]),
            Choice::LoseAnswer(flight) => {
                format!("the answer is lost: {}", self.world.flights[&flight])
            }
            Choice::Wait => "time passes".to_owned(),
            Choice::PassMinute => "a minute passes".to_owned(),
        }
    }

    /// How much may still be done to it.
    pub(super) fn left(&self) -> [usize; 6] {
        [self.asked, self.crashes, self.failovers, self.losses, self.minutes, self.waits]
    }

    /// The claims of what can happen, and has.
    pub(super) fn happened(&self) -> impl Iterator<Item = &'static str> {
        let flights = self.world.flights.values();
        let sent = flights.filter(|one| one.is_travelling_for(CONTROLLERS)).map(Flight::request);
        let (sent, store): (Vec<_>, _) = (sent.collect(), &self.world.server.published);
        let possible = self.story.possible.iter();
        possible
            .filter(move |(_, has_happened)| has_happened(store, &sent))
            .map(|(claim, _)| *claim)
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cluster").field("story", &self.story.name).finish_non_exhaustive()
    }
}
