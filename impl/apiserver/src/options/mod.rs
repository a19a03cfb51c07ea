//! What the query of a request says beside its path, and how upstream refuses what makes no sense.
//!
//! Source: apimachinery/pkg/runtime/conversion.go and pkg/apis/meta/v1, v1.36.

pub(crate) mod delete;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod write;

use api::Status;
use store::Revision;

use crate::call::Call;

/// A number. A 400 in Go's words where there is none; `None` where nothing is said.
pub(crate) fn integer(call: &Call, name: &str) -> Result<Option<i64>, Status> {
    let Some(text) = call.first(name) else { return Ok(None) };
    let why =
        |error: &std::num::ParseIntError| format!("strconv.ParseInt: {}", go_words(text, error));
    text.parse().map(Some).map_err(|error| Status::bad_request(why(&error)))
}

/// A flag that may be left out: anything but `false` and `0` is true.
pub(crate) fn flag(call: &Call, name: &str) -> Option<bool> {
    call.first(name).map(|_| call.flag(name))
}

/// A `timeout` that is no span of time is refused, of whatever is not answered for as long as its client likes.
/// Source: apiserver/pkg/endpoints/filters/request_deadline.go, v1.36.
pub(crate) fn check_timeout(call: &Call) -> Result<(), Status> {
    let asked = call.parameter("timeout");
    if asked.is_empty() || call.info().is_long_running() {
        return Ok(());
    }
    api::duration::nanoseconds(asked).map(drop).map_err(|why| {
        let head = "invalid timeout specified in the request URL";
        Status::bad_request(format!("{head} - {why}"))
    })
}

/// The revision that a `resourceVersion` names; `None` for an empty one. The words of a refusal are Go's.
pub(crate) fn revision(text: &str) -> Result<Option<Revision>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    // Rust takes a plus before a number without sign, Go does not.
    let unsigned = if text.starts_with('+') { "+" } else { text };
    unsigned.parse().map(|number| Some(Revision(number))).map_err(|error| {
        let why = go_words(text, &error);
        format!("resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: {why}")
    })
}

/// Why Go's `strconv` does not take a number.
fn go_words(text: &str, error: &std::num::ParseIntError) -> String {
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    let is_too_large = matches!(error.kind(), PosOverflow | NegOverflow);
    let why = if is_too_large { "value out of range" } else { "invalid syntax" };
    format!("parsing \"{text}\": {why}")
}
