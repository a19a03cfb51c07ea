//! Devices as the scheduler knows them: what drivers offer, what classes ask for, and claims with what it is about to
//! write.
//!
//! Source: framework/plugins/dynamicresources/dra_manager.go and pkg/scheduler/util/assumecache (v1.36).

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::object::controller_of;
use api::{AnyObject, Key};
use client::{Cache, Change};
use k8s_openapi::api::resource::v1::{
    AllocationResult, DeviceClass, DeviceRequestAllocationResult, ResourceClaim, ResourceSlice,
};

use crate::cluster::set;
use crate::node_info::PodInfo;
use crate::volumes::{newest, version};

/// What stands before the name of a class in the name of the extended resource that every class stands for.
pub(crate) const IMPLICIT_PREFIX: &str = "deviceclass.resource.kubernetes.io/";

/// Says "true" of a claim that was made for the extended resources of a pod.
pub(crate) const EXTENDED_CLAIM: &str = "resource.kubernetes.io/extended-resource-claim";

/// A driver and one of its pools.
pub type PoolId = (String, String);

/// What the scheduler knows of devices.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    claims: Cache<ResourceClaim>,
    classes: Cache<DeviceClass>,
    slices: Cache<ResourceSlice>,
    /// The slices that only one node reaches.
    on_node: BTreeMap<String, BTreeSet<Key>>,
    /// The others.
    shared: BTreeSet<Key>,
    pools: BTreeMap<PoolId, BTreeSet<Key>>,
    /// The classes that stand for extended resources, by the names of these.
    by_resource: BTreeMap<String, Arc<DeviceClass>>,
    /// Claims as they were written, until they are seen so.
    assumed: BTreeMap<Key, Arc<ResourceClaim>>,
    /// Claims that are being allocated, as they are going to be, by uid.
    in_flight: BTreeMap<String, Arc<ResourceClaim>>,
}

impl Devices {
    /// Hears of a change; whether it is one of what is kept here.
    pub fn observe(&mut self, change: &Change) -> bool {
        let object = change.object();
        if let AnyObject::ResourceClaim(claim) = object {
            let key = change.key();
            let is_new = |assumed: &Arc<ResourceClaim>| {
                version(&assumed.metadata) > version(&claim.metadata)
            };
            if change.new.is_none() || !self.assumed.get(&key).is_some_and(is_new) {
                self.assumed.remove(&key);
            }
            set(&mut self.claims, claim, change);
        } else if let AnyObject::DeviceClass(class) = object {
            set(&mut self.classes, class, change);
            self.by_resource = resources_of(&self.classes);
        } else if let AnyObject::ResourceSlice(slice) = object {
            self.unlist(&change.key());
            set(&mut self.slices, slice, change);
            if change.new.is_some() {
                self.list(slice);
            }
        } else {
            return false;
        }
        true
    }

    fn list(&mut self, slice: &ResourceSlice) {
        let key = Key::of(&slice.metadata);
        self.pools.entry(pool_id(slice)).or_default().insert(key.clone());
        match node_of(slice) {
            Some(node) => drop(self.on_node.entry(node.to_owned()).or_default().insert(key)),
            None => drop(self.shared.insert(key)),
        }
    }

    fn unlist(&mut self, key: &Key) {
        let Some(slice) = self.slices.get(key) else { return };
        let (pool, node) = (pool_id(slice), node_of(slice).unwrap_or_default().to_owned());
        remove(&mut self.pools, &pool, key);
        remove(&mut self.on_node, &node, key);
        self.shared.remove(key);
    }

    /// A claim as it was written last.
    pub fn claim(&self, key: &Key) -> Option<&Arc<ResourceClaim>> {
        Some(newest(self.claims.get(key)?, self.assumed.get(key)))
    }

    /// A DeviceClass.
    pub fn class(&self, name: &str) -> Option<&Arc<DeviceClass>> {
        self.classes.get(&Key::cluster(name))
    }

    /// The DeviceClass that stands for an extended resource.
    pub fn class_of_resource(&self, name: &str) -> Option<&Arc<DeviceClass>> {
        match name.strip_prefix(IMPLICIT_PREFIX) {
            Some(class) => self.class(class),
            None => self.by_resource.get(name),
        }
    }

    /// The claim that was made for the extended resources of a pod.
    pub fn extended_claim(&self, pod: &PodInfo) -> Option<&Arc<ResourceClaim>> {
        let seen = self.claims.iter();
        let mut claims =
            seen.map(|claim| newest(claim, self.assumed.get(&Key::of(&claim.metadata))));
        claims.find(|claim| is_extended_claim_of(claim, pod))
    }

