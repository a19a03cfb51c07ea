//! How the status of a Job may change.
//!
//! Source: `validateJobStatus`, `ValidateJobStatusUpdate` and `getStatusValidationOptions` (v1.36).
//! Rules about what did not change are not asked: the controller may still have to catch up with the spec.

mod change;
mod index_lists;
mod steps;

use std::collections::BTreeSet;

use api::Timestamp;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use change::Change;

use crate::strategy::fields::{flag, get, int, items, or_null};
use crate::strategy::rules::invalid;
use crate::strategy::workload;

const COUNTS: [&str; 5] = ["active", "succeeded", "failed", "ready", "terminating"];
const CONDITIONS: &str = "status.conditions";

/// What an update breaks.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let change = Change { new, old };
    let mut causes = workload::count_causes(new, &COUNTS);
    causes.extend(uncounted_causes(new));
    causes.extend(complete_causes(change));
    causes.extend(time_causes(change));
    causes.extend(unannounced_causes(change));
    causes.extend(finished_causes(change));
    causes.extend(index_lists::validate(change));
    causes.extend(pod_causes(change));
    causes.extend(success_causes(change));
    causes.extend(steps::validate(change));
    causes
}

fn field(name: &str) -> String {
    format!("status.{name}")
}

/// The causes of the rules that are broken.
fn broken<'a>(rules: impl IntoIterator<Item = (bool, &'a str)>) -> Vec<Cause> {
    let broken = rules.into_iter().filter(|(broken, _)| *broken);
    broken.map(|(_, rule)| invalid(CONDITIONS, rule)).collect()
}

fn uncounted_causes(job: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let mut seen = BTreeSet::new();
    for list in ["succeeded", "failed"] {
        let uids = items(job, &["status", "uncountedTerminatedPods", list]).iter();
        for (index, uid) in uids.enumerate() {
            let field = field(&format!("uncountedTerminatedPods.{list}[{index}]"));
            let text = uid.as_str().unwrap_or_default();
            if text.is_empty() {
                causes.push(Cause::invalid(field, uid, "must not be empty"));
            } else if !seen.insert(text) {
                causes.push(Cause::duplicate(field, uid));
            }
        }
    }
    causes
}

fn complete_causes(change: Change<'_>) -> Vec<Cause> {
    let complete = change.turned("Complete");
    broken([
        (
            (complete || change.turned("Failed")) && change.is("Complete") && change.is("Failed"),
            "cannot set Complete=True and Failed=true conditions",
        ),
        (
            (complete || change.turned("FailureTarget"))
                && change.is("Complete")
                && change.is("FailureTarget"),
            "cannot set Complete=True and FailureTarget=true conditions",
        ),
    ])
}

fn time_causes(change: Change<'_>) -> Vec<Cause> {
    let path = field("completionTime");
    let moved = change.changed("completionTime");
    let mut causes = vec![];
    if change.turned("Complete") || moved {
        match (change.status("completionTime"), change.is("Complete")) {
            (Some(time), false) => {
                let rule = "cannot set completionTime when there is no Complete=True condition";
                causes.push(Cause::invalid(path.as_str(), time, rule));
            }
            (None, true) => {
                let rule = "completionTime is required for Complete jobs";
                causes.push(Cause::required(path.as_str(), rule));
            }
            (Some(_), true) | (None, false) => {}
        }
    }
    if (moved || change.changed("startTime")) && ends_before_start(change) {
        let time = or_null(change.new, &["status", "completionTime"]);
        causes.push(Cause::invalid(path, time, "must be equal to or after `startTime`"));
    }
    causes
}

fn ends_before_start(change: Change<'_>) -> bool {
    let time = |field: &str| text(change.new, &["status", field]).parse::<Timestamp>().ok();
    matches!((time("startTime"), time("completionTime")), (Some(start), Some(end)) if end < start)
}

fn unannounced_causes(change: Change<'_>) -> Vec<Cause> {
    let failed = change.turned("Failed") || change.changed("failedIndexes");
    let complete = change.turned("Complete") || change.turned("SuccessCriteriaMet");
    broken([
        (
            failed && change.is("Failed") && !change.is("FailureTarget"),
            "cannot set Failed=True condition without the FailureTarget=true condition",
        ),
        (
            complete && change.is("Complete") && !change.is("SuccessCriteriaMet"),
            "cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
        ),
    ])
}

fn finished_causes(change: Change<'_>) -> Vec<Cause> {
    if !change.is_finished() {
        return vec![];
    }
    let mut causes = vec![];
    let asked = |field: &str| change.turned_finished() || change.changed(field);
    if asked("active") && change.count("active") > 0 {
        let rule = "active>0 is invalid for finished job";
        causes.push(Cause::invalid(field("active"), &json!(change.count("active")), rule));
    }
    if asked("startTime") && !has_nothing_to_do(change.new) && change.status("startTime").is_none()
    {
        causes.push(Cause::required(field("startTime"), "startTime is required for finished job"));
    }
    let uncounted = or_null(change.new, &["status", "uncountedTerminatedPods"]);
    let any = ["succeeded", "failed"].iter().any(|list| !items(uncounted, &[list]).is_empty());
    if asked("uncountedTerminatedPods") && any {
        let rule = "must be empty for finished job";
        causes.push(Cause::invalid(field("uncountedTerminatedPods"), uncounted, rule));
    }
    causes
}

