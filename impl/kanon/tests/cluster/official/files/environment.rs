//! What a container finds in its environment, and in its command.

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::downward::{limits, resource};
use super::{Printing, map, secret, shows};
use crate::official::client::Api;
use crate::official::with_containers;
use crate::support::{Outcome, ensure, eventually};

pub(super) fn environments() -> Vec<Trial> {
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
            "ConfigMap should be consumable as environment variable names with various prefixes",
            || {
                let map = json!({"metadata": {"name": "map"}, "data": {"data-1": "one"}});
                let from = PREFIXES
                    .map(|prefix| json!({"prefix": prefix, "configMapRef": {"name": "map"}}));
                Printing::of(COUNT_PREFIXED, PREFIXES.len().to_string())
                    .using("configmaps", map)
                    .container("envFrom", json!(from))
            },
        ),
        shows(
            "Secrets should be consumable as environment variable names variable names with various prefixes",
            || {
                let secret =
                    json!({"metadata": {"name": "secret"}, "stringData": {"data-1": "one"}});
                let from = PREFIXES
                    .map(|prefix| json!({"prefix": prefix, "secretRef": {"name": "secret"}}));
                Printing::of(COUNT_PREFIXED, PREFIXES.len().to_string())
                    .using("secrets", secret)
                    .container("envFrom", json!(from))
            },
        ),
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
            async |api: Api| host(&api, "status.hostIP").await,
        ),
        with_containers(
            "Downward API should provide hostIPs as an env var [NodeConformance]",
            async |api: Api| host(&api, "status.hostIPs").await,
        ),
    ]
}

/// What names of variables may begin with beside letters.
const PREFIXES: [&str; 5] = ["p-", "1-", "$_-", "#?-", "a b-"];
const COUNT_PREFIXED: &str = "tr '\\0' '\\n' < /proc/1/environ | grep -c -- '-data-1=one$'";

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

async fn host(api: &Api, field: &str) -> Outcome {
    let (printed, pod) = own_fields(api, &[field]).await?;
    ensure(printed.iter().eq([&pod["status"]["hostIP"]]), format!("{printed:?}"))
}

pub(super) fn expansions() -> Vec<Trial> {
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
