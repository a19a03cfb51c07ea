//! Which pools a node reaches, and what there is of them.

use super::*;
use crate::devices::Devices;

/// A slice of the pool `shared`, which also says this.
fn slice(name: &str, spec: Value) -> AnyObject {
    let mut spec = spec;
    spec["driver"] = json!("dra.example.com");
    if spec["pool"].is_null() {
        spec["pool"] = json!({"name": "shared", "generation": 1, "resourceSliceCount": 1});
    }
    stored(&resources::RESOURCE_SLICES, json!({"metadata": {"name": name}, "spec": spec}))
}

fn pool(generation: i64, slices: i64) -> Value {
    json!({"name": "shared", "generation": generation, "resourceSliceCount": slices})
}

/// A world where a claim wants one device, or all.
fn wanting(mode: &str, slices: Vec<AnyObject>) -> World {
    let mut world = World::default();
    world.hear(crate::testing::device_class());
    slices.into_iter().for_each(|slice| world.hear(slice));
    world.claim("data", json!({"requests": [request("gpu", json!({"allocationMode": mode}))]}));
    world
}

fn one(slices: Vec<AnyObject>) -> Result<Vec<String>, String> {
    wanting("ExactCount", slices).get("data")
}

/// A node that reaches all of an old generation does not look whether there is a newer one elsewhere, as upstream.
#[test]
fn the_newest_generation_of_a_pool_counts() {
    let old = |slices: i64| {
        let devices = json!([{"name": "old"}]);
        slice("old", json!({"allNodes": true, "devices": devices, "pool": pool(1, slices)}))
    };
    let new = |nodes: Value| {
        let mut spec = nodes;
        spec["devices"] = json!([{"name": "new"}]);
        spec["pool"] = pool(2, 1);
        slice("new", spec)
    };

    assert_eq!(one(vec![old(1), new(json!({"allNodes": true}))]).unwrap(), ["gpu=new"]);
    assert_eq!(one(vec![old(2), new(json!({"nodeName": "b"}))]).unwrap_err(), NONE);
    assert_eq!(one(vec![old(1), new(json!({"nodeName": "b"}))]).unwrap(), ["gpu=old"]);
}

#[test]
fn nothing_is_taken_of_a_pool_that_is_being_updated() {
    let half = || {
        vec![slice(
            "one",
            json!({"allNodes": true, "devices": [{"name": "one"}], "pool": pool(1, 2)}),
        )]
    };

    assert_eq!(one(half()).unwrap_err(), NONE);
    assert_eq!(
        wanting("All", half()).get("data").unwrap_err(),
        "claim default/data, request gpu: asks for all devices, but resource pool dra.example.com/shared is currently \
         being updated"
    );
    let mut whole = half();
    whole.push(slice(
        "two",
        json!({"nodeName": "b", "devices": [{"name": "two"}], "pool": pool(1, 2)}),
    ));
    assert_eq!(one(whole).unwrap(), ["gpu=one"]);
}

#[test]
fn a_pool_that_contradicts_itself_is_told() {
    let twice = || {
        vec![slice("one", json!({"allNodes": true, "devices": [{"name": "one"}, {"name": "one"}]}))]
    };

    assert_eq!(one(twice()).unwrap_err(), "invalid resource pools were encountered");
    assert_eq!(
        wanting("All", twice()).get("data").unwrap_err(),
        "claim default/data, request gpu: asks for all devices, but resource pool dra.example.com/shared is currently \
         invalid"
    );
}

#[test]
fn a_node_reaches_what_names_it_selects_it_or_is_for_all() {
    let zone = |zone: &str| {
        let expressions = json!([{"key": "zone", "operator": "In", "values": [zone]}]);
        json!({"nodeSelectorTerms": [{"matchExpressions": expressions}]})
    };
    let per_device = |device: Value| {
        let mut device = device;
        device["name"] = json!("x");
        json!({"perDeviceNodeSelection": true, "devices": [device]})
    };
    let devices = json!([{"name": "x"}]);
    let node = node_info("a", json!({"metadata": {"labels": {"zone": "1"}}}));
    let selects = |spec: Value| {
        let world = wanting("ExactCount", vec![slice("one", spec)]);
        let found = world.reserve(&["data"], &node).ok()?;
        Some(found[0].node_selector.as_ref().map(|selector| {
            let term = &selector.node_selector_terms[0];
            let fields = term.match_fields.iter().chain(&term.match_expressions).flatten();
            fields.map(|one| one.key.clone()).collect::<Vec<_>>().join(",")
        }))
    };
    let key = |key: &str| Some(Some(key.to_owned()));

    assert_eq!(selects(json!({"nodeName": "a", "devices": devices})), key("metadata.name"));
    assert_eq!(selects(json!({"nodeName": "b", "devices": devices})), None);
    assert_eq!(selects(json!({"allNodes": true, "devices": devices})), Some(None));
    assert_eq!(selects(json!({"nodeSelector": zone("1"), "devices": devices})), key("zone"));
    assert_eq!(selects(json!({"nodeSelector": zone("2"), "devices": devices})), None);
    assert_eq!(selects(per_device(json!({"nodeName": "a"}))), key("metadata.name"));
    assert_eq!(selects(per_device(json!({"nodeName": "b"}))), None);
    assert_eq!(selects(per_device(json!({"allNodes": true}))), Some(None));
    assert_eq!(selects(per_device(json!({"nodeSelector": zone("1")}))), key("zone"));
    let bound = json!({"allNodes": true, "devices": [{"name": "x", "bindsToNode": true}]});
    assert_eq!(selects(bound), key("metadata.name"));
}

#[test]
fn pools_are_tried_by_name_and_those_that_must_be_bound_last() {
    let of = |name: &str, device: Value| {
        let pool = json!({"name": name, "generation": 1, "resourceSliceCount": 1});
        slice(name, json!({"allNodes": true, "pool": pool, "devices": [device]}))
    };
    let late = || {
        of(
            "a",
            json!({"name": "late", "bindingConditions": ["x"], "bindingFailureConditions": ["y"]}),
        )
    };
    let soon = || of("b", json!({"name": "soon"}));

    assert_eq!(one(vec![late(), soon()]).unwrap(), ["gpu=soon"]);
    assert_eq!(one(vec![late()]).unwrap(), ["gpu=late"]);
}

#[test]
fn a_slice_that_goes_or_moves_is_forgotten_where_it_was() {
    let mut devices = Devices::default();
    let (here, there) = (devices_on("a", json!([])), devices_on("a", json!([])));
    let AnyObject::ResourceSlice(moved) = there else { unreachable!("it is one") };
    let mut moved = (*moved).clone();
    moved.spec.node_name = Some("b".to_owned());
    let moved = AnyObject::from(Arc::new(moved));
    let count = |devices: &Devices, node: &str| devices.slices_near(node).count();

    devices.observe(&Change { old: None, new: Some(here.clone()) });
    assert_eq!((count(&devices, "a"), count(&devices, "b")), (1, 0));
    devices.observe(&Change { old: Some(here), new: Some(moved.clone()) });
    assert_eq!((count(&devices, "a"), count(&devices, "b")), (0, 1));
    devices.observe(&Change { old: Some(moved), new: None });
    assert_eq!((count(&devices, "a"), count(&devices, "b")), (0, 0));
}
