//! The world of a run: one thread, virtual time, and a choice at each step among what can happen.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use api::trace::{Event, Origin};
use api::{Key, Timestamp, resources};
use apiserver::Context;
use apiserver::token::NamedKeys;
use kubelet::runtime::ContainerId;
use serde_json::json;
use store::Store;

use crate::sim::cast::Cast;
use crate::sim::checks;
use crate::sim::informer::{Informer, Source, Stream};
use crate::sim::load::Load;
use crate::sim::machine::{Machine, Report};
use crate::sim::network::Flight;
use crate::sim::options::Options;
use crate::sim::outcome::{Summary, Violation};
use crate::sim::plant::Plant;
use crate::sim::process::{Orders, Process};
use crate::sim::random::Random;
use crate::sim::recorder::Recorder;
use crate::sim::scenario::Heard;
use crate::sim::server::Server;
use crate::sim::user;
use crate::sim::workloads::{Ledger, Workload};

/// The second in which every run begins: 2026-01-01T00:00:00Z.
const BEGIN_SECONDS: i64 = 1_767_225_600;

/// How many pods the first machine has room for, which is full early, and how many each of the others.
const FEW_PODS: i64 = 2;
const MANY_PODS: i64 = 12;

/// How long pods stay on a node that is gone in a random run: shorter than upstream's five minutes, to see more.
const TOLERATION_SECONDS: i64 = 5;

/// How long a watch that lags tells something, or nothing.
const LAG_STEPS: u64 = 100;
/// Of so many times it tells something once.
const LAGS: u64 = 4;

/// The first processes. What else stands for election with the controllers follows, then the kubelets.
pub(crate) const CONTROLLERS: usize = 0;
const SCHEDULER: usize = 1;
const RIVALS: usize = 2;

/// Everything there is.
pub(crate) struct World<'a> {
    pub(crate) options: Options,
    pub(crate) plant: Plant,
    pub(crate) random: Random,
    pub(crate) now: Timestamp,
    pub(crate) recorder: Recorder<'a>,
    pub(crate) server: Server,
    /// A state of some time ago.
    pub(crate) past: Store,
    pub(crate) flights: BTreeMap<u64, Flight>,
    pub(crate) next_flight: u64,
    pub(crate) processes: Vec<Process>,
    pub(crate) machines: Vec<Machine>,
    /// The uids of pods that were bound through `pods/binding`.
    pub(crate) bound: BTreeSet<String>,
    /// Nothing has happened that would excuse the scheduler for overbooking a node.
    pub(crate) is_certain: bool,
    /// No component has crashed.
    pub(crate) is_steady: bool,
    pub(crate) ledger: Ledger,
    pub(crate) cast: Cast,
    /// What a scenario wants to know; nothing in a random run.
    pub(crate) heard: Option<Heard>,
    /// How long pods stay on a node that is gone.
    pub(crate) toleration_seconds: i64,
    /// What pods use; nobody tells of it while there is none.
    pub(crate) loads: Vec<Load>,
    keys: Arc<NamedKeys>,
    pub(super) steps: u64,
}

/// Something that can happen next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// An informer asks, or hears.
    Inform { process: usize, informer: usize },
    /// A part of a component acts.
    Act { process: usize, part: usize },
    /// A request reaches the API server.
    Arrive(u64),
    /// An answer reaches its component.
    Answer(u64),
    /// The disk is synced.
    Sync,
    /// A runtime finishes a job.
    Finish { machine: usize, job: usize },
}

impl World<'static> {
    /// One with so many machines, whose trace nobody reads.
    pub(crate) fn sized(options: &Options, plant: Plant, machines: usize) -> Self {
        let name = |number: usize| format!("node-{number}");
        let machines = (2..machines + 2).map(|number| Machine::new(&name(number), MANY_PODS));
        Self::with(options, plant, (Recorder::unread(), machines.collect()))
    }
}

impl<'a> World<'a> {
    pub(crate) fn new(options: &Options, plant: Plant, trace: &'a mut dyn Write) -> Self {
        let machine = |number: usize| {
            let pods_max = if number == 1 { FEW_PODS } else { MANY_PODS };
            Machine::new(&format!("node-{number}"), pods_max)
        };
        let machines = (1..=options.nodes).map(machine).collect();
        Self::with(options, plant, (Recorder::new(trace), machines))
    }

