//! VolumeAttributesClasses that volumes name.

use api::object::{at, text};
use api::{ApiResource, Key, Request, Verb, resources};
use client::View;
use serde_json::{Value, json};
use store::Store;

use super::super::{create, delete, name};
use crate::sim::checks::is_deleted;
use crate::sim::objects::objects;
use crate::sim::random::Random;

const CLASSES: &ApiResource = &resources::VOLUME_ATTRIBUTES_CLASSES;
const VOLUMES: &ApiResource = &resources::PERSISTENT_VOLUMES;
const FINALIZER: &str = "kubernetes.io/vac-protection";

const NAMES: [&str; 2] = ["gold", "silver"];

pub(super) fn ask(store: &Store, random: &mut Random) -> Option<Request> {
    let class = NAMES[random.below(2)];
    match random.below(8) {
        0..=2 => Some(create(CLASSES, "", self::class(class))),
        3 | 4 => Some(create(VOLUMES, "", volume(random.below(3), class))),
        5 => Some(Request::delete(CLASSES, Key::cluster(class), "", json!({}))),
        _ => {
            let mut volumes = objects(store, VOLUMES);
            volumes.retain(|volume| name(volume).starts_with("classed-"));
            Some(delete(VOLUMES, &volumes.any(random)?, "Background"))
        }
    }
}

pub(crate) fn class(name: &str) -> Value {
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttributesClass",
        "metadata": {"name": name}, "driverName": "csi.example.com",
        "parameters": {"iops": "100"}})
}

/// A volume that no claim asks for.
pub(crate) fn volume(number: usize, class: &str) -> Value {
    let csi = json!({"driver": "csi.example.com", "volumeHandle": format!("handle-{number}")});
    json!({"apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": {"name": format!("classed-{number}")},
        "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain", "storageClassName": "classed",
            "volumeAttributesClassName": class, "csi": csi}})
}

/// ATTRIBUTES-1, on a plan of the controller.
pub(crate) fn decided(view: &View, requests: &[Request]) -> Option<String> {
    let class = &requests.iter().find(|request| lets_go(request))?.key.name;
    let names = |volume: &k8s_openapi::api::core::v1::PersistentVolume| {
        let spec = volume.spec.as_ref();
        spec.and_then(|spec| spec.volume_attributes_class_name.as_deref()) == Some(class)
    };
    let used = view.persistent_volumes.iter().any(|volume| names(volume));
    used.then(|| format!("ATTRIBUTES-1: {class} is let go, and a volume has it"))
}

/// Whether a request takes the finalizer away.
fn lets_go(request: &Request) -> bool {
    let body = request.body.as_ref().filter(|_| request.verb == Verb::MergePatch);
    body.is_some_and(|body| !has_finalizer(body))
}

/// ATTRIBUTES-2.
pub(crate) fn is_named_late(store: &Store, sent: &[&Request]) -> bool {
    let volumes = objects(store, VOLUMES);
    let names =
        |volume: &Value, class: &str| text(volume, &["spec", "volumeAttributesClassName"]) == class;
    let goes = sent.iter().filter(|request| lets_go(request));
    goes.into_iter().any(|request| volumes.iter().any(|one| names(one, &request.key.name)))
}

fn has_finalizer(class: &Value) -> bool {
    let finalizers = at(class, &["metadata", "finalizers"]).and_then(Value::as_array);
    finalizers.into_iter().flatten().any(|finalizer| finalizer == FINALIZER)
}

/// ATTRIBUTES-3 and ATTRIBUTES-4.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let volumes = objects(store, VOLUMES);
    let is_used = |class: &Value| {
        volumes
            .iter()
            .any(|volume| text(volume, &["spec", "volumeAttributesClassName"]) == name(class))
    };
    objects(store, CLASSES).iter().find_map(|class| match is_deleted(class) {
        false if !has_finalizer(class) => {
            Some(format!("ATTRIBUTES-3: {} is not protected", name(class)))
        }
        true if !is_used(class) => Some(format!("ATTRIBUTES-4: {} stays", name(class))),
        true | false => None,
    })
}
