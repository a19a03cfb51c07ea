//! Ephemeral containers: added to a pod that runs, beside its design.

use kubelet::runtime::Processes;
use serde_json::{Value, json};

use crate::bench::Bench;

/// What `kubectl debug --target main` adds.
fn debug(target: &str) -> Value {
    json!([{"name": "debug", "image": "a", "imagePullPolicy": "IfNotPresent", "stdin": true, "tty": true,
        "targetContainerName": target}])
}

fn plain(policy: &str) -> Value {
    json!({"restartPolicy": policy, "containers": [{"name": "main", "image": "a"}]})
}

fn status(bench: &Bench) -> Value {
    bench.status("web")["ephemeralContainerStatuses"][0].clone()
}

#[test]
fn one_is_started_beside_what_runs_and_sees_the_processes_of_its_target() {
    let mut bench = Bench::new();
    bench.add_pod("web", plain("Always"));

    bench.add_ephemeral_containers("web", debug("main"));

    assert!(bench.is_running("web.debug.0"));
    let order = bench.last_start().unwrap();
    assert!(
        matches!(&order.processes, Processes::Target(id) if id.to_string() == "uid-web.main.0")
    );
    assert!(order.tty && order.stdin);
    let status = status(&bench);
    assert_eq!((&status["name"], &status["ready"]), (&json!("debug"), &json!(false)));
    assert!(status["state"]["running"].is_object() && status.get("started").is_none());
    let told = bench.events.last().unwrap();
    assert_eq!(told["reason"], "Started");
    assert_eq!(told["involvedObject"]["fieldPath"], "spec.ephemeralContainers{debug}");
}

#[test]
fn one_that_has_ended_is_not_started_again_and_its_pod_stays_ready() {
    let mut bench = Bench::new();
    bench.add_pod("web", plain("Always"));
    bench.add_ephemeral_containers("web", debug("main"));

    bench.exit("web.debug.0", 3);
    bench.pass(20);
    bench.restart();

    assert_eq!(bench.started_count(), 2);
    assert_eq!(status(&bench)["state"]["terminated"]["exitCode"], 3);
    assert_eq!(bench.status("web")["phase"], "Running");
    assert_eq!(bench.condition("web", "Ready")["status"], "True");
}

#[test]
fn one_does_not_wait_for_init_containers() {
    let mut bench = Bench::new();
    let mut spec = plain("Always");
    spec["initContainers"] = json!([{"name": "setup", "image": "a"}]);
    bench.add_pod("web", spec);

    bench.add_ephemeral_containers("web", debug(""));

    assert!(bench.is_running("web.setup.0") && bench.is_running("web.debug.0"));
    assert!(!bench.is_running("web.main.0"));
    assert_eq!(bench.last_start().unwrap().processes, Processes::Container);
}

#[test]
fn one_does_not_keep_its_pod_from_ending() {
    let mut bench = Bench::new();
    bench.add_pod("web", plain("Never"));
    bench.add_ephemeral_containers("web", debug("main"));

    bench.exit("web.main.0", 0);
    let stops = bench.stops();
    bench.exit("web.debug.0", 137);

    assert_eq!(stops, [("web.debug.0".to_owned(), 30)]);
    assert_eq!(bench.status("web")["phase"], "Succeeded");
    assert_eq!(status(&bench)["state"]["terminated"]["exitCode"], 137);
}

#[test]
fn one_whose_target_was_never_started_waits_and_says_why() {
    let mut bench = Bench::new();
    bench.add_pod("web", plain("Always"));

    bench.add_ephemeral_containers("web", debug("other"));

    let waiting = &status(&bench)["state"]["waiting"];
    assert_eq!(waiting["reason"], "CreateContainerConfigError");
    assert_eq!(waiting["message"], "unable to find target container other");
    let told = bench.events.last().unwrap();
    assert_eq!(told["message"], "Error: unable to find target container other");
}

#[test]
fn a_sidecar_does_not_keep_its_pod_from_ending() {
    let mut bench = Bench::new();
    let mut spec = plain("Never");
    spec["initContainers"] = json!([{"name": "proxy", "image": "a", "restartPolicy": "Always"}]);
    bench.add_pod("web", spec);

    bench.exit("web.main.0", 0);
    let stops = bench.stops();
    bench.exit("web.proxy.0", 137);

    assert_eq!(stops, [("web.proxy.0".to_owned(), 30)]);
    assert_eq!(bench.status("web")["phase"], "Succeeded");
}
