//! The downward API: fields of the pod, and resources of a container, as texts.

use std::collections::BTreeMap;

use api::quantity::Quantity;
use k8s_openapi::api::core::v1::{Container, Pod, ResourceFieldSelector};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as ApiQuantity;

use crate::config::Capacity;
use crate::spec;

/// Where a pod runs: what its spec does not hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// The pod's address.
    pub(crate) pod_ip: &'a str,
    /// The node's address.
    pub(crate) host_ip: &'a str,
    /// The limits of a container that has none.
    pub(crate) allocatable: Capacity,
}

/// A field of a pod by its path.
pub(crate) fn field(pod: &Pod, path: &str, place: Place<'_>) -> Result<String, String> {
    let metadata = &pod.metadata;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Ok(match path {
        "metadata.name" => text(&metadata.name),
        "metadata.namespace" => text(&metadata.namespace),
        "metadata.uid" => text(&metadata.uid),
        "metadata.labels" => lines(metadata.labels.iter().flatten()),
        "metadata.annotations" => lines(metadata.annotations.iter().flatten()),
        "spec.nodeName" => text(&spec::spec(pod).node_name),
        "spec.serviceAccountName" => text(&spec::spec(pod).service_account_name),
        "status.podIP" | "status.podIPs" => place.pod_ip.to_owned(),
        "status.hostIP" | "status.hostIPs" => place.host_ip.to_owned(),
        _ => return subscript(pod, path).ok_or(format!("unsupported fieldPath: {path}")),
    })
}

fn lines<'a>(pairs: impl Iterator<Item = (&'a String, &'a String)>) -> String {
    let lines: Vec<String> = pairs.map(|(key, value)| format!("{key}={value:?}")).collect();
    lines.join("\n")
}

/// `metadata.labels['app']`.
fn subscript(pod: &Pod, path: &str) -> Option<String> {
    let (map, key) = path.strip_suffix("']")?.split_once("['")?;
    let map = match map {
        "metadata.labels" => pod.metadata.labels.as_ref(),
        "metadata.annotations" => pod.metadata.annotations.as_ref(),
        _ => return None,
    };
    Some(map.and_then(|map| map.get(key)).cloned().unwrap_or_default())
}

/// A container's request or limit, divided and rounded up. Where it has no limit, the pod's or the node's counts.
///
/// Source: `defaultPodLimitsForDownwardAPI` of pkg/kubelet/kubelet_resources.go (v1.36).
pub(crate) fn resource(
    pod: &Pod,
    container: &Container,
    (selector, allocatable): (&ResourceFieldSelector, Capacity),
) -> Result<String, String> {
    let named = selector.container_name.as_deref().and_then(|name| spec::find(pod, name));
    let resources = named.unwrap_or(container).resources.clone().unwrap_or_default();
    let (list, name) = selector
        .resource
        .split_once('.')
        .ok_or(format!("unsupported container resource: {}", selector.resource))?;
    let own = if list == "limits" { &resources.limits } else { &resources.requests };
    let default = || if list == "limits" { default_limit(pod, name, allocatable) } else { 0 };
    let amount = Some(amount(own, name)).filter(|amount| *amount != 0).unwrap_or_else(default);
    let divisor = selector.divisor.as_ref().map_or(0, milli);
    let divisor = if divisor == 0 { 1000 } else { divisor };
    Ok((amount / divisor + i64::from(amount % divisor != 0)).to_string())
}

/// The thousandths of a resource that a pod's containers may use together.
fn default_limit(pod: &Pod, name: &str, allocatable: Capacity) -> i64 {
    let of_pod = spec::spec(pod).resources.as_ref();
    let of_node = match name {
        "cpu" => allocatable.cpu_milli,
        "memory" => allocatable.memory_bytes / 1024 * 1024 * 1000,
        "ephemeral-storage" => return allocatable.ephemeral_storage_bytes / 1024 * 1024 * 1000,
        _ => return 0,
    };
    let of_pod = of_pod.map_or(0, |resources| amount(&resources.limits, name));
    if of_pod == 0 { of_node } else { of_pod }
}

fn amount(amounts: &Option<BTreeMap<String, ApiQuantity>>, name: &str) -> i64 {
    amounts.as_ref().and_then(|amounts| amounts.get(name)).map_or(0, milli)
}

fn milli(quantity: &ApiQuantity) -> i64 {
    Quantity::parse(&quantity.0).map_or(0, Quantity::milli)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NODE: Capacity = Capacity {
        cpu_milli: 1500,
        memory_bytes: (1 << 30) + 1,
        ephemeral_storage_bytes: 1 << 40,
        pods: 10,
    };

    fn shown(pod: &Value, container: &Value, wanted: &str) -> String {
        let container = json!({"name": "c", "resources": container});
        let pod = json!({"metadata": {}, "spec": {"resources": pod, "containers": [container]}});
        let pod: Pod = serde_json::from_value(pod).unwrap();
        let selector: ResourceFieldSelector =
            serde_json::from_value(json!({"resource": wanted})).unwrap();
        resource(&pod, &spec::spec(&pod).containers[0], (&selector, NODE)).unwrap()
    }

    #[test]
    fn the_limit_of_a_container_without_one_is_its_pods_or_what_the_node_has() {
        let (none, limit) = (json!({}), |cpu: &str| json!({"limits": {"cpu": cpu}}));

        let found = [
            shown(&none, &limit("3"), "limits.cpu"),
            shown(&limit("4"), &limit("0"), "limits.cpu"),
            shown(&none, &none, "limits.cpu"),
            shown(&limit("4"), &none, "limits.memory"),
            shown(&none, &none, "limits.ephemeral-storage"),
            shown(&limit("4"), &none, "requests.cpu"),
        ];

        assert_eq!(found, ["3", "4", "2", "1073741824", "1099511627776", "0"]);
    }
}
