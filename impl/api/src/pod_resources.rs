//! What a pod as a whole asks for, and what it may use at most.
//!
//! Source: component-helpers/resource/helpers.go, v1.36.

use serde_json::Value;

use crate::amounts::{Amounts, add, amounts, of, raise};
use crate::object::{at, text};

/// The `requests` or `limits` of a pod, as its spec says them and without overhead.
pub fn of_pod(pod: &Value, list: &str) -> Amounts {
    sum(pod, list, |container| of(container, list))
}

/// What counts of them: what its containers were given and have not given back, and the overhead too.
pub fn effective(pod: &Value, list: &str) -> Amounts {
    let mut sum = sum(pod, list, |container| effective_of(pod, container, list));
    let mut overhead = amounts(at(pod, &["spec", "overhead"]));
    if list == "limits" {
        overhead.retain(|name, _| sum.get(name).is_some_and(|limit| !limit.is_zero()));
    }
    add(&mut sum, &overhead);
    sum
}

/// Containers and sidecars together, or an init container and the sidecars that were started before it; what
/// the pod says itself counts more.
fn sum(pod: &Value, list: &str, own: impl Fn(&Value) -> Amounts) -> Amounts {
    let (mut sum, mut sidecars, mut most) = (Amounts::new(), Amounts::new(), Amounts::new());
    for container in containers(pod, "containers") {
        add(&mut sum, &own(container));
    }
    for container in containers(pod, "initContainers") {
        let is_sidecar = text(container, &["restartPolicy"]) == "Always";
        let own = if is_sidecar { own(container) } else { of(container, list) };
        let mut beside = sidecars.clone();
        add(&mut beside, &own);
        if is_sidecar {
            add(&mut sum, &own);
            sidecars.clone_from(&beside);
        }
        raise(&mut most, &beside);
    }
    raise(&mut sum, &most);
    sum.extend(of_the_whole(pod, list));
    sum
}

/// What a pod says of itself as a whole.
fn of_the_whole(pod: &Value, list: &str) -> Amounts {
    let mut own = at(pod, &["spec"]).map(|spec| of(spec, list)).unwrap_or_default();
    own.retain(|name, _| {
        matches!(name.as_str(), "cpu" | "memory") || name.starts_with("hugepages-")
    });
    own
}

/// Whether a pod says something of itself as a whole.
pub fn has_pod_level_resources(pod: &Value) -> bool {
    ["requests", "limits"].into_iter().any(|list| !of_the_whole(pod, list).is_empty())
}

/// The containers of a pod of one list.
pub fn containers<'a>(pod: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    at(pod, &["spec", list]).and_then(Value::as_array).into_iter().flatten()
}

/// While a container is resized, the most of what it is to have, has, and is promised.
fn effective_of(pod: &Value, container: &Value, list: &str) -> Amounts {
    let Some(status) = status_of(pod, text(container, &["name"])) else {
        return of(container, list);
    };
    let mut most = of(status, list);
    if list == "requests" {
        raise(&mut most, &amounts(at(status, &["allocatedResources"])));
    }
    if !is_resize_infeasible(pod) {
        raise(&mut most, &of(container, list));
    }
    most
}

/// The status of a container that says what it has.
fn status_of<'a>(pod: &'a Value, name: &str) -> Option<&'a Value> {
    let lists = ["containerStatuses", "initContainerStatuses"];
    let statuses = lists.iter().filter_map(|list| at(pod, &["status", list])?.as_array());
    let mut statuses = statuses.flatten();
    statuses.find(|status| text(status, &["name"]) == name && status.get("resources").is_some())
}

fn is_resize_infeasible(pod: &Value) -> bool {
    let conditions = at(pod, &["status", "conditions"]).and_then(Value::as_array);
    let mut conditions = conditions.into_iter().flatten();
    let pending = conditions.find(|condition| condition["type"] == "PodResizePending");
    pending.is_some_and(|pending| pending["reason"] == "Infeasible")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A pod with one container that asks for a cpu, and what its kubelet says of it.
    fn resized(condition: &str) -> Value {
        json!({
            "spec": {"containers": [{"name": "c", "resources": {
                "requests": {"cpu": "1"}, "limits": {"cpu": "2"}}}]},
            "status": {
                "conditions": [{"type": "PodResizePending", "reason": condition}],
                "containerStatuses": [{"name": "c", "allocatedResources": {"cpu": "300m"},
                    "resources": {"requests": {"cpu": "200m"}, "limits": {"cpu": "4"}}}],
            },
        })
    }

    #[test]
    fn a_container_counts_as_the_most_that_it_has_or_is_to_have() {
        let cpu = |condition, list| effective(&resized(condition), list)["cpu"].to_string();

        assert_eq!(cpu("Deferred", "requests"), "1");
        assert_eq!(cpu("Infeasible", "requests"), "300m");
        assert_eq!(cpu("Deferred", "limits"), "4");
        assert_eq!(of_pod(&resized("Deferred"), "limits")["cpu"].to_string(), "2");
    }

    #[test]
    fn overhead_is_asked_for_and_adds_to_limits_that_are_there() {
        let pod = json!({"spec": {"overhead": {"cpu": "100m", "memory": "1Mi"}, "containers": [
            {"name": "c", "resources": {"limits": {"cpu": "1"}}}]}});

        let (requests, limits) = (effective(&pod, "requests"), effective(&pod, "limits"));

        assert_eq!(requests["memory"].to_string(), "1Mi");
        assert_eq!(limits["cpu"].to_string(), "1100m");
        assert_eq!(limits.get("memory"), None);
    }
}
