//! Whole lives of pods: a kubelet with a pretended runtime and API server, and a clock of its own.

#[path = "kubelet/bench.rs"]
mod bench;
#[path = "kubelet/claims.rs"]
mod claims;
#[path = "kubelet/ephemeral.rs"]
mod ephemeral;
#[path = "kubelet/eviction.rs"]
mod eviction;
#[path = "kubelet/following.rs"]
mod following;
#[path = "kubelet/hooks.rs"]
mod hooks;
#[path = "kubelet/machine.rs"]
mod machine;
#[path = "kubelet/resize.rs"]
mod resize;
#[path = "kubelet/static_pods.rs"]
mod static_pods;
#[path = "kubelet/tokens.rs"]
mod tokens;

use bench::Bench;
use kubelet::runtime::{
    ContainerState, ContainerStatus, Exit, ProbeAction, ProbeType, RuntimeCommand, RuntimeStatus,
};
use serde_json::json;

#[test]
fn a_bound_pod_runs_and_its_status_says_so() {
    let mut bench = Bench::new();

    bench.add_pod(
        "web",
        json!({"containers": [{"name": "main", "image": "a", "imagePullPolicy": "IfNotPresent"}]}),
    );

    let status = bench.status("web");
    assert_eq!(status["phase"], "Running");
    assert_eq!((&status["podIP"], &status["hostIP"]), (&json!("10.0.0.9"), &json!("192.0.2.1")));
    assert_eq!(status["qosClass"], "BestEffort");
    let container = &status["containerStatuses"][0];
    assert_eq!((&container["ready"], &container["started"]), (&json!(true), &json!(true)));
    assert_eq!(container["imageID"], "sha256:a");
    assert_eq!(container["containerID"], "kanon://uid-web.main.0");
    assert_eq!(bench.condition("web", "Ready")["status"], "True");
    assert_eq!(bench.reasons(), ["Starting", "Pulled", "Created", "Started"]);
}

#[test]
fn a_crashing_container_waits_longer_each_time() {
    let mut bench = Bench::new();
    bench.add_pod("web", plain("Always"));

    bench.exit("web.main.0", 1);
    let restarted_at_once = bench.is_running("web.main.1");
    bench.exit("web.main.1", 1);
    let waiting = bench.status("web")["containerStatuses"][0].clone();
    bench.pass(9);
    let early = bench.is_running("web.main.2");
    bench.pass(1);
    let late = bench.is_running("web.main.2");

    assert_eq!((restarted_at_once, early, late), (true, false, true));
    assert_eq!(waiting["state"]["waiting"]["reason"], "CrashLoopBackOff");
    assert_eq!(
        waiting["state"]["waiting"]["message"],
        "back-off 10s restarting failed container=main pod=web_default(uid-web)"
    );
    assert_eq!(waiting["lastState"]["terminated"]["exitCode"], 1);
    assert_eq!(waiting["restartCount"], 1);
    bench.exit("web.main.2", 1);
    let message = &bench.status("web")["containerStatuses"][0]["state"]["waiting"]["message"];
    assert_eq!(message, "back-off 20s restarting failed container=main pod=web_default(uid-web)");
}

#[test]
fn restart_policy_decides_how_a_pod_ends() {
    let rows = [
        ("Never", 0, "Succeeded", "PodCompleted"),
        ("Never", 3, "Failed", "PodFailed"),
        ("OnFailure", 0, "Succeeded", "PodCompleted"),
    ];
    for (policy, code, phase, reason) in rows {
        let mut bench = Bench::new();
        bench.add_pod("web", plain(policy));

        bench.exit("web.main.0", code);

        let status = bench.status("web");
        assert_eq!(status["phase"], phase, "{policy} {code}");
        assert_eq!(status["containerStatuses"][0]["state"]["terminated"]["exitCode"], code);
        assert_eq!(bench.condition("web", "Ready")["reason"], reason);
        assert!(bench.has_no_sandbox("web"));
    }
}

