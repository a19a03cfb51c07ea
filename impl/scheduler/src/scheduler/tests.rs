//! The scheduler, driven by hand.

mod devices;
mod explain;
mod extenders;
mod knowledge;
mod preemption;
mod profiles;
mod runs;
mod unprepared;
mod volumes;

use std::sync::Arc;

use api::{AnyObject, Key, Reason, Request, Status, Timestamp};
use client::Change;
use k8s_openapi::api::core::v1::{Node, Pod};
use serde_json::{Value, json};

use super::{Choice, Decision, Scheduler};
use crate::Configuration;
use crate::testing::{node, pod, pod_with};

#[test]
fn a_pod_is_bound_to_the_emptier_node() {
    let mut scheduler = scheduler(&[node("a", json!({})), node("b", json!({}))]);
    let mut busy = json!({"nodeName": "a", "containers": [{"name": "c"}]});
    busy["containers"][0]["resources"] = cpu("1");
    observe_pod(&mut scheduler, pod_with("busy", busy));
    observe_pod(&mut scheduler, pod("web", cpu("500m")));

    let decision = schedule(&mut scheduler, 10);

    assert_eq!(chosen(&decision), "b");
    assert_eq!(decision.observed_revision, 7);
    assert_eq!(decision.requests, [Request::bind(key("web"), "uid-web", "b").observed_at(7)]);
}

#[test]
fn of_equal_nodes_the_first_by_name_is_taken() {
    let mut scheduler = scheduler(&[node("b", json!({})), node("a", json!({}))]);
    observe_pod(&mut scheduler, pod("web", cpu("500m")));

    assert_eq!(chosen(&schedule(&mut scheduler, 10)), "a");
}

#[test]
fn an_assumed_pod_takes_room_before_it_is_seen_bound() {
    let mut scheduler = scheduler(&[node("a", json!({}))]);
    observe_pod(&mut scheduler, pod("first", cpu("1500m")));
    observe_pod(&mut scheduler, pod("second", cpu("1500m")));

    let first = schedule(&mut scheduler, 10);
    let second = schedule(&mut scheduler, 10);

    assert_eq!(chosen(&first), "a");
    let expected = "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, \
                    preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.";
    assert_eq!(message(&second), expected);
}

#[test]
fn a_refused_binding_frees_the_room() {
    let mut scheduler = scheduler(&[node("a", json!({}))]);
    observe_pod(&mut scheduler, pod("first", cpu("1500m")));
    observe_pod(&mut scheduler, pod("second", cpu("1500m")));
    let first = schedule(&mut scheduler, 10);
    schedule(&mut scheduler, 10);
    let refusal = Err(Status::new(Reason::Conflict, "refused"));

    let told = scheduler.completed(&first.pod, &first.requests[0], &refusal, at(11));

    assert_eq!(told[0].body.as_ref().unwrap()["reason"], "FailedScheduling");
    assert_eq!(chosen(&schedule(&mut scheduler, 12)), "a");
}

#[test]
fn a_pod_that_another_scheduler_binds_elsewhere_leaves_the_room_where_it_was_assumed() {
    let mut scheduler = scheduler(&[node("a", json!({}))]);
    observe_pod(&mut scheduler, pod("first", cpu("1500m")));
    observe_pod(&mut scheduler, pod("second", cpu("1500m")));
    schedule(&mut scheduler, 10);
    schedule(&mut scheduler, 10);

    let elsewhere = json!({"nodeName": "b", "containers": [{"name": "c"}]});
    observe_pod(&mut scheduler, pod_with("first", elsewhere));

    assert_eq!(chosen(&schedule(&mut scheduler, 12)), "a");
}

/// The pod may be gone, and nothing tells so yet. Source: `handleSchedulingFailure` in schedule_one.go (v1.36).
#[test]
fn a_binding_that_finds_no_pod_is_tried_again_while_the_pod_is_seen() {
    let mut scheduler = scheduler(&[node("a", json!({}))]);
    observe_pod(&mut scheduler, pod("web", cpu("1500m")));
    let decision = schedule(&mut scheduler, 10);
    let gone = Err(Status::new(Reason::NotFound, "gone"));

    let told = scheduler.completed(&key("web"), &decision.requests[0], &gone, at(10));

    assert_eq!(told[0].body.as_ref().unwrap()["reason"], "FailedScheduling");
    assert_eq!(chosen(&schedule(&mut scheduler, 11)), "a");
}

#[test]
fn a_granted_binding_is_told() {
    let mut scheduler = scheduler(&[node("a", json!({}))]);
    observe_pod(&mut scheduler, pod("web", cpu("1")));
    let decision = schedule(&mut scheduler, 10);

    let told = scheduler.completed(&key("web"), &decision.requests[0], &Ok(Value::Null), at(10));

    let event = told[0].body.clone().unwrap();
    assert_eq!(event["reason"], "Scheduled");
    assert_eq!(event["message"], "Successfully assigned default/web to a");
    assert_eq!(scheduler.next_deadline(), None);
}

#[test]
fn a_pod_is_tried_again_after_a_node_appears() {
    let mut scheduler = Scheduler::new(Configuration::default());
    observe_pod(&mut scheduler, pod("web", cpu("1")));
    let without = schedule(&mut scheduler, 10);
    assert_eq!(message(&without), "no nodes available to schedule pods");
    assert!(scheduler.schedule_one(7, at(20)).is_none());

    observe_node(&mut scheduler, node("a", json!({})), 20);

    assert_eq!(chosen(&schedule(&mut scheduler, 20)), "a");
}

