//! A component as it runs: its caches and its core, from one start to the next crash.

use api::trace::Origin;
use api::{ApiResource, Key, Request, Timestamp, resources};
use client::{Change, Outcome};
use kubelet::runtime::{RuntimeCommand, RuntimeEvent};
use kubelet::{Command, Input, Kubelet, Purpose};

use crate::sim::authority;
use crate::sim::informer::Caches;
use crate::sim::loops::{ControllerLoop, Place, SchedulerLoop};
use crate::sim::machine::Machine;
use crate::sim::plant::{self, Plant};

/// A component. A new incarnation is a new value.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) actor: String,
    pub(crate) incarnation: u64,
    /// Whether it is there at all: a kubelet dies with its machine.
    pub(crate) alive: bool,
    pub(crate) caches: Caches,
    body: Body,
}

#[derive(Clone, Debug)]
enum Body {
    /// All of them in one process, on the same caches.
    Controllers(Vec<ControllerLoop>),
    Scheduler(Box<SchedulerLoop>),
    Kubelet(Box<KubeletLoop>),
}

#[derive(Clone, Debug)]
struct KubeletLoop {
    kubelet: Kubelet,
    /// It was told that its first list is in.
    has_synced: bool,
    /// When something becomes due by itself: it is asked for at each step, of each of many.
    next_deadline: Timestamp,
}

/// Which controllers there are: all of them, unless some are chosen, with what they watch.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cast {
    pub(crate) controllers: Option<&'static [&'static str]>,
    pub(crate) resources: Option<&'static [&'static ApiResource]>,
    /// Whether there are the controllers too that must be told something: who signs, whence addresses come.
    pub(crate) is_complete: bool,
}

impl Cast {
    /// Whether there is this controller.
    pub(crate) fn has(&self, controller: &str) -> bool {
        self.controllers.is_none_or(|chosen| chosen.contains(&controller))
    }

    fn config(&self) -> controllers::Config {
        if self.is_complete { authority::config() } else { controllers::Config::default() }
    }

    fn watched(&self) -> Vec<&'static ApiResource> {
        let resources = self.resources.unwrap_or(resources::ALL);
        resources.iter().copied().filter(|resource| *resource != &resources::EVENTS).collect()
    }
}

/// What a component wants done.
#[derive(Default)]
pub(crate) struct Orders {
    pub(crate) requests: Vec<(Errand, Request)>,
    pub(crate) runtime: Vec<RuntimeCommand>,
    /// Events (the kind), which are not sent.
    pub(crate) said: Vec<Request>,
    /// The claim that its plan breaks.
    pub(crate) broken: Option<String>,
}

/// What an answer belongs to.
#[derive(Clone, Debug)]
pub(crate) enum Errand {
    /// A place in the plan of a controller.
    Plan { controller: usize, place: Place },
    /// The scheduling of a pod.
    Pod(Key),
    /// A purpose of a kubelet.
    Kubelet(Purpose),
}

impl Process {
    /// Whether it runs pods.
    pub(crate) fn is_kubelet(&self) -> bool {
        matches!(self.body, Body::Kubelet(_))
    }

    /// `kube-controller-manager`.
    pub(crate) fn controllers(cast: &Cast, incarnation: u64, plant: Plant) -> Self {
        let mut controllers = controllers::all(&cast.config());
        controllers.retain(|controller| cast.has(controller.name()));
        let watched = cast.watched();
        let caches = Caches::new(&watched, "", controllers.len());
        let is_hasty = cast.controllers.is_some();
        let started = controllers.into_iter().map(|one| plant::controllers::started(plant, one));
        let loops = started.map(|controller| ControllerLoop::new(controller, is_hasty)).collect();
        Self::new("kube-controller-manager", incarnation, caches, Body::Controllers(loops))
    }

    /// `kube-scheduler`.
    pub(crate) fn scheduler(incarnation: u64) -> Self {
        let caches = Caches::new(&scheduler::WATCHED, "", 1);
        Self::new(
            "kube-scheduler",
            incarnation,
            caches,
            Body::Scheduler(Box::new(SchedulerLoop::new())),
        )
    }

    /// The kubelet of a machine.
    pub(crate) fn kubelet(
        machine: &mut Machine,
        incarnation: u64,
        (now, plant): (Timestamp, Plant),
    ) -> Self {
        let own = format!("spec.nodeName={}", machine.name);
        let fields = if plant == Plant::KubeletRunsPodsOfOthers { String::new() } else { own };
        let caches = Caches::new(&[&resources::PODS], &fields, 1);
        let kubelet = Kubelet::new(machine.config(plant), machine.found(), now);
        let next_deadline = kubelet.next_deadline();
        let own = KubeletLoop { kubelet, has_synced: false, next_deadline };
        let body = Body::Kubelet(Box::new(own));
        Self::new(&format!("kubelet/{}", machine.name), incarnation, caches, body)
    }

    fn new(actor: &str, incarnation: u64, caches: Caches, body: Body) -> Self {
        Self { actor: actor.to_owned(), incarnation, alive: true, caches, body }
    }

    /// Who it is in the trace.
    pub(crate) fn origin(&self) -> Origin {
        Origin::new(&self.actor, self.incarnation)
    }

    /// The same, having read what it has read.
    pub(crate) fn observing(&self) -> Origin {
        let observed_revision = match &self.body {
            Body::Controllers(_) | Body::Scheduler(_) => self.caches.view.revision,
            Body::Kubelet(own) => own.kubelet.revision(),
        };
        Origin { observed_revision, ..self.origin() }
    }

