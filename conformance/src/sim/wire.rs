//! A component's request as the API server reads it, and its answer as an outcome: what HTTP does for the
//! other host.

use api::{Reason, Request, Status, Verb};
use apiserver::{Call, Response, User};
use client::{Outcome, wire};

/// What the API server reads of a request.
pub(crate) fn call(request: &Request, actor: &str) -> Call {
    let (method, content_type) = match request.verb {
        Verb::Create => ("POST", "application/json"),
        Verb::Get | Verb::List => ("GET", "application/json"),
        Verb::Update => ("PUT", "application/json"),
        Verb::MergePatch => ("PATCH", "application/merge-patch+json"),
        Verb::StrategicMergePatch => ("PATCH", "application/strategic-merge-patch+json"),
        Verb::Apply => ("PATCH", "application/apply-patch+yaml"),
        Verb::Delete => ("DELETE", "application/json"),
    };
    Call {
        method: method.parse().expect("it is one of HTTP's methods"),
        path: request.path(),
        query: request.query(),
        content_type: content_type.to_owned(),
        body: request.body.as_ref().map(|body| body.to_string().into_bytes()).unwrap_or_default(),
        user_agent: actor.to_owned(),
        user: user(actor),
        ..Call::default()
    }
}

/// A list or watch with these parameters.
pub(crate) fn get(path: String, query: Vec<(String, String)>, actor: &str) -> Call {
    Call { path, query, user: user(actor), ..Call::default() }
}

fn user(actor: &str) -> User {
    User { name: format!("system:{actor}"), ..User::default() }
}

/// What a component makes of an answer.
pub(crate) fn outcome(response: &Response) -> Outcome {
    if response.code >= 400 {
        return Err(wire::refusal(response.code, &response.body));
    }
    serde_json::from_slice(&response.body)
        .map_err(|error| Status::internal(format!("an answer is not JSON: {error}")))
}

/// What a component makes of no answer.
pub(crate) fn no_answer() -> Outcome {
    Err(Status::new(Reason::ServiceUnavailable, "the connection was closed before an answer came"))
}

/// What a server answers that has too much to do, that fails, or that waits in vain for its store. The first is said
/// only of what was not begun.
pub(crate) fn failures(has_begun: bool) -> Vec<Status> {
    let mut busy =
        Status::new(Reason::TooManyRequests, "Too many requests, please try again later.");
    busy.retry_after_seconds = 1;
    let broken = Status::internal("etcdserver: request timed out");
    let late = Status::new(Reason::Timeout, "request did not complete within the allotted timeout");
    if has_begun { vec![broken, late] } else { vec![busy, broken, late] }
}
