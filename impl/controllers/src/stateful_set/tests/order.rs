//! In which order pods are made and deleted.

use super::*;
use crate::Controller;

#[test]
fn the_first_pod_is_made_from_the_template_with_an_identity() {
    let (mut world, revision) = world(&set(3, "one", &json!({})));

    let plan = world.reconcile(&key(), now());

    let pod = only(&plan, Verb::Create, PODS).body.unwrap();
    let (metadata, spec) = (&pod["metadata"], &pod["spec"]);
    assert_eq!(metadata["name"], "web-0");
    assert_eq!(metadata["labels"], super::pod(0, &revision, &json!({}))["metadata"]["labels"]);
    assert_eq!((&spec["hostname"], &spec["subdomain"]), (&json!("web-0"), &json!("headless")));
    assert_eq!(metadata["ownerReferences"], owned_by("apps/v1", "StatefulSet", "web"));
}

#[test]
fn a_pod_waits_for_those_before_it() {
    for (changes, made) in [
        (json!({}), vec!["web-1"]),
        (unready(), vec![]),
        (terminating(), vec![]),
        (json!({"status": {"phase": "Pending"}}), vec![]),
    ] {
        let (mut world, revision) = world(&set(2, "one", &json!({})));
        world.put(PODS, pod(0, &revision, &changes));

        let plan = world.reconcile(&key(), now());

        assert_eq!(created(&plan, PODS), made, "{changes}");
    }
}

#[test]
fn a_pod_waits_until_those_before_it_have_been_ready_for_long_enough() {
    let (mut world, revision) = world(&set(2, "one", &json!({"spec": {"minReadySeconds": 60}})));
    world.put(PODS, pod(0, &revision, &json!({})));

    let early = world.reconcile(&key(), at(109));
    let late = world.reconcile(&key(), at(110));

    assert_eq!(created(&early, PODS), Vec::<String>::new());
    assert_eq!(status(&early)["availableReplicas"], 0);
    assert_eq!(early.look_again, Some(at(110)));
    assert_eq!(created(&late, PODS), ["web-1"]);
    assert_eq!(status(&late)["availableReplicas"], 1);
}

#[test]
fn in_parallel_no_pod_waits() {
    let parallel = json!({"spec": {"podManagementPolicy": "Parallel"}});
    let (mut world, revision) = world(&set(4, "one", &parallel));
    world.put(PODS, pod(1, &revision, &unready()));

    let plan = world.reconcile(&key(), now());

    assert_eq!(created(&plan, PODS), ["web-0", "web-2", "web-3"]);
}

#[test]
fn pods_that_were_left_out_after_a_refusal_are_asked_for_again() {
    let parallel = json!({"spec": {"podManagementPolicy": "Parallel"}});
    let (mut world, _) = world(&set(3, "one", &parallel));
    let plan = world.reconcile(&key(), now());
    let [first, left_out @ ..] = &requests(&plan, Verb::Create, PODS)[..] else { panic!() };
    world.refuse(&key(), first, Reason::Forbidden);
    left_out.iter().for_each(|creation| world.leave_out(&key(), creation));

    let plan = world.reconcile(&key(), now());

    assert_eq!(created(&plan, PODS), ["web-0", "web-1", "web-2"]);
}

#[test]
fn pods_and_claims_are_asked_for_ever_more_at_a_time() {
    let (world, _) = world(&set(1, "one", &json!({})));
    let paces = world.controller.pacing().paces;
    let is_paced = |resource| {
        let request = Request::merge_patch(resource, key(), json!({}));
        paces(&Request { verb: Verb::Create, ..request })
    };

    assert_eq!([PODS, CLAIMS, REVISIONS].map(is_paced), [true, true, false]);
}

#[test]
fn ordinals_start_where_they_are_to() {
    let start = json!({"spec": {"ordinals": {"start": 5}, "podManagementPolicy": "Parallel"}});
    let (mut world, revision) = world(&set(2, "one", &start));
    world.put(PODS, pod(4, &revision, &json!({})));

    let plan = world.reconcile(&key(), now());

    assert_eq!(created(&plan, PODS), ["web-5", "web-6"]);
    assert_eq!(deleted(&plan), ["web-4"]);
}

