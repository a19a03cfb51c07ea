//! What workloads have in common: a selector, a template and counts of pods.
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
    causes.extend(spec_causes(or_null(workload, &["spec"]), &Value::Null, counts));
    causes
}

/// What an update of a workload breaks. The selector says which pods are its own, so it stays.
pub(super) fn validate_update(new: &Value, old: &Value, counts: &[&str]) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    let old_template = or_null(old, &["spec", "template"]);
    causes.extend(spec_causes(or_null(new, &["spec"]), old_template, counts));
    let selector = ["spec", "selector"];
    let (new, old) = (or_null(new, &selector), or_null(old, &selector));
    causes.extend(immutable("spec.selector", new, old));
    causes
}

/// What the counts of a status break: none is negative, none is more than there are replicas.
pub(super) fn status_causes(workload: &Value, counts: &[&str], parts: &[&str]) -> Vec<Cause> {
    let mut causes = replica_causes(workload, counts, parts);
    causes.extend(available_cause(workload, "readyReplicas"));
    causes
}

/// No count is negative, and none of `parts` is more than there are replicas.
pub(super) fn replica_causes(workload: &Value, counts: &[&str], parts: &[&str]) -> Vec<Cause> {
    let mut causes = count_causes(workload, counts);
    let rule = "cannot be greater than status.replicas";
    let count = |field: &str| status_count(workload, field);
    let more = parts.iter().filter(|field| count(field) > count("replicas"));
    causes.extend(more.map(|field| too_many(field, count(field), rule)));
    causes
}

/// No more replicas are available than ready. Kinds differ in how they name the latter.
pub(super) fn available_cause(workload: &Value, ready: &str) -> Option<Cause> {
    let field = "availableReplicas";
    let available = status_count(workload, field);
    let rule = format!("cannot be greater than {ready}");
    (available > status_count(workload, "readyReplicas")).then(|| too_many(field, available, &rule))
}

/// No count of the status is negative.
pub(super) fn count_causes(workload: &Value, counts: &[&str]) -> Vec<Cause> {
    let status = or_null(workload, &["status"]);
    counts.iter().filter_map(|field| non_negative(status, "status", field)).collect()
}

/// Names that were taken stay taken.
pub(super) fn collision_cause(new: &Value, old: &Value) -> Option<Cause> {
    let field = "collisionCount";
    let (new, old) = (status_count(new, field), status_count(old, field));
    (new < old).then(|| too_many(field, new, "cannot be decremented"))
}

/// What the selector of a kind breaks, other than that it is missing.
pub(super) fn selector_causes(selector: &Value, kind: &str) -> Vec<Cause> {
    let mut causes = label_selector("spec.selector", selector);
    let labels = get(selector, &["matchLabels"]).and_then(Value::as_object);
    let expressions = items(selector, &["matchExpressions"]);
    if labels.is_none_or(serde_json::Map::is_empty) && expressions.is_empty() {
        let rule = format!("empty selector is invalid for {kind}");
        causes.push(Cause::invalid("spec.selector", selector, &rule));
    }
    causes
}

/// The labels of the template must be those that the selector asks for.
pub(super) fn labels_cause(spec: &Value, selector: &Selector) -> Option<Cause> {
    let labels = or_null(spec, &["template", "metadata", "labels"]);
    let rule = "`selector` does not match template `labels`";
    (!selector.matches_value(labels))
        .then(|| Cause::invalid("spec.template.metadata.labels", labels, rule))
}

/// The pods of most workloads run until they are deleted.
pub(super) fn lasting_causes(spec: &Value, kind: &str) -> Vec<Cause> {
    let template = or_null(spec, &["template"]);
    let mut causes = vec![];
    let restart_policy = text(template, &["spec", "restartPolicy"]);
    if restart_policy != "Always" {
        let field = "spec.template.spec.restartPolicy";
        causes.push(Cause::not_supported(field, &json!(restart_policy), &["Always"]));
    }
    if get(template, &["spec", "activeDeadlineSeconds"]).is_some() {
        let rule = format!("activeDeadlineSeconds in {kind} is not Supported");
        causes.push(Cause::forbidden("spec.template.spec.activeDeadlineSeconds", &rule));
    }
    causes
}

fn status_count(workload: &Value, field: &str) -> i64 {
    int(workload, &["status", field]).unwrap_or_default()
}

fn too_many(field: &str, count: i64, rule: &str) -> Cause {
    Cause::invalid(format!("status.{field}"), &json!(count), rule)
}

fn spec_causes(spec: &Value, old_template: &Value, counts: &[&str]) -> Vec<Cause> {
    let mut causes = pod_spec::count_causes(spec, counts);
    let selector = get(spec, &["selector"]);
    match selector {
        None => causes.push(Cause::required("spec.selector", "")),
        // Upstream says "deployment" for every workload (v1.36, `apps/validation`).
        Some(selector) => causes.extend(selector_causes(selector, "deployment")),
    }
    match Selector::from_value(selector) {
        Err(_) => {
            let selector = or_null(spec, &["selector"]);
            causes.push(Cause::invalid("spec.selector", selector, "invalid label selector"));
        }
        Ok(selector) => causes.extend(template_causes(spec, old_template, &selector)),
    }
    causes
}

fn template_causes(spec: &Value, old_template: &Value, selector: &Selector) -> Vec<Cause> {
    let mut causes: Vec<Cause> = labels_cause(spec, selector).into_iter().collect();
    let template = or_null(spec, &["template"]);
    causes.extend(pod_spec::validate_template("spec.template", template, old_template));
    causes.extend(lasting_causes(spec, "ReplicaSet"));
    causes
}
