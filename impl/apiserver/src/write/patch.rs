//! PATCH: JSON patch, merge patch and strategic merge patch, decided on the newest object.

use api::Status;
use api::patch::{self, PatchKind};
use serde_json::Value;

use crate::call::{Call, Decision};
use crate::write::body::{self, FieldValidation};
use crate::write::{Write, update};

/// Decides about a patch of an object or of its status.
pub(crate) fn patch(write: Write<'_>) -> Result<Decision, Status> {
    let (resource, version) = (write.target.served(), write.target.version);
    let kind = kind(write.call)?;
    let patch = document(write.call)?;
    let (old, revision) = write.current()?;
    let served = version.map_or_else(|| old.clone(), |version| version.serve(&old));
    let patched = patch::apply(kind, resource, &served, &patch)?;
    let bytes = serde_json::to_vec(&patched).expect("a JSON value is JSON");
    let decoded = api::decode::json(resource, &bytes)
        .map_err(|error| Status::bad_request(format!("error decoding patched object: {error}")))?;
    let body = FieldValidation::of(write.call)?.judge(resource, decoded)?.stored(write.target);
    update::check_preconditions(write.target, &body.object, &old, revision)?;
    update::replace(write, body.object, old, revision, body.warnings)
}

/// The kind of patch in the body.
pub(super) fn kind(call: &Call) -> Result<PatchKind, Status> {
    match body::media_type(call) {
        "application/json-patch+json" => Ok(PatchKind::Json),
        "application/merge-patch+json" => Ok(PatchKind::Merge),
        "application/strategic-merge-patch+json" => Ok(PatchKind::StrategicMerge),
        other => Err(Status::new(
            api::Reason::UnsupportedMediaType,
            format!(
                "the body of the request was in an unknown format - accepted media types include: \
                 application/json-patch+json, application/merge-patch+json, \
                 application/strategic-merge-patch+json (got {other})"
            ),
        )),
    }
}

/// The patch itself.
pub(super) fn document(call: &Call) -> Result<Value, Status> {
    serde_json::from_slice(&call.body)
        .map_err(|error| Status::bad_request(format!("error decoding patch: {error}")))
}
