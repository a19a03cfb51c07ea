//! What the claims of a pod get on a node.

mod extended;
mod hints;
mod pools;
mod rule;
mod shares;

use api::{ApiResource, resources};
use serde_json::{Value, json};

use super::*;
use crate::cluster::Cluster;
use crate::testing::{cycle, device_claim, devices_on, node_info, pod_claiming, stored};

pub(super) const CLAIMS: &ApiResource = &resources::RESOURCE_CLAIMS;

/// Objects, and what pods get of them.
#[derive(Default)]
pub(super) struct World {
    cluster: Cluster,
}

impl World {
    /// A world where node `a` has these devices, and a class of all.
    pub(super) fn of(devices: Value) -> Self {
        let mut world = Self::default();
        world.hear(devices_on("a", devices));
        world.hear(crate::testing::device_class());
        world
    }

    pub(super) fn hear(&mut self, object: AnyObject) {
        self.cluster.observe(&Change { old: None, new: Some(object) });
    }

    /// Puts a claim of the pod.
    pub(super) fn claim(&mut self, name: &str, devices: Value) {
        self.hear(stored(CLAIMS, device_claim(name, devices)));
    }

    /// Puts a claim of somebody else, who has this.
    pub(super) fn allocated(&mut self, name: &str, result: Value) {
        let mut claim = device_claim(name, json!({}));
        let mut result = result;
        result["request"] = json!("gpu");
        result["driver"] = json!("dra.example.com");
        result["pool"] = json!("a");
        claim["status"] = json!({"allocation": {"devices": {"results": [result]}}});
        self.hear(stored(CLAIMS, claim));
    }

    /// What the claims of a pod get on a node, or why they get nothing.
    pub(super) fn reserve(
        &self,
        claims: &[&str],
        node: &NodeInfo,
    ) -> Result<Vec<AllocationResult>, Verdict> {
        let pod = PodInfo::new(pod_claiming("web", claims));
        let cycle = cycle(&pod, &self.cluster).map_err(|rejection| rejection.verdict)?;
        let plugin = DynamicResources::new(&DynamicResourcesArgs::default());
        match plugin.filter(&cycle, node) {
            Verdict::Feasible => {}
            verdict @ (Verdict::Unschedulable(_)
            | Verdict::UnschedulableAndUnresolvable(_)
            | Verdict::Error(_)) => return Err(verdict),
        }
        let reserved = plugin.reserve(&cycle, node).expect("it is feasible");
        Ok(reserved.claims.into_iter().filter_map(|(_, allocation)| allocation).collect())
    }

    /// The devices of one claim on node `a`, `REQUEST=DEVICE`, or why there are none.
    pub(super) fn get(&self, claim: &str) -> Result<Vec<String>, String> {
        let found = self.reserve(&[claim], &node_info("a", json!({})));
        let found = found.map_err(|verdict| verdict.reasons().join(", "))?;
        let results = found[0].devices.iter().flat_map(|devices| devices.results.iter().flatten());
        Ok(results.map(|result| format!("{}={}", result.request, result.device)).collect())
    }

    /// The same of a claim with these requests and constraints.
    pub(super) fn try_claim(&mut self, devices: Value) -> Result<Vec<String>, String> {
        self.claim("data", devices);
        self.get("data")
    }
}

/// A request for devices of the class, which also says this.
pub(super) fn request(name: &str, exactly: Value) -> Value {
    let mut exactly = exactly;
    exactly["deviceClassName"] = json!("gpu");
    json!({"name": name, "exactly": exactly})
}

pub(super) fn selector(expression: &str) -> Value {
    json!([{"cel": {"expression": expression}}])
}

/// Devices of these models.
fn models(models: &[&str]) -> Value {
    let devices = models.iter().enumerate().map(|(index, model)| {
        json!({"name": format!("gpu-{index}"), "attributes": {"model": {"string": model}}})
    });
    devices.collect()
}

const NONE: &str = "cannot allocate all claims";

