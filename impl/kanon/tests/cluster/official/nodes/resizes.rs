//! Resources of containers that change while they run.

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::super::client::{Api, STRATEGIC};
use super::super::with_containers;
use super::{container, pod, printed};
use crate::support::{Outcome, ensure};

pub(super) fn resizes() -> Vec<Trial> {
    vec![
        with_containers(
            "Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - increase cpu & \
             mem on c1, c2, decrease cpu & mem on c3 - net increase [MinimumKubeletVersion:1.34]",
            |api| guaranteed_pod(api, [(30, 50), (31, 51), (15, 30)]),
        ),
        with_containers(
            "Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - increase cpu & \
             mem on c1, decrease cpu & mem on c2, c3 - net decrease [MinimumKubeletVersion:1.34]",
            |api| guaranteed_pod(api, [(25, 45), (12, 25), (13, 26)]),
        ),
        with_containers(
            "Pod InPlace Resize Container guaranteed pods with multiple containers 3 containers - increase: CPU \
             (c1,c3), memory (c2, c3) ; decrease: CPU (c2) [MinimumKubeletVersion:1.34]",
            |api| guaranteed_pod(api, [(30, 40), (12, 50), (32, 52)]),
        ),
        with_containers(
            "Pod InPlace Resize Container burstable pods - extended 6 containers - various operations performed \
             (including adding limits and requests) [MinimumKubeletVersion:1.34]",
            burstable_pod,
        ),
        with_containers(
            "Pod InPlace Resize Container burstable pods - extended resize with equivalents \
             [MinimumKubeletVersion:1.34]",
            equivalents,
        ),
        with_containers(
            "Pod InPlace Resize Container resize pod via the replace endpoint [MinimumKubeletVersion:1.34]",
            replaced,
        ),
    ]
}

/// Says again and again what the container may use, as its control group has it.
const SHOW: &str = "while sleep 0.2; do \
    p=$(sed -n 's/^[0-9]*:memory://p' /proc/self/cgroup); \
    if [ -n \"$p\" ]; then \
        m=$(cat /cgroup/memory$p/memory.limit_in_bytes); q=$(cat /cgroup/cpu$p/cpu.cfs_quota_us); \
    else \
        p=$(sed -n 's/^0:://p' /proc/self/cgroup); \
        m=$(cat /cgroup$p/memory.max); q=$(cut -d' ' -f1 /cgroup$p/cpu.max); \
    fi; \
    echo memory $m quota $q; done";

const MI: u64 = 1 << 20;

/// A pod whose containers, `c1` and so on, have these resources and show their limits.
fn showing(resources: &[Value]) -> Value {
    let containers = resources.iter().enumerate().map(|(index, resources)| {
        let mut container = container(&format!("c{}", index + 1), SHOW);
        container["resources"] = resources.clone();
        container["volumeMounts"] =
            json!([{"name": "cgroup", "mountPath": "/cgroup", "readOnly": true}]);
        container
    });
    let volume = json!({"name": "cgroup", "hostPath": {"path": "/sys/fs/cgroup"}});
    pod("tried", json!({"containers": containers.collect::<Value>(), "volumes": [volume]}))
}

/// Thousandths of a core and mebibytes, asked for and allowed.
fn both((cpu, memory): (u32, u32)) -> Value {
    let amounts = json!({"cpu": format!("{cpu}m"), "memory": format!("{memory}Mi")});
    json!({"requests": amounts, "limits": amounts})
}

/// Waits until every container has these resources, by its status, and no resize goes on.
async fn have(api: &Api, resources: &[Value]) -> Result<Value, Failed> {
    let expected: Vec<&Value> = resources.iter().collect();
    let has = |pod: &Value| {
        let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        let is_resized = !conditions
            .any(|one| one["type"].as_str().is_some_and(|name| name.starts_with("PodResize")));
        let statuses = pod["status"]["containerStatuses"].as_array();
        let found = statuses.into_iter().flatten();
        let runs = found.clone().all(|status| !status["state"]["running"].is_null());
        let found: Vec<&Value> = found.map(|status| &status["resources"]).collect();
        let is_observed = pod["status"]["observedGeneration"] == pod["metadata"]["generation"];
        is_resized && is_observed && runs && found == expected
    };
    api.all("v1", "pods").until("tried", "its containers have what they are to have", has).await
}

