//! The life of one object of each kind that is counted in its own way.

use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::{PODS, World, pod};
use crate::support::{Outcome, ensure, trial};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("a_quota_says_promptly_what_is_used", promptly),
        trial("a_quota_counts_the_life_of_a_service", service),
        trial("a_quota_counts_the_life_of_a_secret", secret),
        trial("a_quota_counts_the_life_of_a_pod", a_pod),
        trial("a_quota_counts_the_life_of_a_config_map", config_map),
        trial("a_quota_counts_the_life_of_a_replication_controller", replication_controller),
        trial("a_quota_counts_the_life_of_a_replica_set", replica_set),
    ]
}

/// Limits of everything that these trials make.
fn limits() -> Value {
    json!({"hard": {
        "pods": "5", "services": "10", "services.nodeports": "1", "services.loadbalancers": "1",
        "replicationcontrollers": "10", "resourcequotas": "1", "cpu": "1", "memory": "500Mi",
        "configmaps": "10", "secrets": "10", "persistentvolumeclaims": "10",
        "requests.storage": "10Gi", "ephemeral-storage": "50Gi",
        "gold.storageclass.storage.k8s.io/persistentvolumeclaims": "10",
        "gold.storageclass.storage.k8s.io/requests.storage": "10Gi",
        "count/replicasets.apps": "5", "requests.example.com/dongle": "3",
    }})
}

/// What is used from the start: the quota itself, and the certificate that every namespace has.
fn beside(used: Value) -> Value {
    let mut all = json!({"resourcequotas": "1", "configmaps": "1"});
    for (name, amount) in used.as_object().into_iter().flatten() {
        all[name] = amount.clone();
    }
    all
}

async fn world() -> Result<World, libtest_mimic::Failed> {
    let world = World::new().await?;
    world.quota("test-quota", limits(), beside(json!({}))).await?;
    Ok(world)
}

/// Conformance: ResourceQuota should create a ResourceQuota and ensure its status is promptly calculated.
async fn promptly() -> Outcome {
    world().await?;
    Ok(())
}

/// Creates an object and deletes it, and looks at what is used meanwhile and afterwards.
async fn life(path: &str, object: Value, used: Value) -> Outcome {
    let world = world().await?;
    world.raw.post(path, &object).await?;
    world.uses("test-quota", beside(used)).await?;
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    world.raw.delete(&format!("{path}/{name}")).await?;
    world.uses("test-quota", beside(json!({}))).await
}

/// Conformance: ResourceQuota should create a ResourceQuota and capture the life of a secret.
async fn secret() -> Outcome {
    let object = json!({"metadata": {"name": "s"}, "data": {"key": "dmFsdWU="}});
    life("/api/v1/namespaces/limited/secrets", object, json!({"secrets": "1"})).await
}

/// Conformance: ResourceQuota should create a ResourceQuota and capture the life of a configMap.
async fn config_map() -> Outcome {
    let object = json!({"metadata": {"name": "c"}, "data": {"a": "b"}});
    life("/api/v1/namespaces/limited/configmaps", object, json!({"configmaps": "2"})).await
}

fn controller(api_version: &str, kind: &str, selector: Value) -> Value {
    json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "r"}, "spec": {
        "replicas": 0, "selector": selector, "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {"containers": [{"name": "c", "image": "busybox:1.35"}]}}}})
}

/// Conformance: ResourceQuota should create a ResourceQuota and capture the life of a replication controller.
async fn replication_controller() -> Outcome {
    let object = controller("v1", "ReplicationController", json!({"a": "b"}));
    let path = "/api/v1/namespaces/limited/replicationcontrollers";
    life(path, object, json!({"replicationcontrollers": "1"})).await
}

/// Conformance: ResourceQuota should create a ResourceQuota and capture the life of a replica set.
async fn replica_set() -> Outcome {
    let object = controller("apps/v1", "ReplicaSet", json!({"matchLabels": {"a": "b"}}));
    let path = "/apis/apps/v1/namespaces/limited/replicasets";
    life(path, object, json!({"count/replicasets.apps": "1"})).await
}

/// Conformance: ResourceQuota should create a ResourceQuota and capture the life of a service.
async fn service() -> Outcome {
    let world = world().await?;
    let path = "/api/v1/namespaces/limited/services";
    let service = |name: &str, kind: &str, allocates: bool| {
        let mut service = json!({"metadata": {"name": name}, "spec": {"type": kind, "ports": [
            {"port": 80}]}});
        if kind == "LoadBalancer" {
            service["spec"]["allocateLoadBalancerNodePorts"] = json!(allocates);
        }
        service
    };

    world.raw.post(path, &service("plain", "ClusterIP", true)).await?;
    world.raw.post(path, &service("ports", "NodePort", true)).await?;
    let used = json!({"services": "2", "services.nodeports": "1"});
    world.uses("test-quota", beside(used)).await?;
    let balancer = service("balancer", "LoadBalancer", true);
    let (_, why) = world.raw.refused("POST", path, &balancer).await?;
    ensure(why.contains("exceeded quota: test-quota, requested: services.nodeports=1"), why)?;
    world.raw.post(path, &service("balancer", "LoadBalancer", false)).await?;
    let used = json!({"services": "3", "services.nodeports": "1", "services.loadbalancers": "1"});
    world.uses("test-quota", beside(used)).await?;

    for name in ["plain", "ports", "balancer"] {
        world.raw.delete(&format!("{path}/{name}")).await?;
    }
    world.uses("test-quota", beside(json!({}))).await
}

/// Conformance: ResourceQuota should create a ResourceQuota and capture the life of a pod.
async fn a_pod() -> Outcome {
    let world = world().await?;
    let requests = json!({"cpu": "500m", "memory": "252Mi", "ephemeral-storage": "30Gi",
        "example.com/dongle": "2"});
    let fits = json!({"requests": requests, "limits": {"example.com/dongle": "2"}});
    let used = beside(json!({"pods": "1", "cpu": "500m", "memory": "252Mi",
        "ephemeral-storage": "30Gi", "requests.example.com/dongle": "2"}));

    let created = world.raw.post(PODS, &pod("fits", fits.clone())).await?;
    world.uses("test-quota", used.clone()).await?;
    let much = json!({"requests": {"cpu": "600m", "memory": "100Mi"}});
    for (name, resources) in [("much-cpu", much), ("many-dongles", fits)] {
        let refused = world.raw.refused("POST", PODS, &pod(name, resources)).await?;
        ensure(refused.0 == 403 && refused.1.contains("exceeded quota: test-quota"), refused.1)?;
    }
    let mut containers = created["spec"]["containers"].clone();
    containers[0]["resources"]["requests"]["cpu"] = json!("100m");
    let patch = json!({"spec": {"containers": containers}});
    let (code, why) = world.raw.refused("PATCH", &format!("{PODS}/fits"), &patch).await?;
    ensure(code == 422, why)?;
    world.uses("test-quota", used).await?;

    world.raw.delete(&format!("{PODS}/fits")).await?;
    world.uses("test-quota", beside(json!({}))).await
}
