//! What a PersistentVolumeClaim uses: itself and storage, both of its class too.
//!
//! Source: `pkg/quota/v1/evaluator/core/persistent_volume_claims.go` (v1.36).

use serde_json::Value;

use super::{Scope, count};
use crate::amounts::{Amounts, amounts, of};
use crate::object::{at, text};
use crate::quantity::Quantity;

const CLAIMS: &str = "persistentvolumeclaims";
const STORAGE: &str = "requests.storage";
const OF_CLASS: &str = ".storageclass.storage.k8s.io/";

/// Whether claims use what has this name.
pub(super) fn uses(name: &str) -> bool {
    let of_class = name.rsplit_once(OF_CLASS).map(|(_, name)| name);
    [CLAIMS, STORAGE].contains(&of_class.unwrap_or(name))
}

/// What a claim uses.
pub(super) fn usage(claim: &Value) -> Amounts {
    let mut usage = Amounts::from([(CLAIMS.to_owned(), count(1))]);
    usage.extend(storage(claim).map(|size| (STORAGE.to_owned(), size)));
    let class = storage_class(claim);
    if !class.is_empty() {
        let of_class = usage.clone().into_iter();
        usage.extend(of_class.map(|(name, amount)| (format!("{class}{OF_CLASS}{name}"), amount)));
    }
    usage
}

/// The name of the class that a claim asks for, empty for none.
pub fn storage_class(claim: &Value) -> &str {
    match text(claim, &["metadata", "annotations", "volume.beta.kubernetes.io/storage-class"]) {
        "" => text(claim, &["spec", "storageClassName"]),
        class => class,
    }
}

/// What it asks for, or more where it was given more. Bytes are whole.
fn storage(claim: &Value) -> Option<Quantity> {
    let asked = at(claim, &["spec"]).and_then(|spec| of(spec, "requests").remove("storage"))?;
    let allocated = amounts(at(claim, &["status", "allocatedResources"])).remove("storage");
    Some(asked.max(allocated.unwrap_or_default()).rounded_to_one())
}

/// Whether a claim is under a scope.
pub(super) fn is_under(scope: &Scope, claim: &Value) -> bool {
    scope.name == "VolumeAttributesClass" && scope.selects(&attributes_classes(claim))
}

/// Every VolumeAttributesClass that a claim has, had, or is to have.
fn attributes_classes(claim: &Value) -> Vec<&str> {
    let names = [
        text(claim, &["spec", "volumeAttributesClassName"]),
        text(claim, &["status", "currentVolumeAttributesClassName"]),
        text(claim, &["status", "modifyVolumeStatus", "targetVolumeAttributesClassName"]),
    ];
    names.into_iter().filter(|name| !name.is_empty()).collect()
}
