//! Requests on their way: sent, arrived, stored, answered. Each is a step of its own.

use std::fmt;

use api::object::text;
use api::trace::{Origin, key};
use api::{ApiResource, Key, Request, Verb};
use apiserver::Response;
use apiserver::trace::refused;
use client::Outcome;
use serde_json::Value;

use crate::sim::load::pod_metrics;
use crate::sim::plant::{self, Plant};
use crate::sim::process::Errand;
use crate::sim::server::{Arrival, Received, Stored};
use crate::sim::workloads::Moment;
use crate::sim::world::World;
use crate::sim::{checks, wire};

/// How many revisions old the state is that the plant `ListServesOlderThanSeen` lists from, at the most.
const PAST_REVISIONS: u64 = 150;

/// A request on its way.
#[derive(Clone)]
pub(crate) struct Flight {
    /// Who waits for the answer; nobody when a person has sent it.
    sender: Option<Sender>,
    origin: Origin,
    request: Request,
    /// Its number in the trace; 0 until it arrives, and for reads.
    number: u64,
    state: State,
}

#[derive(Clone, Debug)]
struct Sender {
    process: usize,
    incarnation: u64,
    errand: Errand,
}

#[derive(Clone, Debug)]
enum State {
    Travelling,
    /// It waits for the disk; the key and uid of what it has written.
    Stored(Option<(Key, String)>),
    Answered(Outcome),
}

impl Flight {
    /// The process that waits for the answer, if it is not a person.
    pub(crate) fn process(&self) -> Option<usize> {
        self.sender.as_ref().map(|sender| sender.process)
    }

    /// What was sent.
    pub(crate) fn request(&self) -> &Request {
        &self.request
    }

    /// What it is about.
    pub(crate) fn resource(&self) -> &'static ApiResource {
        self.request.resource
    }

    /// Whether it can arrive.
    pub(crate) fn is_travelling(&self) -> bool {
        matches!(self.state, State::Travelling)
    }

    /// Whether it is on its way from this process.
    pub(crate) fn is_travelling_for(&self, process: usize) -> bool {
        self.is_travelling() && self.sender.as_ref().is_some_and(|sender| sender.process == process)
    }

    /// Whether its answer can be heard.
    pub(crate) fn is_answered(&self) -> bool {
        matches!(self.state, State::Answered(_))
    }

    /// Whether it or its answer can be lost: who has heard of a failure hears of no other.
    pub(crate) fn can_be_lost(&self) -> bool {
        matches!(self.state, State::Travelling | State::Answered(Ok(_)))
    }

    /// Its sender hears of a failure instead of what became of it; what was lost, if there was anything to lose.
    /// `survived` tells whether the disk kept what the request had stored.
    pub(crate) fn lose(&mut self, survived: bool, failure: Outcome) -> Option<Lost> {
        let (is_performed, object) = match &self.state {
            State::Answered(Err(_)) => return None,
            State::Answered(Ok(object)) => (!self.is_read(), named(object)),
            State::Stored(object) => (survived, object.clone()),
            State::Travelling => (false, None),
        };
        let (object, uid) = object.unwrap_or_else(|| (self.request.key.clone(), String::new()));
        self.state = State::Answered(failure);
        Some(Lost {
            sender: self.sender.as_ref().map(|sender| (sender.process, sender.incarnation)),
            action: if is_performed { "answer-lost" } else { "request-lost" },
            key: key(self.request.resource, &object),
            uid,
            number: self.number,
        })
    }

    fn is_read(&self) -> bool {
        matches!(self.request.verb, Verb::Get | Verb::List)
    }
}

/// What becomes of it; its number tells nothing of that, nor does the revision that its sender had seen.
impl fmt::Debug for Flight {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = Request { observed_revision: 0, ..self.request.clone() };
        write!(formatter, "{:?} {request:?} {:?}", self.sender, self.state)
    }
}

impl fmt::Display for Flight {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let object = key(self.request.resource, &self.request.key);
        write!(formatter, "{:?} {object} {}", self.request.verb, self.request.subresource)
    }
}

/// A request or an answer that was lost, as the trace tells it.
pub(crate) struct Lost {
    /// The process that waits, and which of its incarnations.
    pub(crate) sender: Option<(usize, u64)>,
    pub(crate) action: &'static str,
    pub(crate) key: String,
    pub(crate) uid: String,
    /// The request's number in the trace.
    pub(crate) number: u64,
}

/// The key and uid of the object in an answer; nothing for a `Status`.
fn named(object: &Value) -> Option<(Key, String)> {
    let field = |name: &str| text(object, &["metadata", name]);
    let key = Key::new(field("namespace"), field("name"));
    (!key.name.is_empty()).then(|| (key, field("uid").to_owned()))
}

