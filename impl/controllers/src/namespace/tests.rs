//! Objects in, deletions and conditions out.

use serde_json::Value;

use super::*;
use crate::testing::{World, at, names, requests};

#[test]
fn objects_of_a_deleted_namespace_are_deleted() {
    let mut world = world(true);
    world.put(&resources::PODS, json!({"metadata": {"name": "web", "namespace": "old"}}));
    world.put(&resources::PODS, json!({"metadata": {"name": "web", "namespace": "new"}}));

    let plan = world.reconcile(&key(), at(10));

    assert_eq!(plan.requests.len(), 1);
    assert_eq!(plan.requests[0].key, Key::new("old", "web"));
    assert_eq!(names(&plan, Verb::Delete, &resources::PODS), ["web"]);
}

#[test]
fn pods_go_before_anything_else() {
    let mut world = world(true);
    let in_old = |name: &str| json!({"metadata": {"name": name, "namespace": "old"}});
    let mut pod = in_old("web");
    world.put(&resources::PODS, pod.clone());
    world.put(&resources::CONFIG_MAPS, in_old("map"));

    let first = world.reconcile(&key(), at(10));
    pod["metadata"]["deletionTimestamp"] = Value::from("1970-01-01T00:00:10Z");
    world.put(&resources::PODS, pod);
    let second = world.reconcile(&key(), at(11));
    world.remove(&resources::PODS, &Key::new("old", "web"));
    let third = world.reconcile(&key(), at(12));

    assert_eq!(names(&first, Verb::Delete, &resources::PODS), ["web"]);
    assert_eq!(first.requests.len(), 1);
    assert_eq!(names(&second, Verb::Delete, &resources::CONFIG_MAPS), [""; 0]);
    assert_eq!(names(&third, Verb::Delete, &resources::CONFIG_MAPS), ["map"]);
}

