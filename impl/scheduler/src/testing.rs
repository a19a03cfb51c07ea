//! Nodes and pods for tests, from JSON.

use std::sync::{Arc, LazyLock};

use api::{AnyObject, ApiResource, Timestamp, resources};
use k8s_openapi::api::core::v1::{Node, Pod};
use serde_json::{Value, json};

use client::Change;

use crate::cluster::Cluster;
use crate::config::{DEFAULT_SCHEDULER, DefaultPreemptionArgs};
use crate::configuration::Configuration;
use crate::cycle::Cycle;
use crate::framework::{Filter, Rejection, Score, Verdict};
use crate::node_info::{NodeInfo, PodInfo};
use crate::plugins::default_preemption::{Preemption, find_candidates, select_candidate};
use crate::refusals::Refusals;
use crate::scoring::Scoring;

static DEFAULT: LazyLock<Configuration> = LazyLock::new(Configuration::default);

/// What the default plugins find out about a pod and a cluster.
pub(crate) fn cycle<'a>(pod: &'a PodInfo, cluster: &'a Cluster) -> Result<Cycle<'a>, Rejection> {
    Cycle::pre_filter(&DEFAULT.profiles[DEFAULT_SCHEDULER], (pod, cluster))
}

/// What comes of preemption with its default arguments for a pod that no node is feasible for.
pub(crate) fn post_filter(cycle: &Cycle<'_>, refusals: &mut Refusals) -> Preemption {
    match find_candidates(cycle, DefaultPreemptionArgs::default(), refusals) {
        Ok(candidates) => {
            Preemption::Possible(select_candidate(candidates).expect("there are some").clone())
        }
        Err(other) => other,
    }
}

/// The time of tests.
pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// A node with two cpus, two GiB and room for ten pods, unless `object` says otherwise.
pub(crate) fn node(name: &str, mut object: Value) -> Arc<Node> {
    object["metadata"]["name"] = Value::from(name);
    object["metadata"]["uid"] = Value::from(format!("uid-{name}"));
    if object["status"]["allocatable"].is_null() {
        object["status"]["allocatable"] = json!({"cpu": "2", "memory": "2Gi", "pods": "10"});
    }
    Arc::new(serde_json::from_value(object).unwrap())
}

/// The same, as the scheduler sees it.
pub(crate) fn node_info(name: &str, object: Value) -> NodeInfo {
    let mut info = NodeInfo::default();
    info.set_node(node(name, object));
    info
}

/// A pod with one container of these resources.
pub(crate) fn pod(name: &str, resources: Value) -> Arc<Pod> {
    let spec = json!({"containers": [{"name": "c", "resources": resources}]});
    pod_with(name, spec)
}

/// A pod with this spec.
pub(crate) fn pod_with(name: &str, spec: Value) -> Arc<Pod> {
    let uid = format!("uid-{name}");
    let metadata = json!({"name": name, "namespace": "default", "uid": uid, "generation": 1});
    Arc::new(serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap())
}

/// A pod with these labels and this spec, as the scheduler sees it.
pub(crate) fn labelled(name: &str, labels: Value, spec: Value) -> PodInfo {
    let mut spec = spec;
    spec["containers"] = json!([]);
    let mut pod = (*pod_with(name, spec)).clone();
    pod.metadata.labels = serde_json::from_value(labels).unwrap();
    PodInfo::new(Arc::new(pod))
}

/// A pod with this spec, as the scheduler sees it.
pub(crate) fn pod_info(spec: Value) -> PodInfo {
    PodInfo::new(pod_with("web", spec))
}

/// An object of storage in the namespace `default`; its uid is `uid-NAME`.
pub(crate) fn stored(resource: &'static ApiResource, mut object: Value) -> AnyObject {
    object["metadata"]["uid"] =
        json!(format!("uid-{}", object["metadata"]["name"].as_str().unwrap()));
    if resource.namespaced {
        object["metadata"]["namespace"] = json!("default");
    }
    AnyObject::decode(resource, object.to_string().as_bytes()).unwrap()
}

/// A claim of 1 GiB of the class `local`.
pub(crate) fn claim(name: &str) -> Value {
    json!({"metadata": {"name": name, "resourceVersion": "1"}, "status": {"phase": "Pending"},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "local",
            "resources": {"requests": {"storage": "1Gi"}}}})
}

/// The claim, bound to a volume.
pub(crate) fn bound(mut claim: Value, volume: &str) -> Value {
    claim["spec"]["volumeName"] = json!(volume);
    claim["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] = json!("yes");
    claim["status"]["phase"] = json!("Bound");
    claim
}

/// A free volume of 1 GiB of the class `local` that only one node reaches.
pub(crate) fn volume(name: &str, node: &str) -> Value {
    let requirement = json!({"key": "metadata.name", "operator": "In", "values": [node]});
    let terms = json!([{"matchFields": [requirement]}]);
    json!({"metadata": {"name": name, "resourceVersion": "1"}, "status": {"phase": "Available"},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "local", "capacity": {"storage": "1Gi"},
            "local": {"path": "/v"}, "nodeAffinity": {"required": {"nodeSelectorTerms": terms}}}})
}

