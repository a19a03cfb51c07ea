//! What a path names.

use api::{ApiResource, Status, resources};
use percent_encoding::percent_decode_str;

use crate::version::{self, Version};

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Nothing that the API server has a part in.
    Nothing,
    /// `/`: the paths that are served.
    Paths,
    /// `/version`.
    Version,
    /// `/healthz`, `/livez`, `/readyz` and the checks below them.
    Health,
    /// `/api`: the versions of the core group.
    CoreVersions,
    /// `/apis`: every other group.
    Groups,
    /// `/apis/apps`.
    Group(&'static str),
    /// `/api/v1`, `/apis/apps/v1`: the resources of a group and version.
    Resources(&'static str, &'static str),
    /// `/.well-known/openid-configuration`.
    IssuerConfiguration,
    /// `/openid/v1/jwks`.
    IssuerKeys,
    /// `/openapi/v2`.
    OpenApiVersion2,
    /// `/openapi/v3`.
    OpenApiIndex,
    /// `/openapi/v3/apis/apps/v1`.
    OpenApiDocument(String),
    /// Objects.
    Objects(Objects),
    /// `/api/v1/watch/pods`: what happens to objects, as it was asked for before `?watch=1`.
    Watched(Objects),
}

/// The objects that a path names: one, those of a namespace, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objects {
    /// Their resource, as it is stored.
    pub resource: &'static ApiResource,
    /// The version that is asked for, if it is stored as another one.
    pub version: Option<&'static Version>,
    /// Their namespace; `None` for cluster-scoped resources and for all namespaces.
    pub namespace: Option<String>,
    /// The name of the one.
    pub name: Option<String>,
    /// `status`, `binding` …; empty for the object itself.
    pub subresource: &'static str,
}

impl Objects {
    /// The resource, as it is asked for.
    pub fn served(&self) -> &'static ApiResource {
        self.version.map_or(self.resource, |version| version.served)
    }

    /// Whether what is answered can be a table. What is only sent, and never listed, has no columns.
    pub fn has_columns(&self) -> bool {
        let is_listed = self.resource.is_stored || resources::PROBED.contains(&self.resource);
        is_listed && !matches!(self.subresource, "binding" | "eviction" | "token")
    }

    /// The name of the one object that is meant.
    pub fn name(&self) -> Result<&str, Status> {
        self.name.as_deref().ok_or_else(Status::method_not_allowed)
    }
}

/// Understands a path, as its client has escaped it: `/api/v1/namespaces/a%31`.
pub fn route(path: &str) -> Result<Target, Status> {
    let path = &*percent_decode_str(path)
        .decode_utf8()
        .map_err(|_| Status::bad_request("the path is not UTF-8"))?;
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let target = match segments.as_slice() {
        [] | ["index.html"] => Some(Target::Paths),
        ["version"] => Some(Target::Version),
        ["healthz" | "livez" | "readyz", ..] => Some(Target::Health),
        ["api"] => Some(Target::CoreVersions),
        ["apis"] => Some(Target::Groups),
        ["apis", group] => known_group(group).map(Target::Group),
        ["api", version] => known_version("", version),
        ["apis", group, version] => known_version(group, version),
        [".well-known", "openid-configuration"] => Some(Target::IssuerConfiguration),
        ["openid", "v1", "jwks"] => Some(Target::IssuerKeys),
        ["openapi", "v2"] => Some(Target::OpenApiVersion2),
        ["openapi", "v3"] => Some(Target::OpenApiIndex),
        ["openapi", "v3", document @ ..] => Some(Target::OpenApiDocument(document.join("/"))),
        ["api", version, "watch", objects @ ..] => watched("", version, objects),
        ["apis", group, version, "watch", objects @ ..] => watched(group, version, objects),
        ["api", version, objects @ ..] => route_objects("", version, objects).map(Target::Objects),
        ["apis", group, version, objects @ ..] => {
            route_objects(group, version, objects).map(Target::Objects)
        }
        _ => None,
    };
    match (target, segments.as_slice()) {
        (Some(target), _) => Ok(target),
        (None, ["api" | "version" | "openapi", ..]) => Err(Status::no_such_path()),
        (None, ["apis", group, ..]) if known_group(group).is_some() => Err(Status::no_such_path()),
        (None, _) => Ok(Target::Nothing),
    }
}

