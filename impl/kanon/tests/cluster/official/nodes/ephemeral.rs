//! Containers that are added to a pod that runs.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::super::client::{Api, STRATEGIC};
use super::super::with_containers;
use super::{WAIT, container, pod, printed, state};
use crate::support::{Outcome, ensure};

pub(super) fn ephemeral_containers() -> Vec<Trial> {
    vec![
        with_containers(
            "Ephemeral Containers [NodeConformance] will start an ephemeral container in an existing pod",
            starts,
        ),
        with_containers(
            "Ephemeral Containers [NodeConformance] should update the ephemeral containers in an existing pod",
            updates,
        ),
    ]
}

const LIST: &str = "ephemeralContainerStatuses";

/// Runs a pod and adds a container to it. The pod, with the container running.
async fn add(api: &Api, name: &str, target: &Value) -> Result<Value, libtest_mimic::Failed> {
    let pods = api.all("v1", "pods");
    let mut added = container(name, "tr '\\0' ' ' < /proc/1/cmdline; echo; sleep 1000");
    added["targetContainerName"] = target.clone();
    let patch = json!({"spec": {"ephemeralContainers": [added]}});
    pods.patch("tried/ephemeralcontainers", STRATEGIC, &patch).await?;
    pods.until("tried", "the added container runs", |pod| {
        state(pod, LIST, name)["running"].is_object()
    })
    .await
}

async fn run(api: &Api) -> Outcome {
    let pods = api.all("v1", "pods");
    pods.create(&pod("tried", json!({"containers": [container("main", WAIT)]}))).await?;
    pods.until("tried", "it runs", |pod| pod["status"]["phase"] == "Running").await.map(drop)
}

/// The container that is added also sees the processes of the one that it is to look at.
async fn starts(api: Api) -> Outcome {
    run(&api).await?;
    add(&api, "debugger", &json!("main")).await?;
    let first = printed(&api, ("tried", "debugger"), |log| !log.is_empty()).await?;
    ensure(first.contains(WAIT), format!("the first process is {first:?}"))
}

async fn updates(api: Api) -> Outcome {
    run(&api).await?;
    let with_one = add(&api, "debugger", &Value::Null).await?;
    let with_two = add(&api, "debugger2", &Value::Null).await?;
    let count = |pod: &Value| pod["spec"]["ephemeralContainers"].as_array().map(Vec::len);
    ensure(count(&with_one) == Some(1), format!("there is {with_one}"))?;
    ensure(count(&with_two) == Some(2), format!("there is {with_two}"))?;
    let own = printed(&api, ("tried", "debugger2"), |log| !log.is_empty()).await?;
    ensure(!own.starts_with(WAIT), format!("the first process is {own:?}"))
}
