//! The StatefulSet controller, driven by hand.

use api::{Key, Reason, Request, Verb, resources};
use serde_json::{Value, json};

use super::StatefulSetController;
use crate::Plan;
use crate::testing::{World, at, events, names, owned_by, requests, time_text};

mod claims;
mod order;
mod revisions;
mod rollout;

const SETS: &api::ApiResource = &resources::STATEFUL_SETS;
const PODS: &api::ApiResource = &resources::PODS;
const CLAIMS: &api::ApiResource = &resources::PERSISTENT_VOLUME_CLAIMS;
const REVISIONS: &api::ApiResource = &resources::CONTROLLER_REVISIONS;

fn key() -> Key {
    Key::new("default", "web")
}

fn now() -> api::Timestamp {
    at(100)
}

/// A StatefulSet of an image, some of whose fields are others.
fn set(replicas: i32, image: &str, changes: &Value) -> Value {
    let mut set = json!({
        "metadata": {"name": "web", "namespace": "default", "generation": 1},
        "spec": {
            "replicas": replicas, "serviceName": "headless", "revisionHistoryLimit": 10,
            "podManagementPolicy": "OrderedReady",
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": image}]}},
        },
    });
    merge(&mut set, changes);
    set
}

fn merge(object: &mut Value, changes: &Value) {
    let resource = &resources::CONFIG_MAPS;
    *object = api::patch::apply(api::patch::PatchKind::Merge, resource, object, changes).unwrap();
}

/// A world with a StatefulSet, and the revision that it has then.
fn world(set: &Value) -> (World<StatefulSetController>, String) {
    let mut world = World::new(StatefulSetController::default());
    let revision = revise(&mut world, set);
    (world, revision)
}

/// Puts the StatefulSet and the revision that it asks for. The name of the revision.
fn revise(world: &mut World<StatefulSetController>, set: &Value) -> String {
    world.put(SETS, set.clone());
    let plan = world.reconcile(&key(), now());
    let revision = requests(&plan, Verb::Create, REVISIONS)[0].body.clone().unwrap();
    world.put(REVISIONS, revision.clone());
    revision["metadata"]["name"].as_str().unwrap().to_owned()
}

/// A pod of the StatefulSet that has been ready since second 50.
fn pod(ordinal: i64, revision: &str, changes: &Value) -> Value {
    let name = format!("web-{ordinal}");
    let mut pod = json!({
        "metadata": {
            "name": name, "namespace": "default",
            "ownerReferences": owned_by("apps/v1", "StatefulSet", "web"),
            "labels": {
                "app": "web", "controller-revision-hash": revision,
                "statefulset.kubernetes.io/pod-name": name,
                "apps.kubernetes.io/pod-index": ordinal.to_string(),
            },
        },
        "spec": {"containers": [{"name": "c", "image": "one"}]},
        "status": {"phase": "Running", "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": time_text(50)},
        ]},
    });
    merge(&mut pod, changes);
    pod
}

fn unready() -> Value {
    json!({"status": {"conditions": []}})
}

fn terminating() -> Value {
    json!({"metadata": {"deletionTimestamp": time_text(90)}})
}

/// The bodies of the requests of this verb.
fn bodies(plan: &Plan, verb: Verb, resource: &'static api::ApiResource) -> Vec<Value> {
    let requests = requests(plan, verb, resource);
    requests.into_iter().filter_map(|request| request.body.clone()).collect()
}

/// The names of the objects that a plan makes.
fn created(plan: &Plan, resource: &'static api::ApiResource) -> Vec<String> {
    let name = |body: &Value| body["metadata"]["name"].as_str().unwrap().to_owned();
    bodies(plan, Verb::Create, resource).iter().map(name).collect()
}

fn deleted(plan: &Plan) -> Vec<String> {
    names(plan, Verb::Delete, PODS)
}

fn status(plan: &Plan) -> Value {
    bodies(plan, Verb::Update, SETS)[0]["status"].clone()
}

fn event(reason: &str, message: &str) -> String {
    format!("{reason}: {message}")
}

/// The only request of this verb.
fn only(plan: &Plan, verb: Verb, resource: &'static api::ApiResource) -> Request {
    let found = requests(plan, verb, resource);
    assert_eq!(found.len(), 1);
    found[0].clone()
}

#[test]
fn a_pod_that_was_created_is_told() {
    let (mut world, revision) = world(&set(1, "one", &json!({})));
    let plan = world.reconcile(&key(), now());
    let creation = only(&plan, Verb::Create, PODS);
    world.grant(&key(), &creation, Value::Null);
    world.put(PODS, pod(0, &revision, &json!({})));

    let plan = world.reconcile(&key(), now());

    let message = "Create Pod web-0 in StatefulSet web successful";
    assert_eq!(events(&plan), [event("SuccessfulCreate", message)]);
}

