//! Admission as clients meet it: what is created, and what is refused.

use http::Method;
use serde_json::{Value, json};

use crate::call::Decision;
use crate::testing::Client;

/// A client of an API server with a namespace `a` and its service account.
struct World(Client);

impl World {
    fn new() -> Self {
        let mut client = Client::new();
        client.created("/api/v1/namespaces", &json!({"metadata": {"name": "a"}}));
        client.created(&in_a("serviceaccounts"), &json!({"metadata": {"name": "default"}}));
        Self(client)
    }

    fn decide(&mut self, method: &Method, path: &str, body: &Value) -> Result<Value, String> {
        self.0.send(method, path, body)
    }

    fn create(&mut self, path: &str, body: &Value) -> Result<Value, String> {
        self.0.send(&Method::POST, path, body)
    }

    fn created(&mut self, path: &str, body: &Value) -> Value {
        self.0.created(path, body)
    }

    /// A pod whose spec has this beside a container.
    fn pod(&mut self, spec: &Value) -> Result<Value, String> {
        let mut pod = json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
        for (field, value) in spec.as_object().into_iter().flatten() {
            pod["spec"][field] = value.clone();
        }
        self.create(&in_a("pods"), &pod)
    }

    fn class(&mut self, path: &str, name: &str, fields: &Value) -> Result<Value, String> {
        let mut class = fields.clone();
        class["metadata"]["name"] = json!(name);
        self.create(path, &class)
    }
}

fn in_a(plural: &str) -> String {
    format!("/api/v1/namespaces/a/{plural}")
}

const PRIORITY: &str = "/apis/scheduling.k8s.io/v1/priorityclasses";
const RUNTIME: &str = "/apis/node.k8s.io/v1/runtimeclasses";
const STORAGE: &str = "/apis/storage.k8s.io/v1/storageclasses";

fn limits(world: &mut World, limit: &Value) {
    world.created(
        &in_a("limitranges"),
        &json!({"metadata": {"name": "l"}, "spec": {"limits": [limit]}}),
    );
}

fn container(resources: &Value) -> Value {
    json!({"containers": [{"name": "c", "image": "i", "resources": resources}]})
}

#[test]
fn a_namespace_that_ends_takes_nothing_new_and_nothing_is_made_of_what_it_has() {
    let mut world = World::new();
    world.pod(&json!({})).unwrap();
    world.decide(&Method::DELETE, "/api/v1/namespaces/a", &Value::Null).unwrap();
    let named = json!({"metadata": {"name": "p"}});
    let binding = json!({"metadata": {"name": "p"}, "target": {"name": "node-1"}});
    for (what, path, body) in [
        ("configmaps \"p\"", "configmaps", &named),
        ("pods \"p\"", "pods/p/binding", &binding),
        ("pods \"p\"", "bindings", &binding),
        ("pods \"p\"", "pods/p/eviction", &named),
        ("serviceaccounts \"default\"", "serviceaccounts/default/token", &json!({})),
    ] {
        let why = format!(
            "{what} is forbidden: unable to create new content in namespace a because it is being terminated"
        );
        assert_eq!(world.create(&in_a(path), body), Err(why), "{path}");
    }
    let labels = json!({"metadata": {"labels": {"a": "b"}}});
    world.decide(&Method::PATCH, &in_a("pods/p"), &labels).unwrap();
}

#[test]
fn containers_get_what_a_limit_range_gives_and_the_pod_says_so() {
    let mut world = World::new();
    limits(
        &mut world,
        &json!({"type": "Container",
        "default": {"cpu": "500m", "memory": "64Mi"}, "defaultRequest": {"cpu": "100m"}}),
    );

    let pod = world.pod(&container(&json!({"limits": {"memory": "32Mi"}}))).unwrap();

    let resources = &pod["spec"]["containers"][0]["resources"];
    assert_eq!(resources["limits"], json!({"cpu": "500m", "memory": "32Mi"}));
    assert_eq!(resources["requests"], json!({"cpu": "100m", "memory": "32Mi"}));
    let said = &pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"];
    assert_eq!(
        said,
        "LimitRanger plugin set: cpu request for container c; cpu limit for container c"
    );
    assert_eq!(pod["status"]["qosClass"], "Burstable");
}

