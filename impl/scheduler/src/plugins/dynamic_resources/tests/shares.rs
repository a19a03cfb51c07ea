//! Devices that share counters, and devices that several claims share.

use super::*;
use k8s_openapi::api::resource::v1::DeviceRequestAllocationResult;

/// A pool of two slices: one with counters of 8, one with devices that consume so many of them.
fn partitioned(sizes: &[i64]) -> World {
    let mut world = World::default();
    world.hear(crate::testing::device_class());
    let pool = json!({"name": "a", "generation": 1, "resourceSliceCount": 2});
    let devices: Vec<Value> = sizes
        .iter()
        .enumerate()
        .map(|(index, size)| {
            let counters = json!({"memory": {"value": size.to_string()}});
            let consumes = json!([{"counterSet": "card", "counters": counters}]);
            json!({"name": format!("part-{index}"), "consumesCounters": consumes})
        })
        .collect();
    let card = json!([{"name": "card", "counters": {"memory": {"value": "8"}}}]);
    for (name, spec) in [("c", json!({"sharedCounters": card})), ("d", json!({"devices": devices}))]
    {
        let mut spec = spec;
        (spec["driver"], spec["pool"], spec["nodeName"]) =
            (json!("dra.example.com"), pool.clone(), json!("a"));
        let slice = json!({"metadata": {"name": name}, "spec": spec});
        world.hear(stored(&resources::RESOURCE_SLICES, slice));
    }
    world
}

fn count(count: i64) -> Value {
    json!({"requests": [request("gpu", json!({"count": count}))]})
}

#[test]
fn partitions_take_no_more_than_there_is() {
    let mut world = partitioned(&[6, 4, 4]);

    assert_eq!(world.try_claim(count(1)).unwrap(), ["gpu=part-0"]);
    assert_eq!(world.try_claim(count(2)).unwrap(), ["gpu=part-1", "gpu=part-2"]);
    assert_eq!(world.try_claim(count(3)).unwrap_err(), NONE);
    world.allocated("other", json!({"device": "part-1"}));
    assert_eq!(world.try_claim(count(1)).unwrap(), ["gpu=part-2"]);
    assert_eq!(world.try_claim(count(2)).unwrap_err(), NONE);
}

#[test]
fn counters_that_there_are_not_make_a_pool_invalid() {
    let mut world = partitioned(&[1]);
    let pool = json!({"name": "a", "generation": 1, "resourceSliceCount": 2});
    let consumes = json!([{"counterSet": "none", "counters": {"memory": {"value": "1"}}}]);
    let devices = json!([{"name": "part-0", "consumesCounters": consumes}]);
    let spec =
        json!({"driver": "dra.example.com", "pool": pool, "nodeName": "a", "devices": devices});
    world.hear(stored(
        &resources::RESOURCE_SLICES,
        json!({"metadata": {"name": "d"}, "spec": spec}),
    ));

    assert_eq!(world.try_claim(count(1)).unwrap_err(), "invalid resource pools were encountered");
}

/// A device of 40Gi that claims share.
fn shared(policy: Value) -> World {
    let memory = json!({"value": "40Gi", "requestPolicy": policy});
    World::of(
        json!([{"name": "gpu-0", "allowMultipleAllocations": true, "capacity": {"memory": memory}}]),
    )
}

/// What a request for so much of a device gets of it.
fn takes(
    world: &mut World,
    memory: Option<&str>,
) -> Result<DeviceRequestAllocationResult, Verdict> {
    let capacity = memory.map(|memory| json!({"requests": {"memory": memory}}));
    let exactly = capacity.map_or(json!({}), |capacity| json!({"capacity": capacity}));
    world.claim("data", json!({"requests": [request("gpu", exactly)]}));
    let found = world.reserve(&["data"], &node_info("a", json!({})))?;
    Ok(found[0].devices.as_ref().unwrap().results.as_ref().unwrap()[0].clone())
}

fn taken(world: &mut World, memory: Option<&str>) -> Option<String> {
    let result = takes(world, memory).ok()?;
    Some(result.consumed_capacity?["memory"].0.clone())
}

