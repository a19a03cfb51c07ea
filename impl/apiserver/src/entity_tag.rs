//! Entity tags: a client keeps a document until its tag changes.
//!
//! Source: apiserver/pkg/endpoints/discovery/aggregated/etag.go and kube-openapi's handlers, v1.36; RFC 9110
//! for comparing.

use http::header::{ETAG, VARY};
use sha2::{Digest, Sha512};

use crate::call::{Call, Response};

/// The tag of a content, without quotes: its SHA-512.
pub(crate) fn of(content: &[u8]) -> String {
    Sha512::digest(content).iter().map(|byte| format!("{byte:02X}")).collect()
}

/// An answer that depends on what is accepted, with its tag.
pub(crate) fn tagged(mut response: Response, tag: &str) -> Response {
    response.headers.extend([(ETAG, format!("\"{tag}\"")), (VARY, "Accept".to_owned())]);
    response
}

/// Nothing but the tag, for a client that has this content already.
pub(crate) fn not_modified(call: &Call, tag: &str) -> Option<Response> {
    let quoted = format!("\"{tag}\"");
    let has_it = call
        .if_none_match
        .split(',')
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == quoted);
    has_it.then(|| tagged(Response::bytes(304, "", vec![]), tag))
}

/// The value of a header of an answer.
#[cfg(test)]
pub(crate) fn header(response: &Response, name: http::HeaderName) -> Option<&str> {
    response.headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
}
