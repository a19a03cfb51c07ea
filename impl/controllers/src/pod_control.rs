//! What controllers of pods share: what they have asked for and not seen yet, what they tell about it, and
//! which of their objects a change of a pod concerns.
//!
//! Source: pkg/controller/controller_utils.go (v1.36).

use std::collections::BTreeSet;
use std::sync::Arc;

use api::object::{at, controller_of, text};
use api::selector::Selector;
use api::{Key, Kind, Reason, Request, Status, Verb, resources};
use client::batches::creates;
use client::event::Note;
use client::{Cache, Change, Expectations, Outcome, Pacing, View};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::notes::Notes;
use crate::ownership::{labels, uid};

/// A kind whose objects manage the pods that they select.
pub trait ManagesPods: Kind {
    /// Its objects.
    fn cache(view: &View) -> &Cache<Self>;

    /// Which pods it manages; `None` when that cannot be said.
    fn selector(&self) -> Option<Selector>;
}

/// Pods are created ever more at a time.
pub(crate) const PACING: Pacing =
    Pacing { paces: |request| creates(request, &resources::PODS), correct: |_, _| {} };

/// Expectations, and events about the objects that they are kept for.
#[derive(Clone, Debug)]
pub(crate) struct PodControl {
    pub(crate) expectations: Expectations,
    pub(crate) notes: Notes,
}

impl PodControl {
    /// That of a controller.
    pub(crate) fn new(component: &str) -> Self {
        Self { expectations: Expectations::default(), notes: Notes::new(component) }
    }

    /// Forgets a key whose object is gone.
    pub(crate) fn forget(&mut self, key: &Key) {
        self.expectations.forget(key);
        self.notes.forget(key);
    }

    /// What came of a request about a pod: tells it, and why it was refused if it matters.
    pub(crate) fn completed(
        &mut self,
        key: &Key,
        request: &Request,
        outcome: &Outcome,
    ) -> Option<String> {
        if request.resource != &resources::PODS {
            return None;
        }
        match (request.verb, outcome) {
            (Verb::Create, Ok(pod)) => {
                let message = format!("Created pod: {}", text(pod, &["metadata", "name"]));
                self.notes.add(key, Note::normal("SuccessfulCreate", message));
                None
            }
            (Verb::Create, Err(status)) => Some(self.create_refused(key, status)),
            (Verb::Delete, Ok(_)) => {
                let message = format!("Deleted pod: {}", request.key.name);
                self.notes.add(key, Note::normal("SuccessfulDelete", message));
                None
            }
            (Verb::Delete, Err(status)) => self.delete_refused(key, request, status),
            (
                Verb::Get
                | Verb::List
                | Verb::Update
                | Verb::MergePatch
                | Verb::StrategicMergePatch
                | Verb::Apply,
                _,
            ) => None,
        }
    }

    /// A pod was not asked for, as one before it was refused.
    pub(crate) fn left_out(&mut self, key: &Key) {
        self.expectations.creation_observed(key);
    }

    fn create_refused(&mut self, key: &Key, status: &Status) -> String {
        self.expectations.creation_observed(key);
        let message = format!("Error creating: {status}");
        self.notes.add(key, Note::warning("FailedCreate", message));
        status.message.clone()
    }

    fn delete_refused(&mut self, key: &Key, request: &Request, status: &Status) -> Option<String> {
        let preconditions = request.body.as_ref().and_then(|body| at(body, &["preconditions"]));
        let uid = preconditions.map(|preconditions| text(preconditions, &["uid"]));
        self.expectations.deletion_observed(key, uid.unwrap_or_default());
        if status.reason == Reason::NotFound {
            return None;
        }
        let message = format!("Error deleting: {status}");
        self.notes.add(key, Note::warning("FailedDelete", message));
        Some(status.message.clone())
    }

    /// The keys of the objects that a change of a pod concerns.
    pub(crate) fn observe<K: ManagesPods>(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let metadata = change.object().metadata();
        if let Some(key) = owner_key::<K>(view, metadata) {
            self.lower_expectations(&key, change, metadata);
        }
        concerned::<K>(view, change)
    }

    /// Source: addPod, updatePod and deletePod. A pod that is being deleted counts as deleted.
    fn lower_expectations(&mut self, key: &Key, change: &Change, metadata: &ObjectMeta) {
        if change.new.is_none() || metadata.deletion_timestamp.is_some() {
            self.expectations.deletion_observed(key, uid(metadata));
        } else if change.old.is_none() {
            self.expectations.creation_observed(key);
        }
    }
}

/// The keys of the objects that manage what has changed, managed it before or may adopt it.
pub(crate) fn concerned<K: ManagesPods>(view: &View, change: &Change) -> Vec<Key> {
    let metadata = change.object().metadata();
    let mut keys: Vec<Key> = owners::<K>(view, change).into_iter().collect();
    let is_owned = owner_key::<K>(view, metadata).is_some();
    if !is_owned && change.new.is_some() && controller_of(metadata).is_none() {
        keys.extend(selecting::<K>(view, metadata));
    }
    keys
}

/// Those who manage a pod, before and after a change.
fn owners<K: ManagesPods>(view: &View, change: &Change) -> BTreeSet<Key> {
    let objects = change.old.iter().chain(change.new.iter());
    objects.filter_map(|object| owner_key::<K>(view, object.metadata())).collect()
}

/// The object of this kind that manages a pod, if it is there.
pub(crate) fn owner_key<K: ManagesPods>(view: &View, metadata: &ObjectMeta) -> Option<Key> {
    let owner = controller_of(metadata).filter(|owner| owner.kind == K::RESOURCE.kind)?;
    let key = Key::new(metadata.namespace.as_deref().unwrap_or_default(), &owner.name);
    let found = K::cache(view).get(&key)?;
    (uid(found.metadata()) == owner.uid).then_some(key)
}

/// Those to whom an orphan may belong.
pub(crate) fn selecting<K: ManagesPods>(view: &View, metadata: &ObjectMeta) -> Vec<Key> {
    let namespace = metadata.namespace.as_deref().unwrap_or_default();
    let selects = |owner: &&Arc<K>| {
        owner.selector().is_some_and(|selector| selector.matches(labels(metadata)))
    };
    let owners = K::cache(view).in_namespace(namespace).filter(selects);
    owners.map(|owner| Key::of(owner.metadata())).collect()
}
