//! Scores, by the numbers of `TestPodTopologySpreadScore` (v1.36).

use api::resources;

use super::*;
use crate::testing::{cluster_with, scores_in, stored};

const HOSTNAME: &str = "kubernetes.io/hostname";

fn anyway(key: &str, max_skew: i64) -> Value {
    let constraint = with(zones(max_skew), "topologyKey", json!(key));
    with(constraint, "whenUnsatisfiable", json!("ScheduleAnyway"))
}

/// The scores of the nodes with these names, the same whether pods are counted one by one or crowd by crowd.
fn scores(cluster: &Cluster, pod: &PodInfo, names: &str) -> Vec<i64> {
    let of = |cluster: &Cluster| {
        let nodes = names.split(' ').map(|name| cluster.snapshot.node(name).unwrap());
        let nodes: Vec<&NodeInfo> = nodes.collect();
        scores_in(cluster, &PodTopologySpread::default(), (pod, &nodes))
    };
    let mut tracked = cluster.clone();
    tracked.snapshot.track_wishes(pod);
    tracked.snapshot.track("zone");
    let scores = of(cluster);
    assert_eq!(of(&tracked), scores);
    scores
}

/// Nodes a, b in zone 1 and x, y in zone 2, with so many pods each.
fn four(pods: [usize; 4]) -> Cluster {
    cluster(&[("a", "1", pods[0]), ("b", "1", pods[1]), ("x", "2", pods[2]), ("y", "2", pods[3])])
}

#[test]
fn the_fewer_pods_a_node_has_the_better() {
    let cases = [
        ([0, 0, 0, 0], 1, "a b", vec![100, 100]),
        ([2, 1, 0, 0], 1, "a", vec![100]),
        ([1, 1, 0, 0], 1, "a b", vec![100, 100]),
        ([2, 1, 0, 3], 1, "a b x y", vec![20, 60, 100, 0]),
        ([2, 1, 0, 3], 2, "a b x y", vec![33, 66, 100, 16]),
        ([4, 3, 2, 1], 3, "a b x y", vec![44, 66, 77, 100]),
        ([4, 2, 1, 3], 1, "a b x", vec![33, 83, 100]),
    ];

    for (pods, max_skew, names, expected) in cases {
        let found = scores(&four(pods), &pod(&anyway(HOSTNAME, max_skew)), names);
        assert_eq!(found, expected, "{pods:?} {max_skew}");
    }
}

#[test]
fn the_fewer_pods_a_zone_has_the_better() {
    let by_zone = pod(&anyway("zone", 1));
    let by_both = pod_with("web", &json!([anyway("zone", 1), anyway(HOSTNAME, 1)]), json!({}));

    assert_eq!(scores(&four([4, 2, 1, 3]), &by_zone, "a b x"), [75, 75, 100]);
    assert_eq!(scores(&four([2, 1, 2, 4]), &by_both, "a x"), [100, 63]);
}

#[test]
fn a_node_without_the_label_is_the_worst() {
    let mut cluster = cluster(&[("a", "1", 4), ("x", "2", 1)]);
    cluster.snapshot.set_node(node("b", json!({"metadata": {"labels": {"n": "b"}}})));

    assert_eq!(scores(&cluster, &pod(&anyway(HOSTNAME, 1)), "a b x"), [16, 0, 100]);
}

#[test]
fn a_selector_of_nothing_makes_no_difference() {
    let nothing = with(anyway(HOSTNAME, 1), "labelSelector", Value::Null);

    assert_eq!(scores(&four([2, 1, 0, 3]), &pod(&nothing), "a b x y"), [100; 4]);
}

/// A Service that selects `foo`, and a ReplicaSet and a ReplicationController that do.
fn owners() -> Vec<api::AnyObject> {
    let foo = json!({"foo": ""});
    let service = json!({"metadata": {"name": "s"}, "spec": {"selector": foo}});
    let template = json!({"metadata": {"labels": foo}, "spec": {"containers": []}});
    let spec = json!({"selector": {"matchLabels": foo}, "template": template});
    let replica_set = json!({"metadata": {"name": "owner"}, "spec": spec});
    let controller = json!({"metadata": {"name": "owner"}, "spec": {"selector": foo}});
    let mut spec = spec;
    spec["serviceName"] = json!("s");
    let stateful_set = json!({"metadata": {"name": "owner"}, "spec": spec});
    vec![
        stored(&resources::SERVICES, service),
        stored(&resources::REPLICA_SETS, replica_set),
        stored(&resources::REPLICATION_CONTROLLERS, controller),
        stored(&resources::STATEFUL_SETS, stateful_set),
    ]
}

fn owned(api_version: &str, kind: &str) -> PodInfo {
    let mut pod = (*labelled("web", json!({"foo": ""}), json!({})).pod).clone();
    let owner = json!([{"apiVersion": api_version, "kind": kind, "name": "owner", "uid": "u", "controller": true}]);
    pod.metadata.owner_references = serde_json::from_value(owner).unwrap();
    PodInfo::new(pod.into())
}

#[test]
fn pods_of_services_and_controllers_are_spread_by_default() {
    let kinds = [
        ("v1", "Service"),
        ("apps/v1", "ReplicaSet"),
        ("v1", "ReplicationController"),
        ("apps/v1", "StatefulSet"),
    ];
    for (owner, (api_version, kind)) in owners().into_iter().zip(kinds) {
        let mut cluster = cluster_with(vec![owner]);
        cluster.snapshot = four([4, 3, 2, 1]).snapshot;
        let pod = match kind {
            "Service" => labelled("web", json!({"foo": ""}), json!({})),
            kind => owned(api_version, kind),
        };
        assert_eq!(scores(&cluster, &pod, "a b x y"), [44, 66, 77, 100], "{kind}");
    }
}

#[test]
fn a_pod_of_nobody_is_not_spread_by_default() {
    let mut cluster = cluster_with(owners());
    cluster.snapshot = four([4, 3, 2, 1]).snapshot;
    let of_nobody = labelled("web", json!({"bar": ""}), json!({}));
    let of_unknown = owned("example.com/v1", "Other");
    cluster.services = Default::default();

    assert_eq!(scores(&cluster, &of_nobody, "a b x y"), [0; 4]);
    assert_eq!(scores(&cluster, &of_unknown, "a b x y"), [0; 4]);
}

#[test]
fn constraints_of_the_pod_itself_stand_in_for_the_default() {
    let mut cluster = cluster_with(owners());
    cluster.snapshot = four([4, 3, 2, 1]).snapshot;

    assert_eq!(scores(&cluster, &pod(&zones(9)), "a b x y"), [0; 4]);
}
