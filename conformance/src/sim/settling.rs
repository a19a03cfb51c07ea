//! The end of a run: what was asked for is done once nothing fails any more.

use std::collections::BTreeSet;
use std::time::Duration;

use api::trace::Origin;

use crate::sim::checks;
use crate::sim::outcome::Violation;
use crate::sim::workloads::Workload;
use crate::sim::world::World;

/// How long a cluster that is left alone may take to do what it was asked.
const SETTLE_SECONDS: u64 = 1800;
const SETTLE_STEPS: u64 = 100_000;
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
            for _ in 0..look {
                self.work();
                self.check()?;
            }
            self.tend();
            let dead = self.dead();
            let Some(why) = self.unsettled(&dead) else { return Ok(()) };
            let has_jobs = self.options.workloads.contains(Workload::Jobs);
            if has_jobs && self.lacks_jobs(&dead) {
                // With more nodes more runs, and less of it is a Job's.
                (0..size).for_each(|_| self.end_work(0));
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
        let requests: Vec<_> = workloads.flat_map(|workload| workload.tend(store)).collect();
        for request in requests {
            self.send(None, Origin::new("kubectl", 0), request);
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
