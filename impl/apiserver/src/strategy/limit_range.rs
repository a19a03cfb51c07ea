//! LimitRanges.
//!
//! Source: `SetDefaults_LimitRangeItem` and `ValidateLimitRange` (v1.36). Leaves out that one without a
//! name gets a UUID for it.

use std::collections::BTreeSet;

use api::names;
use api::object::text;
use api::quantity::Quantity;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{Fields, each, entries, get, items, made, or_null};
use super::{meta, resource_names, resources, rules};

const LISTS: [&str; 5] = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];
const TYPES: [&str; 3] = ["Pod", "Container", "PersistentVolumeClaim"];

/// A container without limits gets the maximum, and one without requests its limits or the minimum.
pub(super) fn apply_defaults(limit_range: &mut Value) {
    let spec = api::object::object_at_mut(limit_range, "spec");
    each(spec, "limits", |limit| {
        LISTS.iter().for_each(|list| resources::canonicalize(limit, list));
        if limit.get("type").and_then(Value::as_str) == Some("Container") {
            fill(limit, "default", "max");
            fill(limit, "defaultRequest", "default");
            fill(limit, "defaultRequest", "min");
        }
    });
}

fn fill(limit: &mut Fields, list: &str, from: &str) {
    let Some(from) = limit.get(from).and_then(Value::as_object).cloned() else {
        return;
    };
    let list = made(limit, list);
    for (name, quantity) in from {
        list.entry(name).or_insert(quantity);
    }
}

/// What a new LimitRange breaks.
pub(super) fn validate(limit_range: &Value) -> Vec<Cause> {
    let mut causes = meta::validate(limit_range, true, names::dns_subdomain);
    causes.extend(limits_causes(limit_range));
    causes
}

/// What an update breaks.
pub(super) fn validate_update(new: &Value, old: &Value) -> Vec<Cause> {
    let mut causes = meta::validate_update(new, old);
    causes.extend(limits_causes(new));
    causes
}

fn limits_causes(limit_range: &Value) -> Vec<Cause> {
    let mut types = BTreeSet::new();
    let mut causes = vec![];
    for (index, limit) in items(limit_range, &["spec", "limits"]).iter().enumerate() {
        let path = format!("spec.limits[{index}]");
        let kind = text(limit, &["type"]);
        causes.extend(type_causes(&format!("{path}.type"), kind));
        if !types.insert(kind) {
            causes.push(Cause::duplicate(format!("{path}.type"), &json!(kind)));
        }
        causes.extend(limit_causes(&path, kind, limit));
    }
    causes
}

fn type_causes(field: &str, kind: &str) -> Vec<Cause> {
    let causes = rules::named(field, kind, names::label_key);
    if !causes.is_empty() || kind.contains('/') || TYPES.contains(&kind) {
        return causes;
    }
    let rule = "must be a standard limit type or fully qualified";
    vec![Cause::invalid(field, &json!(kind), rule)]
}

fn limit_causes(path: &str, kind: &str, limit: &Value) -> Vec<Cause> {
    let mut causes = vec![];
    let mut names = BTreeSet::new();
    for list in LISTS {
        if kind == "Pod" && list.starts_with("default") {
            let given = entries(limit, &[list]).next().is_some();
            let rule = "may not be specified when `type` is 'Pod'";
            causes.extend(given.then(|| Cause::forbidden(format!("{path}.{list}"), rule)));
            continue;
        }
        for (name, quantity) in entries(limit, &[list]) {
            causes.extend(name_causes(&format!("{path}.{list}[{name}]"), kind, name, quantity));
            names.insert(name);
        }
    }
    if kind == "PersistentVolumeClaim"
        && ["min", "max"].iter().all(|list| lacks_storage(limit, list))
    {
        let rule = "either minimum or maximum storage value is required, but neither was provided";
        causes.push(Cause::required(format!("{path}.limits"), rule));
    }
    causes.extend(names.into_iter().flat_map(|name| Bounds::of(limit, kind, name).causes(path)));
    causes
}

