//! Tests of which claims are made for pods, and what becomes of them.

use api::{ApiResource, Key, Reason, Verb, resources};
use serde_json::{Value, json};

use super::*;
use crate::Plan;
use crate::testing::{World, at, events, names, owned_by, requests, time_text};

const PODS: &ApiResource = &resources::PODS;
const CLAIMS: &ApiResource = &resources::RESOURCE_CLAIMS;
const TEMPLATES: &ApiResource = &resources::RESOURCE_CLAIM_TEMPLATES;
const FINALIZER: &str = "resource.kubernetes.io/delete-protection";

fn key() -> Key {
    Key::new("n", "web")
}

fn pod(spec: Value, status: Value) -> Value {
    let claims = json!([
        {"name": "gpu", "resourceClaimTemplateName": "gpus"},
        {"name": "disk", "resourceClaimName": "disk"},
    ]);
    let mut all = json!({"containers": [], "resourceClaims": claims});
    all.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    json!({"metadata": {"name": "web", "namespace": "n"}, "spec": all, "status": status})
}

fn told(name: &str) -> Value {
    json!({"resourceClaimStatuses": [{"name": "gpu", "resourceClaimName": name}]})
}

fn template() -> Value {
    let metadata = json!({"labels": {"a": "b"}, "annotations": {"c": "d"}});
    let spec = json!({"devices": {"requests": [{"name": "one"}]}});
    json!({"metadata": {"name": "gpus", "namespace": "n"}, "spec": {"metadata": metadata, "spec": spec}})
}

/// A claim of this name that was made for the pod.
fn made(name: &str, status: Value) -> Value {
    json!({"metadata": {"name": name, "namespace": "n", "annotations": {POD_CLAIM_NAME: "gpu"},
        "ownerReferences": owned_by("v1", "Pod", "web")}, "spec": {}, "status": status})
}

fn making(pod: Value) -> World<PodResourceClaimController> {
    let mut world = World::new(PodResourceClaimController::default());
    assert_eq!(world.put(PODS, pod), [key()]);
    world
}

/// The claims that a plan tells the pod of.
fn statuses(plan: &Plan) -> Option<Value> {
    let request = requests(plan, Verb::Apply, PODS).into_iter().next()?;
    assert_eq!((request.subresource, request.field_manager), ("status", "ResourceClaimController"));
    Some(request.body.clone().unwrap()["status"]["resourceClaimStatuses"].clone())
}

#[test]
fn a_pod_gets_a_claim_of_its_template_and_is_told() {
    let mut world = making(pod(json!({}), json!({})));
    world.put(TEMPLATES, template());

    let makes = world.reconcile(&key(), at(10));
    world.grant(&key(), &makes.requests[0], json!({"metadata": {"name": "web-gpu-12345"}}));
    let tells = world.reconcile(&key(), at(10));

    let claim = requests(&makes, Verb::Create, CLAIMS)[0].body.clone().unwrap();
    assert_eq!(claim["metadata"]["generateName"], "web-gpu-");
    assert_eq!(claim["metadata"]["labels"], json!({"a": "b"}));
    assert_eq!(claim["metadata"]["annotations"], json!({"c": "d", POD_CLAIM_NAME: "gpu"}));
    assert_eq!(claim["metadata"]["ownerReferences"][0]["uid"], "uid-web");
    assert_eq!(claim["spec"]["devices"]["requests"][0]["name"], "one");
    assert_eq!(makes.look_again, Some(at(10)));
    assert_eq!(names(&tells, Verb::Create, CLAIMS), Vec::<String>::new());
    let expected = json!([{"name": "gpu", "resourceClaimName": "web-gpu-12345"}]);
    assert_eq!(statuses(&tells), Some(expected));
}

#[test]
fn a_pod_that_has_its_claims_is_left_alone() {
    let mut world = making(pod(json!({}), told("c")));
    assert_eq!(world.put(CLAIMS, made("c", json!({}))), [key()]);

    assert_eq!(world.reconcile(&key(), at(10)), Plan::default());
}

