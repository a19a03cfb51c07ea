//! What can happen next.

use api::Timestamp;

use super::action::Action;
use super::api_server::HEARD;
use super::kubelets::{self, Work};
use super::replica::{Replica, Running};
use super::state::State;

/// How often time passes at the most: more often than it has to.
const WAITS_MAX: u8 = 6;

impl State {
    /// Everything that can happen next.
    ///
    /// That a Binding was granted changes nothing for anybody but him who hears it, so that is heard first. Kubelets
    /// let Pods in, and time passes, when schedulers have nothing to do.
    pub(super) fn choices(&self) -> Vec<Action> {
        if let Some(action) = self.granted() {
            return vec![action];
        }
        let mut actions = vec![];
        actions.extend((self.asked < self.story.asked.len()).then_some(Action::Ask));
        for (scheduler, replica) in self.replicas.iter().enumerate() {
            match &replica.running {
                Some(running) => self.choices_of((scheduler, running), &mut actions),
                None => {
                    actions.extend(self.may_run(scheduler).then_some(Action::Start(scheduler)));
                }
            }
            self.choices_of_flights((scheduler, replica), &mut actions);
        }
        actions.extend((0..self.late.len()).map(Action::ArriveLate));
        let work = kubelets::work(&self.api_server);
        let is_quiet = actions.iter().all(Action::is_fault);
        let is_due = |work: &Work| match work {
            Work::Admit(_) => self.story.kubelets && is_quiet,
            Work::Stop(_) => true,
            Work::Collect(_) => self.budgets.collections > 0,
        };
        actions.extend(work.into_iter().filter(is_due).map(Action::Work));
        let is_quiet = actions.iter().all(Action::is_fault);
        let backs_off = self.waits < WAITS_MAX && self.backs_off_until().is_some();
        let waits = backs_off && (is_quiet || self.budgets.delays > 0);
        actions.extend(waits.then_some(Action::Wait));
        actions
    }

    fn granted(&self) -> Option<Action> {
        let mut flights = self.replicas.iter().enumerate().flat_map(|(scheduler, replica)| {
            replica
                .flights
                .iter()
                .enumerate()
                .map(move |(flight, found)| (scheduler, flight, found))
        });
        let granted = flights.find(|(_, _, found)| found.is_granted());
        granted.map(|(scheduler, flight, _)| Action::Answer { scheduler, flight })
    }

    fn choices_of(&self, (scheduler, running): (usize, &Running), actions: &mut Vec<Action>) {
        for resource in 0..HEARD.len() {
            if running.hears(resource) {
                actions.push(Action::Hear { scheduler, resource });
                let breaks = self.budgets.lists > 0;
                actions.extend(breaks.then_some(Action::List { scheduler, resource }));
            }
        }
        actions.extend(running.is_due(self.now).then_some(Action::Cycle(scheduler)));
        actions.extend((self.budgets.crashes > 0).then_some(Action::Crash(scheduler)));
    }

    fn choices_of_flights(
        &self,
        (scheduler, replica): (usize, &Replica),
        actions: &mut Vec<Action>,
    ) {
        for (flight, found) in replica.flights.iter().enumerate() {
            if found.outcome.is_some() {
                actions.push(Action::Answer { scheduler, flight });
                continue;
            }
            actions.push(Action::Arrive { scheduler, flight });
            if self.budgets.losses > 0 && found.is_awaited() {
                actions.push(Action::LoseRequest { scheduler, flight });
                actions.push(Action::LoseAnswer { scheduler, flight });
            }
        }
    }

    /// Whether a scheduler leads, or thinks that it does: where all do, the second starts when everything was asked for.
    pub(super) fn may_run(&self, scheduler: usize) -> bool {
        match self.story.leads_one {
            true => scheduler == self.leader,
            false => scheduler == 0 || self.asked == self.story.asked.len(),
        }
    }

    /// When the first pod that backs off is due.
    pub(super) fn backs_off_until(&self) -> Option<Timestamp> {
        let running = self.replicas.iter().filter_map(|replica| replica.running.as_ref());
        let until = running.filter_map(|running| running.backs_off_until()).min();
        until.filter(|until| *until > self.now)
    }

    /// Whether schedulers have nothing to do.
    pub(super) fn is_quiet(&self) -> bool {
        let is_asked = |action: &Action| !action.is_fault() && *action != Action::Wait;
        !self.choices().iter().any(is_asked)
    }
}
