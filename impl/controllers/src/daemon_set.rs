//! The DaemonSet controller: one pod on each node that fits.
//!
//! Source: pkg/controller/daemon (v1.36). Differs in that a new ControllerRevision is seen before pods of its
//! template are made.

mod backoff;
mod by_node;
mod due;
mod manage;
mod placement;
mod revisions;
mod rolling_update;
mod status;
mod template;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::object::controller_of;
use api::selector::Selector;
use api::{AnyObject, Key, Reason, Request, Timestamp, Verb, resources};
use client::event::Note;
use client::expectations::TIMEOUT_SECONDS;
use client::{Cache, Change, Outcome, Pacing, View};
use k8s_openapi::api::apps::v1::{ControllerRevision, DaemonSet, DaemonSetSpec};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::json;

use self::backoff::Backoff;
use self::by_node::Nodes;
use self::manage::Changes;
use self::revisions::{Current, Revisions};
use crate::ownership::{Claims, uid};
use crate::pod_control::{ManagesPods, PACING, PodControl, owner_key, selecting};
use crate::{Controller, Plan, after_seconds, pods};

/// How many pods are created or deleted at once.
const BURST_REPLICAS: usize = 250;

impl ManagesPods for DaemonSet {
    fn cache(view: &View) -> &Cache<Self> {
        &view.daemon_sets
    }

    fn selector(&self) -> Option<Selector> {
        Selector::from_label_selector(&self.spec.as_ref()?.selector).ok()
    }
}

/// Keeps pods on nodes.
#[derive(Clone, Debug)]
pub struct DaemonSetController {
    control: PodControl,
    claims: Claims,
    backoffs: BTreeMap<Key, Backoff>,
    /// DaemonSets whose new revision's name is taken.
    collided: BTreeSet<Key>,
    /// The revision that each has asked for last.
    awaited: BTreeMap<Key, Key>,
}

impl Default for DaemonSetController {
    fn default() -> Self {
        Self {
            control: PodControl::new("daemonset-controller"),
            claims: Claims::default(),
            backoffs: BTreeMap::new(),
            collided: BTreeSet::new(),
            awaited: BTreeMap::new(),
        }
    }
}

impl Controller for DaemonSetController {
    fn name(&self) -> &'static str {
        "daemonset-controller"
    }

    fn workers(&self) -> usize {
        2
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let resource = change.resource();
        if resource == &resources::DAEMON_SETS {
            vec![change.key()]
        } else if resource == &resources::PODS {
            self.control.observe::<DaemonSet>(view, change)
        } else if resource == &resources::CONTROLLER_REVISIONS {
            self.due_by_revision(view, change)
        } else if let Some(AnyObject::Node(node)) = &change.new
            && due::has_moved(change)
        {
            due::due_by_node(view, node)
        } else {
            vec![]
        }
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let Some(daemon_set) = view.daemon_sets.get(key) else {
            self.forget(key);
            return Plan::default();
        };
        self.control.notes.about(key, &AnyObject::from(Arc::clone(daemon_set)));
        let mut plan = Plan::default();
        if let Some(spec) = &daemon_set.spec {
            if spec.selector == LabelSelector::default() {
                let message =
                    "This daemon set is selecting all pods. A non-empty selector is required.";
                self.control.notes.add(key, Note::warning("SelectingAll", message));
            } else if daemon_set.metadata.deletion_timestamp.is_none() {
                self.sync(view, (daemon_set, spec), (&mut plan, now));
            }
        }
        plan.requests.extend(self.control.notes.flush(key, now));
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        self.claims.completed(request, outcome);
        self.control.completed(key, request, outcome);
        let is_new_revision =
            request.resource == &resources::CONTROLLER_REVISIONS && request.verb == Verb::Create;
        let is_taken = outcome.as_ref().is_err_and(|status| status.reason == Reason::AlreadyExists);
        if is_new_revision && is_taken {
            self.collided.insert(key.clone());
        }
    }

    fn pacing(&self) -> Pacing {
        PACING
    }

    fn left_out(&mut self, key: &Key, _request: &Request) {
        self.control.left_out(key);
    }
}

/// What a DaemonSet manages.
struct Owned {
    revisions: Vec<Arc<ControllerRevision>>,
    pods: Vec<Arc<Pod>>,
}

impl DaemonSetController {
    fn forget(&mut self, key: &Key) {
        self.control.forget(key);
        self.backoffs.remove(key);
        self.collided.remove(key);
        self.awaited.remove(key);
    }

