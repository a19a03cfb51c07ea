//! The rows of kinds that say how traffic flows.

use std::collections::BTreeSet;

use api::Timestamp;
use api::object::{at, text};
use api::selector::Selector;
use serde_json::{Value, json};

use super::{age, ingress_address, int, items, joined, or_none};

/// How many items of a list are shown.
const SHOWN_MAX: usize = 3;
const DEFAULT_ANNOTATION: &str = "ingressclass.kubernetes.io/is-default-class";

/// The cells of Endpoints.
pub(super) fn endpoints(object: &Value, now: Timestamp) -> Vec<Value> {
    let subsets = items(object, &["subsets"]).iter();
    let addresses: Vec<String> = subsets.flat_map(addresses_and_ports).collect();
    vec![json!(name(object)), json!(or_none(&first_of(&addresses))), json!(age(object, now))]
}

fn addresses_and_ports(subset: &Value) -> Vec<String> {
    let ips = || items(subset, &["addresses"]).iter().map(|address| text(address, &["ip"]));
    match items(subset, &["ports"]) {
        [] => ips().map(str::to_owned).collect(),
        ports => ports
            .iter()
            .flat_map(|port| ips().map(|ip| host_port(ip, int(port, &["port"]))))
            .collect(),
    }
}

fn host_port(host: &str, port: i64) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// The cells of an EndpointSlice.
pub(super) fn endpoint_slice(object: &Value, now: Timestamp) -> Vec<Value> {
    let ports: Vec<String> = items(object, &["ports"]).iter().map(slice_port).collect();
    let endpoints = items(object, &["endpoints"]).iter();
    let addresses: Vec<String> = endpoints
        .flat_map(|endpoint| items(endpoint, &["addresses"]))
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    vec![
        json!(name(object)),
        json!(text(object, &["addressType"])),
        json!(or_unset(&ports)),
        json!(or_unset(&addresses)),
        json!(age(object, now)),
    ]
}

fn slice_port(port: &Value) -> String {
    match (at(port, &["port"]).and_then(Value::as_i64), at(port, &["name"])) {
        (Some(number), _) => number.to_string(),
        (None, Some(Value::String(name))) => name.clone(),
        (None, _) => "*".to_owned(),
    }
}

/// The cells of an Ingress.
pub(super) fn ingress(object: &Value, now: Timestamp) -> Vec<Value> {
    let tls = items(object, &["spec", "tls"]);
    let ingress = items(object, &["status", "loadBalancer", "ingress"]).iter();
    let addresses: BTreeSet<&str> =
        ingress.map(ingress_address).filter(|address| !address.is_empty()).collect();
    vec![
        json!(name(object)),
        json!(or_none(text(object, &["spec", "ingressClassName"]))),
        json!(hosts(items(object, &["spec", "rules"]))),
        json!(joined(addresses)),
        json!(if tls.is_empty() { "80" } else { "80, 443" }),
        json!(age(object, now)),
    ]
}

/// Upstream looks at hosts only until it has three, and counts the rules (v1.36, `formatHosts`).
fn hosts(rules: &[Value]) -> String {
    let named = rules.iter().enumerate().filter(|(_, rule)| !text(rule, &["host"]).is_empty());
    let shown: Vec<(usize, &Value)> = named.take(SHOWN_MAX).collect();
    let list = joined(shown.iter().map(|(_, rule)| text(rule, &["host"])));
    match shown.as_slice() {
        [] => "*".to_owned(),
        [_, _, (last, _)] if *last + 1 < rules.len() => {
            format!("{list} + {} more...", rules.len() - SHOWN_MAX)
        }
        _ => list,
    }
}

/// The cells of an IngressClass.
pub(super) fn ingress_class(object: &Value, now: Timestamp) -> Vec<Value> {
    let is_default = text(object, &["metadata", "annotations", DEFAULT_ANNOTATION]) == "true";
    let suffix = if is_default { " (default)" } else { "" };
    let parameters = at(object, &["spec", "parameters"]).filter(|parameters| !parameters.is_null());
    vec![
        json!(format!("{}{suffix}", name(object))),
        json!(text(object, &["spec", "controller"])),
        json!(parameters.map_or_else(|| "<none>".to_owned(), reference)),
        json!(age(object, now)),
    ]
}

fn reference(parameters: &Value) -> String {
    let (kind, name) = (text(parameters, &["kind"]), text(parameters, &["name"]));
    match text(parameters, &["apiGroup"]) {
        "" => format!("{kind}/{name}"),
        group => format!("{kind}.{group}/{name}"),
    }
}

/// The cells of a NetworkPolicy.
pub(super) fn network_policy(object: &Value, now: Timestamp) -> Vec<Value> {
    let selector = match at(object, &["spec", "podSelector"]).filter(|selector| !selector.is_null())
    {
        Some(selector) => Selector::from_value(Some(selector)),
        None => Ok(Selector::everything()),
    };
    let shown = selector.map_or_else(|_| "<error>".to_owned(), |all| or_none(&all.to_string()));
    vec![json!(name(object)), json!(shown), json!(age(object, now))]
}

/// The cells of an IPAddress.
pub(super) fn ip_address(object: &Value) -> Vec<Value> {
    let parent = at(object, &["spec", "parentRef"]).filter(|parent| !parent.is_null());
    let shown = parent.map_or_else(|| "<none>".to_owned(), parent_reference);
    vec![json!(name(object)), json!(shown)]
}

fn parent_reference(parent: &Value) -> String {
    let part = |field: &str| text(parent, &[field]);
    let resource = match part("group") {
        "" => part("resource").to_lowercase(),
        group => format!("{}.{group}", part("resource")).to_lowercase(),
    };
    match part("namespace") {
        "" => format!("{resource}/{}", part("name")),
        namespace => format!("{resource}/{namespace}/{}", part("name")),
    }
}

/// The cells of a ServiceCIDR.
pub(super) fn service_cidr(object: &Value, now: Timestamp) -> Vec<Value> {
    let cidrs = items(object, &["spec", "cidrs"]).iter().filter_map(Value::as_str);
    vec![json!(name(object)), json!(joined(cidrs)), json!(age(object, now))]
}

fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"])
}

fn first_of(texts: &[String]) -> String {
    let shown = joined(texts.iter().take(SHOWN_MAX).map(String::as_str));
    match texts.len() {
        ..=SHOWN_MAX => shown,
        count => format!("{shown} + {} more...", count - SHOWN_MAX),
    }
}

fn or_unset(texts: &[String]) -> String {
    if texts.is_empty() { "<unset>".to_owned() } else { first_of(texts) }
}

#[cfg(test)]
mod tests;