#[test]
fn a_pod_that_is_refused_is_told_and_asked_for_again() {
    let (mut world, _) = world(&set(1, "one", &json!({})));
    let plan = world.reconcile(&key(), now());
    world.refuse(&key(), &only(&plan, Verb::Create, PODS), Reason::Forbidden);

    let plan = world.reconcile(&key(), now());

    let message = "Create Pod web-0 in StatefulSet web failed error: refused";
    assert_eq!(events(&plan), [event("FailedCreate", message)]);
    assert_eq!(created(&plan, PODS), ["web-0"]);
}

#[test]
fn a_name_that_a_foreign_pod_has_is_not_told() {
    let (mut world, _) = world(&set(1, "one", &json!({})));
    world.put(
        PODS,
        pod(0, "other", &json!({"metadata": {"labels": null, "ownerReferences": null}})),
    );
    let plan = world.reconcile(&key(), now());
    world.refuse(&key(), &only(&plan, Verb::Create, PODS), Reason::AlreadyExists);

    let plan = world.reconcile(&key(), now());

    assert!(events(&plan).is_empty());
    assert_eq!(created(&plan, PODS), ["web-0"]);
}

#[test]
fn a_deletion_is_told_even_if_the_pod_was_gone() {
    let (mut world, revision) = world(&set(0, "one", &json!({})));
    world.put(PODS, pod(0, &revision, &json!({})));
    let plan = world.reconcile(&key(), now());
    world.refuse(&key(), &only(&plan, Verb::Delete, PODS), Reason::NotFound);
    world.remove(PODS, &Key::new("default", "web-0"));

    let plan = world.reconcile(&key(), now());

    let message = "Delete Pod web-0 in StatefulSet web successful";
    assert_eq!(events(&plan), [event("SuccessfulDelete", message)]);
}

#[test]
fn nothing_is_decided_on_a_cache_that_does_not_show_the_last_status() {
    let (mut world, _) = world(&set(1, "one", &json!({})));
    let plan = world.reconcile(&key(), now());
    let written = only(&plan, Verb::Update, SETS);
    world.grant(&key(), &written, json!({"metadata": {"resourceVersion": "2"}}));
    let creation = only(&plan, Verb::Create, PODS);
    world.refuse(&key(), &creation, Reason::Forbidden);

    let too_early = world.reconcile(&key(), now());
    let mut body = written.body.unwrap();
    body["metadata"]["resourceVersion"] = json!("2");
    world.put(SETS, body);
    let in_time = world.reconcile(&key(), now());

    assert_eq!(created(&too_early, PODS), Vec::<String>::new());
    assert_eq!(created(&in_time, PODS), ["web-0"]);
}

#[test]
fn an_orphan_is_adopted_if_it_has_the_name_of_a_pod_and_let_go_if_not() {
    let (mut world, revision) = world(&set(1, "one", &json!({})));
    world.put(PODS, pod(0, &revision, &json!({"metadata": {"ownerReferences": null}})));
    world.put(PODS, pod(1, &revision, &json!({"metadata": {"name": "db-1"}})));
    let asked = world.reconcile(&key(), now());
    let question = only(&asked, Verb::Get, SETS);
    world.grant(&key(), &question, json!({"metadata": {"uid": "uid-web"}}));

    let plan = world.reconcile(&key(), now());

    let patched = names(&plan, Verb::StrategicMergePatch, PODS);
    assert_eq!(patched, ["db-1", "web-0"]);
    assert_eq!(created(&plan, PODS), Vec::<String>::new());
}

#[test]
fn a_set_whose_selector_cannot_be_read_is_left_alone() {
    let mut world = World::new(StatefulSetController::default());
    let selector = json!({"matchExpressions": [{"key": "a", "operator": "Odd"}]});
    world.put(SETS, set(1, "one", &json!({"spec": {"selector": selector}})));

    let plan = world.reconcile(&key(), now());

    assert_eq!(plan.requests, []);
}

#[test]
fn a_set_that_is_being_deleted_only_says_what_it_has() {
    let (mut world, revision) = world(&set(2, "one", &json!({})));
    world.put(PODS, pod(0, &revision, &json!({})));
    world.put(SETS, set(2, "one", &terminating()));

    let plan = world.reconcile(&key(), now());

    assert_eq!(plan.requests.len(), 1);
    assert_eq!(status(&plan)["readyReplicas"], 1);
}