    /// A new revision makes its owner due if the owner has asked for it. One that somebody else adds is only
    /// heard of, as upstream does.
    fn due_by_revision(&self, view: &View, change: &Change) -> Vec<Key> {
        let objects = change.old.iter().chain(change.new.iter());
        let owners = objects.filter_map(|object| owner_key::<DaemonSet>(view, object.metadata()));
        let mut keys: BTreeSet<Key> = owners.collect();
        if change.old.is_none() {
            keys.retain(|key| self.awaited.get(key) == Some(&change.key()));
        }
        let metadata = change.object().metadata();
        if change.new.is_some() && controller_of(metadata).is_none() {
            keys.extend(selecting::<DaemonSet>(view, metadata));
        }
        keys.into_iter().collect()
    }

    fn sync(
        &mut self,
        view: &View,
        (daemon_set, spec): (&DaemonSet, &DaemonSetSpec),
        (plan, now): (&mut Plan, Timestamp),
    ) {
        let Some(Owned { revisions, pods }) = self.claim(view, daemon_set, (&mut *plan, now))
        else {
            return;
        };
        let revisions = Revisions::new((daemon_set, spec), revisions, &pods);
        plan.requests.extend(revisions.requests.iter().cloned());
        let hash = match &revisions.current {
            Current::Known(hash) => Some(hash.clone()),
            Current::New(revision) => self.create_revision(view, (daemon_set, revision), plan),
        };
        let Some(hash) = hash else { return };
        let nodes = Nodes::new(view, (daemon_set, spec), (hash, &pods), now);
        let is_whole = self.control.expectations.satisfied(&Key::of(&daemon_set.metadata), now);
        if is_whole {
            self.change(&nodes, plan);
            plan.requests.extend(revisions.clean_up(spec, &pods));
        } else {
            plan.look_again_at(after_seconds(now, TIMEOUT_SECONDS + 1));
        }
        plan.requests.extend(status::update(&nodes, is_whole));
        if let Some(when) = status::next_available(&nodes) {
            plan.look_again_at(when);
        }
    }

    /// What the DaemonSet manages, if it knows.
    fn claim(
        &mut self,
        view: &View,
        daemon_set: &DaemonSet,
        (plan, now): (&mut Plan, Timestamp),
    ) -> Option<Owned> {
        let selector = daemon_set.selector()?;
        let namespace = daemon_set.metadata.namespace.as_deref().unwrap_or_default();
        let revisions = view.controller_revisions.in_namespace(namespace).cloned().collect();
        let pods = pods::claimable(view, daemon_set);
        let revisions = self.claims.claim(daemon_set, (&selector, revisions), (&mut *plan, now))?;
        let pods = self.claims.claim(daemon_set, (&selector, pods), (plan, now))?;
        Some(Owned { revisions, pods })
    }

    /// Makes the revision of a new template. Its hash, if it is there already. A name that another content has
    /// leads to the next.
    fn create_revision(
        &mut self,
        view: &View,
        (daemon_set, revision): (&DaemonSet, &ControllerRevision),
        plan: &mut Plan,
    ) -> Option<String> {
        let key = Key::of(&daemon_set.metadata);
        let has_collided = self.collided.remove(&key);
        self.awaited.insert(key, Key::of(&revision.metadata));
        let found = view.controller_revisions.get(&Key::of(&revision.metadata));
        match found.filter(|_| has_collided) {
            None => plan.requests.push(Request::create(revision)),
            Some(found) if found.data == revision.data => return Some(revisions::hash_of(found)),
            Some(_) => {
                let mut status = daemon_set.status.clone().unwrap_or_default();
                status.collision_count = Some(status.collision_count.unwrap_or(0) + 1);
                let counted = DaemonSet { status: Some(status), ..daemon_set.clone() };
                plan.requests.push(Request::update_status(&counted));
            }
        }
        None
    }

    /// Creates and deletes pods, and expects to see it. Templates are rolled out where nodes lack nothing.
    fn change(&mut self, nodes: &Nodes<'_>, plan: &mut Plan) {
        let key = Key::of(&nodes.daemon_set.metadata);
        let Changes { mut create, mut delete, notes, look_again } =
            manage::manage(nodes, self.backoffs.entry(key.clone()).or_default());
        for note in notes {
            self.control.notes.add(&key, note);
        }
        if let Some(when) = look_again {
            plan.look_again_at(when);
        }
        if create.is_empty() && delete.is_empty() {
            Changes { create, delete, .. } = rolling_update::rolling_update(nodes);
        }
        create.truncate(BURST_REPLICAS);
        delete.truncate(BURST_REPLICAS);
        if create.is_empty() && delete.is_empty() {
            return;
        }
        let uids = delete.iter().map(|pod| uid(&pod.metadata).to_owned());
        self.control.expectations.expect(&key, create.len(), uids, nodes.now);
        let of_node =
            |node: &String| template::pod(nodes.daemon_set, (nodes.spec, &nodes.hash), node);
        plan.requests.extend(create.iter().map(|node| Request::create(&of_node(node))));
        plan.requests.extend(delete.iter().map(|pod| pods::delete(pod, json!({}))));
    }
}

#[cfg(test)]
mod tests;
