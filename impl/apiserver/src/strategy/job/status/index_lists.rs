//! The lists of indexes in a status.
//!
//! Source: `validateJobStatus` (v1.36).

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::{Change, field};
use crate::strategy::fields::{get, int, or_null};
use crate::strategy::job::{indexes, is_indexed};

/// What the lists break, where they changed.
pub(super) fn validate(change: Change<'_>) -> Vec<Cause> {
    let completions = int(change.new, &["spec", "completions"]);
    let mut causes = vec![];
    if let Some(completions) = completions {
        causes.extend(format_causes(change, completions));
    }
    causes.extend(place_causes(change));
    if change.changed("failedIndexes") || change.changed("completedIndexes") {
        causes.extend(completions.and_then(|completions| overlap_cause(change, completions)));
    }
    causes
}

fn format_causes(change: Change<'_>, completions: i64) -> Vec<Cause> {
    let of = |name: &str| {
        let list = change.status(name).filter(|_| change.changed(name)).and_then(Value::as_str)?;
        let error = indexes::count(list, completions).err()?;
        let rule = format!("error parsing {name}: {error}");
        Some(Cause::invalid(field(name), &json!(list), &rule))
    };
    let failed = of("failedIndexes").filter(|_| counts_failures_per_index(change.new));
    of("completedIndexes").into_iter().chain(failed).collect()
}

/// Only indexed Jobs complete indexes, and only those that bear with failures of each have failed ones.
fn place_causes(change: Change<'_>) -> Vec<Cause> {
    let completed = text(change.new, &["status", "completedIndexes"]);
    let mut causes = vec![];
    let is_indexed = is_indexed(or_null(change.new, &["spec"]));
    if change.changed("completedIndexes") && !completed.is_empty() && !is_indexed {
        let rule = "cannot set non-empty completedIndexes when non-indexed completion mode";
        causes.push(Cause::invalid(field("completedIndexes"), &json!(completed), rule));
    }
    let failed = change.status("failedIndexes").filter(|_| change.changed("failedIndexes"));
    if let Some(failed) = failed.filter(|_| !counts_failures_per_index(change.new)) {
        let rule = "cannot set non-null failedIndexes when backoffLimitPerIndex is null";
        causes.push(Cause::invalid(field("failedIndexes"), failed, rule));
    }
    causes
}

fn overlap_cause(change: Change<'_>, completions: i64) -> Option<Cause> {
    let [completed, failed] =
        ["completedIndexes", "failedIndexes"].map(|list| text(change.new, &["status", list]));
    let index = indexes::overlap(completed, failed, completions)?;
    let rule = format!("failedIndexes and completedIndexes overlap at index: {index}");
    Some(Cause::invalid(field("failedIndexes"), &json!(failed), &rule))
}

fn counts_failures_per_index(job: &Value) -> bool {
    get(job, &["spec", "backoffLimitPerIndex"]).is_some()
}
