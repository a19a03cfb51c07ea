//! The StatefulSet controller: pods that keep their names and claims, made, updated and deleted in order.
//!
//! Source: pkg/controller/statefulset (v1.36). What is decided about one StatefulSet stands in `pass`.

mod claims;
mod events;
mod identity;
mod outcomes;
mod pass;
mod retention;
mod revisions;
mod status;

use std::collections::BTreeMap;
use std::sync::Arc;

use api::selector::Selector;
use api::{AnyObject, FeatureGate, FeatureGates, Key, Request, Timestamp, resources};
use client::batches::creates;
use client::expectations::TIMEOUT_SECONDS;
use client::{Cache, Change, Outcome, Pacing, View};
use k8s_openapi::api::apps::v1::{ControllerRevision, StatefulSet, StatefulSetSpec};
use k8s_openapi::api::core::v1::Pod;
use serde_json::json;

use self::pass::{Purpose, Seen, Wanted};
use self::revisions::{Resolved, Revisions};
use crate::ownership::{Claims, labels, uid};
use crate::pod_control::{ManagesPods, PodControl, concerned};
use crate::{Controller, Plan, after_seconds, history, pods};

/// Pods are created ever more at a time, and so are their claims.
const PACING: Pacing = Pacing {
    paces: |request| {
        creates(request, &resources::PODS) || creates(request, &resources::PERSISTENT_VOLUME_CLAIMS)
    },
    correct: |_, _| {},
};

impl ManagesPods for StatefulSet {
    fn cache(view: &View) -> &Cache<Self> {
        &view.stateful_sets
    }

    fn selector(&self) -> Option<Selector> {
        Selector::from_label_selector(&self.spec.as_ref()?.selector).ok()
    }
}

/// Keeps the pods, claims and revisions of StatefulSets.
#[derive(Clone, Debug)]
pub struct StatefulSetController {
    control: PodControl,
    claims: Claims,
    /// What the claims that are being written are for.
    purposes: BTreeMap<Key, Purpose>,
    /// The `resourceVersion` that the last status was written over. A cache that shows it is too old.
    outdated: BTreeMap<Key, String>,
    /// Whether `maxUnavailable` counts.
    has_max_unavailable: bool,
}

impl Default for StatefulSetController {
    fn default() -> Self {
        Self::new(&FeatureGates::default())
    }
}

/// A StatefulSet with its spec.
type Set<'a> = (&'a StatefulSet, &'a StatefulSetSpec);

impl Controller for StatefulSetController {
    fn name(&self) -> &'static str {
        "statefulset-controller"
    }

    fn workers(&self) -> usize {
        5
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let resource = change.resource();
        if resource == &resources::STATEFUL_SETS {
            vec![change.key()]
        } else if resource == &resources::PODS {
            self.control.observe::<StatefulSet>(view, change)
        } else if resource == &resources::CONTROLLER_REVISIONS {
            self.made(change, concerned::<StatefulSet>(view, change))
        } else if resource == &resources::PERSISTENT_VOLUME_CLAIMS {
            self.made(change, claims::concerned(view, &change.key()))
        } else {
            vec![]
        }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let Some(stateful_set) = view.stateful_sets.get(key) else {
            self.forget(key);
            return Plan::default();
        };
        self.control.notes.about(key, &AnyObject::from(Arc::clone(stateful_set)));
        let mut plan = Plan { requests: self.control.notes.flush(key, now), look_again: None };
        let version = stateful_set.metadata.resource_version.as_ref();
        if self.outdated.get(key).is_some_and(|outdated| version == Some(outdated)) {
            return plan;
        }
        if !self.control.expectations.satisfied(key, now) {
            plan.look_again_at(after_seconds(now, TIMEOUT_SECONDS + 1));
        } else if let (Some(spec), Some(selector)) = (&stateful_set.spec, stateful_set.selector()) {
            self.sync(view, (stateful_set, spec), &selector, (&mut plan, now));
        }
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        self.claims.completed(request, outcome);
        self.learn(key, request, outcome);
    }

    fn pacing(&self) -> Pacing {
        PACING
    }

    fn left_out(&mut self, key: &Key, request: &Request) {
        self.refuse(key, request);
        if request.resource == &resources::PERSISTENT_VOLUME_CLAIMS {
            self.purposes.remove(&Key::new(&key.namespace, outcomes::name_of(request)));
        }
    }
}

impl StatefulSetController {
    /// A controller that has seen nothing, with these gates.
    pub fn new(gates: &FeatureGates) -> Self {
        Self {
            control: PodControl::new("statefulset-controller"),
            claims: Claims::default(),
            purposes: BTreeMap::new(),
            outdated: BTreeMap::new(),
            has_max_unavailable: gates.has(FeatureGate::MaxUnavailableStatefulSet),
        }
    }

    fn forget(&mut self, key: &Key) {
        self.control.forget(key);
        self.outdated.remove(key);
    }

