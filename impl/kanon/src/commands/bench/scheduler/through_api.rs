//! Through an API server: pods are created beside, and a watch tells when each has a node.

use std::collections::BTreeMap;
use std::time::Instant;

use conformance::suite::{Session, Target};
use http::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::workloads::{self, MEASURED, Pod, Workload};
use super::{Measured, Sizes};
use crate::commands::bench::kibibytes;
use crate::commands::bench::requests::{Watch, body, expect};
use crate::failure::{Failure, While};

/// What runs of the cluster that is made for it. Nodes are objects without a kubelet.
pub(super) const FLAGS: &[&str] = &["--components", "api-server,scheduler", "--nodes", "0"];

/// How many connections create objects.
const CREATORS: usize = 32;

/// Schedules a workload in a cluster without nodes. `pid` is the process of the scheduler, if it is known.
pub(super) async fn run(
    target: &Target,
    pid: u32,
    workload: &Workload,
    sizes: Sizes,
) -> Result<Measured, Failure> {
    let mut objects = vec![];
    for name in workload.namespaces() {
        objects.push(("/api/v1/namespaces".to_owned(), workloads::namespace_object(&name)));
    }
    create(target, objects).await?;
    let accounts = workload.namespaces().into_iter().map(|namespace| {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
        (path, json!({"metadata": {"name": "default"}}))
    });
    let classes = "/apis/scheduling.k8s.io/v1/priorityclasses".to_owned();
    let important = json!({"metadata": {"name": "important"}, "value": 10});
    create(target, accounts.chain([(classes, important)]).collect()).await?;
    let nodes =
        (0..sizes.nodes).map(|number| ("/api/v1/nodes".to_owned(), workloads::node(number)));
    create(target, nodes.collect()).await?;

    let initial = workload.initial(sizes);
    let mut all = watch(target, "/api/v1/pods?").await?;
    let wanted = initial.len();
    create(target, paths(initial)).await?;
    bound(&mut all, wanted).await?;
    create(target, paths(workload.waiting(sizes.nodes))).await?;

    let pods = workload.measured(sizes.nodes, sizes.pods);
    let wanted = pods.len();
    let mut measured = watch(target, &format!("/api/v1/namespaces/{MEASURED}/pods?")).await?;
    let begun = Instant::now();
    let (creating, latencies) =
        tokio::join!(create(target, paths(pods)), bound(&mut measured, wanted));
    let took = begun.elapsed();
    creating?;
    let resident_mebibytes = kibibytes(pid, "VmRSS:")? / 1024.0;
    Ok(Measured { pods: wanted, took, latencies: latencies?, resident_mebibytes })
}

async fn watch(target: &Target, path: &str) -> Result<Watch, Failure> {
    Watch::open(Session::open(target).await.map_err(Failure::cannot)?, path).await
}

fn paths(pods: Vec<Pod>) -> Vec<(String, Value)> {
    let path = |pod: Pod| {
        let mut object = pod.object;
        if let Some(spec) = object["spec"].as_object_mut()
            && spec.remove("priority").is_some()
        {
            spec.insert("priorityClassName".to_owned(), json!("important"));
        }
        (format!("/api/v1/namespaces/{}/pods", pod.namespace), object)
    };
    pods.into_iter().map(path).collect()
}

/// Creates objects, on several connections.
async fn create(target: &Target, objects: Vec<(String, Value)>) -> Result<(), Failure> {
    let mut creators = JoinSet::new();
    let mut shares: Vec<Vec<_>> = (0..CREATORS).map(|_| vec![]).collect();
    for (number, object) in objects.into_iter().enumerate() {
        shares[number % CREATORS].push(object);
    }
    for share in shares.into_iter().filter(|share| !share.is_empty()) {
        let mut session = Session::open(target).await.map_err(Failure::cannot)?;
        creators.spawn(async move {
            for (path, object) in share {
                expect(&mut session, Method::POST, &path, body(&object), 201).await?;
            }
            Ok::<_, Failure>(())
        });
    }
    while let Some(created) = creators.join_next().await {
        created.while_doing("a connection")??;
    }
    Ok(())
}

/// Waits until so many pods have a node. For each, the microseconds from when it was first heard of until then.
async fn bound(watch: &mut Watch, pods: usize) -> Result<Vec<f64>, Failure> {
    let mut heard: BTreeMap<String, Instant> = BTreeMap::new();
    let mut latencies = vec![];
    while latencies.len() < pods {
        for line in watch.lines().await? {
            let event: Value = serde_json::from_slice(&line).while_doing("an event")?;
            let pod = &event["object"];
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            if pod["spec"]["nodeName"].is_null() {
                heard.entry(name.to_owned()).or_insert_with(Instant::now);
            } else if let Some(since) = heard.remove(name) {
                latencies.push(since.elapsed().as_secs_f64() * 1e6);
            }
        }
    }
    Ok(latencies)
}
