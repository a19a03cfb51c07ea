//! More important pods, and those that make room for them. What is scarce is a resource that nodes have only for the
//! trial, so that trials leave each other alone.

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use super::client::{Api, Collection, MERGE};
use super::pods::{pod, run};
use super::scheduling::ready_nodes;
use super::{official, unique};
use crate::support::{Outcome, ensure, eventually};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official("SchedulerPreemption [Serial] validates basic preemption works", basic),
        official(
            "SchedulerPreemption [Serial] validates lower priority pod preemption by critical pod",
            critical,
        ),
        official(
            "SchedulerPreemption [Serial] validates pod disruption condition is added to the preempted pod",
            condition,
        ),
        official(
            "SchedulerPreemption [Serial] PreemptionExecutionPath runs ReplicaSets to verify preemption \
             running path",
            replica_sets,
        ),
    ]
}

/// A resource of nodes, and priority classes, until the end of a trial.
struct Scarce {
    api: Api,
    resource: String,
    nodes: Vec<String>,
    classes: Vec<String>,
}

impl Scarce {
    /// Gives nodes so much of a new resource, and makes classes of these priorities.
    async fn begin(
        api: &Api,
        nodes: Vec<String>,
        amount: u32,
        priorities: &[i32],
    ) -> Result<Self, Failed> {
        let resource = format!("example.com/{}", unique("scarce"));
        let mut scarce = Self { api: api.clone(), resource, nodes, classes: vec![] };
        scarce.give(&json!(amount.to_string())).await?;
        let classes = api.cluster_wide("scheduling.k8s.io/v1", "priorityclasses");
        for value in priorities {
            let name = unique("class");
            classes.create(&json!({"metadata": {"name": name}, "value": value})).await?;
            scarce.classes.push(name);
        }
        Ok(scarce)
    }

    async fn give(&self, amount: &Value) -> Outcome {
        let nodes = self.api.cluster_wide("v1", "nodes");
        let amounts = json!({&self.resource: amount});
        let patch = json!({"status": {"capacity": amounts, "allocatable": amounts}});
        for node in &self.nodes {
            nodes.patch(&format!("{node}/status"), MERGE, &patch).await?;
        }
        Ok(())
    }

    /// A pod of a class that takes so much.
    fn pod(&self, name: &str, class: &str, amount: u32) -> Value {
        let mut pod = pod(name);
        let amounts = json!({&self.resource: amount.to_string()});
        let resources = json!({"requests": amounts, "limits": amounts});
        pod["spec"]["containers"][0]["resources"] = resources;
        pod["spec"]["priorityClassName"] = json!(class);
        pod
    }

    async fn end(self) -> Outcome {
        self.give(&Value::Null).await?;
        let classes = self.api.cluster_wide("scheduling.k8s.io/v1", "priorityclasses");
        for class in &self.classes {
            classes.delete(class, &Value::Null).await?;
        }
        Ok(())
    }
}

async fn node_names(api: &Api) -> Result<Vec<String>, Failed> {
    let name = |node: &Value| node["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    Ok(ready_nodes(api).await?.iter().map(name).collect())
}

/// Puts a pod on a node by its name.
fn on(node: &str, mut pod: Value) -> Value {
    let named = json!([{"key": "metadata.name", "operator": "In", "values": [node]}]);
    let terms = json!({"nodeSelectorTerms": [{"matchFields": named}]});
    pod["spec"]["affinity"] =
        json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}});
    pod
}

/// Two pods on each node take four fifths of it; the very first is less important. Their names.
async fn fill(scarce: &Scarce, pods: &Collection) -> Result<Vec<String>, Failed> {
    let mut names: Vec<String> = vec![];
    for (number, node) in scarce.nodes.iter().enumerate() {
        for second in [0, 1] {
            let class = if names.is_empty() { &scarce.classes[0] } else { &scarce.classes[1] };
            let name = format!("pod-{number}-{second}");
            run(pods, &on(node, scarce.pod(&name, class, 2))).await?;
            names.push(name);
        }
    }
    Ok(names)
}

/// Only the first pod was deleted, or is being deleted.
async fn only_the_first_goes(pods: &Collection, names: &[String]) -> Outcome {
    let goes = |pod: &Value| !pod["metadata"]["deletionTimestamp"].is_null();
    for (number, name) in names.iter().enumerate() {
        let is_there = pods.is_there(name).await?;
        let is_gone = !is_there || goes(&pods.get(name).await?);
        ensure(is_gone == (number == 0), format!("{name} is gone: {is_gone}"))?;
    }
    Ok(())
}

