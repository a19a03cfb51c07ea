//! `successPolicy`: which indexes must succeed for the Job to succeed.
//!
//! Source: `validateSuccessPolicy` (v1.36).

use api::status::Cause;
use serde_json::{Value, json};

use super::{indexes, is_indexed};
use crate::strategy::fields::{get, int, items};
use crate::strategy::rules::{non_negative, too_long, too_many};

const RULES_MAX: usize = 20;
const INDEXES_BYTES_MAX: usize = 64 * 1024;

/// What the policy of the Job with this spec breaks.
pub(super) fn validate(path: &str, policy: &Value, spec: &Value) -> Vec<Cause> {
    if !is_indexed(spec) {
        return vec![Cause::invalid(path, policy, "requires indexed completion mode")];
    }
    let completions = int(spec, &["completions"]).unwrap_or_default();
    let rules_path = format!("{path}.rules");
    let rules = items(policy, &["rules"]);
    let mut causes = match rules.len() {
        0 => {
            let rule = "at least one rules must be specified when the successPolicy is specified";
            vec![Cause::required(rules_path.as_str(), rule)]
        }
        1..=RULES_MAX => vec![],
        length => vec![too_many(rules_path.clone(), length, RULES_MAX)],
    };
    for (index, rule) in rules.iter().enumerate() {
        causes.extend(rule_causes(&format!("{rules_path}[{index}]"), rule, completions));
    }
    causes
}

fn rule_causes(path: &str, rule: &Value, completions: i64) -> Vec<Cause> {
    let succeeded = get(rule, &["succeededIndexes"]).and_then(Value::as_str);
    let count = int(rule, &["succeededCount"]);
    let mut causes = vec![];
    if count.is_none() && succeeded.is_none() {
        let rule = "at least one of succeededCount or succeededIndexes must be specified";
        causes.push(Cause::required(path, rule));
    }
    let field = format!("{path}.succeededIndexes");
    if succeeded.is_some_and(|succeeded| succeeded.len() > INDEXES_BYTES_MAX) {
        causes.push(too_long(&field, INDEXES_BYTES_MAX));
    }
    let total = succeeded.map(|succeeded| indexes::count(succeeded, completions));
    if let (Some(succeeded), Some(Err(error))) = (succeeded, &total) {
        let rule = format!("error parsing succeededIndexes: {error}");
        causes.push(Cause::invalid(field, &json!(succeeded), &rule));
    }
    let total = total.map(|total| total.unwrap_or_default());
    causes.extend(non_negative(rule, path, "succeededCount"));
    let limits = [
        (Some(completions), "the number of specified completions"),
        (total, "the number of indexes in the specified succeededIndexes field"),
    ];
    for (most, what) in limits {
        causes.extend(above(format!("{path}.succeededCount"), count, (most, what)));
    }
    causes
}

fn above(field: String, count: Option<i64>, limit: (Option<i64>, &str)) -> Option<Cause> {
    let ((Some(most), what), Some(count)) = (limit, count) else {
        return None;
    };
    let rule = format!("must be less than or equal to {most} ({what})");
    (count > most).then(|| Cause::invalid(field, &json!(count), &rule))
}
