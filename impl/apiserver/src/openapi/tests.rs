//! What kubectl reads out of the documents.

use super::*;

#[test]
fn every_group_version_has_a_document() {
    let roots = roots();

    assert!(resources::ALL.iter().all(|resource| roots.contains(&root(resource))));
    assert!(roots.iter().all(|root| document(root).is_some()));
}

#[test]
fn the_paths_that_tell_of_the_api_have_documents_and_are_served() {
    let roots = roots();

    for root in [
        "api",
        "apis",
        "apis/apps",
        "version",
        "openid/v1/jwks",
        ".well-known/openid-configuration",
    ] {
        assert!(roots.contains(root), "{root}");
        let document = document(root).unwrap();
        let path = format!("/{root}/");
        let operation = &document["paths"][&path]["get"];
        assert!(operation["operationId"].is_string(), "{document}");
        let target = crate::route(&path);
        assert!(!matches!(target, Err(_) | Ok(crate::Target::Nothing)), "{path}: {target:?}");
    }
    let resources = &document("apis/rbac.authorization.k8s.io/v1").unwrap()["paths"]["/apis/rbac.authorization.k8s.io/v1/"]
        ["get"];
    assert_eq!(resources["operationId"], "getRbacAuthorizationV1APIResources");
    assert_eq!(resources["tags"], json!(["rbacAuthorization_v1"]));
    let group = &document("apis/apps").unwrap()["paths"]["/apis/apps/"]["get"];
    assert_eq!(group["operationId"], "getAppsAPIGroup");
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

/// The names of parameters.
fn names(parameters: &Value) -> Vec<&str> {
    let names = parameters.as_array().into_iter().flatten();
    names.filter_map(|parameter| parameter["name"].as_str()).collect()
}

#[test]
fn operations_say_what_they_do_and_what_they_answer() {
    let document = document("api/v1").unwrap();
    let pod = &document["paths"]["/api/v1/namespaces/{namespace}/pods/{name}"];
    let maps = &document["paths"]["/api/v1/namespaces/{namespace}/configmaps/{name}"];

    assert_eq!(pod["patch"]["description"], "partially update the specified Pod");
    let codes = |operation: &Value| -> Vec<String> {
        operation["responses"].as_object().into_iter().flat_map(Map::keys).cloned().collect()
    };
    assert_eq!(codes(&pod["put"]), ["200", "201", "401"]);
    assert_eq!(codes(&pod["delete"]), ["200", "202", "401"]);
    let answer = |operation: &Value| {
        let content = &operation["responses"]["200"]["content"]["application/json"];
        content["schema"]["$ref"].as_str().unwrap().rsplit('.').next().unwrap().to_owned()
    };
    assert_eq!((answer(&pod["delete"]), answer(&maps["delete"])), ("Pod".into(), "Status".into()));
    assert!(document["paths"]["/api/v1/namespaces"].get("delete").is_none());
}

#[test]
fn what_the_only_operation_of_a_path_takes_is_told_of_the_path() {
    let document = document("api/v1").unwrap();

    let pods = &document["paths"]["/api/v1/pods"];
    assert!(names(&pods["parameters"]).contains(&"labelSelector"));
    assert_eq!(pods["get"].get("parameters"), None);
    let exec = &document["paths"]["/api/v1/namespaces/{namespace}/pods/{name}/exec"];
    let expected =
        ["namespace", "name", "command", "container", "stderr", "stdin", "stdout", "tty"];
    assert_eq!(names(&exec["parameters"]), expected);
    assert_eq!(exec["get"]["operationId"], "connectCoreV1GetNamespacedPodExec");
}

#[test]
fn groups_of_several_words_are_named_as_one() {
    let document = document("apis/rbac.authorization.k8s.io/v1").unwrap();

    let roles = &document["paths"]["/apis/rbac.authorization.k8s.io/v1/clusterroles"]["get"];
    assert_eq!(roles["operationId"], "listRbacAuthorizationV1ClusterRole");
    assert_eq!(roles["tags"], json!(["rbacAuthorization_v1"]));
    assert_eq!(roles["description"], "list or watch objects of kind ClusterRole");
}
