//! What an embedded runtime does, as sentences.

#![expect(clippy::unwrap_used, reason = "a test that meets what it does not expect has failed")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use host::node_server::LogOptions;
use kubelet::runtime::{
    ContainerState, File, Mount, MountSource, ProbeAction, RuntimeCommand, RuntimeEvent,
};

use crate::layout;
use crate::machine::Machine;

macro_rules! trials {
    ($($name:ident),* $(,)?) => {
        /// Every trial with its name.
        pub(crate) const ALL: &[(&str, fn())] = &[$((stringify!($name), $name)),*];
    };
}

trials!(
    a_container_writes_its_log_and_exits_with_its_code,
    a_container_has_its_own_namespaces_and_host_name,
    a_missing_program_is_said_so,
    a_container_over_its_memory_limit_is_oom_killed,
    limits_stand_in_the_cgroup,
    a_pod_answers_at_its_address,
    two_pods_reach_each_other,
    a_command_runs_in_a_container_and_returns_its_code,
    a_command_on_a_terminal_has_the_clients_size,
    a_container_that_handles_sigterm_ends_gracefully,
    a_container_that_ignores_sigterm_is_killed_after_the_grace_period,
    a_container_survives_its_kubelet_and_is_adopted,
    the_last_lines_of_a_log_can_be_read,
    a_container_does_not_ignore_broken_pipes,
    a_client_attaches_to_a_container_on_a_terminal,
    probes_say_whether_a_container_answers,
    volumes_hold_what_they_should,
    a_file_that_is_no_image_is_refused,
    an_image_of_an_oci_layout_runs_without_what_its_layers_hide,
    an_image_is_pulled_from_a_registry,
    an_image_that_no_registry_has_is_refused,
    a_container_may_not_change_the_node,
    teardown_leaves_nothing_behind,
);

fn a_container_writes_its_log_and_exits_with_its_code() {
    let mut machine = Machine::new();

    let exit = machine.run("a", &["sh", "-c", "echo out; echo err >&2; exit 7"]);

    assert_eq!((exit.exit_code, exit.oom_killed), (7, false));
    let log = machine.log("a", LogOptions::default());
    let mut lines: Vec<&str> = log.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["err", "out"]);
}

fn a_container_has_its_own_namespaces_and_host_name() {
    let mut machine = Machine::new();

    machine.run(
        "a",
        &["sh", "-c", "hostname; echo $$; ls /proc | grep -c '^[0-9]'; id -u; ls /sys/class/net"],
    );

    let log = machine.log("a", LogOptions::default());
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[..2], ["host-a", "1"]);
    assert!(lines[2].parse::<u32>().unwrap() < 6, "{log}");
    assert_eq!(lines[3..], ["0", "eth0", "lo"]);
}

fn a_missing_program_is_said_so() {
    let mut machine = Machine::new();
    let spec = machine.spec("a", &["no-such-program"]);

    machine.perform(RuntimeCommand::StartContainer(Box::new(spec)));

    let RuntimeEvent::ContainerFailed { message, .. } = machine.next() else {
        panic!("it started")
    };
    assert!(message.contains("no-such-program"), "{message}");
}

fn a_container_over_its_memory_limit_is_oom_killed() {
    let mut machine = Machine::new();
    let mut spec = machine.spec("a", &["sh", "-c", "tail /dev/zero"]);
    spec.resources.memory_limit_bytes = Some(16 << 20);

    machine.start(&spec);
    let exit = machine.exit();

    assert_eq!((exit.exit_code, exit.oom_killed), (137, true));
}

fn limits_stand_in_the_cgroup() {
    let mut machine = Machine::new();
    let mut spec = machine.spec("a", &["sleep", "100"]);
    spec.resources.memory_limit_bytes = Some(64 << 20);
    spec.resources.cpu_quota_microseconds = Some(50_000);

    machine.start(&spec);

    let found = |file: &str| {
        Command::new("find")
            .args(["/sys/fs/cgroup", "-path", "*kanon/test*main.0*", "-name", file])
            .output()
            .unwrap()
    };
    let read = |file: &str| {
        let path = String::from_utf8(found(file).stdout).unwrap();
        path.lines().next().map(|path| std::fs::read_to_string(path).unwrap())
    };
    let memory = read("memory.limit_in_bytes").or_else(|| read("memory.max")).unwrap();
    let cpu = read("cpu.cfs_quota_us").or_else(|| read("cpu.max")).unwrap();
    assert_eq!(memory.trim(), "67108864");
    assert!(cpu.starts_with("50000"), "{cpu}");
}

fn a_pod_answers_at_its_address() {
    let mut machine = Machine::new();

    let address = machine.sandbox("a");

    assert!(address.starts_with("10.211."), "{address}");
    assert!(ping(&address), "{address} does not answer");
}

