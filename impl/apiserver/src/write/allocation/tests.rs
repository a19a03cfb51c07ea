//! Services as clients make, change and delete them, and what they hold meanwhile.

use http::Method;
use serde_json::{Value, json};

use crate::call::Decision;
use crate::testing::Client;

const SERVICES: &str = "/api/v1/namespaces/a/services";

/// A client of an API server with a namespace `a`.
struct World(Client);

impl World {
    fn new() -> Self {
        let mut client = Client::new();
        client.created("/api/v1/namespaces", &json!({"metadata": {"name": "a"}}));
        Self(client)
    }

    fn decide(&mut self, method: &Method, path: &str, body: &Value) -> Result<Value, String> {
        self.0.send(method, path, body)
    }

    fn create(&mut self, name: &str, spec: &Value) -> Result<Value, String> {
        self.decide(&Method::POST, SERVICES, &service(name, spec))
    }

    fn patch(&mut self, name: &str, spec: &Value) -> Result<Value, String> {
        let path = format!("{SERVICES}/{name}");
        self.decide(&Method::PATCH, &path, &json!({"spec": spec}))
    }

    fn delete(&mut self, name: &str) {
        self.decide(&Method::DELETE, &format!("{SERVICES}/{name}"), &Value::Null).unwrap();
    }

    /// The addresses and node ports that are given.
    fn held(&self) -> Vec<String> {
        let of = |prefix: &str| -> Vec<String> {
            let found =
                self.0.store.iter().map(|found| String::from_utf8_lossy(&found.key).into_owned());
            found.filter_map(|key| key.strip_prefix(prefix).map(str::to_owned)).collect()
        };
        [of("/registry/ipaddresses/"), of("/registry/ranges/servicenodeports/")].concat()
    }
}

fn service(name: &str, spec: &Value) -> Value {
    let mut service = json!({"metadata": {"name": name}, "spec": {"ports": [{"port": 80}]}});
    for (field, value) in spec.as_object().into_iter().flatten() {
        service["spec"][field] = value.clone();
    }
    service
}

#[test]
fn a_service_has_an_address_that_says_whose_it_is_until_it_goes() {
    let mut world = World::new();

    let made = world.create("s", &json!({})).unwrap();

    assert_eq!(made["spec"]["clusterIP"], "10.96.1.1");
    assert_eq!(made["spec"]["clusterIPs"], json!(["10.96.1.1"]));
    let address = world.0.store.get(b"/registry/ipaddresses/10.96.1.1").expect("it is there");
    let address = crate::object::decode(address);
    let parent = json!({"resource": "services", "namespace": "a", "name": "s"});
    assert_eq!(address["spec"]["parentRef"], parent);
    world.delete("s");
    assert_eq!(world.held(), Vec::<String>::new());
}

#[test]
fn two_services_that_are_made_at_once_do_not_get_the_same() {
    let mut world = World::new();
    let node_port = json!({"type": "NodePort"});
    let both = ["s", "t"].map(|name| {
        let decision = world.0.decide(&Method::POST, SERVICES, &service(name, &node_port));
        let Decision::Commit(commit) = decision else { panic!("it is a write") };
        commit
    });
    assert_eq!(both[0].object["spec"]["clusterIP"], both[1].object["spec"]["clusterIP"]);

    let committed = both.map(|commit| world.0.commit(&commit.transaction));

    assert_eq!(committed, [true, false]);
    let again = world.create("t", &node_port).unwrap();
    assert_eq!(again["spec"]["clusterIP"], "10.96.1.2");
    assert_eq!(world.held(), ["10.96.1.1", "10.96.1.2", "30086", "30087"]);
}

