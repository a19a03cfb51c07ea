//! The HorizontalPodAutoscaler controller, driven by hand.

use api::{Key, Reason, Request, Status, Timestamp, Verb, resources};
use serde_json::{Value, json};

use super::HorizontalPodAutoscalerController;
use crate::testing::{World, at, events, requests, time_text};
use crate::{Controller, Plan};

const AUTOSCALERS: &api::ApiResource = &resources::HORIZONTAL_POD_AUTOSCALERS;
const NOT_SERVED: &str = "the server could not find the requested resource";

#[test]
fn the_first_round_begins_after_a_period_and_reads_the_scale() {
    let mut world = World::new(HorizontalPodAutoscalerController::default());
    world.put(AUTOSCALERS, autoscaler(&json!({})));

    let early = world.reconcile(&key(), at(100));
    let due = world.reconcile(&key(), at(115));

    assert_eq!(early, Plan { requests: vec![], look_again: Some(at(115)) });
    assert_eq!(due.requests[0].path(), "/apis/apps/v1/namespaces/default/deployments/web/scale");
}

#[test]
fn a_target_that_nobody_serves_is_told() {
    let reference = json!({"apiVersion": "example.com/v1", "kind": "Web", "name": "web"});
    let mut round = Round::begin(&json!({"spec": {"scaleTargetRef": reference}}));

    let plan = round.plan.clone();

    let error = "no matches for kind \"Web\" in group \"example.com\"";
    assert_eq!(events(&plan), [event("FailedGetScale", error)]);
    let message =
        format!("the HPA controller was unable to get the target's current scale: {error}");
    assert_eq!(round.condition("AbleToScale"), json!(["False", "FailedGetScale", message]));
}

#[test]
fn a_scale_that_cannot_be_read_is_told() {
    let mut round = Round::begin(&json!({}));

    round.answer(Verb::Get, &Err(Status::new(Reason::NotFound, "deployments \"web\" not found")));

    assert_eq!(events(&round.plan), [event("FailedGetScale", "deployments \"web\" not found")]);
    assert_eq!(round.condition("AbleToScale")[1], "FailedGetScale");
}

#[test]
fn without_a_metrics_api_no_replica_count_is_computed() {
    let mut round = Round::begin(&json!({}));
    round.answer(Verb::Get, &Ok(scale(2)));

    round.answer(Verb::List, &Err(Status::new(Reason::NotFound, NOT_SERVED)));

    let error = format!(
        "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics \
         from resource metrics API: {NOT_SERVED} (get pods.metrics.k8s.io)"
    );
    let whole = format!(
        "invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric \
         value: {error}"
    );
    let told =
        [event("FailedGetResourceMetric", &error), event("FailedComputeMetricsReplicas", &whole)];
    assert_eq!(events(&round.plan), told);
    let message = format!("the HPA was unable to compute the replica count: {error}");
    let active = json!(["False", "FailedGetResourceMetric", message]);
    assert_eq!(round.condition("ScalingActive"), active);
    assert_eq!(round.condition("AbleToScale")[1], "SucceededGetScale");
    assert_eq!(round.status()["currentReplicas"], 2);
    assert_eq!(round.plan.look_again, Some(at(130)));
}

#[test]
fn a_metric_of_an_api_that_nobody_serves_is_told() {
    let target = json!({"type": "AverageValue", "averageValue": "1"});
    let metric = json!({"type": "Pods", "pods": {"metric": {"name": "hits"}, "target": target}});
    let mut round = Round::begin(&json!({"spec": {"metrics": [metric]}}));
    round.answer(Verb::Get, &Ok(scale(2)));

    round.answer(Verb::List, &Ok(json!({"items": []})));

    assert_eq!(round.condition("ScalingActive")[1], "FailedGetPodsMetric");
}

#[test]
fn replicas_outside_their_limits_are_brought_inside_without_metrics() {
    for (current, desired, reason) in [
        (9, 5, "Current number of replicas above Spec.MaxReplicas"),
        (1, 2, "Current number of replicas below Spec.MinReplicas"),
    ] {
        let mut round = Round::begin(&json!({}));

        round.answer(Verb::Get, &Ok(scale(current)));
        let written = round.only(Verb::Update, &resources::DEPLOYMENTS).body.unwrap();
        round.answer(Verb::Update, &Ok(Value::Null));

        assert_eq!(written["spec"]["replicas"], desired);
        let message = format!("New size: {desired}; reason: {reason}");
        assert_eq!(events(&round.plan), [event("SuccessfulRescale", &message)]);
        assert_eq!(round.condition("AbleToScale")[1], "SucceededRescale");
        let status = round.status();
        assert_eq!(status["currentReplicas"], current);
        assert_eq!(status["desiredReplicas"], desired);
        assert_eq!(status["lastScaleTime"], time_text(115));
    }
}

