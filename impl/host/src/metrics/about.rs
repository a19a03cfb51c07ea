//! What a request is about, as the labels of metrics tell it. There are only so many: what is not served has no name.
//!
//! Source: apiserver/pkg/endpoints/metrics/metrics.go (v1.36), `CleanScope`, `CanonicalVerb` and `CleanVerb`. Upstream
//! names of what is no resource the checks of health and the index of OpenAPI, and counts no other; here every request
//! is counted, and those of other paths are of the component `apiserver`.

use apiserver::{Objects, RequestInfo, Target};
use http::Method;
use http::header::CONTENT_TYPE;
use http::request::Parts;

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct About {
    pub(crate) component: &'static str,
    pub(crate) dry_run: &'static str,
    pub(crate) group: &'static str,
    pub(crate) resource: &'static str,
    pub(crate) scope: &'static str,
    pub(crate) subresource: &'static str,
    pub(crate) verb: &'static str,
    pub(crate) version: &'static str,
}

impl About {
    /// What a request is about.
    pub(crate) fn of(parts: &Parts) -> Self {
        match apiserver::route(parts.uri.path()) {
            Ok(Target::Objects(objects) | Target::Watched(objects)) => {
                Self::of_objects(parts, &objects)
            }
            Ok(other) => Self::of_path(parts, other_path(&other, parts.uri.path())),
            Err(_) => Self::of_path(parts, ""),
        }
    }

    fn of_objects(parts: &Parts, objects: &Objects) -> Self {
        let query = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let query: Vec<(String, String)> = query.into_owned().collect();
        let info = RequestInfo::of(&parts.method, parts.uri.path(), &query);
        let resource = objects.served();
        let scope = match (&objects.name, &objects.namespace) {
            (Some(_), _) => "resource",
            _ if parts.method == Method::POST => "resource",
            (None, Some(_)) => "namespace",
            (None, None) => "cluster",
        };
        let verb = if info.is_watch() {
            "WATCH"
        } else if info.is_long_running() {
            "CONNECT"
        } else {
            verb(parts, scope)
        };
        Self {
            component: "apiserver",
            dry_run: dry_run(&query),
            group: resource.group,
            resource: resource.plural,
            scope,
            subresource: objects.subresource,
            verb,
            version: resource.version,
        }
    }

    fn of_path(parts: &Parts, subresource: &'static str) -> Self {
        let is_named = !subresource.is_empty();
        Self {
            component: if is_named { "" } else { "apiserver" },
            dry_run: "",
            group: "",
            resource: "",
            scope: "",
            subresource,
            verb: verb(parts, ""),
            version: "",
        }
    }

    /// The same, whether something is stored or not.
    pub(crate) fn plain(self) -> Self {
        Self { dry_run: "", ..self }
    }

    /// The labels in the order of their names, after those that come before.
    pub(crate) fn labels(&self, with_dry_run: bool) -> Vec<(&'static str, &'static str)> {
        let all = [
            ("component", self.component),
            ("dry_run", self.dry_run),
            ("group", self.group),
            ("resource", self.resource),
            ("scope", self.scope),
            ("subresource", self.subresource),
            ("verb", self.verb),
            ("version", self.version),
        ];
        all.into_iter().filter(|(name, _)| with_dry_run || *name != "dry_run").collect()
    }
}

/// Whether nothing is to be stored, as `CleanDryRun` tells it.
fn dry_run(query: &[(String, String)]) -> &'static str {
    let mut asked = query.iter().filter(|(name, _)| name == "dryRun");
    match asked.next() {
        None => "",
        Some((_, first)) if first == "All" && asked.all(|(_, value)| value == "All") => "All",
        Some(_) => "invalid",
    }
}

