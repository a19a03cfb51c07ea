//! Numbers of pods, absolute or as a percentage of all: `maxUnavailable` and its like.
//!
//! Source: `ValidatePositiveIntOrPercent` and `IsNotMoreThan100Percent` of `pkg/apis/apps/validation`
//! (v1.36).

use api::names;
use api::status::Cause;
use serde_json::Value;

use super::fields::or_null;
use super::rules::{named, non_negative};

/// The number or percentage below `path.field` must be one, and not negative.
pub(super) fn validate(path: &str, holder: &Value, field: &str) -> Vec<Cause> {
    match or_null(holder, &[field]).as_str() {
        Some(percent) => named(&format!("{path}.{field}"), percent, names::percent),
        None => non_negative(holder, path, field).into_iter().collect(),
    }
}

/// The percentage below `path.field`, if it is one, must be of what there is.
pub(super) fn not_more_than_all(path: &str, holder: &Value, field: &str) -> Option<Cause> {
    let value = or_null(holder, &[field]);
    let rule = "must not be greater than 100%";
    let too_much = value.is_string() && number(value) > 100;
    too_much.then(|| Cause::invalid(format!("{path}.{field}"), value, rule))
}

/// The number, or that of percents.
pub(super) fn number(value: &Value) -> i64 {
    let percent = |text: &str| text.strip_suffix('%').and_then(|digits| digits.parse::<i64>().ok());
    let number = value.as_i64().or_else(|| value.as_str().and_then(percent));
    number.unwrap_or_default()
}
