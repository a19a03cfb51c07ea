//! JSON patch, RFC 6902.

use json_patch::{Patch, PatchOperation, patch_unsafe};
use serde_json::Value;

use super::unprocessable;
use crate::status::{Reason, Status};

/// As many operations as upstream accepts.
const OPERATIONS_MAX: usize = 10_000;

/// How deep an operation may make an object: what is read as JSON is not deeper than 128.
const DEPTH_MAX: usize = 100;

/// How much may be copied and moved, in bytes of JSON. Upstream's limit, which counts copies.
///
/// Source: `JSONPatchMaxCopyBytes` in apiserver's `pkg/server/config.go`, v1.36.
const COPIED_BYTES_MAX: usize = 3 << 20;

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
    let (mut patched, mut copied_bytes) = (current.clone(), 0);
    for operation in &patch.0 {
        let source = source(operation, &patched);
        copied_bytes += source.map_or(0, |value| value.to_string().len());
        let reach = operation.path().count() + written(operation).or(source).map_or(0, depth);
        if copied_bytes > COPIED_BYTES_MAX || reach > DEPTH_MAX {
            return Err(unprocessable());
        }
        let one = std::slice::from_ref(operation);
        patch_unsafe(&mut patched, one).map_err(|_| unprocessable())?;
    }
    Ok(patched)
}

/// What an operation copies or moves.
fn source<'a>(operation: &PatchOperation, document: &'a Value) -> Option<&'a Value> {
    let from = match operation {
        PatchOperation::Copy(copy) => &copy.from,
        PatchOperation::Move(moved) => &moved.from,
        PatchOperation::Add(_)
        | PatchOperation::Remove(_)
        | PatchOperation::Replace(_)
        | PatchOperation::Test(_) => return None,
    };
    document.pointer(from.as_str())
}

/// What an operation brings along.
fn written(operation: &PatchOperation) -> Option<&Value> {
    match operation {
        PatchOperation::Add(add) => Some(&add.value),
        PatchOperation::Replace(replace) => Some(&replace.value),
        PatchOperation::Copy(_)
        | PatchOperation::Move(_)
        | PatchOperation::Remove(_)
        | PatchOperation::Test(_) => None,
    }
}

fn depth(value: &Value) -> usize {
    let deepest = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(fields) => fields.values().map(depth).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    };
    deepest.map_or(0, |deepest| deepest + 1)
}
