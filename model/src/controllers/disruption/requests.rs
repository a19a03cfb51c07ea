//! What an API server sees of a PodDisruptionBudget, of evictions and of Pods.
//!
//! An eviction is one request: it is seen where it is granted.

use super::{Action, Budget, Pod, State};
use crate::request::{CURRENT, OUTDATED, Request};
use serde_json::{Value, json};

const RESOURCE: &str = "poddisruptionbudgets.policy";
const NAME: &str = "budget";

pub(super) fn at_start(state: &State) -> Vec<Request> {
    let objects = state.store.now();
    let selector = json!({"matchLabels": {"disruption": "pod"}});
    let spec = json!({"minAvailable": objects.budget.min_available, "selector": selector});
    let budget = Request::create(RESOURCE, NAME, json!({"spec": spec}));
    let pods = (0..).zip(objects.pods).filter_map(|(number, pod)| Some((number, pod?)));
    let pods = pods.flat_map(|(number, pod)| [create(number), report(number, pod)]);
    Request::nodes(1).chain([budget]).chain(pods).collect()
}

pub(super) fn request(before: &State, action: Action, after: &State) -> Option<Request> {
    let is_written = before.store.revision.0 != after.store.revision.0;
    match action {
        Action::CommitStatus => {
            let version = if is_written { CURRENT } else { OUTDATED };
            let body = json!({"metadata": {"resourceVersion": version},
                "status": status(before.update?.write)});
            Some(Request::update(&format!("{RESOURCE}/status"), NAME, body))
        }
        Action::CommitEviction { pod } => is_written
            .then(|| Request::create("pods/eviction", name(pod), json!({})).refused_with(429)),
        Action::RemovePod { pod } => Some(Request::remove_pod(name(pod))),
        Action::ReplacePod { pod } => Some(create(pod)),
        Action::BecomeReady { pod } => Some(report(pod, after.pod(pod)?)),
        Action::RaiseMinAvailable => {
            let spec = json!({"minAvailable": after.store.now().budget.min_available});
            Some(Request::patch(RESOURCE, NAME, json!({"spec": spec})))
        }
        Action::LoseEviction { pod } => {
            let eviction = Request::create("pods/eviction", name(pod), json!({}));
            Some(eviction.taking("an API server that crashes"))
        }
        Action::DeliverBudget
        | Action::DeliverPod
        | Action::SyncBudget
        | Action::Evict { .. }
        | Action::DeleteEvicted { .. }
        | Action::Expire { .. }
        | Action::Crash => None,
    }
}

fn status(budget: Budget) -> Value {
    let disrupted = (0..).zip(budget.disrupted_pods).filter(|(_, is)| *is);
    let disrupted = disrupted.map(|(number, _)| (name(number), json!("2026-01-01T00:00:00Z")));
    let disrupted: serde_json::Map<_, _> = disrupted.collect();
    json!({"observedGeneration": budget.observed, "disruptedPods": disrupted,
        "disruptionsAllowed": budget.disruptions_allowed, "currentHealthy": 0,
        "desiredHealthy": budget.min_available, "expectedPods": 2})
}

fn create(number: u8) -> Request {
    let labels = json!({"disruption": "pod"});
    let body = json!({"metadata": {"labels": labels}, "spec": {"nodeName": "node-0"}});
    Request::create("pods", name(number), body)
}

fn report(number: u8, pod: Pod) -> Request {
    Request::report(name(number), "Running", pod.ready)
}

fn name(number: u8) -> String {
    format!("pod-{number}")
}
