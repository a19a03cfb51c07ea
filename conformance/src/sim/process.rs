//! A component as it runs: its caches and its core, from one start to the next crash.

use api::trace::Origin;
use api::{Key, Request, Timestamp, resources};
use client::{Change, Outcome};
use kubelet::runtime::{RuntimeCommand, RuntimeEvent};
use kubelet::{Command, Input, Kubelet, Purpose};

use crate::sim::candidacy::{Candidacy, Move};
use crate::sim::cast::Cast;
use crate::sim::informer::Caches;
use crate::sim::loops::{ControllerLoop, Place, SchedulerLoop};
use crate::sim::machine::Machine;
use crate::sim::plant::Plant;

/// A component. A new incarnation is a new value.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) actor: String,
    pub(crate) incarnation: u64,
    /// Whether it is there at all: a kubelet dies with its machine.
    pub(crate) alive: bool,
    pub(crate) caches: Caches,
    body: Body,
    /// What a controller manager knows of the election, if there are several.
    candidacy: Option<Candidacy>,
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
    Plan { controller: usize, place: Place, term: u64 },
    /// The election of a controller manager.
    Election,
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
        let (caches, loops) = cast.started(plant);
        Self::new("kube-controller-manager", incarnation, caches, Body::Controllers(loops))
    }

    /// `kube-controller-manager-2`, which stands for election.
    pub(crate) fn candidate(cast: &Cast, number: usize, incarnation: u64) -> Self {
        let actor = format!("kube-controller-manager-{number}");
        let candidacy = Candidacy::new(cast, &actor, incarnation);
        let idle = Self::new(&actor, incarnation, Caches::none(), Body::Controllers(vec![]));
        Self { candidacy: Some(candidacy), ..idle }
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
        let actor = actor.to_owned();
        Self { actor, incarnation, alive: true, caches, body, candidacy: None }
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

    /// How many parts act on their own. A candidacy is one, behind the controllers.
    pub(crate) fn parts(&self) -> usize {
        self.loops() + usize::from(self.candidacy.is_some())
    }

    fn loops(&self) -> usize {
        match &self.body {
            Body::Controllers(loops) => loops.len(),
            Body::Scheduler(_) | Body::Kubelet(_) => 1,
        }
    }

    /// The name of a part.
    pub(crate) fn name_of(&self, part: usize) -> &str {
        match &self.body {
            Body::Controllers(loops) => {
                loops.get(part).map_or(self.actor.as_str(), |one| one.name())
            }
            Body::Scheduler(_) | Body::Kubelet(_) => &self.actor,
        }
    }

    /// Whether a part would do something now.
    pub(crate) fn is_due(&self, part: usize, now: Timestamp) -> bool {
        if let Some(candidacy) = &self.candidacy
            && (part == self.loops() || !candidacy.leads(now))
        {
            return part == self.loops() && candidacy.is_due(now);
        }
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
                let election = self.candidacy.as_ref().and_then(Candidacy::next_deadline);
                loops.iter().filter_map(ControllerLoop::next_deadline).chain(election).min()
            }
            Body::Scheduler(scheduler) => scheduler.next_deadline(),
            Body::Kubelet(own) => {
                Some(own.next_deadline).filter(|deadline| *deadline < Timestamp::MAX)
            }
        }
    }

    /// A part hears of what has changed and acts.
    pub(crate) fn act(&mut self, part: usize, (now, plant): (Timestamp, Plant)) -> Orders {
        if self.candidacy.is_some() && part == self.loops() {
            return self.stand((now, plant));
        }
        let term = self.term();
        let changes = self.caches.take_changes(part);
        let view = &self.caches.view;
        match &mut self.body {
            Body::Controllers(loops) => {
                let requests = loops[part].act(view, &changes, (now, plant));
                let (said, broken) = (loops[part].take_said(), loops[part].take_broken());
                Orders { said, broken, ..planned((part, term), requests) }
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
        let this_term = self.term();
        match (&mut self.body, errand) {
            (Body::Controllers(loops), Errand::Plan { controller, place, term })
                if term == this_term && controller < loops.len() =>
            {
                let requests = loops[controller].answered(place, outcome, (now, plant));
                planned((controller, term), requests)
            }
            (Body::Controllers(_), Errand::Election) => {
                if let Some(candidacy) = &mut self.candidacy {
                    candidacy.answered(&outcome, now);
                }
                Orders::default()
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

    fn term(&self) -> u64 {
        self.candidacy.as_ref().map_or(0, |candidacy| candidacy.term)
    }

    /// A candidate acts. Its controllers begin without memory, and end with all they know.
    fn stand(&mut self, (now, plant): (Timestamp, Plant)) -> Orders {
        let Some(candidacy) = &mut self.candidacy else { return Orders::default() };
        let (running, said) = match candidacy.act(now) {
            Move::Begin => (candidacy.cast.started(plant), candidacy.event("became leader", now)),
            Move::End => ((Caches::none(), vec![]), candidacy.event("stopped leading", now)),
            Move::Ask(request) => {
                let requests = vec![(Errand::Election, *request)];
                return Orders { requests, ..Orders::default() };
            }
            Move::Rest => return Orders::default(),
        };
        let (caches, loops) = running;
        (self.caches, self.body) = (caches, Body::Controllers(loops));
        Orders { said: said.into_iter().collect(), ..Orders::default() }
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

fn planned((controller, term): (usize, u64), requests: Vec<(Place, Request)>) -> Orders {
    let errand = |place| Errand::Plan { controller, place, term };
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
