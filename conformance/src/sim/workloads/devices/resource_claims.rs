//! Pods with a ResourceClaim that is made for each, and one that all of them name.

use std::collections::BTreeSet;

use api::object::{at, text};
use api::{ApiResource, Key, Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::super::{Moment, create, delete, name, owners, pod_spec, uid};
use crate::sim::checks::{is_deleted, is_finished};
use crate::sim::objects::{Objects, changed, objects};
use crate::sim::random::Random;

const PODS: &ApiResource = &resources::PODS;
const CLAIMS: &ApiResource = &resources::RESOURCE_CLAIMS;
const TEMPLATES: &ApiResource = &resources::RESOURCE_CLAIM_TEMPLATES;

const FINALIZER: &str = "resource.kubernetes.io/delete-protection";
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
    pods.retain(|pod| name(pod).starts_with("device-"));
    match random.below(7) {
        0 | 1 => vec![create(PODS, "default", pod(random.below(2)))],
        2..=4 => reserve(store, &pods).into_iter().collect(),
        _ => pods.any(random).map(|pod| delete(PODS, &pod, "Background")).into_iter().collect(),
    }
}

fn missing(store: &Store) -> Vec<Request> {
    let lacks = |resource, wanted| !objects(store, resource).iter().any(|one| name(one) == wanted);
    let template = lacks(TEMPLATES, TEMPLATE).then(|| create(TEMPLATES, "default", template()));
    let claim = lacks(CLAIMS, SHARED).then(|| create(CLAIMS, "default", shared()));
    template.into_iter().chain(claim).collect()
}

fn spec() -> Value {
    json!({"devices": {"requests": [{"name": "one", "exactly": {"deviceClassName": "any"}}]}})
}

fn template() -> Value {
    json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaimTemplate",
        "metadata": {"name": TEMPLATE, "namespace": "default"}, "spec": {"spec": spec()}})
}

fn shared() -> Value {
    json!({"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim",
        "metadata": {"name": SHARED, "namespace": "default"}, "spec": spec()})
}

fn pod(number: usize) -> Value {
    let mut spec = pod_spec();
    spec["resourceClaims"] = json!([{"name": "own", "resourceClaimTemplateName": TEMPLATE},
        {"name": SHARED, "resourceClaimName": SHARED}]);
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("device-{number}"), "namespace": "default"}, "spec": spec})
}

/// What the scheduler does where it knows devices: keeps the claim, then allocates it and reserves it for a Pod, if it is
/// as it was read.
fn reserve(store: &Store, pods: &Objects) -> Option<Request> {
    let claims = objects(store, CLAIMS);
    let claim = claims.iter().find(|claim| name(claim) == SHARED)?;
    let pod = pods.iter().find(|pod| reserved_for(claim).is_empty() && lives(pod))?;
    let key = Key::new("default", SHARED);
    let version = text(claim, &["metadata", "resourceVersion"]);
    if at(claim, &["metadata", "finalizers"]).is_none() {
        let metadata = json!({"resourceVersion": version, "finalizers": [FINALIZER]});
        return Some(Request::merge_patch(CLAIMS, key, json!({"metadata": metadata})));
    }
    let consumer = json!({"resource": "pods", "name": name(pod), "uid": uid(pod)});
    let status = json!({"allocation": {"devices": {}}, "reservedFor": [consumer]});
    let patch = json!({"metadata": {"resourceVersion": version}, "status": status});
    Some(Request::merge_patch(CLAIMS, key, patch).to_subresource("status"))
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
