//! What a request is about, as who asks may know it: its verb, and the objects that its path names.
//!
//! Source: apiserver/pkg/endpoints/request/requestinfo.go, v1.36. It is known of paths that nothing is served
//! at, too: who may not see what there is does not hear that there is nothing.

use api::names;
use api::selector::FieldSelector;
use http::Method;
use percent_encoding::percent_decode_str;

/// What is read of the method, the path and the query.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestInfo {
    /// Whether it is about objects.
    pub is_resource_request: bool,
    /// `get`, `list`, `watch`, `deletecollection` …; the method, if it is not about objects.
    pub verb: String,
    /// The path.
    pub path: String,
    /// Empty for the core group.
    pub api_group: String,
    /// Empty for cluster-scoped resources and for all namespaces.
    pub namespace: String,
    /// The plural.
    pub resource: String,
    /// Empty for the object itself.
    pub subresource: String,
    /// Of the one, if it is known.
    pub name: String,
}

/// Verbs that stand in the path, before the objects. Only the first is served.
const SPECIAL_VERBS: [&str; 2] = ["watch", "proxy"];

const NAMESPACE_SUBRESOURCES: [&str; 2] = ["status", "finalize"];

/// What is answered for as long as a client likes. Source: `BasicLongRunningRequestCheck` of
/// cmd/kube-apiserver, v1.36.
const LONG_RUNNING: [&str; 5] = ["attach", "exec", "log", "portforward", "proxy"];

impl RequestInfo {
    /// Reads it.
    pub fn of(method: &Method, path: &str, query: &[(String, String)]) -> Self {
        let decoded = percent_decode_str(path).decode_utf8_lossy().into_owned();
        let path = decoded.as_str();
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let info = match parts.as_slice() {
            ["api", _, objects @ ..] if !objects.is_empty() => {
                Self::of_objects(method, "", objects)
            }
            ["apis", group, _, objects @ ..] if !objects.is_empty() => {
                Self::of_objects(method, group, objects)
            }
            _ => Self { verb: method.as_str().to_lowercase(), ..Self::default() },
        };
        Self { path: decoded.clone(), ..info }.with_query(query)
    }

    fn of_objects(method: &Method, api_group: &str, objects: &[&str]) -> Self {
        let special = SPECIAL_VERBS.iter().find(|verb| objects.first() == Some(verb));
        let rest = if special.is_some() { &objects[1..] } else { objects };
        let verb = special.copied().unwrap_or(match *method {
            Method::POST => "create",
            Method::GET | Method::HEAD => "get",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE => "delete",
            _ => "",
        });
        let (namespace, rest) = match rest {
            ["namespaces", namespace, more @ ..] => match more.first() {
                Some(plural) if !NAMESPACE_SUBRESOURCES.contains(plural) => (*namespace, more),
                Some(_) | None => (*namespace, rest),
            },
            _ => ("", rest),
        };
        let part = |place: usize| rest.get(place).copied().unwrap_or_default().to_owned();
        Self {
            is_resource_request: true,
            verb: verb.to_owned(),
            path: String::new(),
            api_group: api_group.to_owned(),
            namespace: namespace.to_owned(),
            resource: part(0),
            subresource: if special == Some(&"proxy") { String::new() } else { part(2) },
            name: part(1),
        }
    }

    /// What names no object is about several of them.
    fn with_query(mut self, query: &[(String, String)]) -> Self {
        let value = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        if !self.is_resource_request || !self.name.is_empty() {
            return self;
        }
        match self.verb.as_str() {
            "delete" => "deletecollection".clone_into(&mut self.verb),
            "get" => {
                let is_watch = value("watch")
                    .is_some_and(|value| !matches!(&*value.to_lowercase(), "false" | "0"));
                if is_watch { "watch" } else { "list" }.clone_into(&mut self.verb);
                let fields =
                    value("fieldSelector").and_then(|text| FieldSelector::parse(text).ok());
                let name = fields.as_ref().and_then(|fields| fields.exact("metadata.name"));
                let name = name.filter(|name| names::path_segment(name).is_empty());
                self.name = name.unwrap_or_default().to_owned();
            }
            _ => {}
        }
        self
    }

