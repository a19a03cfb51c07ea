//! Tests of what claims default, keep and break.

use super::*;

#[test]
fn a_claim_is_pending_and_holds_files() {
    let claim = claim(json!({}));

    assert_eq!(claim["status"], json!({"phase": "Pending"}));
    assert_eq!(claim["spec"]["volumeMode"], "Filesystem");
    assert_eq!(validate(&claim), []);
}

#[test]
fn a_claim_says_what_it_breaks() {
    let table = [
        (
            json!({"accessModes": null}),
            vec!["spec.accessModes: Required value: at least 1 access mode is required"],
        ),
        (
            json!({"accessModes": ["ReadWriteOncePod", "ReadOnlyMany", "All"]}),
            vec![
                "spec.accessModes: Unsupported value: \"All\": supported values: \"ReadOnlyMany\", \"ReadWriteMany\", \"ReadWriteOnce\", \"ReadWriteOncePod\"",
                "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes",
            ],
        ),
        (json!({"resources": {}}), vec!["spec.resources[storage]: Required value"]),
        (
            json!({"resources": {"requests": {"storage": "0"}}}),
            vec!["spec.resources[storage]: Invalid value: \"0\": must be greater than zero"],
        ),
        (
            json!({"volumeMode": "Tape"}),
            vec![
                "spec.volumeMode: Unsupported value: \"Tape\": supported values: \"Block\", \"Filesystem\"",
            ],
        ),
        (
            json!({"dataSourceRef": {"kind": "Pod", "name": "p"}}),
            vec![
                "spec.dataSource: Invalid value: \"Pod\": must be 'PersistentVolumeClaim' when referencing the default apiGroup",
                "spec.dataSourceRef: Invalid value: \"Pod\": must be 'PersistentVolumeClaim' when referencing the default apiGroup",
            ],
        ),
        (
            json!({
                "dataSource": {"kind": "PersistentVolumeClaim", "name": "a"},
                "dataSourceRef": {"kind": "PersistentVolumeClaim", "name": "b"},
            }),
            vec!["spec: Invalid value: {}: must match dataSourceRef"],
        ),
    ];
    for (change, expected) in table {
        assert_eq!(messages(validate(&claim(change))), expected);
    }
}

#[test]
fn both_data_sources_say_the_same() {
    let source = json!({"kind": "PersistentVolumeClaim", "name": "a"});
    let from_source = claim(json!({"dataSource": source}));
    let from_reference = claim(json!({"dataSourceRef": source}));
    let unusable = claim(json!({"dataSource": {"kind": "Pod", "name": "p"}}));

    assert_eq!(from_source["spec"], from_reference["spec"]);
    assert_eq!(from_source["spec"]["dataSourceRef"], source);
    assert_eq!(unusable["spec"].get("dataSource"), None);
}

#[test]
fn a_bound_claim_may_grow_and_get_a_volume_but_not_change() {
    let mut old = claim(json!({}));
    old["status"] = json!({"phase": "Bound", "capacity": {"storage": "1Gi"}});
    let immutable = "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    let table = [
        ("/spec/volumeName", json!("v"), vec![]),
        ("/spec/resources/requests/storage", json!("2Gi"), vec![]),
        ("/spec/volumeAttributesClassName", json!("fast"), vec![]),
        ("/spec/accessModes", json!(["ReadOnlyMany"]), vec![immutable]),
        (
            "/spec/volumeMode",
            json!("Block"),
            vec![immutable, "volumeMode: Invalid value: \"Block\": field is immutable"],
        ),
        (
            "/spec/resources/requests/storage",
            json!("512Mi"),
            vec![
                "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity",
            ],
        ),
    ];
    for (path, value, expected) in table {
        let mut new = old.clone();
        let (parent, field) = path.rsplit_once('/').unwrap();
        new.pointer_mut(parent).unwrap()[field] = value;
        assert_eq!(messages(validate_update(&new, &old)), expected, "{path}");
    }
}

#[test]
fn a_claim_that_names_no_class_may_name_one_later() {
    let old = claim(json!({}));
    let new = claim(json!({"storageClassName": "fast"}));

    assert_eq!(validate_update(&new, &old), []);
    assert_eq!(validate_update(&old, &new).len(), 1);
}

#[test]
fn a_class_of_a_volume_is_not_taken_away() {
    let mut old = claim(json!({"volumeAttributesClassName": "fast"}));
    old["status"] = json!({"phase": "Bound", "currentVolumeAttributesClassName": "fast"});
    let mut new = old.clone();
    new["spec"]["volumeAttributesClassName"] = Value::Null;

    assert_eq!(
        messages(validate_update(&new, &old)),
        [
            "spec.volumeAttributesClassName: Forbidden: update to nil is forbidden when status.currentVolumeAttributesClassName is not nil"
        ]
    );
}

#[test]
fn a_status_says_what_it_breaks() {
    let old = claim(json!({}));
    let mut new = old.clone();
    new["status"] = json!({
        "capacity": {"storage": "-1"}, "allocatedResourceStatuses": {"cpu": "NodeResizePending"},
    });

    assert_eq!(
        messages(validate_status_update(&new, &old)),
        [
            "status.capacity[storage]: Invalid value: -1: must be a valid resource quantity",
            "status.allocatedResourceStatuses: Unsupported value: \"cpu\": supported values: \"storage\"",
        ]
    );
}

fn claim(change: Value) -> Value {
    let mut claim = json!({
        "metadata": {"name": "c", "namespace": "n"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    claim["spec"].as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
    apply_defaults(&mut claim);
    prepare_for_create(&mut claim);
    claim
}

fn messages(causes: Vec<Cause>) -> Vec<String> {
    causes.iter().map(ToString::to_string).collect()
}
