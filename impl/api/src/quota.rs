//! What objects use of a ResourceQuota: how much of which resource, and under which scopes they are.
//!
//! The API server holds new objects against it, and a controller counts those that are there.
//! Source: `pkg/quota/v1/evaluator/core` and `pkg/quota/v1/generic` of apiserver (v1.36).

pub mod claims;
mod devices;
pub mod pods;
mod scope;
mod services;

use jiff::Timestamp;
use serde_json::Value;

use crate::amounts::Amounts;
use crate::kind::{ApiResource, resources};
use crate::quantity::Quantity;

pub use devices::Neighbours;
pub use scope::{Scope, scopes};

/// Kinds whose number has a second name, which is that of the resource.
static ALIASED: [&ApiResource; 4] = [
    &resources::CONFIG_MAPS,
    &resources::RESOURCE_QUOTAS,
    &resources::REPLICATION_CONTROLLERS,
    &resources::SECRETS,
];

/// Whether objects of a resource use anything that quotas limit.
pub fn is_counted(resource: &ApiResource) -> bool {
    resource.namespaced && resource.is_stored && resource != &resources::EVENTS
}

/// Whether objects of a resource use what a quota limits by this name.
pub fn limits(name: &str, resource: &ApiResource) -> bool {
    if !is_counted(resource) {
        return false;
    }
    let is_number = name.strip_prefix("count/").is_some_and(|of| of == resource.qualified());
    is_number || limits_more(name, resource)
}

fn limits_more(name: &str, resource: &ApiResource) -> bool {
    if resource == &resources::PODS {
        pods::uses(name)
    } else if resource == &resources::SERVICES {
        services::uses(name)
    } else if resource == &resources::PERSISTENT_VOLUME_CLAIMS {
        claims::uses(name)
    } else if resource == &resources::RESOURCE_CLAIMS {
        devices::uses(name)
    } else {
        ALIASED.contains(&resource) && name == resource.plural
    }
}

/// What an object uses among its neighbours.
pub fn usage(
    resource: &ApiResource,
    object: &Value,
    neighbours: &dyn Neighbours,
    now: Timestamp,
) -> Amounts {
    let mut usage = Amounts::from([(format!("count/{}", resource.qualified()), count(1))]);
    if resource == &resources::PODS {
        usage.extend(pods::usage(object, now));
    } else if resource == &resources::SERVICES {
        usage.extend(services::usage(object));
    } else if resource == &resources::PERSISTENT_VOLUME_CLAIMS {
        usage.extend(claims::usage(object));
    } else if resource == &resources::RESOURCE_CLAIMS {
        usage.extend(devices::usage(object, neighbours, now));
    } else if ALIASED.contains(&resource) {
        usage.insert(resource.plural.to_owned(), count(1));
    }
    usage
}

/// So many.
fn count(number: i64) -> Quantity {
    Quantity::from_milli(number.saturating_mul(1000))
}

#[cfg(test)]
mod tests;
