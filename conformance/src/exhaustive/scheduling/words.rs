//! Steps in words, for whoever reads what happened.

use std::fmt;

use api::Request;
use api::object::text;

use super::action::Action;
use super::api_server::HEARD;
use super::kubelets::Work;
use super::state::State;

impl State {
    /// What a step does, for whoever reads what happened.
    pub(super) fn words(&self, action: &Action) -> String {
        let flight = |scheduler: usize, flight: usize| {
            let request = &self.replicas[scheduler].flights[flight].requests[0];
            format!("{} of scheduler {scheduler}", told(request))
        };
        match action {
            Action::Ask => format!("somebody asks: {}", told(&self.story.asked[self.asked]())),
            Action::Start(scheduler) => format!("scheduler {scheduler} starts"),
            Action::Hear { scheduler, resource } => {
                format!("scheduler {scheduler} hears of {}", HEARD[*resource].plural)
            }
            Action::List { scheduler, resource } => {
                format!("scheduler {scheduler} lists {} again", HEARD[*resource].plural)
            }
            Action::Cycle(scheduler) => format!("scheduler {scheduler} decides"),
            Action::Arrive { scheduler, flight: number } => {
                format!("arrives: {}", flight(*scheduler, *number))
            }
            Action::Answer { scheduler, flight: number } => {
                format!("is answered: {}", flight(*scheduler, *number))
            }
            Action::LoseRequest { scheduler, flight: number } => {
                format!("is lost: {}", flight(*scheduler, *number))
            }
            Action::LoseAnswer { scheduler, flight: number } => {
                format!("arrives, and the answer is lost: {}", flight(*scheduler, *number))
            }
            Action::Crash(scheduler) => format!("scheduler {scheduler} crashes or leads no more"),
            Action::ArriveLate(late) => format!("arrives late: {}", told(&self.late[*late])),
            Action::Work(work) => work.to_string(),
            Action::Wait => "time passes".to_owned(),
        }
    }
}

/// A request in words.
fn told(request: &Request) -> String {
    let object = api::trace::key(request.resource, &request.key);
    let target = request.body.as_ref().map_or("", |body| text(body, &["target", "name"]));
    format!("{:?} {object} {} {target}", request.verb, request.subresource)
}

impl fmt::Display for Work {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admit(pod) => write!(formatter, "the kubelet lets in or rejects {pod}"),
            Self::Stop(pod) => write!(formatter, "{pod} has stopped"),
            Self::Collect(pod) => write!(formatter, "{pod} is deleted with its node"),
        }
    }
}
