//! What becomes of IPAddresses that somebody has touched.

use serde_json::{Value, json};

use super::*;
use crate::testing::{World, at, events, names, requests, time_text};

const IPS: &api::ApiResource = &resources::IP_ADDRESSES;
const SERVICES: &api::ApiResource = &resources::SERVICES;

fn service(name: &str, ip: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "n", "creationTimestamp": time_text(10)},
        "spec": {"clusterIP": ip, "clusterIPs": [ip]}})
}

fn address(ip: &str, service: &str) -> Value {
    json!({"metadata": {"name": ip, "creationTimestamp": time_text(10), "labels": {
            "ipaddress.kubernetes.io/ip-family": "IPv4",
            "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io"}},
        "spec": {"parentRef": {"resource": "services", "namespace": "n", "name": service}}})
}

fn world() -> World<IpAddressRepair> {
    let mut world = World::new(IpAddressRepair::default());
    let cidr = json!({"metadata": {"name": "kubernetes"}, "spec": {"cidrs": ["10.96.0.0/12"]}});
    world.put(&resources::SERVICE_CIDRS, cidr);
    world
}

fn web() -> Key {
    Key::new("n", "web")
}

/// What is asked and answered first, then what is done.
fn confirmed(world: &mut World<IpAddressRepair>, answer: Option<Value>) -> Plan {
    answered(world, Some("uid-web"), answer)
}

/// The same, with the uid that the Service has, if it is there.
fn answered(
    world: &mut World<IpAddressRepair>,
    service: Option<&str>,
    answer: Option<Value>,
) -> Plan {
    let plan = world.reconcile(&web(), at(20));
    let [itself] = requests(&plan, Verb::Get, SERVICES)[..] else { panic!("{plan:?}") };
    let [question] = requests(&plan, Verb::Get, IPS)[..] else { panic!("{plan:?}") };
    assert_eq!(plan.requests.len(), 2);
    match service {
        Some(uid) => world.grant(&web(), itself, json!({"metadata": {"uid": uid}})),
        None => world.refuse(&web(), itself, Reason::NotFound),
    }
    match answer {
        Some(answer) => world.grant(&web(), question, answer),
        None => world.refuse(&web(), question, Reason::NotFound),
    }
    world.reconcile(&web(), at(20))
}

#[test]
fn an_address_that_somebody_deletes_is_made_again() {
    let mut world = world();
    world.put(SERVICES, service("web", "10.96.0.9"));
    world.put(IPS, address("10.96.0.9", "web"));
    assert_eq!(world.reconcile(&web(), at(20)), Plan::default());

    let keys = world.remove(IPS, &Key::cluster("10.96.0.9"));
    let plan = confirmed(&mut world, None);

    assert!(keys.contains(&web()));
    let made = requests(&plan, Verb::Create, IPS)[0].body.clone().unwrap();
    assert_eq!(made["spec"], address("10.96.0.9", "web")["spec"]);
    assert_eq!(made["metadata"]["labels"], address("", "")["metadata"]["labels"]);
    let message = "ClusterIPNotAllocated: Cluster IP [IPv4]: 10.96.0.9 is not allocated; repairing";
    assert_eq!(events(&plan), [message]);
}

#[test]
fn a_cache_that_is_behind_makes_nothing() {
    let mut world = world();
    world.put(SERVICES, service("web", "10.96.0.9"));

    let plan = confirmed(&mut world, Some(address("10.96.0.9", "web")));

    assert_eq!(plan, Plan::default());
}

#[test]
fn a_service_that_is_gone_with_its_address_gets_none() {
    for service in [None, Some("of another of its name")] {
        let mut world = world();
        world.put(SERVICES, service_of_web());

        assert_eq!(answered(&mut world, service, None), Plan::default());
    }
}

#[test]
fn what_cannot_be_read_is_asked_again() {
    for refused in [SERVICES, IPS] {
        let mut world = world();
        world.put(SERVICES, service_of_web());
        let plan = world.reconcile(&web(), at(20));
        let [itself] = requests(&plan, Verb::Get, SERVICES)[..] else { panic!("{plan:?}") };
        let [question] = requests(&plan, Verb::Get, IPS)[..] else { panic!("{plan:?}") };
        for (resource, request, answer) in [
            (SERVICES, itself, json!({"metadata": {"uid": "uid-web"}})),
            (IPS, question, address("10.96.0.9", "other")),
        ] {
            match resource == refused {
                true => world.refuse(&web(), request, Reason::Timeout),
                false => world.grant(&web(), request, answer),
            }
        }

        assert_eq!(world.reconcile(&web(), at(21)).requests, plan.requests);
    }
}

#[test]
fn what_cannot_be_given_is_told_of_once_for_a_repair() {
    let mut world = world();
    let mut both = service_of_web();
    both["spec"]["clusterIPs"] = json!(["10.96.0.9", "192.0.2.1"]);
    world.put(SERVICES, both);

    let asked = world.reconcile(&web(), at(20));
    let repaired = confirmed(&mut world, None);

    let told = |plan: &Plan| requests(plan, Verb::Create, &resources::EVENTS).len();
    assert_eq!([told(&asked), told(&repaired)], [0, 2]);
}

#[test]
fn an_address_of_a_service_that_does_not_have_it_is_left_to_go_unless_it_would_not() {
    for (is_managed, made) in [(true, 0), (false, 1)] {
        let mut world = world();
        world.put(SERVICES, service_of_web());
        world.put(SERVICES, service("db", "10.96.0.8"));
        let mut held = address("10.96.0.9", "db");
        if !is_managed {
            held["metadata"]["labels"] = json!({});
        }

        let plan = confirmed(&mut world, Some(held));

        assert_eq!(requests(&plan, Verb::Create, IPS).len(), made);
    }
}

