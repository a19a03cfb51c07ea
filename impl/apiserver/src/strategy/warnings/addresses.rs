//! Addresses that are written in an unusual way. Such of IPv4 are refused, so only IPv6 has any.

use std::net::Ipv6Addr;

use serde_json::Value;

use super::super::fields::{get, items};
use api::object::text;

/// What is said of an address.
pub(super) fn of_ip(path: &str, address: &str) -> Option<String> {
    let parsed: Ipv6Addr = address.parse().ok()?;
    let canonical = parsed.to_string();
    (canonical != address).then(|| {
        format!(
            "{path}: IPv6 address \"{address}\" should be in RFC 5952 canonical format (\"{canonical}\")"
        )
    })
}

/// What is said of a block of addresses.
pub(super) fn of_cidr(path: &str, cidr: &str) -> Option<String> {
    let (address, length) = cidr.split_once('/')?;
    let parsed: Ipv6Addr = address.parse().ok()?;
    let canonical = format!("{parsed}/{length}");
    (canonical != cidr).then(|| {
        format!(
            "{path}: IPv6 CIDR value \"{cidr}\" should be in RFC 5952 canonical format (\"{canonical}\")"
        )
    })
}

/// What is said of a list of addresses, or of blocks.
pub(super) fn of_list(
    path: &str,
    list: &[Value],
    of_one: impl Fn(&str, &str) -> Option<String>,
) -> Vec<String> {
    let each = list.iter().enumerate();
    each.filter_map(|(index, one)| of_one(&format!("{path}[{index}]"), one.as_str()?)).collect()
}

/// What is said of an EndpointSlice, unless a controller has made it.
pub(super) fn of_endpoint_slice(slice: &Value) -> Vec<String> {
    let mut warnings = vec![];
    if text(slice, &["addressType"]) == "FQDN" {
        warnings.push("spec.addressType: FQDN endpoints are deprecated".to_owned());
    }
    let maker = text(slice, &["metadata", "labels", "endpointslice.kubernetes.io/managed-by"]);
    if ["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"]
        .contains(&maker)
    {
        return warnings;
    }
    for (index, endpoint) in items(slice, &["endpoints"]).iter().enumerate() {
        let path = format!("endpoints[{index}].addresses");
        warnings.extend(of_list(&path, items(endpoint, &["addresses"]), of_ip));
    }
    warnings
}

/// What is said of Endpoints, unless the controller has made them.
pub(super) fn of_endpoints(endpoints: &Value) -> Vec<String> {
    let maker = text(endpoints, &["metadata", "labels", "endpoints.kubernetes.io/managed-by"]);
    if maker == "endpoint-controller" {
        return vec![];
    }
    let mut warnings = vec![];
    for (index, subset) in items(endpoints, &["subsets"]).iter().enumerate() {
        for list in ["addresses", "notReadyAddresses"] {
            for (place, address) in items(subset, &[list]).iter().enumerate() {
                let path = format!("subsets[{index}].{list}[{place}].ip");
                warnings.extend(of_ip(&path, text(address, &["ip"])));
            }
        }
    }
    warnings
}

/// What is said of the blocks in a NetworkPolicy.
pub(super) fn of_network_policy(policy: &Value) -> Vec<String> {
    let mut warnings = vec![];
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        for (index, rule) in items(policy, &["spec", direction]).iter().enumerate() {
            for (place, peer) in items(rule, &[peers]).iter().enumerate() {
                let Some(block) = get(peer, &["ipBlock"]) else { continue };
                let path = format!("spec.{direction}[{index}].{peers}[{place}].ipBlock");
                warnings.extend(of_cidr(&format!("{path}.cidr"), text(block, &["cidr"])));
                let except = items(block, &["except"]);
                warnings.extend(of_list(&format!("{path}.except"), except, of_cidr));
            }
        }
    }
    warnings
}