#[test]
fn a_claim_that_was_made_and_not_told_is_told() {
    let mut world = making(pod(json!({}), json!({})));
    world.put(CLAIMS, made("c", json!({})));

    let plan = world.reconcile(&key(), at(10));

    assert_eq!(statuses(&plan), Some(json!([{"name": "gpu", "resourceClaimName": "c"}])));
    assert_eq!(plan.requests.len(), 1);
}

#[test]
fn a_pod_that_comes_again_under_its_name_has_none_of_the_claims_before() {
    let mut world = making(pod(json!({}), json!({})));
    world.put(TEMPLATES, template());
    let makes = world.reconcile(&key(), at(10));
    let mut again = pod(json!({}), json!({}));
    again["metadata"]["uid"] = json!("another");
    world.put(PODS, again);

    world.grant(&key(), &makes.requests[0], json!({"metadata": {"name": "web-gpu-12345"}}));
    let plan = world.reconcile(&key(), at(10));

    assert_eq!(requests(&plan, Verb::Create, CLAIMS).len(), 1);
}

#[test]
fn a_claim_that_was_made_and_is_gone_is_made_again() {
    let mut world = making(pod(json!({}), json!({})));
    world.put(TEMPLATES, template());
    let makes = world.reconcile(&key(), at(10));
    world.grant(&key(), &makes.requests[0], json!({"metadata": {"name": "c"}}));
    world.put(CLAIMS, made("c", json!({})));
    world.remove(CLAIMS, &Key::new("n", "c"));

    let plan = world.reconcile(&key(), at(10));

    assert_eq!(requests(&plan, Verb::Create, CLAIMS).len(), 1);
}

#[test]
fn a_claim_that_is_gone_is_made_again() {
    let mut world = making(pod(json!({}), told("c")));
    world.put(TEMPLATES, template());

    let plan = world.reconcile(&key(), at(10));

    assert_eq!(requests(&plan, Verb::Create, CLAIMS).len(), 1);
}

#[test]
fn a_template_that_is_missing_is_told_once_and_makes_the_pod_due() {
    let mut world = making(pod(json!({}), json!({})));

    let first = world.reconcile(&key(), at(10));
    let second = world.reconcile(&key(), at(11));
    let due = world.put(TEMPLATES, template());

    let expected = "FailedResourceClaimCreation: PodResourceClaim gpu: resource claim template \"gpus\": resourceclaimtemplate.resource.k8s.io \"gpus\" not found";
    assert_eq!(events(&first), [expected]);
    assert!(first.look_again > Some(at(10)));
    assert!(second.requests.is_empty() && second.look_again > Some(at(11)));
    assert_eq!(due, [key()]);
}

#[test]
fn a_claim_that_is_refused_is_told_once_and_tried_again_later() {
    let mut world = making(pod(json!({}), json!({})));
    world.put(TEMPLATES, template());
    let first = world.reconcile(&key(), at(10));
    world.refuse(&key(), &first.requests[0], Reason::Forbidden);

    let second = world.reconcile(&key(), at(10));
    let creation = requests(&second, Verb::Create, CLAIMS)[0].clone();
    world.refuse(&key(), &creation, Reason::Forbidden);
    let third = world.reconcile(&key(), at(10));

    let expected =
        "FailedResourceClaimCreation: PodResourceClaim gpu: create ResourceClaim : refused";
    assert_eq!(events(&second), [expected]);
    assert!(second.look_again > Some(at(10)));
    assert_eq!(requests(&third, Verb::Create, CLAIMS).len(), 1);
    assert_eq!(third.requests.len(), 1);
}