#[test]
fn a_pod_that_breaks_a_limit_is_told_by_how_much() {
    let container_max = json!({"type": "Container", "max": {"cpu": "1"}, "default": {"cpu": "1"}});
    let container_min = json!({"type": "Container", "min": {"memory": "1Gi"}});
    let ratio = json!({"type": "Container", "maxLimitRequestRatio": {"cpu": "2"}});
    let pod_max = json!({"type": "Pod", "max": {"cpu": "1"}});
    let table = [
        (
            container_max,
            json!({"limits": {"cpu": "2"}}),
            "maximum cpu usage per Container is 1, but limit is 2",
        ),
        (
            container_min.clone(),
            json!({"requests": {"memory": "1Mi"}}),
            "minimum memory usage per Container is 1Gi, but request is 1Mi",
        ),
        (
            ratio.clone(),
            json!({"limits": {"cpu": "3"}, "requests": {"cpu": "1"}}),
            "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000",
        ),
        (
            ratio,
            json!({}),
            "cpu max limit to request ratio per Container is 2, but no request is specified or request is 0",
        ),
        (
            pod_max.clone(),
            json!({"requests": {"cpu": "1"}}),
            "maximum cpu usage per Pod is 1.  No limit is specified",
        ),
        (
            pod_max,
            json!({"limits": {"cpu": "1500m"}}),
            "maximum cpu usage per Pod is 1, but limit is 1500m",
        ),
    ];
    for (limit, resources, why) in table {
        let mut world = World::new();
        limits(&mut world, &limit);

        let refusal = world.pod(&container(&resources)).unwrap_err();

        assert_eq!(refusal, format!("pods \"p\" is forbidden: {why}"));
    }
}

#[test]
fn sidecars_count_beside_what_runs_and_other_init_containers_do_not() {
    let mut world = World::new();
    limits(&mut world, &json!({"type": "Pod", "max": {"cpu": "3"}}));
    let of = |name: &str, cpu: &str, policy: Option<&str>| {
        let mut container =
            json!({"name": name, "image": "i", "resources": {"limits": {"cpu": cpu}}});
        if let Some(policy) = policy {
            container["restartPolicy"] = json!(policy);
        }
        container
    };
    let pod = |sidecar: &str, init: &str| {
        json!({"containers": [of("c", "1", None)],
            "initContainers": [of("s", sidecar, Some("Always")), of("i", init, None)]})
    };

    assert!(world.pod(&pod("2", "1")).is_ok(), "1 + 2 at once, 2 + 1 at the start");
    let refused = |refusal: Result<Value, String>| refusal.unwrap_err();
    assert!(refused(world.pod(&pod("2", "2"))).contains("but limit is 4"), "2 + 2 at the start");
    assert!(refused(world.pod(&pod("2500m", "0"))).contains("but limit is 3500m"));
}

