//! What is found behind pods, services and nodes, against `ResourceLocation` of Kubernetes v1.36.

use serde_json::json;

use super::*;
use crate::testing::Client;

fn cluster() -> Client {
    let mut client = Client::new();
    client.created("/api/v1/namespaces", &json!({"metadata": {"name": "a"}}));
    client
        .created("/api/v1/namespaces/a/serviceaccounts", &json!({"metadata": {"name": "default"}}));
    let (pod, ports) = (json!({"name": "p"}), json!([{"containerPort": 8080}]));
    let spec = json!({"containers": [{"name": "c", "image": "i", "ports": ports}]});
    client.created("/api/v1/namespaces/a/pods", &json!({"metadata": pod, "spec": spec}));
    let status = json!({"status": {"podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}]}});
    client.send(&Method::PATCH, "/api/v1/namespaces/a/pods/p/status", &status).unwrap();
    client.created("/api/v1/nodes", &json!({"metadata": {"name": "n"}}));
    let addresses = json!([{"type": "InternalIP", "address": "10.0.0.9"}]);
    let status = json!({"status": {"addresses": addresses}});
    client.send(&Method::PATCH, "/api/v1/nodes/n/status", &status).unwrap();
    let ports = json!([{"name": "web", "port": 80}, {"name": "other", "port": 81}]);
    let service = json!({"metadata": {"name": "s"}, "spec": {"ports": ports, "clusterIP": "None"}});
    client.created("/api/v1/namespaces/a/services", &service);
    client
}

fn slice(pod: &str, address: &str, ready: bool) -> Value {
    json!({
        "metadata": {"name": format!("s-{pod}"), "labels": {"kubernetes.io/service-name": "s"}},
        "addressType": "IPv4", "ports": [{"name": "web", "port": 8080, "protocol": "TCP"}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": ready},
            "targetRef": {"kind": "Pod", "name": pod}}],
    })
}

const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/a/endpointslices";

/// The address that a path leads to, or the code and the message of the refusal.
fn leads_to(client: &Client, method: &Method, path: &str) -> Result<String, (u16, String)> {
    match client.decide(method, path, &Value::Null) {
        Decision::Proxy(call) => {
            let ProxyCall { is_tls, host, port, path, .. } = *call;
            Ok(format!("{}://{host}:{port}{path}", if is_tls { "https" } else { "http" }))
        }
        Decision::Respond(response) => {
            let status: Value = serde_json::from_slice(&response.body).unwrap_or_default();
            let message = status["message"].as_str().unwrap_or_default();
            Err((response.code, message.to_owned()))
        }
        Decision::Commit(_) | Decision::Each(..) | Decision::Watch(_) | Decision::Node(_) => {
            panic!("{path} is passed on or refused")
        }
    }
}

fn get(client: &Client, path: &str) -> Result<String, (u16, String)> {
    leads_to(client, &Method::GET, path)
}

#[test]
fn a_pod_is_reached_at_its_first_port_or_the_one_that_is_named() {
    let client = cluster();

    for (name, expected) in [
        ("p", "http://10.0.0.1:8080/"),
        ("p:81", "http://10.0.0.1:81/"),
        ("http:p:81", "http://10.0.0.1:81/"),
        ("https:p:443", "https://10.0.0.1:443/"),
        ("https%3Ap%3A443", "https://10.0.0.1:443/"),
    ] {
        let path = format!("/api/v1/namespaces/a/pods/{name}/proxy/");
        assert_eq!(get(&client, &path), Ok(expected.to_owned()), "{name}");
    }
}

#[test]
fn a_path_goes_on_as_it_came_without_dots() {
    let client = cluster();

    for (path, expected) in [
        ("/proxy", ""),
        ("/proxy/", "/"),
        ("/proxy/a/b", "/a/b"),
        ("/proxy/a//b/", "/a/b/"),
        ("/proxy/a/../b", "/b"),
        ("/proxy/%2e/x%20y", "/%2e/x%20y"),
        ("/proxy/proxy/p", "/proxy/p"),
    ] {
        let found = get(&client, &format!("/api/v1/namespaces/a/pods/p{path}"));
        assert_eq!(found, Ok(format!("http://10.0.0.1:8080{expected}")), "{path}");
    }
}

#[test]
fn what_is_before_the_path_is_known_for_links() {
    let client = cluster();

    let path = "/api/v1/namespaces/a/pods/p/proxy/x";
    let Decision::Proxy(call) = client.decide(&Method::GET, path, &Value::Null) else {
        panic!("it is passed on")
    };
    assert_eq!(call.prefix, "/api/v1/namespaces/a/pods/p/proxy");
}

#[test]
fn a_service_leads_to_a_ready_pod_behind_the_port_that_is_named() {
    let mut client = cluster();
    let path = |name: &str| format!("/api/v1/namespaces/a/services/{name}/proxy/");
    let none = |name: &str| Err((503, format!("no endpoints available for service \"{name}\"")));

    assert_eq!(get(&client, &path("s:web")), none("s"));
    client.created(SLICES, &slice("q", "10.0.0.2", true));
    assert_eq!(get(&client, &path("s:web")), none("s:web"), "no pod has this address");
    client.created(SLICES, &slice("p", "10.0.0.1", true));

    let expected = Ok("http://10.0.0.1:8080/".to_owned());
    assert_eq!(get(&client, &path("s:web")), expected);
    assert_eq!(get(&client, &path("s:80")), expected);
    assert_eq!(get(&client, &path("https:s:web")), Ok("https://10.0.0.1:8080/".to_owned()));
    assert_eq!(get(&client, &path("s:81")), none("s:81"));
    let unknown = "no service port 82 found for service \"s\"".to_owned();
    assert_eq!(get(&client, &path("s:82")), Err((503, unknown)));
    let missing = "services \"t\" not found".to_owned();
    assert_eq!(get(&client, &path("t")), Err((404, missing)));
}

#[test]
fn a_pod_that_is_not_ready_is_not_asked() {
    let mut client = cluster();
    client.created(SLICES, &slice("p", "10.0.0.1", false));

    let found = get(&client, "/api/v1/namespaces/a/services/s:web/proxy/");

    assert_eq!(found.map_err(|(code, _)| code), Err(503));
}

#[test]
fn endpoints_serve_where_there_are_no_slices() {
    let mut client = cluster();
    let target = json!({"kind": "Pod", "name": "p"});
    let subset = json!({"ports": [{"name": "web", "port": 8080}],
        "addresses": [{"ip": "10.0.0.1", "targetRef": target}]});
    let endpoints = json!({"metadata": {"name": "s"}, "subsets": [subset]});
    client.created("/api/v1/namespaces/a/endpoints", &endpoints);

    let found = get(&client, "/api/v1/namespaces/a/services/s:web/proxy/");

    assert_eq!(found, Ok("http://10.0.0.1:8080/".to_owned()));
}

#[test]
fn a_node_is_reached_at_its_kubelet_over_tls_or_at_the_port_that_is_named() {
    let client = cluster();

    let kubelet = get(&client, "/api/v1/nodes/n/proxy/healthz");
    let other = get(&client, "/api/v1/nodes/n:81/proxy/healthz");

    assert_eq!(kubelet, Ok("https://10.0.0.9:10250/healthz".to_owned()));
    assert_eq!(other, Ok("http://10.0.0.9:81/healthz".to_owned()));
}

#[test]
fn what_is_not_there_has_no_address_or_makes_no_sense_is_refused() {
    let mut client = cluster();
    let spec = json!({"containers": [{"name": "c", "image": "i"}]});
    let new = json!({"metadata": {"name": "new"}, "spec": spec});
    client.created("/api/v1/namespaces/a/pods", &new);
    let refused = |path: &str| get(&client, path).unwrap_err();

    let pods = "/api/v1/namespaces/a/pods";
    let (code, message) = refused(&format!("{pods}/nope/proxy/"));
    assert_eq!((code, &*message), (404, "pods \"nope\" not found"));
    let (code, message) = refused(&format!("{pods}/new/proxy/"));
    assert_eq!((code, &*message), (400, "address not allowed"));
    let (code, message) = refused(&format!("{pods}/ftp:p:1/proxy/"));
    assert_eq!((code, &*message), (400, "invalid pod request \"ftp:p:1\""));
    assert_eq!(
        allowed("127.0.0.1").map_err(|status| status.message).unwrap_err(),
        "address not allowed"
    );
    assert!(allowed("169.254.1.1").is_err() && allowed("::1").is_err() && allowed("").is_err());
}