    fn with(
        options: &Options,
        plant: Plant,
        (recorder, machines): (Recorder<'a>, Vec<Machine>),
    ) -> Self {
        Self {
            options: options.clone(),
            plant,
            random: Random::new(options.seed),
            now: Timestamp::from_second(BEGIN_SECONDS).expect("it is a year from 1 to 9999"),
            recorder,
            server: Server::default(),
            past: Store::default(),
            flights: BTreeMap::new(),
            next_flight: 0,
            processes: vec![],
            machines,
            bound: BTreeSet::new(),
            is_certain: true,
            is_steady: true,
            ledger: Ledger::default(),
            cast: Cast { is_complete: options.workloads.need_all_controllers(), ..Cast::default() },
            heard: None,
            toleration_seconds: TOLERATION_SECONDS,
            loads: vec![],
            keys: Arc::new(NamedKeys("simulated")),
            steps: 0,
        }
    }

    /// Another that is the same from here on, without a scenario.
    pub(crate) fn fork(&self) -> World<'static> {
        World {
            options: self.options.clone(),
            plant: self.plant,
            random: self.random.clone(),
            now: self.now,
            recorder: self.recorder.fork(),
            server: self.server.clone(),
            past: self.past.clone(),
            flights: self.flights.clone(),
            next_flight: self.next_flight,
            processes: self.processes.clone(),
            machines: self.machines.clone(),
            bound: self.bound.clone(),
            is_certain: self.is_certain,
            is_steady: self.is_steady,
            ledger: self.ledger.clone(),
            cast: self.cast.clone(),
            heard: None,
            toleration_seconds: self.toleration_seconds,
            loads: self.loads.clone(),
            keys: self.keys.clone(),
            steps: self.steps,
        }
    }

    /// Runs to the end, or to the first thing that must not happen.
    pub(crate) fn run(mut self) -> Result<Summary, Violation> {
        self.boot();
        for _ in 0..self.options.steps {
            self.step();
            self.check()?;
        }
        self.settle()?;
        Ok(self.summary())
    }

    /// What every cluster begins with.
    pub(crate) fn boot(&mut self) {
        for request in user::bootstrap() {
            let flight = self.send(None, Origin::new("kube-apiserver", 0), request);
            self.arrive(flight);
        }
        self.sync();
        for index in 0..self.kubelet_of(self.machines.len()) {
            let is_rival = index >= RIVALS && self.machine_of(index).is_none();
            let process = if is_rival { self.absent(index) } else { self.start(index, 0) };
            self.processes.push(process);
        }
    }

    /// A controller manager that nobody has started yet.
    fn absent(&self, index: usize) -> Process {
        let mut process = Process::candidate(&self.cast, index, 0);
        process.alive = false;
        process
    }

    /// A component with empty memory.
    pub(crate) fn start(&mut self, index: usize, incarnation: u64) -> Process {
        let process = match (index, self.machine_of(index)) {
            (_, Some(machine)) => {
                let machine = &mut self.machines[machine];
                Process::kubelet(machine, incarnation, (self.now, self.plant))
            }
            (SCHEDULER, None) => Process::scheduler(incarnation),
            (_, None) if self.cast.candidates > 0 => {
                Process::candidate(&self.cast, index.max(1), incarnation)
            }
            (_, None) => Process::controllers(&self.cast, incarnation, self.plant),
        };
        self.recorder.write(process.origin().event("started", String::new()), "");
        if let Some(machine) = self.machine_of(index) {
            for (pod, container) in self.machines[machine].running() {
                self.tell(&process.origin(), "container-started", (&pod, &container));
            }
        }
        process
    }

    /// Writes what happened to a container.
    fn tell(&mut self, origin: &Origin, action: &str, (pod, container): (&Key, &ContainerId)) {
        let delta = json!({"container": container.name});
        let event = origin.event(action, api::trace::key(&resources::PODS, pod));
        self.recorder.write(Event { delta, ..event }, &container.pod_uid);
    }

