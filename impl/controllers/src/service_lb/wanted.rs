//! What of a Service its load balancer depends on.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Service, ServiceSpec};

/// The type of Services that have load balancers.
pub(super) const TYPE: &str = "LoadBalancer";

/// A load balancer that a Service wants. When it changes, the load balancer is made again.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    uid: Option<String>,
    annotations: BTreeMap<String, String>,
    spec: ServiceSpec,
}

impl Wanted {
    /// What a Service wants; `None` when it wants no load balancer, or one of another class.
    pub(super) fn of(service: &Service) -> Option<Self> {
        let spec = service.spec.as_ref()?;
        let is_ours = spec.type_.as_deref() == Some(TYPE) && spec.load_balancer_class.is_none();
        is_ours.then(|| Self {
            uid: service.metadata.uid.clone(),
            annotations: service.metadata.annotations.clone().unwrap_or_default(),
            spec: relevant(spec),
        })
    }
}

/// A spec without what no load balancer depends on. Source: `needsUpdate` (v1.36).
fn relevant(spec: &ServiceSpec) -> ServiceSpec {
    ServiceSpec {
        external_ips: spec.external_ips.clone(),
        external_traffic_policy: spec.external_traffic_policy.clone(),
        health_check_node_port: spec.health_check_node_port,
        ip_families: spec.ip_families.clone(),
        load_balancer_ip: spec.load_balancer_ip.clone(),
        load_balancer_source_ranges: spec.load_balancer_source_ranges.clone(),
        ports: spec.ports.clone(),
        session_affinity: spec.session_affinity.clone(),
        session_affinity_config: spec.session_affinity_config.clone(),
        ..ServiceSpec::default()
    }
}
