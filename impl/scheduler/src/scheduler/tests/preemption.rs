//! Pods for which others make room.

use api::{Verb, resources};

use super::*;

/// A pod of this priority that wants so much cpu.
fn important(name: &str, priority: i32, amount: &str) -> Pod {
    let mut spec = json!({"priority": priority, "containers": [{"name": "c"}]});
    spec["containers"][0]["resources"] = cpu(amount);
    (*pod_with(name, spec)).clone()
}

/// A pod that runs on node `a`.
fn running(name: &str, priority: i32, amount: &str) -> Pod {
    let mut pod = important(name, priority, amount);
    pod.spec.as_mut().unwrap().node_name = Some("a".to_owned());
    pod
}

fn hear(scheduler: &mut Scheduler, old: Option<&Pod>, new: Option<&Pod>, seconds: i64) {
    let object = |pod: &Pod| AnyObject::from(Arc::new(pod.clone()));
    scheduler.observe(&Change { old: old.map(object), new: new.map(object) }, at(seconds));
}

/// A scheduler with one node, which a pod without priority fills, and a pod of priority 5 that wants all of it.
fn full() -> (Scheduler, Pod) {
    let mut scheduler = scheduler(&[node("a", json!({}))]);
    hear(&mut scheduler, None, Some(&running("low", 0, "2")), 0);
    let high = important("high", 5, "2");
    hear(&mut scheduler, None, Some(&high), 0);
    (scheduler, high)
}

fn grant(scheduler: &mut Scheduler, pod: &str, request: &Request) -> Vec<Request> {
    scheduler.completed(&key(pod), request, &Ok(Value::Null), at(10))
}

/// The request of a decision for a pod.
fn to<'a>(decision: &'a Decision, name: &str) -> &'a Request {
    let of_pod =
        |request: &&Request| request.resource == &resources::PODS && request.key.name == name;
    decision.requests.iter().find(of_pod).unwrap()
}

fn status(request: &Request) -> &Value {
    &request.body.as_ref().unwrap()["status"]
}

#[test]
fn a_pod_that_finds_no_room_is_nominated_where_others_make_some() {
    let (mut scheduler, _) = full();

    let decision = schedule(&mut scheduler, 10);

    let Choice::Unschedulable { message, nominated, .. } = &decision.outcome else { panic!() };
    assert_eq!(nominated.as_deref(), Some("a"));
    assert_eq!(message, "0/1 nodes are available: 1 Insufficient cpu.");
    let own = status(to(&decision, "high"));
    assert_eq!(own["nominatedNodeName"], "a");
    assert_eq!(own["conditions"][0]["message"], message.as_str());
}

#[test]
fn a_victim_is_marked_then_deleted_then_told() {
    let (mut scheduler, _) = full();
    let decision = schedule(&mut scheduler, 10);

    let marked = to(&decision, "low").clone();
    let deleted = grant(&mut scheduler, "high", &marked).remove(0);
    let told = grant(&mut scheduler, "high", &deleted).remove(0);

    let condition = &status(&marked)["conditions"][0];
    assert_eq!(condition["type"], "DisruptionTarget");
    assert_eq!(condition["status"], "True");
    assert_eq!(condition["reason"], "PreemptionByScheduler");
    assert_eq!(condition["observedGeneration"], 1);
    let why = "default-scheduler: preempting to accommodate a higher priority pod";
    assert_eq!(condition["message"], why);
    assert_eq!((deleted.verb, deleted.key.name.as_str()), (Verb::Delete, "low"));
    let options = deleted.body.unwrap();
    assert_eq!(options["preconditions"]["uid"], "uid-low");
    assert_eq!(options.get("gracePeriodSeconds"), None);
    let event = told.body.unwrap();
    assert_eq!((&event["type"], &event["reason"]), (&json!("Normal"), &json!("Preempted")));
    assert_eq!(event["message"], "Preempted by pod uid-high on node a");
    assert_eq!(event["involvedObject"]["name"], "low");
}

#[test]
fn a_pod_runs_where_room_was_made_once_its_victims_are_gone() {
    let (mut scheduler, _) = full();
    let decision = schedule(&mut scheduler, 10);
    let marked = to(&decision, "low").clone();
    let deleted = grant(&mut scheduler, "high", &marked).remove(0);
    grant(&mut scheduler, "high", &deleted);
    assert_eq!(scheduler.schedule_one(7, at(15)), None);

    hear(&mut scheduler, Some(&running("low", 0, "2")), None, 20);

    assert_eq!(chosen(&schedule(&mut scheduler, 20)), "a");
}

