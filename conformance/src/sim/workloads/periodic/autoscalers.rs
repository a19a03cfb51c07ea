//! A HorizontalPodAutoscaler without metrics: only its limits count.

use api::object::text;
use api::{ApiResource, Key, Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::super::{Moment, create, name, pod_spec, uid};
use crate::sim::checks::count;
use crate::sim::objects::{changed, objects};
use crate::sim::random::Random;

const AUTOSCALERS: &ApiResource = &resources::HORIZONTAL_POD_AUTOSCALERS;
const DEPLOYMENTS: &ApiResource = &resources::DEPLOYMENTS;

/// The target, and the autoscaler.
pub(crate) const SCALED: &str = "scaled";
const MIN: i64 = 2;
const MAX: i64 = 3;

pub(super) fn ask(store: &Store, random: &mut Random) -> Option<Request> {
    let is_there = |resource| objects(store, resource).iter().any(|found| name(found) == SCALED);
    if !is_there(DEPLOYMENTS) {
        return Some(create(DEPLOYMENTS, "default", target()));
    }
    if !is_there(AUTOSCALERS) {
        return Some(create(AUTOSCALERS, "default", autoscaler()));
    }
    Some(scale(random.below(6)))
}

/// What is scaled.
pub(crate) fn target() -> Value {
    let labels = json!({"app": SCALED});
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": SCALED, "namespace": "default"},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec()}}})
}

/// What scales it.
pub(crate) fn autoscaler() -> Value {
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": SCALED});
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": SCALED, "namespace": "default"},
        "spec": {"minReplicas": MIN, "maxReplicas": MAX, "scaleTargetRef": target}})
}

/// Somebody scales too.
pub(crate) fn scale(replicas: usize) -> Request {
    let patch = json!({"spec": {"replicas": replicas}});
    Request::merge_patch(DEPLOYMENTS, Key::new("default", SCALED), patch).to_subresource("scale")
}

fn replicas(deployment: &Value) -> i64 {
    count(deployment, &["spec", "replicas"])
}

fn is_allowed(replicas: i64) -> bool {
    (MIN..=MAX).contains(&replicas)
}

/// The claim that a write breaks.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    if !moment.writes(DEPLOYMENTS) || !moment.is_by_controllers() {
        return None;
    }
    let [before, after] =
        changed(&[moment.before, moment.after].map(|store| objects(store, DEPLOYMENTS)));
    let now = after.iter().find(|deployment| text(deployment, &["metadata", "name"]) == SCALED)?;
    let was = before.iter().find(|deployment| uid(deployment) == uid(now))?;
    let (was, now) = (replicas(was), replicas(now));
    match now {
        _ if was == now => None,
        _ if !is_allowed(now) => Some(format!("AUTOSCALER-1: {SCALED} is scaled to {now}")),
        _ if is_allowed(was) || was == 0 => {
            Some(format!("AUTOSCALER-2, AUTOSCALER-3: {SCALED} had {was}, and gets {now}"))
        }
        _ => None,
    }
}

/// AUTOSCALER-4.
pub(crate) fn is_beyond_limits(store: &Store) -> bool {
    let is_scaled = objects(store, AUTOSCALERS).iter().any(|found| name(found) == SCALED);
    let deployments = objects(store, DEPLOYMENTS);
    let mut targets = deployments.iter().filter(|found| is_scaled && name(found) == SCALED);
    targets.any(|target| replicas(target) > MAX)
}

/// AUTOSCALER-5.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let is_scaled = objects(store, AUTOSCALERS).iter().any(|found| name(found) == SCALED);
    let deployments = objects(store, DEPLOYMENTS);
    let target = deployments.iter().find(|found| is_scaled && name(found) == SCALED)?;
    let has = replicas(target);
    (has != 0 && !is_allowed(has)).then(|| format!("AUTOSCALER-5: {SCALED} has {has} replicas"))
}
