//! Pods with a ResourceClaim that is made for each, and one that all of them name.

use std::collections::BTreeSet;

use api::object::{at, text};
use api::{ApiResource, Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::super::{Moment, create, delete, name, owners, pod_spec, uid};
use crate::sim::checks::{is_deleted, is_finished};
use crate::sim::objects::{Objects, changed, objects};
use crate::sim::random::Random;

const PODS: &ApiResource = &resources::PODS;
const CLAIMS: &ApiResource = &resources::RESOURCE_CLAIMS;
const TEMPLATES: &ApiResource = &resources::RESOURCE_CLAIM_TEMPLATES;

const CLASSES: &ApiResource = &resources::DEVICE_CLASSES;
const SLICES: &ApiResource = &resources::RESOURCE_SLICES;

/// The class of all devices, and the pool that they are in.
const CLASS: &str = "any";
const POOL: &str = "all";
const DEVICES: usize = 16;

const POD_CLAIM_NAME: &str = "resource.kubernetes.io/pod-claim-name";

/// The claim that Pods name.
const SHARED: &str = "shared";
const TEMPLATE: &str = "devices";

pub(super) fn ask(store: &Store, random: &mut Random) -> Vec<Request> {
    let missing = missing(store);
    if !missing.is_empty() {
        return missing;
    }
    let mut pods = objects(store, PODS);
    pods.retain(|pod| name(pod) == "sharing" || name(pod).starts_with("device-"));
    match random.below(6) {
        0 | 1 => vec![create(PODS, "default", pod(random.below(2)))],
        2 => vec![create(PODS, "default", sharing())],
        _ => pods.any(random).map(|pod| delete(PODS, &pod, "Background")).into_iter().collect(),
    }
}

/// What Pods with claims need.
pub(crate) fn missing(store: &Store) -> Vec<Request> {
    let lacks = |resource, wanted| !objects(store, resource).iter().any(|one| name(one) == wanted);
    let class = lacks(CLASSES, CLASS).then(|| create(CLASSES, "", class()));
    let slice = lacks(SLICES, POOL).then(|| create(SLICES, "", slice()));
    let template = lacks(TEMPLATES, TEMPLATE).then(|| create(TEMPLATES, "default", template()));
    let claim = lacks(CLAIMS, SHARED).then(|| create(CLAIMS, "default", shared()));
    [class, slice, template, claim].into_iter().flatten().collect()
}

fn class() -> Value {
    json!({"apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": {"name": CLASS}, "spec": {}})
}

/// Devices that every Node reaches, enough for all claims.
fn slice() -> Value {
    let devices: Vec<Value> =
        (0..DEVICES).map(|number| json!({"name": format!("device-{number}")})).collect();
    let pool = json!({"name": POOL, "generation": 1, "resourceSliceCount": 1});
    json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceSlice", "metadata": {"name": POOL},
        "spec": {"driver": "any.example.com", "pool": pool, "allNodes": true, "devices": devices}})
}

fn spec() -> Value {
    json!({"devices": {"requests": [{"name": "one", "exactly": {"deviceClassName": CLASS}}]}})
}

fn template() -> Value {
    json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate",
        "metadata": {"name": TEMPLATE, "namespace": "default"}, "spec": {"spec": spec()}})
}

fn shared() -> Value {
    json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim",
        "metadata": {"name": SHARED, "namespace": "default"}, "spec": spec()})
}

/// A Pod with a claim of its own beside the one that all name.
pub(crate) fn pod(number: usize) -> Value {
    let own = json!({"name": "own", "resourceClaimTemplateName": TEMPLATE});
    with_claims(&format!("device-{number}"), vec![own])
}

/// A Pod that may have a claim before any controller has heard of it.
pub(crate) fn sharing() -> Value {
    with_claims("sharing", vec![])
}

fn with_claims(name: &str, mut claims: Vec<Value>) -> Value {
    claims.push(json!({"name": SHARED, "resourceClaimName": SHARED}));
    let mut spec = pod_spec();
    spec["resourceClaims"] = json!(claims);
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec})
}

