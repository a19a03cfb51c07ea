//! Drives a scheduler: one decision after another, while bindings are still on their way. While an extender is asked
//! about a pod, the scheduler decides about no other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{Key, Request};
use client::Outcome;
use scheduler::extender::Call;
use scheduler::{Decision, Scheduler};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::extenders::Extenders;
use crate::informer::Informers;
use crate::metrics::{Metrics, Scheduling};
use crate::transport::Transport;
use crate::{clock, requests};

/// How long the loop sleeps at the most when nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

/// What has come of what the scheduler asked for.
enum Completed {
    /// Of the API server.
    Request { pod: Key, request: Box<Request>, outcome: Outcome },
    /// Of an extender.
    Call { call: Box<Call>, answered: Result<Vec<u8>, String> },
}

/// Runs a scheduler for ever, as the only subscriber of its informers.
pub async fn run(
    scheduler: Scheduler,
    informers: Informers,
    transport: Arc<dyn Transport>,
    extenders: Extenders,
    metrics: Metrics,
) {
    let (sender, mut completed) = mpsc::unbounded_channel();
    let counted = Scheduling::new(metrics);
    let mut driven = Driven { scheduler, counted };
    loop {
        settle(&mut driven, &mut completed, &transport, &sender);
        let changed = informers.changed();
        let decision = driven.next(&informers);
        driven.counted.pending(driven.scheduler.pending_pods());
        let Some(decision) = decision else {
            wait(&mut driven, changed, &mut completed, &transport, &sender).await;
            continue;
        };
        ask(decision.calls, &extenders, &sender);
        send(decision.pod, decision.requests, &transport, &sender);
        tokio::task::yield_now().await;
    }
}

/// A scheduler, and what is counted of it.
struct Driven {
    scheduler: Scheduler,
    counted: Scheduling,
}

impl Driven {
    /// Hears of what has changed and decides about the next pod that is due.
    fn next(&mut self, informers: &Informers) -> Option<Decision> {
        let mut caches = informers.caches();
        let now = clock::now();
        for change in caches.take_changes() {
            self.scheduler.observe(&change, now);
            self.counted.observe(&change);
        }
        let begun = Instant::now();
        let decision = self.scheduler.schedule_one(caches.view.revision, now)?;
        self.counted.decided(&decision, begun);
        Some(decision)
    }
}

/// Asks extenders, side by side.
fn ask(calls: Vec<Call>, extenders: &Extenders, sender: &UnboundedSender<Completed>) {
    for call in calls {
        let (extenders, sender) = (extenders.clone(), sender.clone());
        tokio::spawn(async move {
            let answered = extenders.ask(&call).await;
            // Nobody listens any more when the scheduler has stopped.
            drop(sender.send(Completed::Call { call: Box::new(call), answered }));
        });
    }
}

/// Performs requests in order, beside the next decision.
fn send(
    pod: Key,
    requests: Vec<Request>,
    transport: &Arc<dyn Transport>,
    sender: &UnboundedSender<Completed>,
) {
    let (transport, sender) = (Arc::clone(transport), sender.clone());
    tokio::spawn(async move {
        for request in requests {
            let outcome = requests::perform(&*transport, &request).await;
            // Nobody listens any more when the scheduler has stopped.
            let (pod, request) = (pod.clone(), Box::new(request));
            drop(sender.send(Completed::Request { pod, request, outcome }));
        }
    });
}

/// Tells the scheduler what has come of its requests.
fn settle(
    driven: &mut Driven,
    completed: &mut UnboundedReceiver<Completed>,
    transport: &Arc<dyn Transport>,
    sender: &UnboundedSender<Completed>,
) {
    while let Ok(done) = completed.try_recv() {
        tell(driven, done, transport, sender);
    }
}

fn tell(
    driven: &mut Driven,
    done: Completed,
    transport: &Arc<dyn Transport>,
    sender: &UnboundedSender<Completed>,
) {
    let (pod, more) = match done {
        Completed::Request { pod, request, outcome } => {
            driven.counted.completed(&pod, &request, &outcome);
            let more = driven.scheduler.completed(&pod, &request, &outcome, clock::now());
            (pod, more)
        }
        Completed::Call { call, answered } => {
            let more = driven.scheduler.answered(&call, answered, clock::now());
            (call.pod.clone(), more)
        }
    };
    if !more.is_empty() {
        send(pod, more, transport, sender);
    }
}

async fn wait(
    driven: &mut Driven,
    changed: impl Future<Output = ()>,
    completed: &mut UnboundedReceiver<Completed>,
    transport: &Arc<dyn Transport>,
    sender: &UnboundedSender<Completed>,
) {
    let left = driven.scheduler.next_deadline().map_or(IDLE, |deadline| {
        Duration::try_from(deadline.duration_since(clock::now())).unwrap_or_default()
    });
    tokio::select! {
        () = changed => {}
        () = tokio::time::sleep(left) => {}
        Some(done) = completed.recv() => tell(driven, done, transport, sender),
    }
}

#[cfg(test)]
mod tests;
