//! PUT: an object replaces itself, if nobody else was faster.

use api::object::{at, metadata_mut, text};
use api::status::Cause;
use api::{ApiResource, Status, resources};
use serde_json::{Value, json};
use store::{Operation, Range, Revision, Transaction};

use crate::call::Decision;
use crate::route::Objects;
use crate::write::{Ready, Write, body, create};
use crate::{admission, object, read, strategy};

/// What another writer's success means for this one.
const MODIFIED: &str =
    "the object has been modified; please apply your changes to the latest version and try again";

/// Decides about an update of an object or of its status.
pub(crate) fn update(write: Write<'_>) -> Result<Decision, Status> {
    let resource = write.target.resource;
    let body::Body { object: mut new, warnings } = body::object(write.call, write.target)?;
    create::set_namespace(write, &mut new)?;
    check_name(write.target, &new)?;
    let is_plain = write.target.subresource.is_empty();
    let (old, revision) = match write.current() {
        Err(_) if is_plain && strategy::allow_create_on_update(resource) => {
            return create::create_object(write, new, warnings);
        }
        current => current?,
    };
    check_preconditions(write.target, &new, &old, revision)?;
    check_conditional(write.target, &new)?;
    replace(write, new, old, revision, warnings)
}

/// Stores what an update or a patch makes of an object.
pub(super) fn replace(
    write: Write<'_>,
    mut new: Value,
    old: Value,
    revision: Revision,
    warnings: Vec<String>,
) -> Result<Decision, Status> {
    let resource = write.target.resource;
    let name = write.target.name()?;
    create::set_type(resource, &mut new);
    keep_system_metadata(&mut new, &old);
    strategy::apply_defaults(resource, &mut new);
    admission::mutate_update(write.target, &mut new, &old);
    let mut causes = prepare_and_validate(write, &mut new, &old);
    if let Some(version) = write.target.version {
        causes.extend(strategy::validate_served_update(version.served, &new, &old));
    }
    if !causes.is_empty() {
        return Err(Status::invalid(resource, name, causes));
    }
    admission::validate_update(write.store, write.target, &new, &old)?;
    store_update(write, new, &old, revision, warnings)
}

/// What the new object breaks, once what this path cannot change is as it was.
fn prepare_and_validate(write: Write<'_>, new: &mut Value, old: &Value) -> Vec<Cause> {
    let resource = write.target.resource;
    let now = json!(api::time::text(write.context.now));
    match write.target.subresource {
        "status" => {
            strategy::prepare_for_status_update(resource, new, old);
            strategy::set_times(resource, new, old, &now);
            strategy::validate_status_update(resource, new, old)
        }
        "approval" => {
            strategy::prepare_for_approval_update(new, old);
            strategy::set_times(resource, new, old, &now);
            strategy::validate_approval_update(new, old)
        }
        _ => {
            strategy::prepare_for_update(resource, new, old);
            strategy::validate_update(resource, new, old)
        }
    }
}

fn store_update(
    write: Write<'_>,
    new: Value,
    old: &Value,
    revision: Revision,
    warnings: Vec<String>,
) -> Result<Decision, Status> {
    let resource = write.target.resource;
    let key = write.key(write.target.name()?);
    let (before, after) = (object::encode(resource, old), object::encode(resource, &new));
    if before == after {
        let format = crate::negotiate::format(write.call, write.target)?;
        return Ok(write.unchanged(&object::with_revision(new, revision), 200, format, warnings));
    }
    let mut transaction = Transaction::update(key.clone(), revision, after);
    let mut action = match write.target.subresource {
        "status" => "update-status",
        _ => "update",
    };
    if is_finished(resource, &new) {
        transaction.success = vec![Operation::Delete(Range::Key(key))];
        action = "delete";
    }
    write.finish(Ready { transaction, object: new, action, code: 200, warnings })
}

