//! Patches as kubectl and controllers send them, and laws that hold for all.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::kind::resources::{DEPLOYMENTS, PODS, SERVICES};

#[test]
fn containers_merge_by_name() {
    let old = pod(json!([{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]));

    let new = strategic(&old, json!({"spec": {"containers": [{"name": "b", "image": "2"}]}}));

    assert_eq!(new, pod(json!([{"name": "a", "image": "1"}, {"name": "b", "image": "2"}])));
}

#[test]
fn new_elements_come_behind_those_that_stood_before() {
    let old = pod(json!([{"name": "a"}]));

    let new = strategic(&old, json!({"spec": {"containers": [{"name": "c"}, {"name": "b"}]}}));

    assert_eq!(new, pod(json!([{"name": "c"}, {"name": "b"}, {"name": "a"}])));
}

#[test]
fn element_order_decides_where_elements_stand() {
    let old = pod(json!([{"name": "a"}, {"name": "b"}, {"name": "server"}]));
    let patch = json!({"spec": {
        "$setElementOrder/containers": [{"name": "b"}, {"name": "a"}, {"name": "new"}],
        "containers": [{"name": "a", "image": "2"}, {"name": "new"}]}});

    let new = strategic(&old, patch);

    let names = [json!("b"), json!("a"), json!("new"), json!("server")];
    assert_eq!(names_of(&new), names);
    assert_eq!(new["spec"]["containers"][1]["image"], "2");
}

#[test]
fn element_order_alone_reorders() {
    let old = pod(json!([{"name": "a"}, {"name": "b"}]));
    let patch = json!({"spec": {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}});

    assert_eq!(names_of(&strategic(&old, patch)), [json!("b"), json!("a")]);
}

#[test]
fn element_order_must_hold_the_elements_of_the_patch() {
    let old = pod(json!([{"name": "a"}]));
    let patch = json!({"spec": {"$setElementOrder/containers": [{"name": "a"}],
        "containers": [{"name": "b"}]}});

    let refused = apply(PatchKind::StrategicMerge, &PODS, &old, &patch).unwrap_err();

    assert_eq!(refused.reason, Reason::BadRequest);
}

#[test]
fn delete_directive_removes_an_element() {
    let old = pod(json!([{"name": "a"}, {"name": "b"}]));
    let patch = json!({"spec": {"containers": [{"name": "a", "$patch": "delete"}]}});

    assert_eq!(strategic(&old, patch), pod(json!([{"name": "b"}])));
}

#[test]
fn replace_directive_replaces_list_or_object() {
    let old = pod(json!([{"name": "a"}, {"name": "b"}]));
    let list = json!({"spec": {"containers": [{"name": "c"}, {"$patch": "replace"}]}});
    let object = json!({"spec": {"$patch": "replace", "nodeName": "n"}});

    assert_eq!(strategic(&old, list), pod(json!([{"name": "c"}])));
    assert_eq!(strategic(&old, object)["spec"], json!({"nodeName": "n"}));
}

#[test]
fn unknown_directives_are_refused() {
    let patch = json!({"spec": {"$patch": "frobnicate"}});

    let refused = apply(PatchKind::StrategicMerge, &PODS, &pod(json!([])), &patch).unwrap_err();

    assert_eq!(refused.message, "unknown patch type: \"frobnicate\" in map: {}");
}

#[test]
fn finalizers_merge_as_a_set_and_can_be_deleted_from() {
    let old = json!({"metadata": {"finalizers": ["a", "b"]}});
    let add = json!({"metadata": {"finalizers": ["c", "a"]}});
    let delete = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}});

    let added = strategic(&old, add);
    let deleted = strategic(&old, delete);

    assert_eq!(added, json!({"metadata": {"finalizers": ["c", "a", "b"]}}));
    assert_eq!(deleted, json!({"metadata": {"finalizers": ["b"]}}));
}

#[test]
fn lists_without_strategy_are_replaced() {
    let old = json!({"spec": {"containers": [{"name": "a", "args": ["x", "y"]}]}});
    let patch = json!({"spec": {"containers": [{"name": "a", "args": ["z"]}]}});

    assert_eq!(strategic(&old, patch)["spec"]["containers"][0]["args"], json!(["z"]));
}

