//! The Deployment controller, driven by hand.

use api::{Key, Reason, Verb, resources};
use serde_json::{Value, json};

use super::DeploymentController;
use crate::Plan;
use crate::testing::{World, at, names, owned_by, requests};

const DEPLOYMENTS: &api::ApiResource = &resources::DEPLOYMENTS;
const REPLICA_SETS: &api::ApiResource = &resources::REPLICA_SETS;

#[test]
fn a_new_deployment_gets_a_replica_set_named_by_its_template() {
    let mut world = world(deployment(3, "one"));

    let plan = world.reconcile(&key(), at(10));

    let replica_set = requests(&plan, Verb::Create, REPLICA_SETS)[0].body.clone().unwrap();
    let hash = replica_set["metadata"]["labels"]["pod-template-hash"].as_str().unwrap();
    assert_eq!(replica_set["metadata"]["name"], format!("web-{hash}"));
    assert_eq!(replica_set["spec"]["selector"]["matchLabels"]["pod-template-hash"], hash);
    assert_eq!(replica_set["spec"]["replicas"], 3);
    assert_eq!(revision(&replica_set), "1");
}

#[test]
fn a_granted_replica_set_is_told_and_its_revision_copied() {
    let mut world = world(deployment(3, "one"));
    let plan = world.reconcile(&key(), at(10));
    let creation = requests(&plan, Verb::Create, REPLICA_SETS)[0].clone();
    world.grant(&key(), &creation, Value::Null);
    let created = creation.body.unwrap();
    let name = created["metadata"]["name"].as_str().unwrap().to_owned();
    world.put(REPLICA_SETS, created);

    let plan = world.reconcile(&key(), at(11));

    let event = requests(&plan, Verb::Create, &resources::EVENTS)[0].body.clone().unwrap();
    assert_eq!(event["message"], format!("Scaled up replica set {name} from 0 to 3"));
    let told = requests(&plan, Verb::Update, DEPLOYMENTS);
    assert_eq!((told.len(), told[0].subresource), (1, "status"));
    assert_eq!(revision(told[0].body.as_ref().unwrap()), "1");
    assert_eq!(condition(&plan, "Progressing")["reason"], "NewReplicaSetCreated");
    assert_eq!(condition(&plan, "Available")["reason"], "MinimumReplicasUnavailable");
}

#[test]
fn a_rolling_update_grows_by_no_more_than_the_surge() {
    let mut world = world(deployment(4, "two"));
    world.put(REPLICA_SETS, replica_set("old", "one", (4, 4), 1));

    let plan = world.reconcile(&key(), at(10));

    let new = requests(&plan, Verb::Create, REPLICA_SETS)[0].body.clone().unwrap();
    assert_eq!(new["spec"]["replicas"], 1);
    assert_eq!(revision(&new), "2");
    assert_eq!(sizes(&plan), [("old".to_owned(), 3)]);
}

#[test]
fn a_rolling_update_keeps_as_many_available_as_it_must() {
    let mut world = world(deployment(4, "two"));
    world.put(REPLICA_SETS, replica_set("old", "one", (4, 4), 1));
    world.put(REPLICA_SETS, replica_set("new", "two", (1, 0), 2));

    let plan = world.reconcile(&key(), at(10));

    assert_eq!(sizes(&plan), [("old".to_owned(), 3)]);
}

#[test]
fn a_rollback_grows_the_replica_set_that_has_the_old_template() {
    let mut world = world(deployment(4, "one"));
    world.put(REPLICA_SETS, replica_set("first", "one", (0, 0), 1));
    world.put(REPLICA_SETS, replica_set("second", "two", (4, 4), 2));

    let plan = world.reconcile(&key(), at(10));

    assert!(names(&plan, Verb::Create, REPLICA_SETS).is_empty());
    assert_eq!(sizes(&plan), [("first".to_owned(), 1)]);
    let first = requests(&plan, Verb::Update, REPLICA_SETS)[0].body.clone().unwrap();
    assert_eq!(revision(&first), "3");
    let history = &first["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"];
    assert_eq!(*history, "1");
}

