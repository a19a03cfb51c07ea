//! Pods that wait for their volumes.

use api::{ApiResource, resources};

use super::*;
use crate::testing::{bound, claim, class, pod_using, stored, volume};

const CLAIMS: &ApiResource = &resources::PERSISTENT_VOLUME_CLAIMS;
const VOLUMES: &ApiResource = &resources::PERSISTENT_VOLUMES;

/// A scheduler with one node, a class whose volumes somebody makes, and a pod with a claim of it.
fn waiting() -> Scheduler {
    let mut scheduler = scheduler(&[node("a", json!({}))]);
    hear(&mut scheduler, class("example.com/p"), 0);
    hear(&mut scheduler, stored(CLAIMS, claim("data")), 0);
    observe_pod(&mut scheduler, pod_using("web", &["data"]));
    scheduler
}

fn hear(scheduler: &mut Scheduler, object: AnyObject, seconds: i64) {
    scheduler.observe(&Change { old: None, new: Some(object) }, at(seconds));
}

/// The claim as it is once its node is selected.
fn placed(version: &str) -> Value {
    let mut claim = claim("data");
    claim["metadata"]["resourceVersion"] = json!(version);
    claim["metadata"]["annotations"] = json!({"volume.kubernetes.io/selected-node": "a"});
    claim
}

/// What is asked for a volume, after the pod was nominated.
fn asked(decision: &Decision) -> &Request {
    assert_eq!(decision.requests[0].body.as_ref().unwrap()["status"]["nominatedNodeName"], "a");
    &decision.requests[1]
}

/// The scheduler's request for its pod is granted, and heard of.
fn grant(scheduler: &mut Scheduler, decision: &Decision, answer: &Value) {
    let mut answer = answer.clone();
    answer["metadata"]["uid"] =
        json!(format!("uid-{}", answer["metadata"]["name"].as_str().unwrap()));
    if asked(decision).resource == CLAIMS {
        answer["metadata"]["namespace"] = json!("default");
    }
    let told = scheduler.completed(&decision.pod, asked(decision), &Ok(answer), at(10));
    assert!(told.is_empty());
}

fn reserved(decision: &Decision) -> &str {
    match &decision.outcome {
        Choice::Reserve { node, .. } => node,
        Choice::Bind { node, .. } => panic!("bound to {node}"),
        Choice::Ask => panic!("extenders are asked"),
        Choice::Unschedulable { message, .. } | Choice::Failed { message } => panic!("{message}"),
    }
}

#[test]
fn a_pod_is_bound_only_once_its_volume_was_made() {
    let mut scheduler = waiting();

    let first = schedule(&mut scheduler, 10);
    let body = asked(&first).body.clone().unwrap();
    grant(&mut scheduler, &first, &placed("2"));
    hear(&mut scheduler, stored(CLAIMS, placed("2")), 11);
    let before = scheduler.schedule_one(7, at(11));
    hear(&mut scheduler, stored(VOLUMES, volume("v", "a")), 12);
    let mut done = bound(placed("3"), "v");
    done["metadata"]["annotations"]["volume.kubernetes.io/selected-node"] = json!("a");
    hear(&mut scheduler, stored(CLAIMS, done), 12);
    let second = schedule(&mut scheduler, 12);

    assert_eq!(reserved(&first), "a");
    assert_eq!(first.requests.len(), 2);
    assert_eq!(body["metadata"]["annotations"]["volume.kubernetes.io/selected-node"], "a");
    assert_eq!(before, None);
    assert_eq!(chosen(&second), "a");
    assert_eq!(second.requests, [Request::bind(key("web"), "uid-web", "a").observed_at(7)]);
}

#[test]
fn a_free_volume_is_bound_to_the_claim_and_to_no_second_one() {
    let mut scheduler = scheduler(&[node("a", json!({}))]);
    hear(&mut scheduler, class("kubernetes.io/no-provisioner"), 0);
    for name in ["data", "more"] {
        hear(&mut scheduler, stored(CLAIMS, claim(name)), 0);
    }
    hear(&mut scheduler, stored(VOLUMES, volume("v", "a")), 0);
    observe_pod(&mut scheduler, pod_using("web", &["data"]));
    observe_pod(&mut scheduler, pod_using("xxl", &["more"]));

    let first = schedule(&mut scheduler, 10);
    let second = schedule(&mut scheduler, 10);
    let body = asked(&first).body.clone().unwrap();
    let mut written = body.clone();
    written["metadata"]["resourceVersion"] = json!("2");
    grant(&mut scheduler, &first, &written);
    hear(&mut scheduler, stored(VOLUMES, written), 11);
    let other = scheduler.schedule_one(7, at(11)).map(|decision| decision.pod);
    let before = scheduler.schedule_one(7, at(11));
    hear(&mut scheduler, stored(CLAIMS, bound(claim("data"), "v")), 12);
    let third = schedule(&mut scheduler, 12);

    assert_eq!((asked(&first).resource, reserved(&first)), (VOLUMES, "a"));
    assert_eq!(body["spec"]["claimRef"]["name"], "data");
    assert_eq!(
        message(&second),
        "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind. \
         no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling."
    );
    assert_eq!((other, before), (Some(key("xxl")), None));
    assert_eq!((third.pod.name.as_str(), chosen(&third)), ("web", "a"));
}

