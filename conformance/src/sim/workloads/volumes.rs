//! Claims and volumes that people make, claims that wait for their first Pod, Pods that use them or bring their
//! own, claims that grow, and deletions in every order.

pub(crate) mod growth;
mod writes;

use std::collections::{BTreeMap, BTreeSet};

use api::object::{at, text};
use api::storage::{
    BIND_COMPLETED, LOCAL_PATH, NO_PROVISIONER, PROVISIONED_BY, PROVISIONER_FINALIZER,
};
use api::{ApiResource, Key, Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::attachments::is_driven;
use super::{Moment, Size, any, create, delete, key, name, owners, pod_spec, uid};
use crate::sim::checks::{is_deleted, is_finished};
use crate::sim::objects::{Objects, objects};
use crate::sim::random::Random;

const CLAIMS: &ApiResource = &resources::PERSISTENT_VOLUME_CLAIMS;
const VOLUMES: &ApiResource = &resources::PERSISTENT_VOLUMES;

/// Where the volume of a folder names its Node.
const PLACE: &str = "/spec/nodeAffinity/required/nodeSelectorTerms/0/matchExpressions/0/values/0";

/// The StorageClasses: of the first volumes are bound at once, of the others when a Pod comes.
const CLASSES: [(&str, &str, &str); 3] = [
    ("kept", NO_PROVISIONER, "Immediate"),
    ("waiting", NO_PROVISIONER, "WaitForFirstConsumer"),
    ("folders", LOCAL_PATH, "WaitForFirstConsumer"),
];

pub(super) fn ask(store: &Store, random: &mut Random, size: Size) -> Vec<Request> {
    let classes = objects(store, &resources::STORAGE_CLASSES);
    let is_missing =
        |wanted: &(&str, &str, &str)| !classes.iter().any(|found| name(found) == wanted.0);
    let missing = CLASSES.into_iter().filter(is_missing).map(class);
    let missing: Vec<Request> = missing.chain(growth::missing(store)).collect();
    if !missing.is_empty() {
        return missing;
    }
    let request = match random.below(20) {
        0..=2 => Some(create(VOLUMES, "", volume(random, size))),
        3..=5 => Some(create(CLAIMS, "default", claim(random, size))),
        6..=8 => Some(create(&resources::PODS, "default", pod(random, size))),
        9 | 10 => deletable(store, CLAIMS, random),
        11 => deletable(store, VOLUMES, random),
        12 | 13 => {
            let pod = any(store, &resources::PODS, random);
            pod.map(|pod| delete(&resources::PODS, &pod, "Background"))
        }
        14..=17 => growth::ask(store, random),
        // Whoever has the folders removes them.
        _ => objects(store, VOLUMES).iter().find(|volume| waits_for_folder(volume)).map(emptied),
    };
    request.into_iter().collect()
}

/// Deletes one that no driver attaches.
fn deletable(
    store: &Store,
    resource: &'static ApiResource,
    random: &mut Random,
) -> Option<Request> {
    let object = any(store, resource, random).filter(|object| !is_driven(object))?;
    Some(delete(resource, &object, "Background"))
}

pub(crate) fn class((name, provisioner, mode): (&str, &str, &str)) -> Request {
    let class = json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {"name": name}, "provisioner": provisioner, "volumeBindingMode": mode});
    create(&resources::STORAGE_CLASSES, "", class)
}

fn volume(random: &mut Random, size: Size) -> Value {
    let policy = ["Retain", "Delete"][random.below(2)];
    let class = CLASSES[random.below(2)].0;
    let name = format!("disk-{}", random.below(size.of(3)));
    disk(&name, (class, policy))
}

pub(crate) fn disk(name: &str, (class, policy): (&str, &str)) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {"storageClassName": class, "persistentVolumeReclaimPolicy": policy,
            "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
            "hostPath": {"path": format!("/disks/{name}")}}})
}

fn claim(random: &mut Random, size: Size) -> Value {
    let class = CLASSES[random.below(CLASSES.len())].0;
    claim_of(&format!("data-{}", random.below(size.of(3))), class)
}

pub(crate) fn claim_of(name: &str, class: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "default"}, "spec": claim_spec(class)})
}

