//! Pods that want what another pod has.

use api::resources;
use serde_json::{Value, json};

use super::*;
use crate::testing::{claim, cluster_with, node, node_info, pod_info, pod_using, stored, verdict};

fn with_claim(mode: &str) -> Cluster {
    let mut claim = claim("data");
    claim["spec"]["accessModes"] = json!([mode]);
    claim["spec"]["storageClassName"] = json!("");
    let claim = stored(&resources::PERSISTENT_VOLUME_CLAIMS, crate::testing::bound(claim, "v"));
    let volume = stored(&resources::PERSISTENT_VOLUMES, crate::testing::volume("v", "a"));
    let mut cluster = cluster_with(vec![claim, volume]);
    cluster.snapshot.set_node(node("a", json!({})));
    cluster
}

fn found(cluster: &Cluster, pod: &PodInfo) -> Verdict {
    let cycle = crate::testing::cycle(pod, cluster).unwrap();
    VolumeRestrictions.filter(&cycle, cluster.snapshot.node("a").unwrap())
}

#[test]
fn a_claim_for_one_pod_is_used_by_one() {
    let after = |mode: &str, other: &str| {
        let mut cluster = with_claim(mode);
        cluster.snapshot.add_pod(PodInfo::new(pod_using("first", &[other])), "a");
        found(&cluster, &PodInfo::new(pod_using("second", &["data"])))
    };

    let in_use = Verdict::Unschedulable(vec![CLAIM_IN_USE.to_owned()]);
    assert_eq!(after("ReadWriteOncePod", "data"), in_use);
    assert_eq!(after("ReadWriteOncePod", "other"), Verdict::Feasible);
    assert_eq!(after("ReadWriteOnce", "data"), Verdict::Feasible);
}

#[test]
fn a_claim_is_free_without_the_pod_that_uses_it() {
    let mut cluster = with_claim("ReadWriteOncePod");
    let first = PodInfo::new(pod_using("first", &["data"]));
    cluster.snapshot.add_pod(first.clone(), "a");
    let second = PodInfo::new(pod_using("second", &["data"]));
    let mut cycle = crate::testing::cycle(&second, &cluster).unwrap();
    let node = cluster.snapshot.node("a").unwrap();

    cycle.remove_pod(&first, node);

    assert_eq!(VolumeRestrictions.filter(&cycle, node), Verdict::Feasible);
    assert!(VolumeRestrictions.may_help(&second, Event::freed(&first), &cluster));
}

#[test]
fn a_claim_that_is_not_there_is_missed() {
    let pod = PodInfo::new(pod_using("web", &["data"]));
    let cluster = Cluster::default();

    let refused = crate::testing::cycle(&pod, &cluster).map(|_| ()).unwrap_err();

    let why = Verdict::unresolvable("persistentvolumeclaim \"data\" not found");
    assert_eq!((refused.plugin, refused.verdict), ("VolumeRestrictions", why));
}

#[test]
fn a_disk_is_shared_by_pods_that_only_read_it() {
    let disk =
        |read_only: bool| json!({"gcePersistentDisk": {"pdName": "d", "readOnly": read_only}});
    let other = json!({"gcePersistentDisk": {"pdName": "e"}});
    let block = |id: &str| json!({"awsElasticBlockStore": {"volumeID": id, "readOnly": true}});
    let iscsi = |iqn: &str, read_only: bool| json!({"iscsi": {"iqn": iqn, "lun": 0, "targetPortal": "p", "readOnly": read_only}});
    let rbd = |monitors: &[&str], image: &str, read_only: bool| json!({"rbd": {"monitors": monitors, "image": image, "pool": "p", "readOnly": read_only}});
    let cases = [
        (disk(true), disk(true), true),
        (disk(true), disk(false), false),
        (disk(false), other, true),
        (block("d"), block("d"), false),
        (block("d"), block("e"), true),
        (iscsi("i", true), iscsi("i", true), true),
        (iscsi("i", false), iscsi("i", true), false),
        (iscsi("i", false), iscsi("j", false), true),
        (rbd(&["a", "b"], "i", false), rbd(&["b"], "i", true), false),
        (rbd(&["a"], "i", true), rbd(&["a"], "i", true), true),
        (rbd(&["a"], "i", false), rbd(&["b"], "i", false), true),
        (rbd(&["a"], "i", false), rbd(&["a"], "j", false), true),
    ];
    let pod = |volume: &Value| {
        let mut volume = volume.clone();
        volume["name"] = json!("v");
        pod_info(json!({"containers": [], "volumes": [volume]}))
    };

    for (used, wanted, feasible) in cases {
        let mut node = node_info("a", json!({}));
        node.add_pod(pod(&used));
        let refused = Verdict::Unschedulable(vec![DISK_IN_USE.to_owned()]);
        let expected = if feasible { Verdict::Feasible } else { refused };
        assert_eq!(verdict(&VolumeRestrictions, &pod(&wanted), &node), expected, "{used} {wanted}");
        let gone = pod(&used);
        let event = Event::freed(&gone);
        let helps = VolumeRestrictions.may_help(&pod(&wanted), event, &Cluster::default());
        assert_eq!(helps, !feasible, "{used} {wanted}");
    }
}