fn two_pods_reach_each_other() {
    let mut machine = Machine::new();
    let address = machine.sandbox("a");

    let exit = machine.run("b", &["ping", "-c", "1", "-W", "5", &address]);

    assert_eq!(exit.exit_code, 0, "{}", machine.log("b", LogOptions::default()));
}

fn a_command_runs_in_a_container_and_returns_its_code() {
    let mut machine = Machine::new();
    let spec = machine.spec("a", &["sleep", "100"]);
    machine.start(&spec);

    let (code, printed) =
        machine.exec("a", &["sh", "-c", "hostname; cat; exit 3"], false, "typed\n");

    assert_eq!((code, printed.as_str()), (3, "host-a\ntyped\n"));
}

fn a_command_on_a_terminal_has_the_clients_size() {
    let mut machine = Machine::new();
    let spec = machine.spec("a", &["sleep", "100"]);
    machine.start(&spec);

    // stty fails, or says nothing, until the size has arrived.
    let script =
        "until stty size 2>/dev/null | grep '[1-9]'; do sleep 0.05; done; tty; read x; echo got $x";
    let (code, printed) = machine.exec("a", &["sh", "-c", script], true, "word\n");

    assert_eq!(code, 0, "{printed}");
    assert!(printed.contains("45 123") && printed.contains("/dev/pts/"), "{printed}");
    assert!(printed.contains("got word"), "{printed}");
}

fn a_container_that_handles_sigterm_ends_gracefully() {
    let mut machine = Machine::new();
    let spec = machine.spec(
        "a",
        &["sh", "-c", "trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.1; done"],
    );
    machine.start(&spec);
    while !machine.log("a", LogOptions::default()).contains("up") {
        std::thread::yield_now();
    }

    machine.perform(RuntimeCommand::StopContainer { id: spec.id, grace_period_seconds: 30 });

    assert_eq!(machine.exit().exit_code, 5);
    assert_eq!(machine.log("a", LogOptions::default()), "up\nbye\n");
}

fn a_container_that_ignores_sigterm_is_killed_after_the_grace_period() {
    let mut machine = Machine::new();
    let spec = machine.spec("a", &["sleep", "100"]);
    machine.start(&spec);

    machine.perform(RuntimeCommand::StopContainer { id: spec.id, grace_period_seconds: 1 });

    assert_eq!(machine.exit().exit_code, 137);
}

fn a_container_survives_its_kubelet_and_is_adopted() {
    let mut machine = Machine::new();
    let spec = machine.spec("a", &["sh", "-c", "sleep 100"]);
    machine.start(&spec);

    let found = machine.restart();

    let [pod] = found.as_slice() else { panic!("{found:?}") };
    assert!(pod.sandbox_ip.is_some());
    assert!(matches!(pod.containers[0].state, ContainerState::Running { .. }), "{pod:?}");
    machine.perform(RuntimeCommand::StopContainer { id: spec.id, grace_period_seconds: 0 });
    assert_eq!(machine.exit().exit_code, 137);
}

fn the_last_lines_of_a_log_can_be_read() {
    let mut machine = Machine::new();
    machine.run("a", &["sh", "-c", "for i in 1 2 3 4 5; do echo $i; done"]);

    let last =
        machine.log("a", LogOptions { tail_lines: Some(2), follow: true, ..LogOptions::default() });

    assert_eq!(last, "4\n5\n");
}

fn a_container_does_not_ignore_broken_pipes() {
    let mut machine = Machine::new();

    machine.run("a", &["grep", "SigIgn", "/proc/self/status"]);

    let log = machine.log("a", LogOptions::default());
    let ignored = u64::from_str_radix(log.split_whitespace().nth(1).unwrap(), 16).unwrap();
    // 13 is SIGPIPE; glibc itself makes children ignore 32 and 33, which are its own.
    assert_eq!(ignored & (1 << (13 - 1)), 0, "{log}");
}

fn a_client_attaches_to_a_container_on_a_terminal() {
    let mut machine = Machine::new();
    let mut spec = machine.spec("a", &["sh", "-c", "read word; echo got $word; exit 4"]);
    (spec.tty, spec.stdin) = (true, true);
    machine.start(&spec);

    let (code, printed) = machine.exec("a", &[], true, "hello\n");

    assert_eq!(code, 4, "{printed}");
    assert!(printed.contains("got hello"), "{printed}");
}

fn probes_say_whether_a_container_answers() {
    let mut machine = Machine::new();
    let spec =
        machine.spec("a", &["sh", "-c", "echo ok > /tmp/index.html; httpd -f -p 8080 -h /tmp"]);
    machine.start(&spec);
    let address = machine.address("a");
    let get = |path: &str| ProbeAction::HttpGet {
        host: address.clone(),
        port: 8080,
        path: path.to_owned(),
        headers: vec![],
        https: false,
    };
    let exec = |code: &str| ProbeAction::Exec {
        command: vec!["sh".into(), "-c".into(), format!("exit {code}")],
    };
    while !machine.probe(&spec.id, get("/index.html")).0 {}

    let missing = machine.probe(&spec.id, get("/missing"));
    let closed = machine.probe(&spec.id, ProbeAction::TcpSocket { host: address.clone(), port: 9 });
    let commands = [machine.probe(&spec.id, exec("0")).0, machine.probe(&spec.id, exec("1")).0];

    assert_eq!(missing, (false, "HTTP probe failed with statuscode: 404".to_owned()));
    assert_eq!(closed, (false, format!("dial tcp {address}:9: connect: connection refused")));
    assert_eq!(commands, [true, false]);
}

