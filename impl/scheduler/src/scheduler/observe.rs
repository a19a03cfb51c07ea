//! What a scheduler makes of changes that it hears of.
//!
//! Source: eventhandlers.go (v1.36).

use std::sync::Arc;

use api::{AnyObject, Key, Timestamp, resources};
use client::Change;
use k8s_openapi::api::core::v1::{Node, Pod, PodResourceClaimStatus};

use super::Scheduler;
use crate::config::DEFAULT_SCHEDULER;
use crate::event::Event;
use crate::extender::EXTENDER;
use crate::framework::ExtensionPoint;
use crate::node_info::PodInfo;
use crate::plugins::dynamic_resources::{NAME as DYNAMIC_RESOURCES, asked, claims_of};
use crate::snapshot::is_seen_otherwise;

impl Scheduler {
    /// Hears of a change of what it watches; other changes are nothing to it.
    pub fn observe(&mut self, change: &Change, now: Timestamp) {
        self.now = self.now.max(now);
        let (old, new) = (change.old.as_ref(), change.new.as_ref());
        if change.resource() == &resources::NODES {
            self.observe_node(as_node(old), as_node(new));
        } else if change.resource() == &resources::PODS {
            self.observe_pod(as_pod(old), as_pod(new));
        } else if let Some(event) = self.cluster.observe(change) {
            self.reservations.are_due = true;
            self.wake(event);
        }
    }

    /// Makes the pods due that a change may help.
    pub(super) fn wake(&mut self, event: Event<'_>) {
        self.wake_if(event, |_| true);
    }

    fn wake_if(&mut self, event: Event<'_>, is_asked: impl Fn(&PodInfo) -> bool) {
        let (pending, cluster) = (&self.pending, &self.cluster);
        let configuration = &self.configuration;
        self.queue.move_if(self.now, |key, rejected_by| {
            let Some(pod) = pending.get(key).filter(|pod| is_asked(pod)) else { return false };
            let hints = &Self::profile(configuration, pod).hints;
            let mut plugins = hints.iter().filter(|plugin| rejected_by.contains(plugin.name()));
            rejected_by.contains(EXTENDER)
                || plugins.any(|plugin| plugin.may_help(pod, event, cluster))
        });
    }

    fn observe_node(&mut self, old: Option<&Arc<Node>>, new: Option<&Arc<Node>>) {
        match (old, new) {
            (_, Some(new)) => {
                self.cluster.snapshot.set_node(Arc::clone(new));
                if old.is_none_or(|old| has_changed(old, new)) {
                    let old = old.filter(|old| old.metadata.uid == new.metadata.uid);
                    self.wake(Event::Node { old: old.map(AsRef::as_ref), new: Some(new) });
                }
            }
            (Some(old), None) => self.node_gone(old),
            (None, None) => {}
        }
    }

    /// Pods for which room was to be made on a node that is gone look for another one.
    fn node_gone(&mut self, node: &Node) {
        let name = node.metadata.name.as_deref().unwrap_or_default();
        self.cluster.snapshot.remove_node(name);
        self.wake(Event::Node { old: Some(node), new: None });
        let nominations = &self.cluster.nominations;
        self.queue.move_if(self.now, |key, _| nominations.node_of(key) == Some(name));
    }

    fn observe_pod(&mut self, old: Option<&Arc<Pod>>, new: Option<&Arc<Pod>>) {
        let replaced = old.zip(new).is_some_and(|(old, new)| old.metadata.uid != new.metadata.uid);
        if let Some(old) = old.filter(|_| replaced || new.is_none()) {
            self.pod_gone(&Key::of(&old.metadata));
        }
        let Some(new) = new else { return };
        let key = Key::of(&new.metadata);
        if is_finished(new) {
            self.pod_gone(&key);
        } else if let Some(node) = node_name(new) {
            self.dequeue(&key);
            self.pod_runs(PodInfo::new(Arc::clone(new)), node);
        } else if self.is_mine(new) {
            self.pod_waits(new, old.filter(|_| !replaced));
        } else {
            self.waits_no_more(&key);
        }
    }

    /// A pod that has a node. If it is not the one where it was assumed, somebody else was faster, and there is room
    /// again where it was.
    fn pod_runs(&mut self, pod: PodInfo, node: &str) {
        let key = pod.key();
        let is_elsewhere = self.cluster.snapshot.node_of(&key).is_some_and(|old| old != node);
        let seen = !self.cluster.snapshot.is_assumed(&key, pod.uid());
        let old = self.cluster.snapshot.pod(&key).filter(|_| seen);
        let is_told = old.is_none_or(|old| {
            old.labels() != pod.labels() || old.requests.requested != pod.requests.requested
        });
        let old = old.filter(|_| is_told).cloned();
        self.cluster.snapshot.add_pod(pod.clone(), node);
        if is_told {
            self.wake(Event::Pod { old: old.as_ref(), new: Some(&pod) });
        }
        if is_elsewhere {
            self.wake(Event::freed(&pod));
        }
    }

