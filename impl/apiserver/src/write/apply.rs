//! PATCH with `application/apply-patch+yaml`: server-side apply, which makes the object if there is none.
//!
//! Source: `applyPatcher` in `handlers/patch.go` of apiserver, and `managedfields/internal` of
//! apimachinery (v1.36).

use api::decode;
use api::managed_fields::{
    Application, Applied, ApplyError, ManagedFields, conflict_status, keep_up_to_date,
};
use api::object::{at, metadata_mut, text};
use api::{ApiResource, Reason, Status};
use serde_json::{Value, json};

use crate::call::{Call, Decision};
use crate::write::body::{Body, FieldValidation};
use crate::write::owners::{self, Owners};
use crate::write::{Write, create, update};

/// Decides about an apply to an object or to its status.
pub(crate) fn apply(write: Write<'_>) -> Result<Decision, Status> {
    let manager = owners::manager(write.call);
    let (old, revision) = match write.current() {
        Ok(current) => current,
        Err(error) if error.reason == Reason::NotFound && write.target.subresource.is_empty() => {
            return apply_to_nothing(write, &manager);
        }
        Err(error) => return Err(error),
    };
    let live = match write.target.version {
        Some(version) => version.serve(&old),
        None => old.clone(),
    };
    let outcome = apply_to(write, write.target.served(), live, owners::of(&old), &manager)?;
    let Outcome { body: Body { object: new, warnings }, owners } = outcome;
    update::check_patched(write.target, &new, &old, revision)?;
    update::check_name(write.target, &new)?;
    update::replace(write, update::Replacement { new, old, revision, owners, warnings })
}

fn apply_to_nothing(write: Write<'_>, manager: &str) -> Result<Decision, Status> {
    let served = write.target.served();
    let nothing = json!({"apiVersion": served.api_version(), "kind": served.kind});
    let outcome = apply_to(write, served, nothing, ManagedFields::default(), manager)?;
    let Outcome { body: Body { object: mut new, warnings }, owners } = outcome;
    metadata_mut(&mut new).remove("resourceVersion");
    let uid = text(&new, &["metadata", "uid"]);
    if !uid.is_empty() {
        let why = format!(
            "uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        );
        return Err(Status::conflict(write.target.resource, write.target.name()?, &why));
    }
    update::check_name(write.target, &new)?;
    create::create_object(write, new, owners, warnings)
}

/// An object as it is after an apply.
pub(super) struct Outcome {
    /// In the version that is stored.
    pub(super) body: Body,
    pub(super) owners: Owners,
}

/// Applies the body of a request to an object, or to a part of it, of a served resource.
pub(super) fn apply_to(
    write: Write<'_>,
    served: &ApiResource,
    live: Value,
    managed: ManagedFields,
    manager: &str,
) -> Result<Outcome, Status> {
    let (config, duplicates) = config(write.call)?;
    check_config(served, &config)?;
    let live = owners::without_managed_fields(live);
    let application = Application { config: &config, manager, force: write.call.flag("force") };
    let Applied { object, managed } = owners::with_field_manager(write, |field_manager| {
        field_manager.apply(&live, managed, application)
    })
    .map_err(|error| refusal(&config, error))?;

    let mut new = match object {
        Some(object) => decoded(served, object, &config)?,
        None => live,
    };
    keep_up_to_date(&mut new, &config, manager);
    let warnings = judge(write.call, duplicates)?;
    let body = Body { object: new, warnings }.stored(write.target);
    Ok(Outcome { body, owners: Owners::Settled(managed.to_value()) })
}

/// What is applied, and why a strict reader would not take it.
fn config(call: &Call) -> Result<(Value, Vec<String>), Status> {
    let not_yaml =
        |error: &decode::DecodeError| Status::bad_request(format!("error decoding YAML: {error}"));
    let parsed = decode::parse_yaml(&call.body).map_err(|error| not_yaml(&error))?;
    let config = parsed.value;
    if !config.is_object() && !config.is_null() {
        let found = decode::go_name(&config);
        return Err(Status::bad_request(format!(
            "error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"
        )));
    }
    Ok((config, parsed.duplicates))
}

fn judge(call: &Call, duplicates: Vec<String>) -> Result<Vec<String>, Status> {
    match (FieldValidation::of(call), duplicates.first()) {
        (FieldValidation::Strict, Some(error)) => {
            let head = decode::YAML_ERRORS;
            Err(Status::bad_request(format!(
                "error strict decoding YAML: error converting YAML to JSON: {head}{error}"
            )))
        }
        (FieldValidation::Ignore, _) => Ok(vec![]),
        (FieldValidation::Warn | FieldValidation::Strict, _) => Ok(duplicates),
    }
}

/// What is applied says what it is, and nothing of who owns it.
fn check_config(served: &ApiResource, config: &Value) -> Result<(), Status> {
    let expected = (served.api_version(), served.kind);
    let (api_version, kind) = (text(config, &["apiVersion"]), text(config, &["kind"]));
    if (api_version, kind) != (expected.0.as_str(), expected.1) {
        return Err(Status::bad_request(format!("invalid object type: {}", type_name(config))));
    }
    match at(config, &["metadata", "managedFields"]) {
        None | Some(Value::Null) => Ok(()),
        Some(_) => Err(Status::bad_request("metadata.managedFields must be nil")),
    }
}

/// `apps/v1, Kind=Deployment`, as Go prints the type of an object.
fn type_name(object: &Value) -> String {
    let (api_version, kind) = (text(object, &["apiVersion"]), text(object, &["kind"]));
    let group = if api_version.contains('/') { "" } else { "/" };
    format!("{group}{api_version}, Kind={kind}")
}

fn object_name(object: &Value) -> String {
    let text = |field| text(object, &["metadata", field]);
    format!("{}/{}; {}", text("namespace"), text("name"), type_name(object))
}

fn refusal(config: &Value, error: ApplyError) -> Status {
    match error {
        ApplyError::Conflicts(conflicts) => conflict_status(&conflicts),
        ApplyError::Type(why) => Status::new(
            Reason::Unknown,
            format!("failed to create typed patch object ({}): {why}", object_name(config)),
        ),
    }
}

fn decoded(served: &ApiResource, object: Value, config: &Value) -> Result<Value, Status> {
    let cannot = |error: &dyn std::fmt::Display| {
        let what = object_name(config);
        let message = format!(
            "failed to convert new object ({what}) to proper version: unable to convert unstructured object to {}: {error}",
            type_name(config)
        );
        Status::new(Reason::Unknown, message)
    };
    Ok(decode::object(served, object).map_err(|error| cannot(&error))?.object)
}

#[cfg(test)]
mod tests;