#[test]
fn a_bound_pods_allocated_claims_are_reserved_for_it() {
    let allocated = json!({"allocation": {}, "reservedFor": [
        {"resource": "pods", "name": "other", "uid": "uid-other"}]});
    let disk = json!({"metadata": {"name": "disk", "namespace": "n"}, "spec": {},
        "status": allocated});
    let reserved = |node: &str| {
        let mut world = making(pod(json!({"nodeName": node}), told("c")));
        world.put(CLAIMS, made("c", json!({})));
        world.put(CLAIMS, disk.clone());
        world.reconcile(&key(), at(10))
    };

    let bound = reserved("n1");

    assert_eq!(names(&bound, Verb::Update, CLAIMS), ["disk"]);
    let status = bound.requests[0].body.clone().unwrap()["status"].clone();
    let expected = json!({"resource": "pods", "name": "web", "uid": "uid-web"});
    assert_eq!(status["reservedFor"][1], expected);
    assert_eq!(reserved(""), Plan::default());
}

#[test]
fn long_names_are_cut_by_their_share() {
    let mut long = pod(json!({}), json!({}));
    long["metadata"]["name"] = json!("p".repeat(90));
    long["spec"]["resourceClaims"][0]["name"] = json!("c".repeat(18));
    let mut world = World::new(PodResourceClaimController::default());
    world.put(TEMPLATES, template());
    let due = world.put(PODS, long);

    let plan = world.reconcile(&due[0], at(10));

    let claim = requests(&plan, Verb::Create, CLAIMS)[0].body.clone().unwrap();
    let expected = format!("{}-{}", "p".repeat(46), "c".repeat(9));
    assert_eq!(claim["metadata"]["generateName"], expected);
}

/// A claim that is allocated and reserved for these pods.
fn held(pods: &[&str]) -> Value {
    let consumer =
        |pod: &&str| json!({"resource": "pods", "name": pod, "uid": format!("uid-{pod}")});
    let consumers: Vec<Value> = pods.iter().map(consumer).collect();
    json!({"metadata": {"name": "disk", "namespace": "n", "finalizers": [FINALIZER]}, "spec": {},
        "status": {"allocation": {}, "reservedFor": consumers}})
}

fn releasing() -> World<ResourceClaimController> {
    World::new(ResourceClaimController::default())
}

fn disk() -> Key {
    Key::new("n", "disk")
}

/// The status that a plan writes.
fn written(plan: &Plan) -> Option<Value> {
    let request = requests(plan, Verb::Update, CLAIMS).into_iter().next()?;
    assert_eq!(request.subresource, "status");
    Some(request.body.clone().unwrap()["status"].clone())
}

#[test]
fn the_last_pod_that_is_done_leaves_a_claim_unallocated_and_free_to_go() {
    let mut world = releasing();
    world.put(CLAIMS, held(&["web"]));
    let due = world.put(PODS, pod(json!({"nodeName": "n1"}), json!({"phase": "Succeeded"})));

    let writes = world.reconcile(&disk(), at(10));
    let answer = json!({"metadata": {"name": "disk", "namespace": "n", "resourceVersion": "7",
        "finalizers": [FINALIZER, "other"]}, "status": {}});
    world.grant(&disk(), &writes.requests[0], answer);
    let releases = world.reconcile(&disk(), at(10));

    assert_eq!(due, [disk()]);
    assert_eq!(written(&writes), Some(json!({"reservedFor": []})));
    let patch = requests(&releases, Verb::MergePatch, CLAIMS)[0].body.clone().unwrap();
    let expected = json!({"resourceVersion": "7", "finalizers": ["other"]});
    assert_eq!(patch["metadata"], expected);
}

#[test]
fn a_pod_that_runs_keeps_its_reservation_and_the_allocation() {
    let mut world = releasing();
    world.put(CLAIMS, held(&["web", "gone"]));
    world.put(PODS, pod(json!({"nodeName": "n1"}), json!({"phase": "Running"})));

    let asks = world.reconcile(&disk(), at(10));
    world.refuse(&disk(), &asks.requests[0], Reason::NotFound);
    let writes = world.reconcile(&disk(), at(10));

    assert_eq!(names(&asks, Verb::Get, PODS), ["gone"]);
    let status = written(&writes).unwrap();
    assert_eq!(status["reservedFor"].as_array().map(Vec::len), Some(1));
    assert_eq!(status["allocation"], json!({}));
}

