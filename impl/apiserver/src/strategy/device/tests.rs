//! Tests of the defaults and rules of what is said about devices.

use super::super::kind_strategy::KindStrategy;
use super::*;

fn messages(causes: &[Cause]) -> String {
    causes.iter().map(ToString::to_string).collect::<Vec<_>>().join("|")
}

fn claim(devices: &Value) -> Value {
    let mut claim = json!({"spec": {"devices": devices}});
    Claim.apply_defaults(&mut claim);
    claim
}

fn one(request: &Value) -> Value {
    claim(&json!({"requests": [request]}))
}

#[test]
fn a_request_is_for_one_device_unless_it_says_more() {
    let claim = one(&json!({"name": "r", "exactly": {"deviceClassName": "c"},
        "firstAvailable": [{"allocationMode": "All"}]}));

    let request = &claim["spec"]["devices"]["requests"][0];
    assert_eq!(
        request["exactly"],
        json!({"deviceClassName": "c", "allocationMode": "ExactCount", "count": 1})
    );
    assert_eq!(request["firstAvailable"][0], json!({"allocationMode": "All"}));
}

#[test]
fn a_request_says_which_devices_and_how_many() {
    let exactly = |exactly: Value| json!({"name": "r", "exactly": exactly});
    let path = "spec.devices.requests[0]";
    let table = [
        (exactly(json!({"deviceClassName": "c"})), String::new()),
        (
            json!({"name": "r"}),
            format!(
                "{path}: Required value: exactly one of `exactly` or `firstAvailable` is required"
            ),
        ),
        (exactly(json!({})), format!("{path}.exactly.deviceClassName: Required value")),
        (
            exactly(json!({"deviceClassName": "c", "allocationMode": "All", "count": 2})),
            format!(
                "{path}.exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'"
            ),
        ),
        (
            exactly(json!({"deviceClassName": "c", "allocationMode": "Some"})),
            format!(
                "{path}.exactly.allocationMode: Unsupported value: \"Some\": supported values: \"All\", \"ExactCount\""
            ),
        ),
        (
            exactly(json!({"deviceClassName": "c", "selectors": [{}]})),
            format!("{path}.exactly.selectors[0].cel: Required value"),
        ),
        (
            exactly(
                json!({"deviceClassName": "c", "selectors": [{"cel": {"expression": "device.x"}}]}),
            ),
            format!(
                "{path}.exactly.selectors[0].cel.expression: Invalid value: \"device.x\": compilation failed: ERROR: \
                 <input>:1:7: undefined field 'x'\n | device.x\n | ......^"
            ),
        ),
        (
            exactly(
                json!({"deviceClassName": "c", "selectors": [{"cel": {"expression": "device.driver"}}]}),
            ),
            format!(
                "{path}.exactly.selectors[0].cel.expression: Invalid value: \"device.driver\": must evaluate to bool or \
                 the unknown type, not string"
            ),
        ),
        (
            exactly(
                json!({"deviceClassName": "c", "tolerations": [{"operator": "Exists", "value": "v"}]}),
            ),
            format!(
                "{path}.exactly.tolerations[0].value: Invalid value: \"v\": must be empty for operator `Exists`"
            ),
        ),
    ];
    for (request, expected) in table {
        assert_eq!(messages(&Claim.causes(&one(&request))), expected, "{request}");
    }
}

#[test]
fn constraints_and_configurations_are_about_requests_of_the_claim() {
    let request = json!({"name": "r", "firstAvailable": [{"name": "a", "deviceClassName": "c"}]});
    let with = |references: Value| {
        let constraint = json!({"requests": references, "matchAttribute": "d.e/f"});
        messages(
            &Claim.causes(&claim(&json!({"requests": [request], "constraints": [constraint]}))),
        )
    };

    assert_eq!(with(json!(["r", "r/a"])), "");
    assert!(with(json!(["s"])).ends_with(
        "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
    ));
    assert_eq!(
        with(json!(["r", "r"])),
        "spec.devices.constraints[0].requests[1]: Duplicate value: \"r\""
    );
}

#[test]
fn what_a_claim_asks_for_stays() {
    let old = one(&json!({"name": "r", "exactly": {"deviceClassName": "c"}}));
    let new = one(&json!({"name": "r", "exactly": {"deviceClassName": "d"}}));

    assert_eq!(Claim.update_causes(&old, &old), []);
    assert!(messages(&Claim.update_causes(&new, &old)).ends_with("field is immutable"));
}

