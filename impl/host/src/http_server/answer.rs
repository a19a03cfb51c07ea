//! Answers requests, in the time that they have.

use std::time::Duration;

use api::Status;
use apiserver::{RequestInfo, User, impersonation};
use http::request::Parts;
use hyper::body::Incoming;
use tokio::time::Instant;

use super::body::whole;
use super::connection::Answered;
use super::pieces::Pieces;
use super::sender::{Known, authenticate};
use super::time_limit::{self, REQUEST_PATIENCE, within};
use crate::api_server::{ApiServer, respond};
use crate::in_flight::InFlight;
use crate::metrics::Until;
use crate::transport::Body;

/// Answers a request. What does not run long is to be answered, and the answer read, in time.
pub(super) async fn answered(
    door: (ApiServer, InFlight),
    known: Known,
    mut request: http::Request<Incoming>,
) -> Answered {
    let (info, patience) = about(&request);
    let until = (!info.is_long_running()).then(|| Instant::now() + patience);
    if let Some(until) = until {
        request.extensions_mut().insert(Until(until));
    }
    let response = answer(door, known, &info, request, until).await;
    Answered { response: response.map(Pieces::of), until: until.map(time_to_send) }
}

/// What a request is about, and how long it may take.
fn about<B>(request: &http::Request<B>) -> (RequestInfo, Duration) {
    let uri = request.uri();
    let query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
    let query: Vec<(String, String)> = query.into_owned().collect();
    (RequestInfo::of(request.method(), uri.path(), &query), time_limit::asked(&query))
}

/// An answer that says that it is late has to be read, too.
fn time_to_send(until: Instant) -> Instant {
    let now = Instant::now();
    if until <= now { now + REQUEST_PATIENCE } else { until }
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
    until: Option<Instant>,
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
    let user = authenticate(&server, &known, &parts);
    let user = match user.and_then(|user| impersonation::acting(user, &parts.headers)) {
        Ok(user) => user,
        Err(status) => return refuse(&parts, status),
    };
    // Who may not, or has to wait, sends a body in vain: it is not kept.
    if let Err(status) = authorize(&server, &user, info) {
        return refuse(&parts, status);
    }
    let place = match in_flight.enter(&parts.method, info, &user) {
        Ok(place) => place,
        Err(status) => return terminate(&parts, status),
    };
    // Nobody reads a body as it comes: it does not take longer because its request runs long.
    let body_until = until.unwrap_or_else(|| Instant::now() + REQUEST_PATIENCE);
    let body = match within(Some(body_until), whole(body)).await {
        Ok(Ok(body)) => body,
        Ok(Err(status)) => return refuse(&parts, status),
        Err(late) => return terminate(&parts, late),
    };
    let answer = async move {
        let _place = place;
        server.handle(http::Request::from_parts(parts, body), user).await
    };
    in_time(until, Box::pin(answer)).await
}

/// The answer, or that it is late. Then what was begun goes on, and keeps its place: who is late is not let in again
/// before.
async fn in_time<F>(until: Option<Instant>, mut answer: F) -> http::Response<Body>
where
    F: Future<Output = http::Response<Body>> + Send + Unpin + 'static,
{
    match within(until, &mut answer).await {
        Ok(response) => response,
        Err(late) => {
            tokio::spawn(answer);
            respond(late.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot::{self, error::TryRecvError};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_late_goes_on_and_keeps_its_place() {
        let (go_on, goes_on) = oneshot::channel::<()>();
        let (place, mut has_place) = oneshot::channel::<()>();
        let answer = async move {
            let _place = place;
            drop(goes_on.await);
            respond(Status::bad_request("a").into())
        };
        let until = Instant::now() + Duration::from_secs(1);

        let late = in_time(Some(until), Box::pin(answer)).await;

        assert_eq!((late.status().as_u16(), until.elapsed()), (504, Duration::ZERO));
        assert_eq!(has_place.try_recv(), Err(TryRecvError::Empty));
        go_on.send(()).unwrap();
        assert!(has_place.await.is_err(), "its place is free when it has ended");
    }
}