#[test]
fn a_pod_that_only_the_api_server_knows_of_keeps_its_reservation() {
    let mut world = releasing();
    world.put(CLAIMS, held(&["web"]));
    let asks = world.reconcile(&disk(), at(10));
    world.grant(&disk(), &asks.requests[0], json!({"metadata": {"name": "web", "uid": "uid-web"}}));

    assert_eq!(world.reconcile(&disk(), at(10)), Plan::default());
}

#[test]
fn a_pod_of_which_the_cache_shows_the_one_before_keeps_its_reservation() {
    let mut world = releasing();
    world.put(CLAIMS, held(&["web"]));
    let mut before = pod(json!({"nodeName": "n1"}), json!({"phase": "Running"}));
    before["metadata"]["uid"] = json!("before");
    world.put(PODS, before);

    let asks = world.reconcile(&disk(), at(10));
    world.grant(&disk(), &asks.requests[0], json!({"metadata": {"name": "web", "uid": "uid-web"}}));

    assert_eq!(names(&asks, Verb::Get, PODS), ["web"]);
    assert_eq!(world.reconcile(&disk(), at(10)), Plan::default());
}

#[test]
fn a_pod_that_was_seen_to_go_is_not_asked_about() {
    let mut world = releasing();
    world.put(CLAIMS, held(&["web"]));
    world.put(PODS, pod(json!({"nodeName": "n1"}), json!({"phase": "Running"})));

    let due = world.remove(PODS, &key());
    let plan = world.reconcile(&due[0], at(10));

    assert_eq!(due, [disk()]);
    assert!(written(&plan).is_some());
}

#[test]
fn who_is_no_pod_keeps_a_claim() {
    let mut world = releasing();
    let mut claim = held(&[]);
    let consumer = json!({"apiGroup": "example.com", "resource": "pods", "name": "x", "uid": "x"});
    claim["status"]["reservedFor"] = json!([consumer]);
    world.put(CLAIMS, claim);

    assert_eq!(world.reconcile(&disk(), at(10)), Plan::default());
}

#[test]
fn a_claim_that_goes_and_that_nobody_uses_is_let_go() {
    let released = |is_allocated: bool| {
        let mut world = releasing();
        let mut claim = held(&[]);
        claim["metadata"]["deletionTimestamp"] = json!(time_text(5));
        if !is_allocated {
            claim["status"] = json!({});
        }
        world.put(CLAIMS, claim);
        world.reconcile(&disk(), at(10))
    };

    assert_eq!(written(&released(true)), Some(json!({"reservedFor": []})));
    assert_eq!(names(&released(false), Verb::MergePatch, CLAIMS), ["disk"]);
}

#[test]
fn a_claim_that_was_made_for_a_pod_goes_when_the_pod_is_done() {
    let deleted = |phase: &str| {
        let mut world = releasing();
        world.put(PODS, pod(json!({"nodeName": "n1"}), json!({"phase": phase})));
        world.put(CLAIMS, made("c", json!({})));
        names(&world.reconcile(&Key::new("n", "c"), at(10)), Verb::Delete, CLAIMS)
    };

    assert_eq!(deleted("Failed"), ["c"]);
    assert_eq!(deleted("Running"), Vec::<String>::new());
}

#[test]
fn a_claim_of_a_pod_that_was_never_bound_goes_with_it() {
    let mut world = releasing();
    world.put(CLAIMS, made("c", json!({})));
    let mut going = pod(json!({}), told("c"));
    going["metadata"]["deletionTimestamp"] = json!(time_text(5));

    let due = world.put(PODS, going);
    let plan = world.reconcile(&Key::new("n", "c"), at(10));

    assert_eq!(due, [Key::new("n", "c"), disk()]);
    assert_eq!(names(&plan, Verb::Delete, CLAIMS), ["c"]);
}
