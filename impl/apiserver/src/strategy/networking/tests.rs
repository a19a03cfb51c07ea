//! Tests of what the kinds of `networking.k8s.io` default, keep and break.

use api::resources::{INGRESS_CLASSES, INGRESSES, IP_ADDRESSES, NETWORK_POLICIES, SERVICE_CIDRS};

use super::*;

#[test]
fn an_ingress_says_what_it_breaks() {
    let backend = json!({"service": {"name": "s", "port": {"number": 80}}});
    let rule =
        |host: &str, path: Value| json!({"rules": [{"host": host, "http": {"paths": [path]}}]});
    let path = |path: &str, path_type: &str| json!({"path": path, "pathType": path_type, "backend": backend});
    let table = [
        (rule("*.example.com", path("/", "Prefix")), vec![]),
        (json!({"defaultBackend": backend}), vec![]),
        (
            json!({}),
            vec!["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"],
        ),
        (
            json!({"defaultBackend": {}}),
            vec![
                "spec.defaultBackend: Invalid value: \"\": resource or service backend is required",
            ],
        ),
        (
            json!({"defaultBackend": {"service": {"name": "s"}}}),
            vec!["spec.defaultBackend: Required value: port name or number is required"],
        ),
        (
            rule("10.0.0.1", path("a", "Exact")),
            vec![
                "spec.rules[0].host: Invalid value: \"10.0.0.1\": must be a DNS name, not an IP address",
                "spec.rules[0].http.paths[0].path: Invalid value: \"a\": must be an absolute path",
            ],
        ),
        (
            rule("a.*", path("/a/../b//", "Prefix")),
            vec![
                "spec.rules[0].host: Invalid value: \"a.*\": a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
                "spec.rules[0].http.paths[0].path: Invalid value: \"/a/../b//\": must not contain '//'",
                "spec.rules[0].http.paths[0].path: Invalid value: \"/a/../b//\": must not contain '/../'",
            ],
        ),
        (
            rule("a", path("/", "Regex")),
            vec![
                "spec.rules[0].http.paths[0].pathType: Unsupported value: \"Regex\": supported values: \"Exact\", \"ImplementationSpecific\", \"Prefix\"",
            ],
        ),
        (
            rule("a", json!({})),
            vec![
                "spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified",
            ],
        ),
    ];
    check(&INGRESSES, table);
}

#[test]
fn class_and_annotation_of_a_new_ingress_agree() {
    let backend = json!({"service": {"name": "s", "port": {"name": "http"}}});
    let mut ingress =
        object(&INGRESSES, json!({"ingressClassName": "a", "defaultBackend": backend}));
    ingress["metadata"]["annotations"] = json!({"kubernetes.io/ingress.class": "b"});

    assert_eq!(
        messages(validate(&INGRESSES, &ingress)),
        [
            "annotations.kubernetes.io/ingress.class: Invalid value: \"b\": must match `ingressClassName` when both are specified"
        ]
    );
    assert_eq!(validate_update(&INGRESSES, &ingress, &ingress), []);
}

#[test]
fn an_ingress_is_reached_at_addresses_and_names() {
    let old = object(&INGRESSES, json!({}));
    let mut new = old.clone();
    new["status"] =
        json!({"loadBalancer": {"ingress": [{"ip": "010.0.0.1", "hostname": "10.0.0.1"}]}});

    assert_eq!(
        messages(validate_status_update(&INGRESSES, &new, &old)),
        [
            "status.loadBalancer.ingress[0].ip: Invalid value: \"010.0.0.1\": must not have leading 0s",
            "status.loadBalancer.ingress[0].hostname: Invalid value: \"10.0.0.1\": must be a DNS name, not an IP address",
        ]
    );
}

