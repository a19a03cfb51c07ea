//! What volumes of a pod that runs show once what is in them has changed.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::super::client::{Api, MERGE};
use super::super::with_containers;
use super::{container, pod, printed};
use crate::support::Outcome;

/// A kind of object, and the volume that shows one of a name, which need not be there.
type Source = (&'static str, fn(&str) -> Value);

const MAP: Source =
    ("configmaps", |name| json!({"name": name, "configMap": {"name": name, "optional": true}}));
const SECRET: Source =
    ("secrets", |name| json!({"name": name, "secret": {"secretName": name, "optional": true}}));
const PROJECTED_MAP: Source = ("configmaps", |name| {
    let source = json!({"configMap": {"name": name, "optional": true}});
    json!({"name": name, "projected": {"sources": [source]}})
});
const PROJECTED_SECRET: Source = ("secrets", |name| {
    let source = json!({"secret": {"name": name, "optional": true}});
    json!({"name": name, "projected": {"sources": [source]}})
});

pub(super) fn changes() -> Vec<Trial> {
    let update_official = |name, source: Source| {
        with_containers(name, async move |api: Api| shows_update(&api, source).await)
    };
    let optional_official = |name, source: Source| {
        with_containers(name, async move |api: Api| shows_what_comes_and_goes(&api, source).await)
    };
    let pod_official = |name, field: &'static str, is_projected| {
        with_containers(name, async move |api: Api| shows_pod(&api, field, is_projected).await)
    };
    vec![
        update_official("ConfigMap updates should be reflected in volume [NodeConformance]", MAP),
        update_official(
            "Projected configMap updates should be reflected in volume [NodeConformance]",
            PROJECTED_MAP,
        ),
        optional_official(
            "ConfigMap optional updates should be reflected in volume [NodeConformance]",
            MAP,
        ),
        optional_official(
            "Secrets optional updates should be reflected in volume [NodeConformance]",
            SECRET,
        ),
        optional_official(
            "Projected configMap optional updates should be reflected in volume [NodeConformance]",
            PROJECTED_MAP,
        ),
        optional_official(
            "Projected secret optional updates should be reflected in volume [NodeConformance]",
            PROJECTED_SECRET,
        ),
        pod_official(
            "Downward API volume should update labels on modification [NodeConformance]",
            "labels",
            false,
        ),
        pod_official(
            "Downward API volume should update annotations on modification [NodeConformance]",
            "annotations",
            false,
        ),
        pod_official(
            "Projected downwardAPI should update labels on modification [NodeConformance]",
            "labels",
            true,
        ),
        pod_official(
            "Projected downwardAPI should update annotations on modification [NodeConformance]",
            "annotations",
            true,
        ),
    ]
}

/// Prints, again and again, what is in all files of a volume.
const SHOW: &str = "while true; do echo \"[$(cat /v/* 2> /dev/null)]\"; usleep 100000; done";

/// A container that shows a volume and has its name.
fn showing(volume: &str) -> Value {
    let mut container = container(volume, SHOW);
    container["volumeMounts"] = json!([{"name": volume, "mountPath": "/v"}]);
    container
}

/// A pod with a container for each volume, created.
async fn create(api: &Api, volumes: &[Value]) -> Outcome {
    let containers =
        volumes.iter().map(|volume| showing(volume["name"].as_str().unwrap_or_default()));
    let containers: Vec<Value> = containers.collect();
    let mut pod = pod("tried", json!({"containers": containers, "volumes": volumes}));
    pod["metadata"]["labels"] = json!({"a": "1"});
    pod["metadata"]["annotations"] = json!({"a": "1"});
    api.all("v1", "pods").create(&pod).await.map(drop)
}

/// Waits until a container shows this.
async fn shows(api: &Api, container: &str, content: &str) -> Outcome {
    let end = format!("[{content}]\n");
    let shows = |log: &str| log.ends_with(&end);
    printed(api, ("tried", container), shows).await.map(drop)
}

/// A change of an object: `data-1` goes if there is no value for it, `data-3` stays if there is none for that.
fn change((plural, _): Source, first: Option<&str>, third: Option<&str>) -> Value {
    let mut change = json!({"data": {}});
    let texts = if plural == "secrets" { "stringData" } else { "data" };
    match first {
        Some(value) => change[texts]["data-1"] = json!(value),
        None => change["data"]["data-1"] = Value::Null,
    }
    if let Some(value) = third {
        change[texts]["data-3"] = json!(value);
    }
    change
}

async fn make(api: &Api, source: Source, name: &str) -> Outcome {
    let mut object = change(source, Some("value-1"), None);
    object["metadata"]["name"] = json!(name);
    api.all("v1", source.0).create(&object).await.map(drop)
}

async fn shows_update(api: &Api, source: Source) -> Outcome {
    make(api, source, "updated").await?;
    create(api, &[source.1("updated")]).await?;
    shows(api, "updated", "value-1").await?;

    let change = change(source, Some("value-2"), None);
    api.all("v1", source.0).patch("updated", MERGE, &change).await?;

    shows(api, "updated", "value-2").await
}

async fn shows_what_comes_and_goes(api: &Api, source: Source) -> Outcome {
    let objects = api.all("v1", source.0);
    make(api, source, "updated").await?;
    make(api, source, "deleted").await?;
    create(api, &["created", "updated", "deleted"].map(source.1)).await?;
    shows(api, "created", "").await?;
    shows(api, "updated", "value-1").await?;
    shows(api, "deleted", "value-1").await?;

    make(api, source, "created").await?;
    objects.patch("updated", MERGE, &change(source, None, Some("value-3"))).await?;
    objects.delete("deleted", &Value::Null).await?;

    shows(api, "created", "value-1").await?;
    shows(api, "updated", "value-3").await?;
    shows(api, "deleted", "").await
}

async fn shows_pod(api: &Api, field: &str, is_projected: bool) -> Outcome {
    let path = format!("metadata.{field}");
    let files = json!({"items": [{"path": field, "fieldRef": {"fieldPath": path}}]});
    let mut volume = json!({"name": "told"});
    if is_projected {
        volume["projected"]["sources"] = json!([{"downwardAPI": files}]);
    } else {
        volume["downwardAPI"] = files;
    }
    create(api, &[volume]).await?;
    shows(api, "told", "a=\"1\"").await?;

    let change = json!({"metadata": {field: {"b": "2"}}});
    api.all("v1", "pods").patch("tried", MERGE, &change).await?;

    shows(api, "told", "a=\"1\"\nb=\"2\"").await
}
