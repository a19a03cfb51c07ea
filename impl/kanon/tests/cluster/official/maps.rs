//! ConfigMaps and Secrets: what may be said in them, and what may be changed.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::client::{Api, Collection, MERGE};
use super::official;
use crate::support::{Outcome, ensure};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official("ConfigMap should fail to create ConfigMap with empty key", async |api: Api| {
            refuses_empty_key(&api.all("v1", "configmaps")).await
        }),
        official(
            "Secrets should fail to create secret due to empty secret key",
            async |api: Api| refuses_empty_key(&api.all("v1", "secrets")).await,
        ),
        official("ConfigMap should be immutable if `immutable` field is set", async |api: Api| {
            is_immutable(&api.all("v1", "configmaps")).await
        }),
        official("Secrets should be immutable if `immutable` field is set", async |api: Api| {
            is_immutable(&api.all("v1", "secrets")).await
        }),
        official("ConfigMap should run through a ConfigMap lifecycle", async |api: Api| {
            is_patched(&api.all("v1", "configmaps")).await
        }),
        official("Secrets should patch a secret", async |api: Api| {
            is_patched(&api.all("v1", "secrets")).await
        }),
        official("ConfigMap should update ConfigMap successfully [NodeConformance]", is_updated),
    ]
}

async fn refuses_empty_key(objects: &Collection) -> Outcome {
    let (code, refused) = objects
        .try_create(&json!({"metadata": {"name": "tried"}, "data": {"": "dmFsdWU="}}))
        .await?;
    ensure(code == 422 && refused["reason"] == "Invalid", refused)?;
    ensure(!objects.is_there("tried").await?, "nothing is made")
}

/// `YQ==` and its like are both text and base64, so that they are good for either kind.
async fn is_immutable(objects: &Collection) -> Outcome {
    objects.create(&json!({"metadata": {"name": "tried"}, "data": {"a": "YQ=="}})).await?;
    let change = json!({"data": {"a": "Yg=="}});
    objects.patch("tried", MERGE, &change).await?;
    objects.patch("tried", MERGE, &json!({"immutable": true})).await?;
    for refused in [json!({"data": {"a": "Yw=="}}), json!({"immutable": false})] {
        let mut object = objects.get("tried").await?;
        for (field, value) in refused.as_object().into_iter().flatten() {
            object[field] = value.clone();
        }
        let path = format!("{}/tried", objects.path);
        let headers = [("content-type", "application/json")];
        let (code, answer) =
            objects.api.send(http::Method::PUT, &path, &headers, Some(&object)).await?;
        ensure(code == 422 && answer["reason"] == "Invalid", answer)?;
    }
    let label = json!({"metadata": {"labels": {"still": "changes"}}});
    let labelled = objects.patch("tried", MERGE, &label).await?;
    ensure(labelled["data"] == change["data"], labelled)?;
    objects.delete("tried", &Value::Null).await?;
    objects.until_gone("tried").await
}

async fn is_patched(objects: &Collection) -> Outcome {
    let made =
        json!({"metadata": {"name": "tried", "labels": {"static": "true"}}, "data": {"a": "YQ=="}});
    objects.create(&made).await?;
    let patch = json!({"metadata": {"labels": {"patched": "true"}}, "data": {"a": "Yg=="}});
    objects.patch("tried", MERGE, &patch).await?;
    let read = objects.get("tried").await?;
    ensure(read["data"] == patch["data"], &read)?;
    let everywhere = objects.path.rsplit('/').next().unwrap_or_default();
    let everywhere = objects.api.cluster_wide("v1", everywhere);
    let namespace = json!(objects.api.namespace);
    let of_trial = async |query: &str| {
        let found = everywhere.list(query).await?;
        Ok::<_, libtest_mimic::Failed>(
            found.into_iter().filter(|found| found["metadata"]["namespace"] == namespace).count(),
        )
    };
    let selector = "?labelSelector=static%3Dtrue,patched%3Dtrue";
    ensure(of_trial(selector).await? == 1, "it is listed among those of all namespaces")?;
    objects.delete_collection("?labelSelector=static%3Dtrue").await?;
    ensure(of_trial(selector).await? == 0, "it is deleted")
}

async fn is_updated(api: Api) -> Outcome {
    let maps = api.all("v1", "configmaps");
    let mut map = maps.create(&json!({"metadata": {"name": "tried"}})).await?;
    map["data"] = json!({"a": "b"});
    maps.update("tried", &map).await?;
    let read = maps.get("tried").await?;
    ensure(read["data"] == map["data"], read)
}