#[test]
fn what_stays_is_told_once_with_its_finalizers() {
    let mut world = world(true);
    let metadata = json!({"name": "map", "namespace": "old", "finalizers": ["a.b/c"],
        "deletionTimestamp": "1970-01-01T00:00:06Z"});
    world.put(&resources::CONFIG_MAPS, json!({"metadata": metadata}));

    let plan = world.reconcile(&key(), at(10));

    let body = plan.requests[0].body.clone().unwrap();
    let conditions = body["status"]["conditions"].as_array().unwrap();
    let told: Vec<_> = conditions
        .iter()
        .map(|condition| {
            (condition["type"].as_str().unwrap(), condition["status"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("NamespaceDeletionDiscoveryFailure", "False"),
            ("NamespaceDeletionGroupVersionParsingFailure", "False"),
            ("NamespaceDeletionContentFailure", "False"),
            ("NamespaceContentRemaining", "True"),
            ("NamespaceFinalizersRemaining", "True"),
        ]
    );
    assert_eq!(
        conditions[3]["message"],
        "Some resources are remaining: configmaps. has 1 resource instances"
    );
    assert_eq!(
        conditions[4]["message"],
        "Some content in the namespace has finalizers remaining: a.b/c in 1 resource instances"
    );
    world.put(&resources::NAMESPACES, body);
    assert_eq!(world.reconcile(&key(), at(11)).requests, []);
}

#[test]
fn what_cannot_be_deleted_is_told_once_for_each_kind_until_it_can() {
    let mut world = world(true);
    let in_old = |name: &str| json!({"metadata": {"name": name, "namespace": "old"}});
    world.put(&resources::CONFIG_MAPS, in_old("first"));
    world.put(&resources::CONFIG_MAPS, in_old("second"));
    world.put(&resources::SECRETS, in_old("gone"));

    let attempt = world.reconcile(&key(), at(10));
    for request in &attempt.requests {
        match request.resource == &resources::SECRETS {
            true => world.refuse(&key(), request, Reason::NotFound),
            false => world.refuse(&key(), request, Reason::Forbidden),
        }
    }
    world.remove(&resources::SECRETS, &Key::new("old", "gone"));
    let again = world.reconcile(&key(), at(11));
    for request in &again.requests {
        world.grant(&key(), request, json!({}));
    }
    let namespace = again.requests.last().unwrap().body.clone().unwrap();
    world.put(&resources::NAMESPACES, namespace.clone());
    for name in ["first", "second"] {
        let metadata = json!({"name": name, "namespace": "old", "finalizers": ["a.b/c"],
            "deletionTimestamp": "1970-01-01T00:00:11Z"});
        world.put(&resources::CONFIG_MAPS, json!({"metadata": metadata}));
    }
    let mended = world.reconcile(&key(), at(12)).requests[0].body.clone().unwrap();

    assert_eq!(names(&again, Verb::Delete, &resources::CONFIG_MAPS), ["first", "second"]);
    assert_eq!(
        told(&namespace),
        ("True", "Failed to delete all resource types, 1 remaining: refused")
    );
    assert_eq!(
        told(&mended),
        ("False", "All content successfully deleted, may be waiting on finalization")
    );
}

#[test]
fn pods_that_stay_longer_than_they_may_are_unexpected() {
    let mut world = world(true);
    let metadata = json!({"name": "web", "namespace": "old",
        "deletionTimestamp": "1970-01-01T00:00:35Z"});
    let spec = json!({"terminationGracePeriodSeconds": 30, "containers": []});
    world.put(&resources::PODS, json!({"metadata": metadata, "spec": spec}));

    let early = world.reconcile(&key(), at(34));
    let late = world.reconcile(&key(), at(35));

    let [early_told, late_told] =
        [&early, &late].map(|plan| plan.requests[0].body.clone().unwrap());
    assert_eq!((early.look_again, late.look_again), (Some(at(35)), None));
    assert_eq!(told(&early_told).0, "False");
    assert_eq!(
        told(&late_told),
        (
            "True",
            "Failed to delete all resource types, 1 remaining: unexpected items still remain in \
             namespace: old for gvr: /v1, Resource=pods"
        )
    );
}

#[test]
fn a_list_that_fails_is_told_of() {
    let mut world = world(true);

    let question = world.reconcile(&key(), at(10));
    for request in &question.requests {
        match request.resource == &resources::SECRETS {
            true => world.refuse(&key(), request, Reason::InternalError),
            false => world.grant(&key(), request, json!({"items": []})),
        }
    }
    let again = world.reconcile(&key(), at(10));

    let namespace = again.requests.last().unwrap().body.clone().unwrap();
    assert_eq!(requests(&again, Verb::List, &resources::SECRETS).len(), 1);
    assert_eq!(told(&namespace).0, "True");
}

#[test]
fn a_namespace_is_finalized_when_the_api_server_says_that_it_is_empty() {
    let mut world = world(true);

    let question = world.reconcile(&key(), at(10));
    for request in &question.requests {
        world.grant(&key(), request, json!({"items": []}));
    }
    let plan = world.reconcile(&key(), at(10));

    assert_eq!(plan.requests.len(), 1);
    assert_eq!(plan.requests[0].path(), "/api/v1/namespaces/old/finalize");
    let body: Value = plan.requests[0].body.clone().unwrap();
    assert_eq!(body["spec"]["finalizers"], json!([]));
}

#[test]
fn a_kind_that_the_api_server_does_not_serve_holds_nothing_up() {
    let mut world = world(true);

    let question = world.reconcile(&key(), at(10));
    for request in &question.requests {
        match request.resource == &resources::RESOURCE_CLAIMS {
            true => world.refuse(&key(), request, Reason::NotFound),
            false => world.grant(&key(), request, json!({"items": []})),
        }
    }
    let plan = world.reconcile(&key(), at(10));

    assert_eq!(plan.requests[0].path(), "/api/v1/namespaces/old/finalize");
}

#[test]
fn a_namespace_with_an_object_that_the_cache_lacks_is_not_finalized() {
    let mut world = world(true);

    let question = world.reconcile(&key(), at(10));
    for request in &question.requests {
        let is_pods = request.resource == &resources::PODS;
        let items = if is_pods { json!([{}]) } else { json!([]) };
        world.grant(&key(), request, json!({"items": items}));
    }
    let plan = world.reconcile(&key(), at(10));

    assert!(requests(&plan, Verb::Update, &resources::NAMESPACES).is_empty());
    assert_eq!(plan.look_again, Some(at(15)));
}

#[test]
fn a_living_namespace_is_left_alone() {
    let mut world = world(false);
    world.put(&resources::PODS, json!({"metadata": {"name": "web", "namespace": "old"}}));

    assert_eq!(world.reconcile(&key(), at(10)), Plan::default());
}

/// What a namespace says of failures: whether there were any, and which.
fn told(namespace: &Value) -> (&str, &str) {
    let conditions = namespace["status"]["conditions"].as_array().unwrap();
    let is_meant = |one: &&Value| one["type"] == "NamespaceDeletionContentFailure";
    let condition = conditions.iter().find(is_meant).unwrap();
    (condition["status"].as_str().unwrap(), condition["message"].as_str().unwrap())
}

fn key() -> Key {
    Key::cluster("old")
}

fn world(deleted: bool) -> World<NamespaceController> {
    let mut world = World::new(NamespaceController::default());
    let mut namespace =
        json!({"metadata": {"name": "old"}, "spec": {"finalizers": ["kubernetes"]}});
    if deleted {
        namespace["metadata"]["deletionTimestamp"] = Value::from("1970-01-01T00:00:05Z");
    }
    world.put(&resources::NAMESPACES, namespace);
    world
}