    /// How many parts act on their own.
    pub(crate) fn parts(&self) -> usize {
        match &self.body {
            Body::Controllers(loops) => loops.len(),
            Body::Scheduler(_) | Body::Kubelet(_) => 1,
        }
    }

    /// The name of a part.
    pub(crate) fn name_of(&self, part: usize) -> &str {
        match &self.body {
            Body::Controllers(loops) => loops[part].name(),
            Body::Scheduler(_) | Body::Kubelet(_) => &self.actor,
        }
    }

    /// Whether a part would do something now.
    pub(crate) fn is_due(&self, part: usize, now: Timestamp) -> bool {
        let has_changes = self.caches.has_changes(part);
        match &self.body {
            Body::Controllers(loops) => loops[part].is_due(has_changes, now),
            Body::Scheduler(scheduler) => scheduler.is_due(has_changes, now),
            Body::Kubelet(own) => {
                let syncs = self.caches.has_synced() && !own.has_synced;
                has_changes || syncs || own.next_deadline <= now
            }
        }
    }

    /// When something becomes due by itself.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        match &self.body {
            Body::Controllers(loops) => {
                loops.iter().filter_map(ControllerLoop::next_deadline).min()
            }
            Body::Scheduler(scheduler) => scheduler.next_deadline(),
            Body::Kubelet(own) => {
                Some(own.next_deadline).filter(|deadline| *deadline < Timestamp::MAX)
            }
        }
    }

    /// A part hears of what has changed and acts.
    pub(crate) fn act(&mut self, part: usize, (now, plant): (Timestamp, Plant)) -> Orders {
        let changes = self.caches.take_changes(part);
        let view = &self.caches.view;
        match &mut self.body {
            Body::Controllers(loops) => {
                let requests = loops[part].act(view, &changes, (now, plant));
                let (said, broken) = (loops[part].take_said(), loops[part].take_broken());
                Orders { said, broken, ..planned(part, requests) }
            }
            Body::Scheduler(scheduler) => {
                let requests = scheduler.act(view, &changes, (now, plant));
                Orders { said: scheduler.take_said(), ..scheduled(requests) }
            }
            Body::Kubelet(own) => {
                let synced = self.caches.has_synced();
                own.act((changes, view.revision), synced, now)
            }
        }
    }

    /// Hears what came of a request.
    pub(crate) fn answered(
        &mut self,
        errand: Errand,
        (request, outcome): (&Request, Outcome),
        (now, plant): (Timestamp, Plant),
    ) -> Orders {
        match (&mut self.body, errand) {
            (Body::Controllers(loops), Errand::Plan { controller, place }) => {
                planned(controller, loops[controller].answered(place, outcome, (now, plant)))
            }
            (Body::Scheduler(scheduler), Errand::Pod(pod)) => {
                let requests = scheduler.answered((&pod, request), &outcome, now);
                Orders { said: scheduler.take_said(), ..scheduled(requests) }
            }
            (Body::Kubelet(own), Errand::Kubelet(purpose)) => {
                ordered(own.handle(Input::Answer(purpose, outcome), now))
            }
            (Body::Controllers(_) | Body::Scheduler(_) | Body::Kubelet(_), _) => Orders::default(),
        }
    }

    /// A kubelet hears of its runtime.
    pub(crate) fn reported(&mut self, event: RuntimeEvent, now: Timestamp) -> Orders {
        match &mut self.body {
            Body::Kubelet(own) => ordered(own.handle(Input::Runtime(event), now)),
            Body::Controllers(_) | Body::Scheduler(_) => Orders::default(),
        }
    }
}

impl KubeletLoop {
    fn handle(&mut self, input: Input, now: Timestamp) -> Vec<Command> {
        let commands = self.kubelet.handle(input, now);
        self.next_deadline = self.kubelet.next_deadline();
        commands
    }

    fn act(
        &mut self,
        (changes, revision): (Vec<Change>, u64),
        synced: bool,
        now: Timestamp,
    ) -> Orders {
        let mut commands = vec![];
        for change in changes {
            commands.extend(self.handle(Input::Pod(change, revision), now));
        }
        if synced && !self.has_synced {
            self.has_synced = true;
            commands.extend(self.handle(Input::Synced, now));
        }
        if self.next_deadline <= now {
            commands.extend(self.handle(Input::Tick, now));
        }
        ordered(commands)
    }
}

fn planned(controller: usize, requests: Vec<(Place, Request)>) -> Orders {
    let errand = |place| Errand::Plan { controller, place };
    let requests = requests.into_iter().map(|(place, request)| (errand(place), request));
    Orders { requests: requests.collect(), ..Orders::default() }
}

fn scheduled(requests: Vec<(Key, Request)>) -> Orders {
    let requests = requests.into_iter().map(|(pod, request)| (Errand::Pod(pod), request));
    Orders { requests: requests.collect(), ..Orders::default() }
}

/// What a kubelet wants done. Events are kept apart: the model does not know them. What volumes show stays as it was.
fn ordered(commands: Vec<Command>) -> Orders {
    let mut orders = Orders::default();
    for command in commands {
        match command {
            Command::Runtime(command) => orders.runtime.push(command),
            Command::Follow(_) | Command::Forget(_) => {}
            Command::Api(Purpose::Event, request) => orders.said.push(request),
            Command::Api(purpose, request) => {
                orders.requests.push((Errand::Kubelet(purpose), request));
            }
        }
    }
    orders
}
