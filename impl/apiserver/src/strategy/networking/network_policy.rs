//! NetworkPolicies.
//!
//! Source: `ValidateNetworkPolicySpec` and `SetDefaults_NetworkPolicy` (v1.36).

use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{default, each, get, int, items, or_null};
use super::super::ip::{self, Cidr};
use super::super::rules;

const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];
const POLICY_TYPES: [&str; 2] = ["Ingress", "Egress"];
/// Each direction, and the field with the peers of its rules.
const DIRECTIONS: [(&str, &str); 2] = [("ingress", "from"), ("egress", "to")];

/// Fills in what its author left out.
pub(super) fn apply_defaults(policy: &mut Value) {
    let spec = api::object::object_at_mut(policy, "spec");
    for (direction, _) in DIRECTIONS {
        each(spec, direction, |rule| each(rule, "ports", |port| default(port, "protocol", "TCP")));
    }
    let has_items = |field: &str| {
        spec.get(field).and_then(Value::as_array).is_some_and(|items| !items.is_empty())
    };
    if !has_items("policyTypes") {
        let types = if has_items("egress") { &POLICY_TYPES[..] } else { &POLICY_TYPES[..1] };
        spec.insert("policyTypes".to_owned(), json!(types));
    }
}

/// What it breaks, new or changed.
pub(super) fn causes(policy: &Value) -> Vec<Cause> {
    let spec = or_null(policy, &["spec"]);
    let mut causes = rules::label_selector("spec.podSelector", or_null(spec, &["podSelector"]));
    for (direction, peers) in DIRECTIONS {
        for (index, rule) in items(spec, &[direction]).iter().enumerate() {
            causes.extend(rule_causes(&format!("spec.{direction}[{index}]"), rule, peers));
        }
    }
    causes.extend(type_causes(spec));
    causes
}

fn rule_causes(path: &str, rule: &Value, peers: &str) -> Vec<Cause> {
    let mut causes = vec![];
    for (index, port) in items(rule, &["ports"]).iter().enumerate() {
        causes.extend(port_causes(&format!("{path}.ports[{index}]"), port));
    }
    for (index, peer) in items(rule, &[peers]).iter().enumerate() {
        causes.extend(peer_causes(&format!("{path}.{peers}[{index}]"), peer));
    }
    causes
}

fn port_causes(path: &str, port: &Value) -> Vec<Cause> {
    let field = format!("{path}.port");
    let protocol = get(port, &["protocol"]);
    let mut causes: Vec<Cause> =
        rules::one_of(format!("{path}.protocol"), protocol, &PROTOCOLS, false)
            .into_iter()
            .collect();
    let end = end_port_causes(&format!("{path}.endPort"), port);
    match get(port, &["port"]) {
        None => causes.extend(end),
        Some(Value::String(_)) => {
            causes.extend(end);
            causes.extend(rules::port_or_name(&field, get(port, &["port"])));
        }
        Some(number) => {
            causes.extend(rules::port_or_name(&field, Some(number)));
            causes.extend(end);
        }
    }
    causes
}

fn end_port_causes(field: &str, port: &Value) -> Vec<Cause> {
    let Some(end) = int(port, &["endPort"]) else {
        return vec![];
    };
    let invalid = |number: i64, rule: &str| Cause::invalid(field, &json!(number), rule);
    match get(port, &["port"]).map(Value::as_i64) {
        None => vec![invalid(end, "may not be specified when `port` is not specified")],
        Some(None) => vec![invalid(end, "may not be specified when `port` is non-numeric")],
        Some(Some(start)) => {
            let rule = "must be greater than or equal to `port`";
            let before = (end < start).then(|| invalid(start, rule));
            before.into_iter().chain(rules::port(field.to_owned(), end)).collect()
        }
    }
}

fn peer_causes(path: &str, peer: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let selectors = ["podSelector", "namespaceSelector"].map(|field| (field, get(peer, &[field])));
    let mut has_selector = false;
    for (field, selector) in selectors {
        if let Some(selector) = selector {
            has_selector = true;
            causes.extend(rules::label_selector(&format!("{path}.{field}"), selector));
        }
    }
    match get(peer, &["ipBlock"]) {
        Some(block) => {
            causes.extend(block_causes(&format!("{path}.ipBlock"), block));
            let rule = "may not specify both ipBlock and another peer";
            causes.extend(has_selector.then(|| Cause::forbidden(path, rule)));
        }
        None if !has_selector => causes.push(Cause::required(path, "must specify a peer")),
        None => {}
    }
    causes
}

fn block_causes(path: &str, block: &Value) -> Vec<Cause> {
    let field = format!("{path}.cidr");
    let cidr = text(block, &["cidr"]);
    if cidr.is_empty() {
        return vec![Cause::required(field, "")];
    }
    let mut causes = rules::named(&field, cidr, ip::cidr_errors);
    let Some(cidr) = Cidr::parse(cidr) else {
        return causes;
    };
    for (index, except) in items(block, &["except"]).iter().filter_map(Value::as_str).enumerate() {
        let field = format!("{path}.except[{index}]");
        causes.extend(rules::named(&field, except, ip::cidr_errors));
        if Cidr::parse(except).is_some_and(|except| !cidr.has_strict_subset(&except)) {
            let rule = "must be a strict subset of `cidr`";
            causes.push(Cause::invalid(field, &json!(except), rule));
        }
    }
    causes
}

fn type_causes(spec: &Value) -> Vec<Cause> {
    let field = "spec.policyTypes";
    let types = items(spec, &["policyTypes"]);
    if types.len() > POLICY_TYPES.len() {
        let rule = "may not specify more than two policyTypes";
        return vec![Cause::invalid(field, &json!(types), rule)];
    }
    let is_known = |policy_type: &Value| POLICY_TYPES.iter().any(|known| policy_type == known);
    let unknown = types.iter().enumerate().filter(|(_, policy_type)| !is_known(policy_type));
    unknown
        .map(|(index, policy_type)| {
            Cause::not_supported(format!("{field}[{index}]"), policy_type, &POLICY_TYPES)
        })
        .collect()
}
