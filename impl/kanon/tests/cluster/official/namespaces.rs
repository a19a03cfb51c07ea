//! Namespaces: what can be changed of them, and how they go.

use http::Method;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::client::{Api, JSON_PATCH, MERGE};
use super::{official, unique};
use crate::support::{Outcome, ensure};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official("Namespaces [Serial] should patch a Namespace", patched),
        official("Namespaces [Serial] should apply an update to a Namespace", updated),
        official("Namespaces [Serial] should apply changes to a namespace status", status),
        official("Namespaces [Serial] should apply a finalizer to a Namespace", finalizer),
        official(
            "Namespaces [Serial] should ensure that all pods are removed when a namespace is deleted",
            pods_go,
        ),
        official(
            "Namespaces [Serial] should ensure that all services are removed when a namespace is deleted",
            services_go,
        ),
        official(
            "OrderedNamespaceDeletion namespace deletion should delete pod first",
            pods_go_first,
        ),
    ]
}

async fn patched(api: Api) -> Outcome {
    let namespaces = api.cluster_wide("v1", "namespaces");
    let patch = json!({"metadata": {"labels": {"patched": "true"}}});
    namespaces.patch(&api.namespace, MERGE, &patch).await?;
    let read = namespaces.get(&api.namespace).await?;
    ensure(read["metadata"]["labels"]["patched"] == "true", read)
}

async fn updated(api: Api) -> Outcome {
    let namespaces = api.cluster_wide("v1", "namespaces");
    let mut namespace = namespaces.get(&api.namespace).await?;
    namespace["metadata"]["labels"]["updated"] = "true".into();
    let updated = namespaces.update(&api.namespace, &namespace).await?;
    ensure(updated["metadata"]["labels"]["updated"] == "true", updated)
}

async fn status(api: Api) -> Outcome {
    let namespaces = api.cluster_wide("v1", "namespaces");
    let status = format!("{}/status", api.namespace);
    let condition = |name: &str, value: &str| {
        json!({"type": name, "status": value, "reason": "Tried", "message": "tried",
            "lastTransitionTime": "2026-01-01T00:00:00Z"})
    };
    let read = namespaces.get(&status).await?;
    ensure(read["status"]["phase"] == "Active", &read)?;
    let patch = json!({"status": {"conditions": [condition("Patched", "True")]}});
    let mut patched = namespaces.patch(&status, MERGE, &patch).await?;
    ensure(patched["status"]["conditions"][0] == condition("Patched", "True"), &patched)?;
    patched["status"]["conditions"][0] = condition("Updated", "False");
    let updated = namespaces.update(&status, &patched).await?;
    ensure(updated["status"]["conditions"][0] == condition("Updated", "False"), updated)
}

async fn finalizer(api: Api) -> Outcome {
    let namespaces = api.cluster_wide("v1", "namespaces");
    let name = unique("finalized");
    let mut namespace = namespaces.create(&json!({"metadata": {"name": name}})).await?;
    let finalize = format!("{}/{name}/finalize", namespaces.path);
    for finalizers in [json!(["kubernetes", "example.com/tried"]), json!(["kubernetes"])] {
        namespace["spec"]["finalizers"] = finalizers.clone();
        let headers = [("content-type", "application/json")];
        let (code, answer) = api.send(Method::PUT, &finalize, &headers, Some(&namespace)).await?;
        ensure(code == 200, &answer)?;
        namespace = namespaces.get(&name).await?;
        ensure(namespace["spec"]["finalizers"] == finalizers, &namespace)?;
    }
    namespaces.delete(&name, &Value::Null).await?;
    namespaces.until_gone(&name).await
}

/// A namespace beside the trial's, deleted once its objects are there, and made again: empty.
async fn goes(api: &Api, plural: &str, object: &Value) -> Outcome {
    let namespaces = api.cluster_wide("v1", "namespaces");
    let inner = Api { namespace: unique("deleted"), ..api.clone() };
    let namespace = json!({"metadata": {"name": inner.namespace}});
    namespaces.create(&namespace).await?;
    crate::support::eventually("it is made", || async {
        Ok(Some(inner.all("v1", plural).create(object).await?))
    })
    .await?;
    namespaces.delete(&inner.namespace, &Value::Null).await?;
    namespaces.until_gone(&inner.namespace).await?;
    namespaces.create(&namespace).await?;
    let left = inner.all("v1", plural).list("").await?;
    ensure(left.is_empty(), format!("{left:?}"))?;
    namespaces.delete(&inner.namespace, &Value::Null).await.map(drop)
}

fn pod(finalizers: &[&str]) -> Value {
    json!({"metadata": {"name": "tried", "finalizers": finalizers}, "spec": {"terminationGracePeriodSeconds": 1,
        "containers": [{"name": "c", "image": "busybox:1.35", "command": ["sleep", "1000"]}]}})
}

async fn pods_go(api: Api) -> Outcome {
    goes(&api, "pods", &pod(&[])).await
}

async fn services_go(api: Api) -> Outcome {
    let service = json!({"metadata": {"name": "tried"}, "spec": {"ports": [{"port": 80}]}});
    goes(&api, "services", &service).await
}

/// While a Pod has a finalizer, the rest stays too.
async fn pods_go_first(api: Api) -> Outcome {
    let namespaces = api.cluster_wide("v1", "namespaces");
    let inner = Api { namespace: unique("ordered"), ..api.clone() };
    namespaces.create(&json!({"metadata": {"name": inner.namespace}})).await?;
    let (pods, maps) = (inner.all("v1", "pods"), inner.all("v1", "configmaps"));
    crate::support::eventually("the pod is made", || async {
        Ok(Some(pods.create(&pod(&["example.com/tried"])).await?))
    })
    .await?;
    maps.create(&json!({"metadata": {"name": "tried"}})).await?;
    namespaces.delete(&inner.namespace, &Value::Null).await?;
    let is_told = |namespace: &Value| namespace["status"]["conditions"].is_array();
    namespaces.until(&inner.namespace, "its conditions are told", is_told).await?;
    let pod = pods.get("tried").await?;
    ensure(pod["metadata"]["deletionTimestamp"].is_string(), pod)?;
    ensure(maps.is_there("tried").await?, "the ConfigMap stays for as long as the Pod")?;
    let remove = json!([{"op": "remove", "path": "/metadata/finalizers"}]);
    pods.patch("tried", JSON_PATCH, &remove).await?;
    namespaces.until_gone(&inner.namespace).await
}
