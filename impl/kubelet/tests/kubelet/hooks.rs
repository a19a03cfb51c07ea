//! Hooks after a container has started and before it is stopped, and whose turn it is to end.

use kubelet::runtime::{Hook, HookAction, HookFailure, ProbeAction};
use serde_json::{Value, json};

use crate::bench::Bench;

fn hooked(name: &str, lifecycle: Value) -> Value {
    json!({"name": name, "image": "a", "lifecycle": lifecycle})
}

fn failure() -> Option<HookFailure> {
    let error = "command 'sh -c x' exited with 127: ".to_owned();
    Some(HookFailure { error, output: "x: not found".to_owned() })
}

fn state(bench: &Bench, index: usize) -> Value {
    bench.status("web")["containerStatuses"][index]["state"].clone()
}

#[test]
fn a_container_does_not_count_as_running_until_its_first_hook_has_ended() {
    let mut bench = Bench::new();
    let lifecycle = json!({"postStart": {"exec": {"command": ["sh", "-c", "x"]}}});
    let second = json!({"name": "second", "image": "a"});
    bench.add_pod("web", json!({"containers": [hooked("main", lifecycle), second]}));

    let during = (bench.is_running("web.second.0"), state(&bench, 0));
    let status = bench.status("web")["containerStatuses"][0].clone();
    let phase = bench.status("web")["phase"].clone();
    bench.end_hook("web.main.0", Hook::PostStart, None);

    let command = vec!["sh".to_owned(), "-c".to_owned(), "x".to_owned()];
    let action = HookAction::Do(ProbeAction::Exec { command });
    assert_eq!(bench.hooks(), [("web.main.0".to_owned(), Hook::PostStart, action)]);
    assert_eq!((during.0, &phase), (false, &json!("Pending")));
    assert_eq!(during.1["waiting"]["reason"], "ContainerCreating");
    assert_eq!((&status["ready"], &status["started"]), (&json!(false), &json!(false)));
    assert!(bench.is_running("web.second.0") && state(&bench, 0)["running"].is_object());
    assert_eq!(bench.condition("web", "Ready")["status"], "True");
}

#[test]
fn a_container_whose_first_hook_fails_is_stopped_and_started_again() {
    let mut bench = Bench::new();
    let lifecycle = json!({"postStart": {"exec": {"command": ["sh", "-c", "x"]}}});
    bench.add_pod("web", json!({"containers": [hooked("main", lifecycle)]}));

    bench.end_hook("web.main.0", Hook::PostStart, failure());
    let stops = bench.stops();
    bench.exit("web.main.0", 137);
    let waiting = state(&bench, 0)["waiting"].clone();
    bench.pass(10);

    assert_eq!(stops, [("web.main.0".to_owned(), 30)]);
    assert_eq!(waiting["reason"], "PostStartHookError");
    assert_eq!(
        waiting["message"],
        "Exec lifecycle hook ([sh -c x]) for Container \"main\" in Pod \"web_default(uid-web)\" failed - \
         error: command 'sh -c x' exited with 127: , message: \"x: not found\""
    );
    assert!(bench.is_running("web.main.1"));
    let told = bench.reasons();
    assert!(
        told.contains(&"FailedPostStartHook".to_owned()) && told.contains(&"Killing".to_owned())
    );
}

#[test]
fn a_container_is_told_to_stop_when_its_last_hook_has_ended_with_what_is_left_of_its_time() {
    let mut bench = Bench::new();
    let get = json!({"path": "stop", "port": 8080});
    bench.add_pod(
        "web",
        json!({"containers": [hooked("main", json!({"preStop": {"httpGet": get}}))]}),
    );

    bench.delete_pod("web", 30);
    bench.pass(7);
    let before = bench.stops();
    bench.end_hook("web.main.0", Hook::PreStop, failure());

    let (_, hook, action) = bench.hooks()[0].clone();
    assert_eq!(hook, Hook::PreStop);
    assert!(matches!(action, HookAction::Do(ProbeAction::HttpGet { host, path, port: 8080, .. })
        if host == "10.0.0.9" && path == "/stop"));
    assert_eq!((before, bench.stops()), (vec![], vec![("web.main.0".to_owned(), 23)]));
    assert_eq!(bench.events.last().unwrap()["message"], "PreStopHook failed");
}

#[test]
fn a_hook_that_takes_too_long_leaves_its_container_two_seconds() {
    let mut bench = Bench::new();
    let lifecycle = json!({"preStop": {"sleep": {"seconds": 100}}});
    bench.add_pod("web", json!({"containers": [hooked("main", lifecycle)]}));

    bench.delete_pod("web", 10);
    bench.pass(9);
    let before = bench.stops();
    bench.pass(1);

    assert_eq!(bench.hooks()[0].2, HookAction::Sleep { seconds: 100 });
    assert_eq!((before, bench.stops()), (vec![], vec![("web.main.0".to_owned(), 2)]));
}

#[test]
fn sidecars_end_after_what_they_serve_the_last_first() {
    let mut bench = Bench::new();
    let sidecar = |name: &str| json!({"name": name, "image": "a", "restartPolicy": "Always"});
    let containers = json!([{"name": "main", "image": "a"}]);
    let init = json!([sidecar("first"), sidecar("second")]);
    bench.add_pod("web", json!({"initContainers": init, "containers": containers}));

    bench.delete_pod("web", 30);
    let at_first = bench.stops();
    bench.pass(4);
    bench.exit("web.main.0", 0);
    let then = bench.stops();
    bench.pass(40);

    let main = ("web.main.0".to_owned(), 30);
    let second = ("web.second.0".to_owned(), 26);
    assert_eq!((at_first.len(), &at_first[0]), (1, &main));
    assert_eq!(then, [main.clone(), second.clone()]);
    assert_eq!(bench.stops(), [main, second, ("web.first.0".to_owned(), 2)]);
}

#[test]
fn a_liveness_probe_may_have_a_grace_period_of_its_own() {
    let mut bench = Bench::new();
    let probe = json!({"exec": {"command": ["false"]}, "failureThreshold": 1, "terminationGracePeriodSeconds": 5});
    bench.add_pod(
        "web",
        json!({"containers": [{"name": "main", "image": "a", "livenessProbe": probe}]}),
    );
    bench.pass(1);

    bench.answer_probe(kubelet::runtime::ProbeType::Liveness, false);

    assert_eq!(bench.stops(), [("web.main.0".to_owned(), 5)]);
}
