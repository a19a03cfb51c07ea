//! What may become of a Pod: where it is bound, which phases follow which.

use std::collections::{BTreeMap, BTreeSet};

use api::trace::Event;

use super::log::{Delta, Log, Write, resource};
use super::refusal::{Allowed, Denial};
use super::watches::Watches;
use crate::trace::Verb;

/// The scheduler's name in traces.
const SCHEDULER: &str = "kube-scheduler";

/// What the writes of Pods have shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Pods {
    /// Pods that the first kube-scheduler has bound; the claim about overbooking speaks of no others.
    scheduled: BTreeSet<u64>,
    /// Whether kube-scheduler has crashed or a request of it was lost.
    scheduler_failed: bool,
    /// The most that each Node has allowed: Pods, and thousandths of a cpu.
    allocatable: BTreeMap<u64, [i64; 2]>,
    /// Pods that were once bound or marked as being deleted.
    unbindable: BTreeSet<String>,
}

impl Pods {
    /// Something failed of which this component does not know what became of it.
    pub(super) fn failed(&mut self, event: &Event) {
        self.scheduler_failed |= event.actor == SCHEDULER;
    }

    /// Checks a write of a Pod or Node.
    pub(super) fn written(&mut self, log: &Log, write: &Write, event: &Event) -> Allowed {
        if resource(&write.key) == "nodes" {
            self.remember_node(write);
            return Ok(());
        }
        if resource(&write.key) != "pods" {
            return Ok(());
        }
        let after = &write.after.delta;
        if !after.node.is_empty() || after.deleting {
            self.unbindable.insert(write.key.clone());
        }
        check_phase(write)?;
        check_node(log, write)?;
        if write.verb == Verb::Bind && event.actor == SCHEDULER {
            self.scheduler_failed |= event.incarnation > 0;
            self.scheduled.insert(write.after.uid);
            return self.check_room(log, after);
        }
        Ok(())
    }

    /// Checks a Binding that kube-scheduler has sent: it knows the Pod that it names.
    pub(super) fn check_binding(log: &Log, watches: &Watches, event: &Event) -> Allowed {
        let created = log.object(&event.key).map_or(0, |pod| pod.created);
        match watches.read(event, "pods") {
            Some(read) if event.actor == SCHEDULER && created > read => {
                let uid = event.uid;
                let why = format!("kube-scheduler has never seen the Pod with uid {uid}");
                Err(Denial::of("SCHEDULER-2", why))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Checks that a refusal can have been given. What the API server saw may be older than the
    /// newest write, so anything that was once a reason is one.
    pub(super) fn refused(&self, log: &Log, verb: Verb, event: &Event) -> Allowed {
        let existed = log.has_existed(&event.key);
        match (verb, event.outcome.as_str()) {
            (Verb::Create, "AlreadyExists") if !existed && !event.key.ends_with('/') => {
                Err(Denial::plain("the answer is AlreadyExists, but nothing of this name ever did"))
            }
            (Verb::Bind, "Conflict")
                if !self.unbindable.contains(&event.key) && event.uid == 0 && !log.is_partial() =>
            {
                Err(Denial::plain("the answer is Conflict, but the Pod was never bound or deleted"))
            }
            (Verb::Bind, "AlreadyExists") => {
                Err(Denial::plain("a second Binding is refused with Conflict, not AlreadyExists"))
            }
            _ => Ok(()),
        }
    }

    fn remember_node(&mut self, write: &Write) {
        let Delta { pods, cpu, .. } = write.after.delta;
        let Some(pods) = pods else { return };
        let most = self.allocatable.entry(write.after.uid).or_default();
        *most = [most[0].max(pods), most[1].max(cpu)];
    }

    /// As long as nothing has failed, kube-scheduler overbooks no Node.
    fn check_room(&self, log: &Log, bound: &Delta) -> Allowed {
        let node = log.object(&format!("nodes/{}", bound.node));
        let Some(most) = node.and_then(|node| self.allocatable.get(&node.uid)) else {
            return Ok(());
        };
        let there = log
            .objects("pods/")
            .map(|(_, pod)| pod)
            .filter(|pod| pod.delta.node == bound.node && !pod.delta.terminated());
        let (mut pods, mut cpu, mut own) = (0, 0, true);
        for pod in there {
            pods += 1;
            cpu += pod.delta.cpu;
            own &= self.scheduled.contains(&pod.uid);
        }
        let fits = pods <= most[0] && cpu <= most[1];
        if fits || !own || self.scheduler_failed {
            return Ok(());
        }
        let why = format!(
            "{} is overbooked: {pods} Pods that request {cpu}m cpu, it allows {} and {}m",
            bound.node, most[0], most[1]
        );
        Err(Denial::of("SCHEDULER-1", why))
    }
}

fn check_phase(write: &Write) -> Allowed {
    let after = write.after.delta.phase.as_str();
    if !["Pending", "Running", "Succeeded", "Failed"].contains(&after) {
        return Err(Denial::plain(format!("a Pod has no phase {after:?}")));
    }
    let Some(before) = write.before.as_ref().map(|before| &before.delta) else { return Ok(()) };
    if before.terminated() && before.phase != after {
        let why = format!("the phase {} is final, it cannot become {after}", before.phase);
        return Err(Denial::of("POD-3", why));
    }
    if before.phase == "Running" && after == "Pending" {
        return Err(Denial::plain("a Pod that runs does not become Pending again"));
    }
    Ok(())
}

fn check_node(log: &Log, write: &Write) -> Allowed {
    let after = &write.after.delta;
    let before = write.before.as_ref().map(|before| &before.delta);
    let was = before.map_or("", |before| before.node.as_str());
    if write.verb == Verb::Bind {
        check_bind(write)?;
        if !log.has_existed(&format!("nodes/{}", after.node)) {
            let why = format!("it is bound to {}, which has never existed", after.node);
            return Err(Denial::of("POD-2", why));
        }
        return Ok(());
    }
    if before.is_some() && was != after.node {
        let why = format!("spec.nodeName was {was:?} and becomes {:?}", after.node);
        return Err(Denial::of("POD-1", why));
    }
    Ok(())
}

fn check_bind(write: &Write) -> Allowed {
    let Some(before) = write.before.as_ref().filter(|before| before.created > 0) else {
        return Ok(());
    };
    if before.delta.deleting {
        return Err(Denial::plain("it is being deleted: the answer to a Binding is Conflict"));
    }
    if !before.delta.node.is_empty() {
        let why = format!("it is bound to {} already: the answer is Conflict", before.delta.node);
        return Err(Denial::of("POD-1", why));
    }
    if write.after.delta.node.is_empty() {
        return Err(Denial::plain("a Binding sets spec.nodeName"));
    }
    Ok(())
}
