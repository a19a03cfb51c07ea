//! How a container is stopped: its hook first, then its turn, then the order to the runtime.
//!
//! Source: `killContainer` of `pkg/kubelet/kuberuntime/kuberuntime_container.go` and
//! `pkg/kubelet/kuberuntime/kuberuntime_termination_order.go` (v1.36).

use std::time::Duration;

use api::Timestamp;
use client::event::Note;

use crate::context::Context;
use crate::hooks::Hook;
use crate::runtime::{ContainerId, RuntimeCommand};
use crate::spec;
use crate::worker::Worker;

/// What a container is left at least, so that it is not killed for want of a moment.
const GRACE_PERIOD_SECONDS_MIN: i64 = 2;

/// A container that is being stopped.
#[derive(Clone, Debug)]
pub(crate) struct Stopping {
    since: Timestamp,
    /// From then on.
    grace_period_seconds: i64,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Its hook runs.
    PreStop,
    /// Others end first.
    Turn,
    /// The runtime was told.
    Told,
}

impl Stopping {
    /// Until when it may take, hook and all.
    fn deadline(&self) -> Timestamp {
        self.since + Duration::from_secs(self.grace_period_seconds.max(0).unsigned_abs())
    }

    /// When it goes on without what it waits for.
    pub(crate) fn next_deadline(&self) -> Option<Timestamp> {
        (self.stage != Stage::Told).then(|| self.deadline())
    }

    /// What is left of the grace period for the container itself, in whole seconds that have not passed.
    fn left(&self, now: Timestamp) -> i64 {
        let passed = now.duration_since(self.since).as_secs();
        (self.grace_period_seconds - passed).max(GRACE_PERIOD_SECONDS_MIN)
    }
}

impl Worker {
    /// Tells a container to stop; a second time only to stop sooner.
    pub(crate) fn stop(
        &mut self,
        context: &mut Context,
        id: &ContainerId,
        (message, grace_period_seconds): (&str, i64),
    ) {
        if let Some(stopping) = self.stopping.get_mut(id) {
            if stopping.grace_period_seconds <= grace_period_seconds {
                return;
            }
            stopping.grace_period_seconds = grace_period_seconds;
            if stopping.stage == Stage::Told {
                let left = stopping.left(context.now);
                self.tell(context, id, left);
            }
            return;
        }
        context.event(&self.pod, &id.name, Note::normal("Killing", message));
        let hooked = self.run_hook(context, id, Hook::PreStop);
        let stage = if hooked { Stage::PreStop } else { Stage::Turn };
        let stopping = Stopping { since: context.now, grace_period_seconds, stage };
        self.stopping.insert(id.clone(), stopping);
    }

    /// Lets those go on whose hook has ended, whose turn has come or whose time is over.
    pub(crate) fn go_on_stopping(&mut self, context: &mut Context) {
        let waiting = self.stopping.iter().filter(|(_, stopping)| stopping.stage != Stage::Told);
        let waiting: Vec<ContainerId> = waiting.map(|(id, _)| id.clone()).collect();
        for id in waiting {
            let is_its_turn = self.is_its_turn(&id);
            let Some(stopping) = self.stopping.get_mut(&id) else { continue };
            let is_over = context.now >= stopping.deadline();
            if is_over || (stopping.stage == Stage::Turn && is_its_turn) {
                stopping.stage = Stage::Told;
                let left = stopping.left(context.now);
                self.tell(context, &id, left);
            }
        }
    }

    fn tell(&self, context: &mut Context, id: &ContainerId, grace_period_seconds: i64) {
        context.run(RuntimeCommand::StopContainer { id: id.clone(), grace_period_seconds });
    }

    /// Sidecars end after the containers that they serve, the last first, when the whole pod ends.
    fn is_its_turn(&self, id: &ContainerId) -> bool {
        let init = spec::init_containers(&self.pod);
        let place = init.iter().position(|one| one.name == id.name && spec::is_sidecar(one));
        let Some(place) = place.filter(|_| self.is_terminating()) else { return true };
        let later = init[place + 1..].iter().filter(|one| spec::is_sidecar(one));
        let mut before = spec::containers(&self.pod).iter().chain(later);
        !before.any(|container| self.state.is_running(&container.name))
    }

    /// A hook before the end has ended.
    pub(crate) fn pre_stop_ended(&mut self, context: &mut Context, id: &ContainerId, failed: bool) {
        if failed {
            // Why is not said, so that no secret of a server shows.
            let note = Note::warning("FailedPreStopHook", "PreStopHook failed");
            context.event(&self.pod, &id.name, note);
        }
        if let Some(stopping) = self.stopping.get_mut(id)
            && stopping.stage == Stage::PreStop
        {
            stopping.stage = Stage::Turn;
        }
    }
}
