//! What is used of a quota, by objects as they are stored.

use serde_json::json;

use super::*;

fn used(resource: &ApiResource, object: &Value) -> Vec<String> {
    let usage = usage(resource, object, Timestamp::UNIX_EPOCH);
    usage.iter().map(|(name, amount)| format!("{name}={amount}")).collect()
}

fn pod(spec: &Value) -> Value {
    json!({"metadata": {"name": "p"}, "spec": spec, "status": {"phase": "Running"}})
}

#[test]
fn a_pod_uses_what_its_containers_ask_for_and_may_use() {
    let resources = json!({"requests": {"cpu": "250m", "hugepages-2Mi": "4Mi", "example.com/gpu": "2"},
        "limits": {"memory": "1Gi", "example.com/gpu": "2"}});
    let pod = pod(&json!({"containers": [{"name": "c", "resources": resources}]}));

    assert_eq!(
        used(&resources::PODS, &pod),
        [
            "count/pods=1",
            "cpu=250m",
            "hugepages-2Mi=4Mi",
            "limits.memory=1Gi",
            "pods=1",
            "requests.cpu=250m",
            "requests.example.com/gpu=2",
            "requests.hugepages-2Mi=4Mi",
        ]
    );
}

#[test]
fn a_pod_that_has_ended_or_should_have_uses_only_its_place_in_the_store() {
    let mut succeeded = pod(&json!({}));
    succeeded["status"]["phase"] = json!("Succeeded");
    let mut overdue = pod(&json!({}));
    overdue["metadata"] = json!({"name": "p", "deletionTimestamp": "1970-01-01T00:00:30Z",
        "deletionGracePeriodSeconds": 30});
    let at = |second| {
        let now = Timestamp::from_second(second).unwrap();
        usage(&resources::PODS, &overdue, now).contains_key("pods")
    };

    assert_eq!(used(&resources::PODS, &succeeded), ["count/pods=1"]);
    assert_eq!((at(60), at(61)), (true, false));
}

#[test]
fn a_service_uses_node_ports_before_it_has_them() {
    let ports = json!([{"port": 80}, {"port": 81, "nodePort": 30000}]);
    let table = [
        (json!({"type": "ClusterIP", "ports": ports}), 0, 0),
        (json!({"type": "NodePort", "ports": ports}), 2, 0),
        (json!({"type": "LoadBalancer", "ports": ports}), 2, 1),
        (
            json!({"type": "LoadBalancer", "ports": ports, "allocateLoadBalancerNodePorts": false}),
            1,
            1,
        ),
    ];
    for (spec, node_ports, balancers) in table {
        let usage = usage(&resources::SERVICES, &json!({"spec": spec}), Timestamp::UNIX_EPOCH);
        let used = |name: &str| usage[name].value();
        assert_eq!(used("services.nodeports"), node_ports, "{spec}");
        assert_eq!(used("services.loadbalancers"), balancers, "{spec}");
        assert_eq!((used("services"), used("count/services")), (1, 1));
    }
}

#[test]
fn a_claim_uses_storage_of_its_class_too() {
    let claim = json!({"spec": {"storageClassName": "gold",
        "resources": {"requests": {"storage": "1500m"}}},
        "status": {"allocatedResources": {"storage": "1"}}});

    assert_eq!(
        used(&resources::PERSISTENT_VOLUME_CLAIMS, &claim),
        [
            "count/persistentvolumeclaims=1",
            "gold.storageclass.storage.k8s.io/persistentvolumeclaims=1",
            "gold.storageclass.storage.k8s.io/requests.storage=2",
            "persistentvolumeclaims=1",
            "requests.storage=2",
        ]
    );
}

#[test]
fn a_name_limits_the_kinds_that_use_it() {
    let limited = |name: &str| -> Vec<&str> {
        let of_kinds = resources::ALL.iter().filter(|resource| limits(name, resource));
        of_kinds.map(|resource| resource.plural).collect()
    };

    assert_eq!(limited("requests.example.com/gpu"), ["pods"]);
    assert_eq!(limited("hugepages-2Mi"), ["pods"]);
    assert_eq!(limited("limits.ephemeral-storage"), ["pods"]);
    assert_eq!(limited("requests.storage"), ["persistentvolumeclaims"]);
    assert_eq!(
        limited("a.storageclass.storage.k8s.io/requests.storage"),
        ["persistentvolumeclaims"]
    );
    assert_eq!(limited("services.nodeports"), ["services"]);
    assert_eq!(limited("configmaps"), ["configmaps"]);
    assert_eq!(limited("count/deployments.apps"), ["deployments"]);
    for unknown in ["count/events", "count/nodes", "deployments", "example.com/gpu", "limits.pods"]
    {
        assert_eq!(limited(unknown), Vec::<&str>::new(), "{unknown}");
    }
}

#[test]
fn every_scope_divides_pods() {
    let affinity = json!({"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"podAffinityTerm": {"namespaces": ["other"]}}]}});
    let one = json!({"metadata": {}, "status": {"qosClass": "BestEffort"}, "spec": {
        "activeDeadlineSeconds": 0, "priorityClassName": "high", "affinity": affinity}});
    let other = json!({"metadata": {}, "status": {"qosClass": "Burstable"}, "spec": {}});
    let table = [
        (json!({"scopes": ["Terminating"]}), true, false),
        (json!({"scopes": ["NotTerminating"]}), false, true),
        (json!({"scopes": ["BestEffort"]}), true, false),
        (json!({"scopes": ["NotBestEffort"]}), false, true),
        (json!({"scopes": ["CrossNamespacePodAffinity"]}), true, false),
        (json!({"scopes": ["PriorityClass"]}), true, false),
        (json!({"scopes": ["VolumeAttributesClass"]}), false, false),
        (class("PriorityClass", "In", &["high", "low"]), true, false),
        (class("PriorityClass", "NotIn", &["high"]), false, true),
        (class("PriorityClass", "DoesNotExist", &[]), false, true),
    ];
    for (spec, covers_one, covers_other) in table {
        let covered = |pod| {
            let scopes = scopes(&json!({"spec": spec}));
            scopes.iter().all(|scope| scope.covers(&resources::PODS, pod))
        };
        assert_eq!((covered(&one), covered(&other)), (covers_one, covers_other), "{spec}");
    }
}

fn class(scope: &str, operator: &str, values: &[&str]) -> Value {
    json!({"scopeSelector": {"matchExpressions": [
        {"scopeName": scope, "operator": operator, "values": values}]}})
}

#[test]
fn a_claim_is_under_the_scope_of_each_class_that_it_has_or_is_to_have() {
    let claim = json!({"spec": {"volumeAttributesClassName": "fast"},
        "status": {"currentVolumeAttributesClassName": "slow"}});
    let is_under = |class: &str, claim: &Value| {
        let quota = json!({"spec": self::class("VolumeAttributesClass", "In", &[class])});
        scopes(&quota)[0].covers(&resources::PERSISTENT_VOLUME_CLAIMS, claim)
    };

    assert!(is_under("fast", &claim) && is_under("slow", &claim));
    assert!(!is_under("other", &claim) && !is_under("fast", &json!({})));
    let quota = json!({"spec": class("VolumeAttributesClass", "Exists", &[])});
    assert!(!scopes(&quota)[0].covers(&resources::CONFIG_MAPS, &claim));
}
