//! What a container is told of its cluster: what its node has, and where Services are.

use api::quantity::Quantity;
use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::super::client::Api;
use super::super::with_containers;
use super::projected;
use crate::support::{Outcome, ensure, eventually};

pub(super) fn surroundings() -> Vec<Trial> {
    let in_file_official = |name, resource: &'static str, is_projected: bool| {
        with_containers(name, async move |api: Api| {
            in_file_official(&api, resource, is_projected).await
        })
    };
    vec![
        with_containers(
            "Downward API should provide default limits.cpu/memory from node allocatable [NodeConformance]",
            in_variables,
        ),
        in_file_official(
            "Downward API volume should provide node allocatable (cpu) as default cpu limit if the limit is not \
             set [NodeConformance]",
            "cpu",
            false,
        ),
        in_file_official(
            "Downward API volume should provide node allocatable (memory) as default memory limit if the limit \
             is not set [NodeConformance]",
            "memory",
            false,
        ),
        in_file_official(
            "Projected downwardAPI should provide node allocatable (cpu) as default cpu limit if the limit is not \
             set [NodeConformance]",
            "cpu",
            true,
        ),
        in_file_official(
            "Projected downwardAPI should provide node allocatable (memory) as default memory limit if the limit \
             is not set [NodeConformance]",
            "memory",
            true,
        ),
        with_containers(
            "Pods should contain environment variables for services [NodeConformance]",
            finds_services,
        ),
    ]
}

/// What a pod of this spec has printed, whose container runs this script to its end, and on which node.
async fn printed(
    api: &Api,
    (name, mut spec): (&str, Value),
    script: &str,
) -> Result<(String, String), Failed> {
    spec["restartPolicy"] = json!("Never");
    let container = &mut spec["containers"][0];
    container["name"] = json!("c");
    container["image"] = json!("busybox:1.35");
    container["command"] = json!(["sh", "-c", script]);
    let pods = api.all("v1", "pods");
    pods.create(&json!({"metadata": {"name": name}, "spec": spec})).await?;
    let ended =
        pods.until(name, "it has ended", |pod| pod["status"]["phase"] == "Succeeded").await?;
    let log = api.read(&format!("{}/{name}/log", pods.path)).await?;
    let log = log.as_str().map_or_else(|| log.to_string(), str::to_owned);
    Ok((log.trim().to_owned(), ended["spec"]["nodeName"].as_str().unwrap_or_default().to_owned()))
}

/// How much of a resource a node has for its pods, rounded up.
async fn allocatable(api: &Api, node: &str, resource: &str) -> Result<String, Failed> {
    let node = api.cluster_wide("v1", "nodes").get(node).await?;
    let amount = node["status"]["allocatable"][resource].as_str().unwrap_or_default();
    let amount = Quantity::parse(amount).map_err(|why| format!("{amount}: {why:?}"))?;
    Ok((amount.milli() / 1000 + i64::from(amount.milli() % 1000 != 0)).to_string())
}

fn limit(resource: &str) -> Value {
    json!({"resourceFieldRef": {"containerName": "c", "resource": format!("limits.{resource}")}})
}

async fn in_variables(api: Api) -> Outcome {
    let env = json!([{"name": "CPU", "valueFrom": limit("cpu")}, {"name": "MEMORY", "valueFrom": limit("memory")}]);
    let spec = json!({"containers": [{"env": env}]});
    let (found, node) = printed(&api, ("tried", spec), "echo $CPU $MEMORY").await?;
    let (cpu, memory) =
        (allocatable(&api, &node, "cpu").await?, allocatable(&api, &node, "memory").await?);
    ensure(found == format!("{cpu} {memory}"), format!("{found} of {cpu} {memory}"))
}

async fn in_file_official(api: &Api, resource: &str, is_projected: bool) -> Outcome {
    let mut item = limit(resource);
    item["path"] = json!("limit");
    let files = json!({"downwardAPI": {"items": [item]}});
    let mut volume = if is_projected { projected(files) } else { files };
    volume["name"] = json!("v");
    let mounts = json!([{"name": "v", "mountPath": "/v"}]);
    let spec = json!({"containers": [{"volumeMounts": mounts}], "volumes": [volume]});
    let (found, node) = printed(api, ("tried", spec), "cat /v/limit").await?;
    let expected = allocatable(api, &node, resource).await?;
    ensure(found == expected, format!("{found} of {expected}"))
}

/// Kubelets hear of Services in their own time: a pod that starts too early finds nothing.
async fn finds_services(api: Api) -> Outcome {
    let service = json!({"metadata": {"name": "fooservice"},
        "spec": {"selector": {"name": "server"}, "ports": [{"port": 8765, "targetPort": 8080}]}});
    let made = api.all("v1", "services").create(&service).await?;
    let address = made["spec"]["clusterIP"].as_str().unwrap_or_default();
    let mut expected = [
        format!("FOOSERVICE_SERVICE_HOST={address}"),
        "FOOSERVICE_SERVICE_PORT=8765".to_owned(),
        format!("FOOSERVICE_PORT=tcp://{address}:8765"),
        "FOOSERVICE_PORT_8765_TCP_PORT=8765".to_owned(),
        "FOOSERVICE_PORT_8765_TCP_PROTO=tcp".to_owned(),
        format!("FOOSERVICE_PORT_8765_TCP=tcp://{address}:8765"),
        format!("FOOSERVICE_PORT_8765_TCP_ADDR={address}"),
    ];
    expected.sort();
    eventually("a pod is told", || async {
        let name = super::super::unique("client");
        let spec = json!({"containers": [{}]});
        let (found, _) = printed(&api, (&name, spec), "env").await?;
        let mut found: Vec<&str> =
            found.lines().filter(|line| line.starts_with("FOOSERVICE_")).collect();
        found.sort_unstable();
        if found == expected { Ok(Some(())) } else { Err(format!("told {found:?}").into()) }
    })
    .await
}
