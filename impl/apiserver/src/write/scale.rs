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
use crate::write::body::Body;
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
    let body = body::of_kind(write.call, &strategy::SCALE)?;
    let current = Current::of(write)?;
    update::check_preconditions(write.target, &body.object, &current.object, current.revision)?;
    let owners = current.owners_after(write, &body.object);
    current.replace(write, body, owners)
}

/// PATCH. A strategic merge of a Scale is a plain merge: it has no lists.
pub(crate) fn patch_scale(write: Write<'_>) -> Result<Decision, Status> {
    if write.call.media_type() == APPLY {
        return apply_scale(write);
    }
    let current = Current::of(write)?;
    let asked = patches::kind(write.call)?;
    let parsed = patches::document(write.call, asked)?;
    let kind = match asked {
        patch::PatchKind::StrategicMerge | patch::PatchKind::Merge => patch::PatchKind::Merge,
        patch::PatchKind::Json => patch::PatchKind::Json,
    };
    let patched = patch::apply(kind, &resources::DEPLOYMENTS, &current.scale, &parsed.value)?;
    let body = patches::judged(write, &strategy::SCALE, (asked, parsed), patched)?;
    update::check_preconditions(write.target, &body.object, &current.object, current.revision)?;
    let owners = current.owners_after(write, &body.object);
    current.replace(write, body, owners)
}

fn apply_scale(write: Write<'_>) -> Result<Decision, Status> {
    let manager = owners::manager(write.call);
    let current = Current::of(write)?;
    let (live, managed) = (current.scale.clone(), current.scale_managed(write));
    let outcome = apply::apply_to(write, &strategy::SCALE, live, managed, &manager)?;
    let object = &outcome.body.object;
    update::check_preconditions(write.target, object, &current.object, current.revision)?;
    current.replace(write, outcome.body, outcome.owners)
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
    fn owners_after(&self, write: Write<'_>, scale: &Value) -> Owners {
        let mut scale = scale.clone();
        create::set_type(&strategy::SCALE, &mut scale);
        let managed = self.scale_managed(write);
        Owners::Settled(owners::updated(write, self.scale.clone(), scale, managed))
    }

    /// Gives the workload the replicas of a scale.
    fn replace(self, write: Write<'_>, scale: Body, owners: Owners) -> Result<Decision, Status> {
        let Body { object: scale, warnings } = scale;
        if !text(&scale, &["metadata", "name"]).is_empty() {
            update::check_name(write.target, &scale)?;
        }
        let mut new = self.object.clone();
        strategy::apply_scale(write.target.resource, &mut new, &scale)?;
        let managed = owners::of(&self.object);
        let owners = owners.of_parent(&managed, &write.target.resource.api_version());
        let (old, revision) = (self.object, self.revision);
        let replacement = update::Replacement { new, old, revision, owners, warnings };
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
            let warnings = std::mem::take(&mut response.warnings);
            *response = Response { warnings, ..shown(write, 200, &scale_of(write, &object)?)? };
        }
        Decision::Respond(_)
        | Decision::Each(..)
        | Decision::Watch(_)
        | Decision::Node(_)
        | Decision::Proxy(_) => {}
    }
    Ok(decision)
}

fn scale_of(write: Write<'_>, object: &Value) -> Result<Value, Status> {
    strategy::scale_of(write.target.resource, object).ok_or_else(Status::no_such_path)
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::json;

    use super::*;
    use crate::testing::{Client, refusal};

    /// What is decided about a write of the scale of a Deployment with one replica.
    fn scaled(method: Method, kind: &str, body: &Value, validation: &str) -> Decision {
        let mut client = Client::new();
        client.created("/api/v1/namespaces", &json!({"metadata": {"name": "default"}}));
        let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers":
            [{"name": "c", "image": "i"}]}});
        let web = json!({"metadata": {"name": "web"}, "spec": {"template": template,
            "selector": {"matchLabels": {"a": "b"}}}});
        let deployments = "/apis/apps/v1/namespaces/default/deployments";
        client.created(deployments, &web);
        let mut call = Call::of_tests(method, format!("{deployments}/web/scale"), body);
        call.content_type = format!("application/{kind}");
        call.query = vec![("fieldValidation".to_owned(), validation.to_owned())];
        crate::decide(&client.store, &call, &client.context)
    }

    fn scale(replicas: i64) -> Value {
        json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": "web",
            "namespace": "default"}, "spec": {"replicas": replicas, "more": 1}})
    }

    #[test]
    fn a_scale_with_unknown_fields_is_refused_where_that_is_wanted() {
        let (code, why) = refusal(scaled(Method::PUT, "json", &scale(2), "Strict"));
        assert_eq!(code, 400, "{why}");
        assert!(why.ends_with("strict decoding error: unknown field \"spec.more\""), "{why}");
        for kind in ["merge-patch+json", "strategic-merge-patch+json"] {
            let (code, why) = refusal(scaled(Method::PATCH, kind, &scale(2), "Strict"));
            assert_eq!(code, 422, "{kind}: {why}");
            assert!(why.ends_with("strict decoding error: unknown field \"spec.more\""), "{why}");
        }
    }

    #[test]
    fn others_are_warned_whether_anything_changes_or_not() {
        for (replicas, kind, method) in [
            (2, "json", Method::PUT),
            (1, "json", Method::PUT),
            (2, "merge-patch+json", Method::PATCH),
            (1, "merge-patch+json", Method::PATCH),
        ] {
            let warnings = match scaled(method, kind, &scale(replicas), "Warn") {
                Decision::Commit(commit) => commit.answer.warnings,
                Decision::Respond(response) => response.warnings,
                other @ (Decision::Each(..)
                | Decision::Watch(_)
                | Decision::Node(_)
                | Decision::Proxy(_)) => panic!("{other:?}"),
            };
            assert_eq!(warnings, ["unknown field \"spec.more\""], "{replicas} {kind}");
        }
    }
}
