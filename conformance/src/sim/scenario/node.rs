//! What befalls machines and components in a scenario.

use std::time::Duration;

use api::ApiResource;

use crate::sim::informer::Stream;
use crate::sim::machine::Machine;
use crate::sim::scenario::player::PODS_MAX;
use crate::sim::scenario::words::Object;
use crate::sim::world::World;

impl World<'_> {
    fn machine(&self, node: &str) -> Result<usize, String> {
        let found = self.machines.iter().position(|machine| machine.name == node);
        found.ok_or_else(|| format!("there is no machine \"{node}\""))
    }

    fn process(&self, actor: &str) -> Result<usize, String> {
        let found = self.processes.iter().position(|process| process.actor == actor);
        found.ok_or_else(|| format!("there is no component \"{actor}\""))
    }

    /// A machine loses power, or a component ends.
    pub(super) fn end(&mut self, name: &str) -> Result<(), String> {
        if let Ok(machine) = self.machine(name) {
            self.kill(machine);
            return Ok(());
        }
        let process = self.process(name).map_err(|_| nobody(name))?;
        if !self.processes[process].alive {
            return Err(format!("{name} does not run"));
        }
        self.is_steady = false;
        self.stop(process);
        Ok(())
    }

    /// A machine is switched on again, or a component started.
    pub(super) fn begin(&mut self, name: &str) -> Result<(), String> {
        let machine = self.machine(name);
        let process = match machine {
            Ok(machine) => self.kubelet_of(machine),
            Err(_) => self.process(name).map_err(|_| nobody(name))?,
        };
        if self.processes[process].alive {
            return Err(format!("{name} has not been killed"));
        }
        self.restart(process);
        Ok(())
    }

    /// The whole cluster is without power for so long. Machines find nothing that runs when it is back, and
    /// components have lost their memory.
    pub(super) fn switch_off(&mut self, time: Duration) {
        let is_on = |machine: &usize| self.processes[self.kubelet_of(*machine)].alive;
        let (machines, silent): (Vec<usize>, Vec<usize>) =
            (0..self.machines.len()).partition(is_on);
        machines.iter().for_each(|machine| self.kill(*machine));
        silent.iter().for_each(|machine| self.machines[*machine].die());
        self.restart_store();
        self.now += time;
        (0..self.kubelet_of(0)).for_each(|process| self.crash_process(process));
        machines.iter().for_each(|machine| self.revive(*machine));
    }

    /// A machine is new.
    pub(super) fn join_node(&mut self, node: &str) -> Result<(), String> {
        if self.machine(node).is_ok() {
            return Err(format!("there is a machine \"{node}\" already"));
        }
        self.machines.push(Machine::new(node, PODS_MAX));
        let process = self.start(self.kubelet_of(self.machines.len() - 1), 0);
        self.processes.push(process);
        Ok(())
    }

    /// A component loses its memory and starts again.
    pub(super) fn crash_actor(&mut self, actor: &str) -> Result<(), String> {
        if actor == "kube-apiserver" {
            self.restart_store();
            return Ok(());
        }
        let process = self.process(actor)?;
        self.crash_process(process);
        Ok(())
    }

    /// A component's watch falls behind, or catches up.
    pub(super) fn stall_watch(
        &mut self,
        actor: &str,
        resource: &'static ApiResource,
        is_stalled: bool,
    ) -> Result<(), String> {
        let process = self.process(actor)?;
        let informers = &mut self.processes[process].caches.informers;
        let informer = informers.iter_mut().find(|informer| informer.is_of(resource));
        match informer.map(|informer| &mut informer.stream) {
            Some(Stream::Watching(watching)) => watching.stalled = is_stalled,
            Some(Stream::Closed | Stream::Listed(_)) | None => {
                return Err(format!("{actor} does not watch {}", resource.plural));
            }
        }
        self.pull();
        Ok(())
    }

    /// The containers of a pod end.
    pub(super) fn exit_pod(&mut self, pod: &Object, code: i32) -> Result<(), String> {
        let now = self.now;
        let is_of = |key: &api::Key| key.name == pod.name && key.namespace == pod.namespace;
        let found = self.machines.iter().enumerate().find_map(|(index, machine)| {
            let running = machine.running();
            let ids: Vec<_> = running.into_iter().filter(|(key, _)| is_of(key)).collect();
            (!ids.is_empty()).then_some((index, ids))
        });
        let (machine, ids) = found.ok_or_else(|| format!("no container of {} runs", pod.name))?;
        for (_, id) in ids {
            let report = self.machines[machine].exit(&id, code, now);
            self.report(machine, report);
        }
        Ok(())
    }

    /// An image can be pulled no more, or again. Prints nothing.
    pub(super) fn change_image(&mut self, image: &str, is_missing: bool) -> String {
        for machine in &mut self.machines {
            match is_missing {
                true => machine.missing_images.insert(image.to_owned()),
                false => machine.missing_images.remove(image),
            };
        }
        String::new()
    }
}

fn nobody(name: &str) -> String {
    format!("there is no machine and no component \"{name}\"")
}
