//! The pretended world: it carries out every command at once, except that containers end and probes answer
//! only when a test says so.

#![expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets what it does not expect has failed"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use api::{AnyObject, Key, Reason, Request, Status, Timestamp, Verb};
use client::{Change, Outcome};
use k8s_openapi::api::core::v1::Pod;
use kubelet::eviction::{Threshold, Usage};
use kubelet::runtime::{
    ContainerId, ContainerSpec, ContainerState, ContainerStatus, Exit, Hook, HookAction,
    HookFailure, ProbeAction, ProbeType, ResizeChange, ResizeStep, RuntimeCommand, RuntimeEvent,
    RuntimeStatus,
};
use kubelet::{Capacity, Command, Config, Followed, Input, Kubelet, StaticPod};
use serde_json::{Value, json};

pub(crate) struct Bench {
    kubelet: Kubelet,
    now: Timestamp,
    revision: u64,
    objects: BTreeMap<String, Value>,
    gone: BTreeMap<String, Value>,
    running: BTreeMap<String, RuntimeStatus>,
    pub(crate) commands: Vec<RuntimeCommand>,
    pub(crate) events: Vec<Value>,
    /// The path and the spec of each request for a token.
    pub(crate) token_requests: Vec<(String, Value)>,
    pub(crate) gives_no_tokens: bool,
    /// What is to be followed.
    pub(crate) followed: BTreeSet<Followed>,
    /// Nothing is told of what is followed.
    pub(crate) hears_late: bool,
    /// Nothing is said of containers that were started.
    pub(crate) starts_late: bool,
    /// How many ConfigMaps were read.
    pub(crate) reads: usize,
    /// Sandboxes take long to go.
    pub(crate) keeps_sandboxes: bool,
    /// Why the runtime changes no limits.
    pub(crate) resize_failure: Option<String>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let now = Timestamp::from_second(1_000_000_000).unwrap();
        let mut bench = Self {
            kubelet: Kubelet::new(config(), vec![], now),
            now,
            revision: 1,
            objects: BTreeMap::new(),
            gone: BTreeMap::new(),
            running: BTreeMap::new(),
            commands: vec![],
            events: vec![],
            token_requests: vec![],
            gives_no_tokens: false,
            followed: BTreeSet::new(),
            hears_late: false,
            starts_late: false,
            reads: 0,
            keeps_sandboxes: false,
            resize_failure: None,
        };
        bench.hear(Input::Synced);
        bench
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Lets time pass second by second.
    pub(crate) fn pass(&mut self, seconds: u64) {
        self.hear(Input::Tick);
        for _ in 0..seconds {
            self.now += Duration::from_secs(1);
            self.hear(Input::Tick);
        }
    }

    pub(crate) fn restart(&mut self) {
        self.restart_with(self.running.values().cloned().collect());
    }

    pub(crate) fn restart_with(&mut self, found: Vec<RuntimeStatus>) {
        self.kubelet = Kubelet::new(config(), found, self.now);
        self.followed.clear();
        self.list();
    }

    /// Starts a kubelet beside what runs, which has heard of no pod yet.
    pub(crate) fn restart_unlisted(&mut self) {
        let found = self.running.values().cloned().collect();
        self.kubelet = Kubelet::new(config(), found, self.now);
    }

    /// Lets the kubelet hear of every pod.
    pub(crate) fn list(&mut self) {
        let pods: Vec<Value> = self
            .objects
            .iter()
            .filter(|(key, _)| key.starts_with("pods/"))
            .map(|(_, pod)| pod.clone())
            .collect();
        for pod in pods {
            self.changed(None, Some(&pod));
        }
        self.hear(Input::Synced);
    }

    pub(crate) fn add_pod(&mut self, name: &str, mut spec: Value) {
        for field in ["containers", "initContainers"] {
            for container in spec[field].as_array_mut().into_iter().flatten() {
                if container.get("imagePullPolicy").is_none() {
                    container["imagePullPolicy"] = json!("IfNotPresent");
                }
            }
        }
        spec["nodeName"] = json!("node-1");
        spec["terminationGracePeriodSeconds"] = json!(30);
        let pod = json!({
            "metadata": {"name": name, "namespace": "default", "uid": format!("uid-{name}"), "generation": 1},
            "spec": spec,
            "status": {"phase": "Pending"},
        });
        self.put(format!("pods/default/{name}"), pod);
    }

