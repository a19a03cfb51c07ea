//! Tests of what mounts and devices break.

use super::*;
use crate::strategy::pod_spec::Draft;

/// What the mounts `m` and the devices `d` of a container break, whose pod has a directory and a claim.
fn told(container: &Value) -> Vec<String> {
    let spec = json!({"volumes": [
        {"name": "directory", "emptyDir": {}}, {"name": "claim", "persistentVolumeClaim": {"claimName": "c"}},
    ]});
    let volumes = BTreeSet::from(["directory".to_owned(), "claim".to_owned()]);
    let draft = Draft { spec: &spec, old: &Value::Null, is_pod: true };
    let pod = Surroundings { draft, volumes: &volumes };
    let mut causes = causes("m", container, pod);
    causes.extend(device_causes("d", container, pod));
    causes.iter().map(ToString::to_string).collect()
}

#[test]
fn mounts_name_volumes_and_have_paths_of_their_own() {
    let container = json!({"volumeMounts": [
        {"name": "directory", "mountPath": "/a"},
        {"name": "directory", "mountPath": "/a", "subPath": "../b"},
        {"name": "b", "mountPath": "/b", "subPath": "c", "subPathExpr": "/d"},
    ]});

    assert_eq!(
        told(&container),
        [
            "m[1].mountPath: Invalid value: \"/a\": must be unique",
            "m.subPath: Invalid value: \"../b\": must not contain '..'",
            "m[2].name: Not found: \"b\"",
            "m[2].subPathExpr: Invalid value: \"/d\": subPathExpr and subPath are mutually exclusive",
            "m.subPathExpr: Invalid value: \"/d\": must be a relative path",
        ]
    );
}

#[test]
fn a_mount_says_what_it_breaks_of_the_mounts_below_it() {
    let mount = |change: Value| {
        let mut mount = json!({"name": "directory", "mountPath": "/a"});
        mount.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        json!({"volumeMounts": [mount]})
    };
    let only = "m.recursiveReadOnly: Forbidden: may only be specified when";
    let table = [
        (json!({"mountPropagation": "HostToContainer"}), String::new()),
        (json!({"readOnly": true, "recursiveReadOnly": "Enabled"}), String::new()),
        (
            json!({"mountPropagation": "Bidirectional"}),
            "m.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers".to_owned(),
        ),
        (
            json!({"mountPropagation": "Both"}),
            "m.mountPropagation: Unsupported value: \"Both\": supported values: \"Bidirectional\", \"HostToContainer\", \"None\"".to_owned(),
        ),
        (
            json!({"recursiveReadOnly": "Enabled", "mountPropagation": "HostToContainer"}),
            format!("{only} readOnly is true\n{only} mountPropagation is None or not specified"),
        ),
        (
            json!({"recursiveReadOnly": "Yes"}),
            "m.recursiveReadOnly: Unsupported value: \"Yes\": supported values: \"Disabled\", \"Enabled\", \"IfPossible\"".to_owned(),
        ),
    ];
    for (change, expected) in table {
        assert_eq!(told(&mount(change.clone())).join("\n"), expected, "{change}");
    }
    let mut privileged = mount(json!({"mountPropagation": "Bidirectional"}));
    privileged["securityContext"] = json!({"privileged": true});
    assert_eq!(told(&privileged), [""; 0]);
}

#[test]
fn devices_are_volumes_of_claims() {
    let table = [
        (json!([{"name": "claim", "devicePath": "/dev/a"}]), vec![]),
        (
            json!([{"name": "other", "devicePath": "/dev/a"}]),
            vec!["d[0].name: Not found: \"other\""],
        ),
        (
            json!([{"name": "directory", "devicePath": "/dev/a"}]),
            vec![
                "d[0].name: Invalid value: \"directory\": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode",
            ],
        ),
        (
            json!([{"name": "claim", "devicePath": "/dev/a"}, {"name": "claim", "devicePath": "/dev/a"}]),
            vec![
                "d[1].name: Invalid value: \"claim\": must be unique",
                "d[1].devicePath: Invalid value: \"/dev/a\": must be unique",
            ],
        ),
        (
            json!([{"name": "claim", "devicePath": "/dev/../a"}]),
            vec!["d[0].devicePath: Invalid value: \"/dev/../a\": can not contain backsteps ('..')"],
        ),
    ];
    for (devices, expected) in table {
        assert_eq!(told(&json!({"volumeDevices": devices})), expected, "{devices}");
    }
}

#[test]
fn a_volume_is_mounted_or_a_device() {
    let container = json!({
        "volumeMounts": [{"name": "claim", "mountPath": "/a"}],
        "volumeDevices": [{"name": "claim", "devicePath": "/a"}],
    });

    assert_eq!(
        told(&container),
        [
            "m[0].name: Invalid value: \"claim\": must not already exist in volumeDevices",
            "m[0].mountPath: Invalid value: \"/a\": must not already exist as a path in volumeDevices",
            "d[0].name: Invalid value: \"claim\": must not already exist in volumeMounts",
            "d[0].devicePath: Invalid value: \"/a\": must not already exist as a path in volumeMounts",
        ]
    );
}
