//! PodDisruptionBudgets over a ReplicaSet, and evictions of its Pods.

use api::object::text;
use api::{Key, Request, Timestamp, resources};
use serde_json::{Value, json};
use store::Store;

use super::{Moment, Size, any, create, key, name, pod_spec, uid};
use crate::sim::checks::{count, is_deleted, runs};
use crate::sim::objects::{Objects, objects};
use crate::sim::random::Random;

const APP: &str = "budgeted";

pub(super) fn ask(store: &Store, random: &mut Random, size: Size) -> Option<Request> {
    let (sets, budgets) = (&resources::REPLICA_SETS, &resources::POD_DISRUPTION_BUDGETS);
    match random.below(8) {
        0 => Some(create(sets, "default", set(size))),
        1 | 2 => Some(create(budgets, "default", budget(random, size))),
        3 => {
            let budget = any(store, budgets, random)?;
            let patch = json!({"spec": {"minAvailable": random.below(size.of(3))}});
            Some(Request::merge_patch(budgets, key(&budget), patch))
        }
        _ => Some(evict(&key(&any(store, &resources::PODS, random)?))),
    }
}

fn set(size: Size) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": APP, "namespace": "default"},
        "spec": {"replicas": size.of(3), "selector": {"matchLabels": {"app": APP}},
            "template": {"metadata": {"labels": {"app": APP}}, "spec": pod_spec()}}})
}

fn budget(random: &mut Random, size: Size) -> Value {
    json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": APP, "namespace": "default"},
        "spec": {"minAvailable": random.below(size.of(3)), "selector": {"matchLabels": {"app": APP}}}})
}

fn evict(pod: &Key) -> Request {
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": pod.name, "namespace": pod.namespace}});
    let request = create(&resources::PODS, &pod.namespace, eviction);
    Request { key: pod.clone(), ..request }.to_subresource("eviction")
}

pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    let before = objects(moment.before, &resources::POD_DISRUPTION_BUDGETS);
    let after = objects(moment.after, &resources::POD_DISRUPTION_BUDGETS);
    let pods = objects(moment.after, &resources::PODS);
    after.iter().find_map(|budget| {
        let earlier = before.iter().find(|earlier| uid(earlier) == uid(budget))?;
        forgotten((earlier, budget), &pods, moment.now).or_else(|| granted(earlier, budget))
    })
}

/// DISRUPTION-2: an eviction that was granted stays named as long as its pod is there.
fn forgotten(
    (earlier, budget): (&Value, &Value),
    pods: &Objects,
    now: Timestamp,
) -> Option<String> {
    let waits = |pod: &str| pods.iter().any(|one| name(one) == pod && !is_deleted(one));
    let named = earlier["status"]["disruptedPods"].as_object()?;
    let (pod, _) = named.iter().find(|(pod, since)| {
        budget["status"]["disruptedPods"][pod].is_null() && waits(pod) && is_recent(since, now)
    })?;
    Some(format!("DISRUPTION-2: {} does not name {pod} any more", name(budget)))
}

/// DISRUPTION-2, DISRUPTION-3 and DISRUPTION-4, of an eviction that is granted now.
fn granted(earlier: &Value, budget: &Value) -> Option<String> {
    let pods = budget["status"]["disruptedPods"].as_object()?;
    let pod = pods.keys().find(|pod| earlier["status"]["disruptedPods"][pod].is_null())?;
    let allowed = |budget: &Value| count(budget, &["status", "disruptionsAllowed"]);
    let (was, is, name) = (allowed(earlier), allowed(budget), name(budget));
    if was == 0 {
        return Some(format!("DISRUPTION-3: {pod} is evicted, and {name} allows no disruption"));
    }
    let seen = count(earlier, &["status", "observedGeneration"]);
    if seen < count(earlier, &["metadata", "generation"]) {
        return Some(format!("DISRUPTION-4: {pod} is evicted by an old count of {name}"));
    }
    (is != was - 1).then(|| {
        format!("DISRUPTION-2: {pod} is evicted, and {name} goes from {was} to {is} disruptions")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(allowed: i64, generation: i64, disrupted: &Value) -> Value {
        json!({"metadata": {"name": "b", "generation": generation},
            "status": {"disruptionsAllowed": allowed, "observedGeneration": 1,
                "disruptedPods": disrupted}})
    }

    #[test]
    fn an_eviction_is_granted_as_far_as_the_newest_count_allows() {
        let (none, one) = (json!({}), json!({"p": "1970-01-01T00:00:00Z"}));
        let table = [
            (budget(1, 1, &none), budget(0, 1, &one), None),
            (budget(0, 1, &none), budget(0, 1, &one), Some("DISRUPTION-3")),
            (budget(1, 2, &none), budget(0, 2, &one), Some("DISRUPTION-4")),
            (budget(2, 1, &none), budget(2, 1, &one), Some("DISRUPTION-2")),
        ];
        for (earlier, later, claim) in table {
            let why = granted(&earlier, &later);

            assert_eq!(why.as_deref().map(|why| &why[..12]), claim, "{why:?}");
        }
    }

    #[test]
    fn a_pod_that_is_to_go_stays_named_for_two_minutes() {
        let pods = Objects::from([json!({"metadata": {"name": "p"}})]);
        let named = budget(0, 1, &json!({"p": "1970-01-01T00:00:00Z"}));
        let forgets = budget(0, 1, &json!({}));
        let at = |seconds| Timestamp::from_second(seconds).expect("it is a time");

        let why = forgotten((&named, &forgets), &pods, at(119));

        assert_eq!(why.as_deref(), Some("DISRUPTION-2: b does not name p any more"));
        assert_eq!(forgotten((&named, &forgets), &pods, at(120)), None);
        assert_eq!(forgotten((&named, &forgets), &Objects::from([]), at(1)), None);
        assert_eq!(forgotten((&named, &named), &pods, at(1)), None);
    }
}
