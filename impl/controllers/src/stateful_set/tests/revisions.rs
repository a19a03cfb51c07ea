//! Which revisions are made, numbered anew and deleted.

use super::*;

#[test]
fn a_revision_is_made_before_any_pod() {
    let mut world = World::new(StatefulSetController::default());
    world.put(SETS, set(1, "one", &json!({"metadata": {"annotations": {"a": "b"}}})));

    let plan = world.reconcile(&key(), now());
    let waits = world.reconcile(&key(), now());

    let revision = only(&plan, Verb::Create, REVISIONS).body.unwrap();
    assert_eq!(revision["revision"], 1);
    assert_eq!(revision["metadata"]["annotations"]["a"], "b");
    assert_eq!(plan.requests.len(), 1);
    assert_eq!(waits.requests, []);
}

#[test]
fn a_revision_that_is_refused_is_asked_for_again() {
    let mut world = World::new(StatefulSetController::default());
    world.put(SETS, set(1, "one", &json!({})));
    let plan = world.reconcile(&key(), now());
    world.refuse(&key(), &only(&plan, Verb::Create, REVISIONS), Reason::Forbidden);

    let again = world.reconcile(&key(), now());

    assert_eq!(created(&again, REVISIONS), created(&plan, REVISIONS));
}

#[test]
fn a_template_that_was_there_before_becomes_the_newest_again() {
    let (mut world, first) = world(&set(1, "one", &json!({})));
    revise(&mut world, &set(1, "two", &json!({})));
    world.put(SETS, set(1, "one", &json!({})));

    let plan = world.reconcile(&key(), now());

    let renumbered = only(&plan, Verb::Update, REVISIONS);
    assert_eq!(renumbered.key.name, first);
    assert_eq!(renumbered.body.unwrap()["revision"], 3);
    assert_eq!(plan.requests.len(), 1);
}

#[test]
fn a_name_that_another_template_has_is_counted_as_a_collision() {
    let mut world = World::new(StatefulSetController::default());
    world.put(SETS, set(1, "one", &json!({})));
    let plan = world.reconcile(&key(), now());
    let creation = only(&plan, Verb::Create, REVISIONS);
    let mut taken = creation.body.clone().unwrap();
    taken["data"] = json!({"spec": {}});
    taken["metadata"]["ownerReferences"] = owned_by("apps/v1", "StatefulSet", "db");
    world.refuse(&key(), &creation, Reason::AlreadyExists);
    world.put(REVISIONS, taken);

    let next = world.reconcile(&key(), now());
    world.put(REVISIONS, bodies(&next, Verb::Create, REVISIONS)[0].clone());
    let plan = world.reconcile(&key(), now());

    assert_ne!(created(&next, REVISIONS)[0], creation.body.unwrap()["metadata"]["name"]);
    assert_eq!(created(&plan, PODS), ["web-0"]);
}

#[test]
fn revisions_that_no_pod_is_of_go_but_for_as_many_as_are_kept() {
    let limit = json!({"spec": {"revisionHistoryLimit": 1}});
    let (mut world, first) = world(&set(1, "one", &limit));
    let second = revise(&mut world, &set(1, "two", &limit));
    let third = revise(&mut world, &set(1, "three", &limit));
    let fourth = revise(&mut world, &set(1, "four", &limit));
    world.put(PODS, pod(0, &first, &unready()));

    let plan = world.reconcile(&key(), now());

    assert_eq!(names(&plan, Verb::Delete, REVISIONS), [second]);
    assert_eq!(status(&plan)["updateRevision"], *fourth);
    assert_ne!(status(&plan)["updateRevision"], *third);
}

#[test]
fn a_negative_limit_keeps_every_revision() {
    let limit = json!({"spec": {"revisionHistoryLimit": -1}});
    let (mut world, _) = world(&set(1, "one", &limit));
    revise(&mut world, &set(1, "two", &limit));
    revise(&mut world, &set(1, "three", &limit));

    let plan = world.reconcile(&key(), now());

    assert_eq!(names(&plan, Verb::Delete, REVISIONS), Vec::<String>::new());
}

#[test]
fn an_orphaned_revision_is_adopted_after_the_api_server_says_that_the_owner_lives() {
    let (mut world, revision) = world(&set(1, "one", &json!({})));
    let mut orphan = json!({"metadata": {"name": revision, "namespace": "default",
        "labels": {"app": "web"}}, "revision": 1});
    orphan["data"] = json!({"spec": {"template": {}}});
    world.put(REVISIONS, orphan);
    let asked = world.reconcile(&key(), now());
    world.grant(&key(), &only(&asked, Verb::Get, SETS), json!({"metadata": {"uid": "uid-web"}}));

    let plan = world.reconcile(&key(), now());

    assert_eq!(asked.requests.len(), 1);
    assert_eq!(names(&plan, Verb::StrategicMergePatch, REVISIONS), [revision]);
}

#[test]
fn a_revision_that_does_not_fit_its_set_stops_it() {
    let (mut world, _) = world(&set(1, "one", &json!({})));
    let data = json!({"spec": {"template": 1}});
    world.put(
        REVISIONS,
        json!({"metadata": {"name": "broken", "namespace": "default", "labels": {"app": "web"},
            "ownerReferences": owned_by("apps/v1", "StatefulSet", "web")},
            "revision": 0, "data": data}),
    );
    world.put(SETS, set(1, "one", &json!({"status": {"currentRevision": "broken"}})));

    let plan = world.reconcile(&key(), now());

    assert_eq!(plan.requests, []);
}

#[test]
fn a_newest_revision_that_says_the_same_otherwise_is_not_made_again() {
    let (mut world, name) = world(&set(1, "one", &json!({})));
    let mut written_otherwise = json!({"metadata": {"name": name, "namespace": "default",
        "labels": {"app": "web"}, "ownerReferences": owned_by("apps/v1", "StatefulSet", "web")},
        "revision": 1});
    let mut template = set(1, "one", &json!({}))["spec"]["template"].clone();
    template["$patch"] = json!("replace");
    template["metadata"]["creationTimestamp"] = Value::Null;
    written_otherwise["data"] = json!({"spec": {"template": template}});
    world.put(REVISIONS, written_otherwise);

    let plan = world.reconcile(&key(), now());

    assert_eq!(created(&plan, REVISIONS), Vec::<String>::new());
    assert_eq!(status(&plan)["updateRevision"], *name);
}
