//! The disruption controller: how many of a PodDisruptionBudget's pods may be evicted now.
//!
//! Source: pkg/controller/disruption/disruption.go (v1.36). Left out: the scale of owners of custom kinds,
//! whose budgets are told as failed.

mod expected;
pub mod stale;
mod status;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use api::object::at;
use api::selector::Selector;
use api::{AnyObject, Key, Request, Timestamp, resources};
use client::event::{Note, reference};
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{ObjectReference, Pod};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::notes::Notes;
use crate::ownership::labels;
use crate::{Controller, Plan, pods};
use expected::{Expected, Scales};
use status::Counted;

/// How long a pod whose eviction was allowed may take until it is being deleted.
const DELETION_TIMEOUT: Duration = Duration::from_secs(2 * 60);

/// Writes the status of PodDisruptionBudgets.
#[derive(Clone, Debug)]
pub struct DisruptionController {
    /// What the API server has said of the scale of owners, by budget.
    scales: BTreeMap<Key, Scales>,
    notes: Notes,
    /// What is to be said of pods, by the budget that is chosen for them.
    of_pods: BTreeMap<Key, Vec<(ObjectReference, Note)>>,
}

impl Default for DisruptionController {
    fn default() -> Self {
        let notes = Notes::new("controllermanager");
        Self { scales: BTreeMap::new(), notes, of_pods: BTreeMap::new() }
    }
}

impl Controller for DisruptionController {
    fn name(&self) -> &'static str {
        "disruption-controller"
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        if change.resource() == &resources::POD_DISRUPTION_BUDGETS {
            vec![change.key()]
        } else if change.resource() == &resources::PODS {
            let budgets = budgets_of(view, change);
            if let (Some(pod), [first, _, ..]) = (&change.new, budgets.as_slice()) {
                let note = chosen(&change.key(), first);
                self.of_pods.entry(first.clone()).or_default().push((reference(pod, ""), note));
            }
            budgets
        } else {
            vec![]
        }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let scales = self.scales.remove(key).unwrap_or_default();
        let of_pods = self.of_pods.remove(key).unwrap_or_default();
        let Some(budget) = view.pod_disruption_budgets.get(key) else {
            self.notes.forget(key);
            return Plan::default();
        };
        self.notes.about(key, &AnyObject::from(Arc::clone(budget)));
        let mut plan = Plan::default();
        self.sync((view, &scales), budget, (&mut plan, now));
        plan.requests.extend(self.notes.flush(key, now));
        for (about, note) in of_pods {
            plan.requests.extend(self.notes.record(about, note, now));
        }
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        if request.subresource == "scale" {
            let replicas = outcome.as_ref().ok().and_then(|scale| {
                at(scale, &["spec", "replicas"]).map_or(Some(0), |replicas| replicas.as_i64())
            });
            let replicas = replicas.and_then(|replicas| i32::try_from(replicas).ok());
            let owner = (request.resource, request.key.name.clone());
            self.scales.entry(key.clone()).or_default().insert(owner, replicas);
        }
    }
}

impl DisruptionController {
    fn sync(
        &mut self,
        (view, scales): (&View, &Scales),
        budget: &PodDisruptionBudget,
        (plan, now): (&mut Plan, Timestamp),
    ) {
        let key = Key::of(&budget.metadata);
        let pods = pods_of(view, budget);
        if pods.is_empty() {
            self.notes.add(&key, Note::normal("NoPods", "No matching pods found"));
        }
        let expected = match expected::count(view, scales, budget, &pods) {
            Expected::Ask(requests) => return plan.requests.extend(requests),
            Expected::Unknown(message) => return self.fail(budget, &message, (plan, now)),
            Expected::Pods(expected) => expected,
        };
        if expected.has_unmanaged {
            self.notes.add(&key, Note::warning("UnmanagedPods", expected::unmanaged(budget)));
        }
        let disrupted = self.disrupted(budget, &pods, (plan, now));
        let is_healthy = |pod: &&&Arc<Pod>| {
            !pods::is_terminating(pod) && !disrupted.contains_key(name(pod)) && pods::is_ready(pod)
        };
        let healthy = pods.iter().filter(is_healthy).count();
        let counted = Counted {
            healthy: i32::try_from(healthy).unwrap_or(i32::MAX),
            desired_healthy: expected.desired_healthy,
            expected: expected.pods,
            disrupted,
        };
        plan.requests.extend(status::update(budget, counted, now));
    }

