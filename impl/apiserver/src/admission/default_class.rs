//! DefaultStorageClass and DefaultIngressClass: who names no class gets the default one.
//!
//! Source: pkg/volume/util/storageclass.go and plugin/pkg/admission/network/defaultingressclass, v1.36.

use std::cmp::Reverse;

use api::object::{at, object_at_mut, text};
use api::{ApiResource, resources};
use serde_json::{Value, json};

use super::Admission;

const STORAGE_CLASS: &str = "volume.beta.kubernetes.io/storage-class";
const IS_DEFAULT_STORAGE_CLASS: [&str; 2] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];
const INGRESS_CLASS: &str = "kubernetes.io/ingress.class";
const IS_DEFAULT_INGRESS_CLASS: [&str; 1] = ["ingressclass.kubernetes.io/is-default-class"];

/// The default StorageClass of a claim that names none. The empty name is a name.
pub(super) fn of_claim(admission: Admission<'_>, claim: &mut Value) {
    let default = (&resources::STORAGE_CLASSES, &IS_DEFAULT_STORAGE_CLASS[..]);
    fill_in(admission, claim, (STORAGE_CLASS, "storageClassName"), default);
}

/// The default IngressClass of an Ingress that names none.
pub(super) fn of_ingress(admission: Admission<'_>, ingress: &mut Value) {
    let default = (&resources::INGRESS_CLASSES, &IS_DEFAULT_INGRESS_CLASS[..]);
    fill_in(admission, ingress, (INGRESS_CLASS, "ingressClassName"), default);
}

fn fill_in(
    admission: Admission<'_>,
    object: &mut Value,
    (annotation, field): (&str, &str),
    (resource, marks): (&ApiResource, &[&str]),
) {
    let is_named = at(object, &["metadata", "annotations", annotation]).is_some()
        || at(object, &["spec", field]).is_some();
    if is_named {
        return;
    }
    let is_default = |class: &Value| {
        marks.iter().any(|mark| text(class, &["metadata", "annotations", mark]) == "true")
    };
    let newest = |class: &Value| {
        let created = text(class, &["metadata", "creationTimestamp"]).to_owned();
        (Reverse(created), text(class, &["metadata", "name"]).to_owned())
    };
    let classes = admission.all(resource, None).into_iter();
    if let Some(class) = classes.filter(is_default).min_by_key(newest) {
        let name = json!(text(&class, &["metadata", "name"]));
        object_at_mut(object, "spec").insert(field.to_owned(), name);
    }
}
