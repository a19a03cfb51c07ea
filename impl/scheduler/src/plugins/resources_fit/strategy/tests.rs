//! Scores that upstream's own tests expect: TestLeastAllocatedScoringStrategy, TestMostAllocatedScoringStrategy,
//! TestRequestedToCapacityRatioScoringStrategy and TestResourceBinPacking* in framework/plugins/noderesources (v1.36).

use serde_json::{Value, json};

use super::*;
use crate::testing::{node_info, pod_info};

const GPU: &str = "example.com/foo";

/// A node that gives this, with pods of one container each that request those.
fn node(allocatable: &Value, pods: &[Value]) -> NodeInfo {
    let mut node = node_info("n", json!({"status": {"allocatable": allocatable}}));
    for (index, requests) in pods.iter().enumerate() {
        let mut pod = (*pod(std::slice::from_ref(requests)).pod).clone();
        pod.metadata.name = Some(format!("p{index}"));
        node.add_pod(PodInfo::new(pod.into()));
    }
    node
}

/// A pod with containers that request these.
fn pod(containers: &[Value]) -> PodInfo {
    let container = |requests| json!({"name": "c", "resources": {"requests": requests}});
    pod_info(json!({"containers": containers.iter().map(container).collect::<Vec<_>>()}))
}

fn check(strategy: &Value, pod: &PodInfo, table: &[(NodeInfo, i64)]) {
    let read: ScoringStrategy = serde_json::from_value(strategy.clone()).unwrap();
    let built = Strategy::new(Some(&read));
    for (node, expected) in table {
        assert_eq!(built.score(pod, node), *expected, "{strategy} {node:?}");
    }
}

fn core() -> Value {
    json!([{"name": "cpu", "weight": 1}, {"name": "memory", "weight": 1}])
}

fn two() -> [Value; 2] {
    [json!({"cpu": "1000", "memory": "2000"}), json!({"cpu": "2000", "memory": "3000"})]
}

fn sizes(cpu: &str, memory: &str) -> Value {
    json!({"cpu": cpu, "memory": memory})
}

#[test]
fn the_emptier_node_is_better_when_least_allocated_is_asked_for() {
    let strategy = json!({"type": "LeastAllocated", "resources": core()});
    let twice = json!({"type": "LeastAllocated",
        "resources": [{"name": "memory", "weight": 2}, {"name": "cpu", "weight": 1}]});
    let nodes = || [node(&sizes("4000", "10000"), &[]), node(&sizes("6000", "10000"), &[])];
    let [small, large] = nodes();

    check(&strategy, &pod(&two()), &[(small, 37), (large, 50)]);
    let [small, large] = nodes();
    check(&twice, &pod(&two()), &[(small, 41), (large, 50)]);
}

#[test]
fn the_fuller_node_is_better_when_most_allocated_is_asked_for() {
    let strategy = |resources: Value| json!({"type": "MostAllocated", "resources": resources});
    let three = || json!({"cpu": "3000", "memory": "0"});

    check(
        &strategy(core()),
        &pod(&two()),
        &[
            (node(&sizes("4000", "10000"), &[]), 62),
            (node(&sizes("6000", "10000"), &[]), 50),
            (node(&sizes("10000", "20000"), &[three()]), 42),
            (node(&sizes("10000", "20000"), &[json!({"cpu": "3000", "memory": "5000"})]), 55),
        ],
    );
    check(
        &strategy(json!([{"name": "memory", "weight": 2}, {"name": "cpu", "weight": 1}])),
        &pod(&two()),
        &[(node(&sizes("4000", "10000"), &[]), 58), (node(&sizes("6000", "10000"), &[]), 50)],
    );
    check(
        &strategy(core()),
        &pod(&[json!({})]),
        &[
            (node(&sizes("250m", "1000Mi"), &[json!({}), json!({})]), 80),
            (node(&sizes("250m", "1000Mi"), &[]), 30),
        ],
    );
}

#[test]
fn an_extended_resource_counts_for_pods_that_want_it() {
    let resources = json!([{"name": GPU, "weight": 1}, {"name": "cpu", "weight": 1},
        {"name": "memory", "weight": 1}]);
    let strategy = json!({"type": "MostAllocated", "resources": resources});
    let with = |amount: &str| json!({"cpu": "6000", "memory": "10000", GPU: amount});
    let wants = pod(&[json!({"cpu": "3000", "memory": "5000", GPU: "2"})]);

    check(&strategy, &wants, &[(node(&with("4"), &[]), 50), (node(&with("10"), &[]), 40)]);
    check(
        &strategy,
        &pod(&two()),
        &[(node(&sizes("6000", "10000"), &[]), 50), (node(&with("4"), &[]), 50)],
    );
}

#[test]
fn a_line_says_how_good_it_is_that_so_much_is_used() {
    let ratio = |shape: Value, resources: Value| {
        json!({"type": "RequestedToCapacityRatio", "resources": resources,
            "requestedToCapacityRatio": {"shape": shape}})
    };
    let falling = json!([{"utilization": 0, "score": 10}, {"utilization": 100, "score": 0}]);
    let rising = json!([{"utilization": 0, "score": 0}, {"utilization": 100, "score": 1}]);
    let gpus = json!([{"name": GPU, "weight": 1}]);
    let with = |amount: &str| json!({"cpu": "4", "memory": "10000Mi", GPU: amount});
    let two_of = || json!({GPU: "2"});

    check(
        &ratio(falling, core()),
        &pod(&two()),
        &[(node(&sizes("4000", "10000"), &[]), 38), (node(&sizes("6000", "10000"), &[]), 50)],
    );
    check(
        &ratio(rising, gpus),
        &pod(&[two_of()]),
        &[
            (node(&with("8"), &[]), 2),
            (node(&with("4"), &[]), 5),
            (node(&with("4"), &[two_of()]), 10),
        ],
    );
}