    /// Whether events are asked for.
    pub fn is_watch(&self) -> bool {
        self.is_resource_request && self.verb == "watch"
    }

    /// Whether it is answered for as long as its client likes.
    pub fn is_long_running(&self) -> bool {
        let is_verb = SPECIAL_VERBS.contains(&self.verb.as_str());
        self.is_resource_request && (is_verb || LONG_RUNNING.contains(&self.subresource.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_about_what_its_path_and_query_name() {
        let table = [
            ("GET", "/api/v1/namespaces/n/pods", "list||n|pods||"),
            ("GET", "/api/v1/pods?watch=1", "watch|||pods||"),
            ("GET", "/api/v1/pods?watch=false", "list|||pods||"),
            ("GET", "/api/v1/namespaces/n/pods/p?watch=1", "get||n|pods||p"),
            ("GET", "/api/v1/pods?fieldSelector=metadata.name=p", "list|||pods||p"),
            ("GET", "/api/v1/pods?fieldSelector=metadata.name=a/b", "list|||pods||"),
            ("GET", "/api/v1/watch/namespaces/n/pods/p/status", "watch||n|pods|status|p"),
            ("HEAD", "/api/v1/nodes/a%2Db", "get|||nodes||a-b"),
            ("GET", "/api/v1/namespaces/n", "get||n|namespaces||n"),
            ("PUT", "/api/v1/namespaces/n/finalize", "update||n|namespaces|finalize|n"),
            ("GET", "/api/v1/namespaces", "list|||namespaces||"),
            ("DELETE", "/api/v1/namespaces/n/pods", "deletecollection||n|pods||"),
            ("DELETE", "/api/v1/namespaces/n/pods/p", "delete||n|pods||p"),
            ("POST", "/api/v1/namespaces/n/pods/p/exec", "create||n|pods|exec|p"),
            ("GET", "/api/v1/namespaces/n/pods/p/proxy/a/b", "get||n|pods|proxy|p"),
            (
                "GET",
                "/apis/apps/v1/namespaces/n/deployments/d/scale",
                "get|apps|n|deployments|scale|d",
            ),
            ("GET", "/apis/no.such/v1/xs/y/z", "get|no.such||xs|z|y"),
            ("GET", "/api/v1/watch/pods", "watch|||pods||"),
            (
                "GET",
                "/apis/apps/v1/watch/namespaces/n/deployments/d",
                "watch|apps|n|deployments||d",
            ),
        ];
        for (method, uri, expected) in table {
            let info = of(method, uri);
            let RequestInfo { verb, api_group, namespace, resource, subresource, name, .. } = &info;
            let found = [verb, api_group, namespace, resource, subresource, name];
            assert_eq!(found.map(String::as_str).join("|"), expected, "{method} {uri}");
            assert!(info.is_resource_request, "{uri}");
        }
        for (method, path) in [("GET", "/api"), ("POST", "/apis/apps/v1"), ("GET", "/healthz")] {
            let info = of(method, path);
            assert!(!info.is_resource_request, "{path}");
            assert_eq!(info.verb, method.to_lowercase());
        }
    }

    fn of(method: &str, uri: &str) -> RequestInfo {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        RequestInfo::of(&method.parse().unwrap(), path, &crate::testing::form(query))
    }

    #[test]
    fn what_streams_runs_long() {
        let pod = "/api/v1/namespaces/a/pods/b";
        for uri in ["/api/v1/pods?watch=1", "/api/v1/watch/pods"] {
            assert!(of("GET", uri).is_long_running(), "{uri}");
        }
        for subresource in ["log", "exec?command=sh", "attach", "portforward", "proxy/x"] {
            assert!(of("GET", &format!("{pod}/{subresource}")).is_long_running(), "{subresource}");
        }
        for uri in
            ["/api/v1/pods?watch=false", pod, "/api/v1/namespaces/a/pods/log", "/version?watch=1"]
        {
            assert!(!of("GET", uri).is_long_running(), "{uri}");
        }
    }
}