fn service_of_web() -> Value {
    service("web", "10.96.0.9")
}

#[test]
fn an_address_that_names_nobody_is_made_again_for_its_service() {
    let mut world = world();
    world.put(SERVICES, service("web", "10.96.0.9"));
    world.put(IPS, address("10.96.0.9", "gone"));
    let mut answer = address("10.96.0.9", "gone");
    answer["metadata"]["uid"] = json!("u");

    let plan = confirmed(&mut world, Some(answer));

    let [removed] = requests(&plan, Verb::Delete, IPS)[..] else { panic!("{plan:?}") };
    assert_eq!(removed.body.as_ref().unwrap()["preconditions"], json!({"uid": "u"}));
    assert_eq!(requests(&plan, Verb::Create, IPS).len(), 1);
    let message = "ClusterIPNotAllocated: the ClusterIP [IPv4]: 10.96.0.9 for Service n/web has a \
                   wrong reference; repairing";
    assert_eq!(events(&plan), [message]);
}

#[test]
fn an_address_of_two_services_is_told_of_and_left() {
    let mut world = world();
    world.put(SERVICES, service("web", "10.96.0.9"));
    world.put(SERVICES, service("db", "10.96.0.9"));
    world.put(IPS, address("10.96.0.9", "db"));

    let plan = confirmed(&mut world, Some(address("10.96.0.9", "db")));

    let message = "ClusterIPAlreadyAllocated: Cluster IP [IPv4]:10.96.0.9 was assigned to multiple \
                   services; please recreate service";
    assert_eq!((events(&plan), plan.requests.len()), (vec![message.to_owned()], 1));
}

#[test]
fn labels_that_somebody_takes_are_put_back() {
    let mut world = world();
    world.put(SERVICES, service("web", "10.96.0.9"));
    let mut bare = address("10.96.0.9", "web");
    bare["metadata"]["labels"] = json!({});
    world.put(IPS, bare.clone());

    let plan = confirmed(&mut world, Some(bare));

    assert_eq!(names(&plan, Verb::Delete, IPS), ["10.96.0.9"]);
    assert_eq!(requests(&plan, Verb::Create, IPS).len(), 1);
    assert_eq!(events(&plan), [""; 0]);
}

#[test]
fn an_address_outside_all_ranges_is_told_of() {
    let mut world = world();
    world.put(SERVICES, service("web", "10.200.0.9"));

    let plan = world.reconcile(&web(), at(20));

    let message = "ClusterIPOutOfRange: Cluster IP [IPv4]: 10.200.0.9 is not within any configured \
                   Service CIDR; please recreate service";
    assert_eq!(events(&plan), [message]);
}

#[test]
fn a_service_without_an_address_needs_none() {
    let mut world = world();
    world.put(SERVICES, service("web", "None"));

    assert_eq!(world.reconcile(&web(), at(20)), Plan::default());
}

#[test]
fn an_address_without_its_service_goes_after_a_minute() {
    let mut world = world();
    world.put(IPS, address("10.96.0.9", "web"));
    let key = Key::cluster("10.96.0.9");

    let early = world.reconcile(&key, at(69));
    let late = world.reconcile(&key, at(70));

    assert_eq!((early.requests.len(), early.look_again), (0, Some(at(70))));
    assert_eq!(names(&late, Verb::Delete, IPS), ["10.96.0.9"]);
    let message = "IPAddressNotAllocated: IPAddress: 10.96.0.9 for Service n/web appears to have \
                   leaked: cleaning up";
    assert_eq!(events(&late), [message]);
}

#[test]
fn an_address_that_its_service_does_not_have_goes_unless_it_is_new() {
    let mut world = world();
    world.put(SERVICES, service("web", "10.96.0.9"));
    let mut new = address("10.96.0.8", "web");
    new["metadata"]["creationTimestamp"] = json!(time_text(15));
    world.put(IPS, new);
    world.put(IPS, address("10.96.0.7", "web"));

    let new = world.reconcile(&Key::cluster("10.96.0.8"), at(19));
    let old = world.reconcile(&Key::cluster("10.96.0.7"), at(19));

    assert_eq!((new.requests.len(), new.look_again), (0, Some(at(20))));
    assert_eq!(names(&old, Verb::Delete, IPS), ["10.96.0.7"]);
    let message = "IPAddressWrongReference: IPAddress: 10.96.0.7 for Service n/web has a wrong \
                   reference; cleaning up";
    assert_eq!(events(&old), [message]);
}

#[test]
fn what_others_have_made_is_theirs() {
    let mut world = world();
    let mut other = address("10.96.0.7", "web");
    other["metadata"]["labels"] = json!({"ipaddress.kubernetes.io/managed-by": "somebody"});
    world.put(IPS, other);

    assert_eq!(world.reconcile(&Key::cluster("10.96.0.7"), at(999)), Plan::default());
}

#[test]
fn an_address_that_names_something_else_than_a_service_goes() {
    let mut world = world();
    let mut other = address("10.96.0.7", "web");
    other["spec"]["parentRef"]["resource"] = json!("pods");
    world.put(IPS, other);

    let plan = world.reconcile(&Key::cluster("10.96.0.7"), at(20));

    let message = "IPAddressNotAllocated: IPAddress 10.96.0.7 appears to have been modified, not \
                   referencing a Service &ParentReference{Group:,Resource:pods,Namespace:n,Name:web,}: \
                   cleaning up";
    assert_eq!(events(&plan), [message]);
    assert_eq!(names(&plan, Verb::Delete, IPS), ["10.96.0.7"]);
}