#[test]
fn a_pod_whose_volume_is_made_elsewhere_looks_for_a_node_again() {
    let mut scheduler = waiting();
    let first = schedule(&mut scheduler, 10);
    grant(&mut scheduler, &first, &placed("2"));
    let mut reset = claim("data");
    reset["metadata"]["resourceVersion"] = json!("3");
    hear(&mut scheduler, stored(CLAIMS, reset), 11);

    let failed = schedule(&mut scheduler, 11);
    let again = schedule(&mut scheduler, 20);

    let why = "running PreBind plugin \"VolumeBinding\": binding volumes: provisioning failed for PVC \"data\"";
    assert_eq!(message(&failed), why);
    assert_eq!(failed.requests[0].body.as_ref().unwrap()["reason"], "FailedScheduling");
    assert_eq!(reserved(&again), "a");
}

#[test]
fn a_pod_whose_claim_cannot_be_written_looks_for_a_node_again() {
    let mut scheduler = waiting();
    let first = schedule(&mut scheduler, 10);
    let refusal = Err(Status::new(Reason::Conflict, "changed"));

    scheduler.completed(&first.pod, asked(&first), &refusal, at(10));
    let failed = schedule(&mut scheduler, 10);

    assert!(message(&failed).starts_with("running PreBind plugin \"VolumeBinding\": "));
    assert_eq!(reserved(&schedule(&mut scheduler, 20)), "a");
}

#[test]
fn a_pod_gives_up_its_node_when_no_volume_comes_in_ten_minutes() {
    let mut scheduler = waiting();
    let first = schedule(&mut scheduler, 10);
    grant(&mut scheduler, &first, &placed("2"));
    hear(&mut scheduler, stored(CLAIMS, placed("2")), 11);
    assert_eq!(scheduler.schedule_one(7, at(609)), None);

    let deadline = scheduler.next_deadline();
    let failed = schedule(&mut scheduler, 610);

    assert_eq!(deadline, Some(at(610)));
    let why =
        "running PreBind plugin \"VolumeBinding\": binding volumes: context deadline exceeded";
    assert_eq!(message(&failed), why);
}

#[test]
fn a_pod_that_goes_while_it_waits_leaves_its_room() {
    let mut scheduler = waiting();
    schedule(&mut scheduler, 10);

    let old = AnyObject::from(pod_using("web", &["data"]));
    scheduler.observe(&Change { old: Some(old), new: None }, at(11));

    assert_eq!(scheduler.schedule_one(7, at(700)), None);
    assert_eq!(scheduler.next_deadline(), None);
}

#[test]
fn a_pod_with_an_unbound_claim_is_scheduled_once_that_is_bound() {
    let mut scheduler = scheduler(&[node("a", json!({})), node("b", json!({}))]);
    let mut immediate = claim("data");
    immediate["spec"]["storageClassName"] = json!("");
    hear(&mut scheduler, stored(CLAIMS, immediate.clone()), 0);
    observe_pod(&mut scheduler, pod_using("web", &["data"]));

    let refused = schedule(&mut scheduler, 10);
    hear(&mut scheduler, stored(VOLUMES, volume("v", "b")), 15);
    hear(&mut scheduler, stored(CLAIMS, bound(immediate, "v")), 15);

    assert_eq!(
        message(&refused),
        "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
    );
    assert_eq!(chosen(&schedule(&mut scheduler, 20)), "b");
}

#[test]
fn a_pod_that_comes_to_nothing_is_nominated_nowhere() {
    let mut scheduler = waiting();
    let first = schedule(&mut scheduler, 10);
    let old = pod_using("web", &["data"]);
    let mut new = (*old).clone();
    new.status = serde_json::from_value(json!({"nominatedNodeName": "a"})).unwrap();
    let (old, new) = (AnyObject::from(old), AnyObject::from(Arc::new(new)));
    scheduler.observe(&Change { old: Some(old), new: Some(new) }, at(10));
    let refusal = Err(Status::new(Reason::Conflict, "changed"));

    scheduler.completed(&first.pod, asked(&first), &refusal, at(10));
    let failed = schedule(&mut scheduler, 10);

    let status = &failed.requests[1].body.as_ref().unwrap()["status"];
    assert_eq!(status.get("nominatedNodeName"), Some(&Value::Null));
}

#[test]
fn a_victim_that_waits_for_its_volumes_looks_for_another_node() {
    let mut scheduler = waiting();
    schedule(&mut scheduler, 10);
    let mut spec = json!({"priority": 5, "containers": [{"name": "c"}]});
    spec["containers"][0]["resources"] = cpu("2");
    let waits = (*pod_using("web", &["data"])).clone();
    let mut wants = waits.clone();
    wants.spec.as_mut().unwrap().containers[0].resources =
        serde_json::from_value(cpu("1")).unwrap();
    let (old, new) = (AnyObject::from(Arc::new(waits)), AnyObject::from(Arc::new(wants)));
    scheduler.observe(&Change { old: Some(old), new: None }, at(10));
    scheduler.observe(&Change { old: None, new: Some(new) }, at(10));
    schedule(&mut scheduler, 10);
    observe_pod(&mut scheduler, pod_with("urgent", spec));

    let decision = schedule(&mut scheduler, 10);
    let bodies = decision.requests.iter().filter_map(|request| request.body.as_ref());
    let messages: Vec<&str> = bodies.filter_map(|body| body["message"].as_str()).collect();

    assert_eq!(decision.pod, key("urgent"));
    assert_eq!(
        messages,
        [
            "0/1 nodes are available: 1 Insufficient cpu.",
            "running PreBind plugin \"VolumeBinding\": binding volumes: context canceled",
            "Preempted by pod uid-urgent on node a (in kube-scheduler memory).",
        ]
    );
    assert_eq!(chosen(&schedule(&mut scheduler, 11)), "a");
}