#[test]
fn a_scale_that_cannot_be_written_is_told() {
    let mut round = Round::begin(&json!({}));
    round.answer(Verb::Get, &Ok(scale(9)));

    round.answer(Verb::Update, &Err(Status::new(Reason::Forbidden, "refused")));

    assert!(events(&round.plan)[0].starts_with("FailedRescale: "));
    assert_eq!(round.condition("AbleToScale")[1], "FailedUpdateScale");
    assert_eq!(round.status()["lastScaleTime"], Value::Null);
}

#[test]
fn a_scale_that_was_changed_meanwhile_is_read_again() {
    let mut round = Round::begin(&json!({}));
    round.answer(Verb::Get, &Ok(scale(9)));

    round.answer(Verb::Update, &Err(Status::new(Reason::Conflict, "refused")));
    let again = round.world.reconcile(&key(), now());

    assert_eq!(round.plan, Plan { requests: vec![], look_again: Some(now()) });
    assert_eq!(requests(&again, Verb::Get, &resources::DEPLOYMENTS).len(), 1);
}

#[test]
fn what_is_scaled_to_nothing_stays_so() {
    let mut round = Round::begin(&json!({}));

    round.answer(Verb::Get, &Ok(scale(0)));

    assert_eq!(round.condition("ScalingActive")[1], "ScalingDisabled");
    assert!(requests(&round.plan, Verb::Update, &resources::DEPLOYMENTS).is_empty());
}

#[test]
fn a_scale_without_a_usable_selector_is_told() {
    for (selector, reason) in [("", "SelectorRequired"), ("a in", "InvalidSelector")] {
        let mut round = Round::begin(&json!({}));
        let mut scale = scale(2);
        scale["status"]["selector"] = json!(selector);

        round.answer(Verb::Get, &Ok(scale));

        assert!(events(&round.plan)[0].starts_with(&format!("{reason}: ")));
        assert!(events(&round.plan)[1].starts_with("FailedComputeMetricsReplicas: "));
        assert_eq!(round.condition("ScalingActive")[1], "InvalidSelector");
    }
}

#[test]
fn pods_that_two_autoscalers_scale_are_scaled_by_none() {
    let mut round = Round::begin(&json!({}));
    round.put_pods(&[100]);
    round.answer(Verb::Get, &Ok(scale(2)));
    let other = Key::new("default", "other");
    round.world.put(AUTOSCALERS, autoscaler(&json!({"metadata": {"name": "other"}})));
    round.world.reconcile(&other, at(100));
    let plan = round.world.reconcile(&other, at(116));
    round.world.grant(&other, &plan.requests[0], scale(2));

    let plan = round.world.reconcile(&other, at(116));

    let message = "pods by selector app=web are controlled by multiple HPAs: [{other default} {web \
                   default}]";
    assert_eq!(events(&plan)[0], event("AmbiguousSelector", message));
}

#[test]
fn pods_that_use_more_than_they_are_to_get_company() {
    let mut round = Round::begin(&json!({}));
    round.put_pods(&[100, 100]);
    round.answer(Verb::Get, &Ok(scale(2)));

    round.answer(Verb::List, &Ok(usage(&["90m", "70m"])));
    let written = round.only(Verb::Update, &resources::DEPLOYMENTS).body.unwrap();
    round.answer(Verb::Update, &Ok(Value::Null));

    assert_eq!(written["spec"]["replicas"], 4);
    let metric = "cpu resource utilization (percentage of request)";
    let message = format!("New size: 4; reason: {metric} above target");
    assert_eq!(events(&round.plan), [event("SuccessfulRescale", &message)]);
    assert_eq!(round.condition("ScalingActive")[1], "ValidMetricFound");
    assert_eq!(round.condition("ScalingLimited")[1], "DesiredWithinRange");
    let current = &round.status()["currentMetrics"][0]["resource"]["current"];
    assert_eq!(*current, json!({"averageUtilization": 80, "averageValue": "80m"}));
}

#[test]
fn a_difference_within_the_tolerance_changes_nothing() {
    let mut round = Round::begin(&json!({}));
    round.put_pods(&[100, 100]);
    round.answer(Verb::Get, &Ok(scale(2)));

    round.answer(Verb::List, &Ok(usage(&["44m", "42m"])));

    assert!(requests(&round.plan, Verb::Update, &resources::DEPLOYMENTS).is_empty());
    assert_eq!(round.condition("AbleToScale")[1], "ReadyForNewScale");
    assert_eq!(round.status()["desiredReplicas"], 2);
}

#[test]
fn fewer_replicas_wait_until_no_more_were_recommended_for_a_while() {
    let mut round = Round::begin(&json!({}));
    round.put_pods(&[100, 100, 100, 100]);
    round.answer(Verb::Get, &Ok(scale(4)));

    round.answer(Verb::List, &Ok(usage(&["10m", "10m", "10m", "10m"])));

    assert!(requests(&round.plan, Verb::Update, &resources::DEPLOYMENTS).is_empty());
    assert_eq!(round.condition("AbleToScale")[1], "ScaleDownStabilized");
}