#[test]
fn retain_keys_clears_the_rest() {
    let old =
        json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
    let patch = json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}});

    let new = apply(PatchKind::StrategicMerge, &DEPLOYMENTS, &old, &patch).unwrap();

    assert_eq!(new, json!({"spec": {"strategy": {"type": "Recreate"}}}));
}

#[test]
fn retain_keys_must_name_what_the_patch_sets() {
    let patch = json!({"spec": {"strategy": {"$retainKeys": [], "type": "Recreate"}}});
    let old = json!({"spec": {"strategy": {}}});

    let refused = apply(PatchKind::StrategicMerge, &DEPLOYMENTS, &old, &patch).unwrap_err();

    assert_eq!(refused.message, "invalid patch format of retainKeys");
}

#[test]
fn null_deletes_and_never_stays() {
    let old = json!({"metadata": {"labels": {"a": "1", "b": "2"}}});
    let patch = json!({"metadata": {"labels": {"a": null}, "annotations": {"x": null, "y": "1"}}});

    assert_eq!(
        strategic(&old, patch),
        json!({"metadata": {"labels": {"b": "2"}, "annotations": {"y": "1"}}})
    );
}

#[test]
fn element_without_merge_key_is_refused() {
    let patch = json!({"spec": {"containers": [{"image": "1"}]}});
    let old = pod(json!([{"name": "a"}]));

    let refused = apply(PatchKind::StrategicMerge, &PODS, &old, &patch).unwrap_err();

    assert_eq!(refused.message, "map: {\"image\":\"1\"} does not contain declared merge key: name");
}

#[test]
fn service_ports_merge_by_port() {
    let old = json!({"spec": {"ports": [{"port": 80, "nodePort": 30000}]}});
    let patch = json!({"spec": {"ports": [{"port": 80, "name": "http"}]}});

    let new = apply(PatchKind::StrategicMerge, &SERVICES, &old, &patch).unwrap();

    assert_eq!(new, json!({"spec": {"ports": [{"port": 80, "nodePort": 30000, "name": "http"}]}}));
}

#[test]
fn kubectl_apply_changes_image_and_last_applied() {
    let template = |image: &str| {
        json!({"spec": {"containers": [{"name": "web", "image": image,
        "imagePullPolicy": "Always"}]}})
    };
    let old = json!({"metadata": {"annotations": {"last": "1", "revision": "1"}},
        "spec": {"replicas": 3, "template": template("a")}});
    let patch = json!({"metadata": {"annotations": {"last": "2"}},
        "spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "web"}],
            "containers": [{"image": "b", "name": "web"}]}}}});

    let new = apply(PatchKind::StrategicMerge, &DEPLOYMENTS, &old, &patch).unwrap();

    assert_eq!(
        new,
        json!({"metadata": {"annotations": {"last": "2", "revision": "1"}},
            "spec": {"replicas": 3, "template": template("b")}})
    );
}

#[test]
fn pod_conditions_merge_by_type() {
    let old = json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}});
    let patch = json!({"status": {"conditions": [{"type": "PodScheduled", "status": "True"}]}});

    let new = strategic(&old, patch);

    assert_eq!(new["status"]["conditions"].as_array().unwrap().len(), 2);
}

#[test]
fn merge_patch_replaces_lists() {
    let old = pod(json!([{"name": "a"}, {"name": "b"}]));
    let patch = json!({"spec": {"containers": [{"name": "b"}]}, "metadata": null});

    let new = apply(PatchKind::Merge, &PODS, &old, &patch).unwrap();

    assert_eq!(new, pod(json!([{"name": "b"}])));
}

#[test]
fn json_patch_tests_before_it_changes() {
    let old = json!({"metadata": {"labels": {"a": "1"}}});
    let patch = json!([{"op": "test", "path": "/metadata/labels/a", "value": "2"},
        {"op": "remove", "path": "/metadata/labels/a"}]);

    let refused = apply(PatchKind::Json, &PODS, &old, &patch).unwrap_err();

    assert_eq!(refused.reason, Reason::Invalid);
}