#[test]
fn the_reasons_of_all_nodes_are_counted_in_the_message() {
    let taint = json!({"key": "gpu", "effect": "NoSchedule"});
    let mut scheduler = scheduler(&[
        node("a", json!({"spec": {"taints": [taint]}})),
        node("b", json!({"spec": {"taints": [taint]}})),
        node("c", json!({})),
    ]);
    observe_pod(&mut scheduler, pod("web", cpu("3")));

    let decision = schedule(&mut scheduler, 10);

    assert_eq!(
        message(&decision),
        "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s). \
         no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    );
    let event = decision.requests[0].body.clone().unwrap();
    assert_eq!(event["message"], message(&decision));
    let condition = decision.requests[1].body.clone().unwrap()["status"]["conditions"][0].clone();
    assert_eq!(condition["type"], "PodScheduled");
    assert_eq!(condition["reason"], "Unschedulable");
    assert_eq!(condition["observedGeneration"], 1);
}

#[test]
fn of_nodes_that_the_pod_does_not_name_nothing_more_is_said() {
    let mut scheduler = scheduler(&[node("a", json!({})), node("b", json!({}))]);
    let named = json!([{"key": "metadata.name", "operator": "In", "values": ["a"]}]);
    let terms = json!({"nodeSelectorTerms": [{"matchFields": named}]});
    let affinity =
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}});
    let mut spec = json!({"affinity": affinity, "containers": [{"name": "c"}]});
    spec["containers"][0]["resources"] = cpu("3");
    observe_pod(&mut scheduler, pod_with("web", spec));

    assert_eq!(
        message(&schedule(&mut scheduler, 10)),
        "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't satisfy plugin(s) [NodeAffinity]. \
         no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
    );
}

#[test]
fn a_gated_pod_waits_until_its_gates_are_gone() {
    let mut scheduler = scheduler(&[node("a", json!({}))]);
    let gated = pod_with("web", json!({"schedulingGates": [{"name": "g"}], "containers": []}));
    observe_pod(&mut scheduler, Arc::clone(&gated));
    assert_eq!(scheduler.schedule_one(7, at(10)), None);

    let open = AnyObject::from(pod_with("web", json!({"containers": []})));
    let change = Change { old: Some(AnyObject::from(gated)), new: Some(open) };
    scheduler.observe(&change, at(10));

    assert_eq!(chosen(&schedule(&mut scheduler, 10)), "a");
}

#[test]
fn a_change_that_does_not_help_wakes_nobody() {
    let mut scheduler = scheduler(&[node("a", json!({}))]);
    observe_pod(&mut scheduler, pod("web", cpu("3")));
    schedule(&mut scheduler, 10);

    observe_node(&mut scheduler, node("b", json!({})), 20);
    observe_pod(&mut scheduler, pod_with("new", json!({"nodeName": "b", "containers": []})));
    assert_eq!(scheduler.schedule_one(7, at(20)), None);
    let allocatable = json!({"cpu": "4", "memory": "2Gi", "pods": "10"});
    observe_node(&mut scheduler, node("c", json!({"status": {"allocatable": allocatable}})), 30);

    assert_eq!(chosen(&schedule(&mut scheduler, 30)), "c");
}

#[test]
fn a_pod_of_another_scheduler_is_left_alone() {
    let mut scheduler = scheduler(&[node("a", json!({}))]);
    observe_pod(
        &mut scheduler,
        pod_with("web", json!({"schedulerName": "mine", "containers": []})),
    );

    assert!(scheduler.schedule_one(7, at(10)).is_none());
}

fn scheduler(nodes: &[Arc<Node>]) -> Scheduler {
    let mut scheduler = Scheduler::new(Configuration::default());
    for node in nodes {
        observe_node(&mut scheduler, Arc::clone(node), 0);
    }
    scheduler
}

fn observe_node(scheduler: &mut Scheduler, node: Arc<Node>, seconds: i64) {
    scheduler.observe(&Change { old: None, new: Some(AnyObject::from(node)) }, at(seconds));
}

fn observe_pod(scheduler: &mut Scheduler, pod: Arc<Pod>) {
    scheduler.observe(&Change { old: None, new: Some(AnyObject::from(pod)) }, at(0));
}

fn schedule(scheduler: &mut Scheduler, seconds: i64) -> Decision {
    scheduler.schedule_one(7, at(seconds)).unwrap()
}

fn chosen(decision: &Decision) -> &str {
    match &decision.outcome {
        Choice::Bind { node, .. } => node,
        Choice::Reserve { node, .. } => panic!("waits on {node}"),
        Choice::Ask => panic!("extenders are asked"),
        Choice::Unschedulable { message, .. } | Choice::Failed { message } => panic!("{message}"),
    }
}

fn message(decision: &Decision) -> &str {
    match &decision.outcome {
        Choice::Unschedulable { message, .. } | Choice::Failed { message } => message,
        Choice::Bind { node, .. } | Choice::Reserve { node, .. } => panic!("goes to {node}"),
        Choice::Ask => panic!("extenders are asked"),
    }
}

fn cpu(amount: &str) -> Value {
    json!({"requests": {"cpu": amount}})
}

fn key(name: &str) -> Key {
    Key::new("default", name)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}