fn verb(parts: &Parts, scope: &str) -> &'static str {
    let is_apply = || {
        parts.headers.get(CONTENT_TYPE).is_some_and(|value| value == "application/apply-patch+yaml")
    };
    match parts.method {
        Method::GET | Method::HEAD if matches!(scope, "" | "resource") => "GET",
        Method::GET | Method::HEAD => "LIST",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH if is_apply() => "APPLY",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

/// How upstream calls a path that is no resource; empty where it does not.
fn other_path(target: &Target, path: &str) -> &'static str {
    match target {
        Target::Health => {
            let roots = ["/healthz", "/livez", "/readyz"];
            roots.into_iter().find(|root| *root == path.trim_end_matches('/')).unwrap_or_default()
        }
        Target::OpenApiIndex => "openapi/v3",
        Target::OpenApiDocument(_) => "openapi/v3/",
        Target::Nothing
        | Target::Paths
        | Target::Version
        | Target::CoreVersions
        | Target::Groups
        | Target::Group(_)
        | Target::Resources(..)
        | Target::IssuerConfiguration
        | Target::IssuerKeys
        | Target::OpenApiVersion2
        | Target::Objects(_)
        | Target::Watched(_) => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(method: &str, uri: &str, content_type: &str) -> [&'static str; 7] {
        let request = http::Request::builder().method(method).uri(uri);
        let request = request.header(CONTENT_TYPE, content_type).body(());
        let About { component, dry_run, resource, scope, subresource, verb, version, .. } =
            About::of(&request.expect("it is one").into_parts().0);
        [verb, resource, subresource, scope, version, dry_run, component]
    }

    #[test]
    fn requests_are_called_as_upstream_calls_them() {
        let all = "/api/v1/configmaps";
        let some = "/api/v1/namespaces/a/configmaps";
        let one = "/api/v1/namespaces/a/configmaps/b";
        let apply = "application/apply-patch+yaml";
        for (method, uri, content_type, [verb, subresource, scope, dry_run]) in [
            ("GET", all, "", ["LIST", "", "cluster", ""]),
            ("HEAD", some, "", ["LIST", "", "namespace", ""]),
            ("GET", one, "", ["GET", "", "resource", ""]),
            ("GET", &format!("{all}?watch=1"), "", ["WATCH", "", "cluster", ""]),
            ("GET", "/api/v1/watch/configmaps", "", ["WATCH", "", "cluster", ""]),
            ("GET", &format!("{all}?watch=False"), "", ["LIST", "", "cluster", ""]),
            ("GET", &format!("{all}?watch=0&watch=1"), "", ["LIST", "", "cluster", ""]),
            ("GET", &format!("{one}?watch=1"), "", ["GET", "", "resource", ""]),
            ("GET", &format!("{all}?watch=false"), "", ["LIST", "", "cluster", ""]),
            ("POST", some, "", ["POST", "", "resource", ""]),
            ("POST", &format!("{some}?dryRun=All&dryRun=All"), "", ["POST", "", "resource", "All"]),
            ("POST", &format!("{some}?dryRun=x"), "", ["POST", "", "resource", "invalid"]),
            ("PATCH", one, apply, ["APPLY", "", "resource", ""]),
            ("PATCH", one, "", ["PATCH", "", "resource", ""]),
            ("DELETE", some, "", ["DELETE", "", "namespace", ""]),
            ("BREW", one, "", ["other", "", "resource", ""]),
        ] {
            let expected = [verb, "configmaps", subresource, scope, "v1", dry_run, "apiserver"];
            assert_eq!(about(method, uri, content_type), expected, "{method} {uri}");
        }
        let log = about("GET", "/api/v1/namespaces/a/pods/b/log", "");
        assert_eq!(log, ["CONNECT", "pods", "log", "resource", "v1", "", "apiserver"]);
    }

    #[test]
    fn what_is_not_served_makes_no_new_series() {
        let nothing = ["GET", "", "", "", "", "", "apiserver"];
        for path in ["/nope", "/api/v1/nopes", "/apis/x/v1/bars", "/version", "/livez/ping", "/"] {
            assert_eq!(about("GET", path, ""), nothing, "{path}");
        }
        assert_eq!(about("GET", "/livez", ""), ["GET", "", "/livez", "", "", "", ""]);
        let document = about("GET", "/openapi/v3/apis/apps/v1", "");
        assert_eq!(document, ["GET", "", "openapi/v3/", "", "", "", ""]);
    }
}