#[test]
fn a_deleted_pod_ends_gracefully_before_its_object_goes() {
    let mut bench = Bench::new();
    bench.add_pod("web", plain("Always"));

    bench.delete_pod("web", 30);

    assert_eq!(bench.stops(), [("web.main.0".to_owned(), 30)]);
    assert!(bench.pod("web").is_some());
    bench.exit("web.main.0", 143);
    assert!(bench.pod("web").is_none());
    assert_eq!(bench.last_status("web")["phase"], "Failed");
    assert!(bench.ran(&RuntimeCommand::RemovePod { pod_uid: "uid-web".to_owned() }));
}

#[test]
fn a_shorter_deletion_shortens_the_grace_period() {
    let mut bench = Bench::new();
    bench.add_pod("web", plain("Always"));

    bench.delete_pod("web", 30);
    bench.delete_pod("web", 2);
    bench.delete_pod("web", 10);

    let stops = [("web.main.0".to_owned(), 30), ("web.main.0".to_owned(), 2)];
    assert_eq!(bench.stops(), stops);
}

#[test]
fn a_pod_whose_object_vanishes_is_stopped_and_forgotten() {
    let mut bench = Bench::new();
    bench.add_pod("web", plain("Always"));

    bench.vanish("web");
    bench.exit("web.main.0", 137);

    assert!(bench.ran(&RuntimeCommand::RemovePod { pod_uid: "uid-web".to_owned() }));
}

fn wants(cpu: &str) -> serde_json::Value {
    json!({"containers": [{"name": "main", "image": "a", "resources": {"requests": {"cpu": cpu}}}]})
}

#[test]
fn a_pod_that_has_said_how_it_ended_takes_no_room() {
    let mut bench = Bench::new();
    bench.keeps_sandboxes = true;
    bench.add_pod("first", wants("1500m"));
    bench.delete_pod("first", 30);
    bench.add_pod("early", wants("1500m"));

    bench.exit("first.main.0", 137);
    bench.add_pod("next", wants("1500m"));

    assert_eq!(bench.status("early")["reason"], "OutOfcpu");
    assert_eq!(bench.status("first")["phase"], "Failed");
    assert!(bench.is_running("next.main.0"), "{}", bench.status("next"));
}

#[test]
fn a_pod_that_does_not_fit_is_rejected() {
    let mut bench = Bench::new();
    bench.add_pod("first", wants("1500m"));

    bench.add_pod("second", wants("1"));

    let status = bench.status("second");
    assert_eq!((&status["phase"], &status["reason"]), (&json!("Failed"), &json!("OutOfcpu")));
    assert_eq!(
        status["message"],
        "Pod was rejected: Node didn't have enough resource: cpu, requested: 1000, used: 1500, capacity: 2000"
    );
    assert!(!bench.is_running("second.main.0"));
}

#[test]
fn init_containers_run_one_after_the_other() {
    let mut bench = Bench::new();
    let container = |name: &str| json!({"name": name, "image": "a"});
    bench.add_pod(
        "web",
        json!({"initContainers": [container("one"), container("two")],
        "containers": [container("main")]}),
    );

    let first = (bench.is_running("web.one.0"), bench.is_running("web.two.0"));
    let message = bench.condition("web", "Initialized")["message"].clone();
    bench.exit("web.one.0", 0);
    let second = (bench.is_running("web.two.0"), bench.is_running("web.main.0"));
    bench.exit("web.two.0", 0);

    assert_eq!((first, second), ((true, false), (true, false)));
    assert_eq!(message, "containers with incomplete status: [one two]");
    assert!(bench.is_running("web.main.0"));
    assert_eq!(bench.status("web")["phase"], "Running");
}

