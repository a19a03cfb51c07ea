//! Tests of what the kinds of `storage.k8s.io` default, keep and break.

use api::resources::{
    CSI_DRIVERS, CSI_NODES, CSI_STORAGE_CAPACITIES, STORAGE_CLASSES, VOLUME_ATTACHMENTS,
    VOLUME_ATTRIBUTES_CLASSES,
};

use super::*;

#[test]
fn a_storage_class_says_what_it_breaks() {
    let provisioner = |change: Value| with(json!({"provisioner": "a/b"}), change);
    let topology = json!({"matchLabelExpressions": [{"key": "zone", "values": ["a"]}]});
    let table = [
        (provisioner(json!({})), vec![]),
        (json!({}), vec!["provisioner: Required value"]),
        (
            provisioner(json!({"reclaimPolicy": "Recycle", "volumeBindingMode": "Later"})),
            vec![
                "reclaimPolicy: Unsupported value: \"Recycle\": supported values: \"Delete\", \"Retain\"",
                "volumeBindingMode: Unsupported value: \"Later\": supported values: \"Immediate\", \"WaitForFirstConsumer\"",
            ],
        ),
        (
            provisioner(json!({"parameters": {"": "a"}})),
            vec!["parameters: Invalid value: \"\": field can not be empty."],
        ),
        (
            provisioner(json!({"allowedTopologies": [topology, topology]})),
            vec!["allowedTopologies[1].matchLabelExpressions: Duplicate value: \"\""],
        ),
        (
            provisioner(
                json!({"allowedTopologies": [{"matchLabelExpressions": [{"key": "zone"}]}]}),
            ),
            vec!["allowedTopologies[0].matchLabelExpressions[0].values: Required value"],
        ),
    ];
    check(&STORAGE_CLASSES, table);
}

#[test]
fn what_a_class_means_stays() {
    let old = object(&STORAGE_CLASSES, json!({"provisioner": "a/b", "parameters": {}}));
    let new = object(
        &STORAGE_CLASSES,
        json!({"provisioner": "a/c", "reclaimPolicy": "Retain", "allowVolumeExpansion": true}),
    );

    assert_eq!(
        messages(validate_update(&STORAGE_CLASSES, &new, &old)),
        [
            "provisioner: Invalid value: \"a/c\": field is immutable",
            "reclaimPolicy: Invalid value: \"Retain\": field is immutable",
        ]
    );
}

#[test]
fn a_volume_attributes_class_has_parameters_that_stay() {
    let of = |value: &str| {
        object(
            &VOLUME_ATTRIBUTES_CLASSES,
            json!({"driverName": "d", "parameters": {"iops": value}}),
        )
    };

    check(
        &VOLUME_ATTRIBUTES_CLASSES,
        [(
            json!({"driverName": "d"}),
            vec!["parameters: Required value: must contain at least one key/value pair"],
        )],
    );
    assert_eq!(
        messages(validate_update(&VOLUME_ATTRIBUTES_CLASSES, &of("2"), &of("1"))),
        ["parameters: Forbidden: updates to parameters are forbidden."]
    );
}

#[test]
fn a_csi_driver_attaches_unless_it_says_otherwise() {
    let driver = object(&CSI_DRIVERS, json!({}));

    assert_eq!(
        driver["spec"],
        json!({
            "attachRequired": true, "podInfoOnMount": false, "storageCapacity": false,
            "requiresRepublish": false, "seLinuxMount": false,
            "fsGroupPolicy": "ReadWriteOnceWithFSType", "volumeLifecycleModes": ["Persistent"],
        })
    );
}

#[test]
fn a_csi_driver_says_what_it_breaks() {
    let requests = json!([{"audience": "a", "expirationSeconds": 5}, {"audience": "a"}]);
    let table = [
        (
            json!({"spec": {"fsGroupPolicy": "All", "volumeLifecycleModes": ["Brief"]}}),
            vec![
                "spec.fsGroupPolicy: Unsupported value: \"All\": supported values: \"File\", \"None\", \"ReadWriteOnceWithFSType\"",
                "spec.volumeLifecycleModes: Unsupported value: \"Brief\": supported values: \"Persistent\", \"Ephemeral\"",
            ],
        ),
        (
            json!({"spec": {"tokenRequests": requests}}),
            vec![
                "spec.tokenRequests[0].expirationSeconds: Invalid value: 5: may not specify a duration less than 10 minutes",
                "spec.tokenRequests[1].audience: Duplicate value: \"a\"",
            ],
        ),
        (
            json!({"spec": {"serviceAccountTokenInSecrets": true}}),
            vec![
                "spec.serviceAccountTokenInSecrets: Invalid value: true: serviceAccountTokenInSecrets is set but no tokenRequests are specified",
            ],
        ),
        (
            json!({"spec": {"nodeAllocatableUpdatePeriodSeconds": 9}}),
            vec![
                "spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal to 10 seconds",
            ],
        ),
    ];
    check(&CSI_DRIVERS, table);
}

#[test]
fn how_a_csi_driver_attaches_stays() {
    let old = object(&CSI_DRIVERS, json!({}));
    let new = object(&CSI_DRIVERS, json!({"spec": {"attachRequired": false}}));

    assert_eq!(
        messages(validate_update(&CSI_DRIVERS, &new, &old)),
        ["spec.attachedRequired: Invalid value: false: field is immutable"]
    );
}