    /// The machine on which a process is the kubelet.
    pub(crate) fn machine_of(&self, process: usize) -> Option<usize> {
        process.checked_sub(self.kubelet_of(0))
    }

    /// The kubelet of a machine.
    pub(crate) fn kubelet_of(&self, machine: usize) -> usize {
        RIVALS + self.cast.candidates.saturating_sub(1) + machine
    }

    /// Whether a process is the scheduler.
    pub(crate) fn is_scheduler(process: usize) -> bool {
        process == SCHEDULER
    }

    /// The first thing that must not have happened, if it did.
    pub(crate) fn check(&mut self) -> Result<(), Violation> {
        match self.recorder.objection.take() {
            None => Ok(()),
            Some(why) => {
                let (step, seq) = (self.steps, self.recorder.seq);
                Err(Violation { options: self.options.clone(), step, seq, why })
            }
        }
    }

    fn step(&mut self) {
        let faults: Vec<_> = self.options.faults.iter().collect();
        if self.random.one_in(60)
            && let Some(fault) = self.random.pick(&faults).copied()
        {
            self.steps += 1;
            return self.fail(fault);
        }
        if self.random.one_in(25) {
            self.steps += 1;
            return self.use_cluster();
        }
        self.work();
    }

    /// One thing happens that nobody causes from outside.
    pub(super) fn work(&mut self) {
        self.steps += 1;
        self.pass_time();
        if self.random.one_in(100) {
            self.bookmark();
        }
        let enabled = self.enabled();
        match self.random.pick(&enabled).copied() {
            Some(step) => self.take(step),
            None => self.wait(),
        }
    }

    /// A moment passes, now and then a long one; with more nodes, more happens in it.
    fn pass_time(&mut self) {
        let (nodes, few) = (self.options.nodes, Options::default().nodes);
        if nodes > few && self.random.below(nodes) >= few {
            return;
        }
        self.now += Duration::from_millis(1);
        if self.random.one_in(80) {
            let milliseconds = u64::try_from(self.random.below(1000)).unwrap_or(0);
            self.now += Duration::from_millis(milliseconds);
        }
    }

    /// What can happen without time passing.
    pub(crate) fn enabled(&self) -> Vec<Step> {
        let mut steps = vec![];
        for (process, found) in self.processes.iter().enumerate().filter(|(_, one)| one.alive) {
            let informers = found.caches.informers.iter().enumerate();
            let due = informers.filter(|(_, one)| one.is_due() && !self.is_held_back(one));
            steps.extend(due.map(|(informer, _)| Step::Inform { process, informer }));
            let parts = (0..found.parts()).filter(|part| found.is_due(*part, self.now));
            steps.extend(parts.map(|part| Step::Act { process, part }));
        }
        for (id, flight) in &self.flights {
            steps.extend(flight.is_travelling().then_some(Step::Arrive(*id)));
            steps.extend(flight.is_answered().then_some(Step::Answer(*id)));
        }
        steps.extend(self.server.wants_sync().then_some(Step::Sync));
        for (machine, found) in self.machines.iter().enumerate() {
            steps.extend((0..found.jobs()).map(|job| Step::Finish { machine, job }));
        }
        steps
    }

    /// Whether what a watch has to tell is on its way for long: where people ask for Services, that of Endpoints
    /// lags behind those of Services and Pods.
    fn is_held_back(&self, informer: &Informer) -> bool {
        self.options.workloads.contains(Workload::Services)
            && informer.is_of(&resources::ENDPOINTS)
            && matches!(informer.stream, Stream::Watching(_))
            && !(self.steps / LAG_STEPS).is_multiple_of(LAGS)
    }

    /// Lets it happen.
    pub(crate) fn take(&mut self, step: Step) {
        match step {
            Step::Inform { process, informer } => self.inform(process, informer),
            Step::Act { process, part } => {
                let orders = self.processes[process].act(part, (self.now, self.plant));
                self.carry_out(process, orders);
            }
            Step::Arrive(flight) => self.arrive(flight),
            Step::Answer(flight) => self.answer(flight),
            Step::Sync => self.sync(),
            Step::Finish { machine, job } => {
                let report = self.machines[machine].finish(job, self.now, self.plant);
                self.report(machine, report);
            }
        }
    }

