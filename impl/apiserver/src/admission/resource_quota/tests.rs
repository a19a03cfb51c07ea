//! Quotas as clients meet them: what is counted with an object, and what is refused.

use http::Method;
use serde_json::json;

use super::*;
use crate::call::Decision;
use crate::testing::Client;

const QUOTAS: &str = "/api/v1/namespaces/a/resourcequotas";
const PODS: &str = "/api/v1/namespaces/a/pods";
const SERVICES: &str = "/api/v1/namespaces/a/services";
const CONFIG_MAPS: &str = "/api/v1/namespaces/a/configmaps";

/// A client of an API server with a namespace `a`.
struct World(Client);

impl World {
    fn new() -> Self {
        let mut client = Client::new();
        client.created("/api/v1/namespaces", &json!({"metadata": {"name": "a"}}));
        let account = json!({"metadata": {"name": "default"}});
        client.created("/api/v1/namespaces/a/serviceaccounts", &account);
        Self(client)
    }

    /// Makes a quota of which so much is used, as its controller would say.
    fn quota(&mut self, name: &str, spec: &Value, used: &Value) {
        let mut quota = self.0.created(QUOTAS, &json!({"metadata": {"name": name}, "spec": spec}));
        quota["status"] = json!({"hard": spec["hard"], "used": used});
        self.send(&Method::PUT, &format!("{QUOTAS}/{name}/status"), &quota).expect("it is taken");
    }

    fn send(&mut self, method: &Method, path: &str, body: &Value) -> Result<Value, String> {
        self.0.send(method, path, body)
    }

    fn create(&mut self, path: &str, body: &Value) -> Result<Value, String> {
        self.send(&Method::POST, path, body)
    }

    fn used(&self, name: &str) -> Value {
        let key = keys::key(&resources::RESOURCE_QUOTAS, Some("a"), name);
        object::decode(self.0.store.get(&key).expect("it is there"))["status"]["used"].clone()
    }
}

fn pod(name: &str, resources: &Value) -> Value {
    let container = json!({"name": "c", "image": "i", "resources": resources});
    json!({"metadata": {"name": name}, "spec": {"containers": [container]}})
}

fn config_map(name: &str) -> Value {
    json!({"metadata": {"name": name}})
}

#[test]
fn what_a_pod_uses_is_counted_until_there_is_no_more() {
    let mut world = World::new();
    let hard = json!({"pods": "2", "requests.cpu": "1", "limits.memory": "2Gi", "secrets": "1"});
    let none = json!({"pods": "0", "requests.cpu": "0", "limits.memory": "0", "secrets": "0"});
    world.quota("q", &json!({"hard": hard}), &none);
    let resources = json!({"requests": {"cpu": "600m"}, "limits": {"memory": "1Gi", "cpu": "1"}});

    world.create(PODS, &pod("one", &resources)).expect("there is enough");
    let refused = world.create(PODS, &pod("two", &resources));

    assert_eq!(
        refused.unwrap_err(),
        "pods \"two\" is forbidden: exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=600m, limited: requests.cpu=1"
    );
    let used = json!({"pods": "1", "requests.cpu": "600m", "limits.memory": "1Gi", "secrets": "0"});
    assert_eq!(world.used("q"), used);
}

#[test]
fn the_api_server_owns_the_usage_that_it_writes() {
    let mut world = World::new();
    world.quota("q", &json!({"hard": {"configmaps": "2"}}), &json!({"configmaps": "0"}));
    world.create(CONFIG_MAPS, &config_map("one")).expect("there is enough");

    let key = keys::key(&resources::RESOURCE_QUOTAS, Some("a"), "q");
    let quota = object::decode(world.0.store.get(&key).expect("it is there"));

    let entries = quota["metadata"]["managedFields"].as_array().into_iter().flatten();
    let mut entries = entries.filter(|entry| entry["manager"] == "kube-apiserver");
    let entry = entries.next().expect("it owns something");
    assert_eq!(entry["subresource"], "status");
    assert_eq!(entry["fieldsV1"], json!({"f:status": {"f:used": {"f:configmaps": {}}}}));
}

#[test]
fn two_that_come_at_once_are_not_both_the_last() {
    let mut world = World::new();
    world.quota("q", &json!({"hard": {"configmaps": "1"}}), &json!({"configmaps": "0"}));
    let decide =
        |world: &World, name: &str| world.0.decide(&Method::POST, CONFIG_MAPS, &config_map(name));
    let (Decision::Commit(one), Decision::Commit(two)) =
        (decide(&world, "one"), decide(&world, "two"))
    else {
        panic!("each alone is allowed")
    };

    assert!(world.0.commit(&one.transaction));
    assert!(!world.0.commit(&two.transaction), "it is decided again");
    assert!(matches!(decide(&world, "two"), Decision::Respond(refused) if refused.code == 403));
}

