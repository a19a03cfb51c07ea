//! Pods that name a RuntimeClass.

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::super::client::Api;
use super::super::{unique, with_containers};
use super::{WAIT, container, pod};
use crate::support::{Outcome, ensure};

pub(super) fn runtime_classes() -> Vec<Trial> {
    vec![
        with_containers(
            "RuntimeClass should reject a Pod requesting a non-existent RuntimeClass [NodeConformance]",
            |api| async move { is_refused(&api, &unique("no-class")).await },
        ),
        with_containers(
            "RuntimeClass should reject a Pod requesting a deleted RuntimeClass [NodeConformance]",
            is_deleted,
        ),
        with_containers(
            "RuntimeClass should schedule a Pod requesting a RuntimeClass and initialize its Overhead [NodeConformance]",
            |api| has_overhead(api, json!({"podFixed": {"cpu": "10m", "memory": "1Mi"}})),
        ),
        with_containers(
            "RuntimeClass should schedule a Pod requesting a RuntimeClass without PodOverhead [NodeConformance]",
            |api| has_overhead(api, Value::Null),
        ),
    ]
}

/// A class of the handler that nodes have.
async fn class(api: &Api, overhead: &Value) -> Result<String, Failed> {
    let name = unique("class");
    let mut class = json!({"metadata": {"name": name}, "handler": "runc"});
    if !overhead.is_null() {
        class["overhead"] = overhead.clone();
    }
    api.cluster_wide("node.k8s.io/v1", "runtimeclasses").create(&class).await?;
    Ok(name)
}

fn of_class(class: &str) -> Value {
    pod("tried", json!({"containers": [container("main", WAIT)], "runtimeClassName": class}))
}

async fn is_refused(api: &Api, class: &str) -> Outcome {
    let (code, why) = api.all("v1", "pods").try_create(&of_class(class)).await?;
    let message = why["message"].as_str().unwrap_or_default();
    let expected = format!("pod rejected: RuntimeClass \"{class}\" not found");
    ensure(code == 403 && message.contains(&expected), format!("{code}: {why}"))
}

async fn is_deleted(api: Api) -> Outcome {
    let classes = api.cluster_wide("node.k8s.io/v1", "runtimeclasses");
    let name = class(&api, &Value::Null).await?;
    classes.delete(&name, &Value::Null).await?;
    classes.until_gone(&name).await?;
    is_refused(&api, &name).await
}

async fn has_overhead(api: Api, overhead: Value) -> Outcome {
    let name = class(&api, &overhead).await?;
    api.all("v1", "pods").create(&of_class(&name)).await?;
    let is_scheduled = |pod: &Value| {
        let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        conditions.any(|one| one["type"] == "PodScheduled" && one["status"] == "True")
    };
    let pod = api.all("v1", "pods").until("tried", "it is scheduled", is_scheduled).await?;
    api.cluster_wide("node.k8s.io/v1", "runtimeclasses").delete(&name, &Value::Null).await?;
    ensure(pod["spec"]["overhead"] == overhead["podFixed"], pod["spec"].to_string())
}
