//! Tests of what a writer is told, kind by kind.

use api::resources;
use serde_json::json;

use super::*;

fn pod_with(fields: &Value) -> Vec<String> {
    let mut spec = json!({"containers": [{"name": "a", "image": "i"}]});
    for (field, value) in fields.as_object().into_iter().flatten() {
        spec[field] = value.clone();
    }
    warnings(&resources::PODS, &json!({"metadata": {"name": "p"}, "spec": spec}))
}

fn container_with(fields: &Value) -> Vec<String> {
    let mut container = fields.clone();
    container["name"] = json!("a");
    pod_with(&json!({"containers": [container]}))
}

fn service(spec: &Value) -> Vec<String> {
    warnings(&resources::SERVICES, &json!({"metadata": {"name": "s"}, "spec": spec}))
}

#[test]
fn a_plain_pod_is_let_pass_in_silence() {
    assert_eq!(pod_with(&json!({})), [""; 0]);
}

#[test]
fn a_variable_that_hides_another_is_told_unless_it_uses_it() {
    let env = json!([
        {"name": "A", "value": "1"},
        {"name": "A", "value": "$(A)x"},
        {"name": "A", "value": "$(A)"},
        {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "A", "value": "2"},
    ]);

    let hides = |index| {
        format!(
            "spec.containers[0].env[{index}]: hides previous definition of \"A\", which may be dropped when using apply"
        )
    };
    assert_eq!(container_with(&json!({"env": env})), [hides(2), hides(3), hides(4)]);
}

#[test]
fn ports_are_told_that_are_said_twice() {
    let port = |host_ip, host_port| json!({"containerPort": 80, "protocol": "TCP", "hostIP": host_ip, "hostPort": host_port});
    let path = "spec.containers[0].ports";
    for (first, second, expected) in [
        (
            port("", 0),
            port("", 0),
            vec![format!("{path}[1]: duplicate port definition with {path}[0]")],
        ),
        (
            port("", 0),
            port("", 80),
            vec![format!("{path}[1]: overlapping port definition with {path}[0]")],
        ),
        (
            port("", 80),
            port("1.2.3.4", 80),
            vec![format!("{path}[1]: dangerously ambiguous port definition with {path}[0]")],
        ),
        (port("1.2.3.4", 80), port("1.2.3.5", 80), vec![]),
        (port("", 80), port("", 81), vec![]),
    ] {
        assert_eq!(container_with(&json!({"ports": [first, second]})), expected);
    }
}

#[test]
fn a_port_name_is_told_that_two_containers_have() {
    let container = |port| json!({"ports": [{"name": "web", "containerPort": port}]});

    assert_eq!(
        pod_with(&json!({"initContainers": [container(80)], "containers": [container(81)]})),
        [
            "spec.containers[0].ports[0]: duplicate port name \"web\" with spec.initContainers[0].ports[0], services and probes that select ports by name will use spec.initContainers[0].ports[0]"
        ]
    );
}

#[test]
fn a_host_address_without_a_host_port_is_told_as_go_prints_it() {
    let port = json!({"containerPort": 80, "hostIP": "1.2.3.4", "protocol": "TCP"});

    assert_eq!(
        container_with(&json!({"ports": [port]})),
        [
            "spec.containers[0].ports[0]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:80 Protocol:TCP HostIP:1.2.3.4}"
        ]
    );
}

#[test]
fn parts_of_a_byte_are_told() {
    let resources = json!({"limits": {"memory": "100m", "cpu": "1m"}, "requests": {"memory": "1"}});

    assert_eq!(
        container_with(&json!({"resources": resources})),
        [
            "spec.containers[0].resources.limits[memory]: fractional byte value \"100m\" is invalid, must be an integer"
        ]
    );
}

