//! kube-rs, as a controller's author uses it: list, watch, patch, reflect.

use futures_util::{StreamExt, TryStreamExt};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use libtest_mimic::Trial;
use serde_json::json;

use crate::support::{Cluster, Outcome, ensure, eventually, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("kube_rs_lists_in_chunks", chunks),
        trial("kube_rs_watches_every_change_once_and_in_order", watch),
        trial("kube_rs_patches_in_three_ways", patch),
        trial("kube_rs_applies_with_others", apply),
        trial("kube_rs_reflects_a_deployments_pods", reflect),
    ]
}

fn map(name: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name, "labels": {"a": "b"}}}))
        .expect("it is a ConfigMap")
}

async fn chunks() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client().await?, "default");
    for number in 0..7 {
        maps.create(&PostParams::default(), &map(&format!("map-{number}"))).await?;
    }

    let mut names = vec![];
    let mut params = ListParams::default().limit(3);
    loop {
        let page = maps.list(&params).await?;
        names.extend(page.items.into_iter().filter_map(|map| map.metadata.name));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params.continue_token = Some(token),
            None => break,
        }
    }

    names.retain(|name| name.starts_with("map-"));
    let expected: Vec<String> = (0..7).map(|number| format!("map-{number}")).collect();
    ensure(names == expected, format!("{names:?}"))
}

async fn watch() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client().await?, "default");
    let start = maps.list(&ListParams::default()).await?.metadata.resource_version;
    let params = WatchParams::default().labels("a=b");
    let mut events = maps.watch(&params, &start.unwrap_or_default()).await?.boxed();

    maps.create(&PostParams::default(), &map("one")).await?;
    let relabel = json!({"metadata": {"labels": {"a": "c"}}});
    maps.patch("one", &PatchParams::default(), &Patch::Merge(&relabel)).await?;
    maps.create(&PostParams::default(), &map("two")).await?;

    let mut seen = vec![];
    while seen.len() < 3 {
        let event = events.try_next().await?.ok_or("the watch ended")?;
        seen.push(match event {
            WatchEvent::Added(map) => ("ADDED", map.metadata.name),
            WatchEvent::Modified(map) => ("MODIFIED", map.metadata.name),
            WatchEvent::Deleted(map) => ("DELETED", map.metadata.name),
            WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(error) => return Err(error.to_string().into()),
        });
    }
    let name = |name: &str| Some(name.to_owned());
    let expected = [("ADDED", name("one")), ("DELETED", name("one")), ("ADDED", name("two"))];
    ensure(seen == expected, format!("{seen:?}"))
}

async fn patch() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client().await?, "default");
    maps.create(&PostParams::default(), &map("one")).await?;
    let params = PatchParams::default();

    maps.patch("one", &params, &Patch::Merge(json!({"data": {"a": "1", "b": "1"}}))).await?;
    maps.patch("one", &params, &Patch::Strategic(json!({"data": {"b": null}}))).await?;
    let operations = json!([{"op": "replace", "path": "/data/a", "value": "2"}]);
    let operations = serde_json::from_value(operations)?;
    let patched = maps.patch("one", &params, &Patch::<()>::Json(operations)).await?;

    let expected = Some([("a".to_owned(), "2".to_owned())].into());
    ensure(patched.data == expected, format!("{:?}", patched.data))
}

async fn apply() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "0"])?;
    let maps: Api<ConfigMap> = Api::namespaced(cluster.client().await?, "default");
    let config = |data: serde_json::Value| {
        Patch::Apply(
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": data}),
        )
    };
    let (first, second) = (PatchParams::apply("first"), PatchParams::apply("second"));

    maps.patch("one", &first, &config(json!({"a": "1", "b": "1"}))).await?;
    maps.patch("one", &second, &config(json!({"b": "1", "c": "1"}))).await?;
    let refused = maps.patch("one", &second, &config(json!({"a": "2"}))).await;
    let conflict = refused.err().map(|error| error.to_string()).unwrap_or_default();
    ensure(conflict.contains("conflict with \"first\": .data.a"), conflict)?;
    maps.patch("one", &second.clone().force(), &config(json!({"a": "2"}))).await?;
    let applied = maps.patch("one", &first, &config(json!({}))).await?;

    let expected = Some([("a".to_owned(), "2".to_owned())].into());
    ensure(applied.data == expected, format!("{:?}", applied.data))?;
    let entries = applied.metadata.managed_fields.unwrap_or_default();
    let owns_a = |entry: &&ManagedFieldsEntry| {
        entry.fields_v1.as_ref().is_some_and(|fields| fields.0["f:data"].get("f:a").is_some())
    };
    let owners: Vec<_> = entries.iter().filter(owns_a).map(|entry| &entry.manager).collect();
    ensure(owners == [&Some("second".to_owned())], format!("{owners:?}"))
}

/// A Deployment for the trials.
pub(crate) fn deployment(name: &str, replicas: i32) -> Deployment {
    serde_json::from_value(json!({
        "metadata": {"name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {
                "terminationGracePeriodSeconds": 1,
                "containers": [{"name": "c", "image": "busybox:1.35", "command": ["sleep", "3600"]}]}}}
    }))
    .expect("it is a Deployment")
}

async fn reflect() -> Outcome {
    let cluster = Cluster::simulated(&[])?;
    let client = cluster.client().await?;
    let pods: Api<Pod> = Api::namespaced(client.clone(), "default");
    let (reader, writer) = kube::runtime::reflector::store();
    let stream = watcher(pods, watcher::Config::default().labels("app=web"));
    let reflecting = tokio::spawn(async move {
        let mut stream = std::pin::pin!(stream.reflect(writer).touched_objects());
        while let Some(Ok(_)) = stream.next().await {}
    });

    let deployments: Api<Deployment> = Api::namespaced(client, "default");
    deployments.create(&PostParams::default(), &deployment("web", 3)).await?;

    eventually("three pods run", || async {
        let phase = |pod: &std::sync::Arc<Pod>| {
            pod.status.as_ref().and_then(|status| status.phase.clone()).unwrap_or_default()
        };
        let running = reader.state().iter().filter(|pod| phase(pod) == "Running").count();
        Ok((running == 3).then_some(()))
    })
    .await?;
    reflecting.abort();
    Ok(())
}
