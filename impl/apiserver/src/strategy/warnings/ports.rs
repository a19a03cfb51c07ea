//! What is said of the ports of a pod's containers.

use std::collections::BTreeMap;

use api::object::text;
use serde_json::Value;

use super::super::fields::{int, items};

/// Where a port is said, and what.
type Port<'a> = (String, &'a Value);

/// What is said of ports that are said twice, in one way or another.
pub(super) fn warnings(containers: &[(String, &Value)]) -> Vec<String> {
    let ports: Vec<Port<'_>> = containers
        .iter()
        .flat_map(|(path, container)| {
            let ports = items(container, &["ports"]).iter().enumerate();
            ports.map(move |(index, port)| (format!("{path}.ports[{index}]"), port))
        })
        .collect();
    let mut warnings = vec![];
    for (index, (path, port)) in ports.iter().enumerate() {
        if !text(port, &["hostIP"]).is_empty() && host_port(port) == 0 {
            warnings.push(format!("{path}: hostIP set without hostPort: {}", go_struct(port)));
        }
        let earlier = ports[..index].iter().filter(|(_, other)| number(other) == number(port));
        warnings.extend(earlier.filter_map(|(other_path, other)| {
            Some(format!("{path}: {} port definition with {other_path}", conflict(port, other)?))
        }));
    }
    warnings.extend(name_warnings(&ports));
    warnings
}

fn number(port: &Value) -> (Option<i64>, &str) {
    (int(port, &["containerPort"]), text(port, &["protocol"]))
}

fn host_port(port: &Value) -> i64 {
    int(port, &["hostPort"]).unwrap_or_default()
}

fn conflict(port: &Value, other: &Value) -> Option<&'static str> {
    let (address, other_address) = (text(port, &["hostIP"]), text(other, &["hostIP"]));
    let (host, other_host) = (host_port(port), host_port(other));
    if address == other_address && host == other_host {
        Some("duplicate")
    } else if host == 0 || other_host == 0 {
        Some("overlapping")
    } else if host == other_host && address.is_empty() != other_address.is_empty() {
        Some("dangerously ambiguous")
    } else {
        None
    }
}

fn name_warnings(ports: &[Port<'_>]) -> Vec<String> {
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    let mut warnings = vec![];
    for (path, port) in ports {
        let name = text(port, &["name"]);
        if name.is_empty() {
            continue;
        }
        match first.get(name) {
            Some(other) => warnings.push(format!("{path}: duplicate port name \"{name}\" with {other}, services and probes that select ports by name will use {other}")),
            None => {
                first.insert(name, path);
            }
        }
    }
    warnings
}

/// A port as Go prints its type.
fn go_struct(port: &Value) -> String {
    format!(
        "{{Name:{} HostPort:{} ContainerPort:{} Protocol:{} HostIP:{}}}",
        text(port, &["name"]),
        host_port(port),
        int(port, &["containerPort"]).unwrap_or_default(),
        text(port, &["protocol"]),
        text(port, &["hostIP"])
    )
}
