//! What may change in the template of a Job: only how and where its pods run, while none does.
//!
//! Source: `validatePodTemplateUpdate` and `shouldAllowMutablePodTemplate` (v1.36).

use api::object::{object_at_mut, text};
use api::status::Cause;
use serde_json::{Value, json};

use super::has_condition;
use crate::strategy::fields::{flag, get, int, items, keep, keep_metadata, or_null};
use crate::strategy::rules::immutable;

const DIRECTIVES: [&str; 3] = ["nodeSelector", "tolerations", "schedulingGates"];
const CONTAINER_LISTS: [&str; 2] = ["containers", "initContainers"];

/// What an update of the spec breaks in the template.
pub(super) fn validate_update(spec: &Value, old: &Value) -> Option<Cause> {
    let template = or_null(spec, &["template"]);
    let mut expected = or_null(old, &["spec", "template"]).clone();
    if !is_mutable(old) {
        return immutable("spec.template", template, &expected);
    }
    keep_directives(&mut expected, template);
    keep_resources(&mut expected, template);
    immutable("spec.template.spec", or_null(template, &["spec"]), or_null(&expected, &["spec"]))
}

fn is_mutable(job: &Value) -> bool {
    let started = get(job, &["status", "startTime"]).is_some();
    let active = int(job, &["status", "active"]).unwrap_or_default();
    let stopped = !started || has_condition(job, "Suspended");
    flag(job, &["spec", "suspend"]) && stopped && active == 0
}

fn keep_directives(expected: &mut Value, template: &Value) {
    for field in ["annotations", "labels"] {
        keep_metadata(expected, template, field);
    }
    object_at_mut(expected, "spec");
    let (pod_spec, new) = (&mut expected["spec"], or_null(template, &["spec"]));
    for field in DIRECTIVES {
        keep(pod_spec, new, field);
    }
    keep_node_affinity(pod_spec, new);
}

fn keep_node_affinity(pod_spec: &mut Value, new: &Value) {
    let given = get(new, &["affinity"]);
    object_at_mut(pod_spec, "affinity");
    keep(&mut pod_spec["affinity"], given.unwrap_or(&Value::Null), "nodeAffinity");
    if given.is_none() && pod_spec["affinity"] == json!({}) {
        pod_spec["affinity"].take();
    }
}

fn keep_resources(expected: &mut Value, template: &Value) {
    for list in CONTAINER_LISTS {
        let new = items(template, &["spec", list]);
        let old = expected["spec"].get_mut(list).and_then(Value::as_array_mut);
        let old = old.filter(|old| old.len() == new.len());
        for (old, new) in old.into_iter().flatten().zip(new) {
            if text(old, &["name"]) == text(new, &["name"]) {
                keep(old, new, "resources");
            }
        }
    }
}
