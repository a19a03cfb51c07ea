//! Jobs.
//!
//! Source: `pkg/registry/batch/job/strategy.go`, `SetDefaults_Job` and `ValidateJob` (v1.36). Left out:
//! that upstream lists what the spec breaks twice when it is updated.

mod failure_policy;
mod indexes;
mod selector;
mod spec;
mod status;
mod success_policy;
mod template;

use api::names;
use api::object::{metadata_mut, object_at_mut, text};
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{
    Fields, below, default, each, flag, get, int, is_unset, items, keep, or_null, same,
};
use super::rules::immutable;
use super::{meta, pod_template};

pub(super) use spec::template_causes;

const INDEXED: &str = "Indexed";
const IMMUTABLE_FIELDS: [&str; 5] =
    ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"];

/// Fills in what its author left out.
pub(super) fn apply_defaults(job: &mut Value) {
    let spec = object_at_mut(job, "spec");
    count_defaults(spec);
    default(spec, "completionMode", "NonIndexed");
    default(spec, "suspend", false);
    let failure_policy = spec.get("podFailurePolicy").is_some_and(Value::is_object);
    let replacement = if failure_policy { "Failed" } else { "TerminatingOrFailed" };
    default(spec, "podReplacementPolicy", replacement);
    default(spec, "manualSelector", false);
    template_defaults(spec);
    default_labels(job);
}

/// Fills in what Jobs and the templates of CronJobs share.
pub(super) fn template_defaults(spec: &mut Fields) {
    if let Some(policy) = below(spec, "podFailurePolicy") {
        each(policy, "rules", |rule| {
            each(rule, "onPodConditions", |pattern| default(pattern, "status", "True"));
        });
    }
    pod_template::apply_defaults(spec);
}

/// Takes away a status that its author wrote, and makes the selector that only this Job has.
pub(super) fn prepare_for_create(job: &mut Value) {
    // Upstream's default shares one map between the Job and its template, so that what is generated
    // for the template shows in both (v1.36, `SetDefaults_Job` and `generateSelector`).
    let shared = same(&job["metadata"]["labels"], &job["spec"]["template"]["metadata"]["labels"]);
    if !flag(job, &["spec", "manualSelector"]) {
        selector::generate(job);
    }
    if shared {
        metadata_mut(job).remove("labels");
        default_labels(job);
    }
    job["status"] = json!({});
    meta::set_generation(job, 1);
}

/// Keeps the status and counts a change of the spec.
pub(super) fn prepare_for_update(new: &mut Value, old: &Value) {
    keep(new, old, "status");
    meta::count_spec_change(new, old);
}

/// What a new Job breaks.
pub(super) fn validate(job: &Value) -> Vec<Cause> {
    causes(job, &Value::Null, true)
}

/// What an update breaks. What runs already cannot become another task.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let old_template = or_null(old, &["spec", "template"]);
    let mut causes = causes(new, old_template, selector::has_prefixed_labels(old));
    causes.extend(meta::validate_update(new, old));
    let (spec, old_spec) = (or_null(new, &["spec"]), or_null(old, &["spec"]));
    causes.extend(completions_cause(spec, old_spec));
    causes.extend(immutable_field(spec, old_spec, "selector"));
    causes.extend(template::validate_update(spec, old));
    let kept = IMMUTABLE_FIELDS.iter();
    causes.extend(kept.filter_map(|field| immutable_field(spec, old_spec, field)));
    causes
}

/// What an update of the status breaks.
pub(super) fn validate_status_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(status::validate_update(new, old));
    causes
}

fn count_defaults(spec: &mut Fields) {
    if is_unset(spec.get("completions")) && is_unset(spec.get("parallelism")) {
        default(spec, "completions", 1);
    }
    default(spec, "parallelism", 1);
    let per_index = !is_unset(spec.get("backoffLimitPerIndex"));
    default(spec, "backoffLimit", if per_index { i32::MAX } else { 6 });
}

/// A Job without labels has those of its template.
fn default_labels(job: &mut Value) {
    let labels = get(job, &["spec", "template", "metadata", "labels"]).cloned();
    let own = get(job, &["metadata", "labels"]).and_then(Value::as_object);
    if let (Some(labels), true) = (labels, own.is_none_or(Fields::is_empty)) {
        metadata_mut(job).insert("labels".to_owned(), labels);
    }
}

fn causes(job: &Value, old_template: &Value, prefixed_labels: bool) -> Vec<Cause> {
    let mut causes = meta::validate(job, true, names::dns_subdomain);
    causes.extend(selector::validate_generated(job, prefixed_labels));
    let spec = or_null(job, &["spec"]);
    causes.extend(spec::template_causes("spec", spec, old_template));
    causes.extend(selector::validate(spec));
    causes.extend(host_name_cause(job));
    causes
}

/// The pods of an indexed Job have its name and their index as host names.
fn host_name_cause(job: &Value) -> Option<Cause> {
    let spec = or_null(job, &["spec"]);
    let last = int(spec, &["completions"]).filter(|completions| *completions > 0)? - 1;
    let name = text(job, &["metadata", "name"]);
    let host_name = format!("{name}-{last}");
    let rule = format!("will not able to create pod with invalid DNS label: {host_name}");
    (is_indexed(spec) && !names::dns_label(&host_name).is_empty())
        .then(|| Cause::invalid("metadata.name", &json!(name), &rule))
}

fn is_indexed(spec: &Value) -> bool {
    text(spec, &["completionMode"]) == INDEXED
}

/// Whether a condition of this type is true.
fn has_condition(job: &Value, kind: &str) -> bool {
    let mut conditions = items(job, &["status", "conditions"]).iter();
    conditions.any(|condition| {
        text(condition, &["type"]) == kind && text(condition, &["status"]) == "True"
    })
}

fn immutable_field(new: &Value, old: &Value, field: &str) -> Option<Cause> {
    immutable(&format!("spec.{field}"), or_null(new, &[field]), or_null(old, &[field]))
}

/// An indexed Job can grow and shrink as a whole.
fn completions_cause(new: &Value, old: &Value) -> Option<Cause> {
    if !is_indexed(new) {
        return immutable_field(new, old, "completions");
    }
    let completions = int(new, &["completions"])?;
    let changed = int(old, &["completions"]) != Some(completions);
    let rule = "can only be modified in tandem with spec.parallelism";
    (changed && int(new, &["parallelism"]) != Some(completions))
        .then(|| Cause::invalid("spec.completions", &json!(completions), rule))
}

#[cfg(test)]
mod tests;
