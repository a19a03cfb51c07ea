//! What pods use, as the resource metrics API tells it.
//!
//! Source: pkg/controller/podautoscaler/metrics/client.go (v1.36).

use std::collections::BTreeMap;

use api::object::text;
use api::quantity::Quantity;
use api::{ApiResource, Status, Timestamp};
use client::Outcome;
use serde_json::Value;

/// Where the use of pods is told.
pub(super) static POD_METRICS: ApiResource = ApiResource {
    group: "metrics.k8s.io",
    version: "v1beta1",
    kind: "PodMetrics",
    plural: "pods",
    singular: "",
    short_names: &[],
    categories: &[],
    namespaced: true,
    subresources: &[],
    is_stored: false,
};

/// What an API server says that does not serve a resource; a client adds of which.
const NOT_SERVED: &str = "the server could not find the requested resource";

/// What one pod uses of one resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct PodMetric {
    /// When it was measured.
    pub(super) timestamp: Timestamp,
    /// For how long, in milliseconds.
    pub(super) window_milliseconds: i64,
    /// Thousandths.
    pub(super) value: i64,
}

/// By name, what those of these pods use that are told of; of one container, if one is named.
pub(super) fn read(
    answer: &Outcome,
    (resource, container): (&str, &str),
    is_selected: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, PodMetric>, String> {
    let list = answer.as_ref().map_err(|status| {
        format!("unable to fetch metrics from resource metrics API: {}", told(status))
    })?;
    let items = list["items"].as_array().into_iter().flatten();
    let name = |item: &Value| text(item, &["metadata", "name"]).to_owned();
    let selected: Vec<&Value> = items.filter(|item| is_selected(&name(item))).collect();
    if selected.is_empty() {
        return Err("no metrics returned from resource metrics API".to_owned());
    }
    let metrics = selected
        .into_iter()
        .filter_map(|item| Some((name(item), metric(item, resource, container)?)));
    Ok(metrics.collect())
}

fn told(status: &Status) -> String {
    match status.message.as_str() {
        NOT_SERVED => format!("{NOT_SERVED} (get pods.metrics.k8s.io)"),
        message => message.to_owned(),
    }
}

/// A pod of which one container is not told of is not told of.
fn metric(item: &Value, resource: &str, container: &str) -> Option<PodMetric> {
    let containers = item["containers"].as_array()?;
    let is_meant = |found: &&Value| container.is_empty() || found["name"] == container;
    let mut usages = containers
        .iter()
        .filter(is_meant)
        .map(|found| Quantity::from_value(found["usage"].get(resource)?).ok().map(Quantity::milli));
    let first = usages.next()??;
    let value = usages.try_fold(first, |sum, usage| Some(sum.saturating_add(usage?)))?;
    let timestamp = text(item, &["timestamp"]).parse().unwrap_or_default();
    Some(PodMetric { timestamp, window_milliseconds: milliseconds(text(item, &["window"])), value })
}

/// A duration as Go writes it, `1m0.5s`; nothing where it cannot be read.
fn milliseconds(duration: &str) -> i64 {
    let (mut total, mut number, mut unit) = (0.0, String::new(), String::new());
    let mut add = |number: &mut String, unit: &mut String| {
        let of_unit = match unit.as_str() {
            "h" => 3_600_000.0,
            "m" => 60_000.0,
            "s" => 1_000.0,
            "ms" => 1.0,
            _ => 0.0,
        };
        total += number.parse::<f64>().unwrap_or(0.0) * of_unit;
        number.clear();
        unit.clear();
    };
    for character in duration.chars() {
        let is_number = character.is_ascii_digit() || character == '.';
        if is_number && !unit.is_empty() {
            add(&mut number, &mut unit);
        }
        if is_number { number.push(character) } else { unit.push(character) }
    }
    add(&mut number, &mut unit);
    total as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (duration, expected) in
            [("30s", 30_000), ("1m0.5s", 60_500), ("1h2m3s", 3_723_000), ("15ms", 15), ("", 0)]
        {
            assert_eq!(milliseconds(duration), expected, "{duration}");
        }
    }
}
