//! CertificateSigningRequests.
//!
//! Source: `pkg/apis/certificates/validation/validation.go` and
//! `pkg/registry/certificates/certificates/strategy.go` (v1.36). Leaves out what is inside a PEM block, the
//! diff that upstream prints of a changed condition, and what it lets pass because older versions stored it.

mod content;

use std::collections::BTreeSet;

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{get, items, keep, or_null, same};
use super::{meta, rules};

const CONDITIONS: &str = "status.conditions";
const DECISIONS: [&str; 2] = ["Approved", "Denied"];
/// Conditions that are there only when they are true.
const TRUE_ONLY: [&str; 3] = ["Approved", "Denied", "Failed"];
const STATUSES: [&str; 3] = ["False", "True", "Unknown"];

/// The way by which an update comes in: each may change something else.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Update {
    Object,
    Status,
    Approval,
}

/// Takes away a status that its author wrote.
pub(super) fn prepare_for_create(request: &mut Value) {
    request["status"] = json!({});
}

/// Writes down who asks, whatever the object says.
pub(crate) fn set_requestor(request: &mut Value, user_info: &Value) {
    let spec = api::object::object_at_mut(request, "spec");
    for field in ["username", "uid", "groups", "extra"] {
        spec.remove(field);
    }
    let info = user_info.as_object().into_iter().flatten();
    spec.extend(info.map(|(field, value)| (field.clone(), value.clone())));
}

/// Keeps all but the metadata.
pub(super) fn prepare_for_update(new: &mut Value, old: &Value) {
    keep(new, old, "spec");
    keep(new, old, "status");
}

/// Keeps the spec, and what was decided.
pub(super) fn prepare_for_status_update(new: &mut Value, old: &Value) {
    keep(new, old, "spec");
    for kind in DECISIONS {
        keep_conditions(new, old, kind);
    }
}

/// Keeps all but the conditions.
pub(crate) fn prepare_for_approval_update(new: &mut Value, old: &Value) {
    meta::prepare_for_update(new, old);
    let conditions = json!({"conditions": or_null(new, &["status", "conditions"])});
    keep(new, old, "spec");
    keep(new, old, "status");
    keep(&mut new["status"], &conditions, "conditions");
}

/// Dates conditions that have no time yet.
pub(super) fn set_times(new: &mut Value, old: &Value, now: &Value) {
    let conditions = new.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
    for condition in conditions.into_iter().flatten() {
        if get(condition, &["lastUpdateTime"]).is_none() {
            condition["lastUpdateTime"] = now.clone();
        }
        if get(condition, &["lastTransitionTime"]).is_none() {
            let since = transition_time(condition, old).unwrap_or(now);
            condition["lastTransitionTime"] = since.clone();
        }
    }
}

/// What a new request breaks.
pub(super) fn validate(request: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(request, false, names::path_segment);
    causes.extend(own_causes(request));
    causes
}

/// What an update breaks.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    update_causes(new, old, Update::Object)
}

/// What an update of the status breaks.
pub(super) fn validate_status_update(new: &Value, old: &Value) -> Vec<Cause> {
    update_causes(new, old, Update::Status)
}

/// What a decision about a request breaks.
pub(crate) fn validate_approval_update(new: &Value, old: &Value) -> Vec<Cause> {
    update_causes(new, old, Update::Approval)
}

fn update_causes(new: &Value, old: &Value, update: Update) -> Vec<Cause> {
    let mut causes = own_causes(new);
    for kind in TRUE_ONLY {
        if conditions(new, kind).count() < conditions(old, kind).count() {
            let rule = format!("updates may not remove a condition of type \"{kind}\"");
            causes.push(Cause::forbidden(CONDITIONS, &rule));
        }
    }
    if update != Update::Approval {
        causes.extend(DECISIONS.into_iter().filter_map(|kind| decision_cause(new, old, kind)));
    }
    causes.extend(certificate_cause(new, old, update));
    causes.extend(meta::validate_update(new, old));
    causes
}

fn all_conditions(request: &Value) -> impl Iterator<Item = &Value> {
    items(request, &["status", "conditions"]).iter()
}

fn conditions<'a>(request: &'a Value, kind: &'a str) -> impl Iterator<Item = &'a Value> {
    all_conditions(request).filter(move |condition| text(condition, &["type"]) == kind)
}

fn keep_conditions(new: &mut Value, old: &Value, kind: &str) {
    if conditions(new, kind).count() != conditions(old, kind).count() {
        return;
    }
    let all = new.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
    let kept = all.into_iter().flatten().filter(|condition| text(condition, &["type"]) == kind);
    for (condition, old) in kept.zip(conditions(old, kind)) {
        condition.clone_from(old);
    }
}

fn transition_time<'a>(condition: &Value, old: &'a Value) -> Option<&'a Value> {
    let is_same = |old: &&Value| {
        ["type", "status"].iter().all(|field| text(old, &[*field]) == text(condition, &[*field]))
    };
    let mut times = all_conditions(old).filter(is_same);
    times.find_map(|old| get(old, &["lastTransitionTime"]))
}

fn decision_cause(new: &Value, old: &Value, kind: &str) -> Option<Cause> {
    let (is, was): (Vec<_>, Vec<_>) =
        (conditions(new, kind).collect(), conditions(old, kind).collect());
    let what = if is.len() > was.len() {
        "add"
    } else if is.len() == was.len() && !is.iter().zip(&was).all(|(new, old)| same(new, old)) {
        "modify"
    } else {
        return None;
    };
    let rule = format!("updates may not {what} a condition of type \"{kind}\"");
    Some(Cause::forbidden(CONDITIONS, &rule))
}

fn certificate_cause(new: &Value, old: &Value, update: Update) -> Option<Cause> {
    let certificate = |request| text(request, &["status", "certificate"]);
    let rule = match (update, certificate(old)) {
        (Update::Object | Update::Approval, _) => "updates may not set certificate content",
        (Update::Status, "") => return None,
        (Update::Status, _) => "updates may not modify existing certificate content",
    };
    (certificate(new) != certificate(old)).then(|| Cause::forbidden("status.certificate", rule))
}

fn own_causes(request: &Value) -> Vec<Cause> {
    let mut causes = content::spec_causes(or_null(request, &["spec"]));
    causes.extend(condition_causes(request));
    causes.extend(content::certificate_cause(text(request, &["status", "certificate"])));
    causes
}

fn condition_causes(request: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let mut seen = BTreeSet::new();
    for (index, condition) in all_conditions(request).enumerate() {
        let (path, kind) = (format!("{CONDITIONS}[{index}]"), text(condition, &["type"]));
        if kind.is_empty() {
            causes.push(Cause::required(format!("{path}.type"), ""));
        }
        let statuses = if TRUE_ONLY.contains(&kind) { &["True"][..] } else { &STATUSES };
        let status = get(condition, &["status"]);
        causes.extend(rules::one_of(format!("{path}.status"), status, statuses, true));
        if DECISIONS.contains(&kind)
            && DECISIONS.iter().any(|other| *other != kind && seen.contains(other))
        {
            let rule = "Approved and Denied conditions are mutually exclusive";
            causes.push(Cause::invalid(CONDITIONS, &json!(kind), rule));
        }
        if !seen.insert(kind) {
            causes.push(Cause::duplicate(format!("{path}.type"), &json!(kind)));
        }
    }
    causes
}

#[cfg(test)]
mod tests;
