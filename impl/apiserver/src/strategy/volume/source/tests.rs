//! Tests of what the sources of volumes break.

use super::*;

#[test]
fn a_source_has_what_it_needs() {
    for (kind, fields) in REQUIRED {
        let missing: Vec<String> = fields.iter().map(|field| format!("s.{field}")).collect();
        let causes = causes("s", kind, &json!({}), true);
        let required = causes.iter().filter(|cause| cause.message == "Required value");
        let told: Vec<&String> = required.map(|cause| &cause.field).collect();
        assert!(missing.iter().all(|field| told.contains(&field)), "{kind}: {told:?}");
    }
}

#[test]
fn a_source_says_what_it_breaks() {
    let table = [
        ("nfs", json!({"server": "a", "path": "/a"}), ""),
        (
            "nfs",
            json!({"server": "a", "path": "a"}),
            "s.path: Invalid value: \"a\": must be an absolute path",
        ),
        (
            "gitRepo",
            json!({"repository": "a", "directory": "../b"}),
            "s.directory: Invalid value: \"../b\": must not contain '..'",
        ),
        (
            "awsElasticBlockStore",
            json!({"volumeID": "a", "partition": 256}),
            "s.partition: Invalid value: 256: must be between 1 and 255, inclusive",
        ),
        ("flocker", json!({"datasetName": "a"}), ""),
        ("flocker", json!({}), "s: Required value: one of datasetName and datasetUUID is required"),
        ("cinder", json!({"volumeID": "a", "secretRef": {}}), "s.secretRef.name: Required value"),
        ("quobyte", json!({"registry": "a:1", "volume": "b"}), ""),
        (
            "quobyte",
            json!({"registry": "a", "volume": "b"}),
            "s.registry: Invalid value: \"a\": must be a host:port pair or multiple pairs separated by commas",
        ),
        ("fc", json!({"wwids": ["a"]}), ""),
        (
            "fc",
            json!({}),
            "s.targetWWNs: Required value: must specify either targetWWNs or wwids, but not both",
        ),
        (
            "fc",
            json!({"targetWWNs": ["a"]}),
            "s.lun: Required value: lun is required if targetWWNs is specified",
        ),
        (
            "flexVolume",
            json!({"driver": "a/b", "options": {"a.k8s.io/b": "c"}}),
            "s.options[a.k8s.io/b]: Invalid value: \"a.k8s.io/b\": kubernetes.io and k8s.io namespaces are reserved",
        ),
        (
            "azureDisk",
            json!({"diskName": "a", "diskURI": "a", "kind": "Managed"}),
            "s.diskURI: Unsupported value: \"a\": supported values: \"/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}\"",
        ),
        (
            "storageos",
            json!({"volumeName": "a.b"}),
            "s.volumeName: Invalid value: \"a.b\": must not contain dots",
        ),
        ("csi", json!({"driver": "a.example.com", "nodePublishSecretRef": {"name": "s"}}), ""),
        ("csi", json!({}), "s.driver: Required value"),
        ("image", json!({"reference": "a", "pullPolicy": "Always"}), ""),
        ("image", json!({"pullPolicy": "Always"}), "s.reference: Required value"),
        (
            "image",
            json!({"reference": "a", "pullPolicy": "Foo"}),
            "s.pullPolicy: Unsupported value: \"Foo\": supported values: \"Always\", \"IfNotPresent\", \"Never\"",
        ),
    ];
    for (kind, source, expected) in table {
        let causes = causes("s", kind, &source, true);
        let told: Vec<String> = causes.iter().map(ToString::to_string).collect();
        assert_eq!(told.join("\n"), expected, "{kind} {source}");
    }
}

#[test]
fn a_template_may_leave_out_which_image_a_volume_is() {
    assert_eq!(causes("s", "image", &json!({"pullPolicy": "Always"}), false), []);
}
