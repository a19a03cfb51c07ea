//! `PodLogOptions`: which part of a log is wanted.
//!
//! Source: `ValidatePodLogOptions` of pkg/apis/core/validation/validation.go, v1.36.

use api::status::Cause;
use api::{ApiResource, Status};
use serde_json::json;

use crate::call::Call;
use crate::options;

/// The kind that a refusal names.
const POD_LOG_OPTIONS: ApiResource = ApiResource {
    group: "",
    version: "v1",
    kind: "PodLogOptions",
    plural: "PodLogOptions",
    singular: "podlogoptions",
    short_names: &[],
    categories: &[],
    namespaced: true,
    subresources: &[],
    is_stored: false,
};

/// Refuses options of a pod's log that make no sense.
pub(crate) fn check(call: &Call, pod: &str) -> Result<(), Status> {
    let since_seconds = options::integer(call, "sinceSeconds")?;
    let since_time = call.first("sinceTime").filter(|text| !text.is_empty());
    if let Some(text) = since_time.filter(|text| text.parse::<api::Timestamp>().is_err()) {
        let layout = "2006-01-02T15:04:05Z07:00";
        return Err(Status::bad_request(format!(
            "parsing time \"{text}\" as \"{layout}\": cannot parse \"{text}\" as \"2006\""
        )));
    }
    let tail_lines = options::integer(call, "tailLines")?;
    let limit_bytes = options::integer(call, "limitBytes")?;
    let mut causes = vec![];
    let at_least = |field: &str, value: Option<i64>, least: i64, rule: &str| {
        let value = value.filter(|value| *value < least)?;
        Some(Cause::invalid(field, &json!(value), rule))
    };
    causes.extend(at_least("tailLines", tail_lines, 0, "must be greater than or equal to 0"));
    causes.extend(at_least("limitBytes", limit_bytes, 1, "must be greater than 0"));
    if since_seconds.is_some() && since_time.is_some() {
        let rule = "at most one of `sinceTime` or `sinceSeconds` may be specified";
        // Upstream means the options as a whole, and its path of them is written so.
        causes.push(Cause::forbidden("[]", rule));
    } else {
        causes.extend(at_least("sinceSeconds", since_seconds, 1, "must be greater than 0"));
    }
    if call.first("stream").is_some() {
        causes.push(Cause::forbidden("stream", "may not be specified"));
    }
    match causes.is_empty() {
        true => Ok(()),
        false => Err(Status::invalid(&POD_LOG_OPTIONS, pod, causes)),
    }
}

#[cfg(test)]
mod tests;
