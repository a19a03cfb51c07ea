//! Tests of the rows of storage.

use super::*;

#[test]
fn a_volume_shows_its_claim() {
    let volume = json!({
        "metadata": {"name": "v", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany", "ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain", "storageClassName": "fast",
            "claimRef": {"namespace": "n", "name": "c"}, "volumeMode": "Filesystem",
        },
        "status": {"phase": "Bound"},
    });

    let expected = json!([
        "v",
        "1Gi",
        "RWO,RWX",
        "Retain",
        "Bound",
        "n/c",
        "fast",
        "<unset>",
        "",
        "60m",
        "Filesystem",
    ]);
    assert_eq!(json!(persistent_volume(&volume, now())), expected);
}

#[test]
fn a_claim_has_a_capacity_once_it_has_a_volume() {
    let mut claim = json!({
        "metadata": {"name": "c", "annotations": {CLASS_ANNOTATION: "old"}},
        "spec": {"storageClassName": "fast"},
        "status": {
            "phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOncePod"],
        },
    });
    let unbound = persistent_volume_claim(&claim, now());
    claim["spec"]["volumeName"] = json!("v");
    claim["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");

    let bound = persistent_volume_claim(&claim, now());

    assert_eq!(json!(unbound[1..6]), json!(["Bound", "", "", "", "old"]));
    assert_eq!(json!(bound[1..6]), json!(["Terminating", "v", "1Gi", "RWOP", "old"]));
}

#[test]
fn the_default_class_is_marked() {
    let class = json!({
        "metadata": {"name": "s", "annotations": {DEFAULT_ANNOTATIONS[0]: "true"}},
        "provisioner": "a/b", "allowVolumeExpansion": true,
    });

    let expected = json!(["s (default)", "a/b", "Delete", "Immediate", true, "<unknown>"]);
    assert_eq!(json!(storage_class(&class, now())), expected);
}

#[test]
fn a_volume_attributes_class_shows_its_driver() {
    let class = json!({"metadata": {"name": "c"}, "driverName": "d"});

    assert_eq!(json!(volume_attributes_class(&class, now())), json!(["c", "d", "<unknown>"]));
}

#[test]
fn an_attachment_shows_volume_and_node() {
    let attachment = json!({
        "metadata": {"name": "a"}, "status": {"attached": true},
        "spec": {"attacher": "d", "nodeName": "n", "source": {"persistentVolumeName": "v"}},
    });

    let expected = json!(["a", "d", "v", "n", true, "<unknown>"]);
    assert_eq!(json!(volume_attachment(&attachment, now())), expected);
}

#[test]
fn drivers_are_counted_and_described() {
    let node = json!({"metadata": {"name": "n"}, "spec": {"drivers": [{"name": "d"}]}});
    let driver = json!({
        "metadata": {"name": "d"},
        "spec": {"tokenRequests": [{"audience": "a"}, {"audience": "b"}], "podInfoOnMount": true},
    });

    assert_eq!(json!(csi_node(&node, now())), json!(["n", 1, "<unknown>"]));
    assert_eq!(
        json!(csi_driver(&driver, now())),
        json!(["d", true, true, false, "a,b", false, "<none>", "<unknown>"])
    );
}

fn now() -> Timestamp {
    "2026-01-01T01:00:00Z".parse().unwrap()
}