fn lacks_storage(limit: &Value, list: &str) -> bool {
    get(limit, &[list, "storage"]).is_none()
}

fn name_causes(field: &str, kind: &str, name: &str, quantity: &Value) -> Vec<Cause> {
    let mut causes = match kind {
        "Pod" | "Container" => resource_names::container_causes(field, name),
        _ => resource_names::standard_causes(field, name),
    };
    if let Err(error) = Quantity::from_value(quantity) {
        causes.push(Cause::invalid(field, quantity, &error.to_string()));
    }
    causes
}

/// What one limit says of one resource.
struct Bounds<'a> {
    name: &'a str,
    max: Option<Quantity>,
    min: Option<Quantity>,
    default: Option<Quantity>,
    default_request: Option<Quantity>,
    max_limit_request_ratio: Option<Quantity>,
}

impl<'a> Bounds<'a> {
    fn of(limit: &Value, kind: &str, name: &'a str) -> Self {
        let quantity = |list: &str| Quantity::from_value(or_null(limit, &[list, name])).ok();
        let of_containers = |list: &str| if kind == "Pod" { None } else { quantity(list) };
        Self {
            name,
            max: quantity("max"),
            min: quantity("min"),
            default: of_containers("default"),
            default_request: of_containers("defaultRequest"),
            max_limit_request_ratio: quantity("maxLimitRequestRatio"),
        }
    }

    fn causes(&self, path: &str) -> Vec<Cause> {
        let mut causes = self.order_causes(path);
        causes.extend(self.ratio_causes(path));
        causes.extend(self.overcommit_cause(path));
        causes
    }

    /// Minimum, default request, default limit and maximum must not be in another order.
    fn order_causes(&self, path: &str) -> Vec<Cause> {
        let min = ("min value", self.min);
        let max = ("max value", self.max);
        let request = ("default request value", self.default_request);
        // Upstream shows the other bound as the value of the default (v1.36, `ValidateLimitRange`).
        let pairs = [
            ("min", self.min, min, max),
            ("defaultRequest", self.default_request, min, request),
            ("defaultRequest", self.default_request, request, max),
            (
                "defaultRequest",
                self.default_request,
                request,
                ("default limit value", self.default),
            ),
            ("default", self.min, min, ("default value", self.default)),
            ("default", self.max, ("default value", self.default), max),
        ];
        let broken = pairs.into_iter().filter_map(|(list, shown, (less, low), (more, high))| {
            let (low, high) = (low?, high?);
            let rule = format!("{less} {low} is greater than {more} {high}");
            let cause = self.invalid(path, list, shown?, &rule);
            (low > high).then_some(cause)
        });
        broken.collect()
    }

    fn ratio_causes(&self, path: &str) -> Vec<Cause> {
        let list = "maxLimitRequestRatio";
        let Some(ratio) = self.max_limit_request_ratio else {
            return vec![];
        };
        let mut causes = vec![];
        if ratio < Quantity::from_bytes(1) {
            let rule = format!("ratio {ratio} is less than 1");
            causes.push(self.invalid(path, list, ratio, &rule));
        }
        if let (Some(min), Some(max)) = (self.min, self.max) {
            let most = max.milli() as f64 / min.milli() as f64;
            if ratio.milli() as f64 / 1000.0 > most {
                let rule = format!("ratio {ratio} is greater than max/min = {most:.6}");
                causes.push(self.invalid(path, list, ratio, &rule));
            }
        }
        causes
    }

    fn overcommit_cause(&self, path: &str) -> Option<Cause> {
        let (default, request) = (self.default?, self.default_request?);
        let rule = format!(
            "default value {default} must equal to defaultRequest value {request} in {}",
            self.name
        );
        (!resource_names::is_overcommit_allowed(self.name) && default != request)
            .then(|| self.invalid(path, "defaultRequest", request, &rule))
    }

    fn invalid(&self, path: &str, list: &str, shown: Quantity, rule: &str) -> Cause {
        let field = format!("{path}.{list}[{}]", self.name);
        Cause::invalid(field, &json!(shown.to_string()), rule)
    }
}

#[cfg(test)]
mod tests;
