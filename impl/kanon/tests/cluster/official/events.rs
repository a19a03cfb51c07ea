//! Events, of the core group and of `events.k8s.io`.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::client::{Api, Collection, MERGE};
use super::official;
use super::operations::contains;
use crate::support::{Outcome, ensure};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official("Events should delete a collection of events", async |api: Api| {
            all_are_deleted(&api, "v1").await
        }),
        official("Events API should delete a collection of events", async |api: Api| {
            all_are_deleted(&api, "events.k8s.io/v1").await
        }),
        official("Events should manage the lifecycle of an event", async |api: Api| {
            let patch = json!({"message": "as it was patched"});
            lives(&api, "v1", &patch).await
        }),
        official(
            "Events API should ensure that an event can be fetched, patched, deleted, and listed",
            async |api: Api| {
                // The description says that the note is patched; the API has it that it cannot be.
                let series = json!({"count": 2, "lastObservedTime": "2026-01-01T00:00:00.000000Z"});
                lives(&api, "events.k8s.io/v1", &json!({"series": series})).await
            },
        ),
    ]
}

/// An Event in the form of a group.
fn event(api: &Api, version: &str, name: &str) -> Value {
    let object = json!({"kind": "Pod", "namespace": api.namespace, "name": "of-a-trial"});
    let metadata = json!({"name": name, "labels": {"a-trial": "true"}});
    let time = "2026-01-01T00:00:00.000000Z";
    if version == "v1" {
        return json!({"metadata": metadata, "involvedObject": object, "reason": "Tried",
            "message": "as it was made", "type": "Normal", "source": {"component": "trial"}});
    }
    json!({"metadata": metadata, "regarding": object, "reason": "Tried", "note": "as it was made",
        "type": "Normal", "action": "Try", "eventTime": time, "reportingController": "example.com/trial",
        "reportingInstance": "one"})
}

async fn all_are_deleted(api: &Api, version: &str) -> Outcome {
    let events = api.all(version, "events");
    for name in ["one", "two", "three"] {
        events.create(&event(api, version, name)).await?;
    }
    let selector = "?labelSelector=a-trial%3Dtrue";
    ensure(events.list(selector).await?.len() == 3, "three are made")?;
    events.delete_collection(selector).await?;
    events.until_count(selector, 0).await.map(drop)
}

async fn lives(api: &Api, version: &str, patch: &Value) -> Outcome {
    let events = api.all(version, "events");
    let everywhere = api.cluster_wide(version, "events");
    events.create(&event(api, version, "tried")).await?;
    ensure(listed(&everywhere, api).await? == 1, "it is listed among those of all namespaces")?;
    events.patch("tried", MERGE, patch).await?;
    let mut made = events.get("tried").await?;
    ensure(contains(&made, patch), &made)?;
    let series = json!({"count": 3, "lastObservedTime": "2026-01-01T00:00:01.000000Z"});
    made["series"] = series.clone();
    if version == "v1" {
        // Only Events of the new form have a series; the old one is read as such when it says who reports.
        made["reportingComponent"] = "example.com/trial".into();
    }
    events.update("tried", &made).await?;
    let read = events.get("tried").await?;
    ensure(read["series"] == series, read)?;
    events.delete("tried", &Value::Null).await?;
    ensure(listed(&everywhere, api).await? == 0, "it is deleted")
}

/// How many events of the trial there are in all namespaces.
async fn listed(everywhere: &Collection, api: &Api) -> Result<usize, libtest_mimic::Failed> {
    let found = everywhere.list("?labelSelector=a-trial%3Dtrue").await?;
    Ok(found.iter().filter(|event| event["metadata"]["namespace"] == *api.namespace).count())
}
