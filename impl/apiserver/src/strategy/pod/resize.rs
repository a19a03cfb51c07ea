//! `pods/resize`: other resources for the containers of a pod that runs.
//!
//! Source: `podResizeStrategy` in pkg/registry/core/pod/strategy.go and `ValidatePodResize` (v1.36). Left out:
//! resources of the pod as a whole.

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{entries, get, items, keep, keep_all_but_status, or_null, same};
use super::super::{meta, resources};
use super::{CONTAINER_LISTS, MIRROR, common_causes};

const RESIZABLE: [&str; 2] = ["resources", "resizePolicy"];

/// Keeps all of a pod but the resources of its containers, if these are the same containers.
pub(crate) fn prepare_for_update(new: &mut Value, old: &Value) {
    if !CONTAINER_LISTS.iter().all(|list| order_causes(list, new, old).is_empty()) {
        meta::count_spec_change(new, old);
        return;
    }
    let asked = new.clone();
    keep_all_but_status(new, old);
    keep(new, old, "status");
    for list in CONTAINER_LISTS {
        let containers = new["spec"].get_mut(list).and_then(Value::as_array_mut);
        let asked = items(&asked, &["spec", list]);
        for (container, asked) in containers.into_iter().flatten().zip(asked) {
            RESIZABLE.iter().for_each(|field| keep(container, asked, field));
        }
    }
    meta::count_spec_change(new, old);
}

/// What new resources break.
pub(crate) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    if get(old, &["metadata", "annotations", MIRROR]).is_some() {
        return vec![Cause::forbidden("", "static pods cannot be resized")];
    }
    if text(old, &["spec", "os", "name"]) == "windows" {
        return vec![Cause::forbidden("", "windows pods cannot be resized")];
    }
    let mut causes = meta::validate_update(new, old);
    causes.extend(common_causes(new, old));
    let class = |pod| resources::qos_class(or_null(pod, &["spec"]));
    if class(new) != class(old) {
        let shown = or_null(new, &["status", "qosClass"]);
        let rule = "Pod QOS Class may not change as a result of resizing";
        causes.push(Cause::invalid("spec", shown, rule));
    }
    causes.extend(unsupported_cause(old));
    let order: Vec<Cause> =
        CONTAINER_LISTS.iter().flat_map(|list| order_causes(list, new, old)).collect();
    if !order.is_empty() {
        causes.extend(order);
        return causes;
    }
    for list in ["initContainers", "containers"] {
        causes.extend(container_causes(list, new, old));
    }
    causes
}

/// A kubelet that tells no resources of what runs cannot change them.
fn unsupported_cause(old: &Value) -> Option<Cause> {
    let mut statuses = items(old, &["status", "containerStatuses"]).iter();
    let running = statuses.find(|status| get(status, &["state", "running"]).is_some())?;
    let why = "Pod running on node without support for resize";
    get(running, &["resources"]).is_none().then(|| Cause::forbidden("spec", why))
}

fn order_causes(list: &str, new: &Value, old: &Value) -> Vec<Cause> {
    let (new, old) = (items(new, &["spec", list]), items(old, &["spec", list]));
    if new.len() != old.len() {
        let why = format!("{list} may not be added or removed on resize");
        return vec![Cause::forbidden(format!("spec.{list}"), &why)];
    }
    let why = format!("{list} may not be renamed or reordered on resize");
    let pairs = new.iter().zip(old).enumerate();
    let renamed = pairs.filter(|(_, (new, old))| text(new, &["name"]) != text(old, &["name"]));
    renamed.map(|(index, _)| Cause::forbidden(format!("spec.{list}[{index}].name"), &why)).collect()
}

/// Resources can be changed, not taken away, and only processors and memory.
fn container_causes(list: &str, new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let pairs = items(new, &["spec", list]).iter().zip(items(old, &["spec", list])).enumerate();
    for (index, (new, old)) in pairs.clone() {
        for part in ["requests", "limits"] {
            let path = ["resources", part];
            let mut names = entries(old, &path).map(|(name, _)| name);
            if names.any(|name| get(new, &["resources", part, name]).is_none()) {
                let field = format!("spec.{list}[{index}].resources.{part}");
                causes.push(Cause::forbidden(field, &format!("resource {part} cannot be removed")));
            }
        }
    }
    for (index, (new, old)) in pairs {
        if !same(&without_resizable(new), &without_resizable(old)) {
            causes.push(match list {
                "containers" => {
                    Cause::forbidden("spec", "only cpu and memory resources are mutable")
                }
                _ => {
                    let why =
                        "only cpu and memory resources for init or sidecar containers are mutable";
                    Cause::forbidden(format!("spec.{list}[{index}]"), why)
                }
            });
        }
    }
    causes
}

/// A container without what a resize may change.
fn without_resizable(container: &Value) -> Value {
    let mut rest = container.clone();
    for part in ["requests", "limits"] {
        let amounts = rest.pointer_mut(&format!("/resources/{part}"));
        let Some(amounts) = amounts.and_then(Value::as_object_mut) else { continue };
        amounts.retain(|name, _| !matches!(name.as_str(), "cpu" | "memory"));
        if amounts.is_empty() {
            rest["resources"][part] = Value::Null;
        }
    }
    if rest.get("resources").is_some_and(|resources| same(resources, &json!({}))) {
        rest["resources"] = Value::Null;
    }
    rest
}
