//! One node on this machine: a data directory, an image, an embedded runtime, and what it reported.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets what it does not expect has failed"
)]

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use api::Key;
use bytes::Bytes;
use host::node_server::{ContainerRef, ExecOptions, ExecStreams, LogOptions, NodeServer};
use http_body_util::BodyExt;
use kubelet::runtime::{
    ContainerId, ContainerSpec, Exit, HostNamespaces, HostsFile, ProbeAction, ProbeType, Processes,
    Resources, RuntimeCommand, RuntimeEvent, RuntimeStatus, SandboxSpec, Security,
    TerminationMessage,
};
use node::{Embedded, EmbeddedConfig, Runtime};
use tempfile::TempDir;
use tokio::sync::mpsc::{self, UnboundedReceiver};

static NODE_NUMBER: AtomicU32 = AtomicU32::new(1);

/// The image that every trial uses.
pub(crate) const IMAGE: &str = "busybox:test";

/// A node. What it made is gone when it is dropped.
pub(crate) struct Machine {
    pub(crate) tokio: tokio::runtime::Runtime,
    pub(crate) runtime: Embedded,
    events: UnboundedReceiver<RuntimeEvent>,
    config: EmbeddedConfig,
    directory: TempDir,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let archive = node::image::busybox_archive(Path::new("/bin/busybox"), IMAGE).unwrap();
        let file = directory.path().join("busybox.tar");
        std::fs::write(&file, archive).unwrap();
        node::image::load(directory.path(), &file).unwrap();
        let number = std::process::id() % 200 + NODE_NUMBER.fetch_add(1, Ordering::Relaxed);
        let config = EmbeddedConfig {
            data_dir: directory.path().to_owned(),
            node: format!("test-{}-{number}", std::process::id()),
            pod_cidr: format!("10.211.{}.0/24", number % 256),
            node_ip: String::new(),
        };
        let tokio = tokio::runtime::Runtime::new().unwrap();
        let (runtime, events, _) = start(&tokio, &config);
        Self { tokio, runtime, events, config, directory }
    }

    /// Forgets the runtime as a killed process would, and starts another on what it left.
    pub(crate) fn restart(&mut self) -> Vec<RuntimeStatus> {
        let (runtime, events, found) = start(&self.tokio, &self.config);
        (self.runtime, self.events) = (runtime, events);
        found
    }

    pub(crate) fn data_dir(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn perform(&self, command: RuntimeCommand) {
        let _inside = self.tokio.enter();
        self.runtime.perform(command);
    }

    pub(crate) fn next(&mut self) -> RuntimeEvent {
        let events = &mut self.events;
        let next = async { tokio::time::timeout(Duration::from_secs(30), events.recv()).await };
        self.tokio.block_on(next).expect("a report within 30 s").expect("a runtime")
    }

    /// Makes a pod's sandbox; returns its address.
    pub(crate) fn sandbox(&mut self, pod_uid: &str) -> String {
        self.perform(RuntimeCommand::CreateSandbox(SandboxSpec {
            pod_uid: pod_uid.to_owned(),
            pod: pod(pod_uid),
            hostname: format!("host-{pod_uid}"),
            host_network: false,
            sysctls: vec![],
            resources: kubelet::runtime::Resources::default(),
            shares_processes: false,
        }));
        match self.next() {
            RuntimeEvent::SandboxReady { ip, .. } => ip,
            other => panic!("no sandbox: {other:?}"),
        }
    }

    pub(crate) fn pull(&mut self, image: &str) -> RuntimeEvent {
        let id = ContainerId { pod_uid: "a".to_owned(), name: "main".to_owned(), attempt: 0 };
        self.perform(RuntimeCommand::PullImage { id, image: image.to_owned() });
        self.next()
    }

    /// What an image prints that lists its files.
    pub(crate) fn files_of(&mut self, image: &str) -> Vec<String> {
        let spec = self.spec_of("a", &[], image);
        self.start(&spec);
        self.exit();
        let mut files: Vec<String> =
            self.log("a", LogOptions::default()).lines().map(str::to_owned).collect();
        files.sort();
        files
    }

    /// A container of the test image, in a pod of its own that is made first.
    pub(crate) fn spec(&mut self, pod_uid: &str, command: &[&str]) -> ContainerSpec {
        self.spec_of(pod_uid, command, IMAGE)
    }

    fn spec_of(&mut self, pod_uid: &str, command: &[&str], image: &str) -> ContainerSpec {
        let id = ContainerId { pod_uid: pod_uid.to_owned(), name: "main".to_owned(), attempt: 0 };
        self.sandbox(pod_uid);
        self.perform(RuntimeCommand::ImageStatus { id: id.clone(), image: image.to_owned() });
        let RuntimeEvent::ImageStatus { image_id: Some(image_id), .. } = self.next() else {
            panic!("the image is not there")
        };
        ContainerSpec {
            id,
            pod: pod(pod_uid),
            image: image.to_owned(),
            image_id,
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            args: vec![],
            working_dir: String::new(),
            env: vec![],
            hosts: HostsFile::default(),
            mounts: vec![],
            resources: Resources { cpu_shares: 2, ..Resources::default() },
            security: Security { allow_privilege_escalation: true, ..Security::default() },
            host: HostNamespaces::default(),
            processes: Processes::default(),
            termination_message: TerminationMessage::default(),
            tty: false,
            stdin: false,
        }
    }

    pub(crate) fn start(&mut self, spec: &ContainerSpec) {
        self.perform(RuntimeCommand::StartContainer(Box::new(spec.clone())));
        match self.next() {
            RuntimeEvent::ContainerStarted { .. } => {}
            other => panic!("not started: {other:?}"),
        }
    }

    pub(crate) fn exit(&mut self) -> Exit {
        match self.next() {
            RuntimeEvent::ContainerExited { exit, .. } => exit,
            other => panic!("not ended: {other:?}"),
        }
    }

    /// Starts a command and waits for its end.
    pub(crate) fn run(&mut self, pod_uid: &str, command: &[&str]) -> Exit {
        let spec = self.spec(pod_uid, command);
        self.start(&spec);
        self.exit()
    }

    /// A pod's address.
    pub(crate) fn address(&mut self, pod_uid: &str) -> String {
        let record =
            self.data_dir().join("nodes").join(&self.config.node).join("pods").join(pod_uid);
        let record = std::fs::read(record.join("pod.json")).unwrap();
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
        record["address"].as_str().unwrap().to_owned()
    }

    /// Probes a container once.
    pub(crate) fn probe(&mut self, id: &ContainerId, action: ProbeAction) -> (bool, String) {
        let (id, probe) = (id.clone(), ProbeType::Readiness);
        self.perform(RuntimeCommand::Probe { id, probe, action, timeout_seconds: 5 });
        match self.next() {
            RuntimeEvent::Probed { success, output, .. } => (success, output),
            other => panic!("no probe: {other:?}"),
        }
    }

    pub(crate) fn log(&self, pod_uid: &str, options: LogOptions) -> String {
        let log = self.runtime.logs(reference(pod_uid), options);
        let bytes =
            self.tokio.block_on(async { log.await.unwrap().collect().await.unwrap().to_bytes() });
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    /// Runs a command in a running container, typing `input`; returns its code and what it printed.
    pub(crate) fn exec(
        &self,
        pod_uid: &str,
        command: &[&str],
        tty: bool,
        input: &str,
    ) -> (i32, String) {
        let options = ExecOptions {
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            tty,
            stdin: true,
            stdout: true,
            stderr: !tty,
        };
        let (stdin_sender, stdin) = mpsc::channel(4);
        let (resize_sender, resize) = mpsc::channel(4);
        let (stdout, mut printed) = mpsc::channel(64);
        self.tokio.block_on(async {
            resize_sender.send((123, 45)).await.unwrap();
            if !input.is_empty() {
                stdin_sender.send(Bytes::copy_from_slice(input.as_bytes())).await.unwrap();
            }
            if !tty {
                drop(stdin_sender);
            }
            let streams = ExecStreams { stdin, resize, stderr: stdout.clone(), stdout };
            let running = self.runtime.exec(reference(pod_uid), options, streams);
            let reading = async {
                let mut text = String::new();
                while let Some(bytes) = printed.recv().await {
                    text.push_str(&String::from_utf8_lossy(&bytes));
                }
                text
            };
            let (code, text) = tokio::join!(running, reading);
            (code.unwrap(), text)
        })
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        node::teardown(self.directory.path());
    }
}

fn start(
    tokio: &tokio::runtime::Runtime,
    config: &EmbeddedConfig,
) -> (Embedded, UnboundedReceiver<RuntimeEvent>, Vec<RuntimeStatus>) {
    let runtime = Embedded::new(config.clone()).unwrap();
    let (sender, events) = mpsc::unbounded_channel();
    let found = tokio.block_on(runtime.start(sender)).unwrap();
    (runtime, events, found)
}

pub(crate) fn pod(pod_uid: &str) -> Key {
    Key::new("default", &format!("pod-{pod_uid}"))
}

fn reference(pod_uid: &str) -> ContainerRef {
    let Key { namespace, name } = pod(pod_uid);
    ContainerRef { namespace, pod: name, container: "main".to_owned() }
}