#[test]
fn what_a_pod_says_twice_or_in_vain_is_told() {
    let spec = json!({
        "hostAliases": [{"ip": "1.2.3.4"}, {"ip": "1.2.3.4"}],
        "imagePullSecrets": [{"name": "s"}, {"name": "s"}, {"name": ""}],
        "nodeSelector": {"beta.kubernetes.io/arch": "a", "mine": "b"},
        "terminationGracePeriodSeconds": -1,
        "topologySpreadConstraints": [{"topologyKey": "k"}],
        "affinity": {"podAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [{"podAffinityTerm": {}}],
        }},
        "dnsConfig": {"nameservers": ["1.2.3.4", "::0"]},
    });

    assert_eq!(
        pod_with(&spec),
        [
            "spec.nodeSelector[beta.kubernetes.io/arch]: deprecated since v1.14; use \"kubernetes.io/arch\" instead",
            "spec.topologySpreadConstraints[0].labelSelector: a null labelSelector results in matching no pod",
            "spec.hostAliases[1].ip: duplicate ip \"1.2.3.4\"",
            "spec.imagePullSecrets[1].name: duplicate name \"s\"",
            "spec.imagePullSecrets[2].name: invalid empty name \"\"",
            "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",
            "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.labelSelector: a null labelSelector results in matching no pod",
            "spec.dnsConfig.nameservers[1]: IPv6 address \"::0\" should be in RFC 5952 canonical format (\"::\")",
        ]
    );
}

#[test]
fn volumes_of_old_kinds_are_told() {
    let volumes = json!([
        {"name": "a", "rbd": {}}, {"name": "b", "emptyDir": {}}, {"name": "c", "storageos": {}},
    ]);

    assert_eq!(
        pod_with(&json!({"volumes": volumes})),
        [
            "spec.volumes[0].rbd: deprecated in v1.28, non-functional in v1.31+",
            "spec.volumes[2].storageOS: deprecated in v1.22, non-functional in v1.25+",
        ]
    );
}

#[test]
fn paths_in_each_other_are_told() {
    let map = json!({"name": "m", "items": [{"path": "x"}, {"path": "xy"}, {"path": "x/y"}]});
    let sources = json!([
        {"secret": {"name": "s", "items": [{"path": "a"}]}},
        {"serviceAccountToken": {"path": "a/b"}},
        {},
    ]);
    let volumes = json!([
        {"name": "v", "configMap": map},
        {"name": "w", "projected": {"sources": sources}},
    ]);

    assert_eq!(
        pod_with(&json!({"volumes": volumes})),
        [
            "volume \"v\" (ConfigMap \"m\"): overlapping paths: \"x/y\" with \"x\"",
            "volume \"w\" (Projected) has no sources provided",
            "volume \"w\" (Projected): overlapping paths: \"a/b\" (ServiceAccountToken) with \"a\" (Secret \"s\")",
        ]
    );
}

#[test]
fn old_annotations_of_pods_are_told() {
    let annotations = json!({
        "container.seccomp.security.alpha.kubernetes.io/a": "runtime/default",
        "security.alpha.kubernetes.io/sysctls": "",
    });
    let pod = json!({
        "metadata": {"name": "p", "annotations": annotations},
        "spec": {"containers": [{"name": "a"}]},
    });

    assert_eq!(
        warnings(&resources::PODS, &pod),
        [
            "metadata.annotations[security.alpha.kubernetes.io/sysctls]: non-functional in v1.11+; use the \"sysctls\" field instead",
            "metadata.annotations[container.seccomp.security.alpha.kubernetes.io/a]: non-functional in v1.27+; use the \"seccompProfile\" field instead",
        ]
    );
}

