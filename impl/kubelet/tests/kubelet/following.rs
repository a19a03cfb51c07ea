//! Volumes of pods that run show what ConfigMaps, Secrets and the pod itself have become.

use kubelet::runtime::RuntimeCommand;
use serde_json::{Value, json};

use crate::bench::Bench;

/// A pod with one container that has this volume mounted.
fn spec(volume: Value) -> Value {
    let mut volume = volume;
    volume["name"] = json!("v");
    let mounts = json!([{"name": "v", "mountPath": "/v"}]);
    json!({"containers": [{"name": "main", "image": "a", "volumeMounts": mounts}], "volumes": [volume]})
}

fn map() -> Value {
    json!({"configMap": {"name": "map", "optional": true}})
}

/// What volumes were made to show of pods that ran already: each its files in a line.
fn shown_later(bench: &Bench) -> Vec<String> {
    let updates = bench.commands.iter().filter_map(|command| {
        let RuntimeCommand::UpdateVolume { files, .. } = command else { return None };
        let file = |(name, file): (&String, &kubelet::runtime::File)| {
            format!("{name}={}", String::from_utf8_lossy(&file.content))
        };
        Some(files.iter().map(file).collect::<Vec<String>>().join(" "))
    });
    updates.collect()
}

fn followed(bench: &Bench) -> Vec<String> {
    bench.followed.iter().map(|followed| followed.key.name.clone()).collect()
}

#[test]
fn what_a_config_map_becomes_is_shown_in_every_pod_and_nothing_is_written_when_it_stays() {
    let mut bench = Bench::new();
    bench.put_config_map("map", json!({"a": "1"}));
    bench.add_pod("one", spec(map()));
    bench.add_pod("two", spec(map()));
    bench.pass(3600);
    let before = shown_later(&bench);

    bench.put_config_map("map", json!({"a": "2"}));

    assert_eq!((before, shown_later(&bench)), (vec![], vec!["a=2".to_owned(); 2]));
    assert_eq!(followed(&bench), ["map"]);
}

#[test]
fn an_optional_config_map_appears_and_goes() {
    let mut bench = Bench::new();
    bench.add_pod("web", spec(map()));

    bench.put_config_map("map", json!({"a": "1"}));
    bench.remove_object("configmaps/default/map");

    assert_eq!(shown_later(&bench), ["a=1", ""]);
}

#[test]
fn a_config_map_that_must_be_there_stays_in_the_volume_when_it_goes() {
    let mut bench = Bench::new();
    bench.put_config_map("map", json!({"a": "1"}));
    bench.add_pod("web", spec(json!({"configMap": {"name": "map"}})));

    bench.remove_object("configmaps/default/map");
    bench.put_config_map("map", json!({"a": "3"}));

    assert_eq!(shown_later(&bench), ["a=3"]);
    assert!(bench.reasons().contains(&"FailedMount".to_owned()));
}

#[test]
fn what_cannot_change_is_not_followed() {
    let mut bench = Bench::new();
    let metadata = json!({"name": "map", "namespace": "default"});
    let object = json!({"metadata": metadata, "data": {"a": "1"}, "immutable": true});
    bench.put_object("configmaps/default/map", object);

    bench.add_pod("web", spec(map()));

    assert_eq!(followed(&bench), [""; 0]);
}

#[test]
fn an_object_is_followed_until_its_last_pod_ends() {
    let mut bench = Bench::new();
    bench.put_config_map("map", json!({"a": "1"}));
    bench.add_pod("one", spec(map()));
    bench.add_pod("two", spec(map()));

    bench.delete_pod("one", 30);
    let both = followed(&bench);
    bench.delete_pod("two", 30);
    bench.put_config_map("map", json!({"a": "2"}));

    assert_eq!(both, ["map"]);
    assert_eq!((followed(&bench), shown_later(&bench)), (vec![], vec![]));
}

#[test]
fn labels_and_annotations_are_shown_as_they_become() {
    let mut bench = Bench::new();
    let item =
        |name: &str| json!({"path": name, "fieldRef": {"fieldPath": format!("metadata.{name}")}});
    let volume = json!({"downwardAPI": {"items": [item("labels"), item("annotations")]}});
    bench.add_pod("web", spec(volume));

    bench.change_pod("web", |pod| pod["metadata"]["labels"] = json!({"a": "b"}));
    bench.change_pod("web", |pod| pod["metadata"]["annotations"] = json!({"c": "d"}));
    bench.change_pod("web", |pod| pod["status"]["nominatedNodeName"] = json!("other"));

    assert_eq!(
        shown_later(&bench),
        ["annotations= labels=a=\"b\"", "annotations=c=\"d\" labels=a=\"b\""]
    );
}

#[test]
fn a_kubelet_that_restarts_shows_what_has_changed_meanwhile() {
    let mut bench = Bench::new();
    bench.put_config_map("map", json!({"a": "1"}));
    bench.add_pod("web", spec(map()));

    bench.restart();
    bench.put_config_map("map", json!({"a": "2"}));
    bench.pass(3600);

    assert_eq!(shown_later(&bench), ["a=1", "a=2"], "the runtime writes only what differs");
}

#[test]
fn a_version_that_was_heard_of_before_another_pod_starts_is_compared_with_what_it_finds() {
    let mut bench = Bench::new();
    bench.put_config_map("map", json!({"a": "1"}));
    bench.add_pod("one", spec(map()));
    bench.hears_late = true;
    bench.put_config_map("map", json!({"a": "2"}));
    bench.add_pod("two", spec(map()));
    let reads = bench.reads;

    bench.pass(9);
    let early = bench.reads;
    bench.pass(1);

    assert_eq!((early - reads, bench.reads - reads), (0, 1), "one of the two may be old");
}

#[test]
fn a_volume_changes_when_no_container_is_about_to_start_with_what_it_was() {
    let mut bench = Bench::new();
    bench.put_config_map("map", json!({"a": "1"}));
    let mut spec = spec(map());
    let mut other = spec["containers"][0].clone();
    other["name"] = json!("other");
    spec["containers"] = json!([spec["containers"][0], other]);
    bench.add_pod("web", spec);
    bench.starts_late = true;
    bench.exit("web.other.0", 1);

    bench.put_config_map("map", json!({"a": "2"}));
    let meanwhile = shown_later(&bench);
    bench.say_started("web.other.1");

    assert_eq!((meanwhile, shown_later(&bench)), (vec![], vec!["a=2".to_owned()]));
}
