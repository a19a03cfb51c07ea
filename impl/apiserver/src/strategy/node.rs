//! Nodes.
//!
//! Source: `pkg/registry/core/node/strategy.go`, `ValidateNode` and `ValidateNodeUpdate` (v1.36). Left
//! out: the kubelet's configuration by ConfigMap.

use std::collections::BTreeSet;

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{Fields, entries, is_unset, items, keep};
use super::ip::{self, Cidr};
use super::rules::named;
use super::{meta, resources, toleration};

/// Makes `podCIDR` and `podCIDRs` agree, and all capacity allocatable where nothing else is said.
pub(super) fn apply_defaults(node: &mut Value) {
    pod_cidr_defaults(api::object::object_at_mut(node, "spec"));
    let status = api::object::object_at_mut(node, "status");
    for list in ["capacity", "allocatable"] {
        resources::canonicalize(status, list);
    }
    let unset = status.get("allocatable").is_none_or(Value::is_null);
    if let Some(capacity) = status.get("capacity").filter(|_| unset).cloned() {
        status.insert("allocatable".to_owned(), capacity);
    }
}

/// Keeps the status that a kubelet sends with its first request.
pub(super) fn prepare_for_create(node: &mut Value) {
    api::object::object_at_mut(node, "spec").remove("configSource");
    api::object::object_at_mut(node, "status").remove("config");
}

/// Keeps the status.
pub(super) fn prepare_for_update(new: &mut Value, old: &Value) {
    keep(new, old, "status");
}

/// Keeps the spec.
pub(super) fn prepare_for_status_update(new: &mut Value, old: &Value) {
    keep(new, old, "spec");
}

/// What a new node breaks.
pub(super) fn validate(node: &Value) -> Vec<Cause> {
    let mut causes = common_causes(node);
    causes.extend(cidr_causes(items(node, &["spec", "podCIDRs"])));
    causes
}

fn common_causes(node: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(node, false, names::dns_subdomain);
    // Upstream gives taints a path below the metadata (v1.36, `ValidateNode`).
    causes.extend(toleration::taint_causes("metadata.taints", items(node, &["spec", "taints"])));
    for list in ["capacity", "allocatable"] {
        for (name, quantity) in entries(node, &["status", list]) {
            let field = format!("status.{list}.{name}");
            causes.extend(resources::quantity_causes(&field, name, quantity));
        }
    }
    causes
}

/// What an update of a node or of its status breaks.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = common_causes(new);
    causes.extend(meta::validate_update(new, old));
    causes.extend(duplicate_addresses(items(new, &["status", "addresses"])));
    let old_cidrs = items(old, &["spec", "podCIDRs"]);
    if !old_cidrs.is_empty() && old_cidrs != items(new, &["spec", "podCIDRs"]) {
        let rule = "node updates may not change podCIDR except from \"\" to valid";
        causes.push(Cause::forbidden("spec.podCIDRs", rule));
    }
    let (provider, old_provider) = (provider_id(new), provider_id(old));
    if !old_provider.is_empty() && provider != old_provider {
        let rule = "node updates may not change providerID except from \"\" to valid";
        causes.push(Cause::forbidden("spec.providerID", rule));
    }
    causes
}

/// A node has one block of addresses for its pods, or one of each family.
fn cidr_causes(cidrs: &[Value]) -> Vec<Cause> {
    let field = "spec.podCIDRs";
    let each = |(index, cidr): (usize, &Value)| {
        named(&format!("{field}[{index}]"), text(cidr, &[]), ip::cidr_errors)
    };
    let mut causes: Vec<Cause> = cidrs.iter().enumerate().flat_map(each).collect();
    let families: BTreeSet<Option<bool>> =
        cidrs.iter().map(|cidr| Cidr::parse(text(cidr, &[])).map(|cidr| cidr.is_ipv6())).collect();
    let is_dual = cidrs.len() == 2 && families.len() == 2 && !families.contains(&None);
    if cidrs.len() > 1 && !is_dual {
        let rule = "may specify no more than one CIDR for each IP family";
        causes.push(Cause::invalid(field, &json!(cidrs), rule));
    }
    causes
}