#[test]
fn changes_of_the_spec_are_counted() {
    let mut old = object(&INGRESSES, json!({}));
    prepare_for_create(&INGRESSES, &mut old);
    let mut labelled = old.clone();
    labelled["metadata"]["labels"] = json!({"a": "b"});
    let mut changed = old.clone();
    changed["spec"]["ingressClassName"] = json!("a");

    prepare_for_update(&INGRESSES, &mut labelled, &old);
    prepare_for_update(&INGRESSES, &mut changed, &old);

    assert_eq!(labelled["metadata"]["generation"], 1);
    assert_eq!(changed["metadata"]["generation"], 2);
}

#[test]
fn an_ingress_class_says_what_it_breaks() {
    let parameters = |change: Value| {
        let mut parameters = json!({"kind": "K", "name": "n"});
        parameters.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        json!({"controller": "a.b/c", "parameters": parameters})
    };
    let table = [
        (json!({"controller": "a.b/c"}), vec![]),
        (parameters(json!({})), vec![]),
        (json!({}), vec!["spec.controller: Required value"]),
        (
            json!({"controller": "a"}),
            vec![
                "spec.controller: Invalid value: \"a\": must be a domain-prefixed path (such as \"acme.io/foo\")",
            ],
        ),
        (
            json!({"controller": "a/b c"}),
            vec![
                "spec.controller: Invalid value: \"b c\": Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
            ],
        ),
        (
            parameters(json!({"namespace": "n"})),
            vec!["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
        ),
        (
            parameters(json!({"scope": "Namespace", "kind": ""})),
            vec![
                "spec.parameters.kind: Required value",
                "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
            ],
        ),
    ];
    check(&INGRESS_CLASSES, table);
}

#[test]
fn an_ingress_class_is_of_one_controller() {
    let of = |controller: &str| object(&INGRESS_CLASSES, json!({"controller": controller}));

    assert_eq!(
        messages(validate_update(&INGRESS_CLASSES, &of("a/c"), &of("a/b"))),
        ["spec.controller: Invalid value: \"a/c\": field is immutable"]
    );
}

#[test]
fn a_policy_is_about_what_comes_in_and_of_what_goes_out_if_it_says_so() {
    let table = [
        (json!({}), json!(["Ingress"])),
        (json!({"egress": [{}]}), json!(["Ingress", "Egress"])),
        (json!({"policyTypes": ["Egress"]}), json!(["Egress"])),
    ];
    for (spec, expected) in table {
        assert_eq!(object(&NETWORK_POLICIES, spec)["spec"]["policyTypes"], expected);
    }
}

#[test]
fn a_policy_says_what_it_breaks() {
    let ports = |port: Value| json!({"ingress": [{"ports": [port]}]});
    let to = |peer: Value| json!({"egress": [{"to": [peer]}]});
    let table = [
        (ports(json!({"port": 80, "endPort": 90})), vec![]),
        (to(json!({"podSelector": {}, "namespaceSelector": {}})), vec![]),
        (
            ports(json!({"port": 80, "endPort": 70, "protocol": "ICMP"})),
            vec![
                "spec.ingress[0].ports[0].protocol: Unsupported value: \"ICMP\": supported values: \"TCP\", \"UDP\", \"SCTP\"",
                "spec.ingress[0].ports[0].endPort: Invalid value: 80: must be greater than or equal to `port`",
            ],
        ),
        (
            ports(json!({"endPort": 70})),
            vec![
                "spec.ingress[0].ports[0].endPort: Invalid value: 70: may not be specified when `port` is not specified",
            ],
        ),
        (
            ports(json!({"port": "http", "endPort": 70})),
            vec![
                "spec.ingress[0].ports[0].endPort: Invalid value: 70: may not be specified when `port` is non-numeric",
            ],
        ),
        (to(json!({})), vec!["spec.egress[0].to[0]: Required value: must specify a peer"]),
        (
            to(json!({"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}})),
            vec!["spec.egress[0].to[0]: Forbidden: may not specify both ipBlock and another peer"],
        ),
        (
            to(json!({"ipBlock": {"cidr": "10.0.0.0/8", "except": ["11.0.0.0/16", "a"]}})),
            vec![
                "spec.egress[0].to[0].ipBlock.except[0]: Invalid value: \"11.0.0.0/16\": must be a strict subset of `cidr`",
                "spec.egress[0].to[0].ipBlock.except[1]: Invalid value: \"a\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
            ],
        ),
        (
            json!({"policyTypes": ["Transit"]}),
            vec![
                "spec.policyTypes[0]: Unsupported value: \"Transit\": supported values: \"Ingress\", \"Egress\"",
            ],
        ),
    ];
    check(&NETWORK_POLICIES, table);
}

#[test]
fn an_ip_address_is_its_name_and_of_one_object() {
    let parent = |name: &str| json!({"parentRef": {"resource": "services", "name": name}});
    let mut old = object(&IP_ADDRESSES, parent("a"));
    let new = object(&IP_ADDRESSES, parent("b"));

    assert_eq!(
        messages(validate(&IP_ADDRESSES, &old)),
        [
            "metadata.name: Invalid value: \"a\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        ]
    );
    assert_eq!(
        messages(validate_update(&IP_ADDRESSES, &new, &old)),
        [
            "spec.parentRef: Invalid value: {\"Group\":\"\",\"Resource\":\"services\",\"Namespace\":\"\",\"Name\":\"b\"}: field is immutable"
        ]
    );
    old["metadata"]["name"] = json!("10.0.0.1");
    old["spec"] = json!({});
    assert_eq!(messages(validate(&IP_ADDRESSES, &old)), ["spec.parentRef: Required value"]);
}

#[test]
fn a_service_cidr_has_one_block_of_each_family() {
    let cidrs = |cidrs: Value| json!({"cidrs": cidrs});
    let table = [
        (cidrs(json!(["10.0.0.0/16", "2001:db8::/64"])), vec![]),
        (cidrs(json!([])), vec!["spec.cidrs: Required value: at least one CIDR required"]),
        (
            cidrs(json!(["10.0.0.0/16", "10.1.0.0/16"])),
            vec![
                "spec.cidrs: Invalid value: [\"10.0.0.0/16\",\"10.1.0.0/16\"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64",
            ],
        ),
        (
            cidrs(json!(["a", "b", "c"])),
            vec![
                "spec.cidrs: Invalid value: {\"CIDRs\":[\"a\",\"b\",\"c\"]}: may only hold up to 2 values",
            ],
        ),
    ];
    check(&SERVICE_CIDRS, table);
}

#[test]
fn a_service_cidr_may_become_dual_stack() {
    let of = |cidrs: Value| object(&SERVICE_CIDRS, json!({"cidrs": cidrs}));
    let old = of(json!(["10.0.0.0/16"]));
    let table = [
        (json!(["10.0.0.0/16", "2001:db8::/64"]), vec![]),
        (
            json!(["10.1.0.0/16"]),
            vec!["spec.cidrs[0]: Invalid value: \"10.1.0.0/16\": field is immutable"],
        ),
        (json!([]), vec!["spec.cidrs: Invalid value: []: field is immutable"]),
    ];
    for (cidrs, expected) in table {
        assert_eq!(messages(validate_update(&SERVICE_CIDRS, &of(cidrs), &old)), expected);
    }
}

fn check<'a>(resource: &ApiResource, table: impl IntoIterator<Item = (Value, Vec<&'a str>)>) {
    for (spec, expected) in table {
        assert_eq!(messages(validate(resource, &object(resource, spec))), expected);
    }
}

fn object(resource: &ApiResource, spec: Value) -> Value {
    let mut object = json!({"metadata": {"name": "a"}, "spec": spec});
    if resource.namespaced {
        object["metadata"]["namespace"] = json!("n");
    }
    apply_defaults(resource, &mut object);
    object
}

fn messages(causes: Vec<Cause>) -> Vec<String> {
    causes.iter().map(ToString::to_string).collect()
}
