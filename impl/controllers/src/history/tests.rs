//! Tests of ControllerRevisions.

use api::object::text;
use api::{AnyObject, Verb, resources};
use k8s_openapi::api::apps::v1::StatefulSet;

use super::*;
use crate::testing::object_of;

#[test]
fn a_revision_is_named_by_what_it_holds_and_says_of_whom() {
    let owner = stateful_set("one");

    let revision = revision(&owner, 1, 0);

    let metadata = &revision.metadata;
    let hash = &metadata.labels.as_ref().unwrap()[CONTROLLER_REVISION_HASH];
    assert_eq!(name(metadata), format!("web-{hash}"));
    assert_eq!(metadata.labels.as_ref().unwrap()["app"], "web");
    assert_eq!(metadata.annotations.as_ref().unwrap()["note"], "kept");
    assert_eq!(metadata.owner_references, Some(vec![controller_reference(&owner)]));
    let RawExtension(data) = revision.data.unwrap();
    assert_eq!(text(&data, &["spec", "template", "$patch"]), "replace");
}

#[test]
fn the_hash_is_that_of_the_json_as_go_writes_it() {
    let escaped = hash(&RawExtension(json!({"a": "<&>"})), 3);

    assert_eq!(escaped, safe_encode(fnv_1(*br#"{"a":"\u003c\u0026\u003e"}3"#)));
}

#[test]
fn a_long_name_is_cut() {
    let owner = ObjectMeta { name: Some("w".repeat(250)), ..ObjectMeta::default() };

    assert_eq!(revision_name(&owner, "hash"), format!("{}-hash", "w".repeat(223)));
}

#[test]
fn an_owner_is_restored_with_the_template_of_a_revision_and_nothing_else() {
    let (old, new) = (stateful_set("one"), stateful_set("two"));

    let restored = restore(&new, &revision(&old, 1, 0)).unwrap();

    assert_eq!(restored, old);
    assert!(is_equal(&revision(&restored, 2, 0), &revision(&old, 1, 5)));
    assert!(!is_equal(&revision(&new, 1, 0), &revision(&old, 1, 0)));
}

#[test]
fn a_revision_that_does_not_fit_restores_nothing() {
    let data = Some(RawExtension(json!({"spec": {"template": 1}})));
    let broken = ControllerRevision { data, ..ControllerRevision::default() };

    assert_eq!(restore(&stateful_set("one"), &broken), None);
    assert_eq!(restore(&stateful_set("one"), &ControllerRevision::default()), None);
}

#[test]
fn revisions_are_sorted_by_number_then_age_then_name() {
    let mut sorted = [("c", 2, 5), ("b", 1, 9), ("d", 2, 4), ("a", 1, 9)].map(dated).to_vec();

    sort(&mut sorted);

    assert_eq!(sorted.iter().map(|one| name(&one.metadata)).collect::<String>(), "abdc");
    assert_eq!(next_number(&sorted), 3);
    assert_eq!(next_number(&[]), 1);
}

#[test]
fn a_name_that_another_content_has_leads_to_the_next() {
    let (owner, other) = (stateful_set("one"), stateful_set("two"));
    let wanted = revision(&owner, 1, 0);
    let mut view = View::default();
    let metadata = wanted.metadata.clone();
    let taken = ControllerRevision { metadata, ..revision(&other, 1, 0) };
    view.put(AnyObject::from(Arc::new(taken)));

    let placed = place(&view, &owner.metadata, (wanted.clone(), 0));

    assert!(!placed.exists);
    assert_eq!(placed.collision_count, 1);
    assert_eq!(placed.revision.metadata.name, revision(&owner, 1, 1).metadata.name);
    assert_eq!(placed.revision.metadata.labels, wanted.metadata.labels);
}

#[test]
fn a_revision_that_is_there_is_not_made_again() {
    let owner = stateful_set("one");
    let mut view = View::default();
    view.put(AnyObject::from(Arc::new(revision(&owner, 1, 0))));

    let placed = place(&view, &owner.metadata, (revision(&owner, 7, 0), 0));

    assert!(placed.exists);
    assert_eq!((placed.revision.revision, placed.collision_count), (1, 0));
}

#[test]
fn a_revision_is_renumbered_and_deleted_as_what_it_is() {
    let mut revision = revision(&stateful_set("one"), 1, 0);
    revision.metadata.uid = Some("u".to_owned());

    let (renumbered, deleted) = (renumber(&revision, 4), delete(&revision));

    assert_eq!(renumbered.body.unwrap()["revision"], 4);
    assert_eq!(deleted.verb, Verb::Delete);
    assert_eq!(deleted.body.unwrap()["preconditions"]["uid"], "u");
}

fn revision(owner: &StatefulSet, number: i64, collision_count: i32) -> ControllerRevision {
    let template = &owner.spec.as_ref().unwrap().template;
    new_revision(owner, template, (number, collision_count))
}

fn dated((name, number, second): (&str, i64, i64)) -> Arc<ControllerRevision> {
    let metadata = ObjectMeta {
        name: Some(name.to_owned()),
        creation_timestamp: Some(api::time::time(crate::testing::at(second))),
        ..ObjectMeta::default()
    };
    Arc::new(ControllerRevision { metadata, data: None, revision: number })
}

fn stateful_set(image: &str) -> StatefulSet {
    let template = json!({"metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "c", "image": image, "resources": {}}]}});
    let object = object_of(
        &resources::STATEFUL_SETS,
        json!({"metadata": {"name": "web", "namespace": "default", "annotations": {"note": "kept"}},
            "spec": {"replicas": 2, "serviceName": "web", "template": template,
                "selector": {"matchLabels": {"app": "web"}}}}),
    );
    let AnyObject::StatefulSet(stateful_set) = object else { panic!("it is one") };
    stateful_set.as_ref().clone()
}
