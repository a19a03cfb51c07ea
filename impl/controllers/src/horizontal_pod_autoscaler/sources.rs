//! Where metrics come from, what they lead to, and the words of those who miss them.
//!
//! Source: pkg/controller/podautoscaler (v1.36). Left out: metrics of pods, of other objects and from outside,
//! which are told of by APIs that nobody serves.

use api::quantity::Quantity;
use k8s_openapi::api::autoscaling::v2::{
    ContainerResourceMetricStatus, HPAScalingRules, HorizontalPodAutoscalerSpec, MetricSpec,
    MetricStatus, MetricValueStatus, ResourceMetricStatus,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity as Amount;

use super::usage::{Proposal, Tolerances};

const TOLERANCE: f64 = 0.1;

/// What a metric leads to.
pub(super) struct Computed {
    pub(super) replicas: i32,
    pub(super) metric: String,
    pub(super) status: MetricStatus,
}

/// The reason of a condition when a metric cannot be computed, and how its error begins.
pub(super) fn words(metric: &MetricSpec) -> (&'static str, String) {
    if let Some(source) = &metric.resource {
        let name = &source.name;
        ("FailedGetResourceMetric", format!("failed to get {name} resource metric value"))
    } else if let Some(source) = &metric.container_resource {
        let container = &source.container;
        let begin = format!("failed to get {container} container metric value");
        ("FailedGetContainerResourceMetric", begin)
    } else if metric.pods.is_some() {
        ("FailedGetPodsMetric", "failed to get pods metric value".to_owned())
    } else if metric.object.is_some() {
        ("FailedGetObjectMetric", "failed to get object metric value".to_owned())
    } else if let Some(source) = &metric.external {
        let name = &source.metric.name;
        ("FailedGetExternalMetric", format!("failed to get {name} external metric value"))
    } else {
        ("InvalidMetricSourceType", String::new())
    }
}

/// Why there is no metric from an API that nobody serves.
pub(super) fn not_served(metric: &MetricSpec) -> String {
    let of_cluster = metric.pods.as_ref().map(|source| &source.metric);
    let of_cluster = of_cluster.or(metric.object.as_ref().map(|source| &source.metric));
    if let Some(metric) = of_cluster {
        let name = &metric.name;
        format!(
            "unable to get metric {name}: unable to fetch metrics from custom metrics API: no custom \
             metrics API (custom.metrics.k8s.io) registered"
        )
    } else if let Some(source) = &metric.external {
        let name = &source.metric.name;
        format!(
            "unable to get external metric {name}: unable to fetch metrics from external metrics API: \
             no external metrics API (external.metrics.k8s.io) registered"
        )
    } else {
        format!("unknown metric source type \"{}\"", metric.type_)
    }
}

/// What a proposal of a resource, of one container if it is named, leads to.
pub(super) fn computed((resource, container): (&str, &str), proposal: Proposal) -> Computed {
    let of_container = if container.is_empty() { "" } else { "container " };
    let metric = match proposal.utilization {
        Some(_) => {
            format!("{resource} {of_container}resource utilization (percentage of request)")
        }
        None => format!("{resource} resource"),
    };
    let current = MetricValueStatus {
        average_utilization: proposal.utilization,
        average_value: Some(amount(resource, proposal.average)),
        value: None,
    };
    let status = if container.is_empty() {
        let resource = Some(ResourceMetricStatus { name: resource.to_owned(), current });
        MetricStatus { type_: "Resource".to_owned(), resource, ..MetricStatus::default() }
    } else {
        let container_resource = Some(ContainerResourceMetricStatus {
            name: resource.to_owned(),
            container: container.to_owned(),
            current,
        });
        let type_ = "ContainerResource".to_owned();
        MetricStatus { type_, container_resource, ..MetricStatus::default() }
    };
    Computed { replicas: proposal.replicas, metric, status }
}

/// Memory is written in `Ki`, `Mi` …
fn amount(resource: &str, milli: i64) -> Amount {
    let is_memory = resource == "memory" && milli % 1000 == 0;
    let quantity =
        if is_memory { Quantity::from_bytes(milli / 1000) } else { Quantity::from_milli(milli) };
    Amount(quantity.to_string())
}

/// By what part the use may differ.
pub(super) fn tolerances(spec: &HorizontalPodAutoscalerSpec) -> Tolerances {
    let tolerance = |rules: Option<&HPAScalingRules>| {
        let quantity = rules.and_then(|rules| Quantity::parse(&rules.tolerance.as_ref()?.0).ok());
        quantity.map_or(TOLERANCE, |quantity| quantity.milli() as f64 / 1000.0)
    };
    let behavior = spec.behavior.as_ref();
    Tolerances {
        scale_down: tolerance(behavior.and_then(|behavior| behavior.scale_down.as_ref())),
        scale_up: tolerance(behavior.and_then(|behavior| behavior.scale_up.as_ref())),
    }
}
