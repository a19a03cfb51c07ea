//! Tests of what volumes default, keep and break.

use super::*;

#[test]
fn a_volume_is_pending_since_it_was_created_and_is_kept() {
    let volume = volume(json!({}));

    assert_eq!(volume["spec"]["persistentVolumeReclaimPolicy"], "Retain");
    assert_eq!(volume["spec"]["hostPath"]["type"], "");
    assert_eq!(
        volume["status"],
        json!({"phase": "Pending", "lastPhaseTransitionTime": "2026-01-01T00:00:00Z"})
    );
    assert_eq!(validate(&volume), []);
}

#[test]
fn a_volume_says_what_it_breaks() {
    let table = [
        (
            json!({"capacity": {"cpu": "1"}}),
            vec![
                "spec.capacity: Unsupported value: {\"cpu\":\"1\"}: supported values: \"storage\"",
            ],
        ),
        (
            json!({"capacity": {"storage": "-1"}}),
            vec![
                "spec.capacity[storage]: Invalid value: -1: must be a valid resource quantity",
                "spec.capacity[storage]: Invalid value: \"-1\": must be greater than zero",
            ],
        ),
        (json!({"accessModes": []}), vec!["spec.accessModes: Required value"]),
        (
            json!({"persistentVolumeReclaimPolicy": "Burn"}),
            vec![
                "spec.persistentVolumeReclaimPolicy: Unsupported value: \"Burn\": supported values: \"Delete\", \"Recycle\", \"Retain\"",
            ],
        ),
        (json!({"hostPath": null}), vec!["spec: Required value: must specify a volume type"]),
        (
            json!({"nfs": {"server": "s", "path": "/"}}),
            vec!["spec.nfs: Forbidden: may not specify more than 1 volume type"],
        ),
        (
            json!({"hostPath": null, "local": {"path": "/a/../b"}}),
            vec![
                "spec.local.path: Invalid value: \"/a/../b\": must not contain '..'",
                "spec.nodeAffinity: Required value: Local volume requires node affinity",
            ],
        ),
        (
            json!({"hostPath": null, "csi": {"nodePublishSecretRef": {"name": "s"}}}),
            vec![
                "spec.csi.driver: Required value",
                "spec.csi.volumeHandle: Required value",
                "spec.csi.nodePublishSecretRef.namespace: Required value",
            ],
        ),
        (
            json!({"hostPath": {"path": "//."}, "persistentVolumeReclaimPolicy": "Recycle"}),
            vec![
                "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'",
            ],
        ),
        (
            json!({"volumeAttributesClassName": ""}),
            vec![
                "spec.volumeAttributesClassName: Required value: an empty string is disallowed",
                "spec.csi: Required value: has to be specified when using volumeAttributesClassName",
            ],
        ),
        (
            json!({"nodeAffinity": {}}),
            vec![
                "spec.nodeAffinity.required: Required value: must specify required node constraints",
            ],
        ),
    ];
    for (change, expected) in table {
        assert_eq!(messages(validate(&volume(change))), expected);
    }
}

#[test]
fn a_volume_stays_where_it_is() {
    let affinity = |name: &str| {
        json!({"required": {"nodeSelectorTerms": [{"matchExpressions": [
            {"key": name, "operator": "Exists"},
        ]}]}})
    };
    let old = volume(json!({"nodeAffinity": affinity("a")}));
    let table = [
        (
            "/spec/hostPath/path",
            json!("/other"),
            "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation",
        ),
        (
            "/spec/volumeMode",
            json!("Block"),
            "volumeMode: Invalid value: \"Block\": field is immutable",
        ),
        (
            "/spec/nodeAffinity",
            affinity("b"),
            "nodeAffinity: Invalid value: {\"Required\":{\"NodeSelectorTerms\":[{\"MatchExpressions\":[{\"Key\":\"b\",\"Operator\":\"Exists\",\"Values\":null}],\"MatchFields\":null}]}}: field is immutable, except for updating from beta label to GA",
        ),
    ];
    for (path, value, expected) in table {
        let mut new = old.clone();
        *new.pointer_mut(path).unwrap() = value;
        assert_eq!(messages(validate_update(&new, &old)), [expected]);
    }
}

#[test]
fn a_secret_for_expansion_may_be_added() {
    let csi = json!({"driver": "d", "volumeHandle": "h"});
    let old = volume(json!({"hostPath": null, "csi": csi}));
    let mut new = old.clone();
    new["spec"]["csi"]["controllerExpandSecretRef"] = json!({"name": "s", "namespace": "n"});

    assert_eq!(validate_update(&new, &old), []);
    assert_eq!(validate_update(&old, &new).len(), 1);
}

#[test]
fn some_volumes_know_no_mount_options() {
    let mut volume = volume(json!({}));
    volume["metadata"]["annotations"] = json!({"volume.beta.kubernetes.io/mount-options": "ro"});

    assert_eq!(
        messages(validate(&volume)),
        [
            "metadata.annotations.volume.beta.kubernetes.io/mount-options: Forbidden: may not specify mount options for this volume type"
        ]
    );
}

#[test]
fn a_new_phase_gets_a_time_unless_it_has_one() {
    let old = volume(json!({}));
    let table = [
        (json!({"phase": "Pending", SINCE: "t"}), "t"),
        (json!({"phase": "Bound"}), "now"),
        (json!({"phase": "Bound", SINCE: "2026-01-01T00:00:00Z"}), "now"),
        (json!({"phase": "Bound", SINCE: "t"}), "t"),
    ];
    for (status, expected) in table {
        let mut new = old.clone();
        new["status"] = status;
        set_times(&mut new, &old, &json!("now"));
        assert_eq!(new["status"][SINCE], expected);
    }
}

#[test]
fn a_phase_that_stays_keeps_its_time() {
    let old = volume(json!({}));
    let mut new = old.clone();
    new["status"] = json!({"phase": "Pending"});

    prepare_for_status_update(&mut new, &old);

    assert_eq!(new, old);
}

fn volume(change: Value) -> Value {
    let mut volume = json!({
        "metadata": {"name": "v", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"},
            "hostPath": {"path": "/data"},
        },
    });
    volume["spec"].as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
    apply_defaults(&mut volume);
    prepare_for_create(&mut volume);
    volume
}

fn messages(causes: Vec<Cause>) -> Vec<String> {
    causes.iter().map(ToString::to_string).collect()
}
