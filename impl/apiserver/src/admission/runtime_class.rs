//! RuntimeClass: a pod takes over what its class says of overhead and of nodes.
//!
//! Source: plugin/pkg/admission/runtimeclass/admission.go, v1.36.

use api::object::{at, object_at_mut, text};
use api::{Status, resources};
use serde_json::{Map, Value, json};

use super::Admission;

const OVERHEAD: &str = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

/// Gives a new pod the overhead, the node selector and the tolerations of its class.
pub(super) fn apply(admission: Admission<'_>, pod: &mut Value) -> Result<(), Status> {
    let Some(class) = class_of(admission, pod)? else { return Ok(()) };
    let spec = object_at_mut(pod, "spec");
    if let Some(fixed) = overhead(&class) {
        let given =
            spec.get("overhead").filter(|given| given.as_object().is_some_and(|it| !it.is_empty()));
        if given.is_some_and(|given| given != fixed) {
            return Err(admission.forbidden(OVERHEAD));
        }
        spec.insert("overhead".to_owned(), fixed.clone());
    }
    if let Some(wanted) = at(&class, &["scheduling", "nodeSelector"]).and_then(Value::as_object) {
        merge_selector(admission, spec, wanted)?;
    }
    if let Some(wanted) = at(&class, &["scheduling", "tolerations"]).and_then(Value::as_array) {
        let tolerations = spec.entry("tolerations").or_insert_with(|| json!([]));
        let Some(tolerations) = tolerations.as_array_mut() else { return Ok(()) };
        let new: Vec<_> = wanted.iter().filter(|one| !tolerations.contains(one)).cloned().collect();
        tolerations.extend(new);
    }
    Ok(())
}

fn merge_selector(
    admission: Admission<'_>,
    spec: &mut Map<String, Value>,
    wanted: &Map<String, Value>,
) -> Result<(), Status> {
    let selector = spec.entry("nodeSelector").or_insert_with(|| json!({}));
    let Some(selector) = selector.as_object_mut() else { return Ok(()) };
    for (key, value) in wanted {
        if let Some(own) = selector.get(key).filter(|own| *own != value) {
            let (value, own) =
                (value.as_str().unwrap_or_default(), own.as_str().unwrap_or_default());
            return Err(admission.forbidden(&format!(
                "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; pod.spec.nodeSelector[{key}] = {own}"
            )));
        }
        selector.insert(key.clone(), value.clone());
    }
    Ok(())
}

/// Whether a pod has the overhead of its class, and none without one.
pub(super) fn validate(admission: Admission<'_>, pod: &Value) -> Result<(), Status> {
    let class = class_of(admission, pod)?;
    let why = match (class.as_ref().and_then(overhead), at(pod, &["spec", "overhead"])) {
        (Some(fixed), given) if given != Some(fixed) => OVERHEAD,
        (None, Some(_)) => {
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
        }
        _ => return Ok(()),
    };
    Err(admission.forbidden(why))
}

fn class_of(admission: Admission<'_>, pod: &Value) -> Result<Option<Value>, Status> {
    let name = text(pod, &["spec", "runtimeClassName"]);
    if name.is_empty() {
        return Ok(None);
    }
    let found = admission.find(&resources::RUNTIME_CLASSES, None, name);
    let missing =
        || admission.forbidden(&format!("pod rejected: RuntimeClass \"{name}\" not found"));
    found.ok_or_else(missing).map(Some)
}

fn overhead(class: &Value) -> Option<&Value> {
    at(class, &["overhead", "podFixed"])
}