fn has_nothing_to_do(job: &Value) -> bool {
    flag(job, &["spec", "suspend"]) && int(job, &["spec", "completions"]) == Some(0)
}

fn pod_causes(change: Change<'_>) -> Vec<Cause> {
    let mut causes = vec![];
    let (ready, terminating) = (change.count("ready"), change.count("terminating"));
    let ended = change.turned_finished() || change.changed("terminating");
    if ended && change.is_finished() && terminating > 0 {
        let rule = "terminating>0 is invalid for finished job";
        causes.push(Cause::invalid(field("terminating"), &json!(terminating), rule));
    }
    let counted = change.changed("ready") || change.changed("active");
    if counted && change.status("ready").is_some() && ready > change.count("active") {
        let rule = "cannot set more ready pods than active";
        causes.push(Cause::invalid(field("ready"), &json!(ready), rule));
    }
    causes
}

fn success_causes(change: Change<'_>) -> Vec<Cause> {
    let met = change.is("SuccessCriteriaMet");
    let policy = get(change.new, &["spec", "successPolicy"]).is_some();
    broken([
        (
            met && change.is("Failed"),
            "cannot set SuccessCriteriaMet=True and Failed=true conditions",
        ),
        (
            met && change.is("FailureTarget"),
            "cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
        ),
        (
            policy && !met && change.is("Complete"),
            "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True",
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_follows_from_the_one_before() {
        let is = |kinds: &[&str]| -> Value {
            kinds.iter().map(|kind| json!({"type": kind, "status": "True"})).collect()
        };
        let ended = json!({"startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:00:05Z", "succeeded": 1, "conditions": is(&["SuccessCriteriaMet", "Complete"])});
        let table = [
            (json!({}), ended.clone(), ""),
            (
                json!({}),
                json!({"active": -1}),
                "status.active: Invalid value: -1: must be greater than or equal to 0",
            ),
            (
                json!({}),
                json!({"uncountedTerminatedPods": {"succeeded": ["a"], "failed": ["a", ""]}}),
                "status.uncountedTerminatedPods.failed[0]: Duplicate value: \"a\"\nstatus.uncountedTerminatedPods.failed[1]: Invalid value: \"\": must not be empty",
            ),
            (
                json!({}),
                json!({"completionTime": "t"}),
                "status.completionTime: Invalid value: \"t\": cannot set completionTime when there is no Complete=True condition",
            ),
            (
                json!({}),
                json!({"conditions": is(&["Failed"]), "startTime": "t", "active": 1}),
                "status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition\nstatus.active: Invalid value: 1: active>0 is invalid for finished job",
            ),
            (
                json!({}),
                json!({"conditions": is(&["Complete"])}),
                "status.completionTime: Required value: completionTime is required for Complete jobs\nstatus.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition\nstatus.startTime: Required value: startTime is required for finished job",
            ),
            (
                json!({}),
                json!({"completedIndexes": "0"}),
                "status.completedIndexes: Invalid value: \"0\": cannot set non-empty completedIndexes when non-indexed completion mode",
            ),
            (
                json!({}),
                json!({"ready": 1}),
                "status.ready: Invalid value: 1: cannot set more ready pods than active",
            ),
            (
                json!({"failed": 2}),
                json!({"failed": 1}),
                "status.failed: Invalid value: 1: cannot decrease the failed counter",
            ),
            (
                json!({"startTime": "a"}),
                json!({"startTime": "b"}),
                "status.startTime: Invalid value: \"b\": field is immutable for unsuspended job once set",
            ),
            (
                ended,
                json!({"startTime": "2026-01-01T00:00:00Z", "succeeded": 1, "conditions": is(&["SuccessCriteriaMet"])}),
                "status.conditions: Invalid value: cannot disable the terminal Complete=True condition",
            ),
        ];
        for (old_status, status, message) in table {
            let causes =
                validate_update(&json!({"status": status}), &json!({"status": old_status}));
            let messages: Vec<String> = causes.iter().map(ToString::to_string).collect();
            assert_eq!(messages.join("\n"), message);
        }
    }

    #[test]
    fn lists_of_indexes_are_checked_against_the_spec() {
        let spec =
            json!({"completionMode": "Indexed", "completions": 5, "backoffLimitPerIndex": 1});
        let table = [
            (json!({"completedIndexes": "0-2", "failedIndexes": "3"}), ""),
            (
                json!({"completedIndexes": "0-2", "failedIndexes": "2"}),
                "status.failedIndexes: Invalid value: \"2\": failedIndexes and completedIndexes overlap at index: 2",
            ),
            (
                json!({"completedIndexes": "5"}),
                "status.completedIndexes: Invalid value: \"5\": error parsing completedIndexes: too large index: \"5\"",
            ),
        ];
        for (status, message) in table {
            let new = json!({"spec": spec, "status": status});
            let causes = validate_update(&new, &json!({"spec": spec}));
            let messages: Vec<String> = causes.iter().map(ToString::to_string).collect();
            assert_eq!(messages.join("\n"), message);
        }
    }
}