async fn basic(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    let scarce = Scarce::begin(&api, node_names(&api).await?, 5, &[1, 100, 1000]).await?;
    let names = fill(&scarce, &pods).await?;

    run(&pods, &scarce.pod("preemptor", &scarce.classes[2], 2)).await?;

    only_the_first_goes(&pods, &names).await?;
    scarce.end().await
}

async fn critical(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    let system = Api { namespace: "kube-system".to_owned(), ..api.clone() };
    let system_pods = system.all("v1", "pods");
    let scarce = Scarce::begin(&api, node_names(&api).await?, 5, &[1, 100]).await?;
    let names = fill(&scarce, &pods).await?;
    let name = unique("critical");

    run(&system_pods, &scarce.pod(&name, "system-cluster-critical", 2)).await?;

    only_the_first_goes(&pods, &names).await?;
    system_pods.delete(&name, &json!({"gracePeriodSeconds": 0})).await?;
    scarce.end().await
}

async fn condition(api: Api) -> Outcome {
    let pods = api.all("v1", "pods");
    let node = node_names(&api).await?.remove(0);
    let scarce = Scarce::begin(&api, vec![node.clone()], 1, &[1, 1000]).await?;
    let mut victim = on(&node, scarce.pod("victim", &scarce.classes[0], 1));
    victim["metadata"]["finalizers"] = json!(["example.com/trial"]);
    run(&pods, &victim).await?;

    pods.create(&on(&node, scarce.pod("preemptor", &scarce.classes[1], 1))).await?;

    let goes = |pod: &Value| !pod["metadata"]["deletionTimestamp"].is_null();
    let victim = pods.until("victim", "it is being deleted", goes).await?;
    let conditions = victim["status"]["conditions"].as_array().into_iter().flatten();
    let mut disrupted = conditions.filter(|condition| condition["type"] == "DisruptionTarget");
    let is_said = disrupted.any(|condition| {
        condition["status"] == "True" && condition["reason"] == "PreemptionByScheduler"
    });
    ensure(is_said, &victim)?;
    pods.patch("victim", MERGE, &json!({"metadata": {"finalizers": null}})).await?;
    scarce.end().await
}

/// Of three ReplicaSets with more and more important pods, the two less important ones lose theirs, once.
async fn replica_sets(api: Api) -> Outcome {
    let (pods, sets) = (api.all("v1", "pods"), api.all("apps/v1", "replicasets"));
    let node = node_names(&api).await?.remove(0);
    let scarce = Scarce::begin(&api, vec![node.clone()], 1000, &[1, 2, 3, 4]).await?;
    let mut watch = pods.watch_from_now("").await?;
    for (number, amount) in [(0, 200), (1, 300), (2, 450)] {
        let name = format!("set-{number}");
        let mut template = on(&node, scarce.pod("", &scarce.classes[number], amount));
        template["metadata"] = json!({"labels": {"set": name}});
        let selector = json!({"matchLabels": {"set": name}});
        let spec = json!({"replicas": 1, "selector": selector, "template": template});
        sets.create(&json!({"metadata": {"name": name}, "spec": spec})).await?;
        let is_ready = |set: &Value| set["status"]["readyReplicas"] == 1;
        sets.until(&name, "its pod runs", is_ready).await?;
    }

    pods.create(&on(&node, scarce.pod("preemptor", &scarce.classes[3], 500))).await?;
    let runs = |pod: &Value| pod["status"]["phase"] == "Running";
    pods.until("preemptor", "it runs", runs).await?;
    eventually("each set has a pod", || async {
        let found = pods.list("").await?;
        let goes = |pod: &&Value| pod["metadata"]["deletionTimestamp"].is_null();
        Ok((found.iter().filter(goes).count() == 4).then_some(()))
    })
    .await?;

    // The watch tells everything up to the last object that is made after all that.
    pods.create(&pod("last")).await?;
    let mut made = [0, 0, 0];
    loop {
        let event = watch.next().await?;
        let pod = &event["object"]["metadata"];
        if event["type"] != "ADDED" {
            continue;
        }
        if pod["name"] == "last" {
            break;
        }
        let number =
            ["set-0", "set-1", "set-2"].iter().position(|set| pod["labels"]["set"] == *set);
        number.into_iter().for_each(|number| made[number] += 1);
    }
    ensure(made == [2, 2, 1], format!("{made:?}"))?;
    scarce.end().await
}
