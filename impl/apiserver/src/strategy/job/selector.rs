//! The selector of a Job: made from its uid, unless its author asked for one of their own.
//!
//! Source: `generateSelector` and `validateGeneratedSelector` (v1.36).

use api::object::{object_at_mut, text};
use api::selector::Selector;
use api::status::Cause;
use serde_json::{Value, json};

use crate::strategy::fields::{flag, get, made, or_null};
use crate::strategy::{rules, workload};

const CONTROLLER_UID: &str = "batch.kubernetes.io/controller-uid";
const JOB_NAME: &str = "batch.kubernetes.io/job-name";
const LEGACY_CONTROLLER_UID: &str = "controller-uid";
const LEGACY_JOB_NAME: &str = "job-name";
const TEMPLATE_LABELS: [&str; 4] = ["spec", "template", "metadata", "labels"];

/// Makes the selector, and gives the template the labels it asks for.
pub(super) fn generate(job: &mut Value) {
    let name = json!(text(job, &["metadata", "name"]));
    let uid = json!(text(job, &["metadata", "uid"]));
    let spec = object_at_mut(job, "spec");
    let labels = made(made(made(spec, "template"), "metadata"), "labels");
    for key in [LEGACY_JOB_NAME, JOB_NAME] {
        labels.entry(key).or_insert_with(|| name.clone());
    }
    for key in [LEGACY_CONTROLLER_UID, CONTROLLER_UID] {
        labels.entry(key).or_insert_with(|| uid.clone());
    }
    let labels = made(made(spec, "selector"), "matchLabels");
    labels.entry(CONTROLLER_UID).or_insert(uid);
}

/// Whether the template has the labels with a prefix, which Jobs made before v1.27 lack.
pub(super) fn has_prefixed_labels(job: &Value) -> bool {
    let labels = or_null(job, &TEMPLATE_LABELS);
    [JOB_NAME, CONTROLLER_UID].iter().all(|key| get(labels, &[key]).is_some())
}

/// What a selector breaks that should be the one that is made.
pub(super) fn validate_generated(job: &Value, prefixed_labels: bool) -> Vec<Cause> {
    let selector = get(job, &["spec", "selector"]);
    let (Some(selector), false) = (selector, flag(job, &["spec", "manualSelector"])) else {
        return vec![];
    };
    let (name, uid) = (text(job, &["metadata", "name"]), text(job, &["metadata", "uid"]));
    let mut expected = vec![(LEGACY_CONTROLLER_UID, uid), (LEGACY_JOB_NAME, name)];
    if prefixed_labels {
        expected.extend([(CONTROLLER_UID, uid), (JOB_NAME, name)]);
    }
    let mut causes = vec![];
    if uid.is_empty() {
        causes.push(Cause::required("metadata.uid", ""));
    }
    let labels = or_null(job, &TEMPLATE_LABELS);
    causes.extend(expected.iter().filter_map(|(key, value)| label_cause(labels, key, value)));
    let expected = expected.into_iter().map(|(key, value)| (key.to_owned(), json!(value)));
    causes.extend(not_generated_cause(selector, &Value::Object(expected.collect())));
    causes
}

/// What the selector of a Job breaks, whoever made it.
pub(super) fn validate(spec: &Value) -> Vec<Cause> {
    let selector = get(spec, &["selector"]);
    let mut causes = match selector {
        None => vec![Cause::required("spec.selector", "")],
        Some(selector) => rules::label_selector("spec.selector", selector),
    };
    if let Ok(selector) = Selector::from_value(selector) {
        causes.extend(workload::labels_cause(spec, &selector));
    }
    causes
}

fn label_cause(labels: &Value, key: &str, expected: &str) -> Option<Cause> {
    let field = format!("spec.template.metadata.labels[{key}]");
    let rule = format!("must be '{expected}'");
    match get(labels, &[key]) {
        None => Some(Cause::required(field, &rule)),
        Some(label) if label != expected => Some(Cause::invalid(field, labels, &rule)),
        Some(_) => None,
    }
}

fn not_generated_cause(selector: &Value, labels: &Value) -> Option<Cause> {
    let selects = Selector::from_value(Some(selector)).ok()?.matches_value(labels);
    (!selects).then(|| Cause::invalid("spec.selector", selector, "`selector` not auto-generated"))
}
