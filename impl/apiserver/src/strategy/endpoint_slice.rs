//! EndpointSlices.
//!
//! Source: `pkg/apis/discovery/validation/validation.go`, `pkg/apis/discovery/v1/defaults.go` and
//! `pkg/registry/discovery/endpointslice/strategy.go` (v1.36). Leaves out that a node name moves from the
//! deprecated topology into its own field.

use std::collections::BTreeSet;
use std::net::IpAddr;

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::endpoints::{PROTOCOLS, app_protocol_causes};
use super::fields::{default, each, entries, get, items, or_null, same};
use super::rules::{NameRule, named, too_many};
use super::{ip, meta, plain, rules};

const ADDRESS_TYPES: [&str; 3] = ["FQDN", "IPv4", "IPv6"];
const ENDPOINTS_MAX: usize = 1000;
const PORTS_MAX: usize = 20_000;
const ADDRESSES_MAX: usize = 100;
const TOPOLOGY_LABELS_MAX: usize = 16;
const HINTS_MAX: usize = 8;
const TOPOLOGY: &str = "deprecatedTopology";

/// Ports have the empty name and are of TCP unless they say otherwise.
pub(super) fn apply_defaults(slice: &mut Value) {
    if let Some(slice) = slice.as_object_mut() {
        each(slice, "ports", |port| {
            default(port, "name", "");
            default(port, "protocol", "TCP");
        });
    }
}

/// Takes away fields of older versions.
pub(super) fn prepare_for_create(slice: &mut Value) {
    meta::set_generation(slice, 1);
    drop_topology(slice);
}

/// Counts a change of anything but annotations and the like.
pub(super) fn prepare_for_update(new: &mut Value, old: &Value) {
    let labels = ["metadata", "labels"];
    if !plain::is_same_but_for_metadata(new, old)
        || !same(or_null(new, &labels), or_null(old, &labels))
    {
        meta::next_generation(new, old);
    }
    if !same(or_null(new, &["endpoints"]), or_null(old, &["endpoints"])) {
        drop_topology(new);
    }
}

/// What a new EndpointSlice breaks.
pub(super) fn validate(slice: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(slice, true, names::dns_subdomain);
    causes.extend(slice_causes(slice));
    causes.extend(endpoints_causes(slice));
    causes
}

/// What an update breaks. Endpoints that stay as they are may be what older versions allowed.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(slice_causes(new));
    if !same(or_null(new, &["endpoints"]), or_null(old, &["endpoints"])) {
        causes.extend(endpoints_causes(new));
    }
    let (new, old) = (or_null(new, &["addressType"]), or_null(old, &["addressType"]));
    causes.extend(rules::immutable("addressType", new, old));
    causes
}

fn drop_topology(slice: &mut Value) {
    if let Some(slice) = slice.as_object_mut() {
        each(slice, "endpoints", |endpoint| {
            endpoint.remove(TOPOLOGY);
        });
    }
}

fn slice_causes(slice: &Value) -> Vec<Cause> {
    let address_type = get(slice, &["addressType"]);
    let mut causes: Vec<Cause> =
        rules::one_of("addressType".to_owned(), address_type, &ADDRESS_TYPES, true)
            .into_iter()
            .collect();
    let ports = items(slice, &["ports"]);
    if ports.len() > PORTS_MAX {
        causes.push(too_many("ports", ports.len(), PORTS_MAX));
        return causes;
    }
    let mut names = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let path = format!("ports[{index}]");
        causes.extend(port_causes(&path, port, !names.insert(text(port, &["name"]))));
    }
    causes
}

fn port_causes(path: &str, port: &Value, is_duplicate: bool) -> Vec<Cause> {
    let (field, name) = (format!("{path}.name"), text(port, &["name"]));
    let mut causes = match name {
        "" => vec![],
        name => named(&field, name, names::dns_label),
    };
    if is_duplicate {
        causes.push(Cause::duplicate(field, &json!(name)));
    }
    let protocol = get(port, &["protocol"]);
    causes.extend(rules::one_of(format!("{path}.protocol"), protocol, &PROTOCOLS, true));
    causes.extend(app_protocol_causes(path, port));
    causes
}

