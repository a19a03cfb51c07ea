//! Drives the controllers: the same loop for each, as `controllers::Controller` wants to be driven.

use std::sync::Arc;
use std::time::Duration;

use api::{Key, Request, Verb};
use client::{Outcome, WorkQueue};
use controllers::{Controller, Plan};
use futures_util::stream::{self, FuturesUnordered, StreamExt};

use crate::informer::Informers;
use crate::transport::Transport;
use crate::{clock, requests};

/// How many creations or deletions of one plan travel at once.
const TOGETHER: usize = 64;

/// How long a loop sleeps at the most when nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

/// What came of a plan.
type Done = (Key, Vec<(Request, Outcome)>);

/// Runs one controller for ever, as subscriber `subscriber` of the informers.
pub async fn run(
    mut controller: Box<dyn Controller>,
    subscriber: usize,
    informers: Informers,
    transport: Arc<dyn Transport>,
) {
    let mut queue = WorkQueue::default();
    let mut running = FuturesUnordered::new();
    loop {
        let changed = informers.changed();
        while running.len() < controller.workers()
            && let Some((key, plan)) = next(&mut *controller, subscriber, &informers, &mut queue)
        {
            running.push(carry_out(&*transport, key, plan.requests));
        }
        let has_room = running.len() < controller.workers();
        tokio::select! {
            Some((key, outcomes)) = running.next() => {
                settle(&mut *controller, &mut queue, &key, &outcomes);
            }
            () = changed, if has_room => {}
            () = tokio::time::sleep(left(&queue)), if has_room => {}
        }
    }
}

/// Hears of what has changed and decides about the next key that is due.
fn next(
    controller: &mut dyn Controller,
    subscriber: usize,
    informers: &Informers,
    queue: &mut WorkQueue,
) -> Option<(Key, Plan)> {
    let mut caches = informers.caches();
    for change in caches.take_changes(subscriber) {
        for key in controller.observe(&caches.view, &change) {
            queue.add(key);
        }
    }
    let now = clock::now();
    let key = queue.pop(now)?;
    let mut plan = controller.reconcile(&caches.view, &key, now);
    for request in &mut plan.requests {
        request.observed_revision = caches.view.revision;
    }
    if let Some(when) = plan.look_again {
        queue.add_after(key.clone(), when);
    }
    Some((key, plan))
}

/// How long until a key becomes due by itself.
fn left(queue: &WorkQueue) -> Duration {
    queue.next_deadline().map_or(IDLE, |deadline| {
        Duration::try_from(deadline.duration_since(clock::now())).unwrap_or_default()
    })
}

/// Performs requests in order; creations that follow one another travel together, and deletions do.
async fn carry_out(transport: &dyn Transport, key: Key, requests: Vec<Request>) -> Done {
    let mut outcomes = vec![];
    let mut rest = requests.into_iter().peekable();
    while let Some(first) = rest.next() {
        let mut batch = vec![first];
        while let Some(next) = rest.next_if(|next| batch[0].travels_with(next)) {
            batch.push(next);
        }
        let performed = batch.into_iter().map(|request| async move {
            let outcome = requests::perform(transport, &request).await;
            (request, outcome)
        });
        let performed: Vec<_> = stream::iter(performed).buffered(TOGETHER).collect().await;
        outcomes.extend(performed);
    }
    (key, outcomes)
}

/// Tells the controller what came of its requests; a key with a refusal is tried again later.
fn settle(
    controller: &mut dyn Controller,
    queue: &mut WorkQueue,
    key: &Key,
    outcomes: &[(Request, Outcome)],
) {
    queue.done(key);
    for (request, outcome) in outcomes {
        controller.completed(key, request, outcome);
    }
    let failed = outcomes.iter().any(|(request, outcome)| {
        outcome.is_err() && request.verb != Verb::Get && request.resource != &api::resources::EVENTS
    });
    let asked = outcomes.iter().any(|(request, _)| request.verb == Verb::Get);
    if failed {
        queue.add_rate_limited(key.clone(), clock::now());
    } else {
        queue.forget(key);
        if asked {
            queue.add(key.clone());
        }
    }
}
