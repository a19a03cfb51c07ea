//! Pods from their creation to their end, as a client sees them.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::super::client::{Api, STRATEGIC};
use super::super::with_containers;
use super::{WAIT, container, pod};
use crate::support::{Outcome, ensure};

pub(super) fn pods() -> Vec<Trial> {
    vec![
        with_containers("Pods should be submitted and removed [NodeConformance]", comes_and_goes),
        with_containers("Pods should be updated [NodeConformance]", is_updated),
        with_containers("Pods should get a host IP [NodeConformance]", has_a_host),
        with_containers(
            "Pods should allow activeDeadlineSeconds to be updated [NodeConformance]",
            has_a_deadline,
        ),
        with_containers("Pods should run through the lifecycle of Pods and PodStatus", lives),
    ]
}

fn labelled(value: &str) -> Value {
    let mut pod = pod("tried", json!({"containers": [container("main", WAIT)]}));
    pod["metadata"]["labels"] = json!({"time": value});
    pod["spec"]["terminationGracePeriodSeconds"] = json!(2);
    pod
}

fn runs(pod: &Value) -> bool {
    pod["status"]["phase"] == "Running"
}

async fn comes_and_goes(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    let query = "labelSelector=time%3Dfirst";
    ensure(pods.list(&format!("?{query}")).await?.is_empty(), "there is one before")?;
    let mut watch = pods.watch_from_now(&format!("&{query}")).await?;
    pods.create(&labelled("first")).await?;
    watch.expect("ADDED", "tried").await?;
    pods.until_count(&format!("?{query}"), 1).await?;
    pods.until("tried", "it runs", runs).await?;
    pods.delete("tried", &json!({"gracePeriodSeconds": 2})).await?;
    let last = watch.until("DELETED", "tried").await?;
    let is_marked = last["metadata"]["deletionTimestamp"].is_string();
    ensure(is_marked, format!("deleted without warning: {last}"))?;
    ensure(pods.list(&format!("?{query}")).await?.is_empty(), "it is still there")
}

async fn is_updated(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    pods.create(&labelled("first")).await?;
    pods.until("tried", "it runs", runs).await?;
    pods.until_count("?labelSelector=time%3Dfirst", 1).await?;
    pods.change("tried", |pod| pod["metadata"]["labels"]["time"] = json!("second")).await?;
    pods.until_count("?labelSelector=time%3Dsecond", 1).await?;
    pods.until("tried", "it runs", runs).await.map(drop)
}

async fn has_a_host(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    pods.create(&labelled("first")).await?;
    let pod = pods.until("tried", "it runs", runs).await?;
    let address = pod["status"]["hostIP"].as_str().unwrap_or_default();
    ensure(address.parse::<std::net::IpAddr>().is_ok(), format!("{}", pod["status"]))
}

async fn has_a_deadline(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    let mut created = labelled("first");
    created["spec"]["activeDeadlineSeconds"] = json!(30);
    pods.create(&created).await?;
    pods.until("tried", "it runs", runs).await?;
    pods.change("tried", |pod| pod["spec"]["activeDeadlineSeconds"] = json!(1)).await?;
    let is_over = |pod: &Value| {
        pod["status"]["phase"] == "Failed" && pod["status"]["reason"] == "DeadlineExceeded"
    };
    pods.until("tried", "its time is over", is_over).await.map(drop)
}

async fn lives(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    let mut watch = pods.watch_from_now("&labelSelector=test-pod-static%3Dtrue").await?;
    let mut created = labelled("first");
    created["metadata"]["labels"]["test-pod-static"] = json!("true");
    pods.create(&created).await?;
    watch.until("ADDED", "tried").await?;
    pods.until("tried", "it runs", runs).await?;
    let patch = json!({"metadata": {"labels": {"test-pod": "patched"}}, "spec": {"terminationGracePeriodSeconds": 2,
        "containers": [{"name": "main", "image": "busybox"}]}});
    pods.patch("tried", STRATEGIC, &patch).await?;
    let patched = watch.until("MODIFIED", "tried").await?;
    let is_patched = |pod: &Value| {
        pod["metadata"]["labels"]["test-pod"] == "patched"
            && pod["spec"]["containers"][0]["image"] == "busybox"
    };
    let patched = if is_patched(&patched) {
        patched
    } else {
        pods.until("tried", "it is patched", is_patched).await?
    };
    ensure(is_patched(&patched), format!("{patched}"))?;
    let unready = |pod: &mut Value| {
        for condition in pod["status"]["conditions"].as_array_mut().into_iter().flatten() {
            if condition["type"] == "Ready" {
                condition["status"] = json!("False");
            }
        }
    };
    let replaced = crate::support::eventually("its status is replaced", || async {
        let mut pod = pods.get("tried/status").await?;
        unready(&mut pod);
        Ok(Some(pods.update("tried/status", &pod).await?))
    })
    .await?;
    let conditions = replaced["status"]["conditions"].as_array();
    let ready = conditions.into_iter().flatten().find(|one| one["type"] == "Ready");
    ensure(ready.is_some_and(|one| one["status"] == "False"), format!("{replaced}"))?;
    pods.delete_collection("?labelSelector=test-pod-static%3Dtrue").await?;
    watch.until("DELETED", "tried").await.map(drop)
}
