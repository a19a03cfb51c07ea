//! Ingresses.
//!
//! Source: `ValidateIngressCreate`, `ValidateIngressUpdate` and `ValidateIngressStatusUpdate` (v1.36).

use std::net::IpAddr;

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{get, items, or_null};
use super::super::{ip, rules};
use super::{host, ingress_backend};

const CLASS_ANNOTATION: &str = "kubernetes.io/ingress.class";
const PATH_TYPES: [&str; 3] = ["Exact", "ImplementationSpecific", "Prefix"];
const PATH_SEQUENCES: [&str; 5] = ["//", "/./", "/../", "%2f", "%2F"];
const PATH_SUFFIXES: [&str; 2] = ["/..", "/."];
const NO_NAME: &str = "must be a DNS name, not an IP address";

/// What a new Ingress breaks: class and annotation agree.
pub(super) fn create_causes(ingress: &Value) -> Vec<Cause> {
    let mut causes = causes(ingress);
    let annotation = get(ingress, &["metadata", "annotations", CLASS_ANNOTATION]);
    let class = get(ingress, &["spec", "ingressClassName"]);
    if let (Some(annotation), Some(class)) = (annotation, class)
        && annotation != class
    {
        let rule = "must match `ingressClassName` when both are specified";
        causes.push(Cause::invalid(format!("annotations.{CLASS_ANNOTATION}"), annotation, rule));
    }
    causes
}

/// What it breaks, new or changed.
pub(super) fn causes(ingress: &Value) -> Vec<Cause> {
    let spec = or_null(ingress, &["spec"]);
    let rules = items(spec, &["rules"]);
    let mut causes = vec![];
    match get(spec, &["defaultBackend"]) {
        Some(backend) => causes.extend(ingress_backend::causes("spec.defaultBackend", backend)),
        None if rules.is_empty() => {
            let rule = "either `defaultBackend` or `rules` must be specified";
            causes.push(Cause::invalid("spec", or_null(spec, &["rules"]), rule));
        }
        None => {}
    }
    for (index, rule) in rules.iter().enumerate() {
        causes.extend(rule_causes(&format!("spec.rules[{index}]"), rule));
    }
    for (index, tls) in items(spec, &["tls"]).iter().enumerate() {
        causes.extend(tls_causes(&format!("spec.tls[{index}]"), tls));
    }
    if let Some(class) = get(spec, &["ingressClassName"]).and_then(Value::as_str) {
        causes.extend(rules::named("spec.ingressClassName", class, names::dns_subdomain));
    }
    causes
}

/// What an update of the status breaks. Addresses that were there may stay.
pub(super) fn status_causes(new: &Value, old: &Value) -> Vec<Cause> {
    let path = ["status", "loadBalancer", "ingress"];
    let was_there =
        |address: &str| items(old, &path).iter().any(|ingress| text(ingress, &["ip"]) == address);
    let mut causes = vec![];
    for (index, ingress) in items(new, &path).iter().enumerate() {
        let path = format!("status.loadBalancer.ingress[{index}]");
        let (address, hostname) = (text(ingress, &["ip"]), text(ingress, &["hostname"]));
        if !address.is_empty() && !was_there(address) {
            causes.extend(rules::named(&format!("{path}.ip"), address, ip::ip_errors));
        }
        if !hostname.is_empty() {
            let field = format!("{path}.hostname");
            causes.extend(rules::named(&field, hostname, names::dns_subdomain));
            causes.extend(address_cause(&field, hostname));
        }
    }
    causes
}

fn address_cause(field: &str, host: &str) -> Option<Cause> {
    let is_address = host.parse::<IpAddr>().is_ok();
    is_address.then(|| Cause::invalid(field, &json!(host), NO_NAME))
}

fn rule_causes(path: &str, rule: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let host = text(rule, &["host"]);
    if !host.is_empty() {
        let field = format!("{path}.host");
        causes.extend(address_cause(&field, host));
        causes.extend(host::causes(&field, host));
    }
    let Some(http) = get(rule, &["http"]) else {
        return causes;
    };
    let field = format!("{path}.http.paths");
    let paths = items(http, &["paths"]);
    if paths.is_empty() {
        causes.push(Cause::required(&field, ""));
    }
    for (index, http_path) in paths.iter().enumerate() {
        causes.extend(path_causes(&format!("{field}[{index}]"), http_path));
    }
    causes
}

fn path_causes(path: &str, http_path: &Value) -> Vec<Cause> {
    let path_type = get(http_path, &["pathType"]).and_then(Value::as_str);
    let given = text(http_path, &["path"]);
    let field = format!("{path}.path");
    let mut causes = match path_type {
        None => {
            let rule = "pathType must be specified";
            return vec![Cause::required(format!("{path}.pathType"), rule)];
        }
        Some("Exact" | "Prefix") => exact_path_causes(&field, given),
        Some("ImplementationSpecific") if given.is_empty() => vec![],
        Some("ImplementationSpecific") => absolute_cause(&field, given).into_iter().collect(),
        Some(other) => {
            let field = format!("{path}.pathType");
            vec![Cause::not_supported(field, &json!(other), &PATH_TYPES)]
        }
    };
    let backend = or_null(http_path, &["backend"]);
    causes.extend(ingress_backend::causes(&format!("{path}.backend"), backend));
    causes
}

fn exact_path_causes(field: &str, path: &str) -> Vec<Cause> {
    let invalid = |rule: String| Cause::invalid(field, &json!(path), &rule);
    let mut causes: Vec<Cause> = absolute_cause(field, path).into_iter().collect();
    let sequences = PATH_SEQUENCES.iter().filter(|sequence| path.contains(**sequence));
    causes.extend(sequences.map(|sequence| invalid(format!("must not contain '{sequence}'"))));
    let suffixes = PATH_SUFFIXES.iter().filter(|suffix| path.ends_with(**suffix));
    causes.extend(suffixes.map(|suffix| invalid(format!("cannot end with '{suffix}'"))));
    causes
}

fn absolute_cause(field: &str, path: &str) -> Option<Cause> {
    let rule = "must be an absolute path";
    (!path.starts_with('/')).then(|| Cause::invalid(field, &json!(path), rule))
}

fn tls_causes(path: &str, tls: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    for (index, host) in items(tls, &["hosts"]).iter().filter_map(Value::as_str).enumerate() {
        causes.extend(host::causes(&format!("{path}.hosts[{index}]"), host));
    }
    let secret = text(tls, &["secretName"]);
    if !secret.is_empty() {
        causes.extend(rules::named(&format!("{path}.secretName"), secret, names::dns_subdomain));
    }
    causes
}
