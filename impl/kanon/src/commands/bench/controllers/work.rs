//! Work for controllers, each piece timed from the request to the last object that comes of it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use conformance::suite::{Session, Target};
use http::Method;
use serde::Serialize;
use serde_json::{Value, json};

use super::Sizes;
use crate::commands::bench::distribution;
use crate::commands::bench::requests::{Watch, body, expect, fill};
use crate::failure::{Failure, While};

/// Where the Deployment is, what is deleted as a whole, and what is collected.
const NAMESPACE: &str = "kanon-bench";
const DOOMED: &str = "kanon-bench-doomed";
const OWNED: &str = "kanon-bench-owned";

const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/kanon-bench/deployments";
const PODS: &str = "/api/v1/namespaces/kanon-bench/pods?labelSelector=app%3Dbench";

/// Something that controllers did, and how long it took.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Task {
    name: String,
    seconds: Value,
}

impl Task {
    /// What was done in several runs, each task once.
    pub(super) fn summed_up(runs: Vec<(String, f64)>) -> Vec<Self> {
        let mut order = vec![];
        let mut seconds: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for (name, took) in runs {
            if !seconds.contains_key(&name) {
                order.push(name.clone());
            }
            seconds.entry(name).or_default().push(took);
        }
        let task = |name: String| {
            let seconds = distribution(seconds.remove(&name).unwrap_or_default());
            Self { name, seconds }
        };
        order.into_iter().map(task).collect()
    }
}

impl fmt::Display for Task {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Value::Object(seconds) = &self.seconds else { return Ok(()) };
        let of = |statistic: &str| seconds[statistic].as_f64().unwrap_or(f64::NAN);
        let (min, median, max) = (of("min"), of("median"), of("max"));
        write!(
            formatter,
            "{:<55} min {min:>6.2}  median {median:>6.2}  max {max:>6.2}  s",
            self.name
        )
    }
}

/// Everything, once: what it was, and seconds.
pub(super) async fn measure(target: &Target, sizes: Sizes) -> Result<Vec<(String, f64)>, Failure> {
    let mut session = open(target).await?;
    for name in [NAMESPACE, DOOMED, OWNED] {
        let namespace = body(&json!({"metadata": {"name": name}}));
        expect(&mut session, Method::POST, "/api/v1/namespaces", namespace, 201).await?;
    }
    let mut took = deployment(target, sizes.replicas).await?;
    took.push(namespace(target, sizes.objects).await?);
    took.push(dependents(target, sizes.dependents).await?);
    Ok(took)
}

/// How long the pods of a Deployment take to exist in a cluster without nodes, where nobody starts them.
pub(super) async fn creation(target: &Target, replicas: usize) -> Result<(String, f64), Failure> {
    let mut session = open(target).await?;
    let namespace = body(&json!({"metadata": {"name": NAMESPACE}}));
    expect(&mut session, Method::POST, "/api/v1/namespaces", namespace, 201).await?;
    let mut pods = watch(target, PODS).await?;
    let mut session = open(target).await?;
    let begun = Instant::now();
    expect(&mut session, Method::POST, DEPLOYMENTS, body(&web(replicas)), 201).await?;
    count(&mut pods, "ADDED", replicas).await?;
    let name = format!("Deployment of {replicas} replicas, no nodes: its pods exist");
    Ok((name, begun.elapsed().as_secs_f64()))
}

/// A Deployment comes, rolls out another template, and goes.
async fn deployment(target: &Target, replicas: usize) -> Result<Vec<(String, f64)>, Failure> {
    let of = |what: &str| format!("Deployment of {replicas} replicas: {what}");
    let mut pods = watch(target, PODS).await?;
    let mut state =
        watch(target, &format!("{DEPLOYMENTS}?fieldSelector=metadata.name%3Dweb")).await?;

    let mut session = open(target).await?;
    let begun = Instant::now();
    expect(&mut session, Method::POST, DEPLOYMENTS, body(&web(replicas)), 201).await?;
    count(&mut pods, "ADDED", replicas).await?;
    let exist = begun.elapsed().as_secs_f64();
    until_available(&mut state, replicas).await?;
    let available = begun.elapsed().as_secs_f64();

    let mut session = open(target).await?;
    let begun = Instant::now();
    let patch =
        json!({"spec": {"template": {"metadata": {"labels": {"roll": "out"}}}}}).to_string();
    let patch = Some(("application/merge-patch+json", patch.into()));
    expect(&mut session, Method::PATCH, &format!("{DEPLOYMENTS}/web"), patch, 200).await?;
    count(&mut pods, "DELETED", replicas).await?;
    until_available(&mut state, replicas).await?;
    let rolled = begun.elapsed().as_secs_f64();

    let mut session = open(target).await?;
    let begun = Instant::now();
    expect(&mut session, Method::DELETE, &format!("{DEPLOYMENTS}/web"), None, 200).await?;
    count(&mut pods, "DELETED", replicas).await?;
    let gone = begun.elapsed().as_secs_f64();
    Ok(vec![
        (of("its pods exist"), exist),
        (of("all are available"), available),
        (of("rolled out anew"), rolled),
        (of("deleted, no pod is left"), gone),
    ])
}