/// A deleted object goes when its last finalizer does.
fn is_finished(resource: &ApiResource, object: &Value) -> bool {
    let empty = |path: &[&str]| {
        at(object, path).and_then(Value::as_array).is_none_or(|list| list.is_empty())
    };
    let grace = at(object, &["metadata", "deletionGracePeriodSeconds"]).and_then(Value::as_i64);
    at(object, &["metadata", "deletionTimestamp"]).is_some()
        && empty(&["metadata", "finalizers"])
        && grace.unwrap_or(0) == 0
        && (resource != &resources::NAMESPACES || empty(&["spec", "finalizers"]))
}

/// PUT of `namespaces/NAME/finalize`: only `spec.finalizers` changes.
pub(crate) fn finalize(write: Write<'_>) -> Result<Decision, Status> {
    let body::Body { object: asked, warnings } = body::object(write.call, write.target)?;
    check_name(write.target, &asked)?;
    let (old, revision) = write.current()?;
    check_preconditions(write.target, &asked, &old, revision)?;
    let mut new = old.clone();
    let finalizers = at(&asked, &["spec", "finalizers"]).cloned().unwrap_or_else(|| json!([]));
    api::object::object_at_mut(&mut new, "spec").insert("finalizers".to_owned(), finalizers);
    store_update(write, new, &old, revision, warnings)
}

fn check_name(target: &Objects, new: &Value) -> Result<(), Status> {
    let (given, name) = (text(new, &["metadata", "name"]), target.name()?);
    if given == name {
        return Ok(());
    }
    Err(Status::bad_request(format!(
        "the name of the object ({given}) does not match the name on the URL ({name})"
    )))
}

/// Some kinds must be sent back with the revision that was read.
fn check_conditional(target: &Objects, new: &Value) -> Result<(), Status> {
    let asked = text(new, &["metadata", "resourceVersion"]);
    if !asked.is_empty() || strategy::allow_unconditional_update(target.resource) {
        return Ok(());
    }
    let rule = "must be specified for an update";
    let cause = Cause::invalid("metadata.resourceVersion", &json!(0), rule);
    let resource = target.resource;
    let mut status = Status::invalid(resource, target.name()?, vec![cause]);
    // Upstream has the resource here, not its kind (apiserver/pkg/registry/generic/registry/store.go, v1.36).
    status.kind = resource.plural.to_owned();
    status.message = status.message.replacen(resource.kind, resource.plural, 1);
    Err(status)
}

/// The revision and uid that a client sends back must be the current ones.
pub(super) fn check_preconditions(
    target: &Objects,
    new: &Value,
    old: &Value,
    revision: Revision,
) -> Result<(), Status> {
    let name = target.name()?;
    let asked = text(new, &["metadata", "resourceVersion"]);
    let uid = text(new, &["metadata", "uid"]);
    if !uid.is_empty() && uid != read::uid(old) {
        return Err(uid_conflict(target.resource, name, uid, read::uid(old)));
    }
    if !asked.is_empty() && asked != "0" && asked != revision.to_string() {
        return Err(Status::conflict(target.resource, name, MODIFIED));
    }
    Ok(())
}

/// 409: the object with this name is another one by now.
pub(super) fn uid_conflict(resource: &ApiResource, name: &str, asked: &str, found: &str) -> Status {
    let why =
        format!("Precondition failed: UID in precondition: {asked}, UID in object meta: {found}");
    Status::conflict(resource, name, &why)
}

/// What no client may change.
fn keep_system_metadata(new: &mut Value, old: &Value) {
    let metadata = metadata_mut(new);
    metadata.remove("managedFields");
    metadata.remove("selfLink");
    for field in [
        "uid",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generation",
        "resourceVersion",
        "generateName",
    ] {
        match at(old, &["metadata", field]) {
            Some(value) => metadata.insert(field.to_owned(), value.clone()),
            None => metadata.remove(field),
        };
    }
}

#[cfg(test)]
mod tests;
