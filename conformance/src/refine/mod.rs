//! Holds recorded events against the model: is each of them something that may happen?
//!
//! Three layers: the history itself (`log`, `watches`), rules about Pods, containers and controllers
//! (`pods`, `containers`, `controllers`), and the model, whose own steps replay what `table` maps
//! (`replay`).

mod containers;
mod controllers;
mod log;
mod pods;
mod refusal;
mod replay;
mod slots;
mod table;
mod watches;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use api::trace::Event;

use crate::suite::CannotRun;
use crate::trace::{Action, Delivery, Reader, Verb};
use containers::{Containers, node_of};
use controllers::Controllers;
use log::Log;
use pods::Pods;
use refusal::{Allowed, Denial};
use replay::Replay;
use watches::Watches;

pub use refusal::{Failure, Refusal, Summary, Verdict};

/// Checks a trace event by event, as it is read or as it is written.
#[derive(Clone, Default)]
pub struct Validator {
    log: Log,
    watches: Watches,
    pods: Pods,
    containers: Containers,
    controllers: Controllers,
    replay: Replay,
    summary: Summary,
}

impl Validator {
    /// A validator that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next event, if it is allowed after all that were taken before.
    pub fn accept(&mut self, event: &Event) -> Result<(), Box<Refusal>> {
        self.take(event).map_err(|denial| Box::new(denial.about(event)))
    }

    /// Why the model does not follow any more, if it does not.
    pub(crate) fn beyond(&self) -> Option<&str> {
        self.replay.beyond.as_deref()
    }

    /// What was checked.
    pub fn finish(self) -> Summary {
        Summary { unchecked: self.replay.beyond, ..self.summary }
    }

    fn take(&mut self, event: &Event) -> Allowed {
        self.summary.events += 1;
        if event.cause >= event.seq && event.cause != 0 {
            return Err(Denial::plain(format!("its cause {} comes later", event.cause)));
        }
        match Action::parse(&event.action) {
            Some(Action::Request(verb)) => self.request(verb, event),
            Some(Action::Delivery(delivery)) => self.delivery(delivery, event),
            Some(Action::Started) => {
                self.started(event);
                Ok(())
            }
            Some(Action::Crashed) => {
                self.pods.failed(event);
                self.replay.restarted(event, false);
                Ok(())
            }
            Some(Action::RequestLost) => {
                self.pods.failed(event);
                Ok(())
            }
            Some(Action::AnswerLost) => {
                self.pods.failed(event);
                self.controllers.answer_lost(event);
                Ok(())
            }
            Some(Action::NodeDied) => {
                self.node_died(event);
                Ok(())
            }
            Some(Action::ContainerStarted) => self.container_started(event),
            Some(Action::ContainerStopped) => self.container_stopped(event),
            None => Err(Denial::plain(format!("the action {:?} is not known", event.action))),
        }
    }

    fn request(&mut self, verb: Verb, event: &Event) -> Allowed {
        self.watches.check_observed(event)?;
        if event.outcome != "ok" {
            return self.pods.refused(&self.log, verb, event);
        }
        self.summary.writes += 1;
        if verb == Verb::Bind {
            Pods::check_binding(&self.log, &self.watches, event)?;
        }
        let write = self.log.write(verb, event)?;
        self.pods.written(&self.log, &write, event)?;
        self.containers.written(&write)?;
        self.controllers.written(&self.log, &self.watches, &write, event)?;
        self.replay.written(&write)
    }

    fn delivery(&mut self, delivery: Delivery, event: &Event) -> Allowed {
        self.summary.deliveries += 1;
        self.watches.deliver(&mut self.log, delivery, event)?;
        self.replay.delivered(delivery, event);
        Ok(())
    }

    fn started(&mut self, event: &Event) {
        self.controllers.started(event);
        self.replay.restarted(event, true);
        if let Some(node) = node_of(event) {
            self.containers.forget(node);
            self.replay.nothing_runs(node);
        }
    }

    fn node_died(&mut self, event: &Event) {
        self.replay.restarted(event, false);
        if let Some(node) = node_of(event) {
            self.containers.forget(node);
            self.replay.nothing_runs(node);
        }
    }

    fn container_started(&mut self, event: &Event) -> Allowed {
        self.summary.containers += 1;
        self.watches.check_observed(event)?;
        self.containers.started(&self.log, event)?;
        self.replay.container_started(event)
    }

    fn container_stopped(&mut self, event: &Event) -> Allowed {
        self.summary.containers += 1;
        if self.containers.stopped(event)? {
            self.replay.container_stopped(event);
        }
        Ok(())
    }
}

/// Checks a whole trace.
pub fn validate<R: BufRead>(reader: Reader<R>) -> Result<Summary, Failure> {
    let mut validator = Validator::new();
    for event in reader {
        validator.accept(&event?).map_err(Failure::Refused)?;
    }
    let summary = validator.finish();
    match summary.unchecked {
        Some(why) => Err(Failure::Beyond(why)),
        None => Ok(summary),
    }
}

/// Checks the trace in a file, for `kanon conform validate`.
pub fn validate_file(path: &Path) -> Result<Verdict, CannotRun> {
    let cannot = |why: String| CannotRun(format!("{}: {why}", path.display()));
    let file = File::open(path).map_err(|error| cannot(error.to_string()))?;
    let reader = Reader::new(BufReader::new(file)).map_err(|error| cannot(error.to_string()))?;
    match validate(reader) {
        Ok(summary) => Ok(Verdict::Allowed(summary)),
        Err(Failure::Refused(refusal)) => Ok(Verdict::Refused(refusal)),
        Err(failure @ (Failure::Read(_) | Failure::Beyond(_))) => Err(cannot(failure.to_string())),
    }
}
