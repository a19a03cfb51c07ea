//! The endpoints that a Service should have, in groups of the same ports.
//!
//! Source: staging/src/k8s.io/endpointslice/utils.go (v1.36).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use api::Key;
use client::View;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointConditions, EndpointPort, EndpointSlice};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::packing::Groups;
use super::{CONTROLLER, MANAGED_BY, SERVICE_NAME, ZONE, new_metadata};
use crate::endpoints::pod_reference;
use crate::ownership::labels;
use crate::services::{self, IS_HEADLESS};
use crate::{pods, services::cluster_ip};

/// The families of addresses that a Service has.
pub(super) fn address_types(service: &Service) -> Vec<&'static str> {
    let families = services::spec(service).and_then(|spec| spec.ip_families.as_deref());
    let families = families.unwrap_or_default();
    let told = ["IPv4", "IPv6"].into_iter().filter(|family| families.iter().any(|f| f == family));
    let told: Vec<&str> = told.collect();
    match cluster_ip(service) {
        _ if !told.is_empty() => told,
        Some(ip) if ip.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()) => vec!["IPv6"],
        Some(_) => vec!["IPv4"],
        None => vec!["IPv4", "IPv6"],
    }
}

/// A slice of the Service without endpoints.
pub(super) fn template(service: &Service, family: &str) -> EndpointSlice {
    EndpointSlice {
        metadata: ObjectMeta { labels: Some(slice_labels(service)), ..new_metadata(service) },
        address_type: family.to_owned(),
        endpoints: None,
        ports: None,
    }
}

/// The labels of the Service's slices: its own, and those that belong to slices.
fn slice_labels(service: &Service) -> BTreeMap<String, String> {
    let mut labels = labels(&service.metadata).clone();
    labels.remove(IS_HEADLESS);
    if cluster_ip(service).is_none() {
        labels.insert(IS_HEADLESS.to_owned(), String::new());
    }
    let name = service.metadata.name.clone().unwrap_or_default();
    labels.insert(SERVICE_NAME.to_owned(), name);
    labels.insert(MANAGED_BY.to_owned(), CONTROLLER.to_owned());
    labels
}

/// The endpoints of the Service's pods. A pod of an unknown node has none, unless the Service wants pods told
/// of that are not ready.
pub(super) fn groups(view: &View, service: &Service, pods: &[&Arc<Pod>], family: &str) -> Groups {
    let mut groups = Groups::default();
    for pod in pods.iter().filter(|pod| services::has_endpoint(pod)) {
        let node = view.nodes.get(&Key::cluster(pods::node_name(pod)));
        let group = groups.of(ports(service, pod));
        if node.is_none() && !services::publishes_not_ready(service) {
            continue;
        }
        let zone = node.and_then(|node| labels(&node.metadata).get(ZONE));
        let endpoint = endpoint(service, pod, family);
        if !endpoint.addresses.is_empty() {
            let zone = zone.filter(|zone| !zone.is_empty()).cloned();
            group.insert(Endpoint { zone, ..endpoint });
        }
    }
    groups
}

fn ports(service: &Service, pod: &Pod) -> Vec<EndpointPort> {
    let ports = services::ports(service).unwrap_or_default().iter();
    ports
        .filter_map(|port| {
            Some(EndpointPort {
                name: Some(port.name.clone().unwrap_or_default()),
                port: Some(services::find_port(pod, port)?),
                protocol: port.protocol.clone(),
                app_protocol: port.app_protocol.clone(),
            })
        })
        .collect()
}

/// A pod that is being deleted is never ready, but may still serve.
fn endpoint(service: &Service, pod: &Pod, family: &str) -> Endpoint {
    let (serving, terminating) = (pods::is_ready(pod), pods::is_terminating(pod));
    let ready = services::publishes_not_ready(service) || serving && !terminating;
    let is_of_family = |ip: &IpAddr| ip.is_ipv6() == (family == "IPv6");
    let node_name = Some(pods::node_name(pod).to_owned());
    Endpoint {
        addresses: services::addresses(pod).filter(is_of_family).map(|ip| ip.to_string()).collect(),
        conditions: Some(EndpointConditions {
            ready: Some(ready),
            serving: Some(serving),
            terminating: Some(terminating),
        }),
        hostname: services::hostname(pod, service).cloned(),
        node_name: node_name.filter(|name| !name.is_empty()),
        target_ref: Some(pod_reference(&pod.metadata)),
        ..Endpoint::default()
    }
}
