//! What the spec of a Job may say, in a Job or in the template of a CronJob.
//!
//! Source: `validateJobSpec` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::{INDEXED, failure_policy, success_policy};
use crate::strategy::fields::{get, int, or_null};
use crate::strategy::pod_spec;
use crate::strategy::rules::{named, non_negative, too_long};

const COUNTS: [&str; 7] = [
    "parallelism",
    "completions",
    "activeDeadlineSeconds",
    "backoffLimit",
    "ttlSecondsAfterFinished",
    "backoffLimitPerIndex",
    "maxFailedIndexes",
];
const PARALLELISM_MAX: i64 = 100_000;
const FAILED_INDEXES_MAX: i64 = 100_000;
const COMPLETIONS_HIGH: i64 = 100_000;
const PARALLELISM_HIGH_MAX: i64 = 10_000;
const FAILED_INDEXES_HIGH_MAX: i64 = 10_000;
const MANAGED_BY_BYTES_MAX: usize = 63;
const PATH: &str = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+";

/// What the spec breaks, but for its selector. Its template replaces another, or `null` if it is new.
pub(in crate::strategy) fn template_causes(
    path: &str,
    spec: &Value,
    old_template: &Value,
) -> Vec<Cause> {
    let field = |name: &str| format!("{path}.{name}");
    let mut causes: Vec<Cause> =
        COUNTS.iter().filter_map(|count| non_negative(spec, path, count)).collect();
    let has = |name: &str| get(spec, &[name]).is_some();
    if has("maxFailedIndexes") && !has("backoffLimitPerIndex") {
        let rule = "when maxFailedIndexes is specified";
        causes.push(Cause::required(field("backoffLimitPerIndex"), rule));
    }
    if has("managedBy") {
        causes.extend(managed_by_causes(&field("managedBy"), text(spec, &["managedBy"])));
    }
    causes.extend(mode_causes(path, spec));
    if let Some(policy) = get(spec, &["podFailurePolicy"]) {
        causes.extend(failure_policy::validate(&field("podFailurePolicy"), policy, spec));
    }
    if let Some(policy) = get(spec, &["successPolicy"]) {
        causes.extend(success_policy::validate(&field("successPolicy"), policy, spec));
    }
    causes.extend(replacement_cause(field("podReplacementPolicy"), spec));
    let template = or_null(spec, &["template"]);
    causes.extend(pod_spec::validate_template(&field("template"), template, old_template));
    causes.extend(restart_policy_cause(field("template.spec.restartPolicy"), spec));
    causes
}

fn managed_by_causes(field: &str, manager: &str) -> Vec<Cause> {
    let mut causes = match manager.split_once('/') {
        Some((host, path)) if !host.is_empty() && !path.is_empty() => {
            let mut causes = named(field, host, names::dns_subdomain);
            causes.extend(path_cause(field, path));
            causes
        }
        _ if manager.is_empty() => vec![Cause::required(field, "")],
        _ => {
            let rule = "must be a domain-prefixed path (such as \"acme.io/foo\")";
            vec![Cause::invalid(field, &json!(manager), rule)]
        }
    };
    if manager.len() > MANAGED_BY_BYTES_MAX {
        causes.push(too_long(field, MANAGED_BY_BYTES_MAX));
    }
    causes
}

fn path_cause(field: &str, path: &str) -> Option<Cause> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&byte);
    let rule = format!("Invalid path (regex used for validation is '{PATH}')");
    (!path.bytes().all(known)).then(|| Cause::invalid(field, &json!(path), &rule))
}

fn mode_causes(path: &str, spec: &Value) -> Vec<Cause> {
    let mode = get(spec, &["completionMode"]);
    match mode.and_then(Value::as_str) {
        Some(INDEXED) => indexed_causes(path, spec),
        Some("NonIndexed") | None => not_indexed_causes(path, spec),
        Some(mode) => {
            let field = format!("{path}.completionMode");
            vec![Cause::not_supported(field, &json!(mode), &["NonIndexed", INDEXED])]
        }
    }
}