#[test]
fn claims_share_a_device_until_it_is_used_up() {
    let mut world = shared(Value::Null);
    let some = takes(&mut world, Some("10Gi")).unwrap();
    let share = some.share_id.clone().unwrap();
    let consumed = json!({"memory": "30Gi"});
    world.allocated(
        "other",
        json!({"device": "gpu-0", "shareID": share, "consumedCapacity": consumed}),
    );

    assert_eq!(share.len(), 36);
    assert_eq!(some.consumed_capacity.unwrap()["memory"].0, "10Gi");
    assert_eq!(taken(&mut world, Some("10Gi")).as_deref(), Some("10Gi"));
    assert_eq!(taken(&mut world, Some("11Gi")), None);
    assert_eq!(taken(&mut world, None), None);
    let none = takes(&mut shared(Value::Null), None).unwrap();
    assert_eq!(none.consumed_capacity.unwrap()["memory"].0, "40Gi");
}

#[test]
fn what_is_seen_before_it_is_answered_counts_once() {
    let mut world = shared(Value::Null);
    let consumed = json!({"memory": "20Gi"});
    world.allocated(
        "other",
        json!({"device": "gpu-0", "shareID": "s", "consumedCapacity": consumed}),
    );
    let other = world.cluster.devices.claim(&api::Key::new("default", "other")).unwrap().clone();
    let allocation = allocation_of(&other).unwrap().clone();

    world.cluster.devices.begin(&other, &allocation);

    assert_eq!(taken(&mut world, Some("20Gi")).as_deref(), Some("20Gi"));
}

#[test]
fn a_device_that_a_claim_has_for_itself_is_not_shared() {
    let mut world = shared(Value::Null);
    world.allocated("other", json!({"device": "gpu-0"}));

    assert_eq!(taken(&mut world, Some("1Gi")), None);
}

#[test]
fn one_request_gets_different_devices_and_two_may_share_one() {
    let some = || json!({"capacity": {"requests": {"memory": "10Gi"}}});
    let mut twice = some();
    twice["count"] = json!(2);
    let both = json!({"requests": [request("one", some()), request("two", some())]});

    let mut world = shared(Value::Null);

    assert_eq!(world.try_claim(json!({"requests": [request("one", twice)]})).unwrap_err(), NONE);
    assert_eq!(world.try_claim(both).unwrap(), ["one=gpu-0", "two=gpu-0"]);
}

#[test]
fn a_policy_rounds_up_what_is_asked_for() {
    let range =
        json!({"default": "2Gi", "validRange": {"min": "1Gi", "step": "1Gi", "max": "8Gi"}});
    let values = json!({"default": "2Gi", "validValues": ["2Gi", "4Gi"]});
    let of = |policy: &Value, memory: Option<&str>| taken(&mut shared(policy.clone()), memory);

    assert_eq!(of(&range, None).as_deref(), Some("2Gi"));
    assert_eq!(of(&range, Some("100Mi")).as_deref(), Some("1Gi"));
    assert_eq!(of(&range, Some("1500Mi")).as_deref(), Some("2Gi"));
    assert_eq!(of(&range, Some("9Gi")), None);
    assert_eq!(of(&values, Some("3Gi")).as_deref(), Some("4Gi"));
    assert_eq!(of(&values, Some("5Gi")), None);
}

#[test]
fn a_capacity_that_a_device_does_not_have_cannot_be_asked_for() {
    let mut world =
        World::of(json!([{"name": "gpu-0", "capacity": {"memory": {"value": "40Gi"}}}]));

    let asks = json!({"capacity": {"requests": {"cores": "1"}}});
    assert_eq!(world.try_claim(json!({"requests": [request("gpu", asks)]})).unwrap_err(), NONE);
    let asks = json!({"capacity": {"requests": {"memory": "1Gi"}}});
    assert_eq!(
        world.try_claim(json!({"requests": [request("gpu", asks)]})).unwrap(),
        ["gpu=gpu-0"]
    );
}