fn known_group(group: &str) -> Option<&'static str> {
    let named = |resource: &&ApiResource| !group.is_empty() && resource.group == group;
    resources::served().find(named).map(|resource| resource.group)
}

fn known_version(group: &str, version: &str) -> Option<Target> {
    resources::served()
        .find(|resource| resource.group == group && resource.version == version)
        .map(|resource| Target::Resources(resource.group, resource.version))
}

/// Objects that can be watched: not their parts, and not what is never stored.
fn watched(group: &str, version: &str, segments: &[&str]) -> Option<Target> {
    let objects = route_objects(group, version, segments)?;
    let is_watched = objects.resource.is_stored && objects.subresource.is_empty();
    is_watched.then_some(Target::Watched(objects))
}

fn route_objects(group: &str, version: &str, segments: &[&str]) -> Option<Objects> {
    let (namespace, rest) = match segments {
        ["namespaces", namespace, plural, rest @ ..]
            if !resources::NAMESPACES.subresources.contains(plural) =>
        {
            (Some(*namespace), [&[*plural], rest].concat())
        }
        rest => (None, rest.to_vec()),
    };
    let (plural, name, subresource) = match rest.as_slice() {
        [plural] => (*plural, None, ""),
        [plural, name] => (*plural, Some(*name), ""),
        [plural, name, subresource] => (*plural, Some(*name), *subresource),
        [plural, name, "proxy", ..] => (*plural, Some(*name), "proxy"),
        _ => return None,
    };
    let resource = resources::find(group, version, plural)
        .filter(|resource| resource.namespaced || namespace.is_none())
        .filter(|resource| name.is_none() || namespace.is_some() == resource.namespaced)?;
    let version = version::of(resource);
    let resource = version.map_or(resource, |version| version.stored);
    let subresource = match subresource {
        "" => "",
        named => *resource.subresources.iter().find(|known| **known == named)?,
    };
    let (namespace, name) = (namespace.map(str::to_owned), name.map(str::to_owned));
    Some(Objects { resource, version, namespace, name, subresource })
}

#[cfg(test)]
mod tests {
    use api::Reason;

    use super::*;

    #[test]
    fn a_path_may_be_escaped() {
        let role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode";
        assert_eq!(objects(role).1.or(objects(role).2), Some("system:node".to_owned()));
        let slash = route("/api/v1/namespaces/a%2Fpods");
        assert_eq!(slash, route("/api/v1/namespaces/a/pods"), "as upstream has it");
        assert_eq!(route("/api/v1/pods/%FF").unwrap_err().reason, Reason::BadRequest);
    }

    fn objects(path: &str) -> (&'static str, Option<String>, Option<String>, &'static str) {
        let Ok(Target::Objects(found)) = route(path) else { panic!("{path} names no objects") };
        (found.resource.plural, found.namespace, found.name, found.subresource)
    }

    #[test]
    fn paths_name_objects_as_in_kubernetes() {
        let some = |text: &str| Some(text.to_owned());

        assert_eq!(objects("/api/v1/pods"), ("pods", None, None, ""));
        assert_eq!(objects("/api/v1/namespaces/a"), ("namespaces", None, some("a"), ""));
        assert_eq!(
            objects("/api/v1/namespaces/a/status"),
            ("namespaces", None, some("a"), "status")
        );
        assert_eq!(
            objects("/api/v1/namespaces/a/pods/b/log"),
            ("pods", some("a"), some("b"), "log")
        );
        assert_eq!(
            objects("/apis/apps/v1/namespaces/a/deployments"),
            ("deployments", some("a"), None, "")
        );
    }

    #[test]
    fn paths_that_name_nothing_are_not_found() {
        for path in [
            "/api/v2",
            "/api/v1/nopes",
            "/api/v1/namespaces/a/nodes/b",
            "/api/v1/pods/a",
            "/api/v1/namespaces/a/pods/b/nope",
            "/apis/apps/v1/namespaces/a/pods",
        ] {
            assert_eq!(route(path), Err(Status::no_such_path()), "{path}");
        }
    }

    #[test]
    fn paths_that_are_nobodys_are_told_from_those_that_name_nothing() {
        for path in ["/nope", "/apis/nope", "/apis/nope/v1/pods", "/.well-known", "/static/"] {
            assert_eq!(route(path), Ok(Target::Nothing), "{path}");
        }
        assert_eq!((route("/"), route("")), (Ok(Target::Paths), Ok(Target::Paths)));
    }
}