/// Creates a pod, changes it, and takes the change back.
async fn resized(api: &Api, from: &[Value], to: &[Value]) -> Result<Value, Failed> {
    api.all("v1", "pods").create(&showing(from)).await?;
    have(api, from).await?;
    patch(api, to).await?;
    have(api, to).await
}

async fn patch(api: &Api, to: &[Value]) -> Outcome {
    let containers: Value = to
        .iter()
        .enumerate()
        .map(|(index, to)| json!({"name": format!("c{}", index + 1), "resources": to}))
        .collect();
    let patch = json!({"spec": {"containers": containers}});
    api.all("v1", "pods").patch("tried/resize", STRATEGIC, &patch).await.map(drop)
}

fn never_restarted(pod: &Value) -> Outcome {
    let mut statuses = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    ensure(statuses.all(|status| status["restartCount"] == 0), format!("restarted: {pod}"))
}

/// Waits until a container has these limits, as the kernel says.
async fn is_limited(api: &Api, name: &str, memory: &str, quota: &str) -> Outcome {
    let line = format!("memory {memory} quota {quota}\n");
    printed(api, ("tried", name), |log| log.ends_with(&line)).await.map(drop)
}

async fn guaranteed_pod(api: Api, to: [(u32, u32); 3]) -> Outcome {
    let from = [(20, 40), (21, 41), (22, 42)];
    let pod = resized(&api, &from.map(both), &to.map(both)).await?;
    never_restarted(&pod)?;
    for (index, (cpu, memory)) in to.into_iter().enumerate() {
        let bytes = (u64::from(memory) * MI).to_string();
        is_limited(&api, &format!("c{}", index + 1), &bytes, &(cpu * 100).to_string()).await?;
    }
    patch(&api, &from.map(both)).await?;
    never_restarted(&have(&api, &from.map(both)).await?)
}

async fn burstable_pod(api: Api) -> Outcome {
    let unchanged = json!({"requests": {"cpu": "20m"}, "limits": {"cpu": "30m"}});
    let from = [
        json!({"requests": {"cpu": "20m"}}),
        json!({"requests": {"memory": "35Mi"}}),
        json!({"requests": {"cpu": "20m", "memory": "35Mi"}}),
        json!({"requests": {"cpu": "20m"}}),
        json!({"requests": {"memory": "35Mi"}}),
        unchanged.clone(),
    ];
    let to = [
        json!({"requests": {"cpu": "25m"}, "limits": {"cpu": "35m"}}),
        json!({"requests": {"memory": "30Mi"}, "limits": {"memory": "50Mi"}}),
        json!({"requests": {"cpu": "20m", "memory": "30Mi"}}),
        json!({"requests": {"cpu": "15m", "memory": "35Mi"}}),
        json!({"requests": {"cpu": "20m", "memory": "40Mi"}}),
        unchanged,
    ];
    never_restarted(&resized(&api, &from, &to).await?)?;
    let limited = |log: &str| log.ends_with("quota 3500\n");
    printed(&api, ("tried", "c1"), limited).await?;
    let bytes = format!("memory {} quota", 50 * MI);
    let limited = |log: &str| log.lines().last().is_some_and(|line| line.starts_with(&bytes));
    printed(&api, ("tried", "c2"), limited).await.map(drop)
}

/// Amounts that are the same to the kernel are told apart in the status.
async fn equivalents(api: Api) -> Outcome {
    let amounts = |request: &str, limit: &str| json!({"requests": {"cpu": request}, "limits": {"cpu": limit}});
    let (from, to) = ([amounts("2m", "10m")], [amounts("1m", "5m")]);
    never_restarted(&resized(&api, &from, &to).await?)?;
    patch(&api, &from).await?;
    never_restarted(&have(&api, &from).await?)
}

async fn replaced(api: Api) -> Outcome {
    let (from, to) = (both((20, 40)), both((30, 50)));
    let pods = api.all("v1", "pods");
    pods.create(&showing(std::slice::from_ref(&from))).await?;
    have(&api, &[from]).await?;
    pods.change("tried/resize", |pod| pod["spec"]["containers"][0]["resources"] = to.clone())
        .await?;
    never_restarted(&have(&api, &[to]).await?)?;
    is_limited(&api, "c1", &(50 * MI).to_string(), "3000").await?;
    let same = pods.get("tried").await?["spec"] == pods.get("tried/resize").await?["spec"];
    ensure(same, "another pod is read through its subresource")
}