fn web(replicas: usize) -> Value {
    let containers = json!([{"name": "web", "image": "busybox:1.35"}]);
    json!({"metadata": {"name": "web"}, "spec": {"replicas": replicas,
        "selector": {"matchLabels": {"app": "bench"}},
        "template": {"metadata": {"labels": {"app": "bench"}},
            "spec": {"containers": containers, "terminationGracePeriodSeconds": 0}}}})
}

/// A namespace full of ConfigMaps goes.
async fn namespace(target: &Target, objects: usize) -> Result<(String, f64), Failure> {
    fill(target, DOOMED, objects, &Value::Null).await?;
    let mut gone =
        watch(target, &format!("/api/v1/namespaces?fieldSelector=metadata.name%3D{DOOMED}"))
            .await?;
    let mut session = open(target).await?;
    let begun = Instant::now();
    let path = format!("/api/v1/namespaces/{DOOMED}");
    expect(&mut session, Method::DELETE, &path, None, 200).await?;
    count(&mut gone, "DELETED", 1).await?;
    Ok((format!("namespace of {objects} ConfigMaps: gone"), begun.elapsed().as_secs_f64()))
}

/// An owner goes, and its dependents follow.
async fn dependents(target: &Target, dependents: usize) -> Result<(String, f64), Failure> {
    let path = format!("/api/v1/namespaces/{OWNED}/secrets");
    let mut session = open(target).await?;
    let owner = body(&json!({"metadata": {"name": "owner"}}));
    let owner = expect(&mut session, Method::POST, &path, owner, 201).await?;
    let owner: Value = serde_json::from_slice(&owner).while_doing("an answer")?;
    let reference = json!([{"apiVersion": "v1", "kind": "Secret", "name": "owner",
        "uid": owner["metadata"]["uid"]}]);
    fill(target, OWNED, dependents, &reference).await?;
    let maps = format!("/api/v1/namespaces/{OWNED}/configmaps?labelSelector=of%3Dfilling");
    let mut maps = watch(target, &maps).await?;
    let mut session = open(target).await?;
    let begun = Instant::now();
    expect(&mut session, Method::DELETE, &format!("{path}/owner"), None, 200).await?;
    count(&mut maps, "DELETED", dependents).await?;
    Ok((format!("owner of {dependents} ConfigMaps: all collected"), begun.elapsed().as_secs_f64()))
}

/// A connection. One that nothing is sent on for some seconds is closed by the server.
async fn open(target: &Target) -> Result<Session, Failure> {
    Session::open(target).await.map_err(Failure::cannot)
}

async fn watch(target: &Target, path: &str) -> Result<Watch, Failure> {
    Watch::open(open(target).await?, path).await
}

/// Waits for so many events of a type.
async fn count(watch: &mut Watch, event: &str, number: usize) -> Result<(), Failure> {
    let beginning = format!("{{\"type\":\"{event}\"");
    let mut left = number;
    while left > 0 {
        let lines = watch.lines().await?;
        let counted = lines.iter().filter(|line| line.starts_with(beginning.as_bytes())).count();
        left = left.saturating_sub(counted);
    }
    Ok(())
}

/// Waits until all pods of the newest template are available, and no others are left.
async fn until_available(watch: &mut Watch, replicas: usize) -> Result<(), Failure> {
    loop {
        for line in watch.lines().await? {
            let event: Value = serde_json::from_slice(&line).while_doing("an event")?;
            let (metadata, status) = (&event["object"]["metadata"], &event["object"]["status"]);
            let is = |field: &str| status[field] == replicas;
            let is_seen = status["observedGeneration"] == metadata["generation"];
            if is_seen && is("replicas") && is("updatedReplicas") && is("availableReplicas") {
                return Ok(());
            }
        }
    }
}
