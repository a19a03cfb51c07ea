//! Claims that come to ask for more, of volumes of a plugin that is a CSI driver now.

use std::ops::Range;

use api::object::text;
use api::quantity::Quantity;
use api::storage::NO_PROVISIONER;
use api::{ApiResource, Key, Request, Verb, resources};
use client::View;
use serde_json::{Value, json};
use store::Store;

use super::super::Moment;
use super::{
    CLAIMS, VOLUMES, claim_of, claim_uid, class_of, create, delete, disk, key, name, uid,
    volume_name,
};
use crate::sim::objects::{changed, objects};
use crate::sim::random::Random;

const CLASSES: &ApiResource = &resources::STORAGE_CLASSES;

/// The class whose claims may grow.
const CLASS: &str = "growing";
/// The numbers of its volumes.
const ELASTIC: Range<usize> = 0..2;
/// Who is to make the volume of a claim larger.
const RESIZER: &str = "volume.kubernetes.io/storage-resizer";

const CAPACITY: [&str; 3] = ["status", "capacity", "storage"];
const REQUESTED: [&str; 4] = ["spec", "resources", "requests", "storage"];

/// The class and its volumes, where there are none.
pub(super) fn missing(store: &Store) -> Vec<Request> {
    let (classes, volumes) = (objects(store, CLASSES), objects(store, VOLUMES));
    let is_missing = |wanted: &String| !volumes.iter().any(|found| name(found) == wanted);
    let elastics = ELASTIC.map(|number| format!("elastic-{number}")).filter(is_missing);
    let class = (!classes.iter().any(|found| name(found) == CLASS)).then(class);
    class.into_iter().chain(elastics.map(|name| create(VOLUMES, "", elastic(&name)))).collect()
}

pub(crate) fn class() -> Request {
    let class = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {"name": CLASS}, "provisioner": NO_PROVISIONER, "allowVolumeExpansion": true});
    create(CLASSES, "", class)
}

pub(super) fn ask(store: &Store, random: &mut Random) -> Option<Request> {
    let mut claims = objects(store, CLAIMS);
    claims.retain(|claim| class_of(claim) == CLASS && is_bound(claim));
    let claim = claims.any(random);
    match random.below(4) {
        0 => Some(create(CLAIMS, "default", growing(&format!("growing-{}", random.below(2))))),
        1 => {
            let volumes = objects(store, VOLUMES);
            volumes
                .iter()
                .find(|volume| is_left(volume))
                .map(|volume| delete(VOLUMES, volume, "Background"))
        }
        2 => claim.filter(|claim| !wants_more(claim)).map(|claim| grow(&claim)),
        _ => claim.and_then(|claim| resize(&claim)),
    }
}

/// Whether the claim of a volume of the class is gone.
fn is_left(volume: &Value) -> bool {
    class_of(volume) == CLASS && text(volume, &["status", "phase"]) == "Released"
}

/// A volume that its driver can make larger.
pub(crate) fn elastic(name: &str) -> Value {
    let mut volume = disk(name, (CLASS, "Retain"));
    volume["spec"]["awsElasticBlockStore"] = json!({"volumeID": name});
    if let Some(spec) = volume["spec"].as_object_mut() {
        spec.remove("hostPath");
    }
    volume
}

pub(crate) fn growing(name: &str) -> Value {
    claim_of(name, CLASS)
}

/// Somebody asks for twice as much as there is, if that is not asked for yet.
pub(crate) fn grow(claim: &Value) -> Request {
    let wanted = if text(claim, &CAPACITY) == "1Gi" { "2Gi" } else { "4Gi" };
    let patch = json!({"spec": {"resources": {"requests": {"storage": wanted}}}});
    Request::merge_patch(CLAIMS, key(claim), patch)
}

/// The driver, once it is named, makes the volume of a claim as large as the claim asks.
pub(crate) fn resize(claim: &Value) -> Option<Request> {
    let capacity = json!({"storage": text(claim, &REQUESTED)});
    let patch = json!({"status": {"capacity": capacity}});
    let is_due = !resizer(claim).is_empty() && wants_more(claim);
    is_due.then(|| Request::merge_patch(CLAIMS, key(claim), patch).to_subresource("status"))
}

fn resizer(claim: &Value) -> &str {
    text(claim, &["metadata", "annotations", RESIZER])
}

/// Whether a claim asks for more than it has.
fn wants_more(claim: &Value) -> bool {
    let size = |path: &[&str]| Quantity::parse(text(claim, path)).unwrap_or_default();
    size(&REQUESTED) > size(&CAPACITY)
}

fn is_bound(claim: &Value) -> bool {
    text(claim, &["status", "phase"]) == "Bound"
}

/// EXPANDER-1, on a plan of the controller.
pub(crate) fn decided(view: &View, requests: &[Request]) -> Option<String> {
    let told = requests.iter().find(|request| request.verb == Verb::StrategicMergePatch)?;
    let claim = view.persistent_volume_claims.get(&told.key)?;
    let claim = serde_json::to_value(claim.as_ref()).expect("a claim is JSON");
    let volume = view.persistent_volumes.get(&Key::cluster(volume_name(&claim)));
    let volume = serde_json::to_value(volume.map(AsRef::as_ref)).expect("a volume is JSON");
    let is_right = wants_more(&claim) && claim_uid(&volume) == uid(&claim);
    (!is_right).then(|| format!("EXPANDER-1: {} is told, and should not be", told.key))
}

/// EXPANDER-2.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    if !moment.writes(CLAIMS) || !moment.is_by_controllers() {
        return None;
    }
    let [before, after] =
        changed(&[moment.before, moment.after].map(|store| objects(store, CLAIMS)));
    after.iter().find_map(|claim| {
        let was = before.iter().find(|found| uid(found) == uid(claim))?;
        let is_told = resizer(claim) != resizer(was);
        let is_right = is_bound(claim) && wants_more(claim);
        (is_told && !is_right)
            .then(|| format!("EXPANDER-2: {} is told, and was not seen", key(claim)))
    })
}

/// EXPANDER-4.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let volumes = objects(store, VOLUMES);
    let claims = objects(store, CLAIMS);
    let waits = |claim: &&Value| {
        let is_of =
            |volume: &Value| name(volume) == volume_name(claim) && claim_uid(volume) == uid(claim);
        let has_volume = is_bound(claim) && volumes.iter().any(is_of);
        class_of(claim) == CLASS && has_volume && wants_more(claim) && resizer(claim).is_empty()
    };
    let waiting = claims.iter().find(waits)?;
    Some(format!("EXPANDER-4: nobody is to make {} larger", key(waiting)))
}