fn endpoints_causes(slice: &Value) -> Vec<Cause> {
    let endpoints = items(slice, &["endpoints"]);
    if endpoints.len() > ENDPOINTS_MAX {
        return vec![too_many("endpoints", endpoints.len(), ENDPOINTS_MAX)];
    }
    let address_type = text(slice, &["addressType"]);
    let endpoints = endpoints.iter().enumerate();
    endpoints
        .flat_map(|(index, endpoint)| {
            endpoint_causes(&format!("endpoints[{index}]"), endpoint, address_type)
        })
        .collect()
}

fn endpoint_causes(path: &str, endpoint: &Value, address_type: &str) -> Vec<Cause> {
    let field = format!("{path}.addresses");
    let addresses = items(endpoint, &["addresses"]);
    let mut causes = vec![];
    match addresses.len() {
        0 => causes.push(Cause::required(&field, "must contain at least 1 address")),
        1..=ADDRESSES_MAX => {}
        count => causes.push(too_many(&field, count, ADDRESSES_MAX)),
    }
    for (index, address) in addresses.iter().filter_map(Value::as_str).enumerate() {
        causes.extend(address_causes(&field, index, address, address_type));
    }
    causes.extend(optional_causes(path, endpoint, "nodeName", names::dns_subdomain));
    causes.extend(topology_causes(&format!("{path}.{TOPOLOGY}"), endpoint));
    causes.extend(optional_causes(path, endpoint, "hostname", names::dns_label));
    if let Some(hints) = get(endpoint, &["hints"]) {
        causes.extend(hints_causes(&format!("{path}.hints"), hints));
    }
    causes
}

fn address_causes(list: &str, index: usize, address: &str, address_type: &str) -> Vec<Cause> {
    let field = format!("{list}[{index}]");
    let rule: NameRule = match address_type {
        "IPv4" => ip::ip_errors,
        "IPv6" => ip::canonical_ip_errors,
        "FQDN" => return domain_cause(&field, address).into_iter().collect(),
        _ => return vec![],
    };
    let mut causes = named(&field, address, rule);
    if causes.is_empty() {
        let is_ipv6 = address.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6());
        if is_ipv6 != (address_type == "IPv6") {
            let rule = format!("must be an {address_type} address");
            causes.push(Cause::invalid(list, &json!(address), &rule));
        }
        causes.extend(ip::endpoint_ip_causes(&field, address));
    }
    causes
}

fn domain_cause(field: &str, domain: &str) -> Option<Cause> {
    if domain.is_empty() {
        return Some(Cause::required(field, ""));
    }
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    let invalid = |part: &str, rule: &str| Some(Cause::invalid(field, &json!(part), rule));
    let errors = names::dns_subdomain(domain);
    if !errors.is_empty() {
        return invalid(domain, &errors.join(","));
    }
    if !domain.contains('.') {
        return invalid(domain, "should be a domain with at least two segments separated by dots");
    }
    let label = domain.split('.').find(|label| !names::dns_label(label).is_empty())?;
    invalid(label, &names::dns_label(label).join(","))
}

fn optional_causes(path: &str, endpoint: &Value, field: &str, rule: NameRule) -> Vec<Cause> {
    match get(endpoint, &[field]).and_then(Value::as_str) {
        Some(name) => named(&format!("{path}.{field}"), name, rule),
        None => vec![],
    }
}

fn topology_causes(field: &str, endpoint: &Value) -> Vec<Cause> {
    let count = entries(endpoint, &[TOPOLOGY]).count();
    let mut causes = vec![];
    if count > TOPOLOGY_LABELS_MAX {
        causes.push(too_many(field, count, TOPOLOGY_LABELS_MAX));
    }
    causes.extend(rules::labels(field, get(endpoint, &[TOPOLOGY])));
    causes
}

fn hints_causes(path: &str, hints: &Value) -> Vec<Cause> {
    let lists: [(&str, NameRule); 2] =
        [("forZones", names::label_value), ("forNodes", names::dns_subdomain)];
    let mut causes = vec![];
    for (list, rule) in lists {
        let field = format!("{path}.{list}");
        let listed = items(hints, &[list]);
        if listed.len() > HINTS_MAX {
            causes.push(too_many(&field, listed.len(), HINTS_MAX));
            return causes;
        }
        let mut seen = BTreeSet::new();
        for (index, hint) in listed.iter().enumerate() {
            let (field, name) = (format!("{field}[{index}].name"), text(hint, &["name"]));
            if !seen.insert(name) {
                causes.push(Cause::duplicate(&field, &json!(name)));
            }
            causes.extend(named(&field, name, rule));
        }
    }
    causes
}

#[cfg(test)]
mod tests;
