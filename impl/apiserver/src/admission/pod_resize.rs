//! PodResizeValidator: nobody wants more for a pod than its node can give.
//!
//! Source: plugin/pkg/admission/podresize/admission.go, v1.36.

use api::amounts::{add, amounts};
use api::object::{at, text};
use api::status::Cause;
use api::{Status, pod_resources, resources};
use serde_json::Value;

use super::Admission;

/// Whether a pod may have its new resources on its node.
pub(super) fn validate(admission: Admission<'_>, new: &Value, old: &Value) -> Result<(), Status> {
    let name = text(new, &["spec", "nodeName"]);
    let generation = ["metadata", "generation"];
    if name.is_empty() || at(new, &generation) == at(old, &generation) {
        return Ok(());
    }
    let missing = || admission.forbidden(&format!("node \"{name}\" not found"));
    let node = admission.find(&resources::NODES, None, name).ok_or_else(missing)?;
    let system = text(&node, &["metadata", "labels", "kubernetes.io/os"]);
    if !matches!(system, "" | "linux") {
        let why =
            format!("pod resize is only supported on linux nodes, node \"{name}\" is \"{system}\"");
        return Err(refused(admission, &why, "UnsupportedPlatform"));
    }
    fits(new, &node).map_err(|why| {
        let why = format!("node didn't have enough allocatable resources: {why}");
        refused(admission, &why, "NodeCapacity")
    })
}

/// 403 with a cause that clients branch on.
fn refused(admission: Admission<'_>, why: &str, reason: &'static str) -> Status {
    let cause = Cause { reason, field: String::new(), message: String::new() };
    Status { causes: vec![cause], ..admission.forbidden(why) }
}

fn fits(pod: &Value, node: &Value) -> Result<(), String> {
    let mut requests = pod_resources::of_pod(pod, "requests");
    add(&mut requests, &amounts(at(pod, &["spec", "overhead"])));
    let allocatable = amounts(at(node, &["status", "allocatable"]));
    let amount = |of: &api::amounts::Amounts, name: &str| of.get(name).copied().unwrap_or_default();
    let mut why = vec![];
    for name in ["cpu", "memory"] {
        let (wanted, most) = (amount(&requests, name), amount(&allocatable, name));
        if wanted > most {
            let [wanted, most] = [wanted, most]
                .map(|amount| if name == "cpu" { amount.milli() } else { amount.value() });
            why.push(format!("{name}, requested: {wanted}, allocatable: {most}"));
        }
    }
    if why.is_empty() { Ok(()) } else { Err(why.join("; ")) }
}
