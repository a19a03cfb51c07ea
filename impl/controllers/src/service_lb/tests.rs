//! Tests of what load balancers Services get and lose.

use api::{ApiResource, Key, Reason, Verb};
use serde_json::{Value, json};

use super::*;
use crate::testing::{World, at, events, requests, time_text};

const SERVICES: &ApiResource = &resources::SERVICES;
const NODES: &ApiResource = &resources::NODES;

fn key() -> Key {
    Key::new("n", "web")
}

fn service(spec: Value) -> Value {
    let mut all = json!({"type": "LoadBalancer", "ipFamilies": ["IPv4"], "ports": [{"port": 80}]});
    all.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    json!({"metadata": {"name": "web", "namespace": "n", "finalizers": [FINALIZER]}, "spec": all})
}

fn with_ingress(mut service: Value, ip: &str) -> Value {
    service["status"] = json!({"loadBalancer": {"ingress": [{"ip": ip, "ipMode": "VIP"}]}});
    service
}

fn node(name: &str, addresses: &[(&str, &str)]) -> Value {
    let address = |(kind, address): &(&str, &str)| json!({"type": kind, "address": address});
    let addresses: Vec<Value> = addresses.iter().map(address).collect();
    json!({"metadata": {"name": name}, "status": {"addresses": addresses}})
}

fn world(nodes: &[Value]) -> World<ServiceLbController> {
    let mut world = World::new(ServiceLbController::default());
    for node in nodes {
        world.put(NODES, node.clone());
    }
    world
}

/// The addresses that a plan tells; `None` when it tells none.
fn told(plan: &Plan) -> Option<Vec<String>> {
    let request = requests(plan, Verb::MergePatch, SERVICES).into_iter().next()?;
    assert_eq!(request.subresource, "status");
    let ingress = request.body.clone()?["status"]["loadBalancer"]["ingress"].clone();
    let ingress = ingress.as_array().into_iter().flatten();
    Some(ingress.map(|one| one["ip"].as_str().unwrap().to_owned()).collect())
}

#[test]
fn a_service_gets_its_finalizer_before_its_addresses() {
    let mut world = world(&[node("n1", &[("InternalIP", "10.0.0.1")])]);
    let mut new = service(json!({}));
    new["metadata"]["finalizers"] = json!([]);
    world.put(SERVICES, new);
    let first = world.reconcile(&key(), at(10));
    world.put(SERVICES, service(json!({})));

    let second = world.reconcile(&key(), at(11));
    let third = world.reconcile(&key(), at(12));

    assert_eq!(events(&first), ["EnsuringLoadBalancer: Ensuring load balancer"]);
    let patch = requests(&first, Verb::StrategicMergePatch, SERVICES)[0].body.clone().unwrap();
    assert_eq!(patch["metadata"]["finalizers"], json!([FINALIZER]));
    assert_eq!(told(&first), None);
    assert_eq!(events(&second), ["EnsuredLoadBalancer: Ensured load balancer"]);
    assert_eq!(told(&second), Some(vec!["10.0.0.1".to_owned()]));
    assert_eq!(third, Plan::default());
}

/// The addresses of a Service on these nodes.
fn addresses(spec: Value, nodes: &[Value]) -> Vec<String> {
    let mut world = world(nodes);
    world.put(SERVICES, service(spec));
    told(&world.reconcile(&key(), at(10))).unwrap_or_default()
}

#[test]
fn its_addresses_are_those_of_the_nodes_that_count() {
    let inside = node("inside", &[("InternalIP", "10.0.0.2"), ("InternalIP", "fd00::2")]);
    let twin = node("twin", &[("InternalIP", "10.0.0.2"), ("Hostname", "twin")]);
    let outside = node("outside", &[("InternalIP", "10.0.0.3"), ("ExternalIP", "1.2.3.4")]);
    let excluded = |value: &str| {
        let mut node = node("excluded", &[("InternalIP", "10.0.0.4")]);
        let label = "node.kubernetes.io/exclude-from-external-load-balancers";
        node["metadata"]["labels"] = json!({label: value});
        node
    };
    let mut going = node("going", &[("InternalIP", "10.0.0.5")]);
    going["metadata"]["deletionTimestamp"] = json!(time_text(5));
    let mut tainted = node("tainted", &[("InternalIP", "10.0.0.6")]);
    let taint = json!({"key": "ToBeDeletedByClusterAutoscaler", "effect": "NoSchedule"});
    tainted["spec"] = json!({"taints": [taint]});

    assert_eq!(addresses(json!({}), &[inside.clone(), twin]), ["10.0.0.2"]);
    assert_eq!(
        addresses(json!({"ipFamilies": ["IPv6"]}), std::slice::from_ref(&inside)),
        ["fd00::2"]
    );
    assert_eq!(addresses(json!({}), &[inside, outside]), ["1.2.3.4"]);
    assert_eq!(addresses(json!({}), &[excluded("false")]), ["10.0.0.4"]);
    let nowhere: [String; 0] = [];
    assert_eq!(addresses(json!({}), &[excluded(""), going, tainted]), nowhere);
}

