//! PodDisruptionBudgets over a ReplicaSet, and evictions of its Pods.

use api::object::text;
use api::{Key, Request, Timestamp, resources};
use serde_json::{Value, json};
use store::Store;

use super::{Moment, any, create, key, name, pod_spec, uid};
use crate::sim::checks::{count, is_deleted, runs};
use crate::sim::random::Random;
use crate::sim::user::objects;

const APP: &str = "budgeted";

pub(super) fn ask(store: &Store, random: &mut Random) -> Option<Request> {
    let (sets, budgets) = (&resources::REPLICA_SETS, &resources::POD_DISRUPTION_BUDGETS);
    match random.below(8) {
        0 => Some(create(sets, "default", set())),
        1 | 2 => Some(create(budgets, "default", budget(random))),
        3 => {
            let budget = any(store, budgets, random)?;
            let patch = json!({"spec": {"minAvailable": random.below(3)}});
            Some(Request::merge_patch(budgets, key(&budget), patch))
        }
        _ => Some(evict(&key(&any(store, &resources::PODS, random)?))),
    }
}

fn set() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": APP, "namespace": "default"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": APP}},
            "template": {"metadata": {"labels": {"app": APP}}, "spec": pod_spec()}}})
}

fn budget(random: &mut Random) -> Value {
    json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": APP, "namespace": "default"},
        "spec": {"minAvailable": random.below(3), "selector": {"matchLabels": {"app": APP}}}})
}

fn evict(pod: &Key) -> Request {
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": pod.name, "namespace": pod.namespace}});
    let request = create(&resources::PODS, &pod.namespace, eviction);
    Request { key: pod.clone(), ..request }.to_subresource("eviction")
}

/// DISRUPTION-2, DISRUPTION-3 and DISRUPTION-4.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    let before = objects(moment.before, &resources::POD_DISRUPTION_BUDGETS);
    let after = objects(moment.after, &resources::POD_DISRUPTION_BUDGETS);
    after.iter().find_map(|budget| {
        let earlier = before.iter().find(|earlier| uid(earlier) == uid(budget))?;
        let forgotten = earlier["status"]["disruptedPods"].as_object().into_iter().flatten();
        let pods_now = objects(moment.after, &resources::PODS);
        let waits = |pod: &str| pods_now.iter().any(|one| name(one) == pod && !is_deleted(one));
        if let Some((pod, _)) = forgotten.into_iter().find(|(pod, since)| {
            budget["status"]["disruptedPods"][pod].is_null()
                && waits(pod)
                && is_recent(since, moment.now)
        }) {
            return Some(format!("DISRUPTION-2: {} does not name {pod} any more", name(budget)));
        }
        let named = |budget: &Value, pod: &str| !budget["status"]["disruptedPods"][pod].is_null();
        let pods = budget["status"]["disruptedPods"].as_object()?;
        let pod = pods.keys().find(|pod| !named(earlier, pod))?;
        let allowed = |budget: &Value| count(budget, &["status", "disruptionsAllowed"]);
        let (was, is, name) = (allowed(earlier), allowed(budget), name(budget));
        let seen = count(earlier, &["status", "observedGeneration"]);
        if was == 0 {
            return Some(format!(
                "DISRUPTION-3: {pod} is evicted, and {name} allows no disruption"
            ));
        }
        if seen < count(earlier, &["metadata", "generation"]) {
            return Some(format!("DISRUPTION-4: {pod} is evicted by an old count of {name}"));
        }
        (is != was - 1).then(|| {
            format!(
                "DISRUPTION-2: {pod} is evicted, and {name} goes from {was} to {is} disruptions"
            )
        })
    })
}

/// Whether an eviction is not so long ago that its pod counts as kept.
///
/// Source: DeletionTimeout, pkg/controller/disruption (v1.36): two minutes.
fn is_recent(since: &Value, now: Timestamp) -> bool {
    let since = since.as_str().and_then(|since| since.parse().ok());
    since.is_some_and(|since| api::time::seconds_between(since, now) < 120)
}

/// DISRUPTION-9, and that what is allowed is what there is to spare.
pub(super) fn unsettled(store: &Store) -> Option<String> {
    let pods = objects(store, &resources::PODS);
    let healthy = pods.iter().filter(|pod| {
        text(pod, &["metadata", "labels", "app"]) == APP && runs(pod) && !is_deleted(pod)
    });
    let healthy = i64::try_from(healthy.count()).unwrap_or(i64::MAX);
    objects(store, &resources::POD_DISRUPTION_BUDGETS).iter().find_map(|budget| {
        let seen = count(budget, &["status", "observedGeneration"]);
        if seen != count(budget, &["metadata", "generation"]) {
            return Some(format!("DISRUPTION-9: {} is not looked at any more", name(budget)));
        }
        let spare = (healthy - count(budget, &["spec", "minAvailable"])).max(0);
        let allowed = count(budget, &["status", "disruptionsAllowed"]);
        (allowed != spare).then(|| {
            format!("DISRUPTION-8: {} allows {allowed} disruptions of {spare}", name(budget))
        })
    })
}
