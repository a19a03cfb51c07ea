//! Runs a component while it leads, and only then.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use api::{Reason, Request, Status, Timestamp};
use client::Outcome;
use client::event::Recorder;
use client::leader_election::{Candidate, Elector, Step};

use crate::tasks::Tasks;
use crate::transport::Transport;
use crate::{clock, requests};

/// How the election stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has answered yet.
    #[default]
    Unknown,
    /// This candidate leads.
    Leads,
    /// This one does.
    Waits(String),
}

impl fmt::Display for Standing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => formatter.write_str("stands for election"),
            Self::Leads => formatter.write_str("leads"),
            Self::Waits(leader) => write!(formatter, "waits: {leader} leads"),
        }
    }
}

/// Stands for election for ever. While it leads, the tasks that `start` gives run; they end before another
/// can lead. `tell` hears how it stands whenever that changes.
pub async fn run(
    candidate: Candidate,
    component: &str,
    transport: Arc<dyn Transport>,
    mut start: impl FnMut() -> Tasks,
    tell: impl Fn(Standing),
) {
    let patience = candidate.renew_deadline;
    let mut elector = Elector::new(candidate);
    let mut recorder = Recorder::new(component, "");
    let mut tasks: Option<Tasks> = None;
    let mut told = Standing::Unknown;
    loop {
        let now = clock::now();
        let until = elector.leads_until().filter(|until| now < *until);
        if tasks.as_ref().is_some_and(Tasks::has_ended) {
            // One has panicked: all forget what they knew, as when the process is started anew.
            tasks = None;
        }
        if until.is_none() {
            // Dropping them ends them.
            if tasks.take().is_some() {
                note(&elector, &mut recorder, "stopped leading", &transport);
            }
        } else if tasks.is_none() {
            tasks = Some(start());
            note(&elector, &mut recorder, "became leader", &transport);
        }
        let stands = standing(&elector, now);
        if stands != told {
            told = stands.clone();
            tell(stands);
        }
        match elector.next(now) {
            Step::Ask(request) => {
                let patience = until.map_or(patience, |until| between(now, until));
                let outcome = ask(&*transport, &request, patience).await;
                elector.answered(&outcome, clock::now());
            }
            Step::Wait(next) => {
                let next = until.map_or(next, |until| until.min(next));
                tokio::time::sleep(between(now, next)).await;
            }
        }
    }
}

fn standing(elector: &Elector, now: Timestamp) -> Standing {
    match elector.holder() {
        _ if elector.leads(now) => Standing::Leads,
        Some(holder) => Standing::Waits(holder.to_owned()),
        None => Standing::Unknown,
    }
}

/// An answer within this time, or none.
async fn ask(transport: &dyn Transport, request: &Request, patience: Duration) -> Outcome {
    let answer = requests::perform(transport, request);
    tokio::time::timeout(patience, answer)
        .await
        .unwrap_or_else(|_| Err(Status::new(Reason::Timeout, "there was no answer in time")))
}

/// Writes an event. Whether it arrives matters to nobody.
fn note(elector: &Elector, recorder: &mut Recorder, what: &str, transport: &Arc<dyn Transport>) {
    if let Some(event) = elector.event(recorder, what, clock::now()) {
        let transport = Arc::clone(transport);
        tokio::spawn(async move { drop(requests::perform(&*transport, &event).await) });
    }
}

fn between(now: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(now)).unwrap_or_default()
}
