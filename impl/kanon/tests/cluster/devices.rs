//! Pods that get devices which a driver offers, on a whole cluster.

use libtest_mimic::{Failed, Trial};
use serde_json::{Value, json};

use crate::raw::Raw;
use crate::support::{Cluster, Outcome, ensure, eventually, trial};

const PODS: &str = "/api/v1/namespaces/default/pods";
const CLASSES: &str = "/apis/resource.k8s.io/v1/deviceclasses";
const SLICES: &str = "/apis/resource.k8s.io/v1/resourceslices";
const CLAIMS: &str = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
const GPU: &str = "example.com/gpu";

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("an_extended_resource_that_a_class_stands_for_is_a_claim_of_devices", extended)]
}

/// A pod with one device takes it, and the next one has it once that one is gone.
async fn extended() -> Outcome {
    let cluster = Cluster::simulated(&["--nodes", "1"])?;
    let raw = Raw(cluster.client().await?);
    let nodes = raw.get("/api/v1/nodes").await?;
    let node = &nodes["items"][0]["metadata"]["name"];
    let class = json!({"metadata": {"name": "gpu"}, "spec": {"extendedResourceName": GPU}});
    raw.post(CLASSES, &class).await?;
    let pool = json!({"name": "p", "generation": 1, "resourceSliceCount": 1});
    let spec = json!({"driver": "dra.example.com", "pool": pool, "nodeName": node, "devices": [{"name": "gpu-0"}]});
    raw.post(SLICES, &json!({"metadata": {"name": "s"}, "spec": spec})).await?;

    raw.post(PODS, &wants_gpu("first")).await?;
    let first = running(&raw, "first").await?;
    raw.post(PODS, &wants_gpu("second")).await?;
    let said = |pod: &Value| pod["status"]["conditions"][0]["message"].clone();
    let waits = until(&raw, &format!("{PODS}/second"), |pod| said(pod).is_string()).await?;

    let told = &first["status"]["extendedResourceClaimStatus"];
    let mapping =
        json!({"containerName": "c", "resourceName": GPU, "requestName": "container-0-request-0"});
    ensure(told["requestMappings"] == json!([mapping]), told)?;
    let name = told["resourceClaimName"].as_str().unwrap_or_default();
    ensure(name.starts_with("first-extended-resources-"), name)?;
    let claim = raw.get(&format!("{CLAIMS}/{name}")).await?;
    let is_its = claim["status"]["reservedFor"][0]["uid"] == first["metadata"]["uid"]
        && claim["status"]["allocation"]["devices"]["results"][0]["device"] == "gpu-0";
    ensure(is_its, &claim)?;
    let why = said(&waits);
    ensure(why.as_str().is_some_and(|why| why.contains("1 cannot allocate all claims")), why)?;

    raw.delete(&format!("{PODS}/first?gracePeriodSeconds=0")).await?;
    running(&raw, "second").await?;
    let all = raw.get(CLAIMS).await?;
    ensure(all["items"].as_array().is_some_and(|all| !all.is_empty()), all)
}

fn wants_gpu(name: &str) -> Value {
    let resources = json!({"limits": {GPU: "1"}});
    let containers = json!([{"name": "c", "image": "busybox:1.35", "resources": resources}]);
    json!({"metadata": {"name": name}, "spec": {"containers": containers}})
}

/// Waits until a pod runs.
async fn running(raw: &Raw, name: &str) -> Result<Value, Failed> {
    until(raw, &format!("{PODS}/{name}"), |pod| pod["status"]["phase"] == "Running").await
}

/// Reads a path until something is said of what is there.
async fn until(raw: &Raw, path: &str, holds: impl Fn(&Value) -> bool) -> Result<Value, Failed> {
    let holds = &holds;
    eventually(path, || async move { Ok(Some(raw.get(path).await?).filter(holds)) }).await
}
