//! What a status may not become after what it was.
//!
//! Source: `ValidateJobStatusUpdate` (v1.36).

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::{Change, broken, field};
use crate::strategy::fields::{flag, get, int, items, or_null, same};
use crate::strategy::job::is_indexed;

/// What an ended Job was, it stays; what was counted stays counted.
pub(super) fn validate(change: Change<'_>) -> Vec<Cause> {
    let mut causes = vec![];
    for condition in ["Failed", "Complete", "FailureTarget"] {
        let rule = format!("cannot disable the terminal {condition}=True condition");
        causes.extend(broken([(change.was(condition) && !change.is(condition), rule.as_str())]));
    }
    causes.extend(decreased_cause(change, "failed"));
    if !is_scalable(change.new) {
        causes.extend(decreased_cause(change, "succeeded"));
    }
    causes.extend(moved_causes(change));
    let (met, was_met) = (change.is("SuccessCriteriaMet"), change.was("SuccessCriteriaMet"));
    causes.extend(broken([
        (was_met && !met, "cannot disable the SuccessCriteriaMet=True condition"),
        (
            change.was("Complete") && !was_met && met,
            "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions",
        ),
    ]));
    causes
}

/// Whether the Job can lose indexes, and with them pods that had succeeded.
fn is_scalable(job: &Value) -> bool {
    let spec = or_null(job, &["spec"]);
    is_indexed(spec) && same(or_null(spec, &["completions"]), or_null(spec, &["parallelism"]))
}

fn decreased_cause(change: Change<'_>, name: &str) -> Option<Cause> {
    let count = change.count(name);
    let rule = format!("cannot decrease the {name} counter");
    (count < int(change.old, &["status", name]).unwrap_or_default())
        .then(|| Cause::invalid(field(name), &json!(count), &rule))
}

fn moved_causes(change: Change<'_>) -> Vec<Cause> {
    let had = |field: &str| get(change.old, &["status", field]).is_some();
    let moved = |field: &str| had(field) && change.changed(field);
    let mut causes = vec![];
    if let Some(time) = change.status("completionTime").filter(|_| moved("completionTime")) {
        causes.push(Cause::invalid(field("completionTime"), time, "field is immutable"));
    }
    let stays = !flag(change.new, &["spec", "suspend"]) && !resumes(change);
    if stays && moved("startTime") {
        let time = or_null(change.new, &["status", "startTime"]);
        let rule = "field is immutable for unsuspended job once set";
        causes.push(Cause::invalid(field("startTime"), time, rule));
    }
    causes
}

fn resumes(change: Change<'_>) -> bool {
    let mut conditions = items(change.new, &["status", "conditions"]).iter();
    let denied = conditions.any(|condition| {
        text(condition, &["type"]) == "Suspended" && text(condition, &["status"]) == "False"
    });
    change.was("Suspended") && denied
}
