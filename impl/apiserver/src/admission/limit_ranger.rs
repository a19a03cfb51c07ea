//! LimitRanger: what the LimitRanges of a namespace give containers, and what they refuse.
//!
//! Source: plugin/pkg/admission/limitranger/admission.go, v1.36.

use api::amounts::{Amounts, of};
use api::object::{at, metadata_mut, object_at_mut, text};
use api::pod_resources::{containers, of_pod};
use api::{Status, resources};
use serde_json::{Map, Value, json};

use super::Admission;
use super::constraint::{self, OF_CLAIMS, OF_PODS};

/// Where a pod says what it was given.
const ANNOTATION: &str = "kubernetes.io/limit-ranger";

/// Gives the containers of a new pod what they leave out.
pub(super) fn fill_in(admission: Admission<'_>, pod: &mut Value) {
    for range in ranges(admission) {
        let (requests, limits) = container_defaults(&range);
        let mut given = vec![];
        for (list, what) in [("containers", "container"), ("initContainers", "init container")] {
            let spec = object_at_mut(pod, "spec");
            let list = spec.get_mut(list).and_then(Value::as_array_mut);
            for container in list.into_iter().flatten() {
                let name = text(container, &["name"]).to_owned();
                for (field, defaults, kind) in
                    [("requests", &requests, "request"), ("limits", &limits, "limit")]
                {
                    let new = merge(container, field, defaults);
                    if !new.is_empty() {
                        given.push(format!("{} {kind} for {what} {name}", new.join(", ")));
                    }
                }
            }
        }
        if !given.is_empty() {
            let annotations = metadata_mut(pod).entry("annotations").or_insert_with(|| json!({}));
            annotations[ANNOTATION] =
                json!(format!("LimitRanger plugin set: {}", given.join("; ")));
        }
    }
}

/// The LimitRanges of the object's namespace.
fn ranges(admission: Admission<'_>) -> Vec<Value> {
    admission.all(&resources::LIMIT_RANGES, admission.target.namespace.as_deref())
}

/// The default requests and the default limits of containers.
fn container_defaults(range: &Value) -> (Map<String, Value>, Map<String, Value>) {
    let (mut requests, mut limits) = (Map::new(), Map::new());
    for limit in items(range).filter(|limit| text(limit, &["type"]) == "Container") {
        for (field, defaults) in [("defaultRequest", &mut requests), ("default", &mut limits)] {
            let named = at(limit, &[field]).and_then(Value::as_object).into_iter().flatten();
            defaults.extend(named.map(|(name, amount)| (name.clone(), amount.clone())));
        }
    }
    (requests, limits)
}

/// Adds what a container leaves out; the names of that, in order.
fn merge(container: &mut Value, field: &str, defaults: &Map<String, Value>) -> Vec<String> {
    if defaults.is_empty() {
        return vec![];
    }
    let resources = object_at_mut(container, "resources");
    let list = resources.entry(field).or_insert_with(|| json!({}));
    let Some(list) = list.as_object_mut() else { return vec![] };
    let mut new: Vec<String> =
        defaults.keys().filter(|name| !list.contains_key(*name)).cloned().collect();
    new.sort();
    for name in &new {
        list.insert(name.clone(), defaults[name].clone());
    }
    new
}

/// Whether a new pod keeps all limits.
pub(super) fn validate_pod(admission: Admission<'_>, pod: &Value) -> Result<(), Status> {
    for range in ranges(admission) {
        let broken = items(&range).flat_map(|limit| broken_by_pod(limit, pod));
        refuse(admission, &broken.collect::<Vec<_>>())?;
    }
    Ok(())
}

fn broken_by_pod(limit: &Value, pod: &Value) -> Vec<String> {
    match text(limit, &["type"]) {
        "Container" => {
            let all = containers(pod, "containers").chain(containers(pod, "initContainers"));
            let broken = |container| {
                constraint::broken(
                    limit,
                    OF_PODS,
                    &of(container, "requests"),
                    &of(container, "limits"),
                )
            };
            all.flat_map(broken).collect()
        }
        "Pod" => {
            constraint::broken(limit, OF_PODS, &of_pod(pod, "requests"), &of_pod(pod, "limits"))
        }
        _ => vec![],
    }
}

/// Whether a new claim keeps all limits.
pub(super) fn validate_claim(admission: Admission<'_>, claim: &Value) -> Result<(), Status> {
    let requests = at(claim, &["spec"]).map(|spec| of(spec, "requests")).unwrap_or_default();
    for range in ranges(admission) {
        let of_claims = items(&range).filter(|it| text(it, &["type"]) == "PersistentVolumeClaim");
        let broken = of_claims
            .flat_map(|limit| constraint::broken(limit, OF_CLAIMS, &requests, &Amounts::new()));
        refuse(admission, &broken.collect::<Vec<_>>())?;
    }
    Ok(())
}

/// 403 if anything is broken.
fn refuse(admission: Admission<'_>, broken: &[String]) -> Result<(), Status> {
    match broken {
        [] => Ok(()),
        [one] => Err(admission.forbidden(one)),
        many => Err(admission.forbidden(&format!("[{}]", many.join(", ")))),
    }
}

/// The same of a change. A claim that is being deleted may be what it is.
pub(super) fn validate_claim_update(
    admission: Admission<'_>,
    new: &Value,
    old: &Value,
) -> Result<(), Status> {
    match at(old, &["metadata", "deletionTimestamp"]) {
        Some(_) => Ok(()),
        None => validate_claim(admission, new),
    }
}

fn items(range: &Value) -> impl Iterator<Item = &Value> {
    at(range, &["spec", "limits"]).and_then(Value::as_array).into_iter().flatten()
}
