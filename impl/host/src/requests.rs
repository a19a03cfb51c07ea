//! A component's request as HTTP, and the answer as an outcome.

use api::{Reason, Request, Status, Verb};
use bytes::Bytes;
use client::{Outcome, wire};
use http::Method;
use http::header::CONTENT_TYPE;
use http::uri::InvalidUri;
use http_body_util::BodyExt;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::local::Observed;
use crate::transport::{Body, Transport};

/// What is written otherwise in a path: where it would end there, and what may not stand in it at all.
const IN_PATHS: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Performs a request.
pub async fn perform(transport: &dyn Transport, request: &Request) -> Outcome {
    let request = to_http(request).map_err(|error| Status::bad_request(error.to_string()))?;
    match transport.send(request).await {
        Ok(response) => outcome(response).await,
        Err(error) => Err(Status::new(Reason::ServiceUnavailable, error.to_string())),
    }
}

/// Reads an answer.
pub async fn outcome(response: http::Response<Body>) -> Outcome {
    read(&body(response).await?)
}

/// The bytes of an answer that grants what was asked.
pub async fn body(response: http::Response<Body>) -> Result<Bytes, Status> {
    let code = response.status();
    let body = response.into_body().collect().await;
    let body = body.map_err(|error| Status::new(Reason::ServiceUnavailable, error.to_string()))?;
    let body = body.to_bytes();
    if code.is_success() { Ok(body) } else { Err(wire::refusal(code.as_u16(), &body)) }
}

fn read(body: &[u8]) -> Outcome {
    serde_json::from_slice(body)
        .map_err(|error| Status::internal(format!("an answer is not JSON: {error}")))
}

/// The path and query of a component's request. A name may have whatever a segment of a path can be made to hold; what
/// queries say is known beforehand.
fn target(request: &Request) -> String {
    let path = request.path();
    let path = utf8_percent_encode(&path, IN_PATHS);
    let query = request.query().into_iter();
    let query: Vec<String> = query.map(|(name, value)| format!("{name}={value}")).collect();
    if query.is_empty() { path.to_string() } else { format!("{path}?{}", query.join("&")) }
}

/// The HTTP request of a component's request; none where a name is too long for one.
pub fn to_http(request: &Request) -> Result<http::Request<Bytes>, InvalidUri> {
    let (method, content_type) = match request.verb {
        Verb::Create => (Method::POST, "application/json"),
        Verb::Get | Verb::List => (Method::GET, "application/json"),
        Verb::Update => (Method::PUT, "application/json"),
        Verb::MergePatch => (Method::PATCH, "application/merge-patch+json"),
        Verb::StrategicMergePatch => (Method::PATCH, "application/strategic-merge-patch+json"),
        Verb::Apply => (Method::PATCH, "application/apply-patch+yaml"),
        Verb::Delete => (Method::DELETE, "application/json"),
    };
    let body = request.body.as_ref().map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
    let mut http = http::Request::new(body);
    *http.method_mut() = method;
    *http.uri_mut() = target(request).parse()?;
    http.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    http.extensions_mut().insert(Observed(request.observed_revision));
    Ok(http)
}

#[cfg(test)]
mod tests {
    use api::{Key, resources};

    use super::*;

    fn uri(name: &str) -> Option<String> {
        let request = Request::get(&resources::CLUSTER_ROLES, Key::cluster(name));
        to_http(&request).ok().map(|request| request.uri().to_string())
    }

    #[test]
    fn a_name_is_one_segment_of_the_path_whatever_it_has() {
        let roles = "/apis/rbac.authorization.k8s.io/v1/clusterroles";
        for (name, segment) in [
            ("system:node", "system:node"),
            ("a b", "a%20b"),
            ("a?b", "a%3Fb"),
            ("a#b", "a%23b"),
            ("a\"b\\", "a%22b%5C"),
            ("ä", "%C3%A4"),
        ] {
            assert_eq!(uri(name), Some(format!("{roles}/{segment}")), "{name}");
        }
    }

    #[test]
    fn a_name_that_is_too_long_for_a_request_addresses_nothing_else() {
        assert_eq!(uri(&"a".repeat(1 << 16)), None);
    }
}