#[test]
fn an_address_that_is_asked_for_is_given_or_refused() {
    let mut world = World::new();
    world.create("s", &json!({"clusterIP": "10.96.0.7"})).unwrap();
    let table = [
        ("10.96.0.7", "failed to allocate IP 10.96.0.7: provided IP is already allocated"),
        (
            "10.1.0.7",
            "failed to allocate IP 10.1.0.7: the provided network does not match the current range",
        ),
        (
            "10.96.0.0",
            "failed to allocate IP 10.96.0.0: the provided network does not match the current range",
        ),
        ("banana", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"),
    ];
    for (asked, why) in table {
        let refusal = world.create("t", &json!({"clusterIP": asked})).unwrap_err();
        assert!(refusal.ends_with(why), "{asked}: {refusal}");
    }
    world.delete("s");
    assert!(world.create("t", &json!({"clusterIP": "10.96.0.7"})).is_ok());
}

#[test]
fn services_without_addresses_take_none() {
    let mut world = World::new();
    world.create("h", &json!({"clusterIP": "None"})).unwrap();
    world
        .create("e", &json!({"type": "ExternalName", "externalName": "a.b", "ports": null}))
        .unwrap();

    assert_eq!(world.held(), Vec::<String>::new());
}

#[test]
fn a_service_takes_and_gives_back_as_its_type_changes() {
    let mut world = World::new();
    let steps = [
        (json!({"type": "NodePort"}), vec!["10.96.1.1", "30086"]),
        (json!({"type": "ClusterIP"}), vec!["10.96.1.1"]),
        (
            json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local"}),
            vec!["10.96.1.1", "30086", "30087"],
        ),
        (
            json!({"type": "LoadBalancer", "externalTrafficPolicy": "Cluster"}),
            vec!["10.96.1.1", "30086"],
        ),
        (json!({"type": "ExternalName", "externalName": "a.b"}), vec![]),
        (json!({"type": "ClusterIP", "externalName": null}), vec!["10.96.1.1"]),
    ];
    world.create("s", &json!({})).unwrap();
    for (spec, held) in steps {
        world.patch("s", &spec).unwrap();
        assert_eq!(world.held(), held, "{spec}");
    }
}

#[test]
fn ports_of_two_protocols_share_a_node_port() {
    let mut world = World::new();
    let ports = json!([{"name": "u", "port": 53, "protocol": "UDP"},
        {"name": "t", "port": 53, "protocol": "TCP"}, {"name": "o", "port": 54}]);

    let made = world.create("s", &json!({"type": "NodePort", "ports": ports})).unwrap();

    let numbers = [0, 1, 2].map(|index| made["spec"]["ports"][index]["nodePort"].clone());
    assert_eq!(numbers, [json!(30086), json!(30086), json!(30087)]);
}

#[test]
fn a_node_port_that_is_asked_for_is_given_or_refused() {
    let mut world = World::new();
    let asks =
        |number: i64| json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": number}]});
    world.create("s", &asks(30000)).unwrap();

    let taken = world.create("t", &asks(30000)).unwrap_err();
    let outside = world.create("t", &asks(80)).unwrap_err();

    assert!(
        taken.ends_with(
            "spec.ports[0].nodePort: Invalid value: 30000: provided port is already allocated"
        ),
        "{taken}"
    );
    assert!(
        outside.ends_with(
            "provided port is not in the valid range. The range of valid ports is 30000-32767"
        ),
        "{outside}"
    );
}

#[test]
fn a_port_for_health_checks_is_for_load_balancers_that_ask() {
    let mut world = World::new();
    let spec = json!({"type": "LoadBalancer", "healthCheckNodePort": 30081});

    let refusal = world.create("s", &spec).unwrap_err();
    let made = world.create(
        "t",
        &json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local",
        "healthCheckNodePort": 30081}),
    );

    assert!(refusal.ends_with("`externalTrafficPolicy` is 'Local'"), "{refusal}");
    assert_eq!(made.unwrap()["spec"]["healthCheckNodePort"], 30081);
}

#[test]
fn an_update_that_leaves_out_what_was_given_keeps_it() {
    let mut world = World::new();
    let made = world.create("s", &json!({"type": "NodePort"})).unwrap();
    let path = format!("{SERVICES}/s");

    let put = service("s", &json!({"type": "NodePort", "selector": {"a": "b"}}));
    let kept = world.decide(&Method::PUT, &path, &put).unwrap();
    let moved = world.patch("s", &json!({"clusterIP": "10.96.9.9", "clusterIPs": ["10.96.9.9"]}));

    for field in ["clusterIP", "clusterIPs", "ports"] {
        assert_eq!(kept["spec"][field], made["spec"][field], "{field}");
    }
    assert!(moved.unwrap_err().ends_with("may not change once set"));
    assert_eq!(world.held(), ["10.96.1.1", "30086"]);
}

#[test]
fn families_that_the_cluster_does_not_have_are_refused() {
    let mut world = World::new();
    let table = [
        (
            json!({"ipFamilyPolicy": "RequireDualStack"}),
            "this cluster is not configured for dual-stack services",
        ),
        (
            json!({"ipFamilies": ["IPv6"]}),
            "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster",
        ),
        (
            json!({"ipFamilies": ["IPv4", "IPv6"]}),
            "must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
        ),
        (
            json!({"clusterIP": "10.96.8.8", "clusterIPs": ["10.96.8.9"]}),
            "first value must match `clusterIP`",
        ),
        (json!({"clusterIPs": ["10.96.8.8"]}), "must be empty when `clusterIP` is not specified"),
    ];
    for (spec, why) in table {
        let refusal = world.create("s", &spec).unwrap_err();
        assert!(refusal.ends_with(why), "{spec}: {refusal}");
    }
    let prefers = world.create("s", &json!({"ipFamilyPolicy": "PreferDualStack"})).unwrap();
    assert_eq!(prefers["spec"]["ipFamilies"], json!(["IPv4"]));
    let headless = world.create("h", &json!({"clusterIP": "None"})).unwrap();
    assert_eq!(headless["spec"]["ipFamilies"], json!(["IPv4", "IPv6"]));
}

#[test]
fn addresses_come_from_every_range_there_is() {
    let mut world = World::new();
    let cidr = json!({"metadata": {"name": "small"}, "spec": {"cidrs": ["10.7.0.0/30"]}});
    world.decide(&Method::POST, "/apis/networking.k8s.io/v1/servicecidrs", &cidr).unwrap();

    let given: Vec<_> = ["s", "t"]
        .map(|name| world.create(name, &json!({})).unwrap()["spec"]["clusterIP"].clone())
        .into();
    let none_left = world.create("u", &json!({})).unwrap_err();

    assert_eq!(given, ["10.7.0.2", "10.7.0.1"]);
    assert!(none_left.ends_with("range is full"), "{none_left}");
}
