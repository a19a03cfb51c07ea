//! The kinds of `networking.k8s.io`.
//!
//! Source: `pkg/apis/networking/validation/validation.go` (v1.36). Leaves out what upstream lets pass on
//! updates because older versions stored it.

mod host;
mod ingress;
mod ingress_backend;
mod ingress_class;
mod ip_address;
mod network_policy;
mod service_cidr;

use api::object::{metadata_mut, text};
use api::status::Cause;
use api::{ApiResource, names};
use serde_json::{Value, json};

use super::fields::keep;
use super::rules::{self, NameRule};
use super::{ip, meta};

/// The group of these kinds.
pub(super) const GROUP: &str = "networking.k8s.io";
const WITH_STATUS: [&str; 2] = ["Ingress", "ServiceCIDR"];
const COUNTED: [&str; 3] = ["Ingress", "IngressClass", "NetworkPolicy"];

/// Fills in what the author of an object left out.
pub(super) fn apply_defaults(resource: &ApiResource, object: &mut Value) {
    match resource.kind {
        "IngressClass" => ingress_class::apply_defaults(object),
        "NetworkPolicy" => network_policy::apply_defaults(object),
        _ => {}
    }
}

/// Gives a new object its first status and generation.
pub(super) fn prepare_for_create(resource: &ApiResource, object: &mut Value) {
    match resource.kind {
        "Ingress" => object["status"] = json!({"loadBalancer": {}}),
        "ServiceCIDR" => object["status"] = json!({}),
        _ => {}
    }
    if COUNTED.contains(&resource.kind) {
        meta::set_generation(object, 1);
    } else {
        metadata_mut(object).remove("generation");
    }
}

/// Keeps the status and counts a change of the spec.
pub(super) fn prepare_for_update(resource: &ApiResource, new: &mut Value, old: &Value) {
    if WITH_STATUS.contains(&resource.kind) {
        keep(new, old, "status");
    }
    if COUNTED.contains(&resource.kind) {
        meta::count_spec_change(new, old);
    }
}

/// What a new object breaks.
pub(super) fn validate(resource: &ApiResource, object: &Value) -> Vec<Cause> {
    let name_rule: NameRule = match resource.kind {
        "IPAddress" => ip::canonical_ip_errors,
        _ => names::dns_subdomain,
    };
    let mut causes = meta::validate(object, resource.namespaced, name_rule);
    causes.extend(match resource.kind {
        "Ingress" => ingress::create_causes(object),
        "ServiceCIDR" => service_cidr::causes(object),
        _ => own_causes(resource, object),
    });
    causes
}

/// What an update breaks.
pub(super) fn validate_update(resource: &ApiResource, new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(own_causes(resource, new));
    match resource.kind {
        "IngressClass" => causes.extend(ingress_class::update_cause(new, old)),
        "IPAddress" => causes.extend(ip_address::update_cause(new, old)),
        "ServiceCIDR" => causes.extend(service_cidr::update_causes(new, old)),
        _ => {}
    }
    causes
}

/// What an update of the status breaks.
pub(super) fn validate_status_update(
    resource: &ApiResource,
    new: &Value,
    old: &Value,
) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    if resource.kind == "Ingress" {
        causes.extend(ingress::status_causes(new, old));
    }
    causes
}

/// What holds of new and changed objects alike.
fn own_causes(resource: &ApiResource, object: &Value) -> Vec<Cause> {
    match resource.kind {
        "Ingress" => ingress::causes(object),
        "IngressClass" => ingress_class::causes(object),
        "IPAddress" => ip_address::causes(object),
        "NetworkPolicy" => network_policy::causes(object),
        _ => vec![],
    }
}

/// What a part of a reference breaks that must be there and fit into a path.
fn segment_causes(path: &str, reference: &Value, field: &str) -> Vec<Cause> {
    let field_path = format!("{path}.{field}");
    match text(reference, &[field]) {
        "" => vec![Cause::required(field_path, "")],
        segment => rules::named(&field_path, segment, names::path_segment),
    }
}

#[cfg(test)]
mod tests;
