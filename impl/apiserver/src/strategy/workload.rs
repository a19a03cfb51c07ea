//! What Deployments and ReplicaSets have in common: a selector, a template and a number of pods.
//!
//! Source: `ValidateReplicaSetSpec` and `ValidatePodTemplateSpecForReplicaSet` (v1.36).

use api::names;
use api::object::text;
use api::selector::Selector;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{get, int, items, or_null};
use super::rules::{immutable, label_selector, non_negative};
use super::{meta, pod_spec};

/// What a new workload breaks.
pub(super) fn validate(workload: &Value, counts: &[&str]) -> Vec<Cause> {
    let mut causes = meta::validate(workload, true, names::dns_subdomain);
    causes.extend(spec_causes(or_null(workload, &["spec"]), counts));
    causes
}

/// What an update of a workload breaks. The selector says which pods are its own, so it stays.
pub(super) fn validate_update(new: &Value, old: &Value, counts: &[&str]) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(spec_causes(or_null(new, &["spec"]), counts));
    let selector = ["spec", "selector"];
    let (new, old) = (or_null(new, &selector), or_null(old, &selector));
    causes.extend(immutable("spec.selector", new, old));
    causes
}

/// What the counts of a status break: none is negative, none is more than there are replicas.
pub(super) fn status_causes(workload: &Value, counts: &[&str], parts: &[&str]) -> Vec<Cause> {
    let status = or_null(workload, &["status"]);
    let count = |field: &str| int(status, &[field]).unwrap_or_default();
    let mut causes: Vec<Cause> =
        counts.iter().filter_map(|field| non_negative(status, "status", field)).collect();
    let rule = "cannot be greater than status.replicas";
    let more = parts.iter().filter(|field| count(field) > count("replicas"));
    causes.extend(more.map(|field| too_many(field, count(field), rule)));
    if count("availableReplicas") > count("readyReplicas") {
        let rule = "cannot be greater than readyReplicas";
        causes.push(too_many("availableReplicas", count("availableReplicas"), rule));
    }
    causes
}

fn too_many(field: &str, count: i64, rule: &str) -> Cause {
    Cause::invalid(format!("status.{field}"), &json!(count), rule)
}

fn spec_causes(spec: &Value, counts: &[&str]) -> Vec<Cause> {
    let mut causes = pod_spec::count_causes(spec, counts);
    let selector = get(spec, &["selector"]);
    causes.extend(selector_causes(selector));
    match Selector::from_value(selector) {
        Err(_) => {
            let selector = or_null(spec, &["selector"]);
            causes.push(Cause::invalid("spec.selector", selector, "invalid label selector"));
        }
        Ok(selector) => causes.extend(template_causes(spec, &selector)),
    }
    causes
}

fn selector_causes(selector: Option<&Value>) -> Vec<Cause> {
    let Some(selector) = selector else {
        return vec![Cause::required("spec.selector", "")];
    };
    let mut causes = label_selector("spec.selector", selector);
    let labels = get(selector, &["matchLabels"]).and_then(Value::as_object);
    let expressions = items(selector, &["matchExpressions"]);
    if labels.is_none_or(serde_json::Map::is_empty) && expressions.is_empty() {
        // Upstream says "deployment" for every workload (v1.36, `apps/validation`).
        let rule = "empty selector is invalid for deployment";
        causes.push(Cause::invalid("spec.selector", selector, rule));
    }
    causes
}

fn template_causes(spec: &Value, selector: &Selector) -> Vec<Cause> {
    let mut causes = vec![];
    let template = or_null(spec, &["template"]);
    let labels = or_null(template, &["metadata", "labels"]);
    if !selector.is_everything() && !selector.matches_value(labels) {
        let rule = "`selector` does not match template `labels`";
        causes.push(Cause::invalid("spec.template.metadata.labels", labels, rule));
    }
    causes.extend(pod_spec::validate_template("spec.template", template));
    let restart_policy = text(template, &["spec", "restartPolicy"]);
    if restart_policy != "Always" {
        let field = "spec.template.spec.restartPolicy";
        causes.push(Cause::not_supported(field, &json!(restart_policy), &["Always"]));
    }
    if get(template, &["spec", "activeDeadlineSeconds"]).is_some() {
        let rule = "activeDeadlineSeconds in ReplicaSet is not Supported";
        causes.push(Cause::forbidden("spec.template.spec.activeDeadlineSeconds", rule));
    }
    causes
}
