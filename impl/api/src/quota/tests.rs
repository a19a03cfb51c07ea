//! What is used of a quota, by objects as they are stored.

use serde_json::json;

use super::*;

/// A cluster in which `gpu` stands for an extended resource.
#[derive(Default)]
struct Cluster {
    pod: Option<Value>,
    claims: Vec<Value>,
}

impl Neighbours for Cluster {
    fn extended_resource(&self, class: &str) -> Option<String> {
        (class == "gpu").then(|| "example.com/gpu".to_owned())
    }

    fn pod(&self, _namespace: &str, name: &str) -> Option<Value> {
        self.pod.clone().filter(|pod| pod["metadata"]["name"] == name)
    }

    fn claims(&self, _namespace: &str, _owner: &str) -> Vec<Value> {
        self.claims.clone()
    }
}

fn used(resource: &ApiResource, object: &Value) -> Vec<String> {
    used_in(&Cluster::default(), resource, object)
}

fn used_in(cluster: &Cluster, resource: &ApiResource, object: &Value) -> Vec<String> {
    let usage = usage(resource, object, cluster, Timestamp::UNIX_EPOCH);
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
        usage(&resources::PODS, &overdue, &Cluster::default(), now).contains_key("pods")
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
        let service = json!({"spec": spec});
        let cluster = Cluster::default();
        let usage = usage(&resources::SERVICES, &service, &cluster, Timestamp::UNIX_EPOCH);
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

/// A claim for devices: of each request, what it asks for.
fn devices(requests: &Value) -> Value {
    json!({"metadata": {"name": "c", "namespace": "n"}, "spec": {"devices": {"requests": requests}}})
}

fn exact(class: &str, count: i64) -> Value {
    json!({"deviceClassName": class, "allocationMode": "ExactCount", "count": count})
}

#[test]
fn a_claim_uses_as_many_devices_as_it_may_be_given() {
    let all = json!({"deviceClassName": "nic", "allocationMode": "All"});
    let unknown = json!({"deviceClassName": "nic", "allocationMode": "Some", "count": 5});
    let nics = |count: i64| {
        let implicit = format!("requests.deviceclass.resource.kubernetes.io/nic={count}");
        vec![format!("nic.deviceclass.resource.k8s.io/devices={count}"), implicit]
    };
    let table = [
        (json!([{"exactly": exact("nic", 2)}]), nics(2)),
        (json!([{"exactly": exact("nic", 2)}, {"exactly": exact("nic", 3)}]), nics(5)),
        (json!([{"exactly": all}]), nics(32)),
        (json!([{"firstAvailable": [exact("nic", 2), exact("nic", 4), exact("nic", 1)]}]), nics(4)),
        (
            json!([{"firstAvailable": [exact("nic", 2), all]}, {"exactly": exact("nic", 1)}]),
            nics(33),
        ),
        (json!([{"exactly": unknown}]), nics(0)[..1].to_vec()),
    ];
    for (requests, expected) in table {
        let mut expected = expected;
        expected.insert(0, "count/resourceclaims.resource.k8s.io=1".to_owned());
        expected.sort();
        assert_eq!(used(&resources::RESOURCE_CLAIMS, &devices(&requests)), expected, "{requests}");
    }
}

#[test]
fn each_class_of_alternatives_is_used_in_full() {
    let claim = devices(&json!([{"firstAvailable": [exact("gpu", 1), exact("nic", 2)]}]));

    let used = used(&resources::RESOURCE_CLAIMS, &claim);

    assert_eq!(
        used,
        [
            "count/resourceclaims.resource.k8s.io=1",
            "gpu.deviceclass.resource.k8s.io/devices=1",
            "nic.deviceclass.resource.k8s.io/devices=2",
            "requests.deviceclass.resource.kubernetes.io/gpu=1",
            "requests.deviceclass.resource.kubernetes.io/nic=2",
            "requests.example.com/gpu=1",
        ]
    );
}

/// A claim for three GPUs that the scheduler has made for the pod `p`.
fn made_for_pod(name: &str) -> Value {
    let mut claim = devices(&json!([{"exactly": exact("gpu", 3)}]));
    claim["metadata"] = json!({"name": name, "namespace": "n",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "annotations": {"resource.kubernetes.io/extended-resource-claim": "true"},
        "ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "u",
            "controller": true}]});
    claim
}

#[test]
fn what_a_pod_uses_its_claim_does_not_use_again() {
    let resources =
        json!({"requests": {"example.com/gpu": "2"}, "limits": {"example.com/gpu": "2"}});
    let mut pod = pod(&json!({"containers": [{"name": "c", "resources": resources}]}));
    pod["metadata"]["uid"] = json!("u");
    let told = |name: &str| {
        let mut pod = pod.clone();
        pod["status"]["extendedResourceClaimStatus"] = json!({"resourceClaimName": name});
        pod
    };
    let mut other = pod.clone();
    other["metadata"]["uid"] = json!("another");
    let mut ended = pod.clone();
    ended["status"]["phase"] = json!("Succeeded");
    let mut by_hand = made_for_pod("c");
    by_hand["metadata"]["annotations"] = json!({});
    let mut late = made_for_pod("a");
    late["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:01Z");
    let claim = made_for_pod("c");
    let claims =
        |names: &[&str]| -> Vec<Value> { names.iter().map(|name| made_for_pod(name)).collect() };
    let table = [
        (&claim, Some(pod.clone()), vec![], 1),
        (&claim, Some(pod.clone()), claims(&["c", "d"]), 1),
        (&claim, Some(pod.clone()), claims(&["b", "c"]), 3),
        (&claim, Some(pod.clone()), vec![late], 1),
        (&claim, Some(told("c")), claims(&["b"]), 1),
        (&claim, Some(told("d")), vec![], 3),
        (&claim, Some(other), vec![], 3),
        (&claim, Some(ended), vec![], 3),
        (&claim, None, vec![], 3),
        (&by_hand, Some(pod.clone()), vec![], 3),
    ];
    for (index, (claim, pod, claims, explicit)) in table.into_iter().enumerate() {
        let cluster = Cluster { pod, claims };

        let used = used_in(&cluster, &resources::RESOURCE_CLAIMS, claim);

        let expected = [
            "count/resourceclaims.resource.k8s.io=1".to_owned(),
            "gpu.deviceclass.resource.k8s.io/devices=3".to_owned(),
            "requests.deviceclass.resource.kubernetes.io/gpu=3".to_owned(),
            format!("requests.example.com/gpu={explicit}"),
        ];
        assert_eq!(used, expected, "{index}");
    }
}

#[test]
fn a_name_limits_the_kinds_that_use_it() {
    let limited = |name: &str| -> Vec<&str> {
        let of_kinds = resources::ALL.iter().filter(|resource| limits(name, resource));
        of_kinds.map(|resource| resource.plural).collect()
    };

    for extended in ["example.com/gpu", "deviceclass.resource.kubernetes.io/gpu"] {
        assert_eq!(limited(&format!("requests.{extended}")), ["pods", "resourceclaims"]);
    }
    assert_eq!(limited("gpu.deviceclass.resource.k8s.io/devices"), ["resourceclaims"]);
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