#[test]
fn a_name_that_pods_could_not_have_as_host_names_is_told() {
    let deployment = json!({"metadata": {"name": "a.b"}});

    let told = warnings(&resources::DEPLOYMENTS, &deployment);

    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: ["));
    assert_eq!(warnings(&resources::CONFIG_MAPS, &deployment), [""; 0]);
}

#[test]
fn a_template_is_told_of_again_only_when_it_may_have_changed() {
    let object = |generation: i64, revisions: i64| {
        let spec = json!({"hostAliases": [{"ip": "1.2.3.4"}, {"ip": "1.2.3.4"}]});
        json!({
            "metadata": {"name": "a", "generation": generation},
            "spec": {"template": {"spec": spec}, "revisionHistoryLimit": revisions},
        })
    };
    let (old, new) = (object(1, 1), object(2, 2));
    let duplicate = "spec.template.spec.hostAliases[1].ip: duplicate ip \"1.2.3.4\"";

    assert_eq!(update_warnings(&resources::DEPLOYMENTS, &new, &old), [duplicate]);
    assert_eq!(update_warnings(&resources::DEPLOYMENTS, &old, &old), [""; 0]);
    assert_eq!(update_warnings(&resources::DAEMON_SETS, &new, &old), [""; 0]);
    let changed = json!({"metadata": {"name": "a", "generation": 1}, "spec": {}});
    assert_eq!(update_warnings(&resources::DAEMON_SETS, &new, &changed), [duplicate]);
}

#[test]
fn a_claim_template_and_an_endless_history_of_a_stateful_set_are_told() {
    let claim = json!({"spec": {"resources": {"requests": {"storage": "1500m"}}}});
    let set = json!({
        "metadata": {"name": "a"},
        "spec": {"volumeClaimTemplates": [claim], "revisionHistoryLimit": -1},
    });

    assert_eq!(
        warnings(&resources::STATEFUL_SETS, &set),
        [
            "spec.volumeClaimTemplates[0].resources.requests[storage]: fractional byte value \"1500m\" is invalid, must be an integer",
            "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended",
        ]
    );
}

#[test]
fn a_time_zone_in_a_schedule_is_told_on_every_update() {
    let job = json!({"metadata": {"name": "a"}, "spec": {"schedule": "CRON_TZ=UTC 0 0 1 1 *"}});

    assert_eq!(
        update_warnings(&resources::CRON_JOBS, &job, &job),
        [
            "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
        ]
    );
}

#[test]
fn a_very_large_indexed_job_is_told() {
    let job = |completions: i64| {
        json!({"metadata": {"name": "a"}, "spec": {
            "completionMode": "Indexed", "completions": completions, "parallelism": 10_001,
        }})
    };

    assert_eq!(warnings(&resources::JOBS, &job(100_000)), [""; 0]);
    assert_eq!(warnings(&resources::JOBS, &job(100_001)).len(), 1);
}

#[test]
fn what_a_service_says_in_vain_is_told() {
    assert_eq!(
        service(&json!({
            "type": "ClusterIP", "clusterIP": "None", "clusterIPs": ["None"],
            "sessionAffinity": "ClientIP", "externalIPs": ["1.2.3.4"], "externalName": "a",
        })),
        [
            "spec.externalIPs is ignored for headless services",
            "spec.SessionAffinity is ignored for headless services",
            "spec.externalName is ignored when spec.type is not \"ExternalName\"",
        ]
    );
    assert_eq!(
        service(&json!({"type": "ClusterIP", "clusterIP": "10.0.0.1", "externalIPs": ["1.2.3.4"]})),
        ["spec.externalIPs is deprecated and may no longer be implemented in some clusters"]
    );
}

#[test]
fn addresses_in_an_unusual_form_are_told_where_people_wrote_them() {
    let slice = |maker: &str| {
        let labels = json!({"endpointslice.kubernetes.io/managed-by": maker});
        let endpoints = json!([{"addresses": ["2001:DB8::1"]}]);
        let slice = json!({"metadata": {"labels": labels}, "endpoints": endpoints});
        warnings(&resources::ENDPOINT_SLICES, &slice)
    };
    let block = json!({"cidr": "2001:DB8::/32", "except": ["2001:db8::/48"]});
    let policy = json!({"spec": {"egress": [{"to": [{"ipBlock": block}]}]}});

    assert_eq!(
        slice("me"),
        [
            "endpoints[0].addresses[0]: IPv6 address \"2001:DB8::1\" should be in RFC 5952 canonical format (\"2001:db8::1\")"
        ]
    );
    assert_eq!(slice("endpointslice-controller.k8s.io"), [""; 0]);
    assert_eq!(
        warnings(&resources::NETWORK_POLICIES, &policy),
        [
            "spec.egress[0].to[0].ipBlock.cidr: IPv6 CIDR value \"2001:DB8::/32\" should be in RFC 5952 canonical format (\"2001:db8::/32\")"
        ]
    );
}

#[test]
fn old_ways_of_volumes_are_told() {
    let annotations = json!({"volume.beta.kubernetes.io/storage-class": "a"});
    let volume = json!({
        "metadata": {"annotations": annotations},
        "spec": {"persistentVolumeReclaimPolicy": "Recycle", "glusterfs": {}},
    });

    assert_eq!(
        warnings(&resources::PERSISTENT_VOLUMES, &volume),
        [
            "metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use \"storageClassName\" attribute instead",
            "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.",
            "spec.glusterfs: deprecated in v1.25, non-functional in v1.26+",
        ]
    );
}

#[test]
fn an_old_way_to_name_the_class_of_an_ingress_is_told() {
    let ingress = |spec: Value| {
        let annotations = json!({"kubernetes.io/ingress.class": "a"});
        json!({"metadata": {"annotations": annotations}, "spec": spec})
    };

    assert_eq!(
        warnings(&resources::INGRESSES, &ingress(json!({}))),
        [
            "annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead"
        ]
    );
    assert_eq!(
        warnings(&resources::INGRESSES, &ingress(json!({"ingressClassName": "a"}))),
        [""; 0]
    );
}

#[test]
fn labels_of_nodes_are_told_wherever_they_are_asked_for() {
    let key = "beta.kubernetes.io/os";
    let message = "deprecated since v1.14; use \"kubernetes.io/os\" instead";
    let topology = json!({"matchLabelExpressions": [{"key": key}]});
    for (resource, object, path) in [
        (
            &resources::RUNTIME_CLASSES,
            json!({"scheduling": {"nodeSelector": {key: "a"}}}),
            "scheduling.nodeSelector",
        ),
        (
            &resources::STORAGE_CLASSES,
            json!({"allowedTopologies": [topology]}),
            "allowedTopologies[0].matchLabelExpressions[0].key",
        ),
        (
            &resources::CSI_STORAGE_CAPACITIES,
            json!({"nodeTopology": {"matchLabels": {key: "a"}}}),
            "nodeTopology.matchLabels.beta.kubernetes.io/os",
        ),
    ] {
        assert_eq!(
            warnings(resource, &object),
            [format!("{path}: {message}")],
            "{}",
            resource.kind
        );
    }
}

#[test]
fn secrets_that_an_account_is_held_to_are_told_when_it_begins() {
    let annotations = json!({"kubernetes.io/enforce-mountable-secrets": "true"});
    let (old, new) = (json!({}), json!({"metadata": {"annotations": annotations}}));
    let accounts = &resources::SERVICE_ACCOUNTS;

    assert_eq!(warnings(accounts, &new).len(), 1);
    assert_eq!(update_warnings(accounts, &new, &old).len(), 1);
    assert_eq!(update_warnings(accounts, &new, &new), [""; 0]);
}

#[test]
fn names_of_static_configurations_are_told() {
    let object = json!({"metadata": {"name": "a.static.k8s.io"}});

    assert_eq!(
        warnings(&resources::VALIDATING_ADMISSION_POLICIES, &object),
        [
            "metadata.name: names ending with \".static.k8s.io\" are reserved for static manifest-based configurations and cannot be managed via the API"
        ]
    );
}
