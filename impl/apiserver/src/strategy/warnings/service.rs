//! What is said of a Service.

use api::object::text;
use serde_json::Value;

use super::super::fields::{get, items, or_null};
use super::addresses;

/// What of a Service is ignored or deprecated.
pub(super) fn warnings(service: &Value) -> Vec<String> {
    let spec = or_null(service, &["spec"]);
    let of = |field: &str| text(spec, &[field]);
    let external = items(spec, &["externalIPs"]);
    let is_headless = of("type") == "ClusterIP" && of("clusterIP") == "None";
    let is_name = of("type") == "ExternalName";
    let mut warnings = vec![];
    if get(service, &["metadata", "annotations", "service.kubernetes.io/topology-aware-hints"])
        .is_some()
    {
        warnings.push("annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead".to_owned());
    }
    let own = items(spec, &["clusterIPs"]);
    warnings.extend(addresses::of_list("spec.clusterIPs", own, addresses::of_ip));
    if is_headless {
        let ignored = [
            (!of("loadBalancerIP").is_empty(), "loadBalancerIP"),
            (!external.is_empty(), "externalIPs"),
            (of("sessionAffinity") != "None", "SessionAffinity"),
        ];
        let ignored = ignored.into_iter().filter(|(is, _)| *is);
        warnings.extend(
            ignored.map(|(_, field)| format!("spec.{field} is ignored for headless services")),
        );
    }
    warnings.extend(addresses::of_list("spec.externalIPs", external, addresses::of_ip));
    if !external.is_empty() && !is_headless && !is_name {
        warnings.push(
            "spec.externalIPs is deprecated and may no longer be implemented in some clusters"
                .to_owned(),
        );
    }
    warnings.extend(addresses::of_ip("spec.loadBalancerIP", of("loadBalancerIP")));
    let ranges = items(spec, &["loadBalancerSourceRanges"]);
    warnings.extend(addresses::of_list(
        "spec.loadBalancerSourceRanges",
        ranges,
        addresses::of_cidr,
    ));
    if is_name && !external.is_empty() {
        warnings.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_owned());
    }
    if !is_name && !of("externalName").is_empty() {
        warnings
            .push("spec.externalName is ignored when spec.type is not \"ExternalName\"".to_owned());
    }
    if of("trafficDistribution") == "PreferClose" {
        warnings.push(
            "spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\""
                .to_owned(),
        );
    }
    warnings
}
