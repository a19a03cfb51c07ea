//! The garbage collector, driven by hand.

use api::{Key, Reason, Verb, resources};
use serde_json::{Value, json};

use super::GarbageCollector;
use crate::Plan;
use crate::testing::{World, at, events, names, owned_by, requests, time_text};

const PODS: &api::ApiResource = &resources::PODS;
const REPLICA_SETS: &api::ApiResource = &resources::REPLICA_SETS;

#[test]
fn a_dependent_goes_after_the_api_server_says_that_its_owner_is_gone() {
    let mut world = World::new(GarbageCollector::default());
    let due = world.put(PODS, pod());

    let question = world.reconcile(&key("web-a"), at(10));
    world.refuse(&key("web-a"), &question.requests[0], Reason::NotFound);
    let plan = world.reconcile(&key("web-a"), at(10));

    assert_eq!(due, [key("web-a")]);
    assert_eq!(names(&question, Verb::Get, REPLICA_SETS), ["web"]);
    assert_eq!(question.requests.len(), 1);
    let deletion = requests(&plan, Verb::Delete, PODS)[0].body.clone().unwrap();
    assert_eq!(deletion["propagationPolicy"], "Background");
    assert_eq!(deletion["preconditions"], json!({"uid": "uid-web-a", "resourceVersion": "1"}));
}

#[test]
fn a_live_owner_that_the_cache_lacks_keeps_its_dependents() {
    let mut world = World::new(GarbageCollector::default());
    world.put(PODS, pod());

    let question = world.reconcile(&key("web-a"), at(10));
    let answer = json!({"metadata": {"uid": "uid-web"}});
    world.grant(&key("web-a"), &question.requests[0], answer);
    let plan = world.reconcile(&key("web-a"), at(10));

    assert!(requests(&plan, Verb::Delete, PODS).is_empty());
    assert_eq!(plan.look_again, Some(at(15)));
}

#[test]
fn another_object_of_the_owners_name_does_not_keep_dependents() {
    let mut world = World::new(GarbageCollector::default());
    world.put(PODS, pod());

    let question = world.reconcile(&key("web-a"), at(10));
    let answer = json!({"metadata": {"uid": "uid-of-another"}});
    world.grant(&key("web-a"), &question.requests[0], answer);
    let plan = world.reconcile(&key("web-a"), at(10));

    assert_eq!(names(&plan, Verb::Delete, PODS), ["web-a"]);
}

#[test]
fn a_reference_at_wrong_coordinates_costs_only_the_dependent_that_has_it() {
    let mut world = World::new(GarbageCollector::default());
    let mut wrong = pod();
    wrong["metadata"]["name"] = json!("wrong");
    wrong["metadata"]["ownerReferences"][0]["kind"] = json!("Deployment");
    world.put(PODS, pod());
    world.put(PODS, wrong);

    let question = world.reconcile(&key("wrong"), at(10));
    world.refuse(&key("wrong"), &question.requests[0], Reason::NotFound);
    let of_right = world.reconcile(&key("web-a"), at(10));
    let of_wrong = world.reconcile(&key("wrong"), at(10));

    assert_eq!(names(&of_right, Verb::Get, REPLICA_SETS), ["web"]);
    assert!(requests(&of_right, Verb::Delete, PODS).is_empty());
    assert_eq!(names(&of_wrong, Verb::Delete, PODS), ["wrong"]);
}

#[test]
fn an_owner_of_a_kind_that_nobody_knows_keeps_its_dependents() {
    let mut world = World::new(GarbageCollector::default());
    let mut stranger = pod();
    stranger["metadata"]["ownerReferences"][0]["apiVersion"] = json!("kanon.invalid/v1");
    world.put(PODS, stranger);
    world.put(REPLICA_SETS, deleted_owner("foregroundDeletion"));

    let plan = world.reconcile(&key("web-a"), at(10));

    assert!(plan.requests.is_empty());
}

