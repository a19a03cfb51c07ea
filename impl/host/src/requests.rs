//! A component's request as HTTP, and the answer as an outcome.

use api::{Reason, Request, Status, Verb};
use bytes::Bytes;
use client::{Outcome, wire};
use http::Method;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;

use crate::local::Observed;
use crate::transport::{Body, Transport};

/// Performs a request.
pub async fn perform(transport: &dyn Transport, request: &Request) -> Outcome {
    match transport.send(to_http(request)).await {
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

/// The path and query of a component's request. Neither needs escapes: they are names of Kubernetes'.
fn target(request: &Request) -> String {
    let query = request.query().into_iter();
    let query: Vec<String> = query.map(|(name, value)| format!("{name}={value}")).collect();
    if query.is_empty() {
        request.path()
    } else {
        format!("{}?{}", request.path(), query.join("&"))
    }
}

/// The HTTP request of a component's request.
pub fn to_http(request: &Request) -> http::Request<Bytes> {
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
    *http.uri_mut() = target(request).parse().unwrap_or_default();
    http.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    http.extensions_mut().insert(Observed(request.observed_revision));
    http
}
