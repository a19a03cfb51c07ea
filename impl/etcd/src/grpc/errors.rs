//! Refusals as gRPC tells them: etcd's codes and messages.
//!
//! Source: etcd's `api/v3rpc/rpctypes/error.go`.

use prost::Message;
use store::Refusal;
use tonic::{Code, Status};

use crate::CommitError;

/// How large a request may be. Source: etcd's `--max-request-bytes`.
pub(super) const REQUEST_BYTES_MAX: usize = 1536 * 1024;

/// Why something was not committed.
pub(super) fn status(error: CommitError) -> Status {
    let message = error.to_string();
    match error {
        CommitError::Invalid(refusal) => refused(refusal),
        CommitError::Refused(_)
        | CommitError::Unreachable(_)
        | CommitError::Unknown(_)
        | CommitError::Stopped => Status::unavailable(message),
        CommitError::Broken(_) => Status::internal(message),
    }
}

/// Why a request makes no sense, or not now.
pub(super) fn refused(refusal: Refusal) -> Status {
    let code = match refusal {
        Refusal::EmptyKey
        | Refusal::KeyNotFound
        | Refusal::ValueProvided
        | Refusal::LeaseProvided
        | Refusal::TooManyOperations
        | Refusal::DuplicateKey
        | Refusal::TooLarge
        | Refusal::InvalidSort => Code::InvalidArgument,
        Refusal::Compacted | Refusal::FutureRevision | Refusal::LeaseTooLong => Code::OutOfRange,
        Refusal::LeaseNotFound => Code::NotFound,
        Refusal::LeaseExists => Code::FailedPrecondition,
    };
    Status::new(code, refusal.to_string())
}

/// Refuses a request that is too large.
pub(super) fn within_size(request: &impl Message) -> Result<(), Status> {
    match request.encoded_len() > REQUEST_BYTES_MAX {
        true => Err(refused(Refusal::TooLarge)),
        false => Ok(()),
    }
}

/// The server is to stop.
pub(super) fn stopped() -> Status {
    status(CommitError::Stopped)
}