    /// Nothing can happen before time passes.
    pub(crate) fn wait(&mut self) {
        let deadline = self.next_deadline();
        let later = self.now + Duration::from_secs(1);
        self.now = deadline.filter(|deadline| *deadline > self.now).unwrap_or(later);
    }

    /// When something can happen next because of the time.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        let alive = self.processes.iter().filter(|process| process.alive);
        alive.filter_map(Process::next_deadline).min()
    }

    fn inform(&mut self, process: usize, informer: usize) {
        let context = self.context();
        let found = &mut self.processes[process];
        let source = Source {
            store: &self.server.published,
            past: &self.past,
            context: &context,
            plant: self.plant,
        };
        if matches!(found.caches.informers[informer].stream, Stream::Closed) {
            let informer = &mut found.caches.informers[informer];
            return informer.connect(&source, &found.actor, &mut self.random);
        }
        let origin = found.origin();
        found.caches.deliver(informer, &origin, &mut self.recorder);
    }

    /// Every open watch is sent what has been published.
    pub(crate) fn pull(&mut self) {
        let context = self.context();
        let source = Source {
            store: &self.server.published,
            past: &self.past,
            context: &context,
            plant: self.plant,
        };
        for process in &mut self.processes {
            for informer in &mut process.caches.informers {
                informer.pull(&source, &mut self.random);
            }
        }
    }

    fn bookmark(&mut self) {
        let chosen = self.random.below(self.processes.len());
        let Some(process) = self.processes.get_mut(chosen) else { return };
        let informers = &mut process.caches.informers;
        let chosen = self.random.below(informers.len());
        if let Some(informer) = informers.get_mut(chosen) {
            informer.bookmark(self.plant);
        }
    }

    pub(crate) fn carry_out(&mut self, process: usize, orders: Orders) {
        if let Some(why) = orders.broken {
            self.recorder.object(&why);
        }
        if let Some(heard) = &mut self.heard {
            heard.said(&self.processes[process].origin(), orders.said);
        }
        for (errand, request) in orders.requests {
            self.send_for(process, errand, request);
        }
        if let Some(machine) = self.machine_of(process) {
            for command in orders.runtime {
                self.machines[machine].order(command);
            }
        }
    }

    /// A runtime tells the trace and its kubelet what has happened.
    pub(crate) fn report(&mut self, machine: usize, report: Option<Report>) {
        let Some(Report { event, told }) = report else { return };
        let process = self.kubelet_of(machine);
        if let Some((action, pod, container)) = told {
            let origin = self.processes[process].observing();
            self.tell(&origin, action, (&pod, &container));
            checks::machine_is_not_overbooked(&self.machines[machine], &mut self.recorder);
            if let Some(why) = self.options.workloads.running_twice(&self.machines, &pod) {
                self.recorder.object(&why);
            }
        }
        // A runtime goes on without its kubelet, which finds out when it is there again.
        if !self.processes[process].alive {
            return;
        }
        let orders = self.processes[process].reported(event, self.now);
        self.carry_out(process, orders);
    }

    /// The time, and names that nothing has yet.
    pub(crate) fn context(&mut self) -> Context {
        Context {
            now: self.now,
            uid: self.random.uid(),
            random: self.random.bits(),
            default_toleration_seconds: self.toleration_seconds,
            keys: self.keys.clone(),
            components: apiserver::Components::default(),
            feature_gates: self.cast.feature_gates.clone(),
        }
    }

    fn summary(self) -> Summary {
        let begin = Timestamp::from_second(BEGIN_SECONDS).unwrap_or(self.now);
        let seconds = api::time::seconds_between(begin, self.now);
        Summary {
            seed: self.options.seed,
            steps: self.steps,
            virtual_seconds: u64::try_from(seconds).unwrap_or(0),
            revision: self.server.published.revision().0,
            trace_hash: self.recorder.hash(),
            ..self.recorder.summary
        }
    }
}