#[test]
fn a_failed_init_container_fails_a_pod_that_never_restarts() {
    let mut bench = Bench::new();
    let container = |name: &str| json!({"name": name, "image": "a"});
    bench.add_pod(
        "web",
        json!({"restartPolicy": "Never", "initContainers": [container("one")],
        "containers": [container("main")]}),
    );

    bench.exit("web.one.0", 1);

    assert_eq!(bench.status("web")["phase"], "Failed");
    assert!(!bench.is_running("web.main.0"));
}

#[test]
fn readiness_follows_the_thresholds_of_its_probe() {
    let mut bench = Bench::new();
    bench.add_pod(
        "web",
        probed("readinessProbe", json!({"failureThreshold": 2, "periodSeconds": 1})),
    );
    let ready = |bench: &Bench| bench.status("web")["containerStatuses"][0]["ready"] == true;

    let before = ready(&bench);
    bench.answer_probe(ProbeType::Readiness, true);
    let after_success = ready(&bench);
    bench.answer_probe(ProbeType::Readiness, false);
    let after_one_failure = ready(&bench);
    bench.answer_probe(ProbeType::Readiness, false);

    assert_eq!(
        (before, after_success, after_one_failure, ready(&bench)),
        (false, true, true, false)
    );
    let condition = bench.condition("web", "Ready");
    assert_eq!(condition["reason"], "ContainersNotReady");
    assert_eq!(condition["message"], "containers with unready status: [main]");
    assert!(bench.reasons().contains(&"Unhealthy".to_owned()));
}

#[test]
fn a_container_that_fails_its_liveness_probe_is_restarted() {
    let mut bench = Bench::new();
    bench.add_pod(
        "web",
        probed("livenessProbe", json!({"failureThreshold": 1, "periodSeconds": 1})),
    );

    bench.answer_probe(ProbeType::Liveness, false);
    let stops = bench.stops();
    bench.exit("web.main.0", 137);

    assert_eq!(stops, [("web.main.0".to_owned(), 30)]);
    assert!(bench.is_running("web.main.1"));
}

#[test]
fn other_probes_wait_for_the_startup_probe() {
    let mut bench = Bench::new();
    let mut spec = probed("startupProbe", json!({"periodSeconds": 1}));
    spec["containers"][0]["readinessProbe"] =
        json!({"tcpSocket": {"port": 80}, "periodSeconds": 1});
    bench.add_pod("web", spec);
    bench.pass(1);

    let before = bench.probes_in_flight();
    bench.answer_probe(ProbeType::Startup, true);
    bench.pass(1);

    assert_eq!(
        (before, bench.probes_in_flight()),
        (vec![ProbeType::Startup], vec![ProbeType::Readiness])
    );
}

