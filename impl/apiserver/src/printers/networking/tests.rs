//! Tests of the rows of traffic.

use super::*;

#[test]
fn endpoints_show_three_addresses() {
    let address = |ip: &str| json!({"ip": ip});
    let addresses = ["10.0.0.1", "2001:db8::1", "10.0.0.3", "10.0.0.4", "10.0.0.5"].map(address);
    let object = json!({
        "metadata": {"name": "e"},
        "subsets": [{"addresses": addresses, "ports": [{"port": 80}]}],
    });
    let headless = json!({"subsets": [{"addresses": [{"ip": "10.0.0.1"}]}]});

    assert_eq!(
        endpoints(&object, now())[1],
        "10.0.0.1:80,[2001:db8::1]:80,10.0.0.3:80 + 2 more..."
    );
    assert_eq!(endpoints(&headless, now())[1], "10.0.0.1");
    assert_eq!(endpoints(&json!({}), now())[1], "<none>");
}

#[test]
fn a_slice_shows_ports_and_addresses() {
    let slice = json!({
        "metadata": {"name": "s"}, "addressType": "IPv4",
        "ports": [{"name": "", "port": 80}, {"name": "http"}, {}],
        "endpoints": [{"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"]}],
    });

    let expected = json!(["s", "IPv4", "80,http,*", "10.0.0.1,10.0.0.2", "<unknown>"]);
    assert_eq!(json!(endpoint_slice(&slice, now())), expected);
    assert_eq!(json!(endpoint_slice(&json!({}), now())[2..4]), json!(["<unset>", "<unset>"]));
}

#[test]
fn an_ingress_shows_hosts_and_addresses() {
    let object = json!({
        "metadata": {"name": "i", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"ingressClassName": "nginx", "rules": [{"host": "a"}, {}], "tls": [{}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.2"}, {"ip": "10.0.0.1"}]}},
    });

    let expected = json!(["i", "nginx", "a", "10.0.0.1,10.0.0.2", "80, 443", "60m"]);
    assert_eq!(json!(ingress(&object, now())), expected);
}

#[test]
fn three_hosts_are_shown() {
    let rule = |host: &str| json!({"host": host});
    let table = [
        (vec![], "*"),
        (vec!["a", "b", "c"], "a,b,c"),
        (vec!["a", "b", "c", "d", ""], "a,b,c + 2 more..."),
        (vec!["", "a"], "a"),
    ];
    for (given, expected) in table {
        let rules: Vec<Value> = given.into_iter().map(rule).collect();
        assert_eq!(hosts(&rules), expected);
    }
}

#[test]
fn an_ingress_class_shows_its_parameters() {
    let class = json!({
        "metadata": {"name": "c", "annotations": {DEFAULT_ANNOTATION: "true"}},
        "spec": {"controller": "a/b", "parameters": {"apiGroup": "g", "kind": "K", "name": "n"}},
    });

    let expected = json!(["c (default)", "a/b", "K.g/n", "<unknown>"]);
    assert_eq!(json!(ingress_class(&class, now())), expected);
}

#[test]
fn a_policy_shows_whom_it_is_about() {
    let policy = json!({"spec": {"podSelector": {"matchLabels": {"app": "web"}}}});

    assert_eq!(network_policy(&policy, now())[1], "app=web");
    assert_eq!(network_policy(&json!({}), now())[1], "<none>");
}

#[test]
fn addresses_and_blocks_are_shown() {
    let parent = json!({"group": "", "resource": "services", "namespace": "n", "name": "s"});
    let address = json!({"metadata": {"name": "10.0.0.1"}, "spec": {"parentRef": parent}});
    let cidr = json!({"spec": {"cidrs": ["10.0.0.0/16", "2001:db8::/64"]}});

    assert_eq!(ip_address(&address)[1], "services/n/s");
    assert_eq!(service_cidr(&cidr, now())[1], "10.0.0.0/16,2001:db8::/64");
}

fn now() -> Timestamp {
    "2026-01-01T01:00:00Z".parse().unwrap()
}
