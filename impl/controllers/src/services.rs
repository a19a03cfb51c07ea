//! What the controllers of endpoints read out of Services and of the pods behind them.
//!
//! Source: staging/src/k8s.io/endpointslice/util/controller_utils.go and utils.go beside it (v1.36).

#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod trigger_time;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use api::selector::Selector;
use api::{AnyObject, Key};
use client::{Change, View};
use k8s_openapi::api::core::v1::{ContainerPort, Pod, Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::ownership::labels;
use crate::pods;

/// The label of the endpoints of a Service without an address of its own.
pub(crate) const IS_HEADLESS: &str = "service.kubernetes.io/headless";

/// What a Service asks for.
pub(crate) fn spec(service: &Service) -> Option<&ServiceSpec> {
    service.spec.as_ref()
}

/// The labels that a Service selects its pods by; `None` when it selects none itself.
pub(crate) fn selector(service: &Service) -> Option<&BTreeMap<String, String>> {
    spec(service)?.selector.as_ref().filter(|selector| !selector.is_empty())
}

/// The pods that a Service selects; `None` when its endpoints are not a controller's to write.
pub(crate) fn pods_of<'a>(view: &'a View, service: &'a Service) -> Option<Vec<&'a Arc<Pod>>> {
    let is_external = spec(service)?.type_.as_deref() == Some("ExternalName");
    let selector = Selector::from_labels(selector(service).filter(|_| !is_external)?);
    let namespace = service.metadata.namespace.as_deref().unwrap_or_default();
    let pods = view.pods.in_namespace(namespace);
    Some(pods.filter(|pod| selector.matches(labels(&pod.metadata))).collect())
}

/// The Services whose endpoints a change of a pod may change.
pub(crate) fn selecting(view: &View, change: &Change) -> Vec<Key> {
    let (old, new) = (pod(change.old.as_ref()), pod(change.new.as_ref()));
    if let (Some(old), Some(new)) = (old, new)
        && is_same_to_endpoints(old, new)
    {
        return vec![];
    }
    let pods: Vec<&Pod> = old.into_iter().chain(new).collect();
    let namespace = change.key().namespace;
    let selects = |service: &&Arc<Service>| {
        selector(service)
            .map(Selector::from_labels)
            .is_some_and(|selector| pods.iter().any(|pod| selector.matches(labels(&pod.metadata))))
    };
    let services = view.services.in_namespace(&namespace).filter(selects);
    services.map(|service| Key::of(&service.metadata)).collect()
}

fn pod(object: Option<&AnyObject>) -> Option<&Pod> {
    match object {
        Some(AnyObject::Pod(pod)) => Some(pod),
        Some(_) | None => None,
    }
}

/// What of a pod shows in endpoints.
fn is_same_to_endpoints(old: &Pod, new: &Pod) -> bool {
    let of_spec = |pod: &Pod| {
        let spec = pod.spec.as_ref();
        spec.map(|spec| (spec.hostname.clone(), spec.subdomain.clone(), spec.node_name.clone()))
    };
    old.metadata.labels == new.metadata.labels
        && pods::is_terminating(old) == pods::is_terminating(new)
        && pods::is_finished(old) == pods::is_finished(new)
        && pods::is_ready(old) == pods::is_ready(new)
        && of_spec(old) == of_spec(new)
        && addresses(old).eq(addresses(new))
}

/// Whether a pod has an endpoint at all: it may still answer, and has an address to answer at.
pub(crate) fn has_endpoint(pod: &Pod) -> bool {
    !pods::is_finished(pod) && addresses(pod).next().is_some()
}

/// The pod's addresses, each in its usual form.
pub(crate) fn addresses(pod: &Pod) -> impl Iterator<Item = IpAddr> {
    let status = pod.status.iter();
    let ips = status.flat_map(|status| status.pod_ips.iter().flatten());
    ips.filter_map(|ip| ip.ip.parse().ok())
}

/// The name that a pod has within the Service's domain.
pub(crate) fn hostname<'a>(pod: &'a Pod, service: &Service) -> Option<&'a String> {
    let spec = pod.spec.as_ref()?;
    let is_of_service = spec.subdomain == service.metadata.name;
    spec.hostname.as_ref().filter(|hostname| is_of_service && !hostname.is_empty())
}

/// Whether a Service wants pods that are not ready told of as if they were.
pub(crate) fn publishes_not_ready(service: &Service) -> bool {
    spec(service).and_then(|spec| spec.publish_not_ready_addresses) == Some(true)
}

/// The address of a Service, if it has one.
pub(crate) fn cluster_ip(service: &Service) -> Option<&str> {
    let ip = spec(service)?.cluster_ip.as_deref();
    ip.filter(|ip| !matches!(*ip, "" | "None"))
}

/// The ports of a Service; `None` when it has none and needs none.
pub(crate) fn ports(service: &Service) -> Option<&[ServicePort]> {
    let spec = spec(service)?;
    let ports = spec.ports.as_deref().unwrap_or_default();
    let needs_none = ports.is_empty() && spec.cluster_ip.as_deref() == Some("None");
    (!needs_none).then_some(ports)
}

/// The number that a Service's port has in a pod.
pub(crate) fn find_port(pod: &Pod, port: &ServicePort) -> Option<i32> {
    let name = match port.target_port.as_ref()? {
        IntOrString::Int(number) => return Some(*number),
        IntOrString::String(name) => name,
    };
    let matches = |of_pod: &&ContainerPort| {
        of_pod.name.as_ref() == Some(name) && protocol(&of_pod.protocol) == protocol(&port.protocol)
    };
    let spec = pod.spec.as_ref()?;
    let sidecars = spec.init_containers.iter().flatten();
    let sidecars =
        sidecars.filter(|container| container.restart_policy.as_deref() == Some("Always"));
    let containers = spec.containers.iter().chain(sidecars);
    let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
    ports.find(matches).map(|port| port.container_port)
}

fn protocol(protocol: &Option<String>) -> &str {
    protocol.as_deref().unwrap_or("TCP")
}

/// A map, or nothing where it is empty.
pub(crate) fn unless_empty(map: BTreeMap<String, String>) -> Option<BTreeMap<String, String>> {
    (!map.is_empty()).then_some(map)
}

/// The Services that have a pod on one of these nodes.
pub(crate) fn with_pods_on(view: &View, node: &str) -> Vec<Key> {
    let change = |pod: &Arc<Pod>| Change { old: None, new: Some(Arc::clone(pod).into()) };
    let keys: BTreeSet<Key> =
        view.pods_on(node).flat_map(|pod| selecting(view, &change(pod))).collect();
    keys.into_iter().collect()
}

/// When an object was made.
pub(crate) fn created(metadata: &ObjectMeta) -> Option<&Time> {
    metadata.creation_timestamp.as_ref()
}
