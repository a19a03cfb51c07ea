//! What a server says that it serves.

use http::Method;
use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use super::client::Api;
use super::official;
use crate::support::{Outcome, ensure};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        official("server version should find the server version", version),
        official("Discovery should validate PreferredVersion for each APIGroup", preferred),
        official(
            "Discovery should locate the groupVersion and a resource within each APIGroup",
            resources,
        ),
        official("AggregatedDiscovery should support aggregated discovery interface", aggregated),
        official(
            "AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers",
            accept_headers,
        ),
        official(
            "AdmissionWebhook [Privileged:ClusterAdmin] should include webhook resources in discovery \
             documents",
            webhooks,
        ),
        official(
            "CustomResourceDefinition resources [Privileged:ClusterAdmin] should include custom resource \
             definition resources in discovery documents",
            definitions,
        ),
        official("API Server should provide secure master service", kubernetes_service),
        official("Services should find a service from listing all namespaces", service_is_listed),
        official("Conformance Tests should have at least two untainted nodes", nodes),
    ]
}

fn items<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value[field].as_array().map_or(&[], Vec::as_slice)
}

fn has(list: &Value, field: &str, key: &str, value: &str) -> bool {
    items(list, field).iter().any(|entry| entry[key] == value)
}

async fn version(api: Api) -> Outcome {
    let version = api.read("/version").await?;
    let is_number =
        |field: &str| version[field].as_str().is_some_and(|text| text.parse::<u32>().is_ok());
    ensure(is_number("major") && is_number("minor"), version)
}

async fn preferred(api: Api) -> Outcome {
    for group in items(&api.read("/apis").await?, "groups") {
        let preferred = group["preferredVersion"]["groupVersion"].as_str().unwrap_or_default();
        ensure(has(group, "versions", "groupVersion", preferred), group)?;
    }
    Ok(())
}

async fn resources(api: Api) -> Outcome {
    for group in items(&api.read("/apis").await?, "groups") {
        for version in items(group, "versions") {
            let name = version["groupVersion"].as_str().unwrap_or_default();
            let list = api.read(&format!("/apis/{name}")).await?;
            let first = &list["resources"][0];
            ensure(list["groupVersion"] == name && first["kind"].is_string(), list)?;
        }
    }
    Ok(())
}

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
/// A built-in resource of each of a few groups.
const BUILT_IN: [(&str, &str, &str); 5] = [
    ("", "v1", "pods"),
    ("apps", "v1", "deployments"),
    ("batch", "v1", "jobs"),
    ("networking.k8s.io", "v1", "ingresses"),
    ("rbac.authorization.k8s.io", "v1", "roles"),
];

/// Both documents, `/api` and `/apis`.
async fn documents(api: &Api, accept: &str) -> Result<Vec<Value>, Failed> {
    let mut documents = vec![];
    for path in ["/api", "/apis"] {
        let (code, document) = api.send(Method::GET, path, &[("accept", accept)], None).await?;
        ensure(code == 200, format!("{path} as {accept}: {code} {document}"))?;
        documents.push(document);
    }
    Ok(documents)
}

async fn aggregated(api: Api) -> Outcome {
    let documents = documents(&api, AGGREGATED).await?;
    let groups: Vec<&Value> =
        documents.iter().flat_map(|document| items(document, "items")).collect();
    for (group, version, resource) in BUILT_IN {
        let found = groups
            .iter()
            .find(|found| found["metadata"]["name"].as_str().unwrap_or_default() == group);
        let versions = found.map_or(&[][..], |found| items(found, "versions"));
        let is_there = versions.iter().any(|found| {
            found["version"] == version && has(found, "resources", "resource", resource)
        });
        ensure(is_there, format!("no {resource} of {group}/{version}"))?;
    }
    Ok(())
}

/// Both forms are had by name; a list of names gets the first that is known.
async fn accept_headers(api: Api) -> Outcome {
    for (accept, kinds) in [
        (AGGREGATED.to_owned(), ["APIGroupDiscoveryList"; 2]),
        (format!("{AGGREGATED},application/json"), ["APIGroupDiscoveryList"; 2]),
        ("application/json".to_owned(), ["APIVersions", "APIGroupList"]),
    ] {
        let documents = documents(&api, &accept).await?;
        for (document, kind) in documents.iter().zip(kinds) {
            ensure(document["kind"] == kind, format!("{accept}: {}", document["kind"]))?;
        }
    }
    Ok(())
}

async fn is_discovered(api: &Api, group: &str, resources: &[&str]) -> Outcome {
    let version = format!("{group}/v1");
    ensure(has(&api.read("/apis").await?, "groups", "name", group), format!("no {group}"))?;
    let versions = api.read(&format!("/apis/{group}")).await?;
    ensure(has(&versions, "versions", "groupVersion", &version), versions)?;
    let list = api.read(&format!("/apis/{version}")).await?;
    for resource in resources {
        ensure(has(&list, "resources", "name", resource), format!("no {resource}"))?;
    }
    Ok(())
}

async fn webhooks(api: Api) -> Outcome {
    let resources = ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"];
    is_discovered(&api, "admissionregistration.k8s.io", &resources).await
}

async fn definitions(api: Api) -> Outcome {
    is_discovered(&api, "apiextensions.k8s.io", &["customresourcedefinitions"]).await
}

async fn kubernetes_service(api: Api) -> Outcome {
    let service = api.read("/api/v1/namespaces/default/services/kubernetes").await?;
    ensure(has(&service["spec"], "ports", "name", "https"), service)
}

async fn service_is_listed(api: Api) -> Outcome {
    let services = api.cluster_wide("v1", "services").list("").await?;
    let found = services.iter().any(|service| {
        service["metadata"]["name"] == "kubernetes" && service["metadata"]["namespace"] == "default"
    });
    ensure(found, "no Service kubernetes in default")
}

async fn nodes(api: Api) -> Outcome {
    let is_free = |node: &&Value| {
        let conditions = node["status"]["conditions"].as_array().into_iter().flatten();
        let is_ready = conditions
            .into_iter()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
        is_ready && node["spec"]["taints"].as_array().is_none_or(Vec::is_empty)
    };
    crate::support::eventually("two nodes are ready and have no taint", || async {
        let nodes = api.cluster_wide("v1", "nodes").list("").await?;
        Ok((nodes.iter().filter(is_free).count() >= 2).then_some(()))
    })
    .await
}