fn claim_spec(class: &str) -> Value {
    json!({"storageClassName": class, "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}}})
}

/// A Pod that uses a claim, or brings its own: its name is that of a claim of somebody else, now and then.
fn pod(random: &mut Random, size: Size) -> Value {
    let class = CLASSES[random.below(CLASSES.len())].0;
    let (name, volume) = match random.below(4) {
        0 => ("data".to_owned(), own(&random.below(2).to_string(), class)),
        1 => (format!("user-{}", random.below(size.of(2))), own("own", class)),
        _ => {
            let name = format!("user-{}", random.below(size.of(3)));
            (name, of_claim(&format!("data-{}", random.below(size.of(3)))))
        }
    };
    user(&name, &volume)
}

/// A generic ephemeral volume.
pub(crate) fn own(name: &str, class: &str) -> Value {
    json!({"name": name, "ephemeral": {"volumeClaimTemplate": {"spec": claim_spec(class)}}})
}

pub(crate) fn of_claim(claim: &str) -> Value {
    json!({"name": "data", "persistentVolumeClaim": {"claimName": claim}})
}

pub(crate) fn user(name: &str, volume: &Value) -> Value {
    let mut spec = pod_spec();
    spec["volumes"] = json!([volume]);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"},
        "spec": spec})
}

/// Whether a volume is being deleted and waits for its folder alone.
fn waits_for_folder(volume: &Value) -> bool {
    is_deleted(volume) && volume["metadata"]["finalizers"] == json!([PROVISIONER_FINALIZER])
}

fn emptied(volume: &Value) -> Request {
    Request::merge_patch(VOLUMES, key(volume), json!({"metadata": {"finalizers": null}}))
}

/// What was seen of Pods and claims.
#[derive(Clone, Debug, Default)]
pub(super) struct Uses {
    /// By the uid of a claim that is being deleted, the uids of Pods that used it on a Node before.
    before_deletion: BTreeMap<String, BTreeSet<String>>,
    /// The names of claims that a Pod has used, ever.
    used: BTreeSet<Key>,
    /// The uids of Pods that have had the claims of their own.
    owners: BTreeSet<String>,
}

impl Uses {
    /// The claim that a write breaks.
    pub(super) fn broken(&mut self, moment: &Moment<'_>) -> Option<String> {
        let (pods, claims) = (moment.writes(&resources::PODS), moment.writes(CLAIMS));
        if !pods && !claims && !moment.writes(VOLUMES) {
            return None;
        }
        self.note(moment);
        writes::broken(moment, self).or_else(|| growth::broken(moment))
    }

    fn note(&mut self, moment: &Moment<'_>) {
        let pods = objects(moment.after, &resources::PODS);
        self.used.extend(pods.iter().flat_map(claims_of));
        for claim in objects(moment.after, CLAIMS).iter() {
            let owners = owners(claim).filter(|owner| owner["kind"] == "Pod");
            self.owners.extend(owners.map(|owner| text(owner, &["uid"]).to_owned()));
            if is_deleted(claim) && !self.before_deletion.contains_key(uid(claim)) {
                let users = pods.iter().filter(|pod| uses_on_node(pod, &key(claim)));
                let users = users.map(|pod| uid(pod).to_owned()).collect();
                self.before_deletion.insert(uid(claim).to_owned(), users);
            }
        }
    }
}

/// The claims that a Pod uses.
pub(super) fn claims_of(pod: &Value) -> Vec<Key> {
    let volumes = at(pod, &["spec", "volumes"]).and_then(Value::as_array);
    let claim = |volume: &Value| match at(volume, &["persistentVolumeClaim", "claimName"]) {
        Some(claim) => claim.as_str().map(str::to_owned),
        None => {
            let own = format!("{}-{}", name(pod), name_of_volume(volume));
            at(volume, &["ephemeral"]).map(|_| own)
        }
    };
    let names = volumes.into_iter().flatten().filter_map(claim);
    names.map(|name| Key::new(text(pod, &["metadata", "namespace"]), &name)).collect()
}

fn name_of_volume(volume: &Value) -> &str {
    text(volume, &["name"])
}

/// Whether a Pod that has its Node uses a claim.
fn uses_on_node(pod: &Value, claim: &Key) -> bool {
    !text(pod, &["spec", "nodeName"]).is_empty() && claims_of(pod).contains(claim)
}

fn annotation<'a>(object: &'a Value, name: &str) -> &'a str {
    text(object, &["metadata", "annotations", name])
}

/// Whether a Pod has the claims that it uses: each is bound, and is its own where it brings it.
pub(crate) fn has_claims(pod: &Value, claims: &Objects) -> bool {
    let own = own_claims(pod);
    let is_had = |wanted: &Key| {
        let found = claims.iter().find(|claim| key(claim) == *wanted && is_bound(claim));
        found.is_some_and(|claim| !own.contains(wanted) || owns(pod, claim))
    };
    claims_of(pod).iter().all(is_had)
}

/// The Node that alone reaches a volume of a Pod's claims.
pub(crate) fn place(pod: &Value, claims: &Objects, store: &Store) -> Option<String> {
    let used = claims_of(pod);
    let used: Vec<&Value> = claims.iter().filter(|claim| used.contains(&key(claim))).collect();
    let volumes = objects(store, VOLUMES);
    let mut volumes = volumes.iter().filter(|volume| {
        used.iter()
            .any(|claim| volume_name(claim) == name(volume) && claim_uid(volume) == uid(claim))
    });
    volumes.find_map(|volume| volume.pointer(PLACE)?.as_str().map(str::to_owned))
}

