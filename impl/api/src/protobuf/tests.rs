//! Bodies as kubectl and client-go send them, and bytes that mean harm.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn pod_is_the_same_after_a_round_trip() {
    check_round_trip(&json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"},
            "creationTimestamp": "2026-01-02T03:04:05Z",
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web",
                "uid": "u", "controller": true, "blockOwnerDeletion": false}],
            "managedFields": [{"manager": "m", "operation": "Update", "fieldsV1": {"f:spec": {}}}]},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "securityContext": {},
            "volumes": [{"name": "v", "emptyDir": {"sizeLimit": "1Gi"}}, {"name": "w", "emptyDir": {}}],
            "containers": [{"name": "c", "image": "i", "args": ["-a", ""],
                "ports": [{"containerPort": 80, "protocol": "TCP"}],
                "env": [{"name": "E", "valueFrom": {"configMapKeyRef":
                    {"name": "cm", "key": "k", "optional": false}}}],
                "resources": {"limits": {"cpu": "500m"}},
                "livenessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 3},
                "readinessProbe": {"tcpSocket": {"port": 80}, "terminationGracePeriodSeconds": 0}}]},
    }));
}

#[test]
fn deployment_is_the_same_after_a_round_trip() {
    check_round_trip(&json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
            "template": {"metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c"}]}}},
        "status": {"observedGeneration": 3, "conditions": [{"type": "Available", "status": "True"}]},
    }));
}

#[test]
fn secret_data_and_micro_times_are_the_same_after_a_round_trip() {
    check_round_trip(
        &json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": "AAEC", "b": ""}}),
    );
    check_round_trip(&json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "spec": {"renewTime": "2026-01-02T03:04:05.000006Z", "leaseTransitions": 0}}));
}

#[test]
fn lists_and_status_are_the_same_after_a_round_trip() {
    check_round_trip(&json!({"apiVersion": "v1", "kind": "ConfigMapList",
        "metadata": {"resourceVersion": "7", "remainingItemCount": 0},
        "items": [{"data": {"a": "b"}}, {}]}));
    check_round_trip(&json!({"apiVersion": "v1", "kind": "Status", "status": "Failure",
        "reason": "NotFound", "code": 404, "details": {"name": "a", "causes": [{"field": "f"}]}}));
}

#[test]
fn schemas_and_what_may_stand_in_their_place_are_the_same_after_a_round_trip() {
    check_round_trip(
        &json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "spec": {"versions": [{"name": "v1", "served": true, "storage": false,
            "subresources": {"status": {}},
            "schema": {"openAPIV3Schema": {"type": "object", "default": {"a": [1, null]},
                "enum": ["a", 1, null], "maxItems": 0, "minimum": 0.5, "x-kubernetes-int-or-string": true,
                "additionalProperties": false, "items": {"type": "string"},
                "dependencies": {"a": ["b"], "c": {"type": "string"}},
                "properties": {"a": {"additionalProperties": {"type": "string"}},
                    "b": {"items": [{"type": "string"}, {}]}}}}}]}}),
    );
}

#[test]
fn lists_in_maps_are_messages_of_their_own() {
    let request = json!({"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
        "spec": {"request": "YQ==", "signerName": "s", "extra": {"scopes": ["a", ""], "b": ["c"]}}});
    check_round_trip(&request);

    // `map<string, ExtraValue>`, where `ExtraValue` has `repeated string items = 1`.
    let value = message(&[(1, b"c")]);
    let entry = message(&[(1, b"b"), (2, &value)]);
    let review = message(&[(2, &message(&[(5, &entry)]))]);
    let body = envelope("authorization.k8s.io/v1", "SubjectAccessReview", &review);
    assert_eq!(decode_any(&body).unwrap()["spec"]["extra"], json!({"b": ["c"]}));
}

#[test]
fn whole_numbers_stay_whole_where_fractions_are_allowed() {
    let schema = |minimum: Value| {
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "spec": {"versions": [{"name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"minimum": minimum}}}]}})
    };
    for minimum in [json!(2), json!(0), json!(-3), json!(0.5), json!(1e100), json!(-0.0)] {
        check_round_trip(&schema(minimum));
    }
}

#[test]
fn messages_that_are_embedded_in_embedded_ones_are_inlined() {
    check_round_trip(&json!({"apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding", "spec": {"matchResources": {"resourceRules": [
            {"apiGroups": ["a"], "operations": ["CREATE"], "resourceNames": ["n"], "scope": "*"}]}}}));
}

#[test]
fn zeros_that_go_always_writes_are_dropped() {
    let body = envelope(
        "v1",
        "Namespace",
        &message(&[
            (1, &message(&[(1, b"a"), (2, b""), (3, b""), (8, b"")])),
            (2, b""),
            (3, &message(&[(1, b"")])),
        ]),
    );

    let namespace = decode_any(&body).unwrap();

    assert_eq!(
        namespace,
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}})
    );
}

