//! A machine that runs out of memory, disk or process ids.

use std::collections::BTreeMap;

use kubelet::eviction::{PodUsage, Supply, Usage};
use serde_json::{Value, json};

use crate::bench::Bench;

const MI: i64 = 1 << 20;

/// A machine with enough of everything, on which pods use so much memory.
fn usage(pods: &[(&str, i64)]) -> Usage {
    let enough = Supply { available: 1000 * MI, capacity: 1000 * MI };
    let pod = |(name, bytes): &(&str, i64)| {
        let memory = BTreeMap::from([("main".to_owned(), *bytes)]);
        (format!("uid-{name}"), PodUsage { memory, disk: *bytes, processes: *bytes })
    };
    let pods = pods.iter().map(pod).collect();
    Usage { memory: enough, disk: enough, inodes: enough, pids: enough, pods }
}

fn short_of_memory(pods: &[(&str, i64)]) -> Usage {
    Usage { memory: Supply { available: 50 * MI, capacity: 1000 * MI }, ..usage(pods) }
}

fn spec(memory: &str, priority: i32) -> Value {
    json!({"priority": priority, "containers": [
        {"name": "main", "image": "a", "resources": {"requests": {"memory": memory}}}]})
}

fn node_condition(bench: &Bench, condition: &str) -> Value {
    let node = bench.object("nodes/node-1").unwrap_or_default();
    let mut conditions = node["status"]["conditions"].as_array().into_iter().flatten();
    conditions.find(|one| one["type"] == condition).map_or(Value::Null, |one| one["status"].clone())
}

#[test]
fn the_pod_that_uses_the_most_beyond_its_request_goes_first() {
    let mut bench = Bench::new();
    bench.add_pod("modest", spec("300Mi", 0));
    bench.add_pod("greedy", spec("10Mi", 0));

    bench.measure(&short_of_memory(&[("modest", 200 * MI), ("greedy", 60 * MI)]));
    let stopped = bench.stops();
    bench.exit("greedy.main.0", 137);

    assert_eq!(stopped, [("greedy.main.0".to_owned(), 2)]);
    let status = bench.status("greedy");
    assert_eq!((&status["phase"], &status["reason"]), (&json!("Failed"), &json!("Evicted")));
    let why = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container main was \
               using 60Mi, request is 10Mi, has larger consumption of memory. ";
    assert_eq!(status["message"], why);
    let condition = bench.condition("greedy", "DisruptionTarget");
    assert_eq!(
        (&condition["reason"], &condition["message"]),
        (&json!("TerminationByKubelet"), &json!(why))
    );
    assert_eq!(bench.status("modest")["phase"], "Running");
}

#[test]
fn of_the_disk_the_pod_that_uses_more_than_it_asked_for_goes_first() {
    let mut bench = Bench::new();
    let asking = |bytes: &str| {
        json!({"containers": [{"name": "main", "image": "a",
            "resources": {"requests": {"ephemeral-storage": bytes}}}]})
    };
    bench.add_pod("modest", asking("300Mi"));
    bench.add_pod("greedy", asking("10Mi"));
    let used = usage(&[("modest", 200 * MI), ("greedy", 60 * MI)]);
    let disk = Supply { available: 50 * MI, capacity: 1000 * MI };

    bench.measure(&Usage { disk, ..used });

    assert_eq!(bench.stops(), [("greedy.main.0".to_owned(), 2)]);
}

#[test]
fn a_static_pod_comes_in_whatever_is_scarce() {
    let mut bench = Bench::new();
    let containers = json!([{"name": "main", "image": "a"}]);

    bench.measure(&short_of_memory(&[]));
    bench.read_files(&[json!({"metadata": {"name": "own"}, "spec": {"containers": containers}})]);

    assert_eq!(bench.status("own-node-1")["phase"], "Running");
}

