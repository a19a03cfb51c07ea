//! Resources that change while containers run.

use kubelet::runtime::ResizeChange::{Cpu, Memory};
use kubelet::runtime::RuntimeCommand;
use serde_json::{Value, json};

use crate::bench::Bench;

const MI: i64 = 1 << 20;

/// As much for requests as for limits.
fn guaranteed(cpu: &str, memory: &str) -> Value {
    let amounts = json!({"cpu": cpu, "memory": memory});
    json!({"requests": amounts, "limits": amounts})
}

/// A pod whose containers, `c1` and so on, have these resources.
fn spec(resources: &[Value]) -> Value {
    let container = |(number, resources): (usize, &Value)| json!({"name": format!("c{}", number + 1), "image": "a", "resources": resources});
    let containers: Vec<Value> = resources.iter().enumerate().map(container).collect();
    json!({"containers": containers})
}

fn has_condition(bench: &Bench, name: &str, condition: &str) -> bool {
    let status = bench.status(name);
    let mut conditions = status["conditions"].as_array().into_iter().flatten();
    conditions.any(|one| one["type"] == condition)
}

#[test]
fn limits_change_in_place_and_the_status_says_so() {
    let mut bench = Bench::new();
    bench.add_pod("web", spec(&[guaranteed("100m", "100Mi")]));

    bench.resize_pod("web", &[guaranteed("200m", "100Mi")]);

    let cpu = Cpu { shares: 204, quota_microseconds: Some(20_000) };
    assert_eq!(bench.resizes(), [("pod".to_owned(), cpu), ("c1".to_owned(), cpu)]);
    let status = bench.status("web");
    let container = &status["containerStatuses"][0];
    assert_eq!(container["resources"], guaranteed("200m", "100Mi"));
    assert_eq!(container["allocatedResources"], json!({"cpu": "200m", "memory": "100Mi"}));
    assert_eq!((&container["restartCount"], &status["observedGeneration"]), (&json!(0), &json!(2)));
    assert!(!has_condition(&bench, "web", "PodResizeInProgress"));
    let said = bench.reasons();
    assert_eq!(&said[said.len() - 2..], ["ResizeStarted", "ResizeCompleted"]);
}

#[test]
fn who_gives_comes_before_who_takes_and_the_pod_before_both_where_it_grows() {
    let mut bench = Bench::new();
    let memory = |mebibytes: i64, shrinks| Memory { limit_bytes: Some(mebibytes * MI), shrinks };
    bench.add_pod("web", spec(&[guaranteed("1", "100Mi"), guaranteed("1", "100Mi")]));

    bench.resize_pod("web", &[guaranteed("1", "180Mi"), guaranteed("1", "50Mi")]);
    let grown = bench.resizes();
    bench.commands.clear();
    bench.resize_pod("web", &[guaranteed("1", "100Mi"), guaranteed("1", "60Mi")]);
    let shrunk = bench.resizes();

    let step = |name: &str, change| (name.to_owned(), change);
    let expected = [
        step("pod", memory(230, false)),
        step("c2", memory(50, true)),
        step("c1", memory(180, false)),
    ];
    assert_eq!(grown, expected);
    let expected = [
        step("c1", memory(100, true)),
        step("c2", memory(60, false)),
        step("pod", memory(160, true)),
    ];
    assert_eq!(shrunk, expected);
}

#[test]
fn what_the_node_has_no_room_for_waits_until_another_pod_has_gone() {
    let mut bench = Bench::new();
    bench.add_pod("other", spec(&[guaranteed("1", "100Mi")]));
    bench.add_pod("web", spec(&[guaranteed("100m", "100Mi")]));

    bench.resize_pod("web", &[guaranteed("1500m", "100Mi")]);
    let pending = bench.condition("web", "PodResizePending");
    let waits = bench.status("web")["containerStatuses"][0].clone();
    bench.delete_pod("other", 0);
    bench.exit("other.c1.0", 0);

    assert_eq!(pending["reason"], "Deferred");
    let why = "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000";
    assert_eq!((&pending["message"], &pending["observedGeneration"]), (&json!(why), &json!(2)));
    assert_eq!(waits["resources"], guaranteed("100m", "100Mi"));
    assert!(!has_condition(&bench, "web", "PodResizePending"));
    let given = bench.status("web")["containerStatuses"][0].clone();
    assert_eq!(given["resources"], guaranteed("1500m", "100Mi"));
}

#[test]
fn a_resize_that_is_taken_back_waits_no_more() {
    let mut bench = Bench::new();
    bench.add_pod("web", spec(&[guaranteed("100m", "100Mi")]));

    bench.resize_pod("web", &[guaranteed("5", "100Mi")]);
    let waits = has_condition(&bench, "web", "PodResizePending");
    bench.resize_pod("web", &[guaranteed("0.1", "100Mi")]);

    assert!(waits);
    assert!(!has_condition(&bench, "web", "PodResizePending"));
    assert_eq!(bench.resizes(), []);
}

