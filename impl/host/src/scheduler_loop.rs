//! Drives a scheduler: one decision after another, while bindings are still on their way.

use std::sync::Arc;
use std::time::Duration;

use api::{Key, Request};
use client::Outcome;
use scheduler::Scheduler;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

use crate::informer::Informers;
use crate::transport::Transport;
use crate::{clock, requests};

/// How long the loop sleeps at the most when nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

struct Completed {
    pod: Key,
    request: Request,
    outcome: Outcome,
}

/// Runs a scheduler for ever, as the only subscriber of its informers.
pub async fn run(mut scheduler: Scheduler, informers: Informers, transport: Arc<dyn Transport>) {
    let (sender, mut completed) = mpsc::unbounded_channel();
    loop {
        settle(&mut scheduler, &mut completed, &transport, &sender);
        let changed = informers.changed();
        let Some((pod, requests)) = next(&mut scheduler, &informers) else {
            wait(&mut scheduler, changed, &mut completed, &transport, &sender).await;
            continue;
        };
        send(pod, requests, &transport, &sender);
        tokio::task::yield_now().await;
    }
}

/// Hears of what has changed and decides about the next pod that is due.
fn next(scheduler: &mut Scheduler, informers: &Informers) -> Option<(Key, Vec<Request>)> {
    let mut caches = informers.caches();
    let now = clock::now();
    for change in caches.take_changes(0) {
        scheduler.observe(&change, now);
    }
    let decision = scheduler.schedule_one(caches.view.revision, now)?;
    Some((decision.pod, decision.requests))
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
            drop(sender.send(Completed { pod: pod.clone(), request, outcome }));
        }
    });
}

/// Tells the scheduler what has come of its requests.
fn settle(
    scheduler: &mut Scheduler,
    completed: &mut UnboundedReceiver<Completed>,
    transport: &Arc<dyn Transport>,
    sender: &UnboundedSender<Completed>,
) {
    while let Ok(done) = completed.try_recv() {
        tell(scheduler, done, transport, sender);
    }
}

fn tell(
    scheduler: &mut Scheduler,
    done: Completed,
    transport: &Arc<dyn Transport>,
    sender: &UnboundedSender<Completed>,
) {
    let more = scheduler.completed(&done.pod, &done.request, &done.outcome, clock::now());
    if !more.is_empty() {
        send(done.pod, more, transport, sender);
    }
}

async fn wait(
    scheduler: &mut Scheduler,
    changed: impl Future<Output = ()>,
    completed: &mut UnboundedReceiver<Completed>,
    transport: &Arc<dyn Transport>,
    sender: &UnboundedSender<Completed>,
) {
    let left = scheduler.next_deadline().map_or(IDLE, |deadline| {
        Duration::try_from(deadline.duration_since(clock::now())).unwrap_or_default()
    });
    tokio::select! {
        () = changed => {}
        () = tokio::time::sleep(left) => {}
        Some(done) = completed.recv() => tell(scheduler, done, transport, sender),
    }
}