#[test]
fn as_many_pods_as_a_number_can_say_are_asked_for_in_parts() {
    let parallel = json!({"spec": {"podManagementPolicy": "Parallel"}});
    let (mut world, _) = world(&set(i32::MAX, "one", &parallel));

    let plan = world.reconcile(&key(), now());

    assert_eq!(created(&plan, PODS).len(), crate::stateful_set::pass::BATCH_SIZE_MAX);
}

#[test]
fn the_last_pod_goes_first_and_alone() {
    let (mut world, revision) = world(&set(1, "one", &json!({})));
    for ordinal in [0, 1, 2, 10] {
        world.put(PODS, pod(ordinal, &revision, &json!({})));
    }

    let first = world.reconcile(&key(), now());
    world.put(PODS, pod(10, &revision, &terminating()));
    let waits = world.reconcile(&key(), now());

    assert_eq!(deleted(&first), ["web-10"]);
    assert_eq!(deleted(&waits), Vec::<String>::new());
}

#[test]
fn no_pod_goes_while_one_below_it_is_unhealthy_unless_it_is_the_unhealthy_one() {
    for (lower, higher, gone) in [
        (json!({}), unready(), vec!["web-2"]),
        (unready(), unready(), vec![]),
        (unready(), json!({}), vec!["web-2"]),
    ] {
        let (mut world, revision) = world(&set(1, "one", &json!({})));
        world.put(PODS, pod(0, &revision, &json!({})));
        world.put(PODS, pod(1, &revision, &lower));
        world.put(PODS, pod(2, &revision, &higher));

        let plan = world.reconcile(&key(), now());

        assert_eq!(deleted(&plan), gone, "{lower} {higher}");
    }
}

#[test]
fn no_pod_goes_while_one_that_stays_is_unhealthy() {
    let (mut world, revision) = world(&set(1, "one", &json!({})));
    world.put(PODS, pod(0, &revision, &unready()));
    world.put(PODS, pod(1, &revision, &json!({})));

    let plan = world.reconcile(&key(), now());

    assert_eq!(deleted(&plan), Vec::<String>::new());
}

#[test]
fn in_parallel_all_that_are_too_many_go() {
    let parallel = json!({"spec": {"podManagementPolicy": "Parallel"}});
    let (mut world, revision) = world(&set(0, "one", &parallel));
    world.put(PODS, pod(0, &revision, &unready()));
    world.put(PODS, pod(1, &revision, &unready()));
    world.put(PODS, pod(2, &revision, &terminating()));

    let plan = world.reconcile(&key(), now());

    assert_eq!(deleted(&plan), ["web-1", "web-0"]);
}

#[test]
fn a_pod_that_has_finished_is_deleted_and_made_again() {
    for phase in ["Failed", "Succeeded"] {
        let (mut world, revision) = world(&set(2, "one", &json!({})));
        let finished = json!({"status": {"phase": phase, "conditions": []}});
        world.put(PODS, pod(0, &revision, &finished));

        let first = world.reconcile(&key(), now());
        world.remove(PODS, &Key::new("default", "web-0"));
        let second = world.reconcile(&key(), now());

        assert_eq!(deleted(&first), ["web-0"]);
        assert_eq!(created(&first, PODS), Vec::<String>::new());
        assert_eq!(created(&second, PODS), ["web-0"]);
    }
}

#[test]
fn nothing_is_asked_for_while_the_cache_does_not_show_what_was() {
    let (mut world, revision) = world(&set(2, "one", &json!({})));
    let first = world.reconcile(&key(), now());

    let waits = world.reconcile(&key(), now());
    world.put(PODS, pod(0, &revision, &json!({})));
    let next = world.reconcile(&key(), now());

    assert_eq!(created(&first, PODS), ["web-0"]);
    assert_eq!(waits.requests, []);
    assert_eq!(created(&next, PODS), ["web-1"]);
}
