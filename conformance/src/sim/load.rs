//! What pods use, as a metrics server tells it: loads that the pods of applications share.
//!
//! Source: the API `metrics.k8s.io/v1beta1`, which somebody else serves.

use api::object::{at, text};
use api::quantity::Quantity;
use api::selector::Selector;
use api::{Timestamp, resources};
use serde_json::{Value, json};
use store::Store;

use crate::sim::checks::runs;
use crate::sim::objects::objects;

/// Thousandths of a CPU that the ready pods of a selector use together in each namespace, each as many as the other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Load {
    pub(crate) selector: Selector,
    pub(crate) cpu_milli: i64,
}

impl Load {
    fn has(&self, pod: &Value) -> bool {
        self.selector.matches_value(&pod["metadata"]["labels"])
    }
}

/// The `PodMetricsList` of a namespace. The last load of a pod counts; a pod without any is not told of.
pub(crate) fn pod_metrics(
    store: &Store,
    loads: &[Load],
    (namespace, now): (&str, Timestamp),
) -> Value {
    let mut pods = objects(store, &resources::PODS);
    pods.retain(|pod| runs(pod) && text(pod, &["metadata", "namespace"]) == namespace);
    let last = |pod: &Value| loads.iter().rev().find(|load| load.has(pod));
    let items = pods.iter().filter_map(|pod| {
        let load = last(pod)?;
        let sharing = pods.iter().filter(|other| last(other) == Some(load)).count();
        let share = load.cpu_milli / i64::try_from(sharing).unwrap_or(i64::MAX);
        Some(metrics(pod, share, now))
    });
    json!({"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1",
        "items": items.collect::<Vec<_>>()})
}

/// The first container does all the work.
fn metrics(pod: &Value, cpu_milli: i64, now: Timestamp) -> Value {
    let containers = at(pod, &["spec", "containers"]).and_then(Value::as_array);
    let containers = containers.into_iter().flatten().enumerate().map(|(index, container)| {
        let cpu = Quantity::from_milli(if index == 0 { cpu_milli } else { 0 }).to_string();
        json!({"name": container["name"], "usage": {"cpu": cpu}})
    });
    let (name, namespace) = (&pod["metadata"]["name"], &pod["metadata"]["namespace"]);
    json!({"metadata": {"name": name, "namespace": namespace},
        "timestamp": api::time::text(now), "window": "15s",
        "containers": containers.collect::<Vec<_>>()})
}
