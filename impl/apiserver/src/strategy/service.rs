//! Services.
//!
//! Source: `SetDefaults_Service`, `validateService` and `pkg/registry/core/service` (v1.36). Left out:
//! annotations about topology.

mod exposure;
mod families;
mod linked;

pub(crate) use families::init as init_families;
pub(crate) use linked::{link_cluster_ips, restore as restore_allocated};

use std::collections::BTreeSet;

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{Fields, default, each, get, int, is_unset, items, keep, made, or_null};
use super::meta;
use super::rules::{labels, named, one_of, port, port_or_name};

const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const AFFINITIES: [&str; 2] = ["ClientIP", "None"];
const AFFINITY_SECONDS: i64 = 10_800;
const AFFINITY_SECONDS_MAX: i64 = 86_400;

/// Fills in what its author left out, for a cluster with IPv4 alone.
pub(super) fn apply_defaults(service: &mut Value) {
    let spec = api::object::object_at_mut(service, "spec");
    default(spec, "type", "ClusterIP");
    default(spec, "sessionAffinity", "None");
    match spec.get("sessionAffinity").and_then(Value::as_str) {
        Some("ClientIP") => {
            let client_ip = made(made(spec, "sessionAffinityConfig"), "clientIP");
            default(client_ip, "timeoutSeconds", AFFINITY_SECONDS);
        }
        Some("None") => {
            spec.remove("sessionAffinityConfig");
        }
        Some(_) | None => {}
    }
    each(spec, "ports", port_defaults);
    let kind = text_of(spec, "type");
    let external_ips = spec.get("externalIPs").and_then(Value::as_array);
    let is_external = external_ips.is_some_and(|ips| kind == "ClusterIP" && !ips.is_empty());
    if is_external || has_node_ports(&kind) {
        default(spec, "externalTrafficPolicy", "Cluster");
    }
    if kind != "ExternalName" {
        default(spec, "internalTrafficPolicy", "Cluster");
    }
    if kind == "LoadBalancer" {
        default(spec, "allocateLoadBalancerNodePorts", true);
    }
}

/// Takes away a status that its author wrote.
pub(super) fn prepare_for_create(service: &mut Value) {
    service["status"] = json!({"loadBalancer": {}});
}

/// Keeps the status, and takes away what the new type does not need.
pub(super) fn prepare_for_update(new: &mut Value, old: &Value) {
    keep(new, old, "status");
    linked::drop_what_the_type_does_not_need(new, old);
}

/// What a new Service breaks.
pub(super) fn validate(service: &Value) -> Vec<Cause> {
    // Names may start with a digit since v1.36 (`RelaxedServiceNameValidation`).
    let mut causes = meta::validate(service, true, names::dns_label);
    causes.extend(spec_causes(or_null(service, &["spec"])));
    causes.extend(exposure::causes(service, &Value::Null));
    causes.extend(health_check_cause(service));
    causes
}

/// What an update breaks.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    if kind_of(new) != "ExternalName" && kind_of(old) != "ExternalName" {
        causes.extend(cluster_ip_cause(new, old));
    }
    causes.extend(exposure::update_causes(new, old));
    causes.extend(spec_causes(or_null(new, &["spec"])));
    causes.extend(exposure::causes(new, old));
    causes.extend(health_check_cause(new));
    causes
}

/// What an update of the status breaks: only what has a load balancer is reached through one.
pub(super) fn validate_status_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    let field = "status.loadBalancer.ingress";
    let ingress = items(new, &["status", "loadBalancer", "ingress"]);
    if kind_of(new) != "LoadBalancer" && !ingress.is_empty() {
        let detail = "may only be used when `spec.type` is 'LoadBalancer'";
        causes.push(Cause::forbidden(field, detail));
    }
    causes
}

fn kind_of(service: &Value) -> &str {
    text(service, &["spec", "type"])
}