fn not_indexed_causes(path: &str, spec: &Value) -> Vec<Cause> {
    let rule = "requires indexed completion mode";
    let given = ["backoffLimitPerIndex", "maxFailedIndexes"]
        .into_iter()
        .filter_map(|field| Some((field, get(spec, &[field])?)));
    given.map(|(field, value)| Cause::invalid(format!("{path}.{field}"), value, rule)).collect()
}

fn indexed_causes(path: &str, spec: &Value) -> Vec<Cause> {
    let completions = int(spec, &["completions"]);
    let mut causes = vec![];
    if completions.is_none() {
        let rule = "when completion mode is Indexed";
        causes.push(Cause::required(format!("{path}.completions"), rule));
    }
    causes.extend(limit_causes(path, spec, completions.unwrap_or(i64::MAX)));
    let high = completions.is_some_and(|completions| completions > COMPLETIONS_HIGH);
    if high && get(spec, &["backoffLimitPerIndex"]).is_some() {
        causes.extend(high_completions_causes(path, spec));
    }
    causes
}

fn limit_causes(path: &str, spec: &Value, completions: i64) -> Vec<Cause> {
    let parallelism = format!(
        "must be less than or equal to {PARALLELISM_MAX} when completion mode is {INDEXED}"
    );
    let of_completions = "must be less than or equal to completions";
    let failed = format!("must be less than or equal to {FAILED_INDEXES_MAX}");
    let limits = [
        ("parallelism", PARALLELISM_MAX, parallelism.as_str()),
        ("maxFailedIndexes", completions, of_completions),
        ("maxFailedIndexes", FAILED_INDEXES_MAX, failed.as_str()),
    ];
    limits.into_iter().filter_map(|limit| above(path, spec, limit)).collect()
}

/// What upstream stores of each index must not grow too long.
fn high_completions_causes(path: &str, spec: &Value) -> Vec<Cause> {
    let rule = |most: i64| {
        format!(
            "must be less than or equal to {most} when completions are above {COMPLETIONS_HIGH} and used with backoff limit per index"
        )
    };
    let mut causes = vec![];
    if int(spec, &["maxFailedIndexes"]).is_none() {
        let rule = format!("must be specified when completions is above {COMPLETIONS_HIGH}");
        causes.push(Cause::required(format!("{path}.maxFailedIndexes"), &rule));
    }
    let limits =
        [("parallelism", PARALLELISM_HIGH_MAX), ("maxFailedIndexes", FAILED_INDEXES_HIGH_MAX)];
    causes.extend(
        limits
            .into_iter()
            .filter_map(|(field, most)| above(path, spec, (field, most, &rule(most)))),
    );
    causes
}

fn above(path: &str, spec: &Value, (field, most, rule): (&str, i64, &str)) -> Option<Cause> {
    let number = int(spec, &[field]).filter(|number| *number > most)?;
    Some(Cause::invalid(format!("{path}.{field}"), &json!(number), rule))
}

fn replacement_cause(field: String, spec: &Value) -> Option<Cause> {
    let policy = get(spec, &["podReplacementPolicy"])?;
    let supported: &[&str] = match get(spec, &["podFailurePolicy"]) {
        Some(_) => &["Failed"],
        None => &["Failed", "TerminatingOrFailed"],
    };
    let known = policy.as_str().is_some_and(|policy| supported.contains(&policy));
    (!known).then(|| Cause::not_supported(field, policy, supported))
}

/// The pods of a Job end.
fn restart_policy_cause(field: String, spec: &Value) -> Option<Cause> {
    let failure_policy = get(spec, &["podFailurePolicy"]).is_some();
    match text(spec, &["template", "spec", "restartPolicy"]) {
        "Always" | "" => Some(Cause::required(field, "valid values: \"OnFailure\", \"Never\"")),
        "OnFailure" if failure_policy => {
            let rule = "only \"Never\" is supported when podFailurePolicy is specified";
            Some(Cause::invalid(field, &json!("OnFailure"), rule))
        }
        "OnFailure" | "Never" => None,
        policy => Some(Cause::not_supported(field, &json!(policy), &["OnFailure", "Never"])),
    }
}