#[test]
fn a_victim_that_goes_at_once_is_not_missed() {
    let (mut scheduler, _) = full();
    let decision = schedule(&mut scheduler, 10);
    let marked = to(&decision, "low").clone();
    let deleted = grant(&mut scheduler, "high", &marked).remove(0);
    hear(&mut scheduler, Some(&running("low", 0, "2")), None, 10);
    assert_eq!(scheduler.schedule_one(7, at(15)), None);

    grant(&mut scheduler, "high", &deleted);

    assert_eq!(chosen(&schedule(&mut scheduler, 15)), "a");
}

#[test]
fn a_pod_is_tried_again_when_a_victim_could_not_be_marked() {
    let (mut scheduler, _) = full();
    let decision = schedule(&mut scheduler, 10);
    let refusal = Err(Status::new(Reason::Conflict, "changed"));

    let marked = to(&decision, "low").clone();
    let more = scheduler.completed(&key("high"), &marked, &refusal, at(10));
    let again = schedule(&mut scheduler, 12);

    assert!(more.is_empty());
    assert_eq!(
        (again.pod.name.as_str(), to(&again, "low").verb),
        ("high", Verb::StrategicMergePatch)
    );
}

#[test]
fn a_victim_that_is_gone_already_is_not_told() {
    let (mut scheduler, _) = full();
    let decision = schedule(&mut scheduler, 10);
    let gone = Err(Status::new(Reason::NotFound, "gone"));

    let marked = to(&decision, "low").clone();
    let more = scheduler.completed(&key("high"), &marked, &gone, at(10));

    assert!(more.is_empty());
    assert_eq!(scheduler.schedule_one(7, at(12)), None);
}

#[test]
fn room_that_was_made_is_kept_from_less_important_pods() {
    let (mut scheduler, high) = full();
    schedule(&mut scheduler, 10);
    hear(&mut scheduler, None, Some(&important("mid", 3, "1")), 11);
    let mut nominated = high.clone();
    nominated.status = serde_json::from_value(json!({"nominatedNodeName": "a"})).unwrap();
    hear(&mut scheduler, Some(&high), Some(&nominated), 11);
    hear(&mut scheduler, Some(&running("low", 0, "2")), None, 11);

    let mid = schedule(&mut scheduler, 11);

    assert_eq!(mid.pod.name, "mid");
    assert_eq!(
        message(&mid),
        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes \
         are available: 1 No preemption victims found for incoming pod."
    );
}

#[test]
fn a_less_important_pod_is_nominated_elsewhere() {
    let (mut scheduler, _) = full();
    let first = schedule(&mut scheduler, 10);
    let mut nominated = important("high", 5, "2");
    nominated.status = serde_json::from_value(json!({"nominatedNodeName": "a"})).unwrap();
    hear(&mut scheduler, Some(&important("high", 5, "2")), Some(&nominated), 10);
    hear(&mut scheduler, None, Some(&important("highest", 9, "2")), 11);

    let second = schedule(&mut scheduler, 11);

    assert_eq!((first.pod.name.as_str(), second.pod.name.as_str()), ("high", "highest"));
    assert_eq!(status(to(&second, "high")), &json!({"nominatedNodeName": null}));
}

#[test]
fn pods_that_had_to_wait_for_a_nominated_pod_are_tried_when_it_is_gone() {
    let (mut scheduler, high) = full();
    schedule(&mut scheduler, 10);
    hear(&mut scheduler, Some(&running("low", 0, "2")), None, 11);
    hear(&mut scheduler, None, Some(&important("mid", 3, "1")), 11);
    schedule(&mut scheduler, 11);
    assert_eq!(scheduler.schedule_one(7, at(15)), None);

    hear(&mut scheduler, Some(&high), None, 20);

    let mid = schedule(&mut scheduler, 20);
    assert_eq!((mid.pod.name.as_str(), chosen(&mid)), ("mid", "a"));
}

#[test]
fn a_nomination_ends_where_no_room_can_be_made_any_more() {
    let (mut scheduler, _) = full();
    let mut nominated = important("huge", 9, "3");
    nominated.status = serde_json::from_value(json!({"nominatedNodeName": "b"})).unwrap();
    hear(&mut scheduler, None, Some(&nominated), 0);

    let decision = schedule(&mut scheduler, 10);

    assert_eq!(decision.pod.name, "huge");
    assert_eq!(status(to(&decision, "huge"))["nominatedNodeName"], Value::Null);
    assert!(status(to(&decision, "huge")).as_object().unwrap().contains_key("nominatedNodeName"));
}