#[test]
fn an_owner_that_is_gone_is_forgotten_beside_one_that_lives() {
    let mut world = World::new(GarbageCollector::default());
    let mut shared = pod();
    let both = [&owned_by("apps/v1", "ReplicaSet", "web")[0], &owned_by("v1", "Pod", "other")[0]];
    shared["metadata"]["ownerReferences"] = json!(both);
    world.put(PODS, shared);
    world.put(PODS, json!({"metadata": {"name": "other", "namespace": "default"}}));

    let question = world.reconcile(&key("web-a"), at(10));
    world.refuse(&key("web-a"), &question.requests[0], Reason::NotFound);
    let plan = world.reconcile(&key("web-a"), at(10));

    assert_eq!(names(&question, Verb::Get, REPLICA_SETS), ["web"]);
    let patch = requests(&plan, Verb::StrategicMergePatch, PODS)[0].body.clone().unwrap();
    let references = json!([{"$patch": "delete", "uid": "uid-web"}]);
    assert_eq!(patch["metadata"]["ownerReferences"], references);
}

#[test]
fn an_owner_in_another_namespace_is_told_of_once() {
    let mut world = World::new(GarbageCollector::default());
    let mut owner = json!({"metadata": {"name": "web", "namespace": "elsewhere"}});
    owner["spec"] = json!({"selector": {}});
    world.put(REPLICA_SETS, owner);
    world.put(PODS, pod());

    let first = world.reconcile(&key("web-a"), at(10));
    let second = world.reconcile(&key("web-a"), at(10));

    let told = "OwnerRefInvalidNamespace: ownerRef [apps/v1/ReplicaSet, namespace: default, \
                name: web, uid: uid-web] does not exist in namespace \"default\"";
    assert_eq!(events(&first), [told]);
    assert!(events(&second).is_empty());
    assert_eq!(names(&second, Verb::Get, REPLICA_SETS), ["web"]);
}

#[test]
fn an_owner_of_an_older_version_is_looked_for_and_one_of_an_unknown_kind_keeps_the_rest() {
    let mut world = World::new(GarbageCollector::default());
    let gone = json!({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "name": "gone", "uid": "a"});
    let foreign = json!({"apiVersion": "example.com/v1", "kind": "Foo", "name": "foo", "uid": "b"});
    let map = |name: &str, owners: Value| json!({"metadata": {"name": name, "namespace": "default", "ownerReferences": owners}});
    world.put(&resources::CONFIG_MAPS, map("old", json!([gone])));
    world.put(&resources::CONFIG_MAPS, map("both", json!([gone, foreign])));

    let question = world.reconcile(&key("old"), at(10));
    world.refuse(&key("old"), &question.requests[0], Reason::NotFound);

    let autoscalers = &resources::HORIZONTAL_POD_AUTOSCALERS;
    assert_eq!(names(&question, Verb::Get, autoscalers), ["gone"]);
    let plan = world.reconcile(&key("old"), at(10));
    assert_eq!(names(&plan, Verb::Delete, &resources::CONFIG_MAPS), ["old"]);
    assert_eq!(world.reconcile(&key("both"), at(10)), Plan::default());
}

#[test]
fn a_dependent_in_no_namespace_is_told_that_its_owner_is_in_one() {
    let mut world = World::new(GarbageCollector::default());
    let owner = json!({"metadata": {"name": "settings", "namespace": "default"}});
    world.put(&resources::CONFIG_MAPS, owner);
    let owner =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "settings", "uid": "uid-settings"});
    world.put(
        &resources::NAMESPACES,
        json!({"metadata": {"name": "web", "ownerReferences": [owner]}}),
    );

    let first = world.reconcile(&key("web"), at(10));
    let second = world.reconcile(&key("web"), at(10));

    let told = "OwnerRefInvalidNamespace: ownerRef [v1/ConfigMap, namespace: , name: settings, \
                uid: uid-settings] does not exist in namespace \"\"";
    assert_eq!(events(&first), [told]);
    assert_eq!(second, Plan::default());
}

