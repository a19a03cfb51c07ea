//! Zones by their numbers of nodes.

use serde_json::{Value, json};

use super::*;
use crate::testing::at;

#[test]
fn a_node_is_tainted_every_ten_seconds_in_each_zone() {
    let mut zones = Zones::default();
    fill(&mut zones, "a", 3, 2);
    fill(&mut zones, "b", 3, 1);
    zones.judge(at(100));

    let asked = ["a-0", "a-1", "b-0"].map(|node| zones.admit(&Key::cluster(node), at(100)));
    let later = zones.admit(&Key::cluster("a-1"), at(110));

    assert_eq!(asked, [Admission::Granted, Admission::At(at(110)), Admission::Granted]);
    assert_eq!(later, Admission::Granted);
}

#[test]
fn who_waits_longer_is_tainted_first() {
    let mut zones = Zones::default();
    fill(&mut zones, "a", 10, 3);
    zones.judge(at(100));
    let mut ask = |node: &str, second| zones.admit(&Key::cluster(node), at(second));
    ask("a-0", 100);
    ask("a-1", 100);
    ask("a-2", 100);

    let [last, first] = ["a-2", "a-1"].map(|node| ask(node, 110));

    assert_eq!([last, first], [Admission::At(at(120)), Admission::Granted]);
}

#[test]
fn a_small_zone_that_has_lost_most_of_its_nodes_is_left_alone() {
    assert_eq!(rates(50, 28), [Admission::Stopped; 2]);
}

#[test]
fn a_large_zone_that_has_lost_most_of_its_nodes_is_tainted_ten_times_slower() {
    assert_eq!(rates(51, 29), [Admission::Granted, Admission::At(at(200))]);
}

#[test]
fn less_than_55_percent_are_not_most_and_two_nodes_are_not_many() {
    let as_usual = [Admission::Granted, Admission::At(at(110))];

    assert_eq!(rates(50, 27), as_usual);
    assert_eq!(rates(3, 2), as_usual);
}

#[test]
fn a_zone_without_a_ready_node_is_tainted_as_usual_as_long_as_another_has_one() {
    let mut zones = Zones::default();
    fill(&mut zones, "a", 4, 4);
    fill(&mut zones, "b", 1, 0);
    zones.judge(at(100));

    assert_eq!(zones.admit(&Key::cluster("a-0"), at(100)), Admission::Granted);
}

#[test]
fn nothing_is_tainted_when_no_node_of_any_zone_is_ready() {
    let mut zones = Zones::default();
    fill(&mut zones, "a", 4, 4);
    fill(&mut zones, "b", 1, 1);
    zones.judge(at(100));
    let stopped = zones.admit(&Key::cluster("a-0"), at(100));

    zones.hear(&node("b", 0, "True"));
    let goes_on = zones.judge(at(200));

    assert_eq!(stopped, Admission::Stopped);
    assert!(goes_on);
    assert_eq!(zones.admit(&Key::cluster("a-0"), at(200)), Admission::At(at(210)));
}

#[test]
fn nodes_that_are_excluded_are_not_counted() {
    let mut zones = Zones::default();
    fill(&mut zones, "a", 1, 1);
    let mut excluded = object("a", 1, "True");
    excluded["metadata"]["labels"][EXCLUDE_DISRUPTION] = Value::from("");
    zones.hear(&serde_json::from_value(excluded).unwrap());

    zones.judge(at(100));

    assert!(zones.is_disrupted());
}

#[test]
fn a_node_that_moves_or_goes_is_not_counted_twice() {
    let mut zones = Zones::default();
    fill(&mut zones, "a", 2, 1);
    let mut moved = object("a", 1, "True");
    moved["metadata"]["labels"] = json!({"topology.kubernetes.io/zone": "b"});
    zones.hear(&serde_json::from_value(moved).unwrap());
    let states: Vec<ZoneState> = zones.zones.values().map(Zone::computed).collect();

    zones.forget(&Key::cluster("a-1"));

    assert_eq!(states, [ZoneState::Normal, ZoneState::FullDisruption]);
    assert_eq!(zones.zones.len(), 1);
}

/// What the first and the second lost node of a zone are told that has so many nodes, so many of them lost.
fn rates(nodes: usize, lost: usize) -> [Admission; 2] {
    let mut zones = Zones::default();
    fill(&mut zones, "a", nodes, lost);
    zones.judge(at(100));
    ["a-0", "a-1"].map(|node| zones.admit(&Key::cluster(node), at(100)))
}

/// Nodes of a zone, the first of them lost.
fn fill(zones: &mut Zones, zone: &str, nodes: usize, lost: usize) {
    for index in 0..nodes {
        let ready = if index < lost { "Unknown" } else { "True" };
        zones.hear(&node(zone, index, ready));
    }
}

fn node(zone: &str, index: usize, ready: &str) -> Node {
    serde_json::from_value(object(zone, index, ready)).unwrap()
}

fn object(zone: &str, index: usize, ready: &str) -> Value {
    let labels =
        json!({"topology.kubernetes.io/zone": zone, "topology.kubernetes.io/region": "here"});
    json!({
        "metadata": {"name": format!("{zone}-{index}"), "labels": labels},
        "status": {"conditions": [{"type": "Ready", "status": ready}]},
    })
}
