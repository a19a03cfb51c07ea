//! Resources of a pod as a whole, which its containers share.
//!
//! Source: `validatePodResources` (v1.36).

use api::amounts::of;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{get, items};
use super::super::{fields, resources};

/// What the resources of a pod as a whole break.
pub(super) fn causes(path: &str, spec: &Value) -> Vec<Cause> {
    let Some(own) = get(spec, &["resources"]) else {
        return vec![];
    };
    if text(spec, &["os", "name"]) == "windows" {
        return vec![Cause::forbidden(path, "may not be set for a windows pod")];
    }
    let mut causes = vec![];
    if get(own, &["claims"]).is_some() {
        let rule = "claims may not be set for Resources at pod-level";
        causes.push(Cause::forbidden(format!("{path}.claims"), rule));
    }
    causes.extend(resources::validate_of_pod(path, own));
    causes.extend(sum_causes(path, spec));
    causes.extend(limit_causes(path, spec));
    causes
}

/// A pod asks for no less than its containers do together, and its limits of huge pages are no lower than theirs.
fn sum_causes(path: &str, spec: &Value) -> Vec<Cause> {
    let containers = json!({"spec": fields::without(spec, &["resources"])});
    let mut causes = vec![];
    for list in ["requests", "limits"] {
        let own = of(spec, list);
        for (name, sum) in api::pod_resources::of_pod(&containers, list) {
            let is_huge_page = name.starts_with("hugepages-");
            let Some(own) = own.get(&name).filter(|own| **own < sum) else { continue };
            if list == "requests" || is_huge_page {
                let rule =
                    format!("must be greater than or equal to aggregate container {list} of {sum}");
                let field = format!("{path}.{list}[{name}]");
                causes.push(Cause::invalid(field, &json!(own.to_string()), &rule));
            }
        }
    }
    causes
}

/// No container may use more than its pod.
fn limit_causes(path: &str, spec: &Value) -> Vec<Cause> {
    let of_pod = of(spec, "limits");
    let mut causes = vec![];
    for (index, container) in items(spec, &["containers"]).iter().enumerate() {
        for (name, limit) in of(container, "limits") {
            if let Some(most) = of_pod.get(&name).filter(|most| **most < limit) {
                let field = format!("{path}.containers[{index}][{name}].limits");
                let rule = format!("must be less than or equal to pod limits of {most}");
                causes.push(Cause::invalid(field, &json!(limit.to_string()), &rule));
            }
        }
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_of_a_pod_hold_those_of_its_containers() {
        let spec = |own: Value, of_container: Value| json!({"resources": own, "containers": [{"resources": of_container}]});
        let table = [
            (spec(json!({"requests": {"cpu": "1"}}), json!({"requests": {"cpu": "1"}})), ""),
            (
                spec(json!({"requests": {"cpu": "1"}}), json!({"requests": {"cpu": "2"}})),
                "s.requests[cpu]: Invalid value: \"1\": must be greater than or equal to aggregate container requests of 2",
            ),
            (
                spec(json!({"limits": {"cpu": "1"}}), json!({"limits": {"cpu": "2"}})),
                "s.containers[0][cpu].limits: Invalid value: \"2\": must be less than or equal to pod limits of 1",
            ),
            (
                spec(json!({"limits": {"example.com/gpu": "1"}}), json!({})),
                "s.limits[example.com/gpu]: Unsupported value: \"example.com/gpu\": supported values: \"cpu\", \"hugepages-\", \"memory\"",
            ),
            (
                spec(json!({"claims": []}), json!({})),
                "s.claims: Forbidden: claims may not be set for Resources at pod-level",
            ),
            (
                json!({"os": {"name": "windows"}, "resources": {}}),
                "s: Forbidden: may not be set for a windows pod",
            ),
        ];
        for (spec, expected) in table {
            let told: Vec<String> = causes("s", &spec).iter().map(ToString::to_string).collect();
            assert_eq!(told.join("\n"), expected, "{spec}");
        }
    }
}
