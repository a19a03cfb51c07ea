//! Drives the controllers of a component, as `controllers::Controller` wants to be driven.

use std::sync::Arc;
use std::time::Duration;

use api::Key;
use client::{Batches, Change, View};
use controllers::Controller;
use futures_util::stream::{self, StreamExt};
use tokio::task::JoinSet;

use crate::informer::Informers;
use crate::metrics::Metrics;
use crate::transport::Transport;
use crate::{clock, requests};

mod queue;
#[cfg(test)]
mod tests;

use queue::Queue;

/// How many creations or deletions of one plan travel at once.
const TOGETHER: usize = 64;

/// How long the loop sleeps at the most when nothing is due.
const IDLE: Duration = Duration::from_secs(3600);

/// Runs controllers for ever. One loop decides for all of them, as most changes concern few: to wake each for itself costs
/// more than to ask it.
pub async fn run(
    controllers: Vec<Box<dyn Controller>>,
    informers: Informers,
    transport: Arc<dyn Transport>,
    metrics: Metrics,
) {
    let driven = controllers.into_iter().map(|controller| Driven::new(controller, &metrics));
    let mut driven: Vec<Driven> = driven.collect();
    let mut running = JoinSet::new();
    loop {
        let changed = informers.changed();
        for (index, key, batches) in begin(&mut driven, &informers) {
            let transport = Arc::clone(&transport);
            running.spawn(async move { (index, key, carry_out(&*transport, batches).await) });
        }
        tokio::select! {
            Some(done) = running.join_next() => {
                let (index, key, done) = done.expect("carrying out does not panic");
                driven[index].settle(&key, &done);
            }
            () = changed => {}
            () = tokio::time::sleep(left(&driven)) => {}
        }
    }
}

/// Hears of what has changed and decides about the keys that are due: what to carry out for whom.
fn begin(driven: &mut [Driven], informers: &Informers) -> Vec<(usize, Key, Batches)> {
    {
        let mut caches = informers.caches();
        for change in caches.take_changes() {
            driven.iter_mut().for_each(|driven| driven.observe(&caches.view, &change));
        }
    }
    let mut begun = vec![];
    for (index, driven) in driven.iter_mut().enumerate() {
        // Locked for one decision at a time: informers wait for it.
        while let Some((key, batches)) = driven.next(&informers.caches().view) {
            begun.push((index, key, batches));
        }
    }
    begun
}

/// How long until a key becomes due by itself.
fn left(driven: &[Driven]) -> Duration {
    let waiting = driven.iter().filter(|driven| driven.has_room());
    let next = waiting.filter_map(|driven| driven.queue.next_deadline()).min();
    next.map_or(IDLE, |deadline| {
        Duration::try_from(deadline.duration_since(clock::now())).unwrap_or_default()
    })
}

/// A controller, what it has to look at, and how many of its plans are being carried out.
struct Driven {
    controller: Box<dyn Controller>,
    queue: Queue,
    running: usize,
}

impl Driven {
    fn new(controller: Box<dyn Controller>, metrics: &Metrics) -> Self {
        let queue = Queue::new(&*controller, metrics);
        Self { controller, queue, running: 0 }
    }

    fn has_room(&self) -> bool {
        self.running < self.controller.workers()
    }

    fn observe(&mut self, view: &View, change: &Change) {
        for key in self.controller.observe(view, change) {
            self.queue.add(key);
        }
    }

    /// Decides about the next key that is due, if it may be worked on.
    fn next(&mut self, view: &View) -> Option<(Key, Batches)> {
        if !self.has_room() {
            return None;
        }
        let now = clock::now();
        let key = self.queue.pop(now)?;
        let plan = self.controller.reconcile(view, &key, now).observed_at(view.revision);
        if let Some(when) = plan.look_again {
            self.queue.add_after(key.clone(), when);
        }
        self.running += 1;
        Some((key, Batches::new(plan.requests, self.controller.pacing())))
    }

    /// Tells the controller what came of its requests; a key with a refusal is tried again later.
    fn settle(&mut self, key: &Key, done: &Batches) {
        self.running -= 1;
        self.queue.done(key);
        for (request, outcome) in done.outcomes() {
            match outcome {
                Some(outcome) => self.controller.completed(key, request, outcome),
                None => self.controller.left_out(key, request),
            }
        }
        if done.has_failed() {
            self.queue.add_rate_limited(key.clone(), clock::now());
            return;
        }
        self.queue.forget(key);
        if done.has_asked() {
            self.queue.add(key.clone());
        }
    }
}

/// Performs a plan, batch by batch.
async fn carry_out(transport: &dyn Transport, mut batches: Batches) -> Batches {
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
    batches
}
