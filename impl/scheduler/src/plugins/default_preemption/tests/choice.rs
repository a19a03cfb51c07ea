//! Which node is chosen, by the clusters of `TestSelectBestCandidate` (v1.36). There, priorities are -100, 0, 100 and
//! 1000; a small pod takes a fifth of a node, a medium one two fifths, a large one three.

use super::*;

const NEGATIVE: i32 = -100;
const LOW: i32 = 0;
const MID: i32 = 100;
const HIGH: i32 = 1000;
const SMALL: &str = "400m";
const MEDIUM: &str = "800m";
const LARGE: &str = "1200m";

/// A pod that was started so many seconds before now.
fn started(name: &str, priority: i32, cpu: &str, ago: i64) -> PodInfo {
    let mut pod = (*pod(name, priority, cpu).pod).clone();
    let since = NOW - std::time::Duration::from_secs(ago.unsigned_abs());
    let status = json!({"startTime": api::time::text(since)});
    pod.status = serde_json::from_value(status).unwrap();
    PodInfo::new(pod.into())
}

/// The node that is chosen for a pod that needs all of one.
fn chosen(priority: i32, nodes: &[&[(i32, &str, i64)]]) -> String {
    let names: Vec<String> = (1..=nodes.len()).map(|number| number.to_string()).collect();
    let mut all = cluster(&names.iter().map(String::as_str).collect::<Vec<_>>(), vec![]);
    for (name, pods) in names.iter().zip(nodes) {
        for (index, (priority, cpu, ago)) in pods.iter().enumerate() {
            let pod = started(&format!("{name}-{index}"), *priority, cpu, *ago);
            all.snapshot.add_pod(pod, name);
        }
    }
    let found = found(&all, &pod("web", priority, "2"));
    found.split(':').next().unwrap().to_owned()
}

#[test]
fn the_first_of_equal_nodes_is_chosen() {
    assert_eq!(chosen(HIGH, &[&[(MID, LARGE, 0)], &[(MID, LARGE, 0)]]), "1");
}

#[test]
fn the_most_important_victim_is_as_unimportant_as_can_be() {
    let one: &[_] = &[(MID, MEDIUM, 0), (MID, LARGE, 0)];
    let two: &[_] = &[(MID, MEDIUM, 0), (LOW, MEDIUM, 0)];
    let three: &[_] = &[(LOW, MEDIUM, 0), (LOW, MEDIUM, 0)];

    assert_eq!(chosen(HIGH, &[one, two, three]), "3");
}

#[test]
fn then_the_victims_are_as_unimportant_in_all_as_can_be() {
    let one: &[_] = &[(MID, MEDIUM, 0), (MID, LARGE, 0)];
    let two: &[_] = &[(MID, LARGE, 0), (LOW, MEDIUM, 0)];
    let three: &[_] = &[(MID, MEDIUM, 0), (MID, MEDIUM, 0)];

    assert_eq!(chosen(HIGH, &[one, two, three]), "2");
}

#[test]
fn then_they_are_few_also_where_priorities_are_negative() {
    let one: &[_] = &[(MID, SMALL, 0), (NEGATIVE, SMALL, 0), (NEGATIVE, SMALL, 0)];
    let two: &[_] = &[(MID, LARGE, 0), (NEGATIVE, MEDIUM, 0)];
    let three: &[_] = &[(MID, MEDIUM, 0), (NEGATIVE, SMALL, 0), (LOW, SMALL, 0)];

    assert_eq!(chosen(HIGH, &[one, two, three]), "2");
}

#[test]
fn what_is_asked_first_decides_first() {
    let one: &[_] = &[(MID, SMALL, 0), (LOW, SMALL, 0), (LOW, SMALL, 0)];
    let two: &[_] = &[(HIGH, LARGE, 0)];
    let three: &[_] = &[(MID, MEDIUM, 0), (LOW, SMALL, 0), (LOW, SMALL, 0), (LOW, SMALL, 0)];
    let four: &[_] = &[(MID, MEDIUM, 0), (MID, SMALL, 0), (MID, SMALL, 0), (NEGATIVE, SMALL, 0)];

    assert_eq!(chosen(10_000, &[one, two, three, four]), "1");
}

#[test]
fn at_last_the_most_important_victims_have_run_the_shortest() {
    let node = |ago: i64| [(MID, MEDIUM, ago), (MID, MEDIUM, ago)];
    let nodes = [node(2), node(1), node(3)];
    assert_eq!(chosen(HIGH, &[&nodes[0], &nodes[1], &nodes[2]]), "2");

    let one: &[_] = &[(MID, MEDIUM, 3), (MID, MEDIUM, 5)];
    let two: &[_] = &[(MID, MEDIUM, 2), (MID, MEDIUM, 6)];
    let three: &[_] = &[(MID, MEDIUM, 4), (MID, MEDIUM, 1)];
    assert_eq!(chosen(HIGH, &[one, two, three]), "3");

    let one: &[_] = &[(LOW, MEDIUM, 3), (MID, MEDIUM, 5)];
    let two: &[_] = &[(MID, MEDIUM, 1), (LOW, MEDIUM, 6)];
    let three: &[_] = &[(LOW, MEDIUM, 4), (MID, MEDIUM, 2)];
    assert_eq!(chosen(HIGH, &[one, two, three]), "2");
}
