//! The core alone: what it decides comes true at once, and only its own time counts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{AnyObject, ApiResource, Key, Request, Timestamp, Verb, resources};
use client::View;
use k8s_openapi::api::core::v1::Pod;
use scheduler::{Configuration, Scheduler};
use serde_json::{Value, json};

use super::workloads::{self, Workload};
use super::{Measured, Sizes};
use crate::commands::bench::kibibytes;
use crate::failure::{Failure, While};

/// Schedules a workload in this process.
pub(super) fn run(workload: &Workload, sizes: Sizes) -> Result<Measured, Failure> {
    let mut world = World::new();
    for name in workload.namespaces() {
        world.add(&resources::NAMESPACES, workloads::namespace_object(&name))?;
    }
    for number in 0..sizes.nodes {
        world.add(&resources::NODES, workloads::node(number))?;
    }
    for pod in workload.initial(sizes) {
        world.add(&resources::PODS, pod.object)?;
    }
    world.settle()?;
    for pod in workload.waiting(sizes.nodes) {
        world.add(&resources::PODS, pod.object)?;
    }
    world.settle()?;

    let pods = workload.measured(sizes.nodes, sizes.pods);
    let bound_before = world.bound;
    world.begin();
    let wanted = pods.len();
    for pod in pods {
        world.add(&resources::PODS, pod.object)?;
    }
    world.settle()?;
    let bound = world.bound - bound_before;
    if bound < wanted {
        return Err(Failure::cannot(format!("{}: {bound} of {wanted} pods", workload.name)));
    }
    let resident_mebibytes = kibibytes(std::process::id(), "VmRSS:")? / 1024.0;
    Ok(Measured { pods: wanted, took: world.took, latencies: world.latencies, resident_mebibytes })
}

/// A scheduler, the objects that it hears of, and the time that it takes.
struct World {
    scheduler: Scheduler,
    view: View,
    now: Timestamp,
    revision: u64,
    bound: usize,
    took: Duration,
    /// How long each decision took that binds a pod.
    latencies: Vec<f64>,
}

impl World {
    fn new() -> Self {
        Self {
            scheduler: Scheduler::new(Configuration::default()),
            view: View::default(),
            now: Timestamp::UNIX_EPOCH,
            revision: 0,
            bound: 0,
            took: Duration::ZERO,
            latencies: vec![],
        }
    }

    /// From here on it is measured.
    fn begin(&mut self) {
        self.took = Duration::ZERO;
        self.latencies.clear();
    }

    fn add(&mut self, resource: &'static ApiResource, mut object: Value) -> Result<(), Failure> {
        self.revision += 1;
        object["metadata"]["uid"] = json!(format!("uid-{}", self.revision));
        object["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        let object = AnyObject::decode(resource, object.to_string().as_bytes());
        self.put(object.while_doing("an object")?);
        Ok(())
    }

    fn put(&mut self, object: AnyObject) {
        let change = self.view.put(object);
        self.timed(|scheduler, now| scheduler.observe(&change, now));
    }

    /// Lets the scheduler decide until nothing is due any more that could be bound.
    fn settle(&mut self) -> Result<(), Failure> {
        loop {
            let (begun, revision) = (self.took, self.revision);
            let decision = self.timed(|scheduler, now| scheduler.schedule_one(revision, now));
            let Some(decision) = decision else {
                if !self.wait() {
                    return Ok(());
                }
                continue;
            };
            let took = self.took - begun;
            for request in decision.requests {
                if self.perform(&decision.pod, &request)? {
                    self.latencies.push(took.as_secs_f64() * 1e6);
                }
            }
        }
    }

    /// Time passes until a pod is due again, if one is soon: those that fit nowhere are tried again after minutes.
    fn wait(&mut self) -> bool {
        let soon = self.now + Duration::from_secs(60);
        let due = self.scheduler.next_deadline().filter(|due| *due < soon);
        self.now = due.map_or(self.now, |due| due.max(self.now));
        due.is_some()
    }

    /// Does what is asked. Whether a pod is bound by it.
    fn perform(&mut self, pod: &Key, request: &Request) -> Result<bool, Failure> {
        let body = request.body.clone().unwrap_or_default();
        let binds = request.subresource == "binding";
        if binds {
            let node = body["target"]["name"].as_str().unwrap_or_default();
            self.change(pod, |pod| {
                pod.spec.get_or_insert_default().node_name = Some(node.to_owned())
            });
            self.bound += 1;
        } else if request.verb == Verb::Delete {
            if let Some(change) = self.view.remove(&resources::PODS, &request.key) {
                self.timed(|scheduler, now| scheduler.observe(&change, now));
            }
        } else if let Some(node) = body["status"]["nominatedNodeName"].as_str() {
            let node = (!node.is_empty()).then(|| node.to_owned());
            self.change(&request.key, |pod| {
                pod.status.get_or_insert_default().nominated_node_name = node;
            });
        }
        let outcome = Ok(body);
        let more = self.timed(|scheduler, now| scheduler.completed(pod, request, &outcome, now));
        for request in more {
            self.perform(pod, &request)?;
        }
        Ok(binds)
    }

    fn change(&mut self, key: &Key, change: impl FnOnce(&mut Pod)) {
        let Some(pod) = self.view.pods.get(key) else { return };
        let mut pod = (**pod).clone();
        self.revision += 1;
        pod.metadata.resource_version = Some(self.revision.to_string());
        change(&mut pod);
        self.put(AnyObject::Pod(Arc::new(pod)));
    }

    fn timed<T>(&mut self, act: impl FnOnce(&mut Scheduler, Timestamp) -> T) -> T {
        let begun = Instant::now();
        let done = act(&mut self.scheduler, self.now);
        self.took += begun.elapsed();
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_workload_is_scheduled_to_its_last_pod() {
        for workload in workloads::ALL {
            let measured = run(&workload, Sizes { nodes: 30, initial: None, pods: 1000 }).unwrap();

            assert_eq!(measured.latencies.len(), measured.pods, "{}", workload.name);
        }
    }
}
