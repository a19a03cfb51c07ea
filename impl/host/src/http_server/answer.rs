//! Answers requests, in the time that they have.

use std::time::Duration;

use api::{Reason, Status};
use apiserver::{RequestInfo, User, impersonation};
use http::request::Parts;
use hyper::body::Incoming;
use tokio::time::Instant;

use super::body::whole;
use super::connection::Answered;
use super::pieces::Pieces;
use super::sender::{Known, authenticate};
use crate::api_server::{ApiServer, respond};
use crate::in_flight::InFlight;
use crate::transport::Body;

/// How long a request may take that does not run long. Source: `--request-timeout`.
pub(super) const REQUEST_PATIENCE: Duration = Duration::from_secs(60);

/// Answers a request. What does not run long has to be read in time.
pub(super) async fn answered(
    door: (ApiServer, InFlight),
    known: Known,
    request: http::Request<Incoming>,
) -> Answered {
    let info = info(&request);
    let until = (!info.is_long_running()).then(|| Instant::now() + REQUEST_PATIENCE);
    let response = answer(door, known, &info, request).await;
    Answered { response: response.map(Pieces::of), until }
}

fn info<B>(request: &http::Request<B>) -> RequestInfo {
    let uri = request.uri();
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let query: Vec<(String, String)> = query.into_owned().collect();
    RequestInfo::of(request.method(), uri.path(), &query)
}

/// Whether a sender may, so far as that can be told before the body is read.
fn authorize(server: &ApiServer, user: &User, info: &RequestInfo) -> Result<(), Status> {
    let begun = std::time::Instant::now();
    let may = apiserver::authorize_request(user, info);
    server.metrics().door().authorized(begun, may.is_ok());
    may
}

async fn answer(
    (server, in_flight): (ApiServer, InFlight),
    known: Known,
    info: &RequestInfo,
    request: http::Request<Incoming>,
) -> http::Response<Body> {
    let (parts, body) = request.into_parts();
    let counted = server.metrics().requests();
    let refuse = |parts: &Parts, status: Status| {
        counted.refused(parts, status.reason.code());
        respond(status.into())
    };
    let terminate = |parts: &Parts, status: Status| {
        counted.terminated(parts, status.reason.code());
        respond(status.into())
    };
    let user = authenticate(&server, known, &parts);
    let user = match user.and_then(|user| impersonation::acting(user, &parts.headers)) {
        Ok(user) => user,
        Err(status) => return refuse(&parts, status),
    };
    // Who may not, or has to wait, sends a body in vain: it is not kept.
    if let Err(status) = authorize(&server, &user, info) {
        return refuse(&parts, status);
    }
    let _place = match in_flight.enter(&parts.method, info) {
        Ok(place) => place,
        Err(status) => return terminate(&parts, status),
    };
    match whole(body).await {
        Ok(body) => server.handle(http::Request::from_parts(parts, body), user).await,
        Err(status) if status.reason == Reason::Timeout => terminate(&parts, status),
        Err(status) => refuse(&parts, status),
    }
}

