//! Endpoints.
//!
//! Source: `ValidateEndpoints` and `SetDefaults_Endpoints` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::Value;

use super::fields::{default, each, get, int, items, or_null, same};
use super::{ip, meta, rules};

/// The protocols of ports, in the order in which upstream lists them.
pub(super) const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];

/// Ports are of TCP unless they say otherwise.
pub(super) fn apply_defaults(endpoints: &mut Value) {
    if let Some(endpoints) = endpoints.as_object_mut() {
        each(endpoints, "subsets", |subset| {
            each(subset, "ports", |port| default(port, "protocol", "TCP"));
        });
    }
}

/// What new Endpoints break.
pub(super) fn validate(endpoints: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(endpoints, true, names::dns_subdomain);
    causes.extend(subsets_causes(endpoints));
    causes
}

/// What an update breaks. Subsets that stay as they are may be what older versions allowed.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    if !same(or_null(new, &["subsets"]), or_null(old, &["subsets"])) {
        causes.extend(subsets_causes(new));
    }
    causes
}

fn subsets_causes(endpoints: &Value) -> Vec<Cause> {
    let subsets = items(endpoints, &["subsets"]).iter().enumerate();
    subsets
        .flat_map(|(index, subset)| subset_causes(&format!("subsets[{index}]"), subset))
        .collect()
}

fn subset_causes(path: &str, subset: &Value) -> Vec<Cause> {
    let lists = ["addresses", "notReadyAddresses"];
    let mut causes = vec![];
    if lists.iter().all(|list| items(subset, &[list]).is_empty()) {
        causes.push(Cause::required(path, "must specify `addresses` or `notReadyAddresses`"));
    }
    for list in lists {
        for (index, address) in items(subset, &[list]).iter().enumerate() {
            causes.extend(address_causes(&format!("{path}.{list}[{index}]"), address));
        }
    }
    let ports = items(subset, &["ports"]);
    for (index, port) in ports.iter().enumerate() {
        causes.extend(port_causes(&format!("{path}.ports[{index}]"), port, ports.len() > 1));
    }
    causes
}

fn address_causes(path: &str, address: &Value) -> Vec<Cause> {
    let (field, ip) = (format!("{path}.ip"), text(address, &["ip"]));
    let mut causes = rules::named(&field, ip, ip::ip_errors);
    let hostname = text(address, &["hostname"]);
    if !hostname.is_empty() {
        causes.extend(rules::named(&format!("{path}.hostname"), hostname, names::dns_label));
    }
    if let Some(node) = get(address, &["nodeName"]).and_then(Value::as_str) {
        causes.extend(rules::named(&format!("{path}.nodeName"), node, names::dns_subdomain));
    }
    causes.extend(ip::endpoint_ip_causes(&field, ip));
    causes
}

fn port_causes(path: &str, port: &Value, name_required: bool) -> Vec<Cause> {
    let field = format!("{path}.name");
    let mut causes = match text(port, &["name"]) {
        "" if name_required => vec![Cause::required(field, "")],
        "" => vec![],
        name => rules::named(&field, name, names::dns_label),
    };
    let number = int(port, &["port"]).unwrap_or_default();
    causes.extend(rules::port(format!("{path}.port"), number));
    let protocol = get(port, &["protocol"]);
    causes.extend(rules::one_of(format!("{path}.protocol"), protocol, &PROTOCOLS, true));
    causes.extend(app_protocol_causes(path, port));
    causes
}

/// What the protocol above that of a port breaks.
pub(super) fn app_protocol_causes(path: &str, port: &Value) -> Vec<Cause> {
    match get(port, &["appProtocol"]).and_then(Value::as_str) {
        Some(protocol) => rules::named(&format!("{path}.appProtocol"), protocol, names::label_key),
        None => vec![],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn endpoints_say_what_they_break() {
        let addresses = json!([{"ip": "10.0.0.1"}]);
        let table = [
            (json!({"addresses": addresses, "ports": [{"port": 80}]}), vec![]),
            (
                json!({}),
                vec!["subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`"],
            ),
            (
                json!({"notReadyAddresses": [{"ip": "127.0.0.1"}]}),
                vec![
                    "subsets[0].notReadyAddresses[0].ip: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)",
                ],
            ),
            (
                json!({"addresses": addresses, "ports": [{"port": 0, "protocol": "ICMP"}, {"port": 1, "name": "a"}]}),
                vec![
                    "subsets[0].ports[0].name: Required value",
                    "subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
                    "subsets[0].ports[0].protocol: Unsupported value: \"ICMP\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
                ],
            ),
        ];
        for (subset, expected) in table {
            let causes = validate(&endpoints(subset));
            let messages: Vec<String> = causes.iter().map(ToString::to_string).collect();
            assert_eq!(messages, expected);
        }
    }

    #[test]
    fn subsets_that_stay_may_break_a_rule() {
        let old = endpoints(json!({}));
        let mut new = old.clone();
        new["metadata"]["labels"] = json!({"a": "b"});

        assert_eq!(validate_update(&new, &old), []);
        assert_eq!(validate_update(&new, &endpoints(json!({"addresses": [{"ip": "a"}]}))).len(), 1);
    }

    fn endpoints(subset: Value) -> Value {
        let mut endpoints =
            json!({"metadata": {"name": "e", "namespace": "n"}, "subsets": [subset]});
        apply_defaults(&mut endpoints);
        endpoints
    }
}
