//! The three kinds of patch of an object that exists: JSON patch, merge patch, strategic merge patch.
//!
//! Leaves out server-side apply (`managed_fields`), and defaults and validation of the result.

use serde_json::Value;

use crate::kind::ApiResource;
use crate::schema::Schema;
use crate::status::{Reason, Status};

mod json;
mod lists;
mod merge;
mod strategic;
#[cfg(test)]
mod tests;

use strategic::StrategicError;

/// How a patch says what changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchKind {
    /// `application/json-patch+json` (RFC 6902): a list of operations.
    Json,
    /// `application/merge-patch+json` (RFC 7386): lists are replaced, null deletes.
    Merge,
    /// `application/strategic-merge-patch+json`: lists merge as the schema says.
    StrategicMerge,
}

/// The object after the patch.
pub fn apply(
    kind: PatchKind,
    resource: &ApiResource,
    current: &Value,
    patch: &Value,
) -> Result<Value, Status> {
    match kind {
        PatchKind::Json => json::apply(current, patch),
        PatchKind::Merge => merge::apply(current, patch),
        PatchKind::StrategicMerge => {
            let definition = Schema::of(resource).ok_or_else(|| {
                Status::new(
                    Reason::UnsupportedMediaType,
                    "strategic merge patch format is not supported",
                )
            })?;
            strategic::apply(definition, current, patch).map_err(status)
        }
    }
}

/// Upstream answers what it did not foresee with 500; here the patch is to blame.
fn status(error: StrategicError) -> Status {
    match error {
        StrategicError::ListOfLists => unprocessable(),
        StrategicError::Document
        | StrategicError::PrimitiveList
        | StrategicError::RetainKeys
        | StrategicError::ElementOrder
        | StrategicError::OrderMismatch { .. }
        | StrategicError::MixedList
        | StrategicError::NoMergeKey { .. }
        | StrategicError::NoKeyDeclared(_)
        | StrategicError::Type(_)
        | StrategicError::Directive { .. } => Status::bad_request(error.to_string()),
    }
}

/// 422 as upstream gives it for a patch that does not fit, without saying why
/// (`NewGenericServerResponse`, apimachinery v1.36).
fn unprocessable() -> Status {
    Status::new(Reason::Invalid, "the server rejected our request due to an error in our request")
}