/// Whether a Pod runs, or may come to.
fn lives(pod: &Value) -> bool {
    let is_bound = at(pod, &["spec", "nodeName"]).is_some();
    !is_finished(pod) && (is_bound || !is_deleted(pod))
}

fn reserved_for(claim: &Value) -> BTreeSet<&str> {
    let consumers = at(claim, &["status", "reservedFor"]).and_then(Value::as_array);
    consumers.into_iter().flatten().map(|one| text(one, &["uid"])).collect()
}

/// The claim that a write breaks.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    if !moment.writes(CLAIMS) || !moment.is_by_controllers() {
        return None;
    }
    let all = [moment.before, moment.after].map(|store| objects(store, CLAIMS));
    let twice = made_twice(&all[1]).filter(|_| moment.is_certain);
    let [before, after] = changed(&all);
    let pods = objects(moment.after, PODS);
    twice.or_else(|| after.iter().find_map(|claim| given_back(claim, &before, &pods)))
}

/// RESOURCECLAIM-1. A request may arrive after its sender has crashed, or given up.
fn made_twice(claims: &Objects) -> Option<String> {
    let mut made = BTreeSet::new();
    claims.iter().filter(|claim| !is_deleted(claim)).find_map(|claim| {
        let owner = owners(claim).find(|owner| owner["kind"] == "Pod")?;
        let asked = text(claim, &["metadata", "annotations", POD_CLAIM_NAME]);
        let is_new = made.insert((text(owner, &["uid"]), asked));
        (!is_new).then(|| format!("RESOURCECLAIM-1: {} has two claims", text(owner, &["name"])))
    })
}

/// RESOURCECLAIM-2.
fn given_back(claim: &Value, before: &Objects, pods: &Objects) -> Option<String> {
    let was = before.iter().find(|found| uid(found) == uid(claim))?;
    let lost = reserved_for(was).into_iter().find(|uid| !reserved_for(claim).contains(uid))?;
    let pod = pods.iter().find(|pod| uid(pod) == lost && lives(pod))?;
    Some(format!("RESOURCECLAIM-2: {} loses {}", name(pod), name(claim)))
}

/// RESOURCECLAIM-3.
pub(crate) fn is_reserved_for_nobody(store: &Store) -> bool {
    let pods = objects(store, PODS);
    let is_gone = |consumer: &&str| !pods.iter().any(|pod| uid(pod) == *consumer);
    objects(store, CLAIMS).iter().any(|claim| reserved_for(claim).iter().any(is_gone))
}

/// RESOURCECLAIM-4 and RESOURCECLAIM-5.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let (pods, claims) = (objects(store, PODS), objects(store, CLAIMS));
    let without =
        pods.iter().find(|pod| name(pod).starts_with("device-") && !has_own(pod, &claims));
    let without = without.map(|pod| format!("RESOURCECLAIM-4: {} has no claim", name(pod)));
    let unused = |claim: &Value| {
        let is_used = |consumer: &&str| pods.iter().any(|pod| uid(pod) == *consumer && lives(pod));
        let consumers = reserved_for(claim);
        let is_allocated = at(claim, &["status", "allocation"]).is_some();
        let is_kept = !consumers.iter().all(is_used) || (consumers.is_empty() && is_allocated);
        is_kept.then(|| format!("RESOURCECLAIM-5: {} is not given back", name(claim)))
    };
    without.or_else(|| claims.iter().find_map(unused))
}

/// Whether a Pod knows a claim that is there, and was made for it.
fn has_own(pod: &Value, claims: &Objects) -> bool {
    let statuses = at(pod, &["status", "resourceClaimStatuses"]).and_then(Value::as_array);
    let mut told = statuses.into_iter().flatten().map(|one| text(one, &["resourceClaimName"]));
    is_deleted(pod)
        || told.any(|told| {
            let claim = claims.iter().find(|claim| name(claim) == told);
            claim.is_some_and(|claim| owners(claim).any(|owner| owner["uid"] == uid(pod)))
        })
}
