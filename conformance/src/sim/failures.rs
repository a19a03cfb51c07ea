//! What fails, when a step is a fault.

use api::trace::Event;
use std::collections::BTreeSet;

use kubelet::runtime::ContainerId;
use store::Revision;

use crate::sim::informer::Stream;
use crate::sim::network::Lost;
use crate::sim::options::Fault;
use crate::sim::wire;
use crate::sim::world::{CONTROLLERS, World};

impl World<'_> {
    /// Something fails, if there is anything that can.
    pub(crate) fn fail(&mut self, fault: Fault) {
        match fault {
            Fault::Crash => self.crash(),
            Fault::LostRequest => self.lose_request(),
            Fault::RefusedRequest => self.refuse_request(),
            Fault::ExpiredWatch => self.expire_watch(),
            Fault::NodeDeath => self.kill_or_revive_machine(),
            Fault::RestartStore => self.restart_store(),
            Fault::ContainerExit => self.exit_container(),
        }
    }

    /// Nothing fails from now on. A dead machine may stay dead.
    pub(crate) fn end_faults(&mut self) {
        self.resume_watches();
        if let Some(machine) = self.dead_machine()
            && self.random.one_in(2)
        {
            self.revive(machine);
        }
    }

    /// A component loses its memory. What a kubelet has sent and nobody has read ends with its connection:
    /// the model has no status that arrives after its sender has started again.
    fn crash(&mut self) {
        let chosen = self.random.below(self.processes.len());
        self.crash_process(chosen);
    }

    /// This component loses its memory, if it is there.
    pub(crate) fn crash_process(&mut self, chosen: usize) {
        if self.processes[chosen].alive {
            self.is_steady = false;
            self.stop(chosen);
            self.restart(chosen);
        }
    }

    /// A component is not there any more.
    pub(crate) fn stop(&mut self, chosen: usize) {
        let process = &mut self.processes[chosen];
        process.alive = false;
        let (origin, is_kubelet) = (process.origin(), process.is_kubelet());
        self.recorder.write(origin.event("crashed", String::new()), "");
        if Self::is_scheduler(chosen) {
            self.is_certain = false;
        }
        if is_kubelet {
            self.flights.retain(|_, flight| !flight.is_travelling_for(chosen));
        }
    }

    /// A component starts again.
    pub(crate) fn restart(&mut self, chosen: usize) {
        let incarnation = self.processes[chosen].incarnation + 1;
        self.processes[chosen] = self.start(chosen, incarnation);
    }

    /// Another controller manager takes over from this one, of which nothing is on its way.
    pub(crate) fn fail_over(&mut self) {
        self.stop(CONTROLLERS);
        self.restart(CONTROLLERS);
    }

    /// The request or its answer: nobody can tell.
    fn lose_request(&mut self) {
        let ids: Vec<u64> = self.flights.keys().copied().collect();
        if let Some(chosen) = self.random.pick(&ids) {
            self.lose(*chosen);
        }
    }

    /// This request or its answer.
    pub(crate) fn lose(&mut self, flight: u64) {
        let chosen = self.flights.get_mut(&flight);
        let chosen = chosen.filter(|flight| flight.can_be_lost());
        let lost = chosen.and_then(|flight| flight.lose(false, wire::no_answer()));
        self.tell_lost(lost);
    }

    /// The server fails, before it has done what a request asks for or after.
    fn refuse_request(&mut self) {
        let flights = self.flights.iter().filter(|(_, flight)| flight.can_be_lost());
        let ids: Vec<u64> = flights.map(|(id, _)| *id).collect();
        let Some(flight) = self.random.pick(&ids).and_then(|id| self.flights.get_mut(id)) else {
            return;
        };
        let failures = wire::failures(!flight.is_travelling());
        let Some(failure) = self.random.pick(&failures) else { return };
        let lost = flight.lose(false, Err(failure.clone()));
        self.tell_lost(lost);
    }

    /// Writes that a request or an answer was lost, if there was anybody who waited.
    fn tell_lost(&mut self, lost: Option<Lost>) {
        let Some(lost) = lost else { return };
        self.recorder.summary.requests_lost += 1;
        self.is_certain = false;
        let Some((process, incarnation)) = lost.sender else { return };
        let process = &self.processes[process];
        if process.alive && process.incarnation == incarnation {
            let event = Event { req: lost.number, ..process.origin().event(lost.action, lost.key) };
            self.recorder.write(event, &lost.uid);
        }
    }

    /// First a watch falls behind, then history is compacted away.
    fn expire_watch(&mut self) {
        if self.resume_watches() {
            return;
        }
        let chosen = self.random.below(self.processes.len());
        let chosen = if self.options.workloads.is_default() {
            (chosen, Some(self.random.below(self.processes[chosen].caches.informers.len())))
        } else {
            let chosen = if self.random.one_in(2) { CONTROLLERS } else { chosen };
            (chosen, self.telling_informer(chosen))
        };
        let (process, Some(informer)) = chosen else { return };
        let informers = &mut self.processes[process].caches.informers;
        if let Stream::Watching(watching) = &mut informers[informer].stream {
            watching.stalled = true;
        }
    }

    /// An informer of what there is: most of a controller manager's never have anything to tell.
    fn telling_informer(&mut self, process: usize) -> Option<usize> {
        let caches = &self.processes[process].caches;
        let tells = |index: &usize| {
            let resource = caches.informers[*index].resource();
            !caches.view.keys(resource).is_empty()
        };
        let telling: Vec<usize> = (0..caches.informers.len()).filter(tells).collect();
        self.random.pick(&telling).copied()
    }

    /// Compacts, then lets the watches that have fallen behind find out; whether there was one.
    pub(crate) fn resume_watches(&mut self) -> bool {
        if self.plant == crate::sim::plant::Plant::WatchGoesSilent {
            return false;
        }
        let mut is_resumed = false;
        for informer in self.processes.iter_mut().flat_map(|one| &mut one.caches.informers) {
            if let Stream::Watching(watching) = &mut informer.stream {
                is_resumed |= std::mem::take(&mut watching.stalled);
            }
        }
        if is_resumed {
            self.server.compact();
            self.pull();
        }
        is_resumed
    }

    fn dead_machine(&self) -> Option<usize> {
        let is_dead = |machine: &usize| !self.processes[self.kubelet_of(*machine)].alive;
        (0..self.machines.len()).find(is_dead)
    }

    /// One machine at a time.
    fn kill_or_revive_machine(&mut self) {
        match self.dead_machine() {
            Some(machine) => self.revive(machine),
            None => {
                let machine = self.random.below(self.machines.len());
                self.kill(machine);
            }
        }
    }

    /// A machine vanishes, with all that runs on it.
    pub(crate) fn kill(&mut self, machine: usize) {
        let kubelet = self.kubelet_of(machine);
        let process = &mut self.processes[kubelet];
        process.alive = false;
        let origin = process.origin();
        self.machines[machine].die();
        self.recorder.write(origin.event("node-died", String::new()), "");
    }

    /// A machine comes back, empty.
    pub(crate) fn revive(&mut self, machine: usize) {
        self.restart(self.kubelet_of(machine));
    }

    /// Requests on their way break off, watches close, and what was not synced may be gone.
    pub(crate) fn restart_store(&mut self) {
        self.recorder.summary.crashes += 1;
        self.is_certain = false;
        let before = self.server.published.revision();
        let recovery = self.server.restart(&mut self.random, self.plant);
        self.check_restart(before, recovery.logged);
        let survived: BTreeSet<u64> = recovery.survived.iter().map(|one| one.flight).collect();
        for stored in recovery.survived {
            self.witness(stored);
        }
        let flights = self.flights.iter_mut();
        let lost: Vec<Option<Lost>> = flights
            .map(|(id, flight)| flight.lose(survived.contains(id), wire::no_answer()))
            .collect();
        for lost in lost {
            self.tell_lost(lost);
        }
        for informer in self.processes.iter_mut().flat_map(|one| &mut one.caches.informers) {
            informer.stream = Stream::Closed;
        }
    }

    fn check_restart(&mut self, before: Revision, logged: Revision) {
        let now = self.server.published.revision();
        if logged < before {
            let why = format!(
                "ETCD-2: revision {before} was acknowledged, and after a restart the log ends at {logged}"
            );
            self.recorder.object(&why);
        } else if now < before {
            let why =
                format!("ETCD-1: the store was at revision {before}, and after a restart at {now}");
            self.recorder.object(&why);
        }
    }

    fn exit_container(&mut self) {
        let Some((machine, id)) = self.running_container() else { return };
        let exit_code = i32::from(self.random.one_in(2));
        self.exit(machine, &id, exit_code);
    }

    /// A container is done with its work, or gives up.
    pub(crate) fn end_work(&mut self, exit_code: i32) {
        if let Some((machine, id)) = self.running_container() {
            self.exit(machine, &id, exit_code);
        }
    }

    fn running_container(&mut self) -> Option<(usize, ContainerId)> {
        let machine = self.random.below(self.machines.len());
        let running = self.machines[machine].running();
        self.random.pick(&running).map(|(_, id)| (machine, id.clone()))
    }

    pub(super) fn exit(&mut self, machine: usize, id: &ContainerId, exit_code: i32) {
        let report = self.machines[machine].exit(id, exit_code, self.now);
        self.report(machine, report);
    }
}
