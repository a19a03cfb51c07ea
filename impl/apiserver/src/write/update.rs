//! PUT: an object replaces itself, if nobody else was faster.

use api::object::{at, metadata_mut, text};
use api::status::Cause;
use api::{ApiResource, Status, resources};
use serde_json::{Value, json};
use store::{Operation, Range, Revision, Transaction};

use crate::call::Decision;
use crate::route::Objects;
use crate::write::allocation;
use crate::write::beside::Beside;
use crate::write::owners::{self, Owners};
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
            return create::create_object(write, new, Owners::Writer, warnings);
        }
        current => current?,
    };
    check_preconditions(write.target, &new, &old, revision)?;
    check_conditional(write.target, &new)?;
    replace(write, Replacement { new, old, revision, owners: Owners::Writer, warnings })
}

/// An object on its way into the store, and the one that it replaces.
pub(super) struct Replacement {
    /// What a client made of it.
    pub(super) new: Value,
    /// As it is stored.
    pub(super) old: Value,
    /// Since when.
    pub(super) revision: Revision,
    /// Who owns its fields.
    pub(super) owners: Owners,
    /// What the client should be warned of.
    pub(super) warnings: Vec<String>,
}

/// Stores what an update or a patch makes of an object.
pub(super) fn replace(write: Write<'_>, replacement: Replacement) -> Result<Decision, Status> {
    let Replacement { mut new, old, revision, owners, mut warnings } = replacement;
    let resource = write.target.resource;
    let name = write.target.name()?;
    create::set_type(resource, &mut new);
    strategy::apply_defaults(resource, &mut new);
    strategy::gates::apply_defaults(resource, &mut new, &write.context.feature_gates);
    strategy::apply_default_times(resource, &mut new, write.context.now);
    owners.record(write, &mut new, &old);
    admission::mutate_update(write, &mut new, &old);
    let managed = owners::take(&mut new);
    keep_system_metadata(&mut new, &old);
    // As the old one is, so that what is the same looks the same.
    let mut new = object::explicit(resource, new);
    let allocated = create::allocate(write, &mut new, Some(&old))?;
    let mut causes = prepare_and_validate(write, &mut new, &old);
    if let Some(version) = write.target.version {
        causes.extend(strategy::validate_served_update(version.served, &new, &old));
    }
    if !causes.is_empty() {
        return Err(Status::invalid(resource, name, causes));
    }
    // Some kinds keep all of the old metadata, but never who owns what.
    owners::put(&mut new, managed);
    let charged = admission::validate_update(write, &new, &old)?;
    if write.target.subresource.is_empty() {
        warnings.extend(strategy::update_warnings(resource, &new, &old));
    }
    let new = object::explicit(resource, new);
    store_update(write, (new, &old), revision, warnings, allocated.and(charged))
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
        "finalize" => {
            strategy::prepare_for_finalize_update(new, old);
            strategy::validate_finalize_update(new, old)
        }
        "approval" => {
            strategy::prepare_for_approval_update(new, old);
            strategy::set_times(resource, new, old, &now);
            strategy::validate_approval_update(new, old)
        }
        "ephemeralcontainers" => {
            strategy::ephemeral::prepare_for_update(new, old);
            strategy::ephemeral::validate_update(new, old)
        }
        "resize" => {
            strategy::resize::prepare_for_update(new, old);
            strategy::resize::validate_update(new, old)
        }
        _ => {
            let gates = &write.context.feature_gates;
            strategy::gates::drop_disabled_fields(resource, (&mut *new, old), gates);
            strategy::prepare_for_update(resource, new, old);
            strategy::validate_update(resource, new, old)
        }
    }
}

fn store_update(
    write: Write<'_>,
    (mut new, old): (Value, &Value),
    revision: Revision,
    warnings: Vec<String>,
    mut beside: Beside,
) -> Result<Decision, Status> {
    let resource = write.target.resource;
    owners::keep_times(&mut new, old);
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
        beside = release(write, old);
    }
    write.finish(Ready { transaction, beside, object: new, action, code: 200, warnings })
}

/// What an object gives back that goes. Only Services do.
pub(super) fn release(write: Write<'_>, old: &Value) -> Beside {
    if write.target.resource == &resources::SERVICES {
        allocation::release(write, old)
    } else {
        Beside::default()
    }
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

pub(super) fn check_name(target: &Objects, new: &Value) -> Result<(), Status> {
    let (given, name) = (text(new, &["metadata", "name"]), target.name()?);
    if given == name {
        return Ok(());
    }
    if given.is_empty() {
        return Err(nameless(name));
    }
    Err(Status::bad_request(format!(
        "the name of the object ({given}) does not match the name on the URL ({name})"
    )))
}

/// 400: what is sent does not say which object it is.
pub(super) fn nameless(name: &str) -> Status {
    Status::bad_request(format!(
        "the name of the object ({name} based on URL) was undeterminable: name must be provided"
    ))
}

/// Some kinds must be sent back with the revision that was read.
fn check_conditional(target: &Objects, new: &Value) -> Result<(), Status> {
    let asked = text(new, &["metadata", "resourceVersion"]);
    if !asked.is_empty() || strategy::allow_unconditional_update(target.resource) {
        return Ok(());
    }
    let rule = "must be specified for an update";
    let cause = Cause::invalid("metadata.resourceVersion", &json!(0), rule);
    // Upstream names the resource here, where elsewhere it names the kind (registry/rest/update.go, v1.36).
    let (resource, name) = (target.resource, target.name()?);
    let message = format!("{} \"{name}\" is invalid: {cause}", resource.qualified());
    let status = Status::invalid(resource, name, vec![cause]);
    Err(Status { kind: resource.plural.to_owned(), message, ..status })
}

/// The revision and uid that a client sends back must be the current ones.
pub(super) fn check_preconditions(
    target: &Objects,
    new: &Value,
    old: &Value,
    revision: Revision,
) -> Result<(), Status> {
    let uid = text(new, &["metadata", "uid"]);
    if !uid.is_empty() && uid != read::uid(old) {
        return Err(uid_conflict(target.resource, target.name()?, uid, read::uid(old)));
    }
    check_revision(target, new, revision)
}

/// The same of what a patch makes of an object, which may not touch the uid.
pub(super) fn check_patched(
    target: &Objects,
    new: &Value,
    old: &Value,
    revision: Revision,
) -> Result<(), Status> {
    check_revision(target, new, revision)?;
    let uid = text(new, &["metadata", "uid"]);
    if uid.is_empty() || uid == read::uid(old) {
        return Ok(());
    }
    let cause = Cause::invalid("metadata.uid", &json!(uid), "field is immutable");
    Err(Status::invalid(target.resource, target.name()?, vec![cause]))
}

fn check_revision(target: &Objects, new: &Value, revision: Revision) -> Result<(), Status> {
    let asked = text(new, &["metadata", "resourceVersion"]);
    if asked.is_empty() || asked == "0" || asked == revision.to_string() {
        return Ok(());
    }
    Err(Status::conflict(target.resource, target.name()?, MODIFIED))
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
