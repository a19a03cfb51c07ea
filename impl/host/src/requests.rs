//! A component's request as HTTP, and the answer as an outcome.

use api::{Reason, Request, Status, Verb};
use bytes::Bytes;
use client::Outcome;
use http::Method;
use http::header::CONTENT_TYPE;
use http_body_util::BodyExt;
use serde_json::Value;

use crate::local::Observed;
use crate::transport::Transport;

/// Performs a request.
pub async fn perform(transport: &dyn Transport, request: &Request) -> Outcome {
    match transport.send(to_http(request)).await {
        Ok(response) => outcome(response).await,
        Err(error) => Err(Status::new(Reason::ServiceUnavailable, error.to_string())),
    }
}

/// Reads an answer.
pub async fn outcome(response: http::Response<crate::transport::Body>) -> Outcome {
    let code = response.status();
    let body = match response.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return Err(Status::new(Reason::ServiceUnavailable, error.to_string())),
    };
    let value: Value = serde_json::from_slice(&body)
        .map_err(|error| Status::internal(format!("an answer is not JSON: {error}")))?;
    if code.is_success() { Ok(value) } else { Err(refusal(&value)) }
}

/// The refusal that a `Status` object tells.
fn refusal(status: &Value) -> Status {
    let text = |field: &str| status[field].as_str().unwrap_or_default();
    let reason = REASONS.iter().find(|reason| reason.to_string() == text("reason"));
    let mut refusal = Status::new(*reason.unwrap_or(&Reason::InternalError), text("message"));
    refusal.name = status["details"]["name"].as_str().unwrap_or_default().to_owned();
    refusal.retry_after_seconds = status["details"]["retryAfterSeconds"]
        .as_u64()
        .and_then(|seconds| u32::try_from(seconds).ok())
        .unwrap_or(0);
    refusal
}

const REASONS: &[Reason] = &[
    Reason::BadRequest,
    Reason::Unauthorized,
    Reason::Forbidden,
    Reason::NotFound,
    Reason::MethodNotAllowed,
    Reason::NotAcceptable,
    Reason::AlreadyExists,
    Reason::Conflict,
    Reason::Expired,
    Reason::RequestEntityTooLarge,
    Reason::UnsupportedMediaType,
    Reason::Invalid,
    Reason::TooManyRequests,
    Reason::InternalError,
    Reason::ServiceUnavailable,
    Reason::Timeout,
];

/// The HTTP request of a component's request.
pub fn to_http(request: &Request) -> http::Request<Bytes> {
    let (method, content_type) = match request.verb {
        Verb::Create => (Method::POST, "application/json"),
        Verb::Get | Verb::List => (Method::GET, "application/json"),
        Verb::Update => (Method::PUT, "application/json"),
        Verb::MergePatch => (Method::PATCH, "application/merge-patch+json"),
        Verb::StrategicMergePatch => (Method::PATCH, "application/strategic-merge-patch+json"),
        Verb::Delete => (Method::DELETE, "application/json"),
    };
    let body = request.body.as_ref().map_or_else(Bytes::new, |body| Bytes::from(body.to_string()));
    let mut http = http::Request::new(body);
    *http.method_mut() = method;
    *http.uri_mut() = request.path().parse().unwrap_or_default();
    http.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    http.extensions_mut().insert(Observed(request.observed_revision));
    http
}
