//! What a ResourceClaim uses: the devices that it may be given at the most, by their classes, and by the extended
//! resources that those stand for as far as its pod does not use them already.
//!
//! Source: `pkg/quota/v1/evaluator/core/resource_claims.go` (v1.36), which does not hold claims to names for which no
//! DeviceClass stands; here they are held to all.

use jiff::Timestamp;
use serde_json::Value;

use super::{count, pods};
use crate::amounts::Amounts;
use crate::object::{at, text};

const OF_CLASS: &str = ".deviceclass.resource.k8s.io/devices";
const IMPLICIT: &str = "requests.deviceclass.resource.kubernetes.io/";
/// How many devices one claim can be given: those that all are asked for.
const DEVICES_MAX: i64 = 32;
/// The annotation of the claims that the scheduler makes for pods that ask for extended resources.
const FOR_EXTENDED_RESOURCES: &str = "resource.kubernetes.io/extended-resource-claim";

/// What a claim's use depends on besides the claim.
pub trait Neighbours {
    /// The extended resource that a DeviceClass stands for, if it names one.
    fn extended_resource(&self, class: &str) -> Option<String>;
    /// A pod.
    fn pod(&self, namespace: &str, name: &str) -> Option<Value>;
    /// The ResourceClaims of a namespace that have the owner of this uid.
    fn claims(&self, namespace: &str, owner: &str) -> Vec<Value>;
}

/// Whether claims use what has this name.
pub(super) fn uses(name: &str) -> bool {
    name.ends_with(OF_CLASS) || pods::is_extended(name)
}

/// What a claim uses.
pub(super) fn usage(claim: &Value, neighbours: &dyn Neighbours, now: Timestamp) -> Amounts {
    let by_class = by_class(claim);
    let owner = owner(claim, neighbours);
    let counted = owner.map(|pod| pods::usage(&pod, now)).unwrap_or_default();
    let mut usage = Amounts::new();
    for (class, number) in &by_class {
        let explicit = neighbours.extended_resource(class);
        let explicit = explicit.map(|name| format!("{}{name}", pods::REQUESTS));
        for name in [Some(format!("{IMPLICIT}{class}")), explicit].into_iter().flatten() {
            let left = *number - counted.get(&name).copied().unwrap_or_default();
            if !left.is_zero() && !left.is_negative() {
                usage.insert(name, left);
            }
        }
    }
    let devices =
        by_class.into_iter().map(|(class, number)| (format!("{class}{OF_CLASS}"), number));
    usage.extend(devices);
    usage
}

/// How many devices of each class a claim may be given.
fn by_class(claim: &Value) -> Amounts {
    let mut all = Amounts::new();
    let requests = at(claim, &["spec", "devices", "requests"]).and_then(Value::as_array);
    for request in requests.into_iter().flatten() {
        crate::amounts::add(&mut all, &most(request));
    }
    all
}

/// The most of each class that one request may be given, whichever alternative it is.
fn most(request: &Value) -> Amounts {
    let mut most = Amounts::new();
    let alternatives = request["firstAvailable"].as_array().filter(|list| !list.is_empty());
    let exactly = request.get("exactly").filter(|_| alternatives.is_none());
    for one in alternatives.into_iter().flatten().chain(exactly) {
        let asked = match text(one, &["allocationMode"]) {
            "ExactCount" => one["count"].as_i64().unwrap_or(0),
            "All" => DEVICES_MAX,
            _ => 0,
        };
        let of_class = most.entry(text(one, &["deviceClassName"]).to_owned()).or_default();
        *of_class = count(asked).max(*of_class);
    }
    most
}

/// The pod for whose extended resources the scheduler has made a claim, unless another claim is the one.
fn owner(claim: &Value, neighbours: &dyn Neighbours) -> Option<Value> {
    let (owner, name) = (pod_reference(claim)?, text(claim, &["metadata", "name"]));
    let namespace = text(claim, &["metadata", "namespace"]);
    let pod = neighbours.pod(namespace, text(owner, &["name"]))?;
    if text(&pod, &["metadata", "uid"]) != text(owner, &["uid"]) {
        return None;
    }
    let is_own = match at(&pod, &["status", "extendedResourceClaimStatus"]) {
        Some(told) => text(told, &["resourceClaimName"]) == name,
        None => {
            let uid = text(owner, &["uid"]);
            let claims = neighbours.claims(namespace, uid);
            !claims.iter().filter(|other| is_of(other, uid)).any(|it| age(it) < age(claim))
        }
    };
    is_own.then_some(pod)
}

/// The pod that manages a claim for extended resources.
fn pod_reference(claim: &Value) -> Option<&Value> {
    if text(claim, &["metadata", "annotations", FOR_EXTENDED_RESOURCES]) != "true" {
        return None;
    }
    let owners = at(claim, &["metadata", "ownerReferences"]).and_then(Value::as_array);
    let controller = owners.into_iter().flatten().find(|owner| owner["controller"] == true);
    controller.filter(|owner| owner["kind"] == "Pod" && owner["apiVersion"] == "v1")
}

fn is_of(claim: &Value, pod: &str) -> bool {
    pod_reference(claim).is_some_and(|owner| text(owner, &["uid"]) == pod)
}

fn age(claim: &Value) -> (&str, &str) {
    let field = |name| text(claim, &["metadata", name]);
    (field("creationTimestamp"), field("name"))
}
