//! JSON patch, RFC 6902.

use json_patch::Patch;
use serde_json::Value;

use super::unprocessable;
use crate::status::{Reason, Status};

/// As many operations as upstream accepts.
const OPERATIONS_MAX: usize = 10_000;

pub(super) fn apply(current: &Value, patch: &Value) -> Result<Value, Status> {
    let patch: Patch = serde_json::from_value(patch.clone())
        .map_err(|error| Status::bad_request(format!("error decoding patch: {error}")))?;
    let operations = patch.0.len();
    if operations > OPERATIONS_MAX {
        return Err(Status::new(
            Reason::RequestEntityTooLarge,
            format!(
                "Request entity too large: The allowed maximum operations in a JSON patch is \
                 {OPERATIONS_MAX}, got {operations}"
            ),
        ));
    }
    let mut patched = current.clone();
    json_patch::patch(&mut patched, &patch.0).map_err(|_| unprocessable())?;
    Ok(patched)
}
