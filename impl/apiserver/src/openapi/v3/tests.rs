//! What a client reads out of version 3 in protobuf.

use super::*;
use crate::openapi::document;
use crate::openapi::gnostic::reading::{fields, follow, named};

#[test]
fn protobuf_tells_the_same() {
    let document = document("apis/apps/v1").unwrap();

    let message = protobuf(&document);

    assert_eq!(follow(&message, &[1]), b"3.0.0");
    let schemas = fields(follow(&message, &[5, 1]), 1);
    let told = document["components"]["schemas"].as_object().unwrap();
    assert_eq!(schemas.len(), told.len());
    let pod_spec = follow(named(&schemas, "io.k8s.api.core.v1.PodSpec"), &[1]);
    assert_eq!(fields(pod_spec, 23), [b"containers"]);
    let properties = fields(follow(pod_spec, &[31]), 1);
    let volumes = follow(named(&properties, "volumes"), &[1]);
    assert_eq!(follow(volumes, &[25]), b"array");
    let items = follow(volumes, &[30, 1]);
    assert_eq!(follow(items, &[2, 1]), b"#/components/schemas/io.k8s.api.core.v1.Volume");
    let merge_key = named(&fields(volumes, 36), "x-kubernetes-patch-merge-key");
    assert_eq!(follow(merge_key, &[2]), b"\"name\"");

    let paths = fields(follow(&message, &[4]), 1);
    assert_eq!(paths.len(), document["paths"].as_object().unwrap().len());
    let item = named(&paths, "/apis/apps/v1/namespaces/{namespace}/deployments/{name}");
    let patch = follow(item, &[10]);
    assert_eq!(follow(patch, &[5]), b"patchAppsV1NamespacedDeployment");
    assert_eq!(follow(fields(patch, 6)[0], &[1, 1]), b"dryRun");
    let bodies = fields(follow(patch, &[7, 1, 2]), 1);
    let body = named(&bodies, "application/merge-patch+json");
    let patched = b"#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
    assert_eq!(follow(body, &[1, 2, 1]), patched);
    let answers = fields(follow(patch, &[8]), 2);
    let content = fields(follow(named(&answers, "200"), &[1, 3]), 1);
    let deployment = b"#/components/schemas/io.k8s.api.apps.v1.Deployment";
    assert_eq!(follow(named(&content, "application/json"), &[1, 2, 1]), deployment);
}

#[test]
fn what_stands_for_an_absent_field_is_told_by_its_type() {
    let told = |default: Value| default_type(&default).into_bytes();

    assert_eq!(told(serde_json::json!(1)), [b"\x09".as_slice(), &1.0_f64.to_le_bytes()].concat());
    assert_eq!(told(serde_json::json!(true)), b"\x10\x01");
    assert_eq!(told(serde_json::json!("a")), b"\x1a\x01a");
    assert_eq!(told(serde_json::json!({})), b"");
}
