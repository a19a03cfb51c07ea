//! How pods come to a new revision, and what the status says meanwhile.

use api::{FeatureGate, FeatureGates};

use super::*;

/// Three pods of the first revision, and a set that has a second one. The two revisions.
fn updated(changes: &Value) -> (World<StatefulSetController>, [String; 2]) {
    let mut set = set(3, "two", changes);
    let (mut world, first) = world(&super::set(3, "one", changes));
    set["status"] = json!({"replicas": 3, "currentReplicas": 3, "currentRevision": first});
    let second = revise(&mut world, &set);
    for ordinal in 0..3 {
        world.put(PODS, pod(ordinal, &first, &json!({})));
    }
    (world, [first, second])
}

fn images(plan: &Plan) -> Vec<String> {
    let image = |pod: &Value| pod["spec"]["containers"][0]["image"].as_str().unwrap().to_owned();
    bodies(plan, Verb::Create, PODS).iter().map(image).collect()
}

#[test]
fn the_last_pod_is_updated_first() {
    let (mut world, [first, second]) = updated(&json!({}));

    let plan = world.reconcile(&key(), now());

    assert_eq!(deleted(&plan), ["web-2"]);
    let status = status(&plan);
    assert_eq!(status["currentRevision"], *first);
    assert_eq!(status["updateRevision"], *second);
    assert_eq!(status["currentReplicas"], 2);
    assert_eq!(status["updatedReplicas"], Value::Null);
}

#[test]
fn the_next_pod_is_updated_when_those_after_it_are_available() {
    for (changes, gone) in [(json!({}), vec!["web-1"]), (unready(), vec![])] {
        let (mut world, [_, second]) = updated(&json!({}));
        world.put(PODS, pod(2, &second, &changes));

        let plan = world.reconcile(&key(), now());

        assert_eq!(deleted(&plan), gone, "{changes}");
    }
}

/// What goes of three pods at once where `maxUnavailable` counts.
fn gone_at_once(rolling_update: &Value, changes: &Value) -> Vec<String> {
    let spec = json!({"podManagementPolicy": "Parallel",
        "updateStrategy": {"rollingUpdate": rolling_update}});
    let (mut world, [first, _]) = updated(&json!({"spec": spec}));
    let gates = FeatureGates::with([FeatureGate::MaxUnavailableStatefulSet]);
    world.controller = StatefulSetController::new(&gates);
    world.put(PODS, pod(0, &first, changes));

    deleted(&world.reconcile(&key(), now()))
}

#[test]
fn with_the_gate_as_many_pods_are_updated_as_may_be_unavailable() {
    for (rolling_update, gone) in [
        (json!({"maxUnavailable": 2}), vec!["web-2", "web-1"]),
        (json!({"maxUnavailable": "70%"}), vec!["web-2", "web-1"]),
        (json!({"maxUnavailable": "10%"}), vec!["web-2"]),
        (json!({"maxUnavailable": 2, "partition": 2}), vec!["web-2"]),
        (json!({"partition": 0}), vec!["web-2"]),
    ] {
        assert_eq!(gone_at_once(&rolling_update, &json!({})), gone, "{rolling_update}");
    }
}

#[test]
fn with_the_gate_a_pod_that_is_unavailable_counts_wherever_it_is() {
    assert_eq!(gone_at_once(&json!({"maxUnavailable": 2}), &unready()), ["web-2"]);
    assert_eq!(gone_at_once(&json!({"maxUnavailable": 1}), &unready()), [""; 0]);
}

#[test]
fn without_the_gate_one_pod_is_updated_whatever_max_unavailable_says() {
    let strategy = json!({"spec": {"updateStrategy": {"rollingUpdate": {"maxUnavailable": 3}}}});
    let (mut world, _) = updated(&strategy);

    let plan = world.reconcile(&key(), now());

    assert_eq!(deleted(&plan), ["web-2"]);
}

