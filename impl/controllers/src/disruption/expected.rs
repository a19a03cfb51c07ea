//! How many pods a budget expects: those that there are, or as many as their owners ask for.
//!
//! Source: `getExpectedPodCount` and `getExpectedScale` in pkg/controller/disruption/disruption.go (v1.36).

use std::collections::BTreeMap;
use std::sync::Arc;

use api::object::controller_of;
use api::{ApiResource, Key, Request, resources};
use client::View;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, OwnerReference};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::deployment::scaled_value;
use crate::ownership::uid;
use crate::replica_set::Replicated;

/// What the API server has said of the scale of owners: of which resource and name, `None` when it knows none.
pub(super) type Scales = BTreeMap<(&'static ApiResource, String), Option<i32>>;

/// What came of counting.
pub(super) enum Expected {
    /// It is known.
    Pods(Count),
    /// The API server has to be asked first.
    Ask(Vec<Request>),
    /// It cannot be known, and why.
    Unknown(String),
}

/// What a budget expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    /// How many pods there should be.
    pub(super) pods: i32,
    /// How many of them should be healthy.
    pub(super) desired_healthy: i32,
    /// Whether a pod has no owner whose scale counts.
    pub(super) has_unmanaged: bool,
}

/// Counts what a budget expects of its pods.
pub(super) fn count(
    view: &View,
    scales: &Scales,
    budget: &PodDisruptionBudget,
    pods: &[&Arc<Pod>],
) -> Expected {
    let Some(spec) = &budget.spec else {
        return Expected::Pods(Count { pods: 0, desired_healthy: 0, has_unmanaged: false });
    };
    match (&spec.max_unavailable, &spec.min_available) {
        (Some(unavailable), _) => with_scale(view, scales, pods, |expected| {
            (expected - scaled_value(Some(unavailable), expected, true)).max(0)
        }),
        (None, Some(IntOrString::Int(available))) => Expected::Pods(Count {
            pods: i32::try_from(pods.len()).unwrap_or(i32::MAX),
            desired_healthy: *available,
            has_unmanaged: false,
        }),
        (None, Some(available)) => {
            with_scale(view, scales, pods, |expected| scaled_value(Some(available), expected, true))
        }
        (None, None) => Expected::Pods(Count { pods: 0, desired_healthy: 0, has_unmanaged: false }),
    }
}

/// The same where it depends on the scale of the pods' owners.
fn with_scale(
    view: &View,
    known: &Scales,
    pods: &[&Arc<Pod>],
    desired_healthy: impl Fn(i32) -> i32,
) -> Expected {
    let (mut scales, mut asks) = (BTreeMap::new(), BTreeMap::new());
    let mut has_unmanaged = false;
    for pod in pods {
        let Some(owner) = controller_of(&pod.metadata) else {
            has_unmanaged = true;
            continue;
        };
        let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
        match scale(view, known, owner, namespace) {
            Scale::Known(uid, replicas) => drop(scales.insert(uid, replicas)),
            Scale::Ask(request) => drop(asks.insert(owner.uid.clone(), request)),
            Scale::Unknown => {
                let name = pod.metadata.name.as_deref().unwrap_or_default();
                return Expected::Unknown(format!("found no controllers for pod \"{name}\""));
            }
            Scale::Never(why) => return Expected::Unknown(why),
        }
    }
    if !asks.is_empty() {
        return Expected::Ask(asks.into_values().collect());
    }
    let pods = scales.values().sum();
    Expected::Pods(Count { pods, desired_healthy: desired_healthy(pods), has_unmanaged })
}

/// How many pods an owner asks for.
enum Scale {
    /// So many, and the uid of who asks: a Deployment for its ReplicaSets.
    Known(String, i32),
    /// The API server has to say.
    Ask(Request),
    /// There is no such owner.
    Unknown,
    /// Such owners have none, and why.
    Never(String),
}

fn scale(view: &View, known: &Scales, owner: &OwnerReference, namespace: &str) -> Scale {
    let key = Key::new(namespace, &owner.name);
    let Some(resource) = resources::of_served_kind(&owner.api_version, &owner.kind) else {
        let OwnerReference { api_version, kind, .. } = owner;
        return Scale::Never(format!(
            "no matches for kind \"{kind}\" in version \"{api_version}\""
        ));
    };
    if resource == &resources::REPLICA_SETS {
        return of_replica_set(view, owner, &key).unwrap_or(Scale::Unknown);
    }
    if !resource.subresources.contains(&"scale") {
        let name = resource.qualified();
        return Scale::Never(format!("{name} does not implement the scale subresource"));
    }
    match known.get(&(resource, owner.name.clone())) {
        Some(Some(replicas)) => Scale::Known(owner.uid.clone(), *replicas),
        Some(None) => Scale::Unknown,
        None => Scale::Ask(Request::get(resource, key).to_subresource("scale")),
    }
}

fn of_replica_set(view: &View, owner: &OwnerReference, key: &Key) -> Option<Scale> {
    let replica_set = view.replica_sets.get(key)?;
    if uid(&replica_set.metadata) != owner.uid {
        return None;
    }
    let deployment =
        controller_of(&replica_set.metadata).filter(|owner| owner.kind == "Deployment");
    let Some(deployment) = deployment else {
        return Some(Scale::Known(owner.uid.clone(), replica_set.replicas()));
    };
    let found = view.deployments.get(&Key::new(&key.namespace, &deployment.name))?;
    let replicas = found.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    (uid(&found.metadata) == deployment.uid).then(|| Scale::Known(deployment.uid.clone(), replicas))
}

/// What is told of pods without an owner.
pub(super) fn unmanaged(budget: &PodDisruptionBudget) -> String {
    let selector = budget.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    format!(
        "Pods selected by this PodDisruptionBudget (selector: {}) were found to be unmanaged. As a result, the \
         status of the PDB cannot be calculated correctly, which may result in undefined behavior. To account \
         for these pods please set \".spec.minAvailable\" field of the PDB to an integer value.",
        selector.map_or("nil".to_owned(), in_go)
    )
}

/// A selector as Go prints it.
fn in_go(selector: &LabelSelector) -> String {
    let labels = selector.match_labels.iter().flatten();
    let labels: String = labels.map(|(key, value)| format!("{key}: {value},")).collect();
    let expressions = selector.match_expressions.iter().flatten();
    let expressions: String = expressions
        .map(|expression| {
            let values = expression.values.as_deref().unwrap_or_default().join(" ");
            format!(
                "LabelSelectorRequirement{{Key:{},Operator:{},Values:[{values}],}},",
                expression.key, expression.operator
            )
        })
        .collect();
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{labels}}},\
         MatchExpressions:[]LabelSelectorRequirement{{{expressions}}},}}"
    )
}
