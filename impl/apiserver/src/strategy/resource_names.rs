//! The names of resources: which are Kubernetes' own, which are counted, which a quota can limit.
//!
//! Source: `pkg/apis/core/helper/helpers.go` and `validateResourceName` (v1.36).

pub(super) use api::amounts::is_native;
use api::names;
use api::status::Cause;
use serde_json::json;

use super::rules::named;

const OF_CONTAINERS: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
/// How the names of huge pages begin; the size of a page follows.
pub(super) const HUGE_PAGES: &str = "hugepages-";
const REQUESTS: &str = "requests.";
/// What a quota can limit and only whole numbers of it make sense.
const COUNTED: [&str; 9] = [
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];
const MEASURED: [&str; 7] = [
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
];

/// What the name of a container's resource breaks.
pub(super) fn container_causes(field: &str, name: &str) -> Vec<Cause> {
    let mut causes = standard_causes(field, name);
    if !name.contains('/') {
        if !OF_CONTAINERS.contains(&name) && !is_huge_page(name) {
            let rule = "must be a standard resource for containers";
            causes.push(Cause::invalid(field, &json!(name), rule));
        }
    } else if !is_native(name) && !is_extended(name) {
        let rule = "doesn't follow extended resource name standard";
        causes.push(Cause::invalid(field, &json!(name), rule));
    }
    causes
}

/// What the name of a resource of a pod as a whole breaks.
pub(super) fn pod_causes(field: &str, name: &str) -> Vec<Cause> {
    let causes = standard_causes(field, name);
    if !causes.is_empty() || matches!(name, "cpu" | "memory") || is_huge_page(name) {
        return causes;
    }
    vec![Cause::not_supported(field, &json!(name), &["cpu", HUGE_PAGES, "memory"])]
}

/// What the name of any resource breaks.
pub(super) fn standard_causes(field: &str, name: &str) -> Vec<Cause> {
    let causes = named(field, name, names::label_key);
    if !causes.is_empty() || name.contains('/') || is_quota(name) || name == "storage" {
        return causes;
    }
    let rule = "must be a standard resource type or fully qualified";
    vec![Cause::invalid(field, &json!(name), rule)]
}

/// What the name of a quota's resource breaks.
pub(super) fn quota_causes(field: &str, name: &str) -> Vec<Cause> {
    let mut causes = standard_causes(field, name);
    if !name.contains('/') && !is_quota(name) {
        let rule = "must be a standard resource for quota";
        causes.push(Cause::invalid(field, &json!(name), rule));
    }
    causes
}

/// Whether it is one of Kubernetes' own that a quota can limit.
pub(super) fn is_quota(name: &str) -> bool {
    let huge_page = is_huge_page(name) || name.strip_prefix(REQUESTS).is_some_and(is_huge_page);
    huge_page || [&OF_CONTAINERS[..], &COUNTED, &MEASURED].concat().contains(&name)
}

/// Whether limits may be higher in sum than what there is.
pub(super) fn is_overcommit_allowed(name: &str) -> bool {
    is_native(name) && !is_huge_page(name)
}

/// Whether only whole numbers of it make sense.
pub(super) fn is_counted(name: &str) -> bool {
    COUNTED.contains(&name) || is_extended(name)
}

fn is_extended(name: &str) -> bool {
    !is_native(name)
        && !name.starts_with(REQUESTS)
        && names::label_key(&format!("{REQUESTS}{name}")).is_empty()
}

fn is_huge_page(name: &str) -> bool {
    name.starts_with(HUGE_PAGES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_limits_more_than_containers_ask_for() {
        let table = [
            ("cpu", true, true),
            ("hugepages-2Mi", true, true),
            ("requests.hugepages-2Mi", false, true),
            ("pods", false, true),
            ("storage", false, false),
            ("example.com/gpu", true, true),
            ("requests.example.com/gpu", false, true),
        ];
        for (name, of_containers, of_quotas) in table {
            assert_eq!(container_causes("r", name).is_empty(), of_containers, "{name}");
            assert_eq!(quota_causes("r", name).is_empty(), of_quotas, "{name}");
        }
    }

    #[test]
    fn objects_and_devices_are_counted() {
        assert!(["pods", "secrets", "example.com/gpu"].into_iter().all(is_counted));
        assert!(!["cpu", "requests.storage", "a.kubernetes.io/b"].into_iter().any(is_counted));
    }
}