#[test]
fn a_claim_keeps_the_limits_of_its_namespace() {
    let mut world = World::new();
    limits(&mut world, &json!({"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}));
    let claim = |size: &str| {
        json!({"metadata": {"name": "c"}, "spec": {"accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}}}})
    };

    let refusal = world.create(&in_a("persistentvolumeclaims"), &claim("2Gi")).unwrap_err();

    let why = "maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi";
    assert_eq!(refusal, format!("persistentvolumeclaims \"c\" is forbidden: {why}"));
    assert!(world.create(&in_a("persistentvolumeclaims"), &claim("1Gi")).is_ok());
}

#[test]
fn a_pod_has_the_priority_of_its_class() {
    let mut world = World::new();
    world.class(PRIORITY, "high", &json!({"value": 1000, "preemptionPolicy": "Never"})).unwrap();

    let pod = world.pod(&json!({"priorityClassName": "high"})).unwrap();

    let spec = &pod["spec"];
    assert_eq!((&spec["priority"], &spec["preemptionPolicy"]), (&json!(1000), &json!("Never")));
}

#[test]
fn a_pod_without_a_class_has_the_default_one_or_none() {
    let mut world = World::new();
    let before = world.pod(&json!({})).unwrap();
    world.class(PRIORITY, "usual", &json!({"value": 7, "globalDefault": true})).unwrap();

    let after = world.create(&in_a("pods"), &json!({"metadata": {"name": "q"}, "spec": {"containers": [{"name": "c", "image": "i"}]}})).unwrap();

    assert_eq!(before["spec"]["priority"], 0);
    assert_eq!(before["spec"].get("priorityClassName"), None);
    assert_eq!(after["spec"]["priority"], 7);
    assert_eq!(after["spec"]["priorityClassName"], "usual");
    let second = world.class(PRIORITY, "other", &json!({"value": 8, "globalDefault": true}));
    assert!(
        second.unwrap_err().ends_with(
            "PriorityClass usual is already marked as default. Only one default can exist"
        )
    );
}

#[test]
fn a_pod_cannot_choose_a_priority_that_its_class_does_not_have() {
    let mut world = World::new();
    let table = [
        (json!({"priorityClassName": "nope"}), "no PriorityClass with name nope was found"),
        (
            json!({"priority": 9}),
            "the integer value of priority (9) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name",
        ),
        (
            json!({"preemptionPolicy": "Never"}),
            "the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name",
        ),
    ];
    for (spec, why) in table {
        assert_eq!(world.pod(&spec).unwrap_err(), format!("pods \"p\" is forbidden: {why}"));
    }
}

#[test]
fn an_update_that_leaves_the_priority_out_keeps_it() {
    let mut world = World::new();
    world.class(PRIORITY, "high", &json!({"value": 1000})).unwrap();
    world.pod(&json!({"priorityClassName": "high"})).unwrap();
    let path = format!("{}/p", in_a("pods"));

    let patch = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"priority": null, "preemptionPolicy": null}});
    let pod = world.decide(&Method::PATCH, &path, &patch).unwrap();

    assert_eq!(pod["spec"]["priority"], 1000);
    assert_eq!(pod["metadata"]["labels"]["a"], "b");
}

#[test]
fn a_pod_cannot_be_resized_beyond_what_its_node_can_give() {
    let mut world = World::new();
    let node = json!({"metadata": {"name": "n"}, "status": {"allocatable": {"cpu": "2", "memory": "1Gi"}}});
    world.created("/api/v1/nodes", &node);
    let has = |cpu: &str, memory: &str| json!({"requests": {"cpu": cpu, "memory": memory}});
    let mut spec = container(&has("1", "1Mi"));
    spec["nodeName"] = json!("n");
    let mut pod = world.pod(&spec).unwrap();
    let path = format!("{}/p/resize", in_a("pods"));
    let mut resize = |cpu, memory| {
        pod["spec"]["containers"][0]["resources"] = has(cpu, memory);
        world.decide(&Method::PUT, &path, &pod).map(|_| ())
    };

    let too_much = resize("2500m", "2Gi").unwrap_err();
    let enough = resize("2", "1Gi");
    pod["spec"]["containers"][0]["resources"] = has("3", "1Gi");
    let Decision::Respond(refusal) = world.0.decide(&Method::PUT, &path, &pod) else {
        panic!("it is taken")
    };

    let why = "node didn't have enough allocatable resources: cpu, requested: 2500, allocatable: 2000; memory, \
               requested: 2147483648, allocatable: 1073741824";
    assert!(too_much.ends_with(why), "{too_much}");
    assert_eq!(enough, Ok(()));
    let refusal: Value = serde_json::from_slice(&refusal.body).unwrap();
    assert_eq!(refusal["details"]["causes"], json!([{"reason": "NodeCapacity"}]));
}

#[test]
fn a_pod_tolerates_a_lost_node_for_a_while() {
    let mut world = World::new();
    let own = json!({"key": "node.kubernetes.io/unreachable", "operator": "Exists"});

    let pod = world.pod(&json!({"tolerations": [own]})).unwrap();

    let given = json!({"key": "node.kubernetes.io/not-ready", "operator": "Exists",
        "effect": "NoExecute", "tolerationSeconds": 300});
    assert_eq!(pod["spec"]["tolerations"], json!([own, given]));
}

#[test]
fn a_pod_whose_update_takes_its_tolerations_away_has_them_again() {
    let mut world = World::new();
    let made = world.pod(&json!({})).unwrap();
    let path = format!("{}/p", in_a("pods"));

    let patch = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"tolerations": null}});
    let patched = world.decide(&Method::PATCH, &path, &patch).unwrap();

    assert_eq!(patched["spec"]["tolerations"], made["spec"]["tolerations"]);
    assert_eq!(made["spec"]["tolerations"].as_array().unwrap().len(), 2);
}

