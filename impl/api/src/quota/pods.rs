//! What a pod uses: itself, and what its containers ask for and may use.
//!
//! Source: `pkg/quota/v1/evaluator/core/pods.go` (v1.36).

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{Scope, count};
use crate::amounts::{Amounts, is_native, of};
use crate::object::{at, text};
use crate::pod_resources::{containers, effective, has_pod_level_resources};

const MEASURED: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
/// What every container must ask for when a quota limits it. Upstream calls this a mistake, and keeps it.
const DEMANDED: [&str; 6] =
    ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];
const HUGE_PAGES: &str = "hugepages-";
pub(super) const REQUESTS: &str = "requests.";
const DEVICE_CLASS: &str = "deviceclass.resource.kubernetes.io/";

/// Whether pods use what has this name.
pub(super) fn uses(name: &str) -> bool {
    let (requested, limited) = (name.strip_prefix(REQUESTS), name.strip_prefix("limits."));
    let measured = requested.or(limited).unwrap_or(name);
    name == "pods"
        || MEASURED.contains(&measured)
        || requested.unwrap_or(name).starts_with(HUGE_PAGES)
        || is_extended(name)
}

/// Whether this is the name of what quotas call requests for an extended resource.
pub(super) fn is_extended(name: &str) -> bool {
    let requested = name.strip_prefix(REQUESTS);
    requested.is_some_and(|of| !is_native(name) || of.starts_with(DEVICE_CLASS))
}

/// What a pod uses beside its place in the store; nothing once it has ended.
pub(super) fn usage(pod: &Value, now: Timestamp) -> Amounts {
    if has_ended(pod, now) {
        return Amounts::new();
    }
    measured(&effective(pod, "requests"), &effective(pod, "limits"))
}

/// Whether it has ended, or should have by now: a node that is lost keeps nobody from using more.
fn has_ended(pod: &Value, now: Timestamp) -> bool {
    let deleted = text(pod, &["metadata", "deletionTimestamp"]).parse::<Timestamp>().ok();
    let grace = at(pod, &["metadata", "deletionGracePeriodSeconds"]).and_then(Value::as_u64);
    let is_overdue = deleted.zip(grace).is_some_and(|(deleted, grace)| {
        deleted.checked_add(Duration::from_secs(grace)).is_ok_and(|end| now > end)
    });
    is_overdue || matches!(text(pod, &["status", "phase"]), "Failed" | "Succeeded")
}

/// What a pod or a container uses that asks for this and may use that.
fn measured(requests: &Amounts, limits: &Amounts) -> Amounts {
    let mut usage = Amounts::from([("pods".to_owned(), count(1))]);
    for (name, amount) in requests {
        let is_plain = MEASURED.contains(&name.as_str()) || name.starts_with(HUGE_PAGES);
        let is_extended = !is_native(name) || name.starts_with(DEVICE_CLASS);
        if is_plain {
            usage.insert(name.clone(), *amount);
        }
        if is_plain || is_extended {
            usage.insert(format!("{REQUESTS}{name}"), *amount);
        }
    }
    let limits = limits.iter().filter(|(name, _)| MEASURED.contains(&name.as_str()));
    usage.extend(limits.map(|(name, amount)| (format!("limits.{name}"), *amount)));
    usage
}

/// What containers do not say and must, because a quota limits these: each with the names of the containers.
pub fn missing<'a>(
    pod: &'a Value,
    limited: &BTreeSet<&'a str>,
) -> Vec<(&'a str, BTreeSet<&'a str>)> {
    if has_pod_level_resources(pod) {
        return vec![];
    }
    let all: Vec<(&str, Amounts)> = ["containers", "initContainers"]
        .into_iter()
        .flat_map(|list| containers(pod, list))
        .map(|it| (text(it, &["name"]), measured(&of(it, "requests"), &of(it, "limits"))))
        .collect();
    let without = |name: &'a str| -> BTreeSet<&'a str> {
        let without = all.iter().filter(|(_, says)| !says.contains_key(name));
        without.map(|(container, _)| *container).collect()
    };
    let demanded = limited.iter().copied().filter(|name| DEMANDED.contains(name));
    let missing = demanded.map(|name| (name, without(name)));
    missing.filter(|(_, containers)| !containers.is_empty()).collect()
}

/// Whether a pod is under a scope.
pub(super) fn is_under(scope: &Scope, pod: &Value) -> bool {
    match scope.name.as_str() {
        "Terminating" => is_terminating(pod),
        "NotTerminating" => !is_terminating(pod),
        "BestEffort" => is_best_effort(pod),
        "NotBestEffort" => !is_best_effort(pod),
        "PriorityClass" => match text(pod, &["spec", "priorityClassName"]) {
            "" => scope.selects(&[]),
            class => scope.selects(&[class]),
        },
        "CrossNamespacePodAffinity" => has_affinity_across_namespaces(pod),
        _ => false,
    }
}

/// Whether a pod ends by itself after some time.
pub fn is_terminating(pod: &Value) -> bool {
    at(pod, &["spec", "activeDeadlineSeconds"]).and_then(Value::as_i64).is_some_and(|it| it >= 0)
}

fn is_best_effort(pod: &Value) -> bool {
    text(pod, &["status", "qosClass"]) == "BestEffort"
}

fn has_affinity_across_namespaces(pod: &Value) -> bool {
    let terms = |kind: &str, list: &str| {
        let terms = at(pod, &["spec", "affinity", kind, list]).and_then(Value::as_array);
        terms.into_iter().flatten()
    };
    let crosses = |term: &Value| {
        term.get("namespaceSelector").is_some()
            || term["namespaces"].as_array().is_some_and(|names| !names.is_empty())
    };
    ["podAffinity", "podAntiAffinity"].into_iter().any(|kind| {
        terms(kind, "requiredDuringSchedulingIgnoredDuringExecution").any(crosses)
            || terms(kind, "preferredDuringSchedulingIgnoredDuringExecution")
                .any(|weighted| crosses(&weighted["podAffinityTerm"]))
    })
}
