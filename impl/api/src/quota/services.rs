//! What a Service uses: itself, node ports, a load balancer.
//!
//! Source: `pkg/quota/v1/evaluator/core/services.go` (v1.36).

use serde_json::Value;

use super::count;
use crate::amounts::Amounts;
use crate::object::{at, text};

const SERVICES: &str = "services";
const NODE_PORTS: &str = "services.nodeports";
const LOAD_BALANCERS: &str = "services.loadbalancers";

/// Whether Services use what has this name.
pub(super) fn uses(name: &str) -> bool {
    [SERVICES, NODE_PORTS, LOAD_BALANCERS].contains(&name)
}

/// What a Service uses.
pub(super) fn usage(service: &Value) -> Amounts {
    let kind = text(service, &["spec", "type"]);
    let balancers = i64::from(kind == "LoadBalancer");
    let used =
        [(SERVICES, 1), (NODE_PORTS, node_ports(service, kind)), (LOAD_BALANCERS, balancers)];
    used.into_iter().map(|(name, number)| (name.to_owned(), count(number))).collect()
}

/// How many node ports it is to have; they may not be there yet.
fn node_ports(service: &Value, kind: &str) -> i64 {
    let ports = at(service, &["spec", "ports"]).and_then(Value::as_array).into_iter().flatten();
    let takes_none = service["spec"]["allocateLoadBalancerNodePorts"] == false;
    let number = match kind {
        "LoadBalancer" if takes_none => ports.filter(|port| port["nodePort"].is_i64()).count(),
        "NodePort" | "LoadBalancer" => ports.count(),
        _ => 0,
    };
    i64::try_from(number).unwrap_or(i64::MAX)
}