#[test]
fn a_refusal_calls_a_pod_by_the_name_that_was_asked_for() {
    let mut world = World::new();
    let pod = json!({"metadata": {"generateName": "g-"},
        "spec": {"priorityClassName": "nope", "containers": [{"name": "c", "image": "i"}]}});

    let refusal = world.create(&in_a("pods"), &pod).unwrap_err();

    assert!(refusal.starts_with("pods \"g-\" is forbidden"), "{refusal}");
}

#[test]
fn a_pod_takes_over_what_its_runtime_class_says() {
    let mut world = World::new();
    let class = json!({"handler": "h", "overhead": {"podFixed": {"cpu": "250m"}},
        "scheduling": {"nodeSelector": {"kind": "vm"}, "tolerations": [{"key": "vm", "operator": "Exists"}]}});
    world.class(RUNTIME, "vm", &class).unwrap();

    let pod = world.pod(&json!({"runtimeClassName": "vm", "nodeSelector": {"zone": "x"}})).unwrap();

    let spec = &pod["spec"];
    assert_eq!(spec["overhead"], json!({"cpu": "250m"}));
    assert_eq!(spec["nodeSelector"], json!({"kind": "vm", "zone": "x"}));
    let is_of_class = |toleration: &Value| toleration["key"] == "vm";
    assert!(is_of_class(spec["tolerations"].as_array().unwrap().last().unwrap()));
    let table = [
        (json!({"runtimeClassName": "nope"}), "pod rejected: RuntimeClass \"nope\" not found"),
        (
            json!({"overhead": {"cpu": "1"}}),
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
        ),
        (
            json!({"runtimeClassName": "vm", "overhead": {"cpu": "1"}}),
            "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
        ),
        (
            json!({"runtimeClassName": "vm", "nodeSelector": {"kind": "bare"}}),
            "conflict: runtimeClass.scheduling.nodeSelector[kind] = vm; pod.spec.nodeSelector[kind] = bare",
        ),
    ];
    for (spec, why) in table {
        assert_eq!(world.pod(&spec).unwrap_err(), format!("pods \"p\" is forbidden: {why}"));
    }
}