#[test]
fn a_pod_whose_nominated_node_is_gone_looks_for_another_one() {
    let (mut scheduler, _) = full();
    let decision = schedule(&mut scheduler, 10);
    let marked = to(&decision, "low").clone();
    let deleted = grant(&mut scheduler, "high", &marked).remove(0);
    grant(&mut scheduler, "high", &deleted);

    let gone = AnyObject::from(node("a", json!({})));
    scheduler.observe(&Change { old: Some(gone), new: None }, at(20));

    assert_eq!(message(&schedule(&mut scheduler, 20)), "no nodes available to schedule pods");
}

#[test]
fn a_pod_runs_where_room_was_made_also_where_another_node_is_emptier() {
    let mut scheduler = scheduler(&[node("a", json!({})), node("b", json!({}))]);
    hear(&mut scheduler, None, Some(&running("low", 0, "1")), 0);
    let mut nominated = important("high", 5, "1");
    nominated.status = serde_json::from_value(json!({"nominatedNodeName": "a"})).unwrap();
    hear(&mut scheduler, None, Some(&nominated), 0);
    hear(&mut scheduler, None, Some(&important("free", 4, "1")), 0);

    assert_eq!(chosen(&schedule(&mut scheduler, 10)), "a");
    assert_eq!(chosen(&schedule(&mut scheduler, 10)), "b");
}

/// A node with so much cpu and so many devices.
fn sized(name: &str, cpu: &str, devices: &str) -> Arc<Node> {
    let allocatable =
        json!({"cpu": cpu, "memory": "8Gi", "pods": "10", "example.com/device": devices});
    node(name, json!({"status": {"allocatable": allocatable}}))
}

#[test]
fn a_pod_that_runs_elsewhere_leaves_the_room_that_was_made_for_it() {
    let mut scheduler = scheduler(&[sized("a", "4", "1")]);
    hear(&mut scheduler, None, Some(&running("low", 0, "4")), 0);
    hear(&mut scheduler, None, Some(&important("high", 5, "3")), 0);
    let high = schedule(&mut scheduler, 10);
    let marked = to(&high, "low").clone();
    let deleted = grant(&mut scheduler, "high", &marked).remove(0);
    let mut requests = cpu("2");
    requests["requests"]["example.com/device"] = json!("1");
    let mut mid = important("mid", 3, "2");
    mid.spec.as_mut().unwrap().containers[0].resources = serde_json::from_value(requests).unwrap();
    hear(&mut scheduler, None, Some(&mid), 10);
    hear(&mut scheduler, Some(&running("low", 0, "4")), None, 10);
    assert_eq!(schedule(&mut scheduler, 10).pod.name, "mid");

    observe_node(&mut scheduler, sized("b", "100", "0"), 20);
    grant(&mut scheduler, "high", &deleted);
    let high = schedule(&mut scheduler, 20);
    let mid = schedule(&mut scheduler, 20);

    assert_eq!((high.pod.name.as_str(), chosen(&high)), ("high", "b"));
    assert_eq!((mid.pod.name.as_str(), chosen(&mid)), ("mid", "a"));
}

#[test]
fn a_nomination_that_is_taken_back_leaves_the_room_to_others() {
    let mut scheduler = scheduler(&[node("a", json!({}))]);
    let mut requests = cpu("2");
    requests["requests"]["example.com/device"] = json!("1");
    let mut free = important("high", 5, "2");
    free.spec.as_mut().unwrap().containers[0].resources = serde_json::from_value(requests).unwrap();
    let mut nominated = free.clone();
    nominated.status = serde_json::from_value(json!({"nominatedNodeName": "a"})).unwrap();
    hear(&mut scheduler, None, Some(&nominated), 0);
    schedule(&mut scheduler, 10);
    hear(&mut scheduler, Some(&nominated), Some(&nominated), 10);
    hear(&mut scheduler, None, Some(&important("equal", 5, "1")), 10);
    let waits = schedule(&mut scheduler, 10);

    hear(&mut scheduler, Some(&nominated), Some(&free), 20);
    let runs = schedule(&mut scheduler, 20);

    assert!(message(&waits).starts_with("0/1 nodes are available: 1 Insufficient cpu."));
    assert_eq!((runs.pod.name.as_str(), chosen(&runs)), ("equal", "a"));
}
