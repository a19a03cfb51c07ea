//! Requests and limits: their canonical texts, what they may be, and the QoS class they give a pod.
//!
//! Source: `validateResourceRequirements` and `ComputePodQOS` (v1.36). Huge pages and claims are
//! elsewhere.

use std::collections::BTreeMap;

use api::quantity::Quantity;
use api::status::Cause;
use serde_json::{Value, json};

use super::fields::{Fields, below, entries, get, items};
use super::huge_pages;
use super::resource_names::{container_causes, is_counted, is_overcommit_allowed, pod_causes};
use super::rules::NEGATIVE;

const COMPUTE: [&str; 2] = ["cpu", "memory"];

/// Writes the quantities of `limits` and `requests` as upstream does, rounded up to thousandths.
pub(super) fn canonicalize_requirements(resources: &mut Fields) {
    for list in ["limits", "requests"] {
        canonicalize(resources, list);
    }
}

/// Writes the quantities of one list as upstream does. What is no quantity stays for validation.
pub(super) fn canonicalize(fields: &mut Fields, list: &str) {
    for (_, value) in below(fields, list).into_iter().flatten() {
        canonicalize_one(value);
    }
}

/// Writes an amount of a resource as upstream does, rounded up to thousandths.
pub(super) fn canonicalize_one(value: &mut Value) {
    if let Ok(quantity) = Quantity::from_value(value) {
        *value = json!(quantity.rounded_to_milli().to_string());
    }
}

/// Writes a quantity that is no amount of a resource as upstream does.
pub(super) fn canonicalize_quantity(fields: &mut Fields, field: &str) {
    let quantity = fields.get(field).and_then(|value| Quantity::from_value(value).ok());
    if let Some(quantity) = quantity {
        fields.insert(field.to_owned(), json!(quantity.to_string()));
    }
}

/// Gives each limit a request.
pub(super) fn default_requests(container: &mut Fields) {
    let Some(resources) = below(container, "resources") else {
        return;
    };
    let Some(limits) = resources.get("limits").and_then(Value::as_object).cloned() else {
        return;
    };
    let requests = super::fields::made(resources, "requests");
    for (name, quantity) in limits {
        requests.entry(name).or_insert(quantity);
    }
}

/// What a container's requirements break.
pub(super) fn validate(path: &str, resources: &Value) -> Vec<Cause> {
    validate_named(path, resources, container_causes)
}

/// What the requirements of a pod as a whole break.
pub(super) fn validate_of_pod(path: &str, resources: &Value) -> Vec<Cause> {
    validate_named(path, resources, pod_causes)
}

/// A function that says what the name of a resource breaks.
type ResourceRule = fn(&str, &str) -> Vec<Cause>;

fn validate_named(path: &str, resources: &Value, rule: ResourceRule) -> Vec<Cause> {
    let mut causes = vec![];
    for list in ["limits", "requests"] {
        causes.extend(list_causes(&format!("{path}.{list}"), entries(resources, &[list]), rule));
    }
    for (name, request) in entries(resources, &["requests"]) {
        let limit = get(resources, &["limits", name]);
        causes.extend(request_cause(path, name, request, limit));
    }
    causes.extend(huge_pages::causes(path, resources));
    causes
}

/// What a list of a node or a claim breaks: each entry must be a quantity that is not negative.
pub(super) fn quantity_causes(field: &str, name: &str, value: &Value) -> Vec<Cause> {
    let quantity = match Quantity::from_value(value) {
        Ok(quantity) => quantity,
        Err(error) => return vec![Cause::invalid(field, value, &error.to_string())],
    };
    let text = json!(quantity.to_string());
    let mut causes = vec![];
    if quantity.is_negative() {
        causes.push(Cause::invalid(field, &text, NEGATIVE));
    }
    if is_counted(name) && quantity.milli() % 1000 != 0 {
        causes.push(Cause::invalid(field, &text, "must be an integer"));
    }
    causes
}

/// What an amount breaks that there must be some of.
pub(super) fn positive_causes(field: &str, value: &Value) -> Vec<Cause> {
    match Quantity::from_value(value) {
        Err(error) => vec![Cause::invalid(field, value, &error.to_string())],
        Ok(quantity) if quantity > Quantity::ZERO => vec![],
        Ok(quantity) => {
            vec![Cause::invalid(field, &json!(quantity.to_string()), "must be greater than zero")]
        }
    }
}

/// What an amount breaks that there may be none of.
pub(super) fn amount_causes(field: &str, value: &Value) -> Vec<Cause> {
    let rule = "must be a valid resource quantity";
    match Quantity::from_value(value) {
        Err(error) => vec![Cause::invalid(field, value, &error.to_string())],
        Ok(quantity) if quantity.value() >= 0 => vec![],
        Ok(quantity) => vec![Cause::invalid(field, &json!(quantity.value()), rule)],
    }
}