#[test]
fn a_csi_node_says_what_it_breaks() {
    let driver = |change: Value| with(json!({"name": "d", "nodeID": "n"}), change);
    let drivers = |list: Vec<Value>| json!({"spec": {"drivers": list}});
    let table = [
        (drivers(vec![driver(json!({"topologyKeys": ["zone"]}))]), vec![]),
        (
            drivers(vec![json!({})]),
            vec!["spec.drivers[0].name: Required value", "spec.drivers[0].nodeID: Required value"],
        ),
        (
            drivers(vec![driver(json!({})), driver(json!({"allocatable": {"count": -1}}))]),
            vec![
                "spec.drivers[1].allocatable.count: Invalid value: -1: must be greater than or equal to 0",
                "spec.drivers[1].name: Duplicate value: \"d\"",
            ],
        ),
        (
            drivers(vec![driver(json!({"topologyKeys": ["zone", "zone"]}))]),
            vec!["spec.drivers[0]: Duplicate value: \"zone\""],
        ),
    ];
    check(&CSI_NODES, table);
}

#[test]
fn a_csi_node_reports_new_limits_and_nothing_else() {
    let of = |node_id: &str, count: i64| {
        let driver = json!({"name": "d", "nodeID": node_id, "allocatable": {"count": count}});
        object(&CSI_NODES, json!({"spec": {"drivers": [driver]}}))
    };

    assert_eq!(validate_update(&CSI_NODES, &of("n", 2), &of("n", 1)), []);
    assert_eq!(
        messages(validate_update(&CSI_NODES, &of("m", 1), &of("n", 1))),
        [
            "spec.drivers: Invalid value: {\"Name\":\"d\",\"NodeID\":\"m\",\"TopologyKeys\":null,\"Allocatable\":null}: field is immutable"
        ]
    );
}

#[test]
fn a_storage_capacity_is_of_one_class() {
    let of = |class: &str| {
        object(&CSI_STORAGE_CAPACITIES, json!({"storageClassName": class, "capacity": "1024Mi"}))
    };

    assert_eq!(of("a")["capacity"], "1Gi");
    check(
        &CSI_STORAGE_CAPACITIES,
        [(
            json!({"storageClassName": "a", "capacity": "-1"}),
            vec!["capacity: Invalid value: \"-1\": must be greater than or equal to 0"],
        )],
    );
    assert_eq!(
        messages(validate_update(&CSI_STORAGE_CAPACITIES, &of("b"), &of("a"))),
        ["storageClassName: Invalid value: \"b\": field is immutable"]
    );
}

#[test]
fn a_volume_attachment_says_what_it_breaks() {
    let spec = |source: Value| json!({"attacher": "a", "nodeName": "n", "source": source});
    let one = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
    let (missing, both) =
        (format!("spec.source: Required value: {one}"), format!("spec.source: Forbidden: {one}"));
    let table = [
        (json!({"spec": spec(json!({"persistentVolumeName": "v"}))}), vec![]),
        (json!({"spec": spec(json!({}))}), vec![missing.as_str()]),
        (
            json!({"spec": spec(json!({"persistentVolumeName": "v", "inlineVolumeSpec": {}}))}),
            vec![both.as_str()],
        ),
        (
            json!({
                "spec": spec(json!({"persistentVolumeName": "v"})),
                "status": {"attachError": {"message": "x".repeat(1025), "errorCode": -1}},
            }),
            vec![
                "status.attachError.message: Too long: may not be more than 262144 bytes",
                "status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive",
            ],
        ),
    ];
    check(&VOLUME_ATTACHMENTS, table);
}

#[test]
fn a_volume_attachment_stays_as_it_is() {
    let of = |node: &str| {
        let source = json!({"persistentVolumeName": "v"});
        let spec = json!({"attacher": "a", "nodeName": node, "source": source});
        object(&VOLUME_ATTACHMENTS, json!({"spec": spec}))
    };

    assert_eq!(
        messages(validate_update(&VOLUME_ATTACHMENTS, &of("m"), &of("n"))),
        [
            "spec: Invalid value: {\"Attacher\":\"a\",\"Source\":{\"PersistentVolumeName\":\"v\",\"InlineVolumeSpec\":null},\"NodeName\":\"m\"}: field is immutable"
        ]
    );
}

fn check<'a>(resource: &ApiResource, table: impl IntoIterator<Item = (Value, Vec<&'a str>)>) {
    for (content, expected) in table {
        assert_eq!(messages(validate(resource, &object(resource, content))), expected);
    }
}

fn object(resource: &ApiResource, content: Value) -> Value {
    let mut metadata = json!({"name": "a"});
    if resource.namespaced {
        metadata["namespace"] = json!("n");
    }
    let mut object = with(json!({"metadata": metadata}), content);
    apply_defaults(resource, &mut object);
    object
}

fn with(mut object: Value, change: Value) -> Value {
    object.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
    object
}

fn messages(causes: Vec<Cause>) -> Vec<String> {
    causes.iter().map(ToString::to_string).collect()
}
