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
    let mut causes = vec![];
    if int(rule, &["succeededCount"]).is_none() && succeeded.is_none() {
        let rule = "at least one of succeededCount or succeededIndexes must be specified";
        causes.push(Cause::required(path, rule));
    }
    let total = succeeded.map(|succeeded| indexes::count(succeeded, completions));
    if let (Some(succeeded), Some(total)) = (succeeded, &total) {
        causes.extend(indexes_causes(format!("{path}.succeededIndexes"), succeeded, total));
    }
    causes.extend(non_negative(rule, path, "succeededCount"));
    let limits = [
        (Some(completions), "the number of specified completions"),
        (
            total.map(Result::unwrap_or_default),
            "the number of indexes in the specified succeededIndexes field",
        ),
    ];
    causes.extend(limits.into_iter().filter_map(|limit| count_cause(path, rule, limit)));
    causes
}

fn indexes_causes(field: String, indexes: &str, total: &Result<i64, String>) -> Vec<Cause> {
    let mut causes = vec![];
    if indexes.len() > INDEXES_BYTES_MAX {
        causes.push(too_long(&field, INDEXES_BYTES_MAX));
    }
    if let Err(error) = total {
        let rule = format!("error parsing succeededIndexes: {error}");
        causes.push(Cause::invalid(field, &json!(indexes), &rule));
    }
    causes
}

fn count_cause(path: &str, rule: &Value, (most, what): (Option<i64>, &str)) -> Option<Cause> {
    let (most, count) = (most?, int(rule, &["succeededCount"])?);
    let rule = format!("must be less than or equal to {most} ({what})");
    (count > most).then(|| Cause::invalid(format!("{path}.succeededCount"), &json!(count), &rule))
}
