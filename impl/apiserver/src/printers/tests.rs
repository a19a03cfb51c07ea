//! Tests of the rows of kinds other than pods.

use api::resources;

use super::*;

#[test]
fn every_row_has_a_cell_for_every_column() {
    for resource in resources::ALL {
        let columns = columns(resource);
        let cells = cells(resource, &json!({}), now());
        assert_eq!(columns.as_array().unwrap().len(), cells.len(), "{}", resource.kind);
        assert!(columns.as_array().unwrap().iter().any(|column| column["name"] == "Name"));
    }
}

#[test]
fn a_node_says_whether_pods_can_run() {
    let ready = |status: &str| json!([{"type": "Ready", "status": status}]);
    let table = [
        (json!({"status": {"conditions": ready("True")}}), "Ready"),
        (json!({"status": {"conditions": ready("Unknown")}}), "NotReady"),
        (json!({}), "Unknown"),
        (
            json!({"spec": {"unschedulable": true}, "status": {"conditions": ready("True")}}),
            "Ready,SchedulingDisabled",
        ),
    ];
    for (node, status) in table {
        assert_eq!(cells(&resources::NODES, &node, now())[1], status);
    }
}

#[test]
fn a_node_has_roles_addresses_and_versions() {
    let node = json!({
        "metadata": {"name": "n", "labels": {
            "node-role.kubernetes.io/control-plane": "", "kubernetes.io/role": "a",
        }},
        "status": {
            "addresses": [{"type": "InternalIP", "address": "10.0.0.1"}],
            "nodeInfo": {"kubeletVersion": "v1.36.2", "kernelVersion": "6.1", "architecture": "amd64"},
        },
    });

    let cells = cells(&resources::NODES, &node, now());

    let expected = [
        "n",
        "Unknown",
        "a,control-plane",
        "<unknown>",
        "v1.36.2",
        "10.0.0.1",
        "<none>",
        "<unknown>",
        "6.1 (amd64)",
        "<unknown>",
    ];
    assert_eq!(cells, expected.map(Value::from));
}

#[test]
fn a_deployment_counts_its_pods() {
    let deployment = json!({
        "metadata": {"name": "d", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {
            "replicas": 3, "selector": {"matchLabels": {"app": "web"}},
            "template": {"spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}},
        },
        "status": {"readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 1},
    });

    let cells = cells(&resources::DEPLOYMENTS, &deployment, now());

    let expected = json!(["d", "2/3", 3, 1, "60m", "a,b", "x,y", "app=web"]);
    assert_eq!(Value::Array(cells), expected);
}

#[test]
fn a_service_shows_where_it_is_reached() {
    let table = [
        (
            json!({"type": "ClusterIP", "clusterIPs": ["10.0.0.1"]}),
            ["10.0.0.1", "<none>", "<none>"],
        ),
        (
            json!({"type": "NodePort", "ports": [
                {"port": 80, "nodePort": 30000, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"},
            ]}),
            ["<none>", "<none>", "80:30000/TCP,53/UDP"],
        ),
        (json!({"type": "LoadBalancer"}), ["<none>", "<pending>", "<none>"]),
        (json!({"type": "ExternalName", "externalName": "a.b"}), ["<none>", "a.b", "<none>"]),
    ];
    for (spec, expected) in table {
        let cells = cells(&resources::SERVICES, &json!({"spec": spec}), now());
        assert_eq!(cells[2..5], expected.map(Value::from));
    }
}

#[test]
fn an_event_says_what_happened_and_when() {
    let event = json!({
        "metadata": {"name": "e"}, "type": "Normal", "reason": "Pulled", "message": "done\n",
        "involvedObject": {"kind": "Pod", "name": "p", "fieldPath": "spec"},
        "source": {"component": "kubelet", "host": "n"},
        "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:59:00Z",
    });

    let cells = cells(&resources::EVENTS, &event, now());

    let expected =
        json!(["60s", "Normal", "Pulled", "pod/p", "spec", "kubelet, n", "done", "60m", 1, "e",]);
    assert_eq!(Value::Array(cells), expected);
}

#[test]
fn data_is_counted() {
    let config_map = json!({"data": {"a": "b"}, "binaryData": {"c": "", "d": ""}});
    let secret = json!({"type": "Opaque", "data": {"a": ""}});

    assert_eq!(cells(&resources::CONFIG_MAPS, &config_map, now())[1], 3);
    assert_eq!(cells(&resources::SECRETS, &secret, now())[1..3], [json!("Opaque"), json!(1)]);
}

fn now() -> Timestamp {
    "2026-01-01T01:00:00Z".parse().unwrap()
}