/// `Guaranteed`, `Burstable` or `BestEffort`.
pub(super) fn qos_class(spec: &Value) -> &'static str {
    let holders: Vec<&Value> = match get(spec, &["resources"]) {
        Some(_) => vec![spec],
        None => {
            items(spec, &["containers"]).iter().chain(items(spec, &["initContainers"])).collect()
        }
    };
    let mut requests = BTreeMap::new();
    let mut limits = BTreeMap::new();
    let mut guaranteed = true;
    for holder in holders {
        add_compute(&mut requests, holder, "requests");
        guaranteed &= add_compute(&mut limits, holder, "limits") == COMPUTE.len();
    }
    match (requests.is_empty() && limits.is_empty(), guaranteed && requests == limits) {
        (true, _) => "BestEffort",
        (false, true) => "Guaranteed",
        (false, false) => "Burstable",
    }
}

/// Adds what is more than nothing, and counts it.
fn add_compute(sums: &mut BTreeMap<&'static str, Quantity>, holder: &Value, list: &str) -> usize {
    let mut found = 0;
    for name in COMPUTE {
        let value = get(holder, &["resources", list, name]);
        let quantity = value.and_then(|value| Quantity::from_value(value).ok());
        if let Some(quantity) = quantity.filter(|quantity| *quantity > Quantity::ZERO) {
            let sum = sums.entry(name).or_default();
            *sum = *sum + quantity;
            found += 1;
        }
    }
    found
}

fn list_causes<'a>(
    path: &str,
    amounts: impl Iterator<Item = (&'a str, &'a Value)>,
    rule: ResourceRule,
) -> Vec<Cause> {
    let causes = amounts.flat_map(|(name, value)| {
        let field = format!("{path}[{name}]");
        let mut causes = rule(&field, name);
        causes.extend(quantity_causes(&field, name, value));
        causes
    });
    causes.collect()
}

fn request_cause(path: &str, name: &str, request: &Value, limit: Option<&Value>) -> Option<Cause> {
    let overcommit = is_overcommit_allowed(name);
    let request = Quantity::from_value(request).ok()?;
    let Some(limit) = limit else {
        let rule = "Limit must be set for non overcommitable resources";
        return (!overcommit).then(|| Cause::required(format!("{path}.limits"), rule));
    };
    let limit = Quantity::from_value(limit).ok()?;
    let rule = if !overcommit && request != limit {
        "must be equal to"
    } else if request > limit {
        "must be less than or equal to"
    } else {
        return None;
    };
    let rule = format!("{rule} {name} limit of {limit}");
    Some(Cause::invalid(format!("{path}.requests"), &json!(request.to_string()), &rule))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_say_what_they_break() {
        let table = [
            (json!({"requests": {"cpu": "1"}, "limits": {"cpu": "1"}}), vec![]),
            (
                json!({"requests": {"cpu": "1500m"}, "limits": {"cpu": "1"}}),
                vec![
                    "r.requests: Invalid value: \"1500m\": must be less than or equal to cpu limit of 1",
                ],
            ),
            (
                json!({"limits": {"memory": "-1Gi"}}),
                vec![
                    "r.limits[memory]: Invalid value: \"-1Gi\": must be greater than or equal to 0",
                ],
            ),
            (
                json!({"requests": {"example.com/gpu": "1"}}),
                vec![
                    "r.limits: Required value: Limit must be set for non overcommitable resources",
                ],
            ),
            (
                json!({"limits": {"example.com/gpu": "500m"}}),
                vec!["r.limits[example.com/gpu]: Invalid value: \"500m\": must be an integer"],
            ),
            (
                json!({"limits": {"gpu": "1"}}),
                vec![
                    "r.limits[gpu]: Invalid value: \"gpu\": must be a standard resource type or fully qualified",
                    "r.limits[gpu]: Invalid value: \"gpu\": must be a standard resource for containers",
                ],
            ),
            (
                json!({"limits": {"cpu": "1x"}}),
                vec![
                    "r.limits[cpu]: Invalid value: \"1x\": quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
                ],
            ),
        ];
        for (resources, expected) in table {
            let causes = validate("r", &resources);
            let messages: Vec<String> = causes.iter().map(ToString::to_string).collect();
            assert_eq!(messages, expected, "{resources}");
        }
    }

    #[test]
    fn the_qos_class_follows_from_requests_and_limits() {
        let container = |resources: Value| json!({"resources": resources});
        let both = json!({"cpu": "1", "memory": "1Gi"});
        let table = [
            (vec![json!({})], "BestEffort"),
            (vec![container(json!({"requests": {"cpu": "0"}}))], "BestEffort"),
            (vec![container(json!({"requests": {"cpu": "1"}}))], "Burstable"),
            (vec![container(json!({"requests": both, "limits": both}))], "Guaranteed"),
            (vec![container(json!({"requests": both, "limits": both})), json!({})], "Burstable"),
            (
                vec![container(
                    json!({"requests": {"cpu": "1", "memory": "512Mi"}, "limits": both}),
                )],
                "Burstable",
            ),
        ];
        for (containers, expected) in table {
            let spec = json!({"containers": containers});
            assert_eq!(qos_class(&spec), expected, "{spec}");
        }
    }

    #[test]
    fn quantities_are_written_in_one_way() {
        let mut resources = json!({"limits": {"cpu": 0.5, "memory": "1024Mi"}});

        canonicalize_requirements(resources.as_object_mut().unwrap());

        assert_eq!(resources, json!({"limits": {"cpu": "500m", "memory": "1Gi"}}));
    }
}