    /// The slices that a node may reach, and all that tell how often devices can be shared.
    pub fn slices_near<'a>(&'a self, node: &str) -> impl Iterator<Item = &'a ResourceSlice> {
        let own = self.on_node.get(node).into_iter().flatten();
        own.chain(&self.shared).filter_map(|key| self.slices.get(key).map(AsRef::as_ref))
    }

    /// All slices of a pool, by name.
    pub fn slices_of<'a>(&'a self, pool: &PoolId) -> impl Iterator<Item = &'a ResourceSlice> {
        let keys = self.pools.get(pool).into_iter().flatten();
        keys.filter_map(|key| self.slices.get(key).map(AsRef::as_ref))
    }

    /// What is allocated to claims, or about to be; not that of administrators.
    pub fn allocated(&self) -> impl Iterator<Item = &DeviceRequestAllocationResult> {
        let seen = self.claims.iter().map(|claim| {
            let assumed = self.assumed.get(&Key::of(&claim.metadata));
            newest(claim, assumed)
        });
        let unseen = self.in_flight.values().filter(|claim| {
            let seen = self.claim(&Key::of(&claim.metadata));
            seen.is_none_or(|seen| {
                seen.metadata.uid != claim.metadata.uid || allocation_of(seen).is_none()
            })
        });
        let results = seen.chain(unseen).flat_map(|claim| results_of(claim));
        results.filter(|result| result.admin_access != Some(true))
    }

    /// Counts a claim as it was written.
    pub fn assume(&mut self, claim: Arc<ResourceClaim>) {
        self.assumed.insert(Key::of(&claim.metadata), claim);
    }

    /// Whether a claim is being allocated.
    pub fn is_in_flight(&self, uid: &str) -> bool {
        self.in_flight.contains_key(uid)
    }

    /// Counts what a claim is about to have.
    pub fn begin(&mut self, claim: &ResourceClaim, allocation: &AllocationResult) {
        let mut claim = claim.clone();
        claim.status.get_or_insert_default().allocation = Some(allocation.clone());
        self.in_flight.insert(claim.metadata.uid.clone().unwrap_or_default(), Arc::new(claim));
    }

    /// The claim of this name that is being allocated.
    pub fn in_flight(&self, key: &Key) -> Option<&Arc<ResourceClaim>> {
        self.in_flight.values().find(|claim| Key::of(&claim.metadata) == *key)
    }

    /// The claim has it now, or does not get it; whether it was to have it.
    pub fn end(&mut self, uid: &str) -> bool {
        self.in_flight.remove(uid).is_some()
    }
}

/// Which class stands for which extended resource: of several the newest, and of equals the first by name.
///
/// Source: dynamic-resource-allocation/deviceclass/extendedresourcecache (v1.36). There, it also depends on the order in which
/// classes came and went.
fn resources_of(classes: &Cache<DeviceClass>) -> BTreeMap<String, Arc<DeviceClass>> {
    let mut classes: Vec<&Arc<DeviceClass>> = classes.iter().collect();
    classes.sort_by_key(|class| {
        let metadata = &class.metadata;
        (metadata.creation_timestamp.clone(), Reverse(metadata.name.clone()))
    });
    let named = classes.into_iter().filter_map(|class| {
        let name = class.spec.extended_resource_name.clone()?;
        Some((name, Arc::clone(class)))
    });
    named.collect()
}

/// Whether a claim was made for the extended resources of a pod.
fn is_extended_claim_of(claim: &ResourceClaim, pod: &PodInfo) -> bool {
    is_extended_claim(claim)
        && controller_of(&claim.metadata)
            .is_some_and(|owner| owner.uid == pod.uid() && owner.name == pod.key().name)
}

/// Whether a claim was made for extended resources.
pub(crate) fn is_extended_claim(claim: &ResourceClaim) -> bool {
    let annotation = claim.metadata.annotations.as_ref().and_then(|all| all.get(EXTENDED_CLAIM));
    annotation.is_some_and(|value| value == "true")
}

/// The pool of a slice.
pub(crate) fn pool_id(slice: &ResourceSlice) -> PoolId {
    (slice.spec.driver.clone(), slice.spec.pool.name.clone())
}

/// The one node that reaches a slice. What tells how often devices can be shared is for all nodes.
fn node_of(slice: &ResourceSlice) -> Option<&str> {
    let counts = slice.spec.shared_counters.as_ref().is_some_and(|counters| !counters.is_empty());
    let node = slice.spec.node_name.as_deref().filter(|name| !name.is_empty());
    node.filter(|_| !counts)
}

fn remove<K: Ord>(lists: &mut BTreeMap<K, BTreeSet<Key>>, of: &K, key: &Key) {
    if let Some(list) = lists.get_mut(of) {
        list.remove(key);
        if list.is_empty() {
            lists.remove(of);
        }
    }
}

/// What is allocated to a claim.
pub(crate) fn allocation_of(claim: &ResourceClaim) -> Option<&AllocationResult> {
    claim.status.as_ref()?.allocation.as_ref()
}

/// The devices that are allocated to a claim.
pub(crate) fn results_of(claim: &ResourceClaim) -> &[DeviceRequestAllocationResult] {
    let devices = allocation_of(claim).and_then(|allocation| allocation.devices.as_ref());
    devices.and_then(|devices| devices.results.as_deref()).unwrap_or_default()
}