    /// A pod that took room, or was to have some, leaves it to others.
    fn pod_gone(&mut self, key: &Key) {
        let pod = self.cluster.snapshot.pod(key).cloned();
        self.cluster.snapshot.remove_pod(key);
        self.waits_no_more(key);
        if let Some(pod) = pod {
            self.wake(Event::freed(&pod));
        }
    }

    /// A pod is not to be scheduled, or not here.
    fn waits_no_more(&mut self, key: &Key) {
        let nominated = self.cluster.nominations.node_of(key).is_some();
        let pod = self.pending.get(key).filter(|_| nominated).cloned();
        self.dequeue(key);
        if let Some(pod) = pod {
            self.leaves_nomination(&pod);
        }
    }

    /// The room that was made for a pod is there for those that had to leave it to that pod.
    fn leaves_nomination(&mut self, pod: &PodInfo) {
        self.wake_if(Event::freed(pod), |waits| waits.priority() <= pod.priority());
    }

    fn dequeue(&mut self, key: &Key) {
        self.release(key);
        self.asking.take_if(|asking| asking.pod.key() == *key);
        self.pending.remove(key);
        self.queue.remove(key);
        self.cluster.nominations.remove(key);
    }

    /// Queues a pod that is new, or whose change may help it. While it is being bound it waits.
    fn pod_waits(&mut self, new: &Arc<Pod>, old: Option<&Arc<Pod>>) {
        let info = PodInfo::new(Arc::clone(new));
        let (key, priority) = (info.key(), info.priority());
        let assumed = self.cluster.snapshot.is_assumed(&key, info.uid());
        self.cluster.snapshot.track_wishes(&info);
        self.pending.insert(key.clone(), info.clone());
        if !assumed {
            self.nominate(&info, old);
        }
        let changed = old.is_none_or(|old| {
            old.spec != new.spec
                || old.metadata.labels != new.metadata.labels
                || made_claims(old) != made_claims(new)
        });
        if !assumed && (changed || !self.queue.contains(&key)) {
            self.asking.take_if(|asking| asking.pod.key() == key);
            self.queue.add(&key, priority);
            if self.is_kept_out(&info) {
                self.queue.keep_out(&key, DYNAMIC_RESOURCES, self.now);
            }
        }
    }

    /// Whether a pod is not looked at, because its claims of devices are not there.
    pub(super) fn is_kept_out(&self, pod: &PodInfo) -> bool {
        !asked(&pod.pod).is_empty()
            && Self::profile(&self.configuration, pod)
                .enabled
                .has(ExtensionPoint::PreEnqueue, DYNAMIC_RESOURCES)
            && claims_of(&pod.pod, &self.cluster.devices).is_err()
    }

    /// Nominates a pod as its status says. One whose status does not say so yet stays where it was nominated.
    fn nominate(&mut self, pod: &PodInfo, old: Option<&Arc<Pod>>) {
        let old = old.map(|old| PodInfo::new(Arc::clone(old)));
        let before = old.as_ref().and_then(PodInfo::nominated_node_name);
        let after = pod.nominated_node_name();
        let kept = self.cluster.nominations.node_of(&pod.key()).filter(|_| before.is_none());
        match after.or(kept).map(str::to_owned) {
            Some(node) => self.cluster.nominations.add(pod.clone(), &node),
            None => self.cluster.nominations.remove(&pod.key()),
        }
        if let Some(old) = old.as_ref().filter(|_| before.is_some() && before != after) {
            self.leaves_nomination(old);
        }
    }

    /// Whether a profile of this scheduler is to decide about a pod now.
    fn is_mine(&self, pod: &Arc<Pod>) -> bool {
        let spec = pod.spec.as_ref();
        let name = spec.and_then(|spec| spec.scheduler_name.as_deref());
        let name = name.filter(|name| !name.is_empty()).unwrap_or(DEFAULT_SCHEDULER);
        let Some(profile) = self.configuration.profiles.get(name) else { return false };
        let is_gated = spec
            .and_then(|spec| spec.scheduling_gates.as_ref())
            .is_some_and(|gates| !gates.is_empty())
            && profile.enabled.has(ExtensionPoint::PreEnqueue, "SchedulingGates");
        !is_gated && pod.metadata.deletion_timestamp.is_none()
    }
}

/// Whether a node has changed in something that a filter reads.
fn has_changed(old: &Node, new: &Node) -> bool {
    old.metadata.uid != new.metadata.uid || is_seen_otherwise(old, new)
}

/// The claims that were made for a pod.
fn made_claims(pod: &Pod) -> Option<&Vec<PodResourceClaimStatus>> {
    pod.status.as_ref()?.resource_claim_statuses.as_ref()
}

fn is_finished(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}

fn node_name(pod: &Pod) -> Option<&str> {
    let node = pod.spec.as_ref()?.node_name.as_deref()?;
    (!node.is_empty()).then_some(node)
}

fn as_node(object: Option<&AnyObject>) -> Option<&Arc<Node>> {
    if let Some(AnyObject::Node(node)) = object { Some(node) } else { None }
}

fn as_pod(object: Option<&AnyObject>) -> Option<&Arc<Pod>> {
    if let Some(AnyObject::Pod(pod)) = object { Some(pod) } else { None }
}
