//! A garbage collector that keeps one place for each uid: the first at which anybody names it (k#98040).

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{AnyObject, Key, Request, Timestamp};
use client::{Change, Outcome, View};
use controllers::garbage_collector::GarbageCollector;
use controllers::{Controller, Plan};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

/// The garbage collector, which is told of one place for each uid.
#[derive(Clone, Debug, Default)]
pub(super) struct MixedCoordinates {
    collector: GarbageCollector,
    /// The `apiVersion`, `kind` and `name` of what has a uid.
    places: BTreeMap<String, [String; 3]>,
}

impl MixedCoordinates {
    /// The same object, which names its owners where they were named first.
    fn mixed(&mut self, object: &AnyObject) -> AnyObject {
        let resource = object.resource();
        let metadata = object.metadata();
        let own = [resource.api_version(), resource.kind.to_owned(), Key::of(metadata).name];
        self.places.entry(metadata.uid.clone().unwrap_or_default()).or_insert(own);
        let owners = metadata.owner_references.iter().flatten();
        let owners = owners.map(|owner| self.first_named(owner)).collect();
        let owner_references = metadata.owner_references.as_ref().map(|_| owners);
        let metadata = ObjectMeta { owner_references, ..metadata.clone() };
        AnyObject::Other(Arc::new(api::Other { resource, metadata }))
    }

    fn first_named(&mut self, owner: &OwnerReference) -> OwnerReference {
        let OwnerReference { api_version, kind, name, uid, .. } = owner.clone();
        let place = self.places.entry(uid).or_insert([api_version, kind, name]);
        let [api_version, kind, name] = place.clone();
        OwnerReference { api_version, kind, name, ..owner.clone() }
    }
}

impl Controller for MixedCoordinates {
    fn name(&self) -> &'static str {
        self.collector.name()
    }

    fn workers(&self) -> usize {
        self.collector.workers()
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let old = change.old.as_ref().map(|old| self.mixed(old));
        let new = change.new.as_ref().map(|new| self.mixed(new));
        self.collector.observe(view, &Change { old, new })
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        self.collector.reconcile(view, key, now)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        self.collector.completed(key, request, outcome);
    }
}
