//! What containers find in volumes and in their environment: each trial is a pod that prints it and ends.

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::client::Api;
use super::with_containers;
use crate::support::{Outcome, ensure, eventually};

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
        config_maps(),
        secrets(),
        projections(),
        downward(),
        several_volumes(),
        empty_dirs(),
        environments(),
        expansions(),
        contexts(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn config_maps() -> Vec<Trial> {
    let mapped = || json!([{"key": "data-1", "path": "path/to/data"}]);
    let mapped_with_mode = || json!([{"key": "data-1", "path": "path/to/data", "mode": 0o400}]);
    vec![
        shows("ConfigMap should be consumable from pods in volume [NodeConformance]", || {
            Printing::of(CAT, "value-1")
                .using("configmaps", map())
                .with(json!({"configMap": {"name": "map"}}))
        }),
        shows(
            "ConfigMap should be consumable from pods in volume as non-root [NodeConformance]",
            || {
                Printing::of(CAT, "value-1")
                    .using("configmaps", map())
                    .with(json!({"configMap": {"name": "map"}}))
                    .with_security(json!({"runAsUser": 1000}))
            },
        ),
        shows(
            "ConfigMap should be consumable from pods in volume with defaultMode set [LinuxOnly] \
             [NodeConformance]",
            || {
                Printing::of(MODE, "value-1\n400")
                    .using("configmaps", map())
                    .with(json!({"configMap": {"name": "map", "defaultMode": 0o400}}))
            },
        ),
        shows(
            "ConfigMap should be consumable from pods in volume with mappings [NodeConformance]",
            move || {
                Printing::of(MAPPED, "value-1\n644")
                    .using("configmaps", map())
                    .with(json!({"configMap": {"name": "map", "items": mapped()}}))
            },
        ),
        shows(
            "ConfigMap should be consumable from pods in volume with mappings as non-root [NodeConformance]",
            move || {
                Printing::of(MAPPED, "value-1\n644")
                    .using("configmaps", map())
                    .with(json!({"configMap": {"name": "map", "items": mapped()}}))
                    .with_security(json!({"runAsUser": 1000}))
            },
        ),
        shows(
            "ConfigMap should be consumable from pods in volume with mappings and Item mode set [LinuxOnly] \
             [NodeConformance]",
            move || {
                Printing::of(MAPPED, "value-1\n400")
                    .using("configmaps", map())
                    .with(json!({"configMap": {"name": "map", "items": mapped_with_mode()}}))
            },
        ),
        shows("ConfigMap binary data should be reflected in volume [NodeConformance]", || {
            Printing::of(
                "cat /v/data-1; echo; od -An -tx1 /v/bytes | tr -d ' '",
                "value-1\ndeaddead",
            )
            .using("configmaps", map())
            .with(json!({"configMap": {"name": "map"}}))
        }),
    ]
}

fn secrets() -> Vec<Trial> {
    vec![
        shows("Secrets should be consumable from pods in volume [NodeConformance]", || {
            Printing::of(CAT, "value-1")
                .using("secrets", secret())
                .with(json!({"secret": {"secretName": "secret"}}))
        }),
        shows(
            "Secrets should be consumable from pods in volume with defaultMode set [LinuxOnly] \
             [NodeConformance]",
            || {
                Printing::of(MODE, "value-1\n400")
                    .using("secrets", secret())
                    .with(json!({"secret": {"secretName": "secret", "defaultMode": 0o400}}))
            },
        ),
        shows(
            "Secrets should be consumable from pods in volume as non-root with defaultMode and fsGroup set \
             [LinuxOnly] [NodeConformance]",
            || {
                Printing::of(MODE, "value-1\n440")
                    .using("secrets", secret())
                    .with(json!({"secret": {"secretName": "secret", "defaultMode": 0o440}}))
                    .with_security(somebody())
            },
        ),
        shows(
            "Secrets should be consumable from pods in volume with mappings [NodeConformance]",
            || {
                let items = json!([{"key": "data-1", "path": "path/to/data"}]);
                Printing::of(MAPPED, "value-1\n644")
                    .using("secrets", secret())
                    .with(json!({"secret": {"secretName": "secret", "items": items}}))
            },
        ),
        shows(
            "Secrets should be consumable from pods in volume with mappings and Item Mode set [LinuxOnly] \
             [NodeConformance]",
            || {
                let items = json!([{"key": "data-1", "path": "path/to/data", "mode": 0o400}]);
                Printing::of(MAPPED, "value-1\n400")
                    .using("secrets", secret())
                    .with(json!({"secret": {"secretName": "secret", "items": items}}))
            },
        ),
    ]
}

fn projections() -> Vec<Trial> {
    let of_map = |more: Value| {
        let mut source = json!({"name": "map"});
        for (field, value) in more.as_object().into_iter().flatten() {
            source[field] = value.clone();
        }
        json!({"configMap": source})
    };
    vec![
        shows(
            "Projected configMap should be consumable from pods in volume [NodeConformance]",
            move || {
                Printing::of(CAT, "value-1")
                    .using("configmaps", map())
                    .with(projected(of_map(json!({}))))
            },
        ),
        shows(
            "Projected configMap should be consumable from pods in volume as non-root [NodeConformance]",
            move || {
                Printing::of(CAT, "value-1")
                    .using("configmaps", map())
                    .with(projected(of_map(json!({}))))
                    .with_security(json!({"runAsUser": 1000}))
            },
        ),
        shows(
            "Projected configMap should be consumable from pods in volume with mappings [NodeConformance]",
            move || {
                let items = json!({"items": [{"key": "data-1", "path": "path/to/data"}]});
                Printing::of(MAPPED, "value-1\n644")
                    .using("configmaps", map())
                    .with(projected(of_map(items)))
            },
        ),
        shows(
            "Projected configMap should be consumable from pods in volume with mappings and Item mode set \
             [LinuxOnly] [NodeConformance]",
            move || {
                let items =
                    json!({"items": [{"key": "data-1", "path": "path/to/data", "mode": 0o400}]});
                Printing::of(MAPPED, "value-1\n400")
                    .using("configmaps", map())
                    .with(projected(of_map(items)))
            },
        ),
        shows(
            "Projected secret should be consumable from pods in volume [NodeConformance]",
            || {
                Printing::of(CAT, "value-1")
                    .using("secrets", secret())
                    .with(projected(json!({"secret": {"name": "secret"}})))
            },
        ),
        shows(
            "Projected secret should be consumable from pods in volume with defaultMode set [LinuxOnly] \
             [NodeConformance]",
            || {
                let sources = json!([{"secret": {"name": "secret"}}]);
                Printing::of(MODE, "value-1\n400")
                    .using("secrets", secret())
                    .with(json!({"projected": {"defaultMode": 0o400, "sources": sources}}))
            },
        ),
        shows(
            "Projected combined should project all components that make up the projection API [Projection] \
             [NodeConformance]",
            || {
                let name = json!([{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]);
                let sources = json!([{"secret": {"name": "secret", "items": [{"key": "data-1", "path": "s"}]}},
                    {"configMap": {"name": "map", "items": [{"key": "data-2", "path": "m"}]}},
                    {"downwardAPI": {"items": name}}]);
                Printing::of(
                    "cat /v/s; echo; cat /v/m; echo; cat /v/name",
                    "value-1\nvalue-2\ntried",
                )
                .using("secrets", secret())
                .using("configmaps", map())
                .with(json!({"projected": {"sources": sources}}))
            },
        ),
    ]
}

/// The volume of one field or resource, at `data-1`.
fn field(of: &Value, mode: Option<u32>) -> Value {
    let mut item = of.clone();
    item["path"] = "data-1".into();
    if let Some(mode) = mode {
        item["mode"] = mode.into();
    }
    json!({"downwardAPI": {"items": [item]}})
}

fn resource(name: &str) -> Value {
    let divisor = if name.contains("memory") { "1Mi" } else { "1m" };
    json!({"resourceFieldRef": {"containerName": "c", "resource": name, "divisor": divisor}})
}

fn limits() -> Value {
    json!({"requests": {"cpu": "250m", "memory": "32Mi"}, "limits": {"cpu": "1250m", "memory": "64Mi"}})
}

fn downward() -> Vec<Trial> {
    let name = || json!({"fieldRef": {"fieldPath": "metadata.name"}});
    let amount = |expected: &str, of: &str| {
        Printing::of(CAT, expected)
            .with(field(&resource(of), None))
            .container("resources", limits())
    };
    vec![
        shows("Downward API volume should provide podname only [NodeConformance]", move || {
            Printing::of(CAT, "tried").with(field(&name(), None))
        }),
        shows(
            "Downward API volume should set mode on item file [LinuxOnly] [NodeConformance]",
            move || Printing::of(MODE, "tried\n400").with(field(&name(), Some(0o400))),
        ),
        shows(
            "Downward API volume should set DefaultMode on files [LinuxOnly] [NodeConformance]",
            move || {
                let mut volume = field(&name(), None);
                volume["downwardAPI"]["defaultMode"] = 0o400.into();
                Printing::of(MODE, "tried\n400").with(volume)
            },
        ),
        shows(
            "Downward API volume should provide container's cpu limit [NodeConformance]",
            move || amount("1250", "limits.cpu"),
        ),
        shows(
            "Downward API volume should provide container's cpu request [NodeConformance]",
            move || amount("250", "requests.cpu"),
        ),
        shows(
            "Downward API volume should provide container's memory limit [NodeConformance]",
            move || amount("64", "limits.memory"),
        ),
        shows(
            "Downward API volume should provide container's memory request [NodeConformance]",
            move || amount("32", "requests.memory"),
        ),
        shows("Projected downwardAPI should provide podname only [NodeConformance]", move || {
            Printing::of(CAT, "tried").with(projected(field(&name(), None)))
        }),
        shows(
            "Projected downwardAPI should provide container's cpu limit [NodeConformance]",
            || {
                Printing::of(CAT, "1250")
                    .with(projected(field(&resource("limits.cpu"), None)))
                    .container("resources", limits())
            },
        ),
        shows(
            "Projected downwardAPI should provide container's memory request [NodeConformance]",
            || {
                Printing::of(CAT, "32")
                    .with(projected(field(&resource("requests.memory"), None)))
                    .container("resources", limits())
            },
        ),
    ]
}

/// A file of a mode in an emptyDir, on disk or in memory, by root or somebody else.
fn mode_in(memory: bool, is_root: bool, mode: &'static str) -> Printing {
    let script: &'static str = match mode {
        "644" => "echo hello > /v/f && chmod 644 /v/f && stat -c %a /v/f && cat /v/f",
        "666" => "echo hello > /v/f && chmod 666 /v/f && stat -c %a /v/f && cat /v/f",
        _ => "echo hello > /v/f && chmod 777 /v/f && stat -c %a /v/f && cat /v/f",
    };
    let medium = if memory { "Memory" } else { "" };
    let user = if is_root { json!({}) } else { json!({"runAsUser": 1001}) };
    Printing::of(script, format!("{mode}\nhello"))
        .with(json!({"emptyDir": {"medium": medium}}))
        .with_security(user)
}

fn empty_dirs() -> Vec<Trial> {
    vec![
        shows(
            "EmptyDir volumes should support (root,0644,default) [LinuxOnly] [NodeConformance]",
            || mode_in(false, true, "644"),
        ),
        shows(
            "EmptyDir volumes should support (root,0666,default) [LinuxOnly] [NodeConformance]",
            || mode_in(false, true, "666"),
        ),
        shows(
            "EmptyDir volumes should support (root,0777,default) [LinuxOnly] [NodeConformance]",
            || mode_in(false, true, "777"),
        ),
        shows(
            "EmptyDir volumes should support (non-root,0644,default) [LinuxOnly] [NodeConformance]",
            || mode_in(false, false, "644"),
        ),
        shows(
            "EmptyDir volumes should support (non-root,0666,default) [LinuxOnly] [NodeConformance]",
            || mode_in(false, false, "666"),
        ),
        shows(
            "EmptyDir volumes should support (non-root,0777,default) [LinuxOnly] [NodeConformance]",
            || mode_in(false, false, "777"),
        ),
        shows(
            "EmptyDir volumes should support (root,0644,tmpfs) [LinuxOnly] [NodeConformance]",
            || mode_in(true, true, "644"),
        ),
        shows(
            "EmptyDir volumes should support (root,0666,tmpfs) [LinuxOnly] [NodeConformance]",
            || mode_in(true, true, "666"),
        ),
        shows(
            "EmptyDir volumes should support (root,0777,tmpfs) [LinuxOnly] [NodeConformance]",
            || mode_in(true, true, "777"),
        ),
        shows(
            "EmptyDir volumes should support (non-root,0644,tmpfs) [LinuxOnly] [NodeConformance]",
            || mode_in(true, false, "644"),
        ),
        shows(
            "EmptyDir volumes should support (non-root,0666,tmpfs) [LinuxOnly] [NodeConformance]",
            || mode_in(true, false, "666"),
        ),
        shows(
            "EmptyDir volumes should support (non-root,0777,tmpfs) [LinuxOnly] [NodeConformance]",
            || mode_in(true, false, "777"),
        ),
        shows(
            "EmptyDir volumes volume on default medium should have the correct mode [LinuxOnly] \
             [NodeConformance]",
            || Printing::of("stat -c %a /v", "777").with(json!({"emptyDir": {}})),
        ),
        shows(
            "EmptyDir volumes volume on tmpfs should have the correct mode [LinuxOnly] [NodeConformance]",
            || {
                let script = "stat -c %a /v; grep -o 'tmpfs /v ' /proc/mounts | head -1";
                Printing::of(script, "777\ntmpfs /v")
                    .with(json!({"emptyDir": {"medium": "Memory"}}))
            },
        ),
    ]
}

fn environments() -> Vec<Trial> {
    let from = |kind: &str, name: &str, key: &str| json!({"valueFrom": {kind: {"name": name, "key": key}}, "name": "A"});
    vec![
        shows(
            "ConfigMap should be consumable via environment variable [NodeConformance]",
            move || {
                Printing::of("echo $A", "value-1")
                    .using("configmaps", map())
                    .container("env", json!([from("configMapKeyRef", "map", "data-1")]))
            },
        ),
        shows("ConfigMap should be consumable via the environment [NodeConformance]", || {
            let map = json!({"metadata": {"name": "map"}, "data": {"A": "one", "B": "two"}});
            Printing::of("echo $A $B $pA", "one two one").using("configmaps", map).container(
                "envFrom",
                json!([{"configMapRef": {"name": "map"}}, {"prefix": "p", "configMapRef": {"name": "map"}}]),
            )
        }),
        shows("Secrets should be consumable from pods in env vars [NodeConformance]", move || {
            Printing::of("echo $A", "value-1")
                .using("secrets", secret())
                .container("env", json!([from("secretKeyRef", "secret", "data-1")]))
        }),
        shows("Secrets should be consumable via the environment [NodeConformance]", || {
            let secret =
                json!({"metadata": {"name": "secret"}, "stringData": {"A": "one", "B": "two"}});
            Printing::of("echo $A $B $pA", "one two one").using("secrets", secret).container(
                "envFrom",
                json!([{"secretRef": {"name": "secret"}}, {"prefix": "p", "secretRef": {"name": "secret"}}]),
            )
        }),
        shows(
            "Variable Expansion should allow composing env vars into new env vars [NodeConformance]",
            || {
                let env = json!([{"name": "A", "value": "a"}, {"name": "B", "value": "b"},
                    {"name": "C", "value": "$(A);;$(B)"}]);
                Printing::of("echo \"$C\"", "a;;b").container("env", env)
            },
        ),
        shows(
            "Downward API should provide container's limits.cpu/memory and requests.cpu/memory as env vars \
             [NodeConformance]",
            || {
                let amounts = [
                    ("A", "limits.cpu"),
                    ("B", "limits.memory"),
                    ("C", "requests.cpu"),
                    ("D", "requests.memory"),
                ];
                let env: Vec<Value> = amounts
                    .iter()
                    .map(|(name, of)| json!({"name": name, "valueFrom": resource(of)}))
                    .collect();
                Printing::of("echo $A $B $C $D", "1250 64 250 32")
                    .container("env", json!(env))
                    .container("resources", limits())
            },
        ),
        with_containers(
            "Downward API should provide pod name, namespace and IP address as env vars [NodeConformance]",
            identity,
        ),
        with_containers("Downward API should provide pod UID as env vars [NodeConformance]", uid),
        with_containers(
            "Downward API should provide host IP as an env var [NodeConformance]",
            host,
        ),
    ]
}

/// What a pod prints of fields of itself, and the pod.
async fn own_fields(api: &Api, fields: &[&str]) -> Result<(Vec<String>, Value), Failed> {
    let env: Vec<Value> = fields
        .iter()
        .enumerate()
        .map(|(number, field)| {
            json!({"name": format!("F{number}"), "valueFrom": {"fieldRef": {"fieldPath": field}}})
        })
        .collect();
    let names: Vec<String> = (0..fields.len()).map(|number| format!("$F{number}")).collect();
    let script = format!("echo {}", names.join(" "));
    let pod = json!({"metadata": {"name": "tried"}, "spec": {"restartPolicy": "Never", "containers": [
        {"name": "c", "image": "busybox:1.35", "command": ["sh", "-c", script], "env": env}]}});
    let pods = api.all("v1", "pods");
    pods.create(&pod).await?;
    let ended =
        pods.until("tried", "it has ended", |pod| pod["status"]["phase"] == "Succeeded").await?;
    let printed = eventually("it has printed", || async {
        let log = api.read(&format!("{}/tried/log", pods.path)).await?;
        Ok(log.as_str().map(str::to_owned).filter(|log| log.ends_with('\n')))
    })
    .await?;
    Ok((printed.split_whitespace().map(str::to_owned).collect(), ended))
}

async fn identity(api: Api) -> Outcome {
    let fields = ["metadata.name", "metadata.namespace", "status.podIP"];
    let (printed, pod) = own_fields(&api, &fields).await?;
    let expected = [&json!("tried"), &json!(api.namespace), &pod["status"]["podIP"]];
    ensure(printed.iter().eq(expected), format!("{printed:?} {expected:?}"))
}

async fn uid(api: Api) -> Outcome {
    let (printed, pod) = own_fields(&api, &["metadata.uid"]).await?;
    ensure(printed.iter().eq([&pod["metadata"]["uid"]]), format!("{printed:?}"))
}

async fn host(api: Api) -> Outcome {
    let (printed, pod) = own_fields(&api, &["status.hostIP"]).await?;
    ensure(printed.iter().eq([&pod["status"]["hostIP"]]), format!("{printed:?}"))
}

fn contexts() -> Vec<Trial> {
    vec![
        shows(
            "Security Context When creating a container with runAsUser should run the container with uid 65534 \
             [LinuxOnly] [NodeConformance]",
            || {
                Printing::of("id -u", "65534")
                    .container("securityContext", json!({"runAsUser": 65534}))
            },
        ),
        shows(
            "Security Context When creating a pod with readOnlyRootFilesystem should run the container with \
             writable rootfs when readOnlyRootFilesystem=false [NodeConformance]",
            || {
                let context = json!({"readOnlyRootFilesystem": false});
                Printing::of("touch /checkfile && echo done", "done")
                    .container("securityContext", context)
            },
        ),
        shows(
            "Security Context should support container.SecurityContext.RunAsUser And \
             container.SecurityContext.RunAsGroup [LinuxOnly]",
            || {
                let context = json!({"runAsUser": 1001, "runAsGroup": 2002});
                Printing::of("id -u; id -g", "1001\n2002").container("securityContext", context)
            },
        ),
        shows(
            "Security Context should support pod.Spec.SecurityContext.RunAsUser And \
             pod.Spec.SecurityContext.RunAsGroup [LinuxOnly]",
            || {
                Printing::of("id -u; id -g", "1001\n2002")
                    .with_security(json!({"runAsUser": 1001, "runAsGroup": 2002}))
            },
        ),
        shows(
            "Kubelet when scheduling a busybox command in a pod should print the output to logs \
             [NodeConformance]",
            || Printing::of("echo 'Hello World'", "Hello World"),
        ),
    ]
}

/// The same source in two volumes of a pod.
fn twice(plural: &'static str, object: Value, source: &Value) -> Printing {
    let volume = |name: &str| {
        let mut volume = source.clone();
        volume["name"] = name.into();
        volume
    };
    let mounts = json!([{"name": "v", "mountPath": "/v"}, {"name": "w", "mountPath": "/w"}]);
    let mut printing = Printing::of("cat /v/data-1; echo; cat /w/data-1", "value-1\nvalue-1")
        .using(plural, object)
        .container("volumeMounts", mounts);
    printing.volumes = json!([volume("v"), volume("w")]);
    printing
}

fn several_volumes() -> Vec<Trial> {
    let items = |mode: Option<u32>| match mode {
        Some(mode) => json!([{"key": "data-1", "path": "path/to/data", "mode": mode}]),
        None => json!([{"key": "data-1", "path": "path/to/data"}]),
    };
    let own_name = || json!({"fieldRef": {"fieldPath": "metadata.name"}});
    vec![
        shows(
            "ConfigMap should be consumable in multiple volumes in the same pod [NodeConformance]",
            || twice("configmaps", map(), &json!({"configMap": {"name": "map"}})),
        ),
        shows(
            "Secrets should be consumable in multiple volumes in a pod [NodeConformance]",
            || twice("secrets", secret(), &json!({"secret": {"secretName": "secret"}})),
        ),
        shows(
            "Projected configMap should be consumable in multiple volumes in the same pod [NodeConformance]",
            || twice("configmaps", map(), &projected(json!({"configMap": {"name": "map"}}))),
        ),
        shows(
            "Projected secret should be consumable in multiple volumes in a pod [NodeConformance]",
            || twice("secrets", secret(), &projected(json!({"secret": {"name": "secret"}}))),
        ),
        shows(
            "Projected configMap should be consumable from pods in volume with defaultMode set [LinuxOnly] \
             [NodeConformance]",
            || {
                let sources = json!([{"configMap": {"name": "map"}}]);
                Printing::of(MODE, "value-1\n400")
                    .using("configmaps", map())
                    .with(json!({"projected": {"defaultMode": 0o400, "sources": sources}}))
            },
        ),
        shows(
            "Projected configMap should be consumable from pods in volume with mappings as non-root \
             [NodeConformance]",
            move || {
                Printing::of(MAPPED, "value-1\n644")
                    .using("configmaps", map())
                    .with(projected(json!({"configMap": {"name": "map", "items": items(None)}})))
                    .with_security(json!({"runAsUser": 1000}))
            },
        ),
        shows(
            "Projected secret should be consumable from pods in volume with mappings [NodeConformance]",
            move || {
                Printing::of(MAPPED, "value-1\n644")
                    .using("secrets", secret())
                    .with(projected(json!({"secret": {"name": "secret", "items": items(None)}})))
            },
        ),
        shows(
            "Projected secret should be consumable from pods in volume with mappings and Item Mode set \
             [LinuxOnly] [NodeConformance]",
            move || {
                Printing::of(MAPPED, "value-1\n400").using("secrets", secret()).with(projected(
                    json!({"secret": {"name": "secret", "items": items(Some(0o400))}}),
                ))
            },
        ),
        shows(
            "Projected secret should be consumable from pods in volume as non-root with defaultMode and \
             fsGroup set [LinuxOnly] [NodeConformance]",
            || {
                let sources = json!([{"secret": {"name": "secret"}}]);
                Printing::of(MODE, "value-1\n440")
                    .using("secrets", secret())
                    .with(json!({"projected": {"defaultMode": 0o440, "sources": sources}}))
                    .with_security(somebody())
            },
        ),
        shows(
            "Projected downwardAPI should set mode on item file [LinuxOnly] [NodeConformance]",
            move || {
                Printing::of(MODE, "tried\n400").with(projected(field(&own_name(), Some(0o400))))
            },
        ),
        shows(
            "Projected downwardAPI should set DefaultMode on files [LinuxOnly] [NodeConformance]",
            move || {
                let sources = json!([field(&own_name(), None)]);
                Printing::of(MODE, "tried\n400")
                    .with(json!({"projected": {"defaultMode": 0o400, "sources": sources}}))
            },
        ),
        shows(
            "Projected downwardAPI should provide container's cpu request [NodeConformance]",
            || {
                Printing::of(CAT, "250")
                    .with(projected(field(&resource("requests.cpu"), None)))
                    .container("resources", limits())
            },
        ),
        shows(
            "Projected downwardAPI should provide container's memory limit [NodeConformance]",
            || {
                Printing::of(CAT, "64")
                    .with(projected(field(&resource("limits.memory"), None)))
                    .container("resources", limits())
            },
        ),
    ]
}

fn expansions() -> Vec<Trial> {
    vec![
        with_containers(
            "Variable Expansion should allow substituting values in a container's command [NodeConformance]",
            async |api: Api| {
                expands(&api, json!(["sh", "-c", "A=other; echo $(A)"]), json!([])).await
            },
        ),
        with_containers(
            "Variable Expansion should allow substituting values in a container's args [NodeConformance]",
            async |api: Api| {
                expands(&api, json!(["sh", "-c"]), json!(["A=other; echo $(A)"])).await
            },
        ),
        with_containers(
            "Kubelet when scheduling a busybox command that always fails in a pod should have an terminated \
             reason [NodeConformance]",
            async |api: Api| {
                let pod = fails(&api).await?;
                let state = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
                ensure(state["exitCode"] != 0 && state["reason"] == "Error", pod)
            },
        ),
        with_containers(
            "Kubelet when scheduling a busybox command that always fails in a pod should be possible to \
             delete [NodeConformance]",
            async |api: Api| {
                fails(&api).await?;
                let pods = api.all("v1", "pods");
                pods.delete("tried", &Value::Null).await?;
                pods.until_gone("tried").await
            },
        ),
    ]
}

/// `$(A)` is put in before the shell sees it, which has another `A`.
async fn expands(api: &Api, command: Value, args: Value) -> Outcome {
    let pods = api.all("v1", "pods");
    let pod = json!({"metadata": {"name": "tried"}, "spec": {"restartPolicy": "Never", "containers": [
        {"name": "c", "image": "busybox:1.35", "command": command, "args": args,
            "env": [{"name": "A", "value": "value"}]}]}});
    pods.create(&pod).await?;
    pods.until("tried", "it has ended", |pod| pod["status"]["phase"] == "Succeeded").await?;
    let log = api.read(&format!("{}/tried/log", pods.path)).await?;
    ensure(log == "value\n", log)
}

/// A pod whose container always fails, once it has.
async fn fails(api: &Api) -> Result<Value, Failed> {
    let pods = api.all("v1", "pods");
    let pod = json!({"metadata": {"name": "tried"}, "spec": {"restartPolicy": "Never", "containers": [
        {"name": "c", "image": "busybox:1.35", "command": ["/bin/false"]}]}});
    pods.create(&pod).await?;
    pods.until("tried", "it has failed", |pod| pod["status"]["phase"] == "Failed").await
}
