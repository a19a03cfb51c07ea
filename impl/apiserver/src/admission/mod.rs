//! Rules across objects: what a write is given because of others, and why it is refused because of others.
//!
//! One file for each of upstream's plugins, called in upstream's order.
//! Source: Kubernetes documentation, "Admission controllers"; pkg/kubeapiserver/options/plugins.go, v1.36.

mod claim_resize;
mod constraint;
mod default_class;
mod default_toleration_seconds;
mod limit_ranger;
mod namespace_lifecycle;
mod pod_resize;
mod priority;
mod resource_quota;
mod runtime_class;
mod service_account;
mod storage_protection;

use api::{Status, resources};
use serde_json::Value;
use store::Store;

use crate::route::Objects;
use crate::write::Write;
use crate::write::beside::Beside;
use crate::{keys, object};

/// A new or changed object, and what it is admitted beside.
#[derive(Clone, Copy, Debug)]
struct Admission<'a> {
    store: &'a Store,
    target: &'a Objects,
    name: &'a str,
}

impl Admission<'_> {
    /// 403.
    fn forbidden(&self, why: &str) -> Status {
        Status::forbidden(self.target.resource, self.name, why)
    }

    /// Another object.
    fn find(
        &self,
        resource: &api::ApiResource,
        namespace: Option<&str>,
        name: &str,
    ) -> Option<Value> {
        self.store.get(&keys::key(resource, namespace, name)).map(|found| object::decode(found))
    }

    /// All others of a namespace, or of the cluster.
    fn all(&self, resource: &api::ApiResource, namespace: Option<&str>) -> Vec<Value> {
        let range = keys::range(resource, namespace);
        self.store.range(&range).map(|found| object::decode(found)).collect()
    }
}

/// Completes an object that is to come into being, before its kind's own rules are asked. A refusal calls it
/// by the name that was asked for.
pub(crate) fn mutate_create(
    write: Write<'_>,
    name: &str,
    object: &mut Value,
) -> Result<(), Status> {
    let Write { store, target, context, .. } = write;
    let admission = Admission { store, target, name };
    namespace_lifecycle::admit(admission)?;
    let resource = target.resource;
    if resource == &resources::PODS {
        limit_ranger::fill_in(admission, object);
        service_account::admit(admission, object, context.random)?;
        priority::resolve(admission, object)?;
        default_toleration_seconds::fill_in(object, context.default_toleration_seconds);
        runtime_class::apply(admission, object)?;
    } else if resource == &resources::PERSISTENT_VOLUME_CLAIMS {
        default_class::of_claim(admission, object);
        storage_protection::protect_claim(object);
    } else if resource == &resources::PERSISTENT_VOLUMES {
        storage_protection::protect_volume(object);
    } else if resource == &resources::INGRESSES {
        default_class::of_ingress(admission, object);
    }
    Ok(())
}

/// Whether something may be made of an object that is there: a binding, an eviction, a token.
pub(crate) fn admit_subresource(write: Write<'_>) -> Result<(), Status> {
    let Write { store, target, .. } = write;
    namespace_lifecycle::admit(Admission { store, target, name: target.name()? })
}

/// Judges an object that is to come into being, as it would be stored, and says what it uses of quotas.
pub(crate) fn validate_create(
    write: Write<'_>,
    name: &str,
    object: &Value,
) -> Result<Beside, Status> {
    let Write { store, target, context, .. } = write;
    let admission = Admission { store, target, name };
    let resource = target.resource;
    if resource == &resources::PODS {
        limit_ranger::validate_pod(admission, object)?;
        runtime_class::validate(admission, object)?;
    } else if resource == &resources::PERSISTENT_VOLUME_CLAIMS {
        limit_ranger::validate_claim(admission, object)?;
    } else if resource == &resources::PRIORITY_CLASSES {
        priority::validate_class(admission, object)?;
    }
    resource_quota::charge(admission, object, None, context.now)
}

/// Completes an object that is to change.
pub(crate) fn mutate_update(write: Write<'_>, new: &mut Value, old: &Value) {
    let Write { target, context, .. } = write;
    if target.resource == &resources::PODS && target.subresource.is_empty() {
        priority::keep(new, old);
        default_toleration_seconds::fill_in(new, context.default_toleration_seconds);
    }
}

/// Judges a change of an object, and says what more it uses of quotas.
pub(crate) fn validate_update(
    write: Write<'_>,
    new: &Value,
    old: &Value,
) -> Result<Beside, Status> {
    let Write { store, target, context, .. } = write;
    let admission = Admission { store, target, name: target.name()? };
    let is_plain = target.subresource.is_empty();
    if is_plain && target.resource == &resources::PERSISTENT_VOLUME_CLAIMS {
        limit_ranger::validate_claim_update(admission, new, old)?;
        claim_resize::validate(admission, new, old)?;
    } else if is_plain && target.resource == &resources::PRIORITY_CLASSES {
        priority::validate_class(admission, new)?;
    }
    if target.resource == &resources::PODS && target.subresource == "resize" {
        pod_resize::validate(admission, new, old)?;
    }
    if target.resource == &resources::PODS && target.subresource == "ephemeralcontainers" {
        service_account::admit_ephemeral(admission, new)?;
    }
    resource_quota::charge(admission, new, Some(old), context.now)
}

/// Whether an object may be deleted.
pub(crate) fn admit_delete(target: &Objects, name: &str) -> Result<(), Status> {
    namespace_lifecycle::admit_delete(target, name)
}

#[cfg(test)]
mod tests;
