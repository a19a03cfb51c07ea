//! Quotas as objects: how they are changed and deleted, and what becomes of a status that somebody writes.

use libtest_mimic::Trial;
use serde_json::json;

use super::{PODS, QUOTAS, World, pod};
use crate::support::{Outcome, ensure, eventually, trial};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("a_quota_is_updated_and_deleted", update_and_delete),
        trial("a_quota_is_found_patched_and_deleted_by_its_label", lifecycle),
        trial("nobody_is_outrun_who_counts_on_a_quota_with_others", many_at_once),
        trial("a_quotas_status_can_be_written_and_becomes_true_again", status),
    ]
}

/// Conformance: ResourceQuota should be able to update and delete ResourceQuota.
async fn update_and_delete() -> Outcome {
    let world = World::new().await?;
    let path = format!("{QUOTAS}/q");
    world.quota("q", json!({"hard": {"cpu": "1", "memory": "500Mi"}}), json!({})).await?;

    let mut quota = world.raw.get(&path).await?;
    quota["spec"]["hard"] = json!({"cpu": "2", "memory": "1Gi"});
    world.raw.put(&path, &quota).await?;
    let hard = world.raw.get(&path).await?["spec"]["hard"].clone();
    ensure(hard == json!({"cpu": "2", "memory": "1Gi"}), hard)?;
    world.uses("q", json!({})).await?;

    world.raw.delete(&path).await?;
    let (code, why) = world.raw.refused("GET", &path, &json!(null)).await?;
    ensure(code == 404, why)
}

/// Conformance: ResourceQuota should manage the lifecycle of a ResourceQuota
async fn lifecycle() -> Outcome {
    let world = World::new().await?;
    let quota = json!({"metadata": {"name": "q", "labels": {"found-by": "q"}},
        "spec": {"hard": {"cpu": "1", "memory": "500Mi"}}});
    world.raw.post(QUOTAS, &quota).await?;

    let list = world.raw.get("/api/v1/resourcequotas?labelSelector=found-by%3Dq").await?;
    ensure(list["items"].as_array().is_some_and(|items| items.len() == 1), &list)?;
    let patch =
        json!({"metadata": {"labels": {"q": "patched"}}, "spec": {"hard": {"memory": "750Mi"}}});
    let patched = world.raw.patch(&format!("{QUOTAS}/q"), &patch).await?;
    let hard = json!({"cpu": "1", "memory": "750Mi"});
    let is_patched =
        patched["metadata"]["labels"]["q"] == "patched" && patched["spec"]["hard"] == hard;
    ensure(is_patched, &patched)?;

    world.raw.delete(&format!("{QUOTAS}?labelSelector=found-by%3Dq")).await?;
    let (code, why) = world.raw.refused("GET", &format!("{QUOTAS}/q"), &json!(null)).await?;
    ensure(code == 404, why)
}

/// Conformance: ResourceQuota should apply changes to a resourcequota status
async fn status() -> Outcome {
    let world = World::new().await?;
    let (path, status) = (format!("{QUOTAS}/q"), format!("{QUOTAS}/q/status"));
    world.quota("q", json!({"hard": {"cpu": "500m", "memory": "500Mi"}}), json!({})).await?;
    let mut quota = world.raw.get(&path).await?;
    quota["status"] = json!({"hard": quota["spec"]["hard"]});
    let updated = world.raw.put(&status, &quota).await?;
    ensure(updated["status"]["hard"] == updated["spec"]["hard"], &updated)?;

    let hard = json!({"cpu": "1", "memory": "1Gi"});
    world.raw.patch(&path, &json!({"spec": {"hard": hard}})).await?;
    let patched = world.raw.patch(&status, &json!({"status": {"hard": hard}})).await?;
    ensure(patched["status"]["hard"] == hard && patched["spec"]["hard"] == hard, &patched)?;
    let read = world.raw.get(&status).await?;
    ensure(read["status"]["hard"] == hard, &read)?;

    let more = json!({"cpu": "2", "memory": "2Gi"});
    let repatched = world.raw.patch(&status, &json!({"status": {"hard": more}})).await?;
    let is_of_status = repatched["status"]["hard"] == more && repatched["spec"]["hard"] == hard;
    ensure(is_of_status, &repatched)?;
    eventually("the status is what the spec says", || async {
        Ok((world.raw.get(&path).await?["status"]["hard"] == hard).then_some(()))
    })
    .await
}

/// Sixteen clients make ten pods each at the same time, and each writes the same quota with its pod.
async fn many_at_once() -> Outcome {
    let world = World::new().await?;
    let spec = json!({"hard": {"pods": "1000", "requests.cpu": "1000"}});
    world.quota("q", spec, json!({})).await?;

    let clients = (0..16).map(|client| {
        let world = &world;
        async move {
            for number in 0..10 {
                let pod = pod(&format!("pod-{client}-{number}"), json!({"requests": {"cpu": "1"}}));
                world.raw.post(PODS, &pod).await?;
            }
            Ok::<_, libtest_mimic::Failed>(())
        }
    });
    futures_util::future::try_join_all(clients).await?;

    world.uses("q", json!({"pods": "160", "requests.cpu": "160"})).await
}
