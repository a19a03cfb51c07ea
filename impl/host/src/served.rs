//! Which of the built-in resources an API server serves.

use std::collections::BTreeMap;

use api::ApiResource;
use bytes::Bytes;
use http::StatusCode;

use crate::requests;
use crate::transport::{BoxError, Transport};

/// Those of `resources` that the API server's discovery names, as of now.
pub async fn of(
    transport: &dyn Transport,
    resources: &[&'static ApiResource],
) -> Result<Vec<&'static ApiResource>, BoxError> {
    let mut served = vec![];
    let mut by_version: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for resource in resources {
        let version = resource.api_version();
        if !by_version.contains_key(&version) {
            by_version.insert(version.clone(), plurals(transport, &version).await?);
        }
        if by_version[&version].iter().any(|plural| plural == resource.plural) {
            served.push(*resource);
        }
    }
    Ok(served)
}

/// The plurals of a group's version (`v1`, `apps/v1`); none where there is no such version.
async fn plurals(transport: &dyn Transport, version: &str) -> Result<Vec<String>, BoxError> {
    let path = match version.contains('/') {
        true => format!("/apis/{version}"),
        false => format!("/api/{version}"),
    };
    let request = http::Request::get(&path).body(Bytes::new())?;
    let response = transport.send(request).await?;
    if response.status() == StatusCode::NOT_FOUND {
        return Ok(vec![]);
    }
    let found = requests::outcome(response).await.map_err(|status| format!("{path}: {status}"))?;
    let resources = found["resources"].as_array().into_iter().flatten();
    Ok(resources.filter_map(|one| one["name"].as_str()).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use api::resources;
    use http_body_util::{BodyExt, Full};
    use serde_json::json;

    use super::*;
    use crate::transport::{Body, BoxFuture};

    /// Serves nothing but Pods.
    struct PodsOnly;

    impl Transport for PodsOnly {
        fn send(
            &self,
            request: http::Request<Bytes>,
        ) -> BoxFuture<'_, Result<http::Response<Body>, BoxError>> {
            let (code, body) = match request.uri().path() {
                "/api/v1" => (200, json!({"resources": [{"name": "pods"}, {"name": "pods/log"}]})),
                "/apis/apps/v1" => (404, json!({})),
                _ => (503, json!({"kind": "Status", "message": "not now"})),
            };
            let body = Full::new(Bytes::from(body.to_string())).map_err(|never| match never {});
            let mut response = http::Response::new(body.boxed_unsync());
            *response.status_mut() = StatusCode::from_u16(code).unwrap();
            Box::pin(async move { Ok(response) })
        }
    }

    #[tokio::test]
    async fn what_discovery_does_not_name_is_left_out() {
        let asked = [&resources::PODS, &resources::NODES, &resources::DEPLOYMENTS];

        assert_eq!(of(&PodsOnly, &asked).await.unwrap(), [&resources::PODS]);
    }

    #[tokio::test]
    async fn a_server_that_does_not_answer_is_an_error_and_not_an_empty_one() {
        let asked = [&resources::PODS, &resources::LEASES];

        assert!(of(&PodsOnly, &asked).await.is_err());
    }
}