impl World<'_> {
    /// A component sends a request.
    pub(crate) fn send_for(&mut self, process: usize, errand: Errand, mut request: Request) {
        let found = &self.processes[process];
        let (mut origin, incarnation) = (found.origin(), found.incarnation);
        origin.observed_revision = request.observed_revision;
        let machine = self.machine_of(process).and_then(|index| self.machines.get(index));
        plant::sent(self.plant, &mut request, machine.map_or(0, |machine| machine.pods_max));
        self.send(Some((process, incarnation, errand)), origin, request);
    }

    /// Sends a request; returns its number among those on their way.
    pub(crate) fn send(
        &mut self,
        sender: Option<(usize, u64, Errand)>,
        origin: Origin,
        request: Request,
    ) -> u64 {
        let sender =
            sender.map(|(process, incarnation, errand)| Sender { process, incarnation, errand });
        let flight = Flight { sender, origin, request, number: 0, state: State::Travelling };
        self.next_flight += 1;
        self.flights.insert(self.next_flight, flight);
        self.next_flight
    }

    /// A request reaches the API server.
    pub(crate) fn arrive(&mut self, id: u64) {
        let Some(mut flight) = self.flights.remove(&id) else { return };
        if flight.number == 0 && !flight.is_read() {
            flight.number = self.recorder.request();
        }
        let mut request = flight.request.clone();
        let before = checks::revision_of(&self.server.head, &flight.request);
        plant::arrived(self.plant, &mut request, before);
        let call = wire::call(&request, &flight.origin.actor);
        let mut context = self.context();
        if let Some(heard) = &mut self.heard {
            heard.name(flight.number, &call, &mut context);
        }
        let arrival = Arrival { flight: id, number: flight.number, origin: &flight.origin };
        let received = match self.measured(&request) {
            Some(metrics) => Received::Answered(metrics),
            None => self.server.receive(&arrival, &call, &context, self.plant),
        };
        match received {
            Received::Answered(response) => {
                if let Some(told) = refused(&flight.origin, flight.number, &call, &response) {
                    self.recorder.told(told);
                }
                flight.state = State::Answered(wire::outcome(&response));
            }
            Received::Outrun => {}
            Received::Stored(object) => {
                flight.state = State::Stored(named(&object));
                checks::no_update_is_lost(&flight.request, before, &mut self.recorder);
                if let Some(heard) = &mut self.heard {
                    heard.wrote(&flight.origin, &flight.request);
                }
            }
        }
        self.flights.insert(id, flight);
        if self.plant == Plant::AcknowledgesBeforeDurable {
            self.publish();
        }
    }

    /// What a metrics server answers, if there is one and it is asked.
    fn measured(&self, request: &Request) -> Option<Response> {
        let resource = request.resource;
        let is_asked = (resource.group, resource.plural) == ("metrics.k8s.io", "pods");
        let place = (request.key.namespace.as_str(), self.now);
        (is_asked && !self.loads.is_empty())
            .then(|| Response::json(200, &pod_metrics(&self.server.published, &self.loads, place)))
    }

    /// The disk has everything that was written.
    pub(crate) fn sync(&mut self) {
        self.server.sync();
        self.publish();
    }

    fn publish(&mut self) {
        if !self.server.wants_sync() {
            return;
        }
        let before = self.server.published.clone();
        if before.revision().0 >= self.past.revision().0 + PAST_REVISIONS {
            self.past = before;
        }
        for stored in self.server.publish() {
            let outcome = wire::outcome(&stored.response);
            if let Some(flight) = self.flights.get_mut(&stored.flight) {
                flight.state = State::Answered(outcome);
            }
            self.witness(stored);
        }
        if self.is_certain {
            let published = &self.server.published;
            checks::no_node_is_overbooked(
                published,
                (self.machines.as_slice(), &self.bound),
                &mut self.recorder,
            );
        }
        self.pull();
    }

    /// A write is durable: the trace hears of it before anybody else.
    pub(crate) fn witness(&mut self, stored: Stored) {
        self.hold_to_claims(&stored);
        for told in stored.told {
            if told.event.action == "bind" {
                self.bound.insert(told.uid.clone());
            }
            checks::stopped_before_deletion(&told, &self.machines, &mut self.recorder);
            self.recorder.told(told);
        }
    }

    /// The claims of what people ask for, on what there was before a write and after.
    fn hold_to_claims(&mut self, stored: &Stored) {
        if self.options.workloads.is_default() {
            return;
        }
        let [before, after] = &stored.states;
        for told in &stored.told {
            let moment = Moment {
                before,
                after,
                event: &told.event,
                uid: &told.uid,
                machines: &self.machines,
                now: self.now,
                is_certain: self.is_certain && self.is_steady,
            };
            if let Some(why) = self.options.workloads.broken(&moment, &mut self.ledger) {
                self.recorder.object(&why);
            }
        }
    }

    /// An answer reaches the component that asked, if it still knows of it.
    pub(crate) fn answer(&mut self, id: u64) {
        let Some(flight) = self.flights.remove(&id) else { return };
        let (Some(sender), State::Answered(outcome)) = (flight.sender, flight.state) else {
            return;
        };
        let process = &mut self.processes[sender.process];
        if !process.alive || process.incarnation != sender.incarnation {
            return;
        }
        let at = (self.now, self.plant);
        let orders = process.answered(sender.errand, (&flight.request, outcome), at);
        self.carry_out(sender.process, orders);
    }
}