#[test]
fn a_claim_is_reserved_only_with_devices_and_keeps_them() {
    let mut old = one(&json!({"name": "r", "exactly": {"deviceClassName": "c"}}));
    let result =
        |device: &str| json!({"request": "r", "driver": "d", "pool": "p", "device": device});
    let reserved = json!([{"resource": "pods", "name": "p", "uid": "u"}]);
    let mut new = old.clone();
    new["status"] = json!({"reservedFor": reserved});
    assert_eq!(
        messages(&Claim.status_update_causes(&new, &old)),
        "status.reservedFor: Forbidden: may not be specified when `allocated` is not set"
    );

    new["status"]["allocation"] = json!({"devices": {"results": [result("a")]}});
    assert_eq!(Claim.status_update_causes(&new, &old), []);
    old = new.clone();
    new["status"]["allocation"] = json!({"devices": {"results": [result("b")]}});
    assert!(messages(&Claim.status_update_causes(&new, &old)).ends_with("field is immutable"));
}

#[test]
fn what_is_said_of_devices_goes_with_them() {
    let device = |name: &str| json!({"driver": "d", "pool": "p", "device": name});
    let claim = |given: &[&str], told: &[&str]| {
        let of = |names: &[&str]| names.iter().map(|name| device(name)).collect::<Vec<_>>();
        json!({"status": {"allocation": {"devices": {"results": of(given)}}, "devices": of(told)}})
    };
    let mut new = claim(&["a"], &["a", "b", "c"]);

    drop_deallocated(&mut new, &claim(&["a", "b"], &[]));

    assert_eq!(new, claim(&["a"], &["a", "c"]));
}

#[test]
fn a_taint_of_a_device_is_there_since_somebody_said_so_or_since_now() {
    let earlier =
        json!({"key": "broken", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"});
    let mut slice = json!({"spec": {"devices": [
        {"name": "a", "taints": [{"key": "broken", "effect": "NoExecute"}, earlier]},
        {"name": "b"},
    ]}});

    date_taints(&mut slice, &json!("2026-01-02T00:00:00Z"));

    let taints = &slice["spec"]["devices"][0]["taints"];
    assert_eq!(taints[0]["timeAdded"], "2026-01-02T00:00:00Z");
    assert_eq!(taints[1]["timeAdded"], "2026-01-01T00:00:00Z");
}

#[test]
fn a_slice_says_in_one_way_where_its_devices_are() {
    let slice = |change: Value| {
        let mut slice =
            json!({"spec": {"driver": "d", "pool": {"name": "p", "resourceSliceCount": 1}}});
        for (field, value) in change.as_object().into_iter().flatten() {
            slice["spec"][field] = value.clone();
        }
        messages(&Slice.causes(&slice))
    };
    let device = |attribute: Value| {
        slice(json!({"allNodes": true, "devices": [{"name": "a", "attributes": {"n": attribute}}]}))
    };

    assert_eq!(slice(json!({"nodeName": "n"})), "");
    assert!(slice(json!({})).starts_with("spec: Required value: exactly one of `nodeName`"));
    assert!(
        slice(json!({"nodeName": "n", "allNodes": true}))
            .starts_with("spec: Invalid value: \"{`nodeName`, `allNodes`}\": exactly one of")
    );
    assert_eq!(device(json!({"int": 1})), "");
    assert_eq!(
        device(json!({})),
        "spec.devices[0].attributes[n]: Invalid value: \"\": exactly one value must be specified"
    );
    assert!(device(json!({"version": "1"})).contains("compatible with semver.org spec 2.0.0"));
}

#[test]
fn an_allocation_without_devices_is_the_same_as_one_that_does_not_speak_of_them() {
    let causes = |old: Value, new: Value| {
        let claim = |allocation: Value| json!({"spec": {}, "status": {"allocation": allocation}});
        messages(&Claim.status_update_causes(&claim(new), &claim(old)))
    };
    let one = json!({"devices": {"results": [{"request": "r", "driver": "d", "pool": "p", "device": "a"}]}});

    assert_eq!(causes(json!({"devices": {}}), json!({})), "");
    assert_eq!(causes(json!({}), json!({"devices": {"results": []}})), "");
    assert!(causes(one.clone(), json!({})).ends_with("field is immutable"));
    assert!(causes(json!({}), one).ends_with("field is immutable"));
}

#[test]
fn a_class_may_stand_for_an_extended_resource() {
    let class =
        |name: &str| messages(&Class.causes(&json!({"spec": {"extendedResourceName": name}})));

    assert_eq!(class("example.com/gpu"), "");
    assert!(class("cpu").ends_with("must be a valid extended resource name"));
}
