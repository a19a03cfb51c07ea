//! Tests of what EndpointSlices default, count and break.

use super::*;

#[test]
fn ports_are_filled_in_and_old_fields_dropped() {
    let mut slice = slice(json!({
        "ports": [{"port": 80}],
        "endpoints": [{"addresses": ["10.0.0.1"], "deprecatedTopology": {"a": "b"}}],
    }));

    prepare_for_create(&mut slice);

    assert_eq!(slice["ports"], json!([{"name": "", "port": 80, "protocol": "TCP"}]));
    assert_eq!(slice["endpoints"], json!([{"addresses": ["10.0.0.1"]}]));
    assert_eq!(slice["metadata"]["generation"], 1);
}

#[test]
fn a_slice_says_what_it_breaks() {
    let endpoint = |endpoint: Value| json!({"endpoints": [endpoint]});
    let addresses = |address: &str| json!({"endpoints": [{"addresses": [address]}]});
    let table = [
        (addresses("10.0.0.1"), vec![]),
        (json!({"addressType": null}), vec!["addressType: Required value"]),
        (
            json!({"addressType": "MAC"}),
            vec![
                "addressType: Unsupported value: \"MAC\": supported values: \"FQDN\", \"IPv4\", \"IPv6\"",
            ],
        ),
        (
            json!({"ports": [{"name": "a"}, {"name": "a", "protocol": "ICMP"}]}),
            vec![
                "ports[1].name: Duplicate value: \"a\"",
                "ports[1].protocol: Unsupported value: \"ICMP\": supported values: \"SCTP\", \"TCP\", \"UDP\"",
            ],
        ),
        (
            endpoint(json!({})),
            vec!["endpoints[0].addresses: Required value: must contain at least 1 address"],
        ),
        (
            addresses("2001:db8::1"),
            vec!["endpoints[0].addresses: Invalid value: \"2001:db8::1\": must be an IPv4 address"],
        ),
        (
            addresses("127.0.0.1"),
            vec![
                "endpoints[0].addresses[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range (127.0.0.0/8, ::1/128)",
            ],
        ),
        (
            json!({"endpoints": vec![json!({"addresses": ["10.0.0.1"]}); 1001]}),
            vec!["endpoints: Too many: 1001: must have at most 1000 items"],
        ),
        (
            json!({"addressType": "FQDN", "endpoints": [{"addresses": ["a"]}]}),
            vec![
                "endpoints[0].addresses[0]: Invalid value: \"a\": should be a domain with at least two segments separated by dots",
            ],
        ),
        (
            endpoint(json!({
                "addresses": ["10.0.0.1"], "hints": {"forZones": [{"name": "a"}, {"name": "a"}]},
            })),
            vec!["endpoints[0].hints.forZones[1].name: Duplicate value: \"a\""],
        ),
    ];
    for (change, expected) in table {
        assert_eq!(messages(validate(&slice(change))), expected);
    }
}

#[test]
fn the_type_of_addresses_stays() {
    let old = slice(json!({}));
    let new = slice(json!({"addressType": "IPv6"}));

    assert_eq!(
        messages(validate_update(&new, &old)),
        ["addressType: Invalid value: \"IPv6\": field is immutable"]
    );
}

#[test]
fn labels_and_endpoints_are_counted() {
    let mut old = slice(json!({}));
    prepare_for_create(&mut old);
    let table = [(json!({"annotations": {"a": "b"}}), 1), (json!({"labels": {"a": "b"}}), 2)];
    for (metadata, expected) in table {
        let mut new = old.clone();
        new["metadata"].as_object_mut().unwrap().extend(metadata.as_object().cloned().unwrap());
        prepare_for_update(&mut new, &old);
        assert_eq!(new["metadata"]["generation"], expected);
    }
}

fn slice(change: Value) -> Value {
    let mut slice = json!({"metadata": {"name": "s", "namespace": "n"}, "addressType": "IPv4"});
    slice.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
    apply_defaults(&mut slice);
    slice
}

fn messages(causes: Vec<Cause>) -> Vec<String> {
    causes.iter().map(ToString::to_string).collect()
}