#[test]
fn a_claim_that_names_no_class_gets_the_default_one() {
    let mut world = World::new();
    let class = json!({"provisioner": "p", "metadata": {"annotations":
        {"storageclass.kubernetes.io/is-default-class": "true"}}});
    world.class(STORAGE, "usual", &class).unwrap();
    world.class(STORAGE, "other", &json!({"provisioner": "p"})).unwrap();
    let mut claim = |name: &str, class: Option<&str>| {
        let mut claim = json!({"metadata": {"name": name}, "spec": {"accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}}}});
        if let Some(class) = class {
            claim["spec"]["storageClassName"] = json!(class);
        }
        world.created(&in_a("persistentvolumeclaims"), &claim)["spec"]["storageClassName"].clone()
    };

    assert_eq!(claim("a", None), "usual");
    assert_eq!(claim("b", Some("other")), "other");
    assert_eq!(claim("c", Some("")), "");
}

#[test]
fn claims_and_volumes_are_kept_while_they_are_used() {
    let mut world = World::new();
    let claim = json!({"metadata": {"name": "c", "finalizers": ["kubernetes.io/pvc-protection"]},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    let volume = json!({"metadata": {"name": "v"}, "spec": {"accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "1Gi"}, "hostPath": {"path": "/v"}}});

    let claim = world.created(&in_a("persistentvolumeclaims"), &claim);
    let volume = world.created("/api/v1/persistentvolumes", &volume);

    assert_eq!(claim["metadata"]["finalizers"], json!(["kubernetes.io/pvc-protection"]));
    assert_eq!(volume["metadata"]["finalizers"], json!(["kubernetes.io/pv-protection"]));
}

#[test]
fn an_ingress_that_names_no_class_gets_the_default_one() {
    let mut world = World::new();
    let class = json!({"spec": {"controller": "a/b"}, "metadata": {"annotations":
        {"ingressclass.kubernetes.io/is-default-class": "true"}}});
    world.class("/apis/networking.k8s.io/v1/ingressclasses", "usual", &class).unwrap();
    let ingress = json!({"metadata": {"name": "i"}, "spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}});

    let ingress = world.created("/apis/networking.k8s.io/v1/namespaces/a/ingresses", &ingress);

    assert_eq!(ingress["spec"]["ingressClassName"], "usual");
}

#[test]
fn a_claim_grows_where_its_class_allows_it() {
    let mut world = World::new();
    world
        .class(STORAGE, "grows", &json!({"provisioner": "p", "allowVolumeExpansion": true}))
        .unwrap();
    world.class(STORAGE, "stays", &json!({"provisioner": "p"})).unwrap();
    let path = |name: &str| format!("{}/{name}", in_a("persistentvolumeclaims"));
    for class in ["grows", "stays"] {
        let claim = json!({"metadata": {"name": class}, "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": class,
            "volumeName": "v", "resources": {"requests": {"storage": "1Gi"}}}});
        world.created(&in_a("persistentvolumeclaims"), &claim);
    }
    let larger = json!({"spec": {"resources": {"requests": {"storage": "2Gi"}}}});
    for class in ["grows", "stays"] {
        let bound = json!({"status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}});
        world.decide(&Method::PATCH, &format!("{}/status", path(class)), &bound).unwrap();
    }

    let stays = world.decide(&Method::PATCH, &path("stays"), &larger).unwrap_err();
    let grows = world.decide(&Method::PATCH, &path("grows"), &larger).unwrap();

    assert!(
        stays.ends_with("the storageclass that provisions the pvc must support resize"),
        "{stays}"
    );
    assert_eq!(grows["spec"]["resources"]["requests"]["storage"], "2Gi");
}

#[test]
fn a_pod_runs_as_an_account_that_is_there_and_pulls_with_its_secrets() {
    let mut world = World::new();
    let account = json!({"metadata": {"name": "robot"}, "imagePullSecrets": [{"name": "s"}]});
    world.created(&in_a("serviceaccounts"), &account);

    let pod = world.pod(&json!({"serviceAccountName": "robot"})).unwrap();
    let refusal = world.pod(&json!({"serviceAccountName": "nope"})).unwrap_err();

    assert_eq!(pod["spec"]["imagePullSecrets"], json!([{"name": "s"}]));
    assert_eq!(
        refusal,
        "pods \"p\" is forbidden: error looking up service account a/nope: serviceaccount \"nope\" not found"
    );
}
