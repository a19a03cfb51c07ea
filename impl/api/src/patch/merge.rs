//! Merge patch, RFC 7386.

use serde_json::Value;

use crate::status::Status;

pub(super) fn apply(current: &Value, patch: &Value) -> Result<Value, Status> {
    if !patch.is_object() {
        return Err(Status::bad_request("Invalid JSON Patch"));
    }
    let mut patched = current.clone();
    json_patch::merge(&mut patched, patch);
    Ok(patched)
}