#[test]
fn requests_get_the_first_devices_that_nobody_has() {
    let mut world = World::of(models(&["a", "a", "a", "a"]));
    world.allocated("other", json!({"device": "gpu-1"}));

    let two = world.try_claim(json!({"requests": [request("one", json!({"count": 2}))]}));
    let both =
        json!({"requests": [request("one", json!({})), request("two", json!({"count": 2}))]});
    let three = world.try_claim(both);
    let four = world.try_claim(json!({"requests": [request("one", json!({"count": 4}))]}));

    assert_eq!(two.unwrap(), ["one=gpu-0", "one=gpu-2"]);
    assert_eq!(three.unwrap(), ["one=gpu-0", "two=gpu-2", "two=gpu-3"]);
    assert_eq!(four.unwrap_err(), NONE);
}

#[test]
fn all_means_all_that_are_selected_and_at_least_one() {
    let mut world = World::of(models(&["a", "b", "b"]));
    let mut all = |model: &str| {
        let expression = format!("device.attributes['dra.example.com'].model == '{model}'");
        let selectors = selector(&expression);
        let exactly = json!({"allocationMode": "All", "selectors": selectors});
        world.try_claim(json!({"requests": [request("all", exactly)]}))
    };

    assert_eq!(all("b").unwrap(), ["all=gpu-1", "all=gpu-2"]);
    assert_eq!(all("c").unwrap_err(), NONE);
    world.allocated("other", json!({"device": "gpu-2"}));
    let all = json!({"requests": [request("all", json!({"allocationMode": "All"}))]});
    assert_eq!(world.try_claim(all).unwrap_err(), NONE);
}

#[test]
fn the_selectors_of_the_class_and_of_the_request_must_both_agree() {
    let mut world = World::of(models(&["a", "b", "c"]));
    let not_a = selector("device.attributes['dra.example.com'].model != 'a'");
    let class = json!({"metadata": {"name": "gpu"}, "spec": {"selectors": not_a}});
    world.hear(stored(&resources::DEVICE_CLASSES, class));

    let not_b = selector("device.attributes['dra.example.com'].model != 'b'");
    let found = world.try_claim(json!({"requests": [request("one", json!({"selectors": not_b}))]}));

    assert_eq!(found.unwrap(), ["one=gpu-2"]);
}

#[test]
fn the_first_alternative_that_can_be_met_is_taken() {
    let mut world = World::of(models(&["a", "b"]));
    let alternative = |name: &str, model: &str| {
        let selectors =
            selector(&format!("device.attributes['dra.example.com'].model == '{model}'"));
        json!({"name": name, "deviceClassName": "gpu", "selectors": selectors})
    };
    let first_available = json!([alternative("good", "a"), alternative("bad", "b")]);
    let requests = json!({"requests": [{"name": "gpu", "firstAvailable": first_available}]});

    let good = world.try_claim(requests.clone());
    world.allocated("other", json!({"device": "gpu-0"}));
    let bad = world.try_claim(requests);

    assert_eq!(good.unwrap(), ["gpu/good=gpu-0"]);
    assert_eq!(bad.unwrap(), ["gpu/bad=gpu-1"]);
}

#[test]
fn a_node_with_a_better_alternative_scores_more() {
    let mut world = World::of(models(&["a", "b"]));
    world.hear(devices_on("b", models(&["b"])));
    let alternative = |name: &str, model: &str| {
        let selectors =
            selector(&format!("device.attributes['dra.example.com'].model == '{model}'"));
        json!({"name": name, "deviceClassName": "gpu", "selectors": selectors})
    };
    let first_available = json!([alternative("good", "a"), alternative("bad", "b")]);
    world.claim("data", json!({"requests": [{"name": "gpu", "firstAvailable": first_available}]}));
    let pod = PodInfo::new(pod_claiming("web", &["data"]));
    let plugin = DynamicResources::new(&DynamicResourcesArgs::default());

    let nodes = [node_info("a", json!({})), node_info("b", json!({})), node_info("c", json!({}))];
    let cycle = cycle(&pod, &world.cluster).unwrap();
    let scoring = Scoring::pre_score(&cycle, &[]);
    let scores: Vec<i64> = nodes.iter().map(|node| plugin.score(&scoring, node)).collect();

    assert!(!Score::skips(&plugin, &cycle));
    assert_eq!(scores, [8, 7, 0]);
}

