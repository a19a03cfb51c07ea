//! POST: a new object.

use api::managed_fields::type_only;
use api::object::{metadata_mut, text};
use api::{ApiResource, Status, resources};
use serde_json::{Value, json};
use store::Transaction;

use crate::call::{Context, Decision};
use crate::write::allocation;
use crate::write::beside::Beside;
use crate::write::owners::Owners;
use crate::write::{Ready, Write, body};
use crate::{admission, object, strategy};

/// How long a generated name may be before its suffix.
/// Source: apiserver/pkg/storage/names/generate.go, v1.36.
const GENERATED_NAME_BASE_MAX: usize = 58;

/// Letters and digits that make no words. Source: apimachinery/pkg/util/rand, v1.36.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// Decides about a creation.
pub(crate) fn create(write: Write<'_>) -> Result<Decision, Status> {
    let body::Body { object, warnings } = body::object(write.call, write.target)?;
    create_object(write, object, Owners::Writer, warnings)
}

/// Stores a new object.
pub(super) fn create_object(
    write: Write<'_>,
    mut new: Value,
    owners: Owners,
    mut warnings: Vec<String>,
) -> Result<Decision, Status> {
    let Write { store, target, context, .. } = write;
    set_namespace(write, &mut new)?;
    set_type(target.resource, &mut new);
    let has_name = !text(&new, &["metadata", "name"]).is_empty();
    begin_metadata(&mut new, context)?;
    strategy::apply_defaults(target.resource, &mut new);
    strategy::gates::apply_defaults(target.resource, &mut new, &context.feature_gates);
    strategy::apply_default_times(target.resource, &mut new, context.now);
    let nothing = type_only(&new);
    owners.record(write, &mut new, &nothing);
    let name = text(&new, &["metadata", "name"]).to_owned();
    let asked = if has_name { "name" } else { "generateName" };
    let asked = text(&new, &["metadata", asked]).to_owned();
    admission::mutate_create(write, &asked, &mut new)?;
    let allocated = allocate(write, &mut new, None)?;
    let gates = &context.feature_gates;
    strategy::gates::drop_disabled_fields(target.resource, (&mut new, &Value::Null), gates);
    strategy::prepare_for_create(target.resource, &mut new);
    if target.resource == &resources::CERTIFICATE_SIGNING_REQUESTS {
        strategy::set_requestor(&mut new, &write.call.user.info());
    }
    strategy::set_first_conditions(target.resource, &mut new, &json!(api::time::text(context.now)));
    let mut causes = strategy::validate(target.resource, &new);
    if let Some(version) = target.version {
        causes.extend(strategy::validate_served(version.served, &new));
    }
    if !causes.is_empty() {
        return Err(Status::invalid(target.resource, &name, causes));
    }
    let charged = admission::validate_create(write, &name, &new)?;
    warnings.extend(strategy::warnings(target.resource, &new));
    let key = write.key(&name);
    if store.get(&key).is_some() {
        return Err(Status::already_exists(target.resource, &name));
    }
    let new = object::explicit(target.resource, new);
    let transaction = Transaction::create(key, object::encode(target.resource, &new));
    let beside = allocated.and(charged);
    write.finish(Ready { transaction, beside, object: new, action: "create", code: 201, warnings })
}

/// What an object needs that there is only once. Only Services do.
pub(super) fn allocate(
    write: Write<'_>,
    new: &mut Value,
    old: Option<&Value>,
) -> Result<Beside, Status> {
    if write.target.resource == &resources::SERVICES && write.target.subresource.is_empty() {
        allocation::allocate(write, new, old)
    } else {
        Ok(Beside::default())
    }
}

/// The namespace of an object is that of the path.
pub(super) fn set_namespace(write: Write<'_>, new: &mut Value) -> Result<(), Status> {
    let given = text(new, &["metadata", "namespace"]).to_owned();
    let resource = write.target.resource;
    match &write.target.namespace {
        Some(namespace) if given.is_empty() || given == *namespace => {
            metadata_mut(new).insert("namespace".to_owned(), json!(namespace));
            Ok(())
        }
        Some(_) => Err(Status::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        )),
        None if resource.namespaced => Err(Status::method_not_allowed()),
        None => {
            metadata_mut(new).remove("namespace");
            Ok(())
        }
    }
}

/// An object says what it is, even when its sender did not.
pub(super) fn set_type(resource: &ApiResource, new: &mut Value) {
    new["apiVersion"] = json!(resource.api_version());
    new["kind"] = json!(resource.kind);
}

fn begin_metadata(new: &mut Value, context: &Context) -> Result<(), Status> {
    let metadata = metadata_mut(new);
    if metadata.get("resourceVersion").and_then(Value::as_str).is_some_and(|text| !text.is_empty())
    {
        return Err(Status::bad_request(
            "resourceVersion should not be set on objects to be created",
        ));
    }
    for field in [
        "resourceVersion",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
        "generation",
    ] {
        metadata.remove(field);
    }
    let base = metadata.get("generateName").and_then(Value::as_str).unwrap_or_default().to_owned();
    let has_name =
        metadata.get("name").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
    if !has_name && !base.is_empty() {
        metadata.insert("name".to_owned(), json!(generate_name(&base, context.random)));
    }
    metadata.insert("uid".to_owned(), json!(context.uid));
    metadata.insert("creationTimestamp".to_owned(), json!(api::time::text(context.now)));
    Ok(())
}

/// A name that begins as it is told and ends in five letters by chance.
pub(crate) fn generate_name(base: &str, mut random: u64) -> String {
    let base: String = base.chars().take(GENERATED_NAME_BASE_MAX).collect();
    let suffix = (0..5).map(|_| {
        let letter = ALPHABET[(random % 27) as usize];
        random /= 27;
        char::from(letter)
    });
    base.chars().chain(suffix).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_name_fits_a_label() {
        let name = generate_name(&"a".repeat(80), u64::MAX);

        assert_eq!(name.len(), 63);
        assert_eq!(generate_name("web-", 0), "web-bbbbb");
    }
}
