//! Drives the controllers: the same loop for each, as `controllers::Controller` wants to be driven.

use std::sync::Arc;
use std::time::Duration;

use api::{Key, Request, Timestamp, Verb};
use client::{Outcome, WorkQueue};
use controllers::{Controller, Plan};
use futures_util::stream::{self, StreamExt};

use crate::informer::Informers;
use crate::transport::Transport;
use crate::{clock, requests};

/// How many creations of one plan travel at once.
const CREATIONS_AT_ONCE: usize = 64;

/// How long a loop sleeps at the most when nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

/// Runs one controller for ever, as subscriber `subscriber` of the informers.
pub async fn run(
    mut controller: Box<dyn Controller>,
    subscriber: usize,
    informers: Informers,
    transport: Arc<dyn Transport>,
) {
    let mut queue = WorkQueue::default();
    loop {
        let Some((key, plan)) = next(&mut *controller, subscriber, &informers, &mut queue) else {
            wait(&informers, queue.next_deadline()).await;
            continue;
        };
        if let Some(when) = plan.look_again {
            queue.add_after(key.clone(), when);
        }
        let outcomes = perform(&*transport, plan.requests).await;
        settle(&mut *controller, &mut queue, &key, &outcomes);
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
    Some((key, plan))
}

async fn wait(informers: &Informers, deadline: Option<Timestamp>) {
    let left = deadline.map_or(IDLE, |deadline| {
        Duration::try_from(deadline.duration_since(clock::now())).unwrap_or_default()
    });
    tokio::select! {
        () = informers.changed() => {}
        () = tokio::time::sleep(left) => {}
    }
}

/// Performs requests in order; creations that follow one another travel together.
async fn perform(transport: &dyn Transport, requests: Vec<Request>) -> Vec<(Request, Outcome)> {
    let mut outcomes = vec![];
    let mut rest = requests.into_iter().peekable();
    while let Some(first) = rest.next() {
        let mut batch = vec![first];
        while batch[0].verb == Verb::Create
            && let Some(next) = rest.next_if(|next| next.verb == Verb::Create)
        {
            batch.push(next);
        }
        let performed = batch.into_iter().map(|request| async move {
            let outcome = requests::perform(transport, &request).await;
            (request, outcome)
        });
        let performed: Vec<_> = stream::iter(performed).buffered(CREATIONS_AT_ONCE).collect().await;
        outcomes.extend(performed);
    }
    outcomes
}

/// Tells the controller what came of its requests; a key with a refusal is tried again later.
fn settle(
    controller: &mut dyn Controller,
    queue: &mut WorkQueue,
    key: &Key,
    outcomes: &[(Request, Outcome)],
) {
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