#[test]
fn constraints_make_the_search_go_back() {
    let mut world = World::of(models(&["a", "b", "b", "a"]));
    let both = json!([request("one", json!({})), request("two", json!({}))]);
    let constraint =
        |what: &str| json!([{what: "dra.example.com/model", "requests": ["one", "two"]}]);

    let matched = json!({"requests": both, "constraints": constraint("matchAttribute")});
    let distinct = json!({"requests": both, "constraints": constraint("distinctAttribute")});
    let three = json!({"requests": [request("one", json!({"count": 3}))],
        "constraints": [{"distinctAttribute": "dra.example.com/model"}]});
    let missing =
        json!({"requests": both, "constraints": [{"matchAttribute": "dra.example.com/x"}]});

    assert_eq!(world.try_claim(matched).unwrap(), ["one=gpu-0", "two=gpu-3"]);
    assert_eq!(world.try_claim(distinct).unwrap(), ["one=gpu-0", "two=gpu-1"]);
    assert_eq!(world.try_claim(three).unwrap_err(), NONE);
    assert_eq!(world.try_claim(missing).unwrap_err(), NONE);
}

#[test]
fn a_constraint_that_all_devices_break_is_an_error() {
    let mut world = World::of(models(&["a", "b"]));

    let why = world
        .try_claim(json!({"requests": [request("all", json!({"allocationMode": "All"}))],
        "constraints": [{"matchAttribute": "dra.example.com/model"}]}));

    assert_eq!(
        why.unwrap_err(),
        "claim default/data, request all: cannot add device dra.example.com/a/gpu-1 because a claim constraint \
         would not be satisfied"
    );
}

#[test]
fn a_taint_keeps_requests_away_that_do_not_tolerate_it() {
    let tainted =
        |effect: &str| json!([{"name": "gpu-0", "taints": [{"key": "broken", "effect": effect}]}]);
    let asks = |effect: &str, exactly: Value| {
        World::of(tainted(effect)).try_claim(json!({"requests": [request("one", exactly)]}))
    };
    let tolerates = json!({"tolerations": [{"key": "broken", "operator": "Exists"}]});
    let another = json!({"tolerations": [{"key": "other", "operator": "Exists"}]});

    assert_eq!(asks("NoSchedule", json!({})).unwrap_err(), NONE);
    assert_eq!(asks("NoExecute", another).unwrap_err(), NONE);
    assert_eq!(asks("NoExecute", tolerates).unwrap(), ["one=gpu-0"]);
    assert_eq!(asks("None", json!({})).unwrap(), ["one=gpu-0"]);
}

#[test]
fn an_administrator_has_what_others_have_and_takes_nothing_from_them() {
    let mut world = World::of(models(&["a"]));
    world.allocated("other", json!({"device": "gpu-0"}));
    let admin = json!({"requests": [request("one", json!({"adminAccess": true}))]});
    let twice = json!({"requests": [request("one", json!({"adminAccess": true, "count": 2}))]});

    assert_eq!(world.try_claim(admin).unwrap(), ["one=gpu-0"]);
    assert_eq!(world.try_claim(twice).unwrap_err(), NONE);
    let mut free = World::of(models(&["a"]));
    free.allocated("other", json!({"device": "gpu-0", "adminAccess": true}));
    assert_eq!(
        free.try_claim(json!({"requests": [request("one", json!({}))]})).unwrap(),
        ["one=gpu-0"]
    );
}

#[test]
fn two_claims_of_a_pod_get_different_devices() {
    let mut world = World::of(models(&["a", "b"]));
    for name in ["data", "more", "most"] {
        world.claim(name, json!({"requests": [request("one", json!({}))]}));
    }
    let on = node_info("a", json!({}));
    let devices = |claims: &[&str]| {
        let found = world.reserve(claims, &on)?;
        let results = found.into_iter().filter_map(|one| one.devices?.results);
        Ok::<Vec<String>, Verdict>(results.flatten().map(|result| result.device).collect())
    };

    assert_eq!(devices(&["data", "more"]).unwrap(), ["gpu-0", "gpu-1"]);
    assert_eq!(devices(&["data", "more", "most"]).unwrap_err(), Verdict::unresolvable(NONE));
}

