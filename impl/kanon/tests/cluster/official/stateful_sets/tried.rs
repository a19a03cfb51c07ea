//! The StatefulSet of a trial, and what is done to it.

use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::super::client::{Api, Collection, MERGE, STRATEGIC};
use super::super::workloads::{NEW, OLD, workload};
use crate::support::Outcome;

/// The condition that a readiness gate asks for.
const HEALTHY: &str = "tried.example/healthy";

/// A StatefulSet `tried`, beside the Service that its pods are found by.
pub(super) struct Tried {
    pub(super) sets: Collection,
    pub(super) pods: Collection,
}

impl Tried {
    pub(super) async fn new(api: &Api, set: &Value) -> Result<Self, Failed> {
        let service = json!({"metadata": {"name": "tried"}, "spec": {"clusterIP": "None",
            "selector": {"app": "tried"}, "ports": [{"port": 80, "name": "http"}]}});
        api.all("v1", "services").create(&service).await?;
        let tried = Self { sets: api.all("apps/v1", "statefulsets"), pods: api.all("v1", "pods") };
        tried.sets.create(set).await?;
        Ok(tried)
    }

    /// Waits until the controller has seen the last change of the set. The set.
    async fn until_observed(&self) -> Result<Value, Failed> {
        let is_observed =
            |set: &Value| set["status"]["observedGeneration"] == set["metadata"]["generation"];
        self.sets.until("tried", "it is observed", is_observed).await
    }

    pub(super) async fn set_replicas(&self, replicas: usize) -> Result<Value, Failed> {
        let patch = json!({"spec": {"replicas": replicas}});
        self.sets.patch("tried", MERGE, &patch).await?;
        self.until_observed().await
    }

    pub(super) async fn set_image(&self, image: &str) -> Result<Value, Failed> {
        let containers = json!([{"name": "c", "image": image}]);
        let patch = json!({"spec": {"template": {"spec": {"containers": containers}}}});
        self.sets.patch("tried", STRATEGIC, &patch).await?;
        self.until_observed().await
    }

    pub(super) async fn set_partition(&self, partition: usize) -> Result<Value, Failed> {
        let rolling_update = json!({"partition": partition});
        let patch = json!({"spec": {"updateStrategy": {"rollingUpdate": rolling_update}}});
        self.sets.patch("tried", MERGE, &patch).await?;
        self.until_observed().await
    }

    /// Says whether a pod is healthy, once it is there and runs, and waits until its kubelet has heard of it.
    pub(super) async fn set_healthy(&self, ordinal: usize, is_healthy: bool) -> Outcome {
        let name = format!("tried-{ordinal}");
        let runs = |pod: &Value| {
            pod["status"]["phase"] == "Running" && pod["metadata"]["deletionTimestamp"].is_null()
        };
        self.pods.until(&name, "it runs", runs).await?;
        self.tell_health(&name, is_healthy).await?;
        let ready = health(is_healthy);
        let is_told = |pod: &Value| condition(pod, "Ready")["status"] == ready;
        self.pods.until(&name, "the kubelet has heard of its health", is_told).await.map(drop)
    }

    pub(super) async fn tell_health(&self, pod: &str, is_healthy: bool) -> Outcome {
        let conditions = json!([{"type": HEALTHY, "status": health(is_healthy)}]);
        let patch = json!({"status": {"conditions": conditions}});
        self.pods.patch(&format!("{pod}/status"), STRATEGIC, &patch).await.map(drop)
    }

    pub(super) async fn until_ready(&self, replicas: usize) -> Outcome {
        let is_ready = |set: &Value| set["status"]["readyReplicas"].as_u64().unwrap_or(0);
        let what = format!("{replicas} are ready");
        self.sets.until("tried", &what, |set| is_ready(set) == replicas as u64).await.map(drop)
    }

    /// Waits until all replicas are of the update revision and ready.
    pub(super) async fn until_updated(&self) -> Result<Value, Failed> {
        let is_updated = |set: &Value| {
            let (status, replicas) = (&set["status"], &set["spec"]["replicas"]);
            status["observedGeneration"] == set["metadata"]["generation"]
                && status["currentRevision"] == status["updateRevision"]
                && ["updatedReplicas", "readyReplicas", "replicas"]
                    .iter()
                    .all(|field| status[field] == *replicas)
        };
        self.sets.until("tried", "it is updated", is_updated).await
    }

    /// Waits until pods from the partition on are new and ready, and those before it old and ready.
    pub(super) async fn until_split(&self, partition: usize, [old, new]: [&Value; 2]) -> Outcome {
        for ordinal in 0..3 {
            let (revision, image) = if ordinal < partition { (old, OLD) } else { (new, NEW) };
            let is_right = |pod: &Value| {
                pod["spec"]["containers"][0]["image"] == image
                    && pod["metadata"]["labels"]["controller-revision-hash"] == *revision
                    && pod["metadata"]["deletionTimestamp"].is_null()
                    && condition(pod, "Ready")["status"] == "True"
            };
            let what = format!("{ordinal} is of {image}, with {partition} old ones");
            self.pods.until(&format!("tried-{ordinal}"), &what, is_right).await?;
        }
        Ok(())
    }
}

/// A StatefulSet whose pods run old containers.
pub(super) fn stateful_set(replicas: usize) -> Value {
    let mut set = workload("tried", replicas, OLD);
    set["spec"]["serviceName"] = json!("tried");
    set
}

/// The same, whose pods are ready when they are said to be healthy.
pub(super) fn gated(replicas: usize, policy: &str) -> Value {
    let mut set = stateful_set(replicas);
    set["spec"]["podManagementPolicy"] = json!(policy);
    set["spec"]["template"]["spec"]["readinessGates"] = json!([{"conditionType": HEALTHY}]);
    set
}

/// The status of a condition.
fn health(is_healthy: bool) -> &'static str {
    if is_healthy { "True" } else { "False" }
}

fn condition<'a>(pod: &'a Value, kind: &str) -> &'a Value {
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}