fn owns(pod: &Value, claim: &Value) -> bool {
    owners(claim).any(|owner| at(owner, &["uid"]) == at(pod, &["metadata", "uid"]))
}

/// Whether a claim has its volume.
fn is_bound(claim: &Value) -> bool {
    !annotation(claim, BIND_COMPLETED).is_empty() && !volume_name(claim).is_empty()
}

fn volume_name(claim: &Value) -> &str {
    text(claim, &["spec", "volumeName"])
}

fn phase(volume: &Value) -> &str {
    text(volume, &["status", "phase"])
}

/// The uid of the claim that a volume has, empty for none.
fn claim_uid(volume: &Value) -> &str {
    text(volume, &["spec", "claimRef", "uid"])
}

fn policy(volume: &Value) -> &str {
    text(volume, &["spec", "persistentVolumeReclaimPolicy"])
}

fn class_of(object: &Value) -> &str {
    text(object, &["spec", "storageClassName"])
}

/// VOLUME-11 to VOLUME-14, EPHEMERAL-3, EPHEMERAL-4 and EXPANDER-4.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let (claims, volumes) = (objects(store, CLAIMS), objects(store, VOLUMES));
    let pods = objects(store, &resources::PODS);
    let claim = claims.iter().find_map(|claim| {
        unbound(claim, &volumes).or_else(|| lingers(claim, &pods)).or_else(|| orphan(claim, &pods))
    });
    let volume = || volumes.iter().find_map(|volume| kept_in_vain(volume, &claims));
    let broken = claim.or_else(volume);
    let broken = broken.or_else(|| pods.iter().find_map(|pod| without_own(pod, &claims)));
    broken.or_else(|| growth::unsettled(store))
}

fn unbound(claim: &Value, volumes: &Objects) -> Option<String> {
    let is_asking = class_of(claim) == CLASSES[0].0 && !is_bound(claim) && !is_deleted(claim);
    let is_for_it = |volume: &&Value| {
        let is_free = at(volume, &["spec", "claimRef"]).is_none();
        (is_free || claim_uid(volume) == uid(claim))
            && class_of(volume) == class_of(claim)
            && !is_deleted(volume)
    };
    let volume = volumes.iter().find(is_for_it).filter(|_| is_asking)?;
    Some(format!("VOLUME-11: {} is not bound, and {} is free for it", name(claim), name(volume)))
}

fn lingers(claim: &Value, pods: &Objects) -> Option<String> {
    let is_used = pods.iter().any(|pod| uses_on_node(pod, &key(claim)));
    (is_deleted(claim) && !is_used)
        .then(|| format!("VOLUME-14: {} stays, and nobody uses it", name(claim)))
}

fn kept_in_vain(volume: &Value, claims: &Objects) -> Option<String> {
    let claim = claims.iter().find(|claim| uid(claim) == claim_uid(volume));
    let is_provisioned = !annotation(volume, PROVISIONED_BY).is_empty();
    let name = name(volume);
    match claim {
        Some(claim) if is_bound(claim) && volume_name(claim) != name => {
            Some(format!("VOLUME-13: {name} is kept for {}", key(claim)))
        }
        None if is_provisioned && policy(volume) == "Delete" && !is_deleted(volume) => {
            Some(format!("VOLUME-12: {name} stays, and its claim is gone"))
        }
        Some(_) | None => None,
    }
}

/// A claim whose Pod is gone.
fn orphan(claim: &Value, pods: &Objects) -> Option<String> {
    let owner = owners(claim).find(|owner| owner["kind"] == "Pod")?;
    let lives = pods.iter().any(|pod| owner["uid"] == uid(pod));
    (!lives).then(|| format!("EPHEMERAL-4: {} stays, and its Pod is gone", name(claim)))
}

/// A Pod without a claim of its own, of which nobody else has the name.
fn without_own(pod: &Value, claims: &Objects) -> Option<String> {
    if is_deleted(pod) || is_finished(pod) {
        return None;
    }
    let is_missing = |wanted: &Key| !claims.iter().any(|claim| key(claim) == *wanted);
    let missing = own_claims(pod).into_iter().find(is_missing)?;
    Some(format!("EPHEMERAL-3: {} has no claim {}", name(pod), missing.name))
}

/// The claims that a Pod brings.
fn own_claims(pod: &Value) -> Vec<Key> {
    let used = at(pod, &["spec", "volumes"]).and_then(Value::as_array);
    let brings = used.into_iter().flatten().any(|volume| volume["ephemeral"].is_object());
    if brings { claims_of(pod) } else { vec![] }
}
