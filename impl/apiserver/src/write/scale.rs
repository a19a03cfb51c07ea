//! `scale`: the replicas of a workload, whatever its kind.
//!
//! Source: `scaleUpdatedObjectInfo` in `pkg/registry/apps/deployment/storage/storage.go` (v1.36).

use api::managed_fields::ManagedFields;
use api::object::text;
use api::patch;
use api::{Status, resources};
use serde_json::Value;
use store::Revision;

use crate::accept;
use crate::call::{Call, Decision, Instead, Response};
use crate::negotiate;
use crate::options::write::APPLY;
use crate::strategy;
use crate::write::owners::{self, Owners};
use crate::write::{Write, apply, body, create, patch as patches, scale_owners, update};

/// GET.
pub(crate) fn get_scale(write: Write<'_>) -> Result<Decision, Status> {
    let (object, _) = write.current()?;
    Ok(Decision::Respond(shown(write, 200, &scale_of(write, &object)?)?))
}

/// A scale in the form that is asked for.
fn shown(write: Write<'_>, code: u16, scale: &Value) -> Result<Response, Status> {
    let format = negotiate::format(write.call, write.target)?;
    Ok(format.one(code, &strategy::SCALE, scale, write.context.now))
}

/// PUT.
pub(crate) fn put_scale(write: Write<'_>) -> Result<Decision, Status> {
    let scale = body::of_kind(write.call, &strategy::SCALE)?.object;
    let current = Current::of(write)?;
    update::check_preconditions(write.target, &scale, &current.object, current.revision)?;
    let owners = current.owners_after(write, &scale)?;
    current.replace(write, &scale, owners)
}

/// PATCH. A strategic merge of a Scale is a plain merge: it has no lists.
pub(crate) fn patch_scale(write: Write<'_>) -> Result<Decision, Status> {
    if write.call.media_type() == APPLY {
        return apply_scale(write);
    }
    let current = Current::of(write)?;
    let document = patches::document(write.call)?.value;
    let asked = patches::kind(write.call)?;
    let kind = match asked {
        patch::PatchKind::StrategicMerge | patch::PatchKind::Merge => patch::PatchKind::Merge,
        patch::PatchKind::Json => patch::PatchKind::Json,
    };
    let patched = patch::apply(kind, &resources::DEPLOYMENTS, &current.scale, &document)?;
    patches::check_type(asked, &strategy::SCALE, &patched, write.target.name()?)?;
    update::check_preconditions(write.target, &patched, &current.object, current.revision)?;
    let owners = current.owners_after(write, &patched)?;
    current.replace(write, &patched, owners)
}

fn apply_scale(write: Write<'_>) -> Result<Decision, Status> {
    let manager = owners::manager(write.call);
    let current = Current::of(write)?;
    let (live, managed) = (current.scale.clone(), current.scale_managed(write));
    let outcome = apply::apply_to(write, &strategy::SCALE, live, managed, &manager)?;
    let scale = outcome.body.object;
    update::check_preconditions(write.target, &scale, &current.object, current.revision)?;
    current.replace(write, &scale, outcome.owners)
}

/// A workload, and its scale.
struct Current {
    object: Value,
    revision: Revision,
    scale: Value,
}

impl Current {
    fn of(write: Write<'_>) -> Result<Self, Status> {
        let (object, revision) = write.current()?;
        let scale = scale_of(write, &object)?;
        Ok(Self { object, revision, scale })
    }

    /// Who owns the replicas.
    fn scale_managed(&self, write: Write<'_>) -> ManagedFields {
        scale_owners::of_scale(&owners::of(&self.object), &write.target.resource.api_version())
    }

    /// Who owns them when this is written.
    fn owners_after(&self, write: Write<'_>, scale: &Value) -> Result<Owners, Status> {
        let mut scale = decode(scale.clone())?;
        create::set_type(&strategy::SCALE, &mut scale);
        let managed = self.scale_managed(write);
        let managed = owners::updated(write, self.scale.clone(), scale, managed);
        Ok(Owners::Settled(managed))
    }

    /// Gives the workload the replicas of a scale.
    fn replace(self, write: Write<'_>, scale: &Value, owners: Owners) -> Result<Decision, Status> {
        if !text(scale, &["metadata", "name"]).is_empty() {
            update::check_name(write.target, scale)?;
        }
        let mut new = self.object.clone();
        strategy::apply_scale(write.target.resource, &mut new, scale)?;
        let managed = owners::of(&self.object);
        let owners = owners.of_parent(&managed, &write.target.resource.api_version());
        let (old, revision) = (self.object, self.revision);
        let replacement = update::Replacement { new, old, revision, owners, warnings: vec![] };
        let plain = Call { accept: String::new(), ..write.call.clone() };
        answer(write, update::replace(Write { call: &plain, ..write }, replacement)?)
    }
}

/// Answers the scale, not the workload.
fn answer(write: Write<'_>, mut decision: Decision) -> Result<Decision, Status> {
    match &mut decision {
        Decision::Commit(commit) => {
            commit.action = "scale";
            commit.answer.instead = Some(Instead::Scale);
            commit.answer.format = negotiate::format(write.call, write.target)?;
            commit.answer.encoding = accept::encoding(write.call);
        }
        Decision::Respond(response) if response.code == 200 => {
            let object: Value = serde_json::from_slice(&response.body).unwrap_or_default();
            *response = shown(write, 200, &scale_of(write, &object)?)?;
        }
        Decision::Respond(_)
        | Decision::Each(..)
        | Decision::Watch(_)
        | Decision::Node(_)
        | Decision::Proxy(_) => {}
    }
    Ok(decision)
}

/// The scale without what the schema does not know, and without zeros that say nothing.
fn decode(scale: Value) -> Result<Value, Status> {
    let decoded = api::decode::object(&strategy::SCALE, scale);
    let decoded = decoded.map_err(|error| Status::bad_request(error.to_string()))?;
    Ok(decoded.object)
}

fn scale_of(write: Write<'_>, object: &Value) -> Result<Value, Status> {
    strategy::scale_of(write.target.resource, object).ok_or_else(Status::no_such_path)
}