#[test]
fn what_classes_and_claims_say_of_set_up_is_written_with_the_devices() {
    let mut world = World::of(models(&["a", "b"]));
    let opaque =
        |value: &str| json!({"opaque": {"driver": "dra.example.com", "parameters": {"a": value}}});
    let class = json!({"metadata": {"name": "gpu"}, "spec": {"config": [opaque("class")]}});
    world.hear(stored(&resources::DEVICE_CLASSES, class));
    let mut of_two = opaque("two");
    of_two["requests"] = json!(["two"]);
    let requests = json!([request("one", json!({})), request("two", json!({}))]);
    world.claim("data", json!({"requests": requests, "config": [opaque("all"), of_two]}));

    let found = world.reserve(&["data"], &node_info("a", json!({}))).unwrap();
    let config = found[0].devices.as_ref().unwrap().config.as_ref().unwrap();
    let said: Vec<(&str, Option<&[String]>)> =
        config.iter().map(|one| (one.source.as_str(), one.requests.as_deref())).collect();

    let (both, two) = (["one".to_owned(), "two".to_owned()], ["two".to_owned()]);
    assert_eq!(
        said,
        [("FromClass", Some(&both[..])), ("FromClaim", None), ("FromClaim", Some(&two[..]))]
    );
}

#[test]
fn a_pod_can_run_nowhere_while_its_claims_are_not_usable() {
    let mut world = World::of(models(&["a"]));
    let refused = |world: &World| world.get("data").unwrap_err();

    assert_eq!(refused(&world), "could not find ResourceClaim \"default/data\"");
    let mut going = device_claim("data", json!({}));
    going["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    world.hear(stored(CLAIMS, going));
    assert_eq!(refused(&world), "resourceclaim \"data\" is being deleted");
    let mut other = request("one", json!({}));
    other["exactly"]["deviceClassName"] = json!("other");
    world.claim("data", json!({"requests": [other]}));
    assert_eq!(refused(&world), "request one: device class other does not exist");
    world.claim("data", json!({"requests": [request("one", json!({}))]}));
    let claim = world.cluster.devices.claim(&api::Key::new("default", "data")).unwrap().clone();
    world.cluster.devices.begin(&claim, &AllocationResult::default());
    assert_eq!(refused(&world), "resource claim default/data is in the process of being allocated");
}

#[test]
fn a_selector_that_is_wrong_is_an_error() {
    let mut world = World::of(models(&["a"]));
    let mut why = |expression: &str| {
        let exactly = json!({"selectors": selector(expression)});
        world.try_claim(json!({"requests": [request("one", exactly)]})).unwrap_err()
    };

    assert_eq!(
        why("device.attributes['dra.example.com'].cores > 1"),
        "claim default/data: selector #0: CEL runtime error: no such key: cores"
    );
    assert_eq!(
        why("device.model"),
        "claim default/data: selector #0: CEL compile error: compilation failed: ERROR: <input>:1:7: undefined \
         field 'model'\n | device.model\n | ......^"
    );
    assert_eq!(
        why("device.driver"),
        "claim default/data: selector #0: CEL compile error: must evaluate to bool or the unknown type, not string"
    );
}

#[test]
fn a_search_that_takes_too_long_ends() {
    let mut world = World::of(models(&["a"; 24]));
    let constraint = json!([{"distinctAttribute": "dra.example.com/model", "requests": ["last"]}]);
    let first = request("first", json!({"count": 12}));
    world.claim("data", json!({"requests": [first, request("last", json!({"count": 2}))], "constraints": constraint}));
    let pod = PodInfo::new(pod_claiming("web", &["data"]));
    let cycle = cycle(&pod, &world.cluster).unwrap();
    let args = json!({"filterTimeout": "1ms"});
    let plugin = DynamicResources::new(&serde_json::from_value(args).unwrap());

    let verdict = plugin.filter(&cycle, &node_info("a", json!({})));

    let why = "node a: timed out trying to allocate devices";
    assert_eq!(verdict, Verdict::Error(why.to_owned()));
}