#[test]
fn a_pod_that_is_not_told_of_speaks_against_a_change() {
    let mut round = Round::begin(&json!({}));
    round.put_pods(&[100, 100]);
    round.answer(Verb::Get, &Ok(scale(2)));

    round.answer(Verb::List, &Ok(usage(&["70m"])));

    assert!(requests(&round.plan, Verb::Update, &resources::DEPLOYMENTS).is_empty());
}

#[test]
fn a_pod_without_a_request_is_told() {
    let mut round = Round::begin(&json!({}));
    round.put_pods(&[0]);
    round.answer(Verb::Get, &Ok(scale(2)));

    round.answer(Verb::List, &Ok(usage(&["70m"])));

    let error =
        "failed to get cpu utilization: missing request for cpu in container c of Pod web-0";
    assert_eq!(events(&round.plan)[0], event("FailedGetResourceMetric", error));
}

fn key() -> Key {
    Key::new("default", "web")
}

/// An autoscaler of two to five replicas, whose pods are to use 40 % of the processors that they request.
fn autoscaler(changes: &Value) -> Value {
    let target = json!({"type": "Utilization", "averageUtilization": 40});
    let autoscaler = json!({
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "minReplicas": 2, "maxReplicas": 5,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": target}}],
        },
    });
    let kind = api::patch::PatchKind::Merge;
    api::patch::apply(kind, &resources::CONFIG_MAPS, &autoscaler, changes).unwrap()
}

fn scale(replicas: i32) -> Value {
    json!({"metadata": {"name": "web", "namespace": "default", "resourceVersion": "7"},
        "spec": {"replicas": replicas}, "status": {"replicas": replicas, "selector": "app=web"}})
}

/// What the pods use, each in its turn.
fn usage(cpus: &[&str]) -> Value {
    let items = cpus.iter().enumerate().map(|(ordinal, cpu)| {
        json!({"metadata": {"name": format!("web-{ordinal}"), "namespace": "default"},
            "timestamp": time_text(114), "window": "30s",
            "containers": [{"name": "c", "usage": {"cpu": cpu}}]})
    });
    json!({"items": items.collect::<Vec<_>>()})
}

/// A round at second 115, and its last plan.
struct Round {
    world: World<HorizontalPodAutoscalerController>,
    plan: Plan,
}

impl Round {
    fn begin(changes: &Value) -> Self {
        let mut world = World::new(HorizontalPodAutoscalerController::default());
        world.put(AUTOSCALERS, autoscaler(changes));
        world.reconcile(&key(), at(100));
        let plan = world.reconcile(&key(), now());
        Self { world, plan }
    }

    /// Pods that run since long ago and request so many thousandths of a processor, or nothing.
    fn put_pods(&mut self, requests: &[i64]) {
        for (ordinal, milli) in requests.iter().enumerate() {
            let requests =
                if *milli == 0 { json!({}) } else { json!({"cpu": format!("{milli}m")}) };
            let ready = json!({"type": "Ready", "status": "True",
                "lastTransitionTime": time_text(-900)});
            let pod = json!({
                "metadata": {"name": format!("web-{ordinal}"), "namespace": "default",
                    "labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "resources": {"requests": requests}}]},
                "status": {"phase": "Running", "startTime": time_text(-1000),
                    "conditions": [ready]},
            });
            self.world.put(&resources::PODS, pod);
        }
    }

    /// Answers the request of this verb and goes on.
    fn answer(&mut self, verb: Verb, outcome: &client::Outcome) {
        let mut asked = self.plan.requests.iter().filter(|request| request.verb == verb);
        let request = asked.next().unwrap().clone();
        self.world.controller.completed(&key(), &request, outcome);
        self.plan = self.world.reconcile(&key(), now());
    }

    fn only(&self, verb: Verb, resource: &'static api::ApiResource) -> Request {
        let found = requests(&self.plan, verb, resource);
        assert_eq!(found.len(), 1);
        found[0].clone()
    }

    fn status(&self) -> Value {
        self.only(Verb::Update, AUTOSCALERS).body.unwrap()["status"].clone()
    }

    /// The status, reason and message of a condition.
    fn condition(&mut self, type_: &str) -> Value {
        let status = self.status();
        let mut conditions = status["conditions"].as_array().unwrap().iter();
        let found = conditions.find(|condition| condition["type"] == type_).unwrap();
        json!([found["status"], found["reason"], found["message"]])
    }
}

fn now() -> Timestamp {
    at(115)
}

fn event(reason: &str, message: &str) -> String {
    format!("{reason}: {message}")
}
