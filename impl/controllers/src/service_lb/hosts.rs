//! The nodes that stand behind load balancers, and where they are reached.

use std::collections::BTreeSet;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::{LoadBalancerIngress, Node, Service};

use crate::ownership::{labels, name};

/// Keeps a node from standing behind load balancers.
const EXCLUDED: &str = "node.kubernetes.io/exclude-from-external-load-balancers";

/// What the cluster autoscaler puts on a node that it is about to delete.
const TO_BE_DELETED: &str = "ToBeDeletedByClusterAutoscaler";

/// A node that stands behind load balancers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    name: String,
    provider_id: Option<String>,
    external: Vec<IpAddr>,
    internal: Vec<IpAddr>,
}

impl Host {
    /// A node as a host; `None` when it stands behind no load balancer.
    pub(super) fn of(node: &Node) -> Option<Self> {
        let is_going = node.metadata.deletion_timestamp.is_some();
        if is_going || is_excluded(node) || is_tainted(node) {
            return None;
        }
        Some(Self {
            name: name(&node.metadata).to_owned(),
            provider_id: node.spec.as_ref().and_then(|spec| spec.provider_id.clone()),
            external: addresses(node, "ExternalIP"),
            internal: addresses(node, "InternalIP"),
        })
    }
}

/// A label that says anything but no excludes the node.
fn is_excluded(node: &Node) -> bool {
    let label = labels(&node.metadata).get(EXCLUDED);
    label.is_some_and(|value| !["0", "f", "F", "false", "False", "FALSE"].contains(&value.as_str()))
}

fn is_tainted(node: &Node) -> bool {
    let taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    taints.into_iter().any(|taint| taint.key == TO_BE_DELETED)
}

fn addresses(node: &Node, kind: &str) -> Vec<IpAddr> {
    let addresses = node.status.iter().flat_map(|status| status.addresses.iter().flatten());
    let of_kind = addresses.filter(|address| address.type_ == kind);
    of_kind.filter_map(|address| address.address.parse().ok()).collect()
}

/// The addresses of a Service: those at which the nodes are reached from outside, if there are any, else
/// those at which they reach each other; of the Service's families.
pub(super) fn ingress(service: &Service, hosts: &[Host]) -> Vec<LoadBalancerIngress> {
    let families = service.spec.iter().flat_map(|spec| spec.ip_families.iter().flatten());
    let families: BTreeSet<&str> = families.map(String::as_str).collect();
    let is_wanted = |address: &&IpAddr| {
        families.is_empty() || families.contains(if address.is_ipv4() { "IPv4" } else { "IPv6" })
    };
    let of = |addresses: fn(&Host) -> &Vec<IpAddr>| -> BTreeSet<IpAddr> {
        hosts.iter().flat_map(addresses).filter(is_wanted).copied().collect()
    };
    let external = of(|host| &host.external);
    let addresses = if external.is_empty() { of(|host| &host.internal) } else { external };
    let ingress = |address: IpAddr| LoadBalancerIngress {
        ip: Some(address.to_string()),
        ip_mode: Some("VIP".to_owned()),
        ..LoadBalancerIngress::default()
    };
    addresses.into_iter().map(ingress).collect()
}
