//! Hints by the field `trafficDistribution` of a Service: each endpoint is for its own zone, or also its own node.
//!
//! Source: staging/src/k8s.io/endpointslice/trafficdist/trafficdist.go (v1.36).

use k8s_openapi::api::core::v1::Service;
use k8s_openapi::api::discovery::v1::{Endpoint, EndpointHints, EndpointSlice, ForNode};

use super::{Slices, endpoints, for_zone, is_ready, services};

/// Whom endpoints are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Distribution {
    /// `PreferSameZone`, and `PreferClose`, its older name.
    SameZone,
    /// `PreferSameNode`: where there is none on the node, one of its zone will do.
    SameNode,
}

impl Distribution {
    /// What a Service asks for.
    pub(super) fn of(service: &Service) -> Option<Self> {
        match services::spec(service)?.traffic_distribution.as_deref()? {
            "PreferClose" | "PreferSameZone" => Some(Self::SameZone),
            "PreferSameNode" => Some(Self::SameNode),
            _ => None,
        }
    }

    /// Gives each endpoint that is ready its hints. The others keep those that they have.
    pub(super) fn hint(self, slices: &mut Slices<'_>) {
        slices.update_where(|slice| self.is_wrong(slice));
        for endpoint in slices.endpoints().filter(|endpoint| is_ready(endpoint)) {
            endpoint.hints = self.hints(endpoint);
        }
    }

    fn is_wrong(self, slice: &EndpointSlice) -> bool {
        let mut ready = endpoints(slice).iter().filter(|endpoint| is_ready(endpoint));
        ready.any(|endpoint| names(endpoint.hints.as_ref()) != names(self.hints(endpoint).as_ref()))
    }

    fn hints(self, endpoint: &Endpoint) -> Option<EndpointHints> {
        let zone = endpoint.zone.as_deref().map(for_zone);
        let node = endpoint.node_name.clone().filter(|_| self == Self::SameNode);
        let for_nodes = node.map(|name| vec![ForNode { name }]);
        let is_none = zone.is_none() && for_nodes.is_none();
        (!is_none).then(|| EndpointHints { for_nodes, ..zone.unwrap_or_default() })
    }
}

/// The zones and the nodes that hints name.
fn names(hints: Option<&EndpointHints>) -> (Vec<&str>, Vec<&str>) {
    let zones = hints.iter().flat_map(|hints| hints.for_zones.iter().flatten());
    let nodes = hints.iter().flat_map(|hints| hints.for_nodes.iter().flatten());
    (zones.map(|zone| zone.name.as_str()).collect(), nodes.map(|node| node.name.as_str()).collect())
}
