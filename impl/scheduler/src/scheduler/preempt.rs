//! Makes room for a pod: its victims are marked, deleted gracefully, and told why.
//!
//! Source: framework/preemption/executor.go (v1.36). All victims are asked for at once; upstream keeps the last one
//! back until the others are asked for.

use std::collections::BTreeMap;

use api::{Key, Reason, Request, Timestamp, Verb, resources};
use client::Outcome;
use client::event::Note;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::Scheduler;
use super::report::{clear_nomination, patch_status};
use crate::config::{DefaultPreemptionArgs, PluginArgs};
use crate::framework::ExtensionPoint;
use crate::node_info::PodInfo;
use crate::plugins::default_preemption::Candidate;

/// A pod for which others are being deleted.
#[derive(Clone, Debug)]
pub(super) struct Preempting {
    uid: String,
    node: String,
    /// Those whose deletion was not answered yet.
    victims: BTreeMap<Key, PodInfo>,
    has_failed: bool,
}

impl Preempting {
    /// Those whose deletion was not answered yet.
    pub(super) fn victims(&self) -> impl Iterator<Item = &Key> {
        self.victims.keys()
    }
}

impl Scheduler {
    /// Makes room on a node for a pod. Less important pods for which room was being made there look elsewhere.
    pub(super) fn preempt(&mut self, pod: &PodInfo, candidate: Candidate) -> Vec<Request> {
        let mut requests = self.clear_nominations(pod, &candidate.node);
        let node = candidate.node;
        let mut victims = BTreeMap::new();
        for victim in candidate.victims {
            if self.reservations.contains(&victim.key()) {
                requests.extend(self.preempt_in_memory(&victim, (pod, &node)));
            } else if !victim.is_terminating() {
                requests.push(
                    self.mark(&victim, pod.scheduler_name()).unwrap_or_else(|| delete(&victim)),
                );
                victims.insert(victim.key(), victim);
            }
        }
        if !victims.is_empty() {
            let enabled = &Self::profile(&self.configuration, pod).enabled;
            if enabled.has(ExtensionPoint::PreEnqueue, DefaultPreemptionArgs::PLUGIN) {
                self.queue.begin_preemption(&pod.key());
            }
            let uid = pod.uid().to_owned();
            let preempting = Preempting { uid, node, victims, has_failed: false };
            self.preempting.insert(pod.key(), preempting);
        }
        requests
    }

    fn clear_nominations(&mut self, pod: &PodInfo, node: &str) -> Vec<Request> {
        let nominated = self.cluster.nominations.on(node);
        let lower: Vec<PodInfo> =
            nominated.filter(|other| other.priority() < pod.priority()).cloned().collect();
        lower.iter().for_each(|other| self.cluster.nominations.remove(&other.key()));
        let has_status = |other: &&PodInfo| other.nominated_node_name().is_some();
        lower.iter().filter(has_status).map(|other| clear_nomination(&other.pod)).collect()
    }

    /// A victim that has a node but waits there for its volumes or devices needs no deletion: it looks for another one.
    fn preempt_in_memory(
        &mut self,
        victim: &PodInfo,
        (pod, node): (&PodInfo, &str),
    ) -> Vec<Request> {
        let released = self.release(&victim.key());
        let why = match released.as_ref().is_some_and(|waits| waits.has_volumes()) {
            true => "running PreBind plugin \"VolumeBinding\": binding volumes: context canceled",
            false => "running PreBind plugin \"DynamicResources\": context canceled",
        };
        let claims = released.as_ref().and_then(|waits| waits.devices.as_ref());
        let (_, mut requests) = self.unreserve(victim, (why, claims));
        let told = format!("{} (in kube-scheduler memory).", preempted_by(pod.uid(), node));
        requests.push(self.tell(victim, Note::normal("Preempted", told)));
        requests
    }

    /// The request that says why a victim is going to be deleted, if it does not say so already.
    fn mark(&self, victim: &PodInfo, by: &str) -> Option<Request> {
        let message = format!("{by}: preempting to accommodate a higher priority pod");
        let condition = disruption_target(&victim.pod, &message, self.now)?;
        Some(patch_status(&victim.pod, json!({"conditions": [condition]})))
    }

    /// Hears what came of marking or deleting a victim, and goes on with it.
    pub(super) fn victim_answered(
        &mut self,
        pod: &Key,
        (request, outcome): (&Request, &Outcome),
    ) -> Vec<Request> {
        let Some(preempting) = self.preempting.get_mut(pod) else { return vec![] };
        let Some(victim) = preempting.victims.get(&request.key).cloned() else { return vec![] };
        let is_marked = outcome.is_ok() && request.verb != Verb::Delete;
        if is_marked {
            return vec![delete(&victim)];
        }
        preempting.victims.remove(&request.key);
        let told = preempted_by(&preempting.uid, &preempting.node);
        let is_gone = |reason| reason == Reason::NotFound;
        preempting.has_failed |= outcome.as_ref().is_err_and(|status| !is_gone(status.reason));
        let (is_done, has_failed) = (preempting.victims.is_empty(), preempting.has_failed);
        if is_done {
            self.preempting.remove(pod);
            self.queue.end_preemption(pod, has_failed, self.now);
        }
        let is_told = outcome.is_ok();
        is_told.then(|| self.tell(&victim, Note::normal("Preempted", told))).into_iter().collect()
    }
}

fn preempted_by(uid: &str, node: &str) -> String {
    format!("Preempted by pod {uid} on node {node}")
}

fn delete(victim: &PodInfo) -> Request {
    Request::delete(&resources::PODS, victim.key(), victim.uid(), json!({}))
}

/// The condition of a victim, if it does not have it already.
fn disruption_target(victim: &Pod, message: &str, now: Timestamp) -> Option<Value> {
    let mut conditions = victim.status.iter().flat_map(|status| status.conditions.iter().flatten());
    let old = conditions.find(|condition| condition.type_ == "DisruptionTarget");
    let old = old.filter(|old| old.status == "True");
    let reason = "PreemptionByScheduler";
    let is_said = old.is_some_and(|old| {
        old.reason.as_deref() == Some(reason) && old.message.as_deref() == Some(message)
    });
    let since = old.and_then(|old| old.last_transition_time.as_ref()).map_or(now, |time| time.0);
    (!is_said).then(|| {
        json!({
            "type": "DisruptionTarget", "status": "True", "reason": reason, "message": message,
            "lastTransitionTime": api::time::text(since), "observedGeneration": victim.metadata.generation,
        })
    })
}
