//! Tests of how pods are shown.

use super::*;

#[test]
fn the_status_column_says_how_the_pod_is() {
    let waiting = |reason: &str| json!({"waiting": {"reason": reason}});
    let ended =
        |code: i64, reason: &str| json!({"terminated": {"exitCode": code, "reason": reason}});
    let running = json!({"running": {}});
    let table = [
        (json!({"phase": "Pending"}), "0/1", "Pending"),
        (json!({"phase": "Failed", "reason": "Evicted"}), "0/1", "Evicted"),
        (
            json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "reason": "SchedulingGated"}]}),
            "0/1",
            "SchedulingGated",
        ),
        (containers(&[(running.clone(), true)]), "1/1", "Running"),
        (containers(&[(running.clone(), false)]), "0/1", "Running"),
        (containers(&[(waiting("CrashLoopBackOff"), false)]), "0/1", "CrashLoopBackOff"),
        (containers(&[(waiting("ContainerCreating"), false)]), "0/1", "ContainerCreating"),
        (containers(&[(ended(0, "Completed"), false)]), "0/1", "Completed"),
        (containers(&[(ended(1, "Error"), false)]), "0/1", "Error"),
        (containers(&[(ended(3, ""), false)]), "0/1", "ExitCode:3"),
        (containers(&[(ended(0, "Completed"), false), (running.clone(), true)]), "1/1", "NotReady"),
        (containers(&[(ended(0, "Completed"), false), (ended(1, "Error"), false)]), "0/1", "Error"),
    ];
    for (status, ready, reason) in table {
        let cells = cells(&pod(status.clone()), now());
        assert_eq!((&cells[1], &cells[2]), (&json!(ready), &json!(reason)), "{status}");
    }
}

#[test]
fn init_containers_come_first() {
    let table = [
        (json!({"running": {}}), "Init:0/2"),
        (json!({"waiting": {"reason": "PodInitializing"}}), "Init:0/2"),
        (json!({"waiting": {"reason": "ImagePullBackOff"}}), "Init:ImagePullBackOff"),
        (json!({"terminated": {"exitCode": 1, "reason": "Error"}}), "Init:Error"),
        (json!({"terminated": {"exitCode": 1}}), "Init:ExitCode:1"),
        (json!({"terminated": {"exitCode": 137, "signal": 9}}), "Init:Signal:9"),
        (json!({"terminated": {"exitCode": 0}}), "Init:1/2"),
    ];
    for (state, reason) in table {
        let mut pod = pod(json!({"phase": "Pending", "initContainerStatuses": [
            {"name": "i", "state": state}, {"name": "j", "state": {"waiting": {}}},
        ]}));
        pod["spec"]["initContainers"] = json!([{"name": "i"}, {"name": "j"}]);
        assert_eq!(cells(&pod, now())[2], reason, "{state}");
    }
}

#[test]
fn a_sidecar_counts_as_a_container() {
    let mut pod = pod(containers(&[(json!({"running": {}}), true)]));
    pod["spec"]["initContainers"] = json!([{"name": "i", "restartPolicy": "Always"}]);
    pod["status"]["initContainerStatuses"] =
        json!([{"name": "i", "started": true, "ready": true, "state": {"running": {}}}]);

    let cells = cells(&pod, now());

    assert_eq!((&cells[1], &cells[2]), (&json!("2/2"), &json!("Running")));
}

#[test]
fn a_deleted_pod_terminates() {
    let table = [
        ("Running", "", "Terminating"),
        ("Running", "NodeLost", "Unknown"),
        ("Succeeded", "", "Succeeded"),
    ];
    for (phase, reason, expected) in table {
        let mut pod = pod(json!({"phase": phase, "reason": reason}));
        pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        assert_eq!(cells(&pod, now())[2], expected);
    }
}

#[test]
fn restarts_say_when_the_last_one_was() {
    let status = |finished: Value| {
        json!({"phase": "Running", "containerStatuses": [
            {"name": "c", "restartCount": 3, "lastState": {"terminated": finished}},
        ]})
    };
    let table = [
        (status(json!({"finishedAt": "2026-01-01T00:55:00Z"})), "3 (5m ago)"),
        (status(Value::Null), "3"),
    ];
    for (status, expected) in table {
        assert_eq!(cells(&pod(status), now())[3], expected);
    }
}

#[test]
fn what_is_not_known_yet_is_none() {
    let pod = pod(json!({"phase": "Pending"}));

    let cells = cells(&pod, now());

    assert_eq!(cells[0], "p");
    assert_eq!(cells[4], "60m");
    assert_eq!(cells[5..], [json!("<none>"), json!("<none>"), json!("<none>"), json!("<none>")]);
}

fn now() -> Timestamp {
    "2026-01-01T01:00:00Z".parse().unwrap()
}

fn pod(status: Value) -> Value {
    json!({
        "metadata": {"name": "p", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"containers": [{"name": "c"}]}, "status": status,
    })
}

fn containers(states: &[(Value, bool)]) -> Value {
    let statuses: Vec<Value> = states
        .iter()
        .map(|(state, ready)| json!({"name": "c", "state": state, "ready": ready}))
        .collect();
    json!({"phase": "Running", "containerStatuses": statuses})
}