fn provider_id(node: &Value) -> &str {
    text(node, &["spec", "providerID"])
}

fn pod_cidr_defaults(spec: &mut Fields) {
    let single = spec.get("podCIDR").and_then(Value::as_str).unwrap_or_default().to_owned();
    let first = spec.get("podCIDRs").and_then(|cidrs| cidrs.get(0));
    let first = first.and_then(Value::as_str).unwrap_or_default().to_owned();
    if !single.is_empty() && single != first {
        spec.insert("podCIDRs".to_owned(), json!([single]));
    } else if is_unset(spec.get("podCIDR")) && !first.is_empty() {
        spec.insert("podCIDR".to_owned(), json!(first));
    }
}

fn duplicate_addresses(addresses: &[Value]) -> Vec<Cause> {
    let repeated = addresses
        .iter()
        .enumerate()
        .filter(|(index, address)| addresses[..*index].contains(address));
    let cause = |(index, address): (usize, &Value)| {
        Cause::duplicate(format!("status.addresses[{index}]"), address)
    };
    repeated.map(cause).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_capacity_is_allocatable_and_written_in_one_way() {
        let mut node = json!({"metadata": {"name": "n"}, "status": {"capacity": {"cpu": "2000m"}}});

        apply_defaults(&mut node);

        assert_eq!(node["status"], json!({"capacity": {"cpu": "2"}, "allocatable": {"cpu": "2"}}));
    }

    #[test]
    fn the_first_pod_cidr_has_a_field_of_its_own() {
        let mut one = json!({"spec": {"podCIDR": "10.0.0.0/24"}});
        let mut many = json!({"spec": {"podCIDRs": ["10.0.0.0/24"]}});

        apply_defaults(&mut one);
        apply_defaults(&mut many);

        assert_eq!(one, many);
    }

    #[test]
    fn a_new_node_has_a_block_of_each_family() {
        let table = [
            (json!(["10.0.0.0/24"]), ""),
            (json!(["10.0.0.0/24", "2001:db8::/64"]), ""),
            (
                json!(["10.0.0.0"]),
                "spec.podCIDRs[0]: Invalid value: \"10.0.0.0\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
            ),
            (
                json!(["10.0.0.0/24", "10.0.1.0/24"]),
                "spec.podCIDRs: Invalid value: [\"10.0.0.0/24\",\"10.0.1.0/24\"]: may specify no more than one CIDR for each IP family",
            ),
        ];
        for (cidrs, expected) in table {
            let node = json!({"metadata": {"name": "n"}, "spec": {"podCIDRs": cidrs}});
            let told: Vec<String> = validate(&node).iter().map(ToString::to_string).collect();
            assert_eq!(told.join("\n"), expected);
        }
    }

    #[test]
    fn an_assigned_pod_cidr_stays() {
        let old = json!({"metadata": {"name": "n"}, "spec": {"podCIDRs": ["10.0.0.0/24"]}});
        let new = json!({"metadata": {"name": "n"}, "spec": {"podCIDRs": ["10.0.1.0/24"]}});

        assert_eq!(
            validate_update(&new, &old)[0].to_string(),
            "spec.podCIDRs: Forbidden: node updates may not change podCIDR except from \"\" to valid"
        );
        assert_eq!(validate_update(&old, &old), []);
    }

    #[test]
    fn capacity_is_not_negative() {
        let node = json!({"metadata": {"name": "n"}, "status": {"capacity": {"cpu": "-1"}}});

        assert_eq!(
            validate(&node)[0].to_string(),
            "status.capacity.cpu: Invalid value: \"-1\": must be greater than or equal to 0"
        );
    }
}