    /// The StatefulSets that a claim or a revision concerns; one more has been made, if it is new.
    fn made(&mut self, change: &Change, keys: Vec<Key>) -> Vec<Key> {
        if change.old.is_none() {
            keys.iter().for_each(|key| self.control.expectations.creation_observed(key));
        }
        keys
    }

    fn sync(
        &mut self,
        view: &View,
        set: Set<'_>,
        selector: &Selector,
        (plan, now): (&mut Plan, Timestamp),
    ) {
        let Some(sorted) = self.revisions(view, (set.0, selector), (&mut *plan, now)) else {
            return;
        };
        let Some(pods) = self.pods(view, (set.0, selector), (&mut *plan, now)) else { return };
        let key = Key::of(&set.0.metadata);
        match revisions::resolve(view, set.0, set.1, &sorted) {
            Resolved::Known(revisions) => {
                self.perform(view, set, (&revisions, &pods), (&mut *plan, now));
                plan.requests.extend(revisions::truncate(set.1, &sorted, (&revisions, &pods)));
            }
            Resolved::Missing(_) if set.0.metadata.deletion_timestamp.is_some() => {}
            Resolved::Missing(request) => {
                self.control.expectations.expect(&key, 1, [], now);
                plan.requests.push(request);
            }
            Resolved::Old(request) => plan.requests.push(request),
            Resolved::Broken => {}
        }
    }

    /// The revisions that it selects and owns, sorted. Those that it owns and does not select stay as they are.
    fn revisions(
        &mut self,
        view: &View,
        (stateful_set, selector): (&StatefulSet, &Selector),
        plan: (&mut Plan, Timestamp),
    ) -> Option<Vec<Arc<ControllerRevision>>> {
        let namespace = stateful_set.metadata.namespace.as_deref().unwrap_or_default();
        let all = view.controller_revisions.in_namespace(namespace);
        let selected = all.filter(|revision| selector.matches(labels(&revision.metadata))).cloned();
        let mut owned = self.claims.claim(stateful_set, (selector, selected.collect()), plan)?;
        history::sort(&mut owned);
        Some(owned)
    }

    /// The pods that it manages. One that is named like none of its pods is let go.
    fn pods(
        &mut self,
        view: &View,
        (stateful_set, selector): (&StatefulSet, &Selector),
        (plan, now): (&mut Plan, Timestamp),
    ) -> Option<Vec<Arc<Pod>>> {
        let (members, strangers): (Vec<_>, Vec<_>) = pods::claimable(view, stateful_set)
            .into_iter()
            .partition(|pod| identity::is_member(stateful_set, pod));
        let nobody = Selector::nothing();
        self.claims.claim(stateful_set, (&nobody, strangers), (&mut *plan, now))?;
        self.claims.claim(stateful_set, (selector, members), (plan, now))
    }

    fn perform(
        &mut self,
        view: &View,
        (stateful_set, spec): Set<'_>,
        (revisions, pods): (&Revisions, &[Arc<Pod>]),
        (plan, now): (&mut Plan, Timestamp),
    ) {
        let key = Key::of(&stateful_set.metadata);
        let has_max_unavailable = self.has_max_unavailable;
        let seen = Seen { view, stateful_set, spec, revisions, pods, now, has_max_unavailable };
        let wanted = pass::run(seen);
        let status = wanted.status.clone();
        if status.ready_replicas != status.available_replicas {
            let times = pods.iter().filter_map(|pod| status::available_at(spec, pod));
            if let Some(when) = times.filter(|when| *when > now).min() {
                plan.look_again_at(when);
            }
        }
        self.request(&key, wanted, (&mut *plan, now));
        if let Some(status) = status::changed(stateful_set, status) {
            let changed = StatefulSet { status: Some(status), ..stateful_set.clone() };
            plan.requests.push(Request::update_status(&changed));
        }
    }

    /// Asks for what a pass wants, and expects to see it.
    fn request(&mut self, key: &Key, wanted: Wanted, (plan, now): (&mut Plan, Timestamp)) {
        let created = wanted.new_claims.len() + wanted.new_pods.len();
        if created > 0 || !wanted.deleted.is_empty() {
            let uids = wanted.deleted.iter().map(|pod| uid(&pod.metadata).to_owned());
            self.control.expectations.expect(key, created, uids, now);
        }
        for (claim, purpose) in wanted.new_claims {
            self.purposes.insert(Key::of(&claim.metadata), purpose);
            plan.requests.push(Request::create(&claim));
        }
        for (request, purpose) in wanted.owned {
            self.purposes.insert(request.key.clone(), purpose);
            plan.requests.push(request);
        }
        plan.requests.extend(wanted.new_pods.iter().map(Request::create));
        plan.requests.extend(wanted.deleted.iter().map(|pod| pods::delete(pod, json!({}))));
        plan.requests.extend(wanted.repaired.iter().map(Request::update));
        for note in wanted.notes {
            self.control.notes.add(key, note);
        }
        plan.requests.extend(self.control.notes.flush(key, now));
    }
}

#[cfg(test)]
mod tests;
