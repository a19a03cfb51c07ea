//! Tests of the defaults and rules of StatefulSets.

use api::{FeatureGate, FeatureGates};

use super::*;
use crate::strategy::gates;

#[test]
fn a_stateful_set_is_filled_in() {
    let mut spec = stateful_set()["spec"].take();
    spec["template"].take();

    assert_eq!(
        spec,
        json!({
            "podManagementPolicy": "OrderedReady", "replicas": 1, "revisionHistoryLimit": 10,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            "selector": {"matchLabels": {"app": "db"}}, "template": null,
            "volumeClaimTemplates": [{
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
                "spec": {"accessModes": ["ReadWriteOnce"], "volumeMode": "Filesystem", "resources": {"requests": {"storage": "1Gi"}}},
                "status": {"phase": "Pending"},
            }],
        })
    );
    assert_eq!(validate(&stateful_set()), []);
}

#[test]
fn a_strategy_that_is_named_gets_no_rolling_update() {
    let mut stateful_set = json!({"spec": {"updateStrategy": {"type": "RollingUpdate"}}});

    apply_defaults(&mut stateful_set);

    assert_eq!(stateful_set["spec"]["updateStrategy"], json!({"type": "RollingUpdate"}));
}

#[test]
fn a_stateful_set_says_what_it_breaks() {
    let table = [
        (
            "/metadata/name",
            json!("a.b"),
            "metadata.name: Invalid value: \"a.b\": must not contain dots",
        ),
        (
            "/spec/podManagementPolicy",
            json!("Both"),
            "spec.podManagementPolicy: Invalid value: \"Both\": must be 'OrderedReady' or 'Parallel'",
        ),
        (
            "/spec/updateStrategy/type",
            json!("OnDelete"),
            "spec.updateStrategy.rollingUpdate: Invalid value: {\"partition\":0}: only allowed for updateStrategy 'RollingUpdate'",
        ),
        (
            "/spec/updateStrategy/type",
            json!("Never"),
            "spec.updateStrategy: Invalid value: {\"rollingUpdate\":{\"partition\":0},\"type\":\"Never\"}: must be 'RollingUpdate' or 'OnDelete'",
        ),
        (
            "/spec/updateStrategy/rollingUpdate/partition",
            json!(-1),
            "spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            "/spec/updateStrategy/rollingUpdate/maxUnavailable",
            json!("0%"),
            "spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: \"0%\": cannot be 0",
        ),
        (
            "/spec/persistentVolumeClaimRetentionPolicy/whenScaled",
            json!("Keep"),
            "spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: \"Keep\": supported values: \"Retain\", \"Delete\"",
        ),
        (
            "/spec/volumeClaimTemplates/0/spec/accessModes",
            json!([]),
            "spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is required",
        ),
        (
            "/spec/replicas",
            json!(-1),
            "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            "/spec/ordinals",
            json!({"start": -1}),
            "spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            "/spec/serviceName",
            json!("a.b"),
            "spec.serviceName: Invalid value: \"a.b\": must not contain dots",
        ),
        (
            "/spec/selector",
            json!({}),
            "spec.selector: Invalid value: {}: empty selector is invalid for statefulset",
        ),
        (
            "/spec/template/metadata/labels",
            json!({"app": "x"}),
            "spec.template.metadata.labels: Invalid value: {\"app\":\"x\"}: `selector` does not match template `labels`",
        ),
        (
            "/spec/template/spec/activeDeadlineSeconds",
            json!(9),
            "spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in StatefulSet is not Supported",
        ),
    ];
    for (path, value, message) in table {
        let mut stateful_set = stateful_set();
        let (parent, field) = path.rsplit_once('/').unwrap();
        stateful_set.pointer_mut(parent).unwrap()[field] = value;
        assert_eq!(messages(validate(&stateful_set)), [message]);
    }
}

#[test]
fn only_some_of_the_spec_changes() {
    let old = stateful_set();
    let mut scaled = old.clone();
    scaled["spec"]["replicas"] = json!(3);
    scaled["spec"]["minReadySeconds"] = json!(3);
    let mut moved = old.clone();
    moved["spec"]["serviceName"] = json!("other");

    assert_eq!(validate_update(&scaled, &old), []);
    assert_eq!(
        messages(validate_update(&moved, &old)),
        [
            "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
        ]
    );
}

#[test]
fn a_template_that_was_broken_may_stay_broken() {
    let mut old = stateful_set();
    old["spec"]["template"]["spec"]["containers"] = json!([]);
    let mut new = old.clone();
    new["spec"]["replicas"] = json!(0);

    assert_eq!(validate_update(&new, &old), []);
}

#[test]
fn max_unavailable_is_dropped_unless_it_is_there_or_its_gate_is_on() {
    let resource = &api::resources::STATEFUL_SETS;
    let off = FeatureGates::default();
    let on = FeatureGates::with([FeatureGate::MaxUnavailableStatefulSet]);
    let mut with = stateful_set();
    with["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"] = json!(2);
    let kept = |old: &Value, gates: &FeatureGates| {
        let mut new = with.clone();
        gates::drop_disabled_fields(resource, (&mut new, old), gates);
        get(&new, &MAX_UNAVAILABLE).cloned()
    };

    assert_eq!(kept(&stateful_set(), &off), None);
    assert_eq!(kept(&Value::Null, &off), None);
    assert_eq!(kept(&with, &off), Some(json!(2)));
    assert_eq!(kept(&stateful_set(), &on), Some(json!(2)));
}

#[test]
fn max_unavailable_is_one_where_its_gate_is_on_and_nobody_says_otherwise() {
    let resource = &api::resources::STATEFUL_SETS;
    let off = FeatureGates::default();
    let on = FeatureGates::with([FeatureGate::MaxUnavailableStatefulSet]);
    let filled_in = |mut object: Value, gates: &FeatureGates| {
        gates::apply_defaults(resource, &mut object, gates);
        get(&object, &MAX_UNAVAILABLE).cloned()
    };
    let mut other = stateful_set();
    other["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"] = json!("50%");
    let mut by_hand = stateful_set();
    by_hand["spec"]["updateStrategy"] = json!({"type": "OnDelete"});

    assert_eq!(filled_in(stateful_set(), &off), None);
    assert_eq!(filled_in(stateful_set(), &on), Some(json!(1)));
    assert_eq!(filled_in(other, &on), Some(json!("50%")));
    assert_eq!(filled_in(by_hand, &on), None);
}

#[test]
fn no_more_replicas_are_ready_than_there_are() {
    let old = stateful_set();
    let mut new = old.clone();
    new["status"] =
        json!({"replicas": 2, "readyReplicas": 1, "currentReplicas": 3, "availableReplicas": 2});

    assert_eq!(
        messages(validate_status_update(&new, &old)),
        [
            "status.currentReplicas: Invalid value: 3: cannot be greater than status.replicas",
            "status.availableReplicas: Invalid value: 2: cannot be greater than status.readyReplicas",
        ]
    );
}

fn messages(causes: Vec<Cause>) -> Vec<String> {
    causes.iter().map(ToString::to_string).collect()
}

fn stateful_set() -> Value {
    let mut stateful_set = json!({
        "metadata": {"name": "s", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": {"app": "db"}},
            "template": {
                "metadata": {"labels": {"app": "db"}},
                "spec": {"containers": [{
                    "name": "c", "image": "a", "volumeMounts": [{"name": "data", "mountPath": "/d"}],
                }]},
            },
            "volumeClaimTemplates": [{
                "metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}},
            }],
        },
    });
    apply_defaults(&mut stateful_set);
    stateful_set
}