#[test]
fn foreground_deletion_ends_with_the_owner() {
    let mut world = World::new(GarbageCollector::default());
    world.put(PODS, pod());
    let due = world.put(REPLICA_SETS, deleted_owner("foregroundDeletion"));
    assert_eq!(due, [key("web"), key("web-a")]);

    let blocked = world.reconcile(&key("web"), at(10));
    let dependent = world.reconcile(&key("web-a"), at(10));
    let due = world.remove(PODS, &Key::new("default", "web-a"));
    let free = world.reconcile(&key("web"), at(11));

    assert!(blocked.requests.is_empty());
    assert_eq!(names(&dependent, Verb::Delete, PODS), ["web-a"]);
    assert_eq!(due, [key("web")]);
    let patch = requests(&free, Verb::MergePatch, REPLICA_SETS)[0].body.clone().unwrap();
    assert_eq!(patch["metadata"]["finalizers"], json!([]));
}

#[test]
fn orphans_lose_their_owner_before_it_goes() {
    let mut world = World::new(GarbageCollector::default());
    world.put(PODS, pod());
    world.put(REPLICA_SETS, deleted_owner("orphan"));

    let strip = world.reconcile(&key("web"), at(10));
    let mut orphan = pod();
    orphan["metadata"]["ownerReferences"] = Value::Null;
    let due = world.put(PODS, orphan);
    let free = world.reconcile(&key("web"), at(11));

    let patch = requests(&strip, Verb::StrategicMergePatch, PODS)[0].body.clone().unwrap();
    let references = json!([{"$patch": "delete", "uid": "uid-web"}]);
    assert_eq!(patch["metadata"]["ownerReferences"], references);
    assert_eq!(due, [key("web")]);
    assert_eq!(names(&free, Verb::MergePatch, REPLICA_SETS), ["web"]);
}

#[test]
fn a_circle_of_owners_is_opened_where_it_meets_itself() {
    let mut world = World::new(GarbageCollector::default());
    let pod = |name: &str, owner: &str, more: Value| {
        let mut owners = owned_by("v1", "Pod", owner);
        owners[0]["blockOwnerDeletion"] = json!(true);
        let mut pod =
            json!({"metadata": {"name": name, "namespace": "default", "ownerReferences": owners}});
        for (field, value) in more.as_object().into_iter().flatten() {
            pod["metadata"][field] = value.clone();
        }
        pod
    };
    let deleted = json!({"deletionTimestamp": time_text(5), "finalizers": ["foregroundDeletion"]});
    world.put(PODS, pod("one", "two", deleted));
    world.put(PODS, pod("two", "one", json!({})));

    let opened = world.reconcile(&key("two"), at(10));
    let mut open = pod("two", "one", json!({}));
    open["metadata"]["ownerReferences"][0]["blockOwnerDeletion"] = json!(false);
    let due = world.put(PODS, open);
    let gone = world.reconcile(&key("two"), at(11));
    let free = world.reconcile(&key("one"), at(11));

    let patch = requests(&opened, Verb::StrategicMergePatch, PODS)[0].body.clone().unwrap();
    let references = json!([{"uid": "uid-one", "blockOwnerDeletion": false}]);
    assert_eq!(patch["metadata"]["ownerReferences"], references);
    assert_eq!(due, [key("one"), key("two")]);
    assert_eq!(names(&gone, Verb::Delete, PODS), ["two"]);
    assert_eq!(names(&free, Verb::MergePatch, PODS), ["one"]);
}

fn key(name: &str) -> Key {
    Key::cluster(&format!("uid-{name}"))
}

fn pod() -> Value {
    json!({"metadata": {
        "name": "web-a", "namespace": "default",
        "ownerReferences": owned_by("apps/v1", "ReplicaSet", "web"),
    }})
}

fn deleted_owner(finalizer: &str) -> Value {
    json!({
        "metadata": {
            "name": "web", "namespace": "default",
            "deletionTimestamp": time_text(5), "finalizers": [finalizer],
        },
        "spec": {"selector": {}},
    })
}
