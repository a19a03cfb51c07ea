//! What a Service is given of what there is only once: cluster IPs and node ports.
//!
//! Each is a key in the store that is written in the same transaction as the Service, and must not be there
//! before: nothing is given twice, nothing is lost by a crash, and there is nothing to repair.
//! Source: pkg/registry/core/service/storage/alloc.go, v1.36, which repairs what it keeps beside Services.

mod addresses;
mod ports;

use api::Status;
use serde_json::Value;

use crate::strategy;
use crate::write::Write;
use crate::write::beside::Beside;

/// Gives a new Service, or one that `old` becomes, what it asks for and what it needs.
pub(super) fn allocate(
    write: Write<'_>,
    new: &mut Value,
    old: Option<&Value>,
) -> Result<Beside, Status> {
    if let Some(old) = old {
        strategy::restore_allocated(new, old);
    }
    strategy::link_cluster_ips(new, old);
    let causes = strategy::init_families(new, old);
    if !causes.is_empty() {
        return Err(invalid(write, new, causes));
    }
    let mut allocated = Beside::default();
    addresses::allocate(write, new, old, &mut allocated)?;
    ports::allocate(write, new, old, &mut allocated)?;
    Ok(allocated)
}

/// Takes back what a Service has that goes.
pub(super) fn release(write: Write<'_>, old: &Value) -> Beside {
    let mut allocated = Beside::default();
    addresses::release(write, old, &addresses::of(old), &mut allocated);
    ports::release(write, old, &ports::of(old), &mut allocated);
    allocated
}

fn invalid(write: Write<'_>, service: &Value, causes: Vec<api::status::Cause>) -> Status {
    let name = api::object::text(service, &["metadata", "name"]);
    Status::invalid(write.target.resource, name, causes)
}

#[cfg(test)]
mod tests;