    /// Allows nothing, where nothing can be known.
    fn fail(
        &mut self,
        budget: &PodDisruptionBudget,
        why: &str,
        (plan, now): (&mut Plan, Timestamp),
    ) {
        let message = format!("Failed to calculate the number of expected pods: {why}");
        let note = Note::warning("CalculateExpectedPodCountFailed", message);
        self.notes.add(&Key::of(&budget.metadata), note);
        plan.requests.extend(status::fail(budget, why, now));
    }

    /// The pods whose eviction was allowed and that are not being deleted yet. Those that take too long do not
    /// count any more.
    fn disrupted(
        &mut self,
        budget: &PodDisruptionBudget,
        pods: &[&Arc<Pod>],
        (plan, now): (&mut Plan, Timestamp),
    ) -> BTreeMap<String, Time> {
        let told = budget.status.as_ref().and_then(|status| status.disrupted_pods.as_ref());
        let mut disrupted = BTreeMap::new();
        for pod in pods.iter().filter(|pod| !pods::is_terminating(pod)) {
            let Some(since) = told.and_then(|told| told.get(name(pod))) else { continue };
            let deadline = since.0 + DELETION_TIMEOUT;
            if deadline < now {
                let about = reference(&AnyObject::from(Arc::clone(pod)), "");
                let note = Note::warning("NotDeleted", not_deleted(budget));
                plan.requests.extend(self.notes.record(about, note, now));
            } else {
                plan.look_again_at(deadline + Duration::from_nanos(1));
                disrupted.insert(name(pod).to_owned(), since.clone());
            }
        }
        disrupted
    }
}

/// Says that a pod counts for several budgets.
fn chosen(pod: &Key, budget: &Key) -> Note {
    let Key { namespace, name } = pod;
    let message = format!(
        "Pod \"{namespace}\"/\"{name}\" matches multiple PodDisruptionBudgets.  Chose \"{}\" arbitrarily.",
        budget.name
    );
    Note::warning("MultiplePodDisruptionBudgets", message)
}

/// Upstream names the namespace twice.
fn not_deleted(budget: &PodDisruptionBudget) -> String {
    let namespace = budget.metadata.namespace.as_deref().unwrap_or_default();
    format!("Pod was expected by PDB {namespace}/{namespace} to be deleted but it wasn't")
}

fn name(pod: &Pod) -> &str {
    pod.metadata.name.as_deref().unwrap_or_default()
}

fn selector(budget: &PodDisruptionBudget) -> Selector {
    let selector = budget.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    let parsed = selector.map(Selector::from_label_selector);
    parsed.and_then(Result::ok).unwrap_or_else(Selector::nothing)
}

fn pods_of<'a>(view: &'a View, budget: &'a PodDisruptionBudget) -> Vec<&'a Arc<Pod>> {
    let selector = selector(budget);
    let namespace = budget.metadata.namespace.as_deref().unwrap_or_default();
    view.pods
        .in_namespace(namespace)
        .filter(|pod| selector.matches(labels(&pod.metadata)))
        .collect()
}

/// The budgets that a pod counts for, before or after a change.
fn budgets_of(view: &View, change: &Change) -> Vec<Key> {
    let objects = [&change.old, &change.new];
    let labels: Vec<_> =
        objects.into_iter().flatten().map(|object| labels(object.metadata())).collect();
    let namespace = change.key().namespace;
    let selects = |budget: &&Arc<PodDisruptionBudget>| {
        let selector = selector(budget);
        labels.iter().any(|labels| selector.matches(labels))
    };
    let budgets = view.pod_disruption_budgets.in_namespace(&namespace).filter(selects);
    budgets.map(|budget| Key::of(&budget.metadata)).collect()
}

#[cfg(test)]
mod tests;
