//! What a HorizontalPodAutoscaler points to.

use std::sync::Arc;

use api::selector::Selector;
use api::{ApiResource, Key, resources};
use client::View;
use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec,
};
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

use crate::ownership::labels;

/// Where the target is served. Any version of its group will do.
pub(super) fn served(
    reference: &CrossVersionObjectReference,
) -> Result<&'static ApiResource, String> {
    let (version, kind) = (reference.api_version.as_deref().unwrap_or("v1"), &reference.kind);
    if version.matches('/').count() > 1 {
        return Err(format!("unexpected GroupVersion string: {version}"));
    }
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let mut found = resources::ALL.iter().copied();
    found
        .find(|resource| resource.group == group && resource.kind == *kind)
        .ok_or_else(|| format!("no matches for kind \"{kind}\" in group \"{group}\""))
}

/// The key of the target.
pub(super) fn target_key(
    autoscaler: &HorizontalPodAutoscaler,
    spec: &HorizontalPodAutoscalerSpec,
) -> Key {
    let namespace = autoscaler.metadata.namespace.as_deref().unwrap_or_default();
    Key::new(namespace, &spec.scale_target_ref.name)
}

/// How many replicas a scale asks for.
pub(super) fn replicas(scale: &Value) -> i32 {
    let replicas = scale["spec"]["replicas"].as_i64().unwrap_or(0);
    i32::try_from(replicas).unwrap_or(i32::MAX)
}

/// The pods of a namespace that a selector matches.
pub(super) fn pods(view: &View, namespace: &str, selector: &Selector) -> Vec<Arc<Pod>> {
    let pods = view.pods.in_namespace(namespace);
    pods.filter(|pod| selector.matches(labels(&pod.metadata))).cloned().collect()
}