    pub(crate) fn add_ephemeral_containers(&mut self, name: &str, containers: Value) {
        let mut pod = self.pod(name).unwrap();
        pod["spec"]["ephemeralContainers"] = containers;
        self.put(format!("pods/default/{name}"), pod);
    }

    /// Somebody changes a pod.
    pub(crate) fn change_pod(&mut self, name: &str, change: impl FnOnce(&mut Value)) {
        let mut pod = self.pod(name).unwrap();
        change(&mut pod);
        self.put(format!("pods/default/{name}"), pod);
    }

    /// Somebody wants other resources for the containers of a pod, in their order.
    pub(crate) fn resize_pod(&mut self, name: &str, resources: &[Value]) {
        let mut pod = self.pod(name).unwrap();
        for (container, resources) in
            pod["spec"]["containers"].as_array_mut().unwrap().iter_mut().zip(resources)
        {
            container["resources"] = resources.clone();
        }
        let generation = pod["metadata"]["generation"].as_i64().unwrap();
        pod["metadata"]["generation"] = json!(generation + 1);
        self.put(format!("pods/default/{name}"), pod);
    }

    /// The changes of limits that were ordered: of which container or of the `pod`, and what.
    pub(crate) fn resizes(&self) -> Vec<(String, ResizeChange)> {
        let steps = self.commands.iter().filter_map(|command| match command {
            RuntimeCommand::Resize { steps, .. } => Some(steps),
            _ => None,
        });
        let of = |step: &ResizeStep| {
            let name = step.container.as_ref().map_or("pod".to_owned(), |id| id.name.clone());
            (name, step.change)
        };
        steps.flatten().map(of).collect()
    }

    /// The machine has this left. The thresholds are in `config`.
    pub(crate) fn measure(&mut self, usage: &Usage) {
        self.hear(Input::Usage(usage.clone()));
    }

    /// The node's files say so.
    pub(crate) fn read_files(&mut self, pods: &[Value]) {
        let pod = |pod: &Value| StaticPod {
            path: "/etc/kubernetes/manifests/one.yaml".to_owned(),
            pod: serde_json::from_value(pod.clone()).unwrap(),
        };
        self.hear(Input::StaticPods(pods.iter().map(pod).collect()));
    }

    pub(crate) fn delete_pod(&mut self, name: &str, grace_period_seconds: i64) {
        let mut pod = self.pod(name).unwrap();
        pod["metadata"]["deletionTimestamp"] = json!("2001-09-09T01:46:40Z");
        pod["metadata"]["deletionGracePeriodSeconds"] = json!(grace_period_seconds);
        self.put(format!("pods/default/{name}"), pod);
    }

    pub(crate) fn vanish(&mut self, name: &str) {
        self.remove(&format!("pods/default/{name}"));
    }

    /// Puts a ConfigMap, or changes one.
    pub(crate) fn put_config_map(&mut self, name: &str, data: Value) {
        let metadata = json!({"name": name, "namespace": "default"});
        self.put_object(
            &format!("configmaps/default/{name}"),
            json!({"metadata": metadata, "data": data}),
        );
    }

    /// Puts an object, of which the kubelet hears if it follows it.
    pub(crate) fn put_object(&mut self, key: &str, object: Value) {
        self.put(key.to_owned(), object);
        self.tell(key);
    }

    /// Removes an object, of which the kubelet hears if it follows it.
    pub(crate) fn remove_object(&mut self, key: &str) {
        self.objects.remove(key);
        self.tell(key);
    }

    fn tell(&mut self, key: &str) {
        let followed = self.followed.iter().find(|followed| path(followed) == key).cloned();
        let version = self.objects.get(key).map(|found| &found["metadata"]["resourceVersion"]);
        let version = version.map(|version| version.as_str().unwrap().to_owned());
        if let Some(followed) = followed.filter(|_| !self.hears_late) {
            self.hear(Input::Object(followed, version));
        }
    }

    pub(crate) fn declare_unready(&mut self) {
        let node = self.objects.get_mut("nodes/node-1").unwrap();
        for condition in node["status"]["conditions"].as_array_mut().unwrap() {
            condition["status"] = json!("Unknown");
        }
    }

    /// Somebody says that the node has so much of something.
    pub(crate) fn add_extended_resource(&mut self, name: &str, amount: &str) {
        let node = self.objects.get_mut("nodes/node-1").unwrap();
        node["status"]["capacity"][name] = json!(amount);
    }

    pub(crate) fn object(&self, key: &str) -> Option<Value> {
        self.objects.get(key).cloned()
    }

    pub(crate) fn pod(&self, name: &str) -> Option<Value> {
        self.object(&format!("pods/default/{name}"))
    }

