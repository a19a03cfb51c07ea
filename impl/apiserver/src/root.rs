//! What is outside the API: the list of paths at `/`, and the answer where there is nothing at all.
//!
//! Source: server/routes/index.go and server/mux/pathrecorder.go in staging/src/k8s.io/apiserver (v1.36).

use std::collections::BTreeSet;

use api::resources;
use serde_json::json;

use crate::call::Response;
use crate::health;

/// The paths that are served beside the groups, their versions and the checks of health.
const PATHS: [&str; 11] = [
    "/.well-known/openid-configuration",
    "/api",
    "/apis",
    "/apis/",
    "/metrics",
    "/metrics/slis",
    "/openapi/v2",
    "/openapi/v3",
    "/openapi/v3/",
    "/openid/v1/jwks",
    "/version",
];

/// The paths that are served, in their order.
pub(crate) fn paths() -> Response {
    let mut paths: BTreeSet<String> = PATHS.iter().map(|path| (*path).to_owned()).collect();
    for resource in resources::served() {
        let (group, version) = (resource.group, resource.version);
        if group.is_empty() {
            paths.insert(format!("/api/{version}"));
        } else {
            paths.extend([format!("/apis/{group}"), format!("/apis/{group}/{version}")]);
        }
    }
    paths.extend(health::paths());
    Response::json(200, &json!({ "paths": paths }))
}

/// The answer where no part of the API server is at home: no `Status`, but what Go's own server says.
pub(crate) fn page_not_found() -> Response {
    Response::bytes(404, "text/plain; charset=utf-8", b"404 page not found\n".to_vec())
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::Value;

    use super::*;
    use crate::testing::Client;
    use crate::{Decision, Target};

    fn ask(method: &Method, path: &str) -> Response {
        let decision = Client::new().decide(method, path, &Value::Null);
        let Decision::Respond(response) = decision else { panic!("{path} is answered") };
        response
    }

    #[test]
    fn every_path_that_is_listed_is_served() {
        let index: Value =
            serde_json::from_slice(&ask(&Method::GET, "/").body).expect("it is JSON");
        let listed: Vec<&str> =
            index["paths"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();

        for path in ["/api/v1", "/apis/apps", "/apis/apps/v1", "/readyz/ping", "/version"] {
            assert!(listed.contains(&path), "{path} in {listed:?}");
        }
        // Metrics are the host's.
        for path in listed.into_iter().filter(|path| !path.starts_with("/metrics")) {
            let target = crate::route(path);
            assert!(!matches!(target, Err(_) | Ok(Target::Nothing)), "{path}: {target:?}");
        }
    }

    #[test]
    fn what_is_nobodys_is_no_page_whatever_is_asked_of_it() {
        for (method, path) in [(Method::GET, "/nope"), (Method::POST, "/apis/nope/v1/pods")] {
            let response = ask(&method, path);

            assert_eq!((response.code, response.content_type), (404, "text/plain; charset=utf-8"));
            assert_eq!(response.body, b"404 page not found\n");
        }
    }
}
