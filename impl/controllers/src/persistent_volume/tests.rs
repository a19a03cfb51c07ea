//! The binder beside an API server that grants everything.

mod claims;
mod provisioning;
mod volumes;

use api::{ApiResource, Key, Verb, resources};
use serde_json::{Value, json};

use super::PersistentVolumeBinder;
use crate::testing::{World, at, events};

const CLAIMS: &ApiResource = &resources::PERSISTENT_VOLUME_CLAIMS;
const VOLUMES: &ApiResource = &resources::PERSISTENT_VOLUMES;
const CLASSES: &ApiResource = &resources::STORAGE_CLASSES;

/// How many rounds a cluster that is left alone may need.
const ROUNDS_MAX: usize = 40;

/// The binder with what it has done.
struct Cluster {
    world: World<PersistentVolumeBinder>,
    due: Vec<Key>,
    version: u64,
    said: Vec<String>,
}

impl Cluster {
    fn new() -> Self {
        let world = World::new(PersistentVolumeBinder::default());
        Self { world, due: vec![], version: 1, said: vec![] }
    }

    fn with(objects: &[(&'static ApiResource, Value)]) -> Self {
        let mut cluster = Self::new();
        for (resource, object) in objects {
            cluster.put(resource, object.clone());
            cluster.settle();
        }
        cluster
    }

    fn put(&mut self, resource: &'static ApiResource, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.due.extend(self.world.put(resource, object));
    }

    fn remove(&mut self, resource: &'static ApiResource, key: &Key) {
        self.due.extend(self.world.remove(resource, key));
    }

    /// Carries out what is wanted until nothing is.
    fn settle(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let Some(key) = self.due.pop() else { return };
            let plan = self.world.reconcile(&key, at(10));
            self.said.extend(events(&plan));
            for request in &plan.requests {
                match request.verb {
                    Verb::Update => {
                        let object = request.body.clone().unwrap();
                        if is_deleted(&object) {
                            self.remove(request.resource, &request.key);
                        } else {
                            self.put(request.resource, object.clone());
                        }
                        let mut answer = object;
                        answer["metadata"]["resourceVersion"] = json!(self.version.to_string());
                        self.world.grant(&key, request, answer);
                    }
                    Verb::Get => {
                        let found = self.claim_value(&request.key);
                        match found {
                            Some(claim) => self.world.grant(&key, request, claim),
                            None => self.world.refuse(&key, request, api::Reason::NotFound),
                        }
                        self.due.push(key.clone());
                    }
                    Verb::Delete => {
                        let mut object = self.volume(&request.key.name);
                        let asked = request.body.as_ref().unwrap()["preconditions"].clone();
                        let is = |field: &str| asked[field] == object["metadata"][field];
                        assert!(is("uid") && is("resourceVersion"), "{asked}");
                        object["metadata"]["deletionTimestamp"] = json!("1970-01-01T00:00:10Z");
                        if is_deleted(&object) {
                            self.remove(request.resource, &request.key);
                        } else {
                            self.put(request.resource, object);
                        }
                        self.world.grant(&key, request, json!({}));
                    }
                    Verb::Create => {}
                    Verb::List | Verb::MergePatch | Verb::StrategicMergePatch | Verb::Apply => {
                        panic!("{request:?} is not expected")
                    }
                }
            }
        }
        panic!("it does not come to rest: {:?}", self.due);
    }

    fn claim_value(&self, key: &Key) -> Option<Value> {
        let claim = self.world.view.persistent_volume_claims.get(key)?;
        Some(serde_json::to_value(claim.as_ref()).unwrap())
    }

    fn claim(&self, name: &str) -> Value {
        self.claim_value(&Key::new("n", name)).unwrap()
    }

    fn volume(&self, name: &str) -> Value {
        let volume = self.world.view.persistent_volumes.get(&Key::cluster(name)).unwrap();
        serde_json::to_value(volume.as_ref()).unwrap()
    }

    fn has_volume(&self, name: &str) -> bool {
        self.world.view.persistent_volumes.get(&Key::cluster(name)).is_some()
    }

    /// The phase of each.
    fn phases(&self, claim: &str, volume: &str) -> (Value, Value) {
        (
            self.claim(claim)["status"]["phase"].clone(),
            self.volume(volume)["status"]["phase"].clone(),
        )
    }
}

/// Whether an object is to go, and nothing keeps it.
fn is_deleted(object: &Value) -> bool {
    let metadata = &object["metadata"];
    let finalizers = metadata["finalizers"].as_array();
    metadata["deletionTimestamp"].is_string() && finalizers.is_none_or(Vec::is_empty)
}

/// A claim of 1 GiB, with these fields of its spec.
fn claim(name: &str, fields: Value) -> Value {
    let mut spec = json!({"accessModes": ["ReadWriteOnce"], "storageClassName": "",
        "resources": {"requests": {"storage": "1Gi"}}});
    merge(&mut spec, &fields);
    json!({"metadata": {"name": name, "namespace": "n"}, "spec": spec, "status": {"phase": "Pending"}})
}

/// A volume of 1 GiB, with these fields of its spec.
fn volume(name: &str, fields: Value) -> Value {
    let mut spec = json!({"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
        "persistentVolumeReclaimPolicy": "Retain", "local": {"path": "/v"}});
    merge(&mut spec, &fields);
    json!({"metadata": {"name": name}, "spec": spec, "status": {"phase": "Pending"}})
}

fn class(name: &str, mode: &str, provisioner: &str) -> Value {
    json!({"metadata": {"name": name}, "provisioner": provisioner, "volumeBindingMode": mode})
}

fn merge(object: &mut Value, fields: &Value) {
    for (name, value) in fields.as_object().unwrap() {
        object[name] = value.clone();
    }
}
