//! How much of a message is read, and what etcd says of one that is larger.
//!
//! Source: etcd's `server/config/config.go`, `MaxRequestBytesWithOverhead`; grpc-go's `rpc_util.go`, `recv`.

use tonic::body::Body;
use tonic::codegen::http::Response;
use tonic::{Code, Status};

use super::errors::REQUEST_BYTES_MAX;

const OVERHEAD_BYTES: usize = 512 * 1024;

/// What is read of a message at most. Above the limit of a request, so that what is a little too large is told so.
pub(super) const MESSAGE_BYTES_MAX: usize = REQUEST_BYTES_MAX + OVERHEAD_BYTES;

/// An answer as etcd gives it: `tonic` has its own words for a message that is too large to be read.
pub(super) fn in_etcds_words(answer: Response<Body>) -> Response<Body> {
    let status = Status::from_header_map(answer.headers());
    match status.as_ref().and_then(unread_bytes) {
        Some(bytes) => too_large(bytes).into_http(),
        None => answer,
    }
}

/// How large the message was that was not read for its size.
fn unread_bytes(status: &Status) -> Option<&str> {
    let words = status.message().strip_prefix("Error, decoded message length too large: found ")?;
    words.split(' ').next().filter(|_| status.code() == Code::OutOfRange)
}

fn too_large(bytes: &str) -> Status {
    Status::resource_exhausted(format!(
        "grpc: received message larger than max ({bytes} vs. {MESSAGE_BYTES_MAX})"
    ))
}
