//! Runs a component while it leads, and only then.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use api::{Reason, Request, Status, Timestamp};
use client::Outcome;
use client::event::Recorder;
use client::leader_election::{Candidate, Elector, Step};

use crate::clock::Steady;
use crate::tasks::Tasks;
use crate::transport::Transport;
use crate::{clock, requests};

/// How the election stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Nobody leads, as far as it knows.
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

/// Stands for election for ever. While it leads, the tasks run that `start` gives, which is told how often it
/// was called before; they end before another can lead. `tell` hears how it stands whenever that changes.
///
/// Times are those of a steady clock: somebody may set the other one while the Lease is held.
pub async fn run(
    candidate: Candidate,
    component: &str,
    transport: Arc<dyn Transport>,
    mut start: impl FnMut(u64) -> Tasks,
    tell: impl Fn(Standing),
) {
    let patience = candidate.renew_deadline;
    let clock = Steady::start();
    let mut elector = Elector::new(candidate);
    let mut speaker = Speaker { recorder: Recorder::new(component, ""), transport };
    let mut tasks: Option<Tasks> = None;
    let mut told = Standing::Unknown;
    let mut incarnations = 0..;
    loop {
        let now = clock.now();
        let until = elector.leads_until().filter(|until| now < *until);
        // One that has panicked takes the others with it: all forget what they knew, as when the process is
        // started anew.
        let led = tasks.is_some();
        tasks = tasks.filter(|tasks| until.is_some() && !tasks.has_ended());
        if until.is_some() && tasks.is_none() {
            tasks = incarnations.next().map(&mut start);
            speaker.say(&elector, "became leader");
        } else if until.is_none() && led {
            speaker.say(&elector, "stopped leading");
        }
        let stands = standing(&elector, now);
        if stands != told {
            told = stands.clone();
            tell(stands);
        }
        match elector.next(now) {
            Step::Ask(request) => {
                let patience = until.map_or(patience, |until| between(now, until));
                let outcome = ask(&*speaker.transport, &request, patience).await;
                elector.answered(&outcome, clock.now());
            }
            Step::Wait(next) => {
                let next = until.map_or(next, |until| until.min(next));
                tokio::time::sleep(between(now, next)).await;
            }
        }
    }
}

fn standing(elector: &Elector, now: Timestamp) -> Standing {
    match elector.rival() {
        _ if elector.leads(now) => Standing::Leads,
        Some(leader) => Standing::Waits(leader.to_owned()),
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

/// Writes Events about a Lease.
struct Speaker {
    recorder: Recorder,
    transport: Arc<dyn Transport>,
}

impl Speaker {
    /// Whether it arrives matters to nobody.
    fn say(&mut self, elector: &Elector, what: &str) {
        if let Some(event) = elector.event(&mut self.recorder, what, clock::now()) {
            let transport = Arc::clone(&self.transport);
            tokio::spawn(async move { drop(requests::perform(&*transport, &event).await) });
        }
    }
}

fn between(now: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests;
