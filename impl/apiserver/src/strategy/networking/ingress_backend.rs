//! Where the requests of an Ingress go.
//!
//! Source: `validateIngressBackend` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{get, int, or_null};
use super::super::rules;
use super::segment_causes;

/// What a backend breaks: it is either a Service or another resource.
pub(super) fn causes(path: &str, backend: &Value) -> Vec<Cause> {
    let invalid = |rule: &str| vec![Cause::invalid(path, &json!(""), rule)];
    match (get(backend, &["resource"]), get(backend, &["service"])) {
        (Some(_), Some(_)) => invalid("cannot set both resource and service backends"),
        (Some(resource), None) => resource_causes(&format!("{path}.resource"), resource),
        (None, Some(service)) => service_causes(path, service),
        (None, None) => invalid("resource or service backend is required"),
    }
}

fn resource_causes(path: &str, resource: &Value) -> Vec<Cause> {
    let mut causes = group_causes(path, resource);
    causes.extend(segment_causes(path, resource, "kind"));
    causes.extend(segment_causes(path, resource, "name"));
    causes
}

/// What the group of a reference breaks.
pub(super) fn group_causes(path: &str, reference: &Value) -> Vec<Cause> {
    match get(reference, &["apiGroup"]).and_then(Value::as_str) {
        Some(group) => rules::named(&format!("{path}.apiGroup"), group, names::dns_subdomain),
        None => vec![],
    }
}

fn service_causes(path: &str, service: &Value) -> Vec<Cause> {
    let field = format!("{path}.service.name");
    let mut causes = match text(service, &["name"]) {
        "" => vec![Cause::required(field, "")],
        name => rules::named(&field, name, names::dns_label),
    };
    causes.extend(port_causes(path, or_null(service, &["port"])));
    causes
}

fn port_causes(path: &str, port: &Value) -> Vec<Cause> {
    let name = text(port, &["name"]);
    let number = int(port, &["number"]).unwrap_or_default();
    match (name, number) {
        ("", 0) => vec![Cause::required(path, "port name or number is required")],
        ("", number) => {
            rules::port(format!("{path}.service.port.number"), number).into_iter().collect()
        }
        (name, 0) => rules::named(&format!("{path}.service.port.name"), name, names::port_name),
        (_, _) => {
            vec![Cause::invalid(path, &json!(""), "cannot set both port name & port number")]
        }
    }
}
