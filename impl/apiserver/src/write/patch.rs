//! PATCH: JSON patch, merge patch and strategic merge patch, decided on the newest object.

use api::patch::{self, PatchKind};
use api::{Reason, Status};
use serde_json::Value;

use crate::call::{Call, Decision};
use crate::write::body::{self, FieldValidation};
use crate::write::owners::{self, Owners};
use crate::write::{Write, apply, update};

/// Decides about a patch of an object or of its status.
pub(crate) fn patch(write: Write<'_>) -> Result<Decision, Status> {
    if body::media_type(write.call) == apply::MEDIA_TYPE {
        return apply::apply(write);
    }
    owners::check_not_forced(write.call)?;
    let (resource, version) = (write.target.served(), write.target.version);
    let kind = kind(write.call)?;
    let patch = document(write.call)?;
    let (old, revision) = write.current()?;
    let served = version.map_or_else(|| old.clone(), |version| version.serve(&old));
    let patched = patch::apply(kind, resource, &served, &patch)?;
    let decoded = api::decode::object(resource, patched)
        .map_err(|error| Status::bad_request(format!("error decoding patched object: {error}")))?;
    let body = FieldValidation::of(write.call)?.judge(resource, decoded)?.stored(write.target);
    update::check_patched(write.target, &body.object, &old, revision)?;
    let body::Body { object: new, warnings } = body;
    let owners = Owners::Writer;
    update::replace(write, update::Replacement { new, old, revision, owners, warnings })
}

/// The kind of patch in the body.
pub(super) fn kind(call: &Call) -> Result<PatchKind, Status> {
    match body::media_type(call) {
        "application/json-patch+json" => Ok(PatchKind::Json),
        "application/merge-patch+json" => Ok(PatchKind::Merge),
        "application/strategic-merge-patch+json" => Ok(PatchKind::StrategicMerge),
        _ => Err(Status::new(Reason::UnsupportedMediaType, "415: Unsupported Media Type")),
    }
}

/// The patch itself.
pub(super) fn document(call: &Call) -> Result<Value, Status> {
    serde_json::from_slice(&call.body)
        .map_err(|error| Status::bad_request(format!("error decoding patch: {error}")))
}