fn text_of(fields: &Fields, field: &str) -> String {
    fields.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Whether load balancers ask its nodes for their health.
pub(crate) fn needs_health_check(service: &Value) -> bool {
    kind_of(service) == "LoadBalancer"
        && text(service, &["spec", "externalTrafficPolicy"]) == "Local"
}

fn has_node_ports(kind: &str) -> bool {
    matches!(kind, "NodePort" | "LoadBalancer")
}

fn port_defaults(port: &mut Fields) {
    default(port, "protocol", "TCP");
    let unset = is_unset(port.get("targetPort"))
        || port.get("targetPort").and_then(Value::as_i64) == Some(0);
    let number = port.get("port").cloned();
    if let Some(number) = number.filter(|_| unset) {
        port.insert("targetPort".to_owned(), number);
    }
}

fn cluster_ip_cause(new: &Value, old: &Value) -> Option<Cause> {
    let ips = ["spec", "clusterIPs"];
    let (new, old) = (items(new, &ips), items(old, &ips));
    let changed = !old.is_empty() && new.first() != old.first();
    let rule = "may not change once set";
    changed.then(|| Cause::invalid("spec.clusterIPs[0]", &json!(new), rule))
}

/// The port for health checks is there exactly where load balancers ask for health.
fn health_check_cause(service: &Value) -> Option<Cause> {
    let field = "spec.healthCheckNodePort";
    let number = int(service, &["spec", "healthCheckNodePort"]).unwrap_or_default();
    let rule =
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    let is_needed = needs_health_check(service);
    (!is_needed && number != 0).then(|| Cause::invalid(field, &json!(number), rule))
}

fn spec_causes(spec: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let (kind, ports) = (text(spec, &["type"]), items(spec, &["ports"]));
    let headless = text(spec, &["clusterIP"]) == "None";
    if ports.is_empty() && !headless && kind != "ExternalName" {
        causes.push(Cause::required("spec.ports", ""));
    }
    if headless && has_node_ports(kind) {
        let rule = format!("may not be set to 'None' for {kind} services");
        causes.push(Cause::invalid("spec.clusterIPs[0]", &json!("None"), &rule));
    }
    if kind == "ExternalName" {
        causes.extend(external_name_causes(spec));
    }
    causes.extend(port_causes(kind, ports));
    causes.extend(labels("spec.selector", get(spec, &["selector"])));
    let affinity = get(spec, &["sessionAffinity"]);
    causes.extend(one_of("spec.sessionAffinity".to_owned(), affinity, &AFFINITIES, true));
    causes.extend(affinity_causes(spec));
    causes.extend(one_of("spec.type".to_owned(), get(spec, &["type"]), &TYPES, true));
    causes
}

/// How long a client stays with a pod is said where clients do so, and nowhere else.
fn affinity_causes(spec: &Value) -> Option<Cause> {
    let field = "spec.sessionAffinityConfig";
    let config = get(spec, &["sessionAffinityConfig"]);
    match text(spec, &["sessionAffinity"]) {
        "ClientIP" => {
            let missing =
                |field: String| Cause::required(field, "when session affinity type is ClientIP");
            let Some(config) = config else {
                return Some(missing(field.to_owned()));
            };
            let Some(client_ip) = get(config, &["clientIP"]) else {
                return Some(missing(format!("{field}.clientIP")));
            };
            let field = format!("{field}.clientIP.timeoutSeconds");
            let Some(seconds) = int(client_ip, &["timeoutSeconds"]) else {
                return Some(missing(field));
            };
            let rule = format!("must be greater than 0 and less than {AFFINITY_SECONDS_MAX}");
            (!(1..=AFFINITY_SECONDS_MAX).contains(&seconds))
                .then(|| Cause::invalid(field, &json!(seconds), &rule))
        }
        "None" => {
            config.map(|_| Cause::forbidden(field, "must not be set when session affinity is None"))
        }
        _ => None,
    }
}

fn external_name_causes(spec: &Value) -> Vec<Cause> {
    let rule = "may not be set for ExternalName services";
    let given = ["clusterIPs", "ipFamilies", "ipFamilyPolicy"].into_iter().filter(|field| {
        let value = or_null(spec, &[*field]);
        !super::fields::same(value, &Value::Null)
    });
    let mut causes: Vec<Cause> =
        given.map(|field| Cause::forbidden(format!("spec.{field}"), rule)).collect();
    let name = text(spec, &["externalName"]);
    match name.strip_suffix('.').unwrap_or(name) {
        "" => causes.push(Cause::required("spec.externalName", "")),
        name => causes.extend(named("spec.externalName", name, names::dns_subdomain)),
    }
    causes
}

fn port_causes(kind: &str, ports: &[Value]) -> Vec<Cause> {
    let mut causes = vec![];
    let mut seen_names = BTreeSet::new();
    let mut seen_ports = BTreeSet::new();
    let mut seen_node_ports = BTreeSet::new();
    for (index, item) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        let name = text(item, &["name"]);
        causes.extend(port_name_causes(&path, name, ports.len() > 1));
        if !name.is_empty() && !seen_names.insert(name) {
            causes.push(Cause::duplicate(format!("{path}.name"), &json!(name)));
        }
        causes.extend(one_port_causes(&path, item));
        if kind == "ClusterIP" && int(item, &["nodePort"]).unwrap_or_default() != 0 {
            let rule = "may not be used when `type` is 'ClusterIP'";
            causes.push(Cause::forbidden(format!("{path}.nodePort"), rule));
        }
        let node_port = int(item, &["nodePort"]).filter(|number| *number != 0);
        let (protocol, number) = (text(item, &["protocol"]), int(item, &["port"]));
        if let Some(node_port) = node_port
            && !seen_node_ports.insert((protocol, node_port))
        {
            causes.push(Cause::duplicate(format!("{path}.nodePort"), &json!(node_port)));
        }
        if !seen_ports.insert((protocol, number)) {
            let key = json!({"port": number, "protocol": protocol});
            causes.push(Cause::duplicate(path, &key));
        }
    }
    causes
}

fn port_name_causes(path: &str, name: &str, required: bool) -> Vec<Cause> {
    match name {
        "" if required => vec![Cause::required(format!("{path}.name"), "")],
        "" => vec![],
        name => named(&format!("{path}.name"), name, names::dns_label),
    }
}

fn one_port_causes(path: &str, item: &Value) -> Vec<Cause> {
    let number = int(item, &["port"]).unwrap_or_default();
    let mut causes: Vec<Cause> = port(format!("{path}.port"), number).into_iter().collect();
    let protocol = get(item, &["protocol"]);
    causes.extend(one_of(format!("{path}.protocol"), protocol, &PROTOCOLS, true));
    causes.extend(port_or_name(&format!("{path}.targetPort"), get(item, &["targetPort"])));
    if let Some(protocol) = get(item, &["appProtocol"]) {
        let rule = names::label_key;
        causes.extend(named(&format!("{path}.appProtocol"), text(protocol, &[]), rule));
    }
    causes
}

#[cfg(test)]
mod tests;
