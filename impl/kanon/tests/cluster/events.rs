//! Events end by themselves, as everything in etcd does that has a lease.

use k8s_openapi::api::core::v1::{ConfigMap, Event};
use kube::Api;
use kube::api::PostParams;
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::support::{Cluster, Outcome, ensure, eventually, text, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("events_end_after_their_time_also_over_a_restart", ended)]
}

async fn ended() -> Outcome {
    let cluster = Cluster::new();
    let trace = cluster.file("trace.ndjson").display().to_string();
    let start = ["start", "--runtime", "simulated", "--port", "0", "--event-ttl"];
    cluster.succeed(&[&start[..], &["1h"]].concat())?;
    create(&cluster, "long").await?;
    cluster.succeed(&["stop"])?;
    cluster.succeed(&[&start[..], &["2s", "--trace", &trace]].concat())?;
    create(&cluster, "short").await?;
    let client = cluster.client().await?;
    let events: Api<Event> = Api::namespaced(client.clone(), "default");
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");

    eventually("an event ends", || async {
        Ok(events.get_opt("short").await?.is_none().then_some(()))
    })
    .await?;

    ensure(events.get_opt("long").await?.is_some(), "its time is not over")?;
    ensure(maps.get_opt("short").await?.is_some(), "a ConfigMap has no time")?;
    cluster.succeed(&["stop"])?;
    let told = std::fs::read_to_string(&trace)?;
    let told: Vec<Value> = told.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let is_end =
        |event: &&Value| event["actor"] == "etcd" && event["key"] == "events/default/short";
    let end = told.iter().find(is_end).ok_or("the trace tells of the end")?;
    ensure(end["action"] == "delete", end)?;
    let verdict = cluster.conform(&["validate", &trace])?;
    ensure(verdict.status.success(), text(&verdict.stdout) + &text(&verdict.stderr))
}

/// Makes an Event and a ConfigMap of this name.
async fn create(cluster: &Cluster, name: &str) -> Outcome {
    let client = cluster.client().await?;
    let events: Api<Event> = Api::namespaced(client.clone(), "default");
    let maps: Api<ConfigMap> = Api::namespaced(client, "default");
    let event = json!({"metadata": {"name": name, "namespace": "default"}, "reason": "Tried",
        "involvedObject": {"kind": "Pod", "name": "a", "namespace": "default"}});
    let map = json!({"metadata": {"name": name}});
    let parameters = PostParams::default();
    events.create(&parameters, &serde_json::from_value(event)?).await?;
    maps.create(&parameters, &serde_json::from_value(map)?).await?;
    Ok(())
}