#[test]
fn a_probe_goes_to_the_pods_address_and_named_port() {
    let mut bench = Bench::new();
    bench.add_pod(
        "web",
        json!({"containers": [{"name": "main", "image": "a",
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/ok", "port": "http"}}}]}),
    );

    let expected = ProbeAction::HttpGet {
        host: "10.0.0.9".to_owned(),
        port: 8080,
        path: "/ok".to_owned(),
        headers: vec![],
        https: false,
    };

    assert_eq!(bench.last_probe_action(), Some(expected));
}

#[test]
fn a_probe_by_grpc_asks_the_pods_address_for_a_service() {
    let mut bench = Bench::new();
    let probe = json!({"grpc": {"port": 5000, "service": "web"}});
    let container = json!({"name": "main", "image": "a", "livenessProbe": probe});

    bench.add_pod("web", json!({"containers": [container]}));

    let (host, service) = ("10.0.0.9".to_owned(), "web".to_owned());
    assert_eq!(bench.last_probe_action(), Some(ProbeAction::Grpc { host, port: 5000, service }));
}

#[test]
fn an_image_that_cannot_be_pulled_is_backed_off_from() {
    let mut bench = Bench::new();
    bench.add_pod("web", json!({"containers": [{"name": "main", "image": "missing"}]}));
    let reason = |bench: &Bench| {
        bench.status("web")["containerStatuses"][0]["state"]["waiting"]["reason"].clone()
    };

    let first = reason(&bench);
    bench.pass(1);
    let second = reason(&bench);

    assert_eq!((first, second), (json!("ErrImagePull"), json!("ImagePullBackOff")));
    assert_eq!(bench.status("web")["phase"], "Pending");
}

#[test]
fn an_image_that_must_be_there_is_never_pulled() {
    let mut bench = Bench::new();

    bench.add_pod(
        "web",
        json!({"containers": [{"name": "main", "image": "missing", "imagePullPolicy": "Never"}]}),
    );

    let state = &bench.status("web")["containerStatuses"][0]["state"]["waiting"];
    assert_eq!(state["reason"], "ErrImageNeverPull");
    assert_eq!(
        state["message"],
        "Container image \"missing\" is not present with pull policy of Never"
    );
}

#[test]
fn a_container_killed_for_memory_says_so() {
    let mut bench = Bench::new();
    bench.add_pod("web", plain("Never"));

    bench.exit_with("web.main.0", |finished_at| Exit {
        exit_code: 137,
        oom_killed: true,
        finished_at,
        message: "too much".to_owned(),
    });

    let state = &bench.status("web")["containerStatuses"][0]["state"]["terminated"];
    assert_eq!((&state["reason"], &state["exitCode"]), (&json!("OOMKilled"), &json!(137)));
    assert_eq!(state["message"], "too much");
}

#[test]
fn a_pod_that_is_active_for_too_long_is_stopped_and_has_failed() {
    let mut bench = Bench::new();
    let mut spec = plain("Always");
    spec["activeDeadlineSeconds"] = json!(5);
    bench.add_pod("web", spec);

    bench.pass(4);
    let before = bench.stops();
    bench.pass(1);
    let during = bench.status("web")["phase"].clone();
    bench.exit("web.main.0", 0);

    assert_eq!((before, bench.stops()), (vec![], vec![("web.main.0".to_owned(), 30)]));
    assert_eq!(during, "Running");
    let status = bench.status("web");
    assert_eq!(
        (&status["phase"], &status["reason"]),
        (&json!("Failed"), &json!("DeadlineExceeded"))
    );
    assert_eq!(status["message"], "Pod was active on the node longer than the specified deadline");
    bench.restart();
    assert_eq!(bench.status("web")["reason"], "DeadlineExceeded");
}

#[test]
fn a_restarted_kubelet_leaves_what_was_said_of_a_pod_that_was_refused() {
    let mut bench = Bench::new();
    let sysctls = json!([{"name": "kernel.msgmax", "value": "1"}]);
    let mut spec = plain("Always");
    spec["securityContext"] = json!({"sysctls": sysctls});
    bench.add_pod("web", spec);
    let said = bench.status("web");

    bench.restart();

    assert_eq!(said["reason"], "SysctlForbidden");
    assert_eq!(bench.status("web"), said);
}

#[test]
fn a_restarted_kubelet_adopts_what_runs() {
    let mut bench = Bench::new();
    bench.add_pod("web", plain("Always"));

    bench.restart();

    assert!(bench.is_running("web.main.0"));
    assert_eq!(bench.started_count(), 1);
    assert_eq!(bench.status("web")["containerStatuses"][0]["restartCount"], 0);
}

#[test]
fn a_container_that_ends_before_its_pod_is_heard_of_has_ended() {
    let mut bench = Bench::new();
    bench.add_pod("web", plain("Never"));

    bench.restart_unlisted();
    bench.exit("web.main.0", 3);
    bench.list();

    assert_eq!(bench.status("web")["phase"], "Failed");
}

#[test]
fn a_pod_whose_node_has_lost_its_containers_stays_running() {
    let mut bench = Bench::new();
    bench.add_pod("web", plain("Always"));
    let before = bench.status("web")["phase"].clone();

    bench.restart_with(vec![]);

    assert_eq!(
        (before, bench.status("web")["phase"].clone()),
        (json!("Running"), json!("Running"))
    );
}

#[test]
fn a_restarted_kubelet_ends_what_belongs_to_no_pod() {
    let mut bench = Bench::new();
    let container = bench.container_status("gone.main.0");
    let found = RuntimeStatus {
        pod_uid: "uid-gone".to_owned(),
        pod: api::Key::new("default", "gone"),
        sandbox_ip: Some("10.0.0.8".to_owned()),
        containers: vec![ContainerStatus {
            state: ContainerState::Running { started_at: bench.now() },
            ..container
        }],
        resources: None,
    };

    bench.restart_with(vec![found]);

    assert_eq!(bench.stops(), [("gone.main.0".to_owned(), 2)]);
}

#[test]
fn environment_comes_from_config_maps_secrets_and_fields() {
    let mut bench = Bench::new();
    bench.put_config_map("settings", json!({"color": "red"}));

    bench.add_pod("web", json!({"containers": [{"name": "main", "image": "a",
        "envFrom": [{"configMapRef": {"name": "settings"}}],
        "args": ["$(COLOR)"],
        "env": [
            {"name": "COLOR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "color"}}},
            {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ]}]}));

    let order = bench.last_start().unwrap();
    let variable = |name: &str| {
        order.env.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    };
    assert_eq!(
        (variable("color"), variable("COLOR"), variable("NAME")),
        (Some("red"), Some("red"), Some("web"))
    );
    assert_eq!(order.args, ["red"]);
}

#[test]
fn a_missing_config_map_keeps_a_container_from_starting() {
    let mut bench = Bench::new();

    bench.add_pod(
        "web",
        json!({"containers": [{"name": "main", "image": "a",
        "envFrom": [{"configMapRef": {"name": "settings"}}]}]}),
    );

    let state = &bench.status("web")["containerStatuses"][0]["state"]["waiting"];
    assert_eq!(state["reason"], "CreateContainerConfigError");
    assert_eq!(state["message"], "configmap \"settings\" not found");
}

#[test]
fn a_node_registers_itself_and_renews_its_lease() {
    let mut bench = Bench::new();
    bench.pass(0);

    let node = bench.object("nodes/node-1").unwrap();
    let ready = node["status"]["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["type"] == "Ready")
        .unwrap();
    assert_eq!(ready["reason"], "KubeletReady");
    assert_eq!(node["status"]["allocatable"]["cpu"], "2");
    let before =
        bench.object("leases/kube-node-lease/node-1").unwrap()["spec"]["renewTime"].clone();
    bench.pass(10);
    let after = bench.object("leases/kube-node-lease/node-1").unwrap()["spec"]["renewTime"].clone();
    assert_ne!(before, after);
}

#[test]
fn what_others_say_that_a_node_has_is_allocatable() {
    let mut bench = Bench::new();
    bench.pass(0);
    bench.add_extended_resource("example.com/gpu", "5");

    bench.pass(10);

    let node = bench.object("nodes/node-1").unwrap();
    assert_eq!(node["status"]["allocatable"]["example.com/gpu"], "5");
    assert_eq!(node["status"]["capacity"]["example.com/gpu"], "5");
    assert_eq!(node["status"]["allocatable"]["cpu"], "2");
}

#[test]
fn a_node_that_was_declared_unready_says_that_it_is_ready() {
    let mut bench = Bench::new();
    bench.pass(0);
    bench.declare_unready();

    bench.pass(10);

    let node = bench.object("nodes/node-1").unwrap();
    let ready = node["status"]["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["type"] == "Ready")
        .unwrap();
    assert_eq!(ready["status"], "True");
}

fn plain(policy: &str) -> serde_json::Value {
    json!({"restartPolicy": policy, "containers": [{"name": "main", "image": "a"}]})
}

fn probed(field: &str, mut probe: serde_json::Value) -> serde_json::Value {
    probe["tcpSocket"] = json!({"port": 80});
    let mut container = json!({"name": "main", "image": "a"});
    container[field] = probe;
    json!({"containers": [container]})
}