#[test]
fn embedded_structs_are_inlined() {
    let probe = message(&[(1, &message(&[(1, &message(&[(1, b"true")]))]))]);
    let container = message(&[(1, b"c"), (10, &probe)]);
    let body = envelope("v1", "Pod", &message(&[(2, &message(&[(2, &container)]))]));

    let pod = decode_any(&body).unwrap();

    assert_eq!(
        pod["spec"]["containers"][0]["livenessProbe"],
        json!({"exec": {"command": ["true"]}})
    );
}

#[test]
fn delete_options_keep_an_explicit_zero() {
    let mut options = Writer::default();
    options.varint(1, 0);
    let body = envelope("v1", "DeleteOptions", &options.into_bytes());

    let options = decode_any(&body).unwrap();

    assert_eq!(options["gracePeriodSeconds"], 0);
}

#[test]
fn negative_numbers_take_ten_bytes_and_come_back() {
    check_round_trip(&json!({"apiVersion": "v1", "kind": "Pod", "spec": {"priority": -5,
        "containers": []}}));
}

#[test]
fn unknown_field_numbers_are_skipped() {
    let body = envelope("v1", "ConfigMap", &message(&[(99, b"x")]));

    assert_eq!(decode_any(&body).unwrap(), json!({"apiVersion": "v1", "kind": "ConfigMap"}));
}

#[test]
fn watch_frame_is_led_by_its_length() {
    let frame = watch_event("ADDED", &json!({"apiVersion": "v1", "kind": "ConfigMap"})).unwrap();

    let (length, message) = frame.split_at(4);
    assert_eq!(length, u32::try_from(message.len()).unwrap().to_be_bytes());
    let mut reader = Reader::new(message);
    assert_eq!(reader.next(), Ok(Some((1, Wire::Bytes(b"ADDED")))));
}

#[test]
fn bodies_without_magic_or_of_unknown_kinds_are_refused() {
    assert_eq!(decode_any(b"{}"), Err(ProtobufError::Magic));
    assert!(matches!(
        decode_any(&envelope("example.com/v1", "Thing", b"")),
        Err(ProtobufError::UnknownKind { .. })
    ));
}

#[test]
fn cut_bodies_are_refused() {
    let body =
        encode(&json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}})).unwrap();

    assert_eq!(decode_any(&body[..body.len() - 1]), Err(ProtobufError::Truncated));
}

proptest! {
    #[test]
    fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _pod = decode_any(&envelope("v1", "Pod", &bytes));
        let _envelope = decode_any(&[MAGIC, &bytes].concat());
    }
}

/// `encode` leaves out nothing that `decode_any` would need to give the same object back, except empty
/// required lists.
fn check_round_trip(object: &Value) {
    let bytes = encode(object).unwrap();

    let mut decoded = decode_any(&bytes).unwrap();
    if object["spec"]["containers"] == json!([]) {
        decoded["spec"]["containers"] = json!([]);
    }
    assert_eq!(decoded, *object);
}

fn envelope(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let type_meta = message(&[(1, api_version.as_bytes()), (2, kind.as_bytes())]);
    [MAGIC, &message(&[(1, &type_meta), (2, raw), (3, b""), (4, b"")])].concat()
}

fn message(fields: &[(u32, &[u8])]) -> Vec<u8> {
    let mut writer = Writer::default();
    for (number, bytes) in fields {
        writer.bytes(*number, bytes);
    }
    writer.into_bytes()
}

#[test]
fn metadata_alone_is_a_message_with_the_metadata_of_the_object() {
    let metadata = json!({"name": "a", "labels": {"b": "c"}});
    let one = json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": metadata});
    let list = json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList",
        "metadata": {"resourceVersion": "7"}, "items": [one, one]});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata});
    let pods = json!({"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "7"}, "items": [pod, pod]});

    // An object whose only field is its metadata has the same message, whatever its kind.
    let raw = |object: &Value| {
        let bytes = encode(object).unwrap();
        Envelope::read(bytes.strip_prefix(MAGIC).unwrap()).unwrap().raw.to_vec()
    };
    assert_eq!(raw(&one), raw(&pod));
    assert_eq!(raw(&list), raw(&pods));
}
