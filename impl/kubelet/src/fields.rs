//! The downward API: fields of the pod, and resources of a container, as texts.

use api::quantity::Quantity;
use k8s_openapi::api::core::v1::{Container, Pod, ResourceFieldSelector};

use crate::spec;

/// Addresses that a pod's spec does not hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses<'a> {
    /// The pod's.
    pub(crate) pod: &'a str,
    /// The node's.
    pub(crate) host: &'a str,
}

/// A field of a pod by its path.
pub(crate) fn field(pod: &Pod, path: &str, addresses: Addresses<'_>) -> Result<String, String> {
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
        "status.podIP" | "status.podIPs" => addresses.pod.to_owned(),
        "status.hostIP" | "status.hostIPs" => addresses.host.to_owned(),
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

/// A container's request or limit, divided and rounded up.
pub(crate) fn resource(
    pod: &Pod,
    container: &Container,
    selector: &ResourceFieldSelector,
) -> Result<String, String> {
    let named = selector.container_name.as_deref().and_then(|name| spec::find(pod, name));
    let resources = named.unwrap_or(container).resources.clone().unwrap_or_default();
    let (list, name) = selector
        .resource
        .split_once('.')
        .ok_or(format!("unsupported container resource: {}", selector.resource))?;
    let amounts = if list == "limits" { resources.limits } else { resources.requests };
    let parse = |text: &str| Quantity::parse(text).map_or(0, Quantity::milli);
    let amount = amounts.unwrap_or_default().get(name).map_or(0, |amount| parse(&amount.0));
    let divisor = selector.divisor.as_ref().map_or(0, |divisor| parse(&divisor.0));
    let divisor = if divisor == 0 { 1000 } else { divisor };
    Ok((amount / divisor + i64::from(amount % divisor != 0)).to_string())
}