#[test]
fn what_the_runtime_refuses_is_an_error_and_tried_again() {
    let mut bench = Bench::new();
    bench.add_pod("web", spec(&[guaranteed("100m", "100Mi")]));
    bench.resize_failure = Some("cannot decrease memory limits".to_owned());

    bench.resize_pod("web", &[guaranteed("100m", "50Mi")]);
    let progress = bench.condition("web", "PodResizeInProgress");
    let has = bench.status("web")["containerStatuses"][0]["resources"].clone();
    bench.resize_failure = None;
    bench.pass(10);

    assert_eq!(progress["reason"], "Error");
    assert_eq!(progress["message"], "cannot decrease memory limits");
    assert_eq!(has, guaranteed("100m", "100Mi"));
    assert!(bench.reasons().contains(&"ResizeError".to_owned()));
    let has = bench.status("web")["containerStatuses"][0]["resources"].clone();
    assert_eq!(has, guaranteed("100m", "50Mi"));
}

#[test]
fn a_container_that_wants_it_so_starts_anew_with_other_resources() {
    let mut bench = Bench::new();
    let mut pod = spec(&[guaranteed("100m", "100Mi")]);
    pod["restartPolicy"] = json!("OnFailure");
    pod["containers"][0]["resizePolicy"] =
        json!([{"resourceName": "memory", "restartPolicy": "RestartContainer"}]);
    bench.add_pod("web", pod);

    bench.resize_pod("web", &[guaranteed("100m", "200Mi")]);
    let stopped = bench.stops();
    bench.exit("web.c1.0", 0);

    assert_eq!(stopped, [("web.c1.0".to_owned(), 30)]);
    assert!(bench.is_running("web.c1.1"));
    assert_eq!(bench.status("web")["phase"], "Running");
    assert_eq!(bench.last_start().unwrap().resources.memory_limit_bytes, Some(200 * MI));
    let container = bench.status("web")["containerStatuses"][0].clone();
    assert_eq!(container["resources"], guaranteed("100m", "200Mi"));
    assert!(!has_condition(&bench, "web", "PodResizeInProgress"));
}

#[test]
fn a_container_that_starts_anew_keeps_what_it_has_until_it_has_ended() {
    let mut bench = Bench::new();
    let mut pod = spec(&[guaranteed("100m", "200Mi")]);
    pod["containers"][0]["resizePolicy"] =
        json!([{"resourceName": "memory", "restartPolicy": "RestartContainer"}]);
    bench.add_pod("web", pod);

    bench.resize_pod("web", &[guaranteed("100m", "100Mi")]);
    let before = bench.resizes();
    bench.exit("web.c1.0", 0);

    let shrunk = Memory { limit_bytes: Some(100 * MI), shrinks: true };
    assert_eq!((before, bench.resizes()), (vec![], vec![("pod".to_owned(), shrunk)]));
    assert!(!has_condition(&bench, "web", "PodResizeInProgress"));
}

#[test]
fn what_changes_while_a_container_starts_is_given_to_it_afterwards() {
    let mut bench = Bench::new();
    bench.starts_late = true;
    bench.add_pod("web", spec(&[guaranteed("100m", "100Mi")]));

    bench.resize_pod("web", &[guaranteed("200m", "100Mi")]);
    bench.say_started("web.c1.0");

    let cpu = Cpu { shares: 204, quota_microseconds: Some(20_000) };
    assert!(bench.resizes().contains(&("c1".to_owned(), cpu)), "{:?}", bench.resizes());
}

#[test]
fn a_kubelet_that_starts_again_promises_nothing_before_it_knows_its_pods() {
    let mut bench = Bench::new();
    bench.add_pod("other", spec(&[guaranteed("1", "100Mi")]));
    bench.add_pod("apt", spec(&[guaranteed("100m", "100Mi")]));
    bench.resize_pod("apt", &[guaranteed("1500m", "100Mi")]);

    bench.restart();

    assert_eq!(bench.condition("apt", "PodResizePending")["reason"], "Deferred");
    assert_eq!(bench.resizes(), []);
}

#[test]
fn an_init_container_counts_beside_the_sidecars_before_it() {
    let mut bench = Bench::new();
    let mut pod = spec(&[guaranteed("100m", "50Mi")]);
    let container = |name: &str, policy: Value| json!({"name": name, "image": "a", "restartPolicy": policy, "resources": guaranteed("100m", "100Mi")});
    pod["initContainers"] =
        json!([container("aside", json!("Always")), container("first", Value::Null)]);

    bench.add_pod("web", pod);

    let limits = bench.commands.iter().filter_map(|command| {
        let RuntimeCommand::CreateSandbox(sandbox) = command else { return None };
        Some(sandbox.resources.memory_limit_bytes)
    });
    assert_eq!(limits.collect::<Vec<_>>(), [Some(200 * MI)]);
}

#[test]
fn a_kubelet_that_starts_again_knows_what_it_has_promised() {
    let mut bench = Bench::new();
    bench.add_pod("web", spec(&[guaranteed("100m", "100Mi")]));
    bench.resize_pod("web", &[guaranteed("5", "100Mi")]);

    bench.restart();

    let container = bench.status("web")["containerStatuses"][0].clone();
    assert_eq!(container["allocatedResources"]["cpu"], "100m");
    assert_eq!(container["resources"], guaranteed("100m", "100Mi"));
    assert_eq!(bench.condition("web", "PodResizePending")["reason"], "Deferred");
    assert_eq!(bench.resizes(), []);
}
