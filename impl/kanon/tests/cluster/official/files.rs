//! What containers find in volumes and in their environment: each trial is a pod that prints it and ends.

mod contexts;
mod downward;
mod empty_dirs;
mod environment;
mod maps_and_secrets;
mod projected;
mod subpaths;
mod surroundings;

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::client::Api;
use super::with_containers;
use crate::support::{Outcome, ensure};

/// What a pod is made of, and what it prints.
struct Printing {
    /// Objects that it uses: plural and object.
    objects: Vec<(&'static str, Value)>,
    /// Of the pod.
    volumes: Value,
    /// Of its container: mounts, env, resources …
    container: Value,
    /// Of the pod.
    security: Value,
    script: &'static str,
    expected: String,
}

impl Printing {
    fn of(script: &'static str, expected: impl Into<String>) -> Self {
        let expected = expected.into();
        let nothing = || json!({});
        Self {
            objects: vec![],
            volumes: json!([]),
            container: nothing(),
            security: nothing(),
            script,
            expected,
        }
    }

    /// With a volume at `/v`.
    fn with(mut self, volume: Value) -> Self {
        let mut volume = volume;
        volume["name"] = "v".into();
        self.volumes = json!([volume]);
        self.container["volumeMounts"] = json!([{"name": "v", "mountPath": "/v"}]);
        self
    }

    fn using(mut self, plural: &'static str, object: Value) -> Self {
        self.objects.push((plural, object));
        self
    }

    fn container(mut self, field: &str, value: Value) -> Self {
        self.container[field] = value;
        self
    }

    fn with_security(mut self, security: Value) -> Self {
        self.security = security;
        self
    }
}

/// Runs a pod to its end and compares what it has printed.
async fn prints(api: &Api, printing: &Printing) -> Outcome {
    for (plural, object) in &printing.objects {
        api.all("v1", plural).create(object).await?;
    }
    let mut container = printing.container.clone();
    container["name"] = "c".into();
    container["image"] = "busybox:1.35".into();
    container["command"] = json!(["sh", "-c", printing.script]);
    let pod = json!({"metadata": {"name": "tried", "labels": {"a": "b"}, "annotations": {"c": "d"}},
        "spec": {"restartPolicy": "Never", "volumes": printing.volumes, "containers": [container],
            "securityContext": printing.security}});
    let pods = api.all("v1", "pods");
    pods.create(&pod).await?;
    let has_ended =
        |pod: &Value| pod["status"]["phase"] == "Succeeded" || pod["status"]["phase"] == "Failed";
    let ended = pods.until("tried", "it has ended", has_ended).await?;
    let log = api.read(&format!("{}/tried/log", pods.path)).await?;
    let log = log.as_str().map_or_else(|| log.to_string(), str::to_owned);
    let is_right =
        ended["status"]["phase"] == "Succeeded" && log.trim() == printing.expected.trim();
    ensure(is_right, format!("printed {log:?}: {}", ended["status"]))
}

fn shows(name: &'static str, printing: impl FnOnce() -> Printing + Send + 'static) -> Trial {
    with_containers(name, async move |api: Api| prints(&api, &printing()).await)
}

fn map() -> Value {
    json!({"metadata": {"name": "map"}, "data": {"data-1": "value-1", "data-2": "value-2"},
        "binaryData": {"bytes": "3q3erQ=="}})
}

fn secret() -> Value {
    json!({"metadata": {"name": "secret"}, "stringData": {"data-1": "value-1", "data-2": "value-2"}})
}

/// Runs of a pod whose user is not root.
fn somebody() -> Value {
    json!({"runAsUser": 1000, "fsGroup": 1001})
}

/// A volume by itself, or as the one source of a projected one.
fn projected(source: Value) -> Value {
    json!({"projected": {"sources": [source]}})
}

const CAT: &str = "cat /v/data-1";
const MODE: &str = "cat /v/data-1; echo; stat -L -c %a /v/data-1";
const MAPPED: &str = "cat /v/path/to/data; echo; stat -L -c %a /v/path/to/data";

pub(crate) fn trials() -> Vec<Trial> {
    [
        maps_and_secrets::config_maps(),
        maps_and_secrets::secrets(),
        projected::projections(),
        projected::several_volumes(),
        downward::downward(),
        empty_dirs::empty_dirs(),
        subpaths::subpaths(),
        surroundings::surroundings(),
        environment::environments(),
        environment::expansions(),
        contexts::contexts(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
