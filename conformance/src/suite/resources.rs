//! Which resources an API server has, and where: what its discovery says.

use std::collections::BTreeMap;

use http::Method;
use model::request::Request;
use model::walks::Walk;
use serde::Deserialize;
use serde_json::Value;

use super::connection::Connection;
use super::kubeconfig::CannotRun;

/// A resource, as an API server serves it.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    /// `apiVersion` of its objects.
    pub(super) api_version: String,
    /// Their kind.
    pub(super) kind: String,
    /// The path of what it is in: `/api/v1` or `/apis/apps/v1`.
    prefix: String,
    /// Its name in a path.
    plural: String,
    is_namespaced: bool,
}

impl Resource {
    /// The path of its collection, in this namespace if it has one.
    pub(super) fn collection(&self, namespace: &str) -> String {
        let Self { prefix, plural, .. } = self;
        match self.is_namespaced {
            true => format!("{prefix}/namespaces/{namespace}/{plural}"),
            false => format!("{prefix}/{plural}"),
        }
    }
}

/// The resources that a walk needs, by their names with groups.
pub(super) type Resources = BTreeMap<String, Resource>;

/// The requests of a walk that say all that the suite has to know.
pub(super) fn requests(walk: &Walk) -> impl Iterator<Item = Request> {
    let steps = walk.steps.iter().filter_map(|step| request(step.request.as_ref()?));
    walk.start.iter().cloned().chain(steps)
}

/// A request that says all that the suite has to know: one with a body.
pub(super) fn request(written: &Value) -> Option<Request> {
    written.get("body")?;
    Request::deserialize(written).ok()
}

/// Asks for the resources of a walk. If the server lacks one, says which.
pub(super) async fn find(
    connection: &Connection,
    walk: &Walk,
) -> Result<Result<Resources, String>, CannotRun> {
    let mut found = Resources::new();
    for request in requests(walk) {
        let (name, subresource) = split(&request.resource);
        let list = discover(connection, name).await?;
        let entry = |plural: &str| {
            let resources = list.as_ref()?["resources"].as_array()?.iter();
            resources.into_iter().find(|resource| resource["name"] == plural).cloned()
        };
        let (plural, _) = name.split_once('.').unwrap_or((name, ""));
        let has_subresource =
            subresource.is_none_or(|of| entry(&format!("{plural}/{of}")).is_some());
        let Some(resource) = entry(plural).filter(|_| has_subresource) else {
            return Ok(Err(format!("the server has no {}", request.resource)));
        };
        let api_version = list.as_ref().and_then(|list| list["groupVersion"].as_str());
        found.insert(name.to_owned(), served(api_version.unwrap_or("v1"), plural, &resource));
    }
    Ok(Ok(found))
}

/// The name of a resource with its group, and its subresource.
pub(super) fn split(resource: &str) -> (&str, Option<&str>) {
    match resource.split_once('/') {
        Some((name, subresource)) => (name, Some(subresource)),
        None => (resource, None),
    }
}

fn served(api_version: &str, plural: &str, resource: &Value) -> Resource {
    Resource {
        api_version: api_version.to_owned(),
        kind: resource["kind"].as_str().unwrap_or_default().to_owned(),
        prefix: match api_version {
            "v1" => "/api/v1".to_owned(),
            _ => format!("/apis/{api_version}"),
        },
        plural: plural.to_owned(),
        is_namespaced: resource["namespaced"] == true,
    }
}

/// The `APIResourceList` of the preferred version of a resource's group.
async fn discover(connection: &Connection, name: &str) -> Result<Option<Value>, CannotRun> {
    let path = match name.split_once('.') {
        None => "/api/v1".to_owned(),
        Some((_, group)) => {
            let answer = connection.send(Method::GET, &format!("/apis/{group}"), None).await?;
            let version = answer.body["preferredVersion"]["groupVersion"].as_str();
            match version {
                Some(version) => format!("/apis/{version}"),
                None => return Ok(None),
            }
        }
    };
    let answer = connection.send(Method::GET, &path, None).await?;
    Ok(answer.is_granted().then_some(answer.body))
}
