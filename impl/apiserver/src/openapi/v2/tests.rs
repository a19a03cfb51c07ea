//! What kubectl reads out of version 2.

use std::collections::BTreeSet;

use super::*;
use crate::openapi::gnostic::reading::{fields, follow, named};

fn collect_references(value: &Value, names: &mut BTreeSet<String>) {
    if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
        names.insert(reference.to_owned());
    }
    let items = value.as_array().into_iter().flatten();
    for inner in items.chain(entries(value).map(|(_, inner)| inner)) {
        collect_references(inner, names);
    }
}

#[test]
fn every_reference_leads_to_a_definition() {
    let document = document_v2();
    let mut names = BTreeSet::new();
    collect_references(&document, &mut names);

    assert!(names.len() > 400);
    for name in names {
        let found = name.strip_prefix(PREFIX_V2).and_then(|name| document["definitions"].get(name));
        assert!(found.is_some(), "{name}");
    }
}

#[test]
fn lists_say_how_they_merge() {
    let document = document_v2();

    let pod_spec = &document["definitions"]["io.k8s.api.core.v1.PodSpec"]["properties"];
    let mut volumes = pod_spec["volumes"].clone();
    volumes.as_object_mut().unwrap().remove("description");
    assert_eq!(
        volumes,
        json!({"type": "array", "items": {"$ref": "#/definitions/io.k8s.api.core.v1.Volume"},
            "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "x-kubernetes-patch-strategy": "merge,retainKeys",
            "x-kubernetes-patch-merge-key": "name"})
    );
    let security_context = &pod_spec["securityContext"];
    assert_eq!(security_context["$ref"], "#/definitions/io.k8s.api.core.v1.PodSecurityContext");
    assert!(security_context["description"].is_string() && security_context.get("allOf").is_none());
}

#[test]
fn the_paths_that_tell_of_the_api_are_there() {
    let paths = document_v2()["paths"].take();

    let types = |path: &str, word: &str| paths[path]["get"].get(word).cloned();
    for path in ["/api/", "/api/v1/", "/apis/", "/apis/apps/", "/apis/apps/v1/"] {
        assert!(types(path, "produces").is_some(), "{path}");
        assert_eq!(types(path, "consumes"), types(path, "produces"), "{path}");
    }
    assert_eq!(types("/version/", "consumes"), Some(json!(["application/json"])));
    for path in ["/openid/v1/jwks/", "/.well-known/openid-configuration/"] {
        assert_eq!(types(path, "consumes"), None, "{path}");
        assert_eq!(types(path, "parameters"), None, "{path}");
        assert_eq!(paths[path]["get"]["responses"]["200"]["schema"], json!({"type": "string"}));
    }
}

#[test]
fn one_of_several_types_is_a_text() {
    let definitions = document_v2()["definitions"].take();

    let mut int_or_string = definitions["io.k8s.apimachinery.pkg.util.intstr.IntOrString"].clone();
    int_or_string.as_object_mut().unwrap().remove("description");
    assert_eq!(int_or_string, json!({"type": "string", "format": "int-or-string"}));
    let quantity = &definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"];
    assert_eq!((quantity["type"].as_str(), quantity.get("oneOf")), (Some("string"), None));
}

#[test]
fn a_definition_is_of_the_kinds_of_all_documents() {
    let document = document_v2();

    let options = &document["definitions"]["io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"];
    let kinds = options[KINDS].as_array().unwrap();
    for group in ["", "apps", "batch", "storage.k8s.io"] {
        let kind = json!({"group": group, "version": "v1", "kind": "DeleteOptions"});
        assert_eq!(kinds.iter().filter(|found| **found == kind).count(), 1, "{group}");
    }
    assert!(
        document["definitions"]["io.k8s.api.core.v1.Pod"][KINDS].as_array().unwrap().len() == 1
    );
}

#[test]
fn a_patch_says_what_it_takes_and_of_which_kind() {
    let document = document_v2();

    let path = "/apis/apps/v1/namespaces/{namespace}/deployments/{name}";
    let patch = &document["paths"][path]["patch"];
    assert_eq!(patch["x-kubernetes-action"], "patch");
    assert_eq!(patch["x-kubernetes-group-version-kind"]["kind"], "Deployment");
    let definition = "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.Patch";
    let body =
        json!({"name": "body", "in": "body", "required": true, "schema": {"$ref": definition}});
    assert_eq!(patch["parameters"][0], body);
    assert!(patch.get("requestBody").is_none());
    let consumed = patch["consumes"].as_array().unwrap();
    assert!(consumed.contains(&json!("application/strategic-merge-patch+json")));
    let deployment = json!({"$ref": "#/definitions/io.k8s.api.apps.v1.Deployment"});
    assert_eq!(patch["responses"]["200"]["schema"], deployment);
}

#[test]
fn protobuf_tells_the_same() {
    let document = document_v2();

    let message = protobuf(&document);

    assert_eq!(follow(&message, &[1]), b"2.0");
    let definitions = fields(follow(&message, &[9]), 1);
    assert_eq!(definitions.len(), document["definitions"].as_object().unwrap().len());
    let pod_spec = named(&definitions, "io.k8s.api.core.v1.PodSpec");
    let volumes = named(&fields(follow(pod_spec, &[25]), 1), "volumes");
    assert_eq!(follow(volumes, &[22, 1]), b"array");
    assert_eq!(follow(volumes, &[23, 1, 1]), b"#/definitions/io.k8s.api.core.v1.Volume");
    let merge_key = named(&fields(volumes, 31), "x-kubernetes-patch-merge-key");
    assert_eq!(follow(merge_key, &[2]), b"\"name\"");

    let paths = fields(follow(&message, &[8]), 2);
    assert_eq!(paths.len(), document["paths"].as_object().unwrap().len());
    let pod = named(&paths, "/api/v1/namespaces/{namespace}/pods/{name}");
    let patch = follow(pod, &[8]);
    assert_eq!(follow(patch, &[5]), b"patchCoreV1NamespacedPod");
    let kind: Value = serde_json::from_slice(follow(
        named(&fields(patch, 13), "x-kubernetes-group-version-kind"),
        &[2],
    ))
    .unwrap();
    assert_eq!(kind, json!({"group": "", "version": "v1", "kind": "Pod"}));
    let parameters: Vec<_> = fields(patch, 8).into_iter().map(|item| follow(item, &[1])).collect();
    assert_eq!(follow(parameters[0], &[1, 2]), b"body");
    assert_eq!(follow(parameters[1], &[2, 3, 4]), b"dryRun");
    assert_eq!(follow(fields(pod, 9)[0], &[1, 2, 4, 4]), b"namespace");
    let answer = named(&fields(follow(patch, &[9]), 1), "200");
    assert_eq!(follow(answer, &[1, 2, 1, 1]), b"#/definitions/io.k8s.api.core.v1.Pod");
}