#[test]
fn a_service_without_nodes_is_told_so() {
    let mut world = world(&[]);
    world.put(SERVICES, service(json!({})));

    let plan = world.reconcile(&key(), at(10));

    assert_eq!(
        events(&plan),
        [
            "EnsuringLoadBalancer: Ensuring load balancer",
            "UnAvailableLoadBalancer: There are no available nodes for LoadBalancer",
            "EnsuredLoadBalancer: Ensured load balancer",
        ]
    );
    assert_eq!(told(&plan), None);
}

#[test]
fn other_nodes_are_other_addresses_and_a_heartbeat_is_none() {
    let mut world = world(&[node("n1", &[("InternalIP", "10.0.0.1")])]);
    world.put(SERVICES, service(json!({})));
    world.reconcile(&key(), at(10));
    let mut beat = node("n1", &[("InternalIP", "10.0.0.1")]);
    beat["status"]["conditions"] = json!([{"type": "Ready", "status": "True"}]);

    let quiet = world.put(NODES, beat);
    let due = world.put(NODES, node("n2", &[("InternalIP", "10.0.0.2")]));
    let more = world.reconcile(&key(), at(11));
    world.remove(NODES, &Key::cluster("n1"));
    world.remove(NODES, &Key::cluster("n2"));
    let none = world.reconcile(&key(), at(12));

    assert!(quiet.is_empty());
    assert_eq!(due, [key()]);
    assert_eq!(events(&more), ["UpdatedLoadBalancer: Updated load balancer with new hosts"]);
    assert_eq!(told(&more).map(|all| all.len()), Some(2));
    assert_eq!(
        events(&none),
        ["UnAvailableLoadBalancer: There are no available nodes for LoadBalancer"]
    );
}

#[test]
fn a_change_that_counts_makes_it_again() {
    let mut world = world(&[]);
    world.put(SERVICES, service(json!({})));
    world.reconcile(&key(), at(10));

    world.put(SERVICES, service(json!({"selector": {"app": "web"}})));
    let selector = world.reconcile(&key(), at(11));
    world.put(SERVICES, service(json!({"ports": [{"port": 81}]})));
    let port = world.reconcile(&key(), at(12));

    assert_eq!(selector, Plan::default());
    assert_eq!(port.requests.len(), 3);
}

#[test]
fn a_class_of_somebody_elses_and_other_types_are_left_alone() {
    for spec in [json!({"loadBalancerClass": "example.com/lb"}), json!({"type": "ClusterIP"})] {
        let mut world = world(&[node("n1", &[("InternalIP", "10.0.0.1")])]);
        let mut other = service(spec.clone());
        other["metadata"]["finalizers"] = json!([]);
        world.put(SERVICES, other);

        assert_eq!(world.reconcile(&key(), at(10)), Plan::default(), "{spec}");
    }
}

#[test]
fn a_service_that_goes_loses_its_addresses_and_its_finalizer() {
    let mut world = world(&[]);
    let mut going = with_ingress(service(json!({})), "10.0.0.1");
    going["metadata"]["deletionTimestamp"] = json!(time_text(5));
    world.put(SERVICES, going);

    let plan = world.reconcile(&key(), at(10));
    let release = requests(&plan, Verb::StrategicMergePatch, SERVICES)[0].clone();
    world.grant(&key(), &release, json!({}));
    world.remove(SERVICES, &key());
    let after = world.reconcile(&key(), at(11));

    assert_eq!(events(&plan), ["DeletingLoadBalancer: Deleting load balancer"]);
    assert_eq!(told(&plan), Some(vec![]));
    let finalizers = &release.body.unwrap()["metadata"]["$deleteFromPrimitiveList/finalizers"];
    assert_eq!(finalizers, &json!([FINALIZER]));
    assert_eq!(events(&after), ["DeletedLoadBalancer: Deleted load balancer"]);
    assert_eq!(world.reconcile(&key(), at(12)), Plan::default());
}

#[test]
fn a_service_of_another_type_now_loses_them_too() {
    let mut world = world(&[]);
    world.put(SERVICES, with_ingress(service(json!({"type": "ClusterIP"})), "10.0.0.1"));

    let plan = world.reconcile(&key(), at(10));

    assert_eq!(told(&plan), Some(vec![]));
    assert_eq!(requests(&plan, Verb::StrategicMergePatch, SERVICES).len(), 1);
}

#[test]
fn a_refusal_is_told_and_everything_is_done_again() {
    let mut world = world(&[node("n1", &[("InternalIP", "10.0.0.1")])]);
    world.put(SERVICES, service(json!({})));
    let plan = world.reconcile(&key(), at(10));
    let status = requests(&plan, Verb::MergePatch, SERVICES)[0].clone();
    world.refuse(&key(), &status, Reason::InternalError);

    let again = world.reconcile(&key(), at(11));

    assert_eq!(
        events(&again),
        [
            "SyncLoadBalancerFailed: Error syncing load balancer: failed to update load balancer status: refused"
        ]
    );
    assert_eq!(told(&again), Some(vec!["10.0.0.1".to_owned()]));
}