#[test]
fn json_patch_must_be_a_list_of_operations() {
    let refused = apply(PatchKind::Json, &PODS, &json!({}), &json!({"op": "add"})).unwrap_err();

    assert_eq!(refused.reason, Reason::BadRequest);
}

proptest! {
    #[test]
    fn merge_patch_twice_is_merge_patch_once(old in object(), patch in object()) {
        let once = apply(PatchKind::Merge, &PODS, &old, &patch).unwrap();

        prop_assert_eq!(apply(PatchKind::Merge, &PODS, &once, &patch).unwrap(), once);
    }

    #[test]
    fn empty_strategic_patch_changes_nothing(old in object()) {
        prop_assert_eq!(strategic(&old, json!({})), old);
    }

    #[test]
    fn strategic_patch_never_panics(old in object(), patch in object()) {
        let _answer = apply(PatchKind::StrategicMerge, &PODS, &old, &patch);
    }
}

#[test]
fn copies_of_what_holds_them_end_at_a_limit() {
    let object = json!({"metadata": {"annotations": {"a": "b"}}});
    let times = |number: usize| {
        let copy = |index| {
            let path = format!("/metadata/more-{index}");
            json!({"op": "copy", "from": "/metadata", "path": path})
        };
        let patch = (0..number).map(copy).collect::<Value>();
        apply(PatchKind::Json, &PODS, &object, &patch)
    };

    let grown = times(10).unwrap().to_string().len();
    let refused = times(40).unwrap_err();

    assert!(grown > 20_000, "{grown}");
    assert_eq!(refused.reason.code(), 422);
}

#[test]
fn a_patch_makes_nothing_that_is_too_deep_to_read() {
    let object = json!({"metadata": {"annotations": {"a": "b"}}});
    let wrap = [
        json!({"op": "add", "path": "/outer", "value": {}}),
        json!({"op": "move", "from": "/metadata", "path": "/outer/metadata"}),
        json!({"op": "move", "from": "/outer", "path": "/metadata"}),
    ];
    let nest = json!({"op": "copy", "from": "/metadata", "path": "/metadata/more"});

    let wrapped = apply(PatchKind::Json, &PODS, &object, &json!(vec![wrap; 3_300].concat()));
    let nested = apply(PatchKind::Json, &PODS, &object, &json!(vec![nest; 9_000]));

    assert_eq!(wrapped.unwrap_err().reason.code(), 422);
    assert_eq!(nested.unwrap_err().reason.code(), 422);
}

/// Objects of names that the schema knows, with values that need not fit.
fn object() -> impl Strategy<Value = Value> {
    let names = [
        "metadata",
        "spec",
        "containers",
        "name",
        "labels",
        "finalizers",
        "$patch",
        "$setElementOrder/containers",
        "$deleteFromPrimitiveList/finalizers",
        "$retainKeys",
    ];
    let scalar =
        prop_oneof![Just(json!(null)), Just(json!("delete")), Just(json!("a")), Just(json!(1)),];
    let value = scalar.prop_recursive(4, 32, 4, move |inner| {
        let field = (prop::sample::select(names.to_vec()), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            prop::collection::vec(field, 0..4)
                .prop_map(|fields| fields.into_iter().collect::<Value>()),
        ]
    });
    let field = (prop::sample::select(names.to_vec()), value);
    prop::collection::vec(field, 0..4).prop_map(|fields| fields.into_iter().collect::<Value>())
}

fn pod(containers: Value) -> Value {
    json!({"spec": {"containers": containers}})
}

fn names_of(pod: &Value) -> Vec<Value> {
    let containers = pod["spec"]["containers"].as_array().unwrap();
    containers.iter().map(|container| container["name"].clone()).collect()
}

fn strategic(old: &Value, patch: Value) -> Value {
    apply(PatchKind::StrategicMerge, &PODS, old, &patch).unwrap()
}
