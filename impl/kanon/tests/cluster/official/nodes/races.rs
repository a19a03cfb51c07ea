//! Many volumes in each of several pods that start at once.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::super::client::Api;
use super::super::with_containers;
use super::{WAIT, container};
use crate::support::Outcome;

/// How many ConfigMaps, each a volume of every pod.
const VOLUMES: usize = 50;
/// How many pods start at once.
const PODS: usize = 5;
/// How often.
const ROUNDS: usize = 3;

pub(super) fn races() -> Vec<Trial> {
    vec![with_containers(
        "EmptyDir wrapper volumes should not cause race condition when used for configmaps [Serial]",
        has_all_volumes,
    )]
}

async fn has_all_volumes(api: Api) -> Outcome {
    let names: Vec<String> = (0..VOLUMES).map(|number| format!("map-{number}")).collect();
    let maps = api.all("v1", "configmaps");
    for name in &names {
        maps.create(&json!({"metadata": {"name": name}, "data": {"data-1": "value-1"}})).await?;
    }
    for round in 0..ROUNDS {
        starts(&api, &format!("racing-{round}"), &names).await?;
    }
    Ok(())
}

async fn starts(api: &Api, name: &str, maps: &[String]) -> Outcome {
    let items = json!([{"key": "data-1", "path": "data-1"}]);
    let volume = |map: &String| json!({"name": map, "configMap": {"name": map, "items": items}});
    let mount = |map: &String| json!({"name": map, "mountPath": format!("/etc/{map}")});
    let mut main = container("main", WAIT);
    main["volumeMounts"] = maps.iter().map(mount).collect();
    // All of them are read before a pod counts.
    let check = format!("cat /etc/map-*/data-1 | grep -o value-1 | wc -l | grep -qx {VOLUMES}");
    main["readinessProbe"] = json!({"exec": {"command": ["sh", "-c", check]}, "periodSeconds": 1});
    let volumes: Vec<Value> = maps.iter().map(volume).collect();
    let labels = json!({"name": name});
    let template = json!({"metadata": {"labels": labels},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [main], "volumes": volumes}});
    let controllers = api.all("v1", "replicationcontrollers");
    controllers
        .create(&json!({"metadata": {"name": name},
            "spec": {"replicas": PODS, "selector": labels, "template": template}}))
        .await?;
    let are_ready = |found: &Value| found["status"]["readyReplicas"] == PODS;
    controllers.until(name, "its pods have all volumes", are_ready).await?;
    controllers.delete(name, &json!({"propagationPolicy": "Background"})).await?;
    api.all("v1", "pods").until_count(&format!("?labelSelector=name%3D{name}"), 0).await.map(drop)
}
