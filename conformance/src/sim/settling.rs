//! The end of a run: what was asked for is done once nothing fails any more.

use std::collections::BTreeSet;
use std::time::Duration;

use api::trace::Origin;
use api::{Request, resources};
use serde_json::Value;

use crate::sim::checks;
use crate::sim::objects::objects;
use crate::sim::outcome::Violation;
use crate::sim::workloads::{Workload, nodes, owners, uid};
use crate::sim::world::World;

/// How long a cluster that is left alone may take to do what it was asked.
const SETTLE_SECONDS: u64 = 1800;
const SETTLE_STEPS: u64 = 100_000;
/// How often those kubelets say that they are there which are not simulated.
const HEARTBEAT_STEPS: u64 = 10;
/// How often it is asked whether it has, with few nodes.
const SETTLE_LOOK_STEPS: u64 = 200;

impl World<'_> {
    /// Without further faults, and with nobody asking for more, the cluster does what it was asked.
    pub(super) fn settle(&mut self) -> Result<(), Violation> {
        self.end_faults();
        let size = self.options.nodes.div_ceil(3) as u64;
        let (steps, look) = (SETTLE_STEPS * size, SETTLE_LOOK_STEPS * size);
        let (end, last) = (self.now + Duration::from_secs(SETTLE_SECONDS), self.steps + steps);
        loop {
            for step in 0..look {
                if step.is_multiple_of(HEARTBEAT_STEPS) {
                    self.beat();
                }
                self.work();
                self.check()?;
            }
            self.tend();
            let dead = self.dead();
            let Some(why) = self.unsettled(&dead) else { return Ok(()) };
            let has_jobs = self.options.workloads.contains(Workload::Jobs);
            if has_jobs && self.lacks_jobs(&dead) {
                self.end_jobs();
            }
            if self.now > end || self.steps > last {
                self.recorder.object(&format!("{why}, although nothing has failed any more"));
                return self.check();
            }
        }
    }

    /// Those who are not simulated do what they do.
    fn tend(&mut self) {
        let store = &self.server.published;
        let workloads = self.options.workloads.iter();
        let requests = workloads.flat_map(|workload| workload.tend(store)).collect();
        self.send_all(requests);
    }

    /// Kubelets that are not simulated say that they are there, once what they said before has arrived: else nothing
    /// but that would travel.
    fn beat(&mut self) {
        let is_said = self.flights.values().all(|flight| flight.process().is_some());
        if is_said && self.options.workloads.contains(Workload::Nodes) {
            self.send_all(nodes::heartbeats(&self.server.published));
        }
    }

    fn send_all(&mut self, requests: Vec<Request>) {
        for request in requests {
            self.send(None, Origin::new("kubectl", 0), request);
        }
    }

    /// What runs for Jobs is done with its work.
    fn end_jobs(&mut self) {
        let pods = objects(&self.server.published, &resources::PODS);
        let of_jobs: BTreeSet<&str> = pods.iter().filter(|pod| is_of_job(pod)).map(uid).collect();
        let running = self.machines.iter().enumerate();
        let running = running.flat_map(|(machine, found)| {
            found.running().into_iter().map(move |(_, container)| (machine, container))
        });
        let done: Vec<_> =
            running.filter(|(_, one)| of_jobs.contains(one.pod_uid.as_str())).collect();
        for (machine, container) in done {
            self.exit(machine, &container, 0);
        }
    }

    /// What is not as it was asked for. `dead` machines cannot be waited for.
    pub(crate) fn unsettled(&self, dead: &BTreeSet<&str>) -> Option<String> {
        let store = &self.server.published;
        let mut workloads = self.options.workloads.iter();
        workloads
            .find_map(|workload| workload.unsettled(store, (dead, self.now)))
            .or_else(|| checks::unsettled(store, (dead, &self.cast)))
    }

    fn lacks_jobs(&self, dead: &BTreeSet<&str>) -> bool {
        Workload::Jobs.unsettled(&self.server.published, (dead, self.now)).is_some()
    }

    /// The machines whose kubelet does not run.
    fn dead(&self) -> BTreeSet<&str> {
        let machines = self.machines.iter().zip(&self.processes[self.kubelet_of(0)..]);
        let dead = machines.filter(|(_, kubelet)| !kubelet.alive);
        dead.map(|(machine, _)| machine.name.as_str()).collect()
    }
}

fn is_of_job(pod: &Value) -> bool {
    owners(pod).any(|owner| owner["kind"] == "Job")
}