#[test]
fn pods_before_the_partition_are_not_updated_and_come_back_as_they_were() {
    let (mut world, [_, second]) =
        updated(&json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 2}}}}));
    world.put(PODS, pod(2, &second, &json!({})));
    let done = world.reconcile(&key(), now());
    world.remove(PODS, &Key::new("default", "web-0"));

    let restored = world.reconcile(&key(), now());
    world.put(PODS, pod(0, "any", &json!({})));
    world.remove(PODS, &Key::new("default", "web-2"));
    let updated = world.reconcile(&key(), now());

    assert_eq!(deleted(&done), Vec::<String>::new());
    assert_eq!(images(&restored), ["one"]);
    assert_eq!(images(&updated), ["two"]);
}

#[test]
fn without_a_partition_as_many_come_back_as_they_were_as_the_status_says() {
    let strategy = json!({"spec": {"updateStrategy": {"rollingUpdate": null}}});
    let (mut world, _) = updated(&strategy);
    world.remove(PODS, &Key::new("default", "web-1"));

    let plan = world.reconcile(&key(), now());

    assert_eq!(images(&plan), ["one"]);
}

#[test]
fn on_delete_no_pod_is_updated_unless_somebody_deletes_it() {
    let strategy = json!({"type": "OnDelete", "rollingUpdate": null});
    let (mut world, _) = updated(&json!({"spec": {"updateStrategy": strategy}}));

    let stays = world.reconcile(&key(), now());
    world.remove(PODS, &Key::new("default", "web-1"));
    let updated = world.reconcile(&key(), now());

    assert_eq!(deleted(&stays), Vec::<String>::new());
    assert_eq!(images(&updated), ["two"]);
}

#[test]
fn an_update_is_over_when_all_pods_are_ready_and_updated() {
    let (mut world, [_, second]) = updated(&json!({}));
    for ordinal in 0..3 {
        world.put(PODS, pod(ordinal, &second, &json!({})));
    }

    let plan = world.reconcile(&key(), now());

    let status = status(&plan);
    assert_eq!(status["currentRevision"], *second);
    assert_eq!((&status["currentReplicas"], &status["updatedReplicas"]), (&json!(3), &json!(3)));
}

#[test]
fn a_status_that_is_right_is_not_written() {
    let (mut world, revision) = world(&set(1, "one", &json!({})));
    world.put(PODS, pod(0, &revision, &json!({})));
    let plan = world.reconcile(&key(), now());
    let mut written = only(&plan, Verb::Update, SETS).body.unwrap();
    assert_eq!(written["status"]["observedGeneration"], 1);
    written["status"]["conditions"] = json!([{"type": "Other", "status": "True"}]);
    world.put(SETS, written);

    let plan = world.reconcile(&key(), now());

    assert_eq!(plan.requests, []);
}

#[test]
fn a_pod_that_is_being_deleted_is_a_replica_of_no_revision() {
    let (mut world, revision) = world(&set(1, "one", &json!({})));
    world.put(PODS, pod(0, &revision, &terminating()));

    let plan = world.reconcile(&key(), now());

    let status = status(&plan);
    assert_eq!((&status["replicas"], &status["readyReplicas"]), (&json!(1), &json!(1)));
    assert_eq!(status["currentReplicas"], Value::Null);
}

#[test]
fn a_pod_without_its_labels_gets_them_back() {
    let (mut world, revision) = world(&set(1, "one", &json!({})));
    let label = "statefulset.kubernetes.io/pod-name";
    world.put(PODS, pod(0, &revision, &json!({"metadata": {"labels": {label: null}}})));
    let plan = world.reconcile(&key(), now());
    let repair = only(&plan, Verb::Update, PODS);
    world.grant(&key(), &repair, Value::Null);

    let told = world.reconcile(&key(), now());

    assert_eq!(repair.body.unwrap()["metadata"]["labels"][label], "web-0");
    let message = "Update Pod web-0 in StatefulSet web successful";
    assert_eq!(events(&told), [event("SuccessfulUpdate", message)]);
}
