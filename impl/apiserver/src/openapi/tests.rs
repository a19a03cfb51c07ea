//! What kubectl reads out of the documents.

use super::*;

#[test]
fn every_group_version_has_a_document() {
    let roots = roots();

    assert!(resources::ALL.iter().all(|resource| roots.contains(&root(resource))));
    assert!(roots.iter().all(|root| document(root).is_some()));
}

#[test]
fn unknown_group_versions_have_no_document() {
    assert_eq!(document("apis/example.com/v1"), None);
}

#[test]
fn patch_of_a_kind_takes_field_validation() {
    let document = document("apis/apps/v1").unwrap();

    let patch =
        &document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"];
    assert_eq!(
        patch["x-kubernetes-group-version-kind"],
        json!({"group": "apps", "version": "v1", "kind": "Deployment"})
    );
    let parameters = patch["parameters"].as_array().unwrap();
    assert!(parameters.iter().any(|parameter| parameter["name"] == "fieldValidation"));
    assert_eq!(patch["operationId"], "patchAppsV1NamespacedDeployment");
}

#[test]
fn every_reference_leads_to_a_schema() {
    for root in roots() {
        let document = document(&root).unwrap();
        let mut names = BTreeSet::new();
        collect_references(&document, &mut names);

        let schemas = &document["components"]["schemas"];
        for name in names {
            assert!(schemas.get(&name).is_some(), "{name} in {root}");
        }
    }
}

#[test]
fn kinds_of_a_group_say_which_they_are() {
    let document = document("api/v1").unwrap();

    let pod = &document["components"]["schemas"]["io.k8s.api.core.v1.Pod"];
    assert_eq!(
        pod["x-kubernetes-group-version-kind"],
        json!([{"group": "", "version": "v1", "kind": "Pod"}])
    );
    assert_eq!(
        pod["properties"]["spec"]["allOf"],
        json!([{"$ref": "#/components/schemas/io.k8s.api.core.v1.PodSpec"}])
    );
    assert!(pod["properties"]["spec"]["description"].is_string());
}

#[test]
fn lists_say_how_they_merge() {
    let document = document("api/v1").unwrap();

    let mut volumes = document["components"]["schemas"]["io.k8s.api.core.v1.PodSpec"]["properties"]
        ["volumes"]
        .clone();
    volumes.as_object_mut().unwrap().remove("description");
    assert_eq!(
        volumes,
        json!({"type": "array",
            "items": {"$ref": "#/components/schemas/io.k8s.api.core.v1.Volume"},
            "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
            "x-kubernetes-patch-strategy": "merge,retainKeys",
            "x-kubernetes-patch-merge-key": "name"})
    );
}

#[test]
fn subresources_have_the_kind_of_their_bodies() {
    let document = document("api/v1").unwrap();

    let eviction =
        &document["paths"]["/api/v1/namespaces/{namespace}/pods/{name}/eviction"]["post"];
    assert_eq!(eviction["x-kubernetes-group-version-kind"]["kind"], "Eviction");
    assert_eq!(eviction["x-kubernetes-action"], "post");
}
