//! Tests of what becomes of Services.

use super::*;

#[test]
fn a_service_is_filled_in() {
    assert_eq!(
        service()["spec"],
        json!({
            "type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
            "ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv4"], "selector": {"app": "web"},
            "ports": [{"port": 80, "targetPort": 80, "protocol": "TCP"}],
        })
    );
    assert_eq!(validate(&service()), []);
}

#[test]
fn only_a_load_balancer_is_reached_through_one() {
    let mut reached = service();
    reached["status"]["loadBalancer"]["ingress"] = json!([{"ip": "192.0.2.1"}]);
    let mut balanced = reached.clone();
    balanced["spec"]["type"] = json!("LoadBalancer");

    let causes = validate_status_update(&reached, &service());

    let why = "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'";
    assert_eq!(causes.iter().map(ToString::to_string).collect::<Vec<_>>(), [why]);
    assert_eq!(validate_status_update(&balanced, &balanced), []);
}

#[test]
fn a_service_says_what_it_breaks() {
    let port = |change: Value| {
        let mut port = json!({"port": 80, "targetPort": 80, "protocol": "TCP", "name": "a"});
        port.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        port
    };
    let table = [
        ("ports", json!([]), "spec.ports: Required value"),
        (
            "ports",
            json!([port(json!({"port": 0}))]),
            "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
        ),
        (
            "ports",
            json!([port(json!({"nodePort": 30000}))]),
            "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
        ),
        (
            "ports",
            json!([port(json!({})), port(json!({"port": 81}))]),
            "spec.ports[1].name: Duplicate value: \"a\"",
        ),
        (
            "ports",
            json!([port(json!({})), port(json!({"port": 81, "name": ""}))]),
            "spec.ports[1].name: Required value",
        ),
        (
            "sessionAffinity",
            json!("Some"),
            "spec.sessionAffinity: Unsupported value: \"Some\": supported values: \"ClientIP\", \"None\"",
        ),
        (
            "ports",
            json!([port(json!({"appProtocol": "a b"}))]),
            "spec.ports[0].appProtocol: Invalid value: \"a b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
        ),
        (
            "externalTrafficPolicy",
            json!("Local"),
            "spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for externally-accessible services",
        ),
        (
            "type",
            json!("Mine"),
            "spec.type: Unsupported value: \"Mine\": supported values: \"ClusterIP\", \"ExternalName\", \"LoadBalancer\", \"NodePort\"",
        ),
    ];
    for (field, value, message) in table {
        let mut service = service();
        service["spec"][field] = value;
        let causes: Vec<String> = validate(&service).iter().map(ToString::to_string).collect();
        assert_eq!(causes.join("\n"), message);
    }
}

#[test]
fn a_service_keeps_its_address() {
    let mut old = service();
    old["spec"]["clusterIPs"] = json!(["10.0.0.1"]);
    let mut new = service();
    new["spec"]["clusterIPs"] = json!(["10.0.0.2"]);

    assert_eq!(
        validate_update(&new, &old)[0].to_string(),
        "spec.clusterIPs[0]: Invalid value: [\"10.0.0.2\"]: may not change once set"
    );
}

#[test]
fn a_service_keeps_its_load_balancer() {
    let balanced = |class: &str| {
        let mut service = service();
        service["spec"]["type"] = json!("LoadBalancer");
        service["spec"]["loadBalancerClass"] = json!(class);
        apply_defaults(&mut service);
        service
    };

    assert_eq!(validate_update(&balanced("a/b"), &balanced("a/b")), []);
    assert_eq!(
        validate_update(&balanced("a/c"), &balanced("a/b"))[0].to_string(),
        "spec.loadBalancerClass: Invalid value: \"a/c\": may not change once set"
    );
}

#[test]
fn a_service_that_becomes_a_name_loses_its_address() {
    let mut old = service();
    old["spec"]["clusterIP"] = json!("10.0.0.1");
    old["spec"]["clusterIPs"] = json!(["10.0.0.1"]);
    let mut new = old.clone();
    new["spec"]["type"] = json!("ExternalName");
    new["spec"]["externalName"] = json!("example.com.");

    prepare_for_update(&mut new, &old);

    assert_eq!(new["spec"].get("clusterIP"), None);
    assert_eq!(validate_update(&new, &old), []);
}

fn service() -> Value {
    let mut service = json!({
        "metadata": {"name": "s", "namespace": "default"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    });
    apply_defaults(&mut service);
    assert_eq!(init_families(&mut service, None), []);
    service
}

#[test]
fn a_client_stays_for_a_day_at_most() {
    let spec = |affinity: &str, seconds: i64| json!({"sessionAffinity": affinity, "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": seconds}}});
    let told = |spec: &Value| affinity_causes(spec).map(|cause| cause.to_string());
    let field = "spec.sessionAffinityConfig";

    assert_eq!(told(&spec("ClientIP", 86_400)), None);
    assert_eq!(
        told(&spec("ClientIP", 86_401)),
        Some(format!(
            "{field}.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400"
        ))
    );
    assert_eq!(
        told(&json!({"sessionAffinity": "ClientIP"})),
        Some(format!("{field}: Required value: when session affinity type is ClientIP"))
    );
    assert_eq!(
        told(&spec("None", 1)),
        Some(format!("{field}: Forbidden: must not be set when session affinity is None"))
    );
}

#[test]
fn a_port_of_nodes_is_for_one_port_of_each_protocol() {
    let port = |number: i64, protocol: &str| json!({"name": format!("p{number}"), "port": number, "targetPort": 80, "protocol": protocol, "nodePort": 30080});

    assert_eq!(port_causes("NodePort", &[port(1, "TCP"), port(2, "UDP")]), []);
    assert_eq!(
        port_causes("NodePort", &[port(1, "TCP"), port(2, "TCP")])[0].to_string(),
        "spec.ports[1].nodePort: Duplicate value: 30080"
    );
}