fn volumes_hold_what_they_should() {
    let mut machine = Machine::new();
    let mut spec = machine.spec(
        "a",
        &["sh", "-c", "cat /config/key; echo x > /scratch/y && ls /scratch; echo z > /config/key"],
    );
    let file = File { content: b"value\n".to_vec(), mode: 0o644, owner: None, group: None };
    let files = BTreeMap::from([("key".to_owned(), file)]);
    let mount = |source: MountSource, path: &str, read_only: bool| Mount {
        source,
        sub_path: String::new(),
        path: path.to_owned(),
        read_only,
    };
    spec.mounts = vec![
        mount(MountSource::Files { volume: "config".to_owned(), files }, "/config", true),
        mount(
            MountSource::EmptyDir { volume: "scratch".to_owned(), memory: true },
            "/scratch",
            false,
        ),
    ];

    machine.start(&spec);
    let exit = machine.exit();

    let log = machine.log("a", LogOptions::default());
    assert!(log.starts_with("value\ny\n") && log.contains("Read-only file system"), "{log}");
    assert_eq!(exit.exit_code, 1);
}

fn a_file_that_is_no_image_is_refused() {
    let machine = Machine::new();
    let path = machine.data_dir().join("broken.tar");
    std::fs::write(&path, "this is not an image, whatever its name says").unwrap();

    let error = node::image::load(machine.data_dir(), &path).unwrap_err().to_string();

    assert!(error.starts_with(&format!("cannot read image {}", path.display())), "{error}");
}

/// What is in the image of `layout`.
const LAYOUT_FILES: [&str; 4] = ["/all", "/all/new", "/data", "/data/kept"];

fn an_image_of_an_oci_layout_runs_without_what_its_layers_hide() {
    let mut machine = Machine::new();
    let layout = layout::write(machine.data_dir(), "example.test/layered:1");

    let names = node::image::load(machine.data_dir(), &layout).unwrap();

    assert_eq!(names, ["example.test/layered:1"]);
    assert_eq!(machine.files_of("example.test/layered:1"), LAYOUT_FILES);
}

fn an_image_is_pulled_from_a_registry() {
    let mut machine = Machine::new();
    let layout = layout::write(machine.data_dir(), "any");
    let image = format!("{}/layered:1", machine.tokio.block_on(layout::serve(layout)));

    let pulled = machine.pull(&image);

    assert!(matches!(pulled, RuntimeEvent::ImagePulled { .. }), "{pulled:?}");
    assert_eq!(machine.files_of(&image), LAYOUT_FILES);
}

fn an_image_that_no_registry_has_is_refused() {
    let mut machine = Machine::new();

    let pulled = machine.pull("127.0.0.1:1/nothing:1");

    let RuntimeEvent::ImagePullFailed { message, .. } = pulled else { panic!("{pulled:?}") };
    assert!(message.contains("127.0.0.1:1/nothing:1"), "{message}");
}

fn a_container_may_not_change_the_node() {
    let mut machine = Machine::new();

    let script = "echo 1 > /proc/sys/kernel/panic; mount -t tmpfs x /tmp; date -s 2000-01-01; cat /proc/kcore | head -c 1; echo end";
    machine.run("a", &["sh", "-c", script]);

    let log = machine.log("a", LogOptions::default());
    // Standard output and standard error come by two ways: which line is the last is not said.
    assert!(log.contains("Read-only file system") && log.contains("end\n"), "{log}");
    let refusals = log.matches("permission denied (are you root?)").count()
        + log.matches("Operation not permitted").count();
    assert_eq!(refusals, 2, "{log}");
}

fn teardown_leaves_nothing_behind() {
    let mut machine = Machine::new();
    let spec = machine.spec("a", &["sleep", "100"]);
    machine.start(&spec);
    let address = machine.address("a");

    node::teardown(machine.data_dir());

    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(&machine.data_dir().display().to_string()), "{mounts}");
    assert!(!Path::new(machine.data_dir()).join("nodes").exists());
    let routes = Command::new("ip").arg("route").output().unwrap();
    let routes = String::from_utf8(routes.stdout).unwrap();
    assert!(!routes.contains(&format!("{address} ")), "{routes}");
}

fn ping(address: &str) -> bool {
    let ping = Command::new("/bin/busybox").args(["ping", "-c", "1", "-W", "5", address]).output();
    ping.is_ok_and(|ping| ping.status.success())
}
