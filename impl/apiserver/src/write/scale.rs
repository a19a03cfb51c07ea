//! `scale`: the replicas of a workload, whatever its kind.

use api::object::text;
use api::patch;
use api::{Status, resources};
use serde_json::Value;
use store::Revision;

use crate::call::{Decision, Response};
use crate::strategy;
use crate::write::patch as patches;
use crate::write::{Write, body, update};

/// GET.
pub(crate) fn get_scale(write: Write<'_>) -> Result<Decision, Status> {
    let (object, _) = write.current()?;
    Ok(Decision::Respond(Response::json(200, &scale_of(write, &object)?)))
}

/// PUT.
pub(crate) fn put_scale(write: Write<'_>) -> Result<Decision, Status> {
    let scale = body::options(write.call)?;
    let (old, revision) = write.current()?;
    update::check_preconditions(write.target, &scale, &old, revision)?;
    apply(write, old, revision, &scale)
}

/// PATCH. A strategic merge of a Scale is a plain merge: it has no lists.
pub(crate) fn patch_scale(write: Write<'_>) -> Result<Decision, Status> {
    let (old, revision) = write.current()?;
    let scale = scale_of(write, &old)?;
    let document = patches::document(write.call)?;
    let kind = match patches::kind(write.call)? {
        patch::PatchKind::StrategicMerge | patch::PatchKind::Merge => patch::PatchKind::Merge,
        patch::PatchKind::Json => patch::PatchKind::Json,
    };
    let patched = patch::apply(kind, &resources::DEPLOYMENTS, &scale, &document)?;
    update::check_preconditions(write.target, &patched, &old, revision)?;
    apply(write, old, revision, &patched)
}

fn apply(
    write: Write<'_>,
    old: Value,
    revision: Revision,
    scale: &Value,
) -> Result<Decision, Status> {
    let name = text(scale, &["metadata", "name"]);
    if !name.is_empty() && name != write.target.name()? {
        return Err(Status::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            write.target.name()?
        )));
    }
    let mut new = old.clone();
    strategy::apply_scale(write.target.resource, &mut new, scale)?;
    let mut decision = update::replace(write, new, old, revision, vec![])?;
    match &mut decision {
        Decision::Commit(commit) => {
            commit.action = "scale";
            commit.answer.instead = Some(scale_of(write, &commit.object)?);
        }
        Decision::Respond(response) if response.code == 200 => {
            let (object, _) = write.current()?;
            *response = Response::json(200, &scale_of(write, &object)?);
        }
        Decision::Respond(_) | Decision::Each(..) | Decision::Watch(_) | Decision::Node(_) => {}
    }
    Ok(decision)
}

fn scale_of(write: Write<'_>, object: &Value) -> Result<Value, Status> {
    strategy::scale_of(write.target.resource, object).ok_or_else(Status::no_such_path)
}
