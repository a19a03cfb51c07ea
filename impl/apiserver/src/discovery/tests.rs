//! Discovery against what Kubernetes v1.36 serves by default.

use std::collections::BTreeSet;

use super::*;

const KUBERNETES: &str = include_str!("kubernetes-1.36.txt");

fn list(value: &Value, field: &str) -> String {
    let names = value[field].as_array().into_iter().flatten().filter_map(Value::as_str);
    match names.collect::<Vec<_>>().join(",") {
        none if none.is_empty() => "-".to_owned(),
        names if names == VERBS.join(",") => "*".to_owned(),
        names => names,
    }
}

fn kind(value: &Value) -> String {
    let parts = ["group", "version", "kind"].map(|part| value[part].as_str().unwrap_or_default());
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

fn line(group_version: &str, name: &str, rest: [String; 5]) -> String {
    format!("{group_version} {name} {}", rest.join(" "))
}

/// What the aggregated documents tell, a line for each resource and subresource.
fn aggregated_lines() -> Vec<String> {
    let groups = GROUPS.iter().map(|(group, _)| (group, aggregated_group(group)));
    let mut lines = vec![];
    for (group, value) in groups {
        for version in value["versions"].as_array().into_iter().flatten() {
            let version_name = version["version"].as_str().unwrap_or_default();
            let group_version = if group.is_empty() {
                version_name.to_owned()
            } else {
                format!("{group}/{version_name}")
            };
            for resource in version["resources"].as_array().into_iter().flatten() {
                lines.extend(resource_lines(&group_version, resource));
            }
        }
    }
    lines
}

fn resource_lines(group_version: &str, resource: &Value) -> Vec<String> {
    let (name, scope) = (resource["resource"].as_str().unwrap_or_default(), &resource["scope"]);
    let scope = scope.as_str().unwrap_or_default().to_owned();
    let of = |value: &Value| {
        let (short_names, categories) = (list(value, "shortNames"), list(value, "categories"));
        [kind(&value["responseKind"]), scope.clone(), list(value, "verbs"), short_names, categories]
    };
    let own = line(group_version, name, of(resource));
    let below = resource["subresources"].as_array().into_iter().flatten().map(|subresource| {
        let name = format!("{name}/{}", subresource["subresource"].as_str().unwrap_or_default());
        line(group_version, &name, of(subresource))
    });
    std::iter::once(own).chain(below).collect()
}

/// What the documents of each group and version tell.
fn legacy_lines() -> Vec<String> {
    let versions = GROUPS.iter().flat_map(|(group, _)| {
        versions(group).into_iter().map(|version| api_resources(group, version))
    });
    let lines = versions.flat_map(|document| {
        let group_version = document["groupVersion"].as_str().unwrap_or_default().to_owned();
        let resources = document["resources"].as_array().cloned().unwrap_or_default();
        resources.into_iter().map(move |resource| {
            let scope = if resource["namespaced"] == true { "Namespaced" } else { "Cluster" };
            let (short_names, categories) =
                (list(&resource, "shortNames"), list(&resource, "categories"));
            let rest = [
                kind(&resource),
                scope.to_owned(),
                list(&resource, "verbs"),
                short_names,
                categories,
            ];
            line(&group_version, resource["name"].as_str().unwrap_or_default(), rest)
        })
    });
    lines.collect()
}

fn expected() -> Vec<&'static str> {
    KUBERNETES.lines().filter(|line| !line.starts_with('#')).collect()
}

#[test]
fn discovery_tells_what_kubernetes_serves_in_its_order() {
    let expected = expected();

    for lines in [aggregated_lines(), legacy_lines()] {
        let served: BTreeSet<&str> = lines.iter().map(String::as_str).collect();
        let wanted: BTreeSet<&str> = expected.iter().copied().collect();
        let missing: Vec<_> = wanted.difference(&served).collect();
        let extra: Vec<_> = served.difference(&wanted).collect();
        assert!(missing.is_empty() && extra.is_empty(), "missing {missing:#?}, extra {extra:#?}");
        assert_eq!(lines, expected);
    }
}

#[test]
fn a_group_prefers_its_first_version() {
    let group = group("autoscaling");

    assert_eq!(group["preferredVersion"]["groupVersion"], "autoscaling/v2");
    assert_eq!(group["versions"][1]["version"], "v1");
}

#[test]
fn both_versions_are_stored_as_one() {
    let hash = |version| {
        let found = resources::find("autoscaling", version, "horizontalpodautoscalers");
        storage_version_hash(found.expect("it is served"))
    };

    assert_eq!(hash("v1"), hash("v2"));
    assert_eq!(storage_version_hash(&resources::PODS), "xPOwRZ+Yhw8=");
}

#[test]
fn who_knows_all_groups_is_not_told_again() {
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList".to_owned();
    let ask = |if_none_match: &str| {
        let (accept, if_none_match) = (accept.clone(), if_none_match.to_owned());
        groups(&Call { accept, if_none_match, ..Call::default() })
    };

    let first = ask("");
    let tag = entity_tag::header(&first, http::header::ETAG).unwrap().to_owned();
    let again = ask(&tag);

    assert_eq!(tag, format!("\"{}\"", entity_tag::of(&first.body)));
    for response in [&first, &again] {
        assert_eq!(entity_tag::header(response, CACHE_CONTROL), Some("public"));
        assert_eq!(entity_tag::header(response, http::header::VARY), Some("Accept"));
    }
    assert_eq!((first.code, again.code, again.body.len()), (200, 304, 0));
    assert_eq!(ask("\"other\"").code, 200);
}
