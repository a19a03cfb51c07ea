//! `CreateOptions`, `UpdateOptions` and `PatchOptions`: what a write is asked with.
//!
//! Source: apimachinery/pkg/apis/meta/v1/validation/validation.go, v1.36.

use api::Status;
use api::status::Cause;
use http::Method;
use serde_json::json;

use crate::call::Call;
use crate::route::Objects;

/// The media type of what is applied.
pub(crate) const APPLY: &str = "application/apply-patch+yaml";

/// The longest name of a manager, in bytes.
pub(crate) const MANAGER_BYTES_MAX: usize = 128;

/// What is no write, whatever its method: it is passed on.
const CONNECTED: [&str; 4] = ["attach", "exec", "portforward", "proxy"];

const PATCHES: [&str; 3] = [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
];

/// Refuses a write whose options make no sense, before anything else is looked at. What is no patch at all
/// has no options.
pub(crate) fn check(call: &Call, target: &Objects) -> Result<(), Status> {
    if CONNECTED.contains(&target.subresource) {
        return Ok(());
    }
    let media_type = call.media_type();
    let (kind, mut causes) = match call.method {
        Method::POST => ("CreateOptions", vec![]),
        Method::PUT => ("UpdateOptions", vec![]),
        Method::PATCH if media_type == APPLY => ("PatchOptions", apply_causes(call)),
        Method::PATCH if PATCHES.contains(&media_type) => ("PatchOptions", patch_causes(call)),
        _ => return Ok(()),
    };
    causes.extend(manager_causes(call.parameter("fieldManager")));
    let dry_run: Vec<&str> = call.parameters("dryRun").collect();
    causes.extend(dry_run_cause(&dry_run));
    causes.extend(field_validation_cause(call.parameter("fieldValidation")));
    if causes.is_empty() { Ok(()) } else { Err(Status::invalid_options(kind, causes)) }
}

/// Who applies has to say who it is.
fn apply_causes(call: &Call) -> Vec<Cause> {
    let is_named = !call.parameter("fieldManager").is_empty();
    let cause = || Cause::required("fieldManager", "is required for apply patch");
    if is_named { vec![] } else { vec![cause()] }
}

/// Only an apply can be forced.
fn patch_causes(call: &Call) -> Vec<Cause> {
    let cause = |_| Cause::forbidden("force", "may not be specified for non-apply patch");
    call.first("force").map(cause).into_iter().collect()
}

/// The only dry run is one of everything.
pub(crate) fn dry_run_cause(values: &[&str]) -> Option<Cause> {
    let is_other = values.iter().any(|value| *value != "All");
    is_other.then(|| Cause::not_supported("dryRun", &json!(values), &["All"]))
}

fn field_validation_cause(asked: &str) -> Option<Cause> {
    let supported = ["", "Ignore", "Strict", "Warn"];
    let is_known = supported.contains(&asked);
    (!is_known).then(|| Cause::not_supported("fieldValidation", &json!(asked), &supported))
}

fn manager_causes(name: &str) -> Vec<Cause> {
    if name.len() > MANAGER_BYTES_MAX {
        // Upstream goes on to each of its letters, with the whole name beside each.
        return vec![Cause {
            reason: "FieldValueTooLong",
            field: "fieldManager".to_owned(),
            message: format!("Too long: may not be more than {MANAGER_BYTES_MAX} bytes"),
        }];
    }
    let strange = name.char_indices().filter(|(_, letter)| !is_printable(*letter));
    let cause = |(index, letter): (usize, char)| {
        let code = u32::from(letter);
        let rule = format!("invalid character U+{code:04X} (at position {index})");
        Cause::invalid("fieldManager", &json!(name), &rule)
    };
    strange.map(cause).collect()
}

/// A letter that Go's `unicode.IsPrint` takes: no control character, and no space but the plain one.
pub(crate) fn is_printable(letter: char) -> bool {
    letter == ' ' || !(letter.is_control() || letter.is_whitespace())
}

#[cfg(test)]
mod tests;