    pub(crate) fn status(&self, name: &str) -> Value {
        self.pod(name).unwrap()["status"].clone()
    }

    pub(crate) fn last_status(&self, name: &str) -> Value {
        self.gone[&format!("pods/default/{name}")]["status"].clone()
    }

    pub(crate) fn condition(&self, name: &str, condition: &str) -> Value {
        let status = self.status(name);
        let conditions = status["conditions"].as_array().unwrap();
        conditions.iter().find(|one| one["type"] == condition).unwrap().clone()
    }

    /// The reasons of all events, in order.
    pub(crate) fn reasons(&self) -> Vec<String> {
        self.events
            .iter()
            .map(|event| event["reason"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    pub(crate) fn exit(&mut self, container: &str, exit_code: i32) {
        self.exit_with(container, |finished_at| Exit {
            exit_code,
            oom_killed: false,
            finished_at,
            message: String::new(),
        });
    }

    pub(crate) fn exit_with(&mut self, container: &str, exit: impl Fn(Timestamp) -> Exit) {
        let (id, exit) = (id(container), exit(self.now));
        if let Some(pod) = self.running.get_mut(&id.pod_uid) {
            for one in pod.containers.iter_mut().filter(|one| one.id == id) {
                let state = ContainerState::Exited {
                    started_at: self.now,
                    exit: exit.clone(),
                    start_error: String::new(),
                };
                one.state = state;
            }
        }
        self.hear(Input::Runtime(RuntimeEvent::ContainerExited { id, exit }));
    }

    /// Says that a container was started.
    pub(crate) fn say_started(&mut self, container: &str) {
        let (id, started_at) = (id(container), self.now);
        self.hear(Input::Runtime(RuntimeEvent::ContainerStarted { id, started_at }));
    }

    pub(crate) fn is_running(&self, container: &str) -> bool {
        let id = id(container);
        let mut containers = self.running.values().flat_map(|pod| &pod.containers);
        containers.any(|one| one.id == id && matches!(one.state, ContainerState::Running { .. }))
    }

    pub(crate) fn container_status(&self, container: &str) -> ContainerStatus {
        ContainerStatus {
            id: id(container),
            image: "a".to_owned(),
            image_id: "sha256:a".to_owned(),
            state: ContainerState::Running { started_at: self.now },
        }
    }

    pub(crate) fn has_no_sandbox(&self, name: &str) -> bool {
        self.running.get(&format!("uid-{name}")).is_none_or(|pod| pod.sandbox_ip.is_none())
    }

    pub(crate) fn ran(&self, command: &RuntimeCommand) -> bool {
        self.commands.contains(command)
    }

    pub(crate) fn started_count(&self) -> usize {
        self.commands
            .iter()
            .filter(|command| matches!(command, RuntimeCommand::StartContainer(_)))
            .count()
    }

    pub(crate) fn last_start(&self) -> Option<ContainerSpec> {
        self.commands.iter().rev().find_map(|command| match command {
            RuntimeCommand::StartContainer(spec) => Some((**spec).clone()),
            _ => None,
        })
    }

    /// The containers that were told to stop, with their grace periods.
    pub(crate) fn stops(&self) -> Vec<(String, i64)> {
        let stops = self.commands.iter().filter_map(|command| match command {
            RuntimeCommand::StopContainer { id, grace_period_seconds } => {
                Some((id.to_string().trim_start_matches("uid-").to_owned(), *grace_period_seconds))
            }
            _ => None,
        });
        stops.collect()
    }

    fn probes(&self) -> impl Iterator<Item = (&ContainerId, ProbeType, &ProbeAction)> {
        self.commands.iter().filter_map(|command| match command {
            RuntimeCommand::Probe { id, probe, action, .. } => Some((id, *probe, action)),
            _ => None,
        })
    }

    pub(crate) fn probes_in_flight(&self) -> Vec<ProbeType> {
        self.probes().map(|(_, probe, _)| probe).collect()
    }

    pub(crate) fn last_probe_action(&self) -> Option<ProbeAction> {
        self.probes().last().map(|(_, _, action)| action.clone())
    }

    /// The hooks that were run, in order.
    pub(crate) fn hooks(&self) -> Vec<(String, Hook, HookAction)> {
        let hooks = self.commands.iter().filter_map(|command| match command {
            RuntimeCommand::RunHook { id, hook, action } => {
                Some((id.to_string().trim_start_matches("uid-").to_owned(), *hook, action.clone()))
            }
            _ => None,
        });
        hooks.collect()
    }

    pub(crate) fn end_hook(&mut self, container: &str, hook: Hook, failure: Option<HookFailure>) {
        let id = id(container);
        self.hear(Input::Runtime(RuntimeEvent::HookEnded { id, hook, failure }));
    }

    /// Answers the probe in flight and lets the next one begin.
    pub(crate) fn answer_probe(&mut self, probe: ProbeType, success: bool) {
        let id = self.probes().find(|(_, other, _)| *other == probe).unwrap().0.clone();
        self.commands.retain(|command| !matches!(command, RuntimeCommand::Probe { probe: other, .. } if *other == probe));
        let output = "connection refused".to_owned();
        self.hear(Input::Runtime(RuntimeEvent::Probed { id, probe, success, output }));
        self.pass(1);
    }

    fn put(&mut self, key: String, mut object: Value) {
        self.revision += 1;
        object["metadata"]["resourceVersion"] = json!(self.revision.to_string());
        let old = self.objects.insert(key.clone(), object.clone());
        if key.starts_with("pods/") {
            self.changed(old.as_ref(), Some(&object));
        }
    }

    fn remove(&mut self, key: &str) {
        self.revision += 1;
        if let Some(old) = self.objects.remove(key) {
            self.gone.insert(key.to_owned(), old.clone());
            self.changed(Some(&old), None);
        }
    }

    fn changed(&mut self, old: Option<&Value>, new: Option<&Value>) {
        let pod = |value: &Value| {
            AnyObject::Pod(Arc::new(serde_json::from_value::<Pod>(value.clone()).unwrap()))
        };
        let change = Change { old: old.map(pod), new: new.map(pod) };
        self.hear(Input::Pod(change, self.revision));
    }

    fn hear(&mut self, input: Input) {
        for command in self.kubelet.handle(input, self.now) {
            match command {
                Command::Runtime(command) => self.run(command),
                Command::Follow(followed) => {
                    let key = path(&followed);
                    assert!(self.followed.insert(followed), "{key} is followed already");
                    self.tell(&key);
                }
                Command::Forget(followed) => assert!(self.followed.remove(&followed)),
                Command::Api(purpose, request) => {
                    let outcome = self.serve(&request);
                    self.hear(Input::Answer(purpose, outcome));
                }
            }
        }
    }

    fn run(&mut self, command: RuntimeCommand) {
        self.commands.push(command.clone());
        let event = match command {
            RuntimeCommand::CreateSandbox(spec) => {
                let ip = "10.0.0.9".to_owned();
                let status = self.running.entry(spec.pod_uid.clone()).or_default();
                (status.pod_uid, status.pod, status.sandbox_ip) =
                    (spec.pod_uid.clone(), spec.pod, Some(ip.clone()));
                RuntimeEvent::SandboxReady { pod_uid: spec.pod_uid, ip }
            }
            RuntimeCommand::RemoveSandbox { .. } if self.keeps_sandboxes => return,
            RuntimeCommand::RemoveSandbox { pod_uid } => {
                self.running.entry(pod_uid.clone()).or_default().sandbox_ip = None;
                RuntimeEvent::SandboxRemoved { pod_uid }
            }
            RuntimeCommand::ImageStatus { id, image } => {
                let image_id = (image != "missing").then(|| format!("sha256:{image}"));
                RuntimeEvent::ImageStatus { id, image_id }
            }
            RuntimeCommand::PullImage { id, .. } => {
                RuntimeEvent::ImagePullFailed { id, message: "no such image".to_owned() }
            }
            RuntimeCommand::StartContainer(spec) => {
                let (id, started_at) = (spec.id.clone(), self.now);
                let image_id = spec.image_id.clone();
                let state = ContainerState::Running { started_at };
                let status = ContainerStatus { id: id.clone(), image: spec.image, image_id, state };
                self.running.entry(id.pod_uid.clone()).or_default().containers.push(status);
                if self.starts_late {
                    return;
                }
                RuntimeEvent::ContainerStarted { id, started_at }
            }
            RuntimeCommand::Resize { pod_uid, .. } => {
                RuntimeEvent::Resized { pod_uid, failure: self.resize_failure.clone() }
            }
            RuntimeCommand::KeepResources { pod_uid, resources } => {
                self.running.entry(pod_uid).or_default().resources = Some(resources);
                return;
            }
            RuntimeCommand::StopContainer { .. }
            | RuntimeCommand::RemoveContainer(_)
            | RuntimeCommand::RemovePod { .. }
            | RuntimeCommand::UpdateVolume { .. }
            | RuntimeCommand::RunHook { .. }
            | RuntimeCommand::Probe { .. } => return,
        };
        self.hear(Input::Runtime(event));
    }

    /// Gives a token, and a number to it.
    fn token(&mut self, request: &Request) -> Outcome {
        if self.gives_no_tokens {
            return Err(Status::not_found(request.resource, &request.key.name));
        }
        let spec = request.body.clone().unwrap_or_default()["spec"].clone();
        let seconds = spec["expirationSeconds"].as_u64().unwrap_or(3600);
        let until = api::time::text(self.now + Duration::from_secs(seconds));
        self.token_requests.push((request.path(), spec.clone()));
        let token = format!("token-{}", self.token_requests.len());
        let status = json!({"token": token, "expirationTimestamp": until});
        Ok(json!({"spec": {"expirationSeconds": seconds}, "status": status}))
    }

    fn serve(&mut self, request: &Request) -> Outcome {
        if request.subresource == "token" {
            return self.token(request);
        }
        let body = request.body.clone().unwrap_or_default();
        let plural = request.resource.plural;
        self.reads += usize::from(plural == "configmaps");
        if plural == "events" {
            self.events.push(body);
            return Ok(json!({}));
        }
        let name = match request.verb {
            Verb::Create => body["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
            _ => request.key.name.clone(),
        };
        let key = format!("{plural}/{}", Key::new(&request.key.namespace, &name));
        let found = self.objects.get(&key).cloned();
        match (request.verb, found) {
            (Verb::Create, None) => {
                let mut body = body;
                body["metadata"]["uid"] = json!(format!("uid-{name}-{}", self.revision));
                self.put(key.clone(), body);
            }
            (Verb::Create, Some(_)) => return Err(Status::already_exists(request.resource, &name)),
            (_, None) => return Err(Status::not_found(request.resource, &name)),
            (Verb::Get, Some(found)) => return Ok(found),
            (Verb::Delete, Some(found)) => {
                self.remove(&key);
                return Ok(found);
            }
            (_, Some(mut found)) => {
                merge(&mut found, &body);
                self.put(key.clone(), found);
            }
        }
        self.object(&key).ok_or_else(|| Status::new(Reason::NotFound, "gone"))
    }
}

/// Enough of a strategic merge: lists of conditions merge by type, other lists are replaced.
fn merge(into: &mut Value, patch: &Value) {
    let (Some(into), Some(patch)) = (into.as_object_mut(), patch.as_object()) else { return };
    for (field, value) in patch {
        let old = into.entry(field.clone()).or_insert(Value::Null);
        match (field.as_str(), value) {
            ("conditions", Value::Array(conditions)) => {
                let mut merged = old.as_array().cloned().unwrap_or_default();
                for condition in conditions {
                    merged.retain(|other| other["type"] != condition["type"]);
                    if condition["$patch"] != "delete" {
                        merged.push(condition.clone());
                    }
                }
                *old = Value::Array(merged);
            }
            (_, Value::Object(_)) if old.is_object() => merge(old, value),
            _ => *old = value.clone(),
        }
    }
    into.retain(|_, value| !value.is_null());
}

fn config() -> Config {
    let capacity = Capacity {
        cpu_milli: 2000,
        memory_bytes: 4 << 30,
        ephemeral_storage_bytes: 10 << 30,
        pods: 3,
    };
    let mut config = Config::new("node-1", "192.0.2.1", capacity);
    let hard = ["memory.available<100Mi", "nodefs.available<10%"];
    config.eviction.thresholds = hard.iter().map(|text| text.parse().unwrap()).collect();
    let soft: Threshold = "pid.available<10%".parse().unwrap();
    let soft = Threshold { grace_period: Some(Duration::from_secs(30)), ..soft };
    config.eviction.thresholds.push(soft);
    config.eviction.max_pod_grace_period_seconds = 7;
    config
}

fn path(followed: &Followed) -> String {
    format!("{}/{}", followed.kind.resource().plural, followed.key)
}

/// `web.main.0` is the first instance of `main` of the pod `web`.
fn id(text: &str) -> ContainerId {
    let parts: Vec<&str> = text.split('.').collect();
    // The uid of a static pod is a hash, and as long as one.
    let prefix = if parts[0].len() == 32 { "" } else { "uid-" };
    ContainerId {
        pod_uid: format!("{prefix}{}", parts[0]),
        name: parts[1].to_owned(),
        attempt: parts[2].parse().unwrap(),
    }
}
