//! Fields of a Service that go together, and what an update that leaves some out means.
//!
//! Source: pkg/registry/core/service/storage/storage.go and strategy.go, v1.36.

use api::object::text;
use serde_json::{Value, json};

use super::{has_node_ports, kind_of, needs_health_check};
use crate::strategy::fields::{Fields, int, is_unset, items, made, or_null, same};

/// Fields that only a Service with a cluster IP has.
const CLUSTER_IP_FIELDS: [&str; 4] = ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"];

fn needs_cluster_ip(service: &Value) -> bool {
    kind_of(service) != "ExternalName"
}

fn spec_mut(service: &mut Value) -> &mut Fields {
    api::object::object_at_mut(service, "spec")
}

/// Gives an update what was allocated before, where its author has left it out.
pub(crate) fn restore(new: &mut Value, old: &Value) {
    let old_spec = or_null(old, &["spec"]);
    if needs_cluster_ip(new) && needs_cluster_ip(old) {
        for field in ["clusterIP", "clusterIPs"] {
            restore_field(spec_mut(new), old_spec, field);
        }
    }
    if has_node_ports(kind_of(new)) && has_node_ports(kind_of(old)) {
        restore_node_ports(new, old);
    }
    if needs_health_check(new) && needs_health_check(old) {
        restore_field(spec_mut(new), old_spec, "healthCheckNodePort");
    }
}

fn restore_field(spec: &mut Fields, old_spec: &Value, field: &str) {
    let given = spec.get(field).unwrap_or(&Value::Null);
    let is_open = same(given, &Value::Null) || *given == 0;
    if let Some(kept) = old_spec.get(field).filter(|_| is_open) {
        spec.insert(field.to_owned(), kept.clone());
    }
}

fn restore_node_ports(new: &mut Value, old: &Value) {
    let numbers = |service: &Value| -> Vec<i64> {
        let ports = items(service, &["spec", "ports"]).iter();
        ports.filter_map(|port| int(port, &["nodePort"])).filter(|number| *number != 0).collect()
    };
    let (given, allocated) = (numbers(new), numbers(old));
    let is_used = |number: &i64| given.contains(number) && allocated.contains(number);
    let old_ports = items(old, &["spec", "ports"]);
    let ports = spec_mut(new).get_mut("ports").and_then(Value::as_array_mut);
    for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
        if !is_unset(port.get("nodePort")) {
            continue;
        }
        let name = port.get("name").and_then(Value::as_str).unwrap_or_default();
        let same_name = old_ports.iter().rev().find(|old| text(old, &["name"]) == name);
        let number = same_name.and_then(|old| int(old, &["nodePort"]));
        if let Some(number) = number.filter(|number| *number != 0 && !is_used(number)) {
            port.insert("nodePort".to_owned(), json!(number));
        }
    }
}

/// `clusterIP` is the first of `clusterIPs`; who gives or changes only the one means both.
pub(crate) fn link_cluster_ips(new: &mut Value, old: Option<&Value>) {
    let single = |service: &Value| text(service, &["spec", "clusterIP"]).to_owned();
    let all = |service: &Value| or_null(service, &["spec", "clusterIPs"]).clone();
    let (new_single, new_all) = (single(new), all(new));
    let Some(old) = old else {
        if !new_single.is_empty() && same(&new_all, &Value::Null) {
            spec_mut(new).insert("clusterIPs".to_owned(), json!([new_single]));
        }
        return;
    };
    let (old_single, old_all) = (single(old), all(old));
    if old_single == new_single {
        if same(&new_all, &Value::Null) && !same(&old_all, &Value::Null) {
            spec_mut(new).insert("clusterIPs".to_owned(), old_all);
        }
    } else if same(&old_all, &new_all) {
        match new_single.as_str() {
            "" => spec_mut(new).remove("clusterIPs"),
            new_single => spec_mut(new).insert("clusterIPs".to_owned(), json!([new_single])),
        };
    }
}

/// Takes away what the new type does not need, if its author has not changed it too.
pub(super) fn drop_what_the_type_does_not_need(new: &mut Value, old: &Value) {
    let (kind, old_kind) = (kind_of(new).to_owned(), kind_of(old).to_owned());
    let old_spec = or_null(old, &["spec"]);
    let mut gone: Vec<&str> = vec![];
    if needs_cluster_ip(old) && !needs_cluster_ip(new) {
        gone.extend(CLUSTER_IP_FIELDS);
        gone.push("internalTrafficPolicy");
    }
    if needs_health_check(old) && !needs_health_check(new) {
        gone.push("healthCheckNodePort");
    }
    if old_kind == "LoadBalancer" && kind != "LoadBalancer" {
        gone.extend(["allocateLoadBalancerNodePorts", "loadBalancerClass"]);
    }
    if is_external(old) && !is_external(new) {
        gone.push("externalTrafficPolicy");
    }
    let drops_ports =
        has_node_ports(&old_kind) && !has_node_ports(&kind) && has_same_node_ports(new, old);
    let spec = made(new.as_object_mut().expect("a service is an object"), "spec");
    for field in gone {
        if spec.get(field) == old_spec.get(field) {
            spec.remove(field);
        }
    }
    let ports = spec.get_mut("ports").and_then(Value::as_array_mut).filter(|_| drops_ports);
    for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
        port.remove("nodePort");
    }
    if kind != "LoadBalancer" {
        new["status"]["loadBalancer"] = json!({});
    }
}

fn has_same_node_ports(new: &Value, old: &Value) -> bool {
    let numbers = |service: &Value| -> std::collections::BTreeSet<i64> {
        let ports = items(service, &["spec", "ports"]).iter();
        ports.filter_map(|port| int(port, &["nodePort"])).filter(|number| *number != 0).collect()
    };
    numbers(new) == numbers(old)
}

/// Whether it is reached from outside the cluster.
pub(super) fn is_external(service: &Value) -> bool {
    has_node_ports(kind_of(service))
        || kind_of(service) == "ClusterIP" && !items(service, &["spec", "externalIPs"]).is_empty()
}
