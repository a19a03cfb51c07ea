//! Drives the controllers: the same loop for each, as `controllers::Controller` wants to be driven.

use std::sync::Arc;
use std::time::Duration;

use api::Key;
use client::Batches;
use controllers::{Controller, Plan};
use futures_util::stream::{self, FuturesUnordered, StreamExt};

use crate::informer::Informers;
use crate::metrics::Metrics;
use crate::transport::Transport;
use crate::{clock, requests};

mod queue;

use queue::Queue;

/// How many creations or deletions of one plan travel at once.
const TOGETHER: usize = 64;

/// How long a loop sleeps at the most when nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

/// Runs one controller for ever, as subscriber `subscriber` of the informers.
pub async fn run(
    mut controller: Box<dyn Controller>,
    subscriber: usize,
    informers: Informers,
    transport: Arc<dyn Transport>,
    metrics: Metrics,
) {
    let mut queue = Queue::new(&*controller, &metrics);
    let mut running = FuturesUnordered::new();
    loop {
        let changed = informers.changed();
        while running.len() < controller.workers()
            && let Some((key, plan)) = next(&mut *controller, subscriber, &informers, &mut queue)
        {
            let batches = Batches::new(plan.requests, controller.pacing());
            running.push(carry_out(&*transport, key, batches));
        }
        let has_room = running.len() < controller.workers();
        tokio::select! {
            Some((key, done)) = running.next() => {
                settle(&mut *controller, &mut queue, &key, &done);
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
    queue: &mut Queue,
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
fn left(queue: &Queue) -> Duration {
    queue.next_deadline().map_or(IDLE, |deadline| {
        Duration::try_from(deadline.duration_since(clock::now())).unwrap_or_default()
    })
}

/// Performs a plan, batch by batch.
async fn carry_out(transport: &dyn Transport, key: Key, mut batches: Batches) -> (Key, Batches) {
    while let Some(places) = batches.next_batch() {
        let requests = batches.requests();
        let performed = places.into_iter().map(|place| async move {
            (place, requests::perform(transport, &requests[place]).await)
        });
        let performed: Vec<_> = stream::iter(performed).buffered(TOGETHER).collect().await;
        for (place, outcome) in performed {
            batches.answer(place, outcome);
        }
    }
    (key, batches)
}

/// Tells the controller what came of its requests; a key with a refusal is tried again later.
fn settle(controller: &mut dyn Controller, queue: &mut Queue, key: &Key, done: &Batches) {
    queue.done(key);
    for (request, outcome) in done.outcomes() {
        match outcome {
            Some(outcome) => controller.completed(key, request, outcome),
            None => controller.left_out(key, request),
        }
    }
    if done.has_failed() {
        queue.add_rate_limited(key.clone(), clock::now());
        return;
    }
    queue.forget(key);
    if done.has_asked() {
        queue.add(key.clone());
    }
}