/// The class `local`, whose claims wait for their first pod.
pub(crate) fn class(provisioner: &str) -> AnyObject {
    let class = json!({"metadata": {"name": "local"}, "provisioner": provisioner,
        "volumeBindingMode": "WaitForFirstConsumer"});
    stored(&resources::STORAGE_CLASSES, class)
}

/// A cluster where these objects were heard of.
pub(crate) fn cluster_with(objects: Vec<AnyObject>) -> Cluster {
    let mut cluster = Cluster::default();
    for object in objects {
        cluster.observe(&Change { old: None, new: Some(object) });
    }
    cluster
}

/// What a filter says of a pod and a node of which it knows everything by themselves.
pub(crate) fn verdict(plugin: &dyn Filter, pod: &PodInfo, node: &NodeInfo) -> Verdict {
    let cluster = Cluster::default();
    let cycle = cycle(pod, &cluster).unwrap();
    plugin.filter(&cycle, node)
}

/// The scores of nodes, of which the plugin knows everything by themselves.
pub(crate) fn scores(plugin: &dyn Score, pod: &PodInfo, nodes: &[NodeInfo]) -> Vec<i64> {
    scores_in(&Cluster::default(), plugin, (pod, &nodes.iter().collect::<Vec<_>>()))
}

/// The scores of all nodes of a cluster, in the order of their names.
pub(crate) fn scores_of_all(plugin: &dyn Score, pod: &PodInfo, cluster: &Cluster) -> Vec<i64> {
    scores_in(cluster, plugin, (pod, &cluster.snapshot.nodes().collect::<Vec<_>>()))
}

/// The scores of some nodes of a cluster.
pub(crate) fn scores_in(
    cluster: &Cluster,
    plugin: &dyn Score,
    (pod, nodes): (&PodInfo, &[&NodeInfo]),
) -> Vec<i64> {
    let cycle = cycle(pod, cluster).unwrap();
    let scoring = Scoring::pre_score(&cycle, nodes);
    let mut scores: Vec<i64> = nodes.iter().map(|node| plugin.score(&scoring, node)).collect();
    plugin.normalize_score(&scoring, &mut scores);
    scores
}

/// A pod that uses these claims.
pub(crate) fn pod_using(name: &str, claims: &[&str]) -> Arc<Pod> {
    let volumes: Vec<Value> = claims
        .iter()
        .map(|claim| json!({"name": claim, "persistentVolumeClaim": {"claimName": claim}}))
        .collect();
    pod_with(name, json!({"containers": [{"name": "c"}], "volumes": volumes}))
}

/// A pod with these claims of devices, by their names.
pub(crate) fn pod_claiming(name: &str, claims: &[&str]) -> Arc<Pod> {
    let claims: Vec<Value> =
        claims.iter().map(|claim| json!({"name": claim, "resourceClaimName": claim})).collect();
    pod_with(name, json!({"containers": [{"name": "c"}], "resourceClaims": claims}))
}

/// A claim of devices with this spec.
pub(crate) fn device_claim(name: &str, devices: Value) -> Value {
    json!({"metadata": {"name": name, "resourceVersion": "1"}, "spec": {"devices": devices}})
}

/// A claim of one device of the class `gpu`.
pub(crate) fn claim_of_one(name: &str) -> AnyObject {
    let requests = json!([{"name": "gpu", "exactly": {"deviceClassName": "gpu"}}]);
    stored(&resources::RESOURCE_CLAIMS, device_claim(name, json!({"requests": requests})))
}

/// The class `gpu`, which has all devices.
pub(crate) fn device_class() -> AnyObject {
    stored(&resources::DEVICE_CLASSES, json!({"metadata": {"name": "gpu"}, "spec": {}}))
}

/// A class of all devices, which stands for an extended resource.
pub(crate) fn class_for(name: &str, resource: &str) -> AnyObject {
    let spec = json!({"extendedResourceName": resource});
    stored(&resources::DEVICE_CLASSES, json!({"metadata": {"name": name}, "spec": spec}))
}

/// The devices of a node, which are all of its pool.
pub(crate) fn devices_on(node: &str, devices: Value) -> AnyObject {
    let pool = json!({"name": node, "generation": 1, "resourceSliceCount": 1});
    let spec =
        json!({"driver": "dra.example.com", "pool": pool, "nodeName": node, "devices": devices});
    stored(&resources::RESOURCE_SLICES, json!({"metadata": {"name": node}, "spec": spec}))
}