#[test]
fn a_dry_run_is_held_against_the_quota_and_uses_nothing() {
    let mut world = World::new();
    world.quota(
        "q",
        &json!({"hard": {"count/configmaps": "1"}}),
        &json!({"count/configmaps": "0"}),
    );
    let run = |world: &World| {
        let mut call = crate::Call::of_tests(Method::POST, CONFIG_MAPS, &config_map("one"));
        call.query = vec![("dryRun".to_owned(), "All".to_owned())];
        let decision = crate::decide(&world.0.store, &call, &world.0.context);
        let Decision::Respond(response) = decision else { panic!("a dry run writes") };
        response.code
    };

    assert_eq!(run(&world), 201);
    assert_eq!(world.used("q"), json!({"count/configmaps": "0"}));
    world.create(CONFIG_MAPS, &config_map("other")).expect("the dry run has used nothing");
    assert_eq!(run(&world), 403);
}

#[test]
fn containers_must_say_what_a_quota_limits() {
    let mut world = World::new();
    let hard = json!({"cpu": "1", "limits.memory": "1Gi", "limits.ephemeral-storage": "1Gi"});
    let none = json!({"cpu": "0", "limits.memory": "0", "limits.ephemeral-storage": "0"});
    world.quota("q", &json!({"hard": hard}), &none);

    let silent = world.create(PODS, &pod("p", &json!({})));
    let half = world.create(PODS, &pod("p", &json!({"requests": {"cpu": "1"}})));
    let mut whole = pod("p", &json!({}));
    whole["spec"]["resources"] = json!({"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}});
    let whole = world.create(PODS, &whole);

    assert_eq!(
        silent.unwrap_err(),
        "pods \"p\" is forbidden: failed quota: q: must specify cpu for: c; limits.memory for: c"
    );
    assert_eq!(
        half.unwrap_err(),
        "pods \"p\" is forbidden: failed quota: q: must specify limits.memory for: c"
    );
    assert!(whole.is_ok(), "the pod as a whole says it: {whole:?}");
}

#[test]
fn nothing_is_taken_of_a_quota_whose_usage_is_not_known_yet() {
    let mut world = World::new();
    let spec = json!({"hard": {"pods": "5", "configmaps": "5"}});
    world.create(QUOTAS, &json!({"metadata": {"name": "new"}, "spec": spec})).expect("it is new");
    let free = world.create(CONFIG_MAPS, &config_map("one"));
    world.quota("q", &spec, &json!({"pods": "0"}));

    let refused = world.create(CONFIG_MAPS, &config_map("two"));

    assert!(free.is_ok(), "what no controller has seen limits nothing");
    assert_eq!(
        refused.unwrap_err(),
        "configmaps \"two\" is forbidden: status unknown for quota: q, resources: configmaps"
    );
}

#[test]
fn every_quota_that_an_object_is_under_counts_it() {
    let mut world = World::new();
    let none = json!({"pods": "0"});
    for (name, scope) in [("best", "BestEffort"), ("other", "NotBestEffort")] {
        world.quota(name, &json!({"hard": {"pods": "1"}, "scopes": [scope]}), &none);
    }
    world.quota("all", &json!({"hard": {"pods": "5"}}), &none);

    world.create(PODS, &pod("p", &json!({}))).expect("there is enough");
    let refused = world.create(PODS, &pod("q", &json!({})));

    assert!(refused.unwrap_err().contains("exceeded quota: best, requested: pods=1"));
    let used = ["best", "other", "all"].map(|name| world.used(name)["pods"].clone());
    assert_eq!(used, [json!("1"), json!("0"), json!("1")]);
}

#[test]
fn a_change_takes_what_it_uses_more() {
    let mut world = World::new();
    let (hard, none) = (
        json!({"services": "5", "services.nodeports": "1"}),
        json!({"services": "0", "services.nodeports": "0"}),
    );
    world.quota("q", &json!({"hard": hard}), &none);
    let ports = json!([{"name": "a", "port": 80}]);
    let service = json!({"metadata": {"name": "s"}, "spec": {"ports": ports}});
    world.create(SERVICES, &service).expect("there is enough");
    let path = format!("{SERVICES}/s");

    let patch = json!({"spec": {"type": "NodePort"}});
    world.send(&Method::PATCH, &path, &patch).expect("one port is there");
    let two = json!({"spec": {"ports": [{"name": "a", "port": 80}, {"name": "b", "port": 81}]}});
    let refused = world.send(&Method::PATCH, &path, &two);
    world.send(&Method::PATCH, &path, &json!({"spec": {"type": "ClusterIP"}})).expect("it is less");

    assert_eq!(
        refused.unwrap_err(),
        "services \"s\" is forbidden: exceeded quota: q, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1"
    );
    let used = json!({"services": "1", "services.nodeports": "1"});
    assert_eq!(world.used("q"), used, "what is given back is counted by the controller");
}

#[test]
fn a_pod_that_comes_under_another_quota_is_counted_there_in_full() {
    let mut world = World::new();
    let spec = json!({"hard": {"pods": "1"}, "scopes": ["Terminating"]});
    world.quota("q", &spec, &json!({"pods": "0"}));
    world.create(PODS, &pod("p", &json!({}))).expect("it is under no quota");
    assert_eq!(world.used("q"), json!({"pods": "0"}));

    let patch = json!({"spec": {"activeDeadlineSeconds": 60}});
    world.send(&Method::PATCH, &format!("{PODS}/p"), &patch).expect("there is enough");
    let label = json!({"metadata": {"labels": {"a": "b"}}});
    world.send(&Method::PATCH, &format!("{PODS}/p"), &label).expect("nothing is used by it");

    assert_eq!(world.used("q"), json!({"pods": "1"}));
}

#[test]
fn a_pod_that_is_resized_takes_what_it_asks_for_more() {
    let mut world = World::new();
    world.quota("q", &json!({"hard": {"requests.cpu": "1"}}), &json!({"requests.cpu": "0"}));
    let resources = json!({"requests": {"cpu": "200m"}, "limits": {"cpu": "4"}});
    world.create(PODS, &pod("p", &resources)).expect("there is enough");
    let resize = |world: &mut World, cpu: &str| {
        let mut resources = resources.clone();
        resources["requests"]["cpu"] = json!(cpu);
        let patch = json!({"spec": pod("p", &resources)["spec"]});
        world.send(&Method::PATCH, &format!("{PODS}/p/resize"), &patch)
    };

    resize(&mut world, "700m").expect("there is enough");
    let refused = resize(&mut world, "1100m");

    assert!(refused.unwrap_err().contains("requested: requests.cpu=400m, used: requests.cpu=700m"));
}

#[test]
fn storage_that_a_claim_was_given_is_counted_even_if_it_is_more_than_there_is() {
    let mut world = World::new();
    let hard = json!({"requests.storage": "2Gi"});
    world.quota("q", &json!({"hard": hard}), &json!({"requests.storage": "0"}));
    let claims = "/api/v1/namespaces/a/persistentvolumeclaims";
    let spec = json!({"accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}}});
    let claim = world.create(claims, &json!({"metadata": {"name": "c"}, "spec": spec}));
    let mut claim = claim.expect("there is enough");

    claim["status"]["allocatedResources"] = json!({"storage": "3Gi"});
    world.send(&Method::PUT, &format!("{claims}/c/status"), &claim).expect("it has happened");

    assert_eq!(world.used("q"), json!({"requests.storage": "3Gi"}));
}

#[test]
fn a_claim_is_held_to_the_devices_that_it_may_be_given() {
    let mut world = World::new();
    let class =
        json!({"metadata": {"name": "gpu"}, "spec": {"extendedResourceName": "example.com/gpu"}});
    world.create("/apis/resource.k8s.io/v1/deviceclasses", &class).expect("it is taken");
    let (devices, extended) =
        ("gpu.deviceclass.resource.k8s.io/devices", "requests.example.com/gpu");
    let none = json!({devices: "0", extended: "0"});
    world.quota("q", &json!({"hard": {devices: "40", extended: "4"}}), &none);
    let mut create = |name: &str, request: Value| {
        let spec = json!({"devices": {"requests": [{"name": "r", "exactly": request}]}});
        let claim = json!({"metadata": {"name": name}, "spec": spec});
        world.create("/apis/resource.k8s.io/v1/namespaces/a/resourceclaims", &claim)
    };

    let (one, three) =
        (json!({"deviceClassName": "gpu"}), json!({"deviceClassName": "gpu", "count": 3}));
    create("one", one.clone()).expect("there is enough");
    create("three", three).expect("there is enough");
    let refused = create("more", one);
    let all = create("all", json!({"deviceClassName": "gpu", "allocationMode": "All"}));

    let exceeded = |name: &str, asked: &str| {
        Err(format!(
            "resourceclaims.resource.k8s.io \"{name}\" is forbidden: exceeded quota: q, requested: {asked}, used: {extended}=4, limited: {extended}=4"
        ))
    };
    assert_eq!(refused, exceeded("more", &format!("{extended}=1")));
    assert_eq!(all, exceeded("all", &format!("{extended}=32")));
    assert_eq!(world.used("q"), json!({devices: "4", extended: "4"}));
}