#[test]
fn the_less_important_goes_before_the_greedier_and_the_critical_never() {
    let mut bench = Bench::new();
    bench.add_pod("critical", spec("1Mi", 2_000_000_000));
    bench.add_pod("greedy", spec("1Mi", 10));
    bench.add_pod("humble", spec("1Mi", 5));
    let used = [("critical", 300 * MI), ("greedy", 200 * MI), ("humble", 100 * MI)];

    for _ in 0..4 {
        bench.measure(&short_of_memory(&used));
        for (container, _) in bench.stops() {
            bench.exit(&container, 137);
        }
    }

    let stopped: Vec<String> = bench.stops().into_iter().map(|(container, _)| container).collect();
    assert_eq!(stopped, ["humble.main.0", "greedy.main.0"]);
}

#[test]
fn one_pod_goes_at_a_time() {
    let mut bench = Bench::new();
    bench.add_pod("first", spec("1Mi", 0));
    bench.add_pod("second", spec("1Mi", 0));
    let usage = short_of_memory(&[("first", 200 * MI), ("second", 100 * MI)]);

    bench.measure(&usage);
    bench.measure(&usage);

    assert_eq!(bench.stops(), [("first.main.0".to_owned(), 2)]);
}

#[test]
fn a_node_that_is_short_says_so_for_a_while_and_refuses_pods_that_ask_for_nothing() {
    let mut bench = Bench::new();
    let nothing = json!({"containers": [{"name": "main", "image": "a"}]});

    bench.measure(&short_of_memory(&[]));
    bench.pass(1);
    let short = node_condition(&bench, "MemoryPressure");
    bench.add_pod("refused", nothing.clone());
    bench.add_pod("asking", spec("1Mi", 0));
    bench.pass(200);
    bench.measure(&usage(&[]));
    let still_short = node_condition(&bench, "MemoryPressure");
    bench.pass(100);
    bench.measure(&usage(&[]));
    bench.pass(1);
    bench.add_pod("later", nothing);

    assert_eq!((short, still_short), (json!("True"), json!("True")));
    assert_eq!(node_condition(&bench, "MemoryPressure"), "False");
    let refused = bench.status("refused");
    assert_eq!(refused["reason"], "Evicted");
    let why = "Pod was rejected: The node had condition: [MemoryPressure]. ";
    assert_eq!(refused["message"], why);
    let phase = |name: &str| bench.status(name)["phase"].clone();
    assert_eq!((phase("asking"), phase("later")), (json!("Running"), json!("Running")));
}

#[test]
fn at_a_soft_threshold_pods_go_after_its_grace_period_and_have_time_to_end() {
    let mut bench = Bench::new();
    bench.add_pod("web", spec("1Mi", 0));
    let mut short = usage(&[("web", MI)]);
    short.pids.available = 50 * MI;

    bench.measure(&short);
    bench.pass(29);
    bench.measure(&short);
    let early = bench.stops();
    bench.pass(1);
    bench.measure(&short);

    assert_eq!(node_condition(&bench, "PIDPressure"), "True");
    assert_eq!((early, bench.stops()), (vec![], vec![("web.main.0".to_owned(), 7)]));
}

#[test]
fn on_a_full_disk_the_pod_with_the_most_on_it_goes() {
    let mut bench = Bench::new();
    bench.add_pod("small", spec("1Mi", 0));
    bench.add_pod("large", spec("1Mi", 0));
    let mut full = usage(&[("small", MI), ("large", 2 * MI)]);
    full.disk.available = 99 * MI;

    bench.measure(&full);
    bench.exit("large.main.0", 137);
    bench.add_pod("refused", spec("1Mi", 0));

    assert_eq!(bench.stops(), [("large.main.0".to_owned(), 2)]);
    let why = "The node was low on resource: ephemeral-storage. Threshold quantity: 100Mi, available: 99Mi. ";
    assert_eq!(bench.status("large")["message"], why);
    assert_eq!(bench.status("refused")["reason"], "Evicted");
}