#[test]
fn scaling_while_rolling_out_shares_by_size() {
    let mut world = world(deployment(8, "two"));
    world.put(REPLICA_SETS, replica_set("old", "one", (3, 3), 1));
    world.put(REPLICA_SETS, replica_set("new", "two", (2, 2), 2));

    let plan = world.reconcile(&key(), at(10));

    assert_eq!(sizes(&plan), [("new".to_owned(), 4), ("old".to_owned(), 6)]);
}

#[test]
fn a_name_that_is_taken_leads_to_another_hash() {
    let mut world = world(deployment(1, "one"));
    let plan = world.reconcile(&key(), at(10));
    let creation = requests(&plan, Verb::Create, REPLICA_SETS)[0].clone();
    let mut stranger = creation.body.clone().unwrap();
    stranger["metadata"]["ownerReferences"] = owned_by("apps/v1", "Deployment", "other");
    world.put(REPLICA_SETS, stranger);
    world.refuse(&key(), &creation, Reason::AlreadyExists);

    let plan = world.reconcile(&key(), at(11));

    let status = requests(&plan, Verb::Update, DEPLOYMENTS)[0].body.clone().unwrap();
    assert_eq!(status["status"]["collisionCount"], 1);
    assert!(names(&plan, Verb::Create, REPLICA_SETS).is_empty());
}

#[test]
fn a_rollout_that_stands_still_past_its_deadline_is_reported() {
    let mut world = world(deployment(4, "two"));
    world.put(REPLICA_SETS, replica_set("new", "two", (4, 3), 1));
    let plan = world.reconcile(&key(), at(10));
    let body = requests(&plan, Verb::Update, DEPLOYMENTS)[0].body.clone().unwrap();
    world.put(DEPLOYMENTS, body);

    let waiting = world.reconcile(&key(), at(20));
    let late = world.reconcile(&key(), at(700));

    assert_eq!(waiting.look_again, Some(at(611)));
    assert_eq!(condition(&late, "Progressing")["reason"], "ProgressDeadlineExceeded");
}

fn key() -> Key {
    Key::new("default", "web")
}

fn world(deployment: Value) -> World<DeploymentController> {
    let mut world = World::new(DeploymentController::default());
    world.put(DEPLOYMENTS, deployment);
    world
}

fn deployment(replicas: i32, image: &str) -> Value {
    json!({
        "metadata": {"name": "web", "namespace": "default", "generation": 1},
        "spec": {
            "replicas": replicas,
            "progressDeadlineSeconds": 600,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
            },
            "template": template(image),
        },
    })
}

fn template(image: &str) -> Value {
    json!({
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "web", "image": image}]},
    })
}

/// A ReplicaSet with so many replicas, of which so many are available, scaled for four replicas.
fn replica_set(name: &str, image: &str, (size, available): (i32, i32), revision: i32) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "default", "labels": {"app": "web"},
            "ownerReferences": owned_by("apps/v1", "Deployment", "web"),
            "annotations": {
                "deployment.kubernetes.io/revision": revision.to_string(),
                "deployment.kubernetes.io/desired-replicas": "4",
                "deployment.kubernetes.io/max-replicas": "5",
            },
        },
        "spec": {
            "replicas": size,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(image),
        },
        "status": {"replicas": size, "availableReplicas": available, "readyReplicas": available},
    })
}

fn revision(object: &Value) -> &str {
    object["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str().unwrap()
}

/// The ReplicaSets that a plan updates, with their new sizes.
fn sizes(plan: &Plan) -> Vec<(String, i64)> {
    let updates = requests(plan, Verb::Update, REPLICA_SETS);
    let size =
        |request: &&api::Request| request.body.as_ref().unwrap()["spec"]["replicas"].as_i64();
    updates.iter().map(|request| (request.key.name.clone(), size(request).unwrap())).collect()
}

fn condition(plan: &Plan, type_: &str) -> Value {
    let update = requests(plan, Verb::Update, DEPLOYMENTS)[0].body.clone().unwrap();
    let conditions = update["status"]["conditions"].as_array().cloned().unwrap();
    conditions.into_iter().find(|condition| condition["type"] == type_).unwrap()
}
