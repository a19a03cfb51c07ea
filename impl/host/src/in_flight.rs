//! How many requests of clients are answered at once.
//!
//! Source: apiserver/pkg/server/filters/maxinflight.go, v1.36. Upstream's priority and fairness, which has
//! requests wait for each other by who sends them, is left out: here they take microseconds.

use std::sync::Arc;

use api::{Reason, Status};
use apiserver::{RequestInfo, User};
use http::Method;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Reads, and writes. Source: `--max-requests-inflight`, `--max-mutating-requests-inflight`.
const READS_MAX: usize = 400;
const WRITES_MAX: usize = 200;

/// Who is always answered.
const MASTERS: &str = "system:masters";

/// After which time a client that was turned away may come again.
const RETRY_AFTER_SECONDS: u32 = 1;

/// Places for requests; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct InFlight {
    reads: Arc<Semaphore>,
    writes: Arc<Semaphore>,
}

impl Default for InFlight {
    fn default() -> Self {
        Self::of(READS_MAX, WRITES_MAX)
    }
}

/// Whether a method only reads.
pub(crate) fn is_read(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

impl InFlight {
    fn of(reads: usize, writes: usize) -> Self {
        Self { reads: Arc::new(Semaphore::new(reads)), writes: Arc::new(Semaphore::new(writes)) }
    }

    /// A place, to be held until the answer; none is needed for what runs long. Where all are taken, a 429; but who may
    /// do everything is let in.
    pub(crate) fn enter(
        &self,
        method: &Method,
        info: &RequestInfo,
        user: &User,
    ) -> Result<Option<OwnedSemaphorePermit>, Status> {
        if info.is_long_running() {
            return Ok(None);
        }
        let places = if is_read(method) { &self.reads } else { &self.writes };
        match Arc::clone(places).try_acquire_owned() {
            Ok(place) => Ok(Some(place)),
            Err(_) if user.groups.iter().any(|group| group == MASTERS) => Ok(None),
            Err(_) => Err(full()),
        }
    }
}

fn full() -> Status {
    let message = "Too many requests, please try again later.";
    let mut status = Status::new(Reason::TooManyRequests, message);
    status.retry_after_seconds = RETRY_AFTER_SECONDS;
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(
        in_flight: &InFlight,
        method: Method,
        uri: &str,
    ) -> Result<Option<OwnedSemaphorePermit>, Status> {
        enter_as(&User::anonymous(), in_flight, method, uri)
    }

    fn enter_as(
        user: &User,
        in_flight: &InFlight,
        method: Method,
        uri: &str,
    ) -> Result<Option<OwnedSemaphorePermit>, Status> {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect::<Vec<_>>();
        in_flight.enter(&method, &RequestInfo::of(&method, path, &query), user)
    }

    #[test]
    fn who_finds_no_place_is_told_to_come_again() {
        let in_flight = InFlight::of(1, 1);
        let read = || enter(&in_flight, Method::GET, "/api/v1/pods");

        let first = read();
        let second = read().unwrap_err();

        assert_eq!((second.reason, second.retry_after_seconds), (Reason::TooManyRequests, 1));
        let write = enter(&in_flight, Method::PUT, "/api/v1/pods/a");
        assert!(write.is_ok(), "writes have places of their own");
        drop(first);
        assert!(read().is_ok());
    }

    #[test]
    fn who_may_do_everything_is_let_in_where_all_places_are_taken() {
        let in_flight = InFlight::of(0, 0);
        let in_group = |group: &str| User { groups: vec![group.to_owned()], ..User::default() };
        let write = |user: &User| enter_as(user, &in_flight, Method::PUT, "/api/v1/pods/a");

        assert!(write(&in_group("system:masters")).is_ok());
        assert!(write(&in_group("system:nodes")).is_err());
    }

    #[test]
    fn what_runs_long_takes_no_place() {
        let in_flight = InFlight::of(0, 0);
        for uri in [
            "/api/v1/pods?watch=1",
            "/api/v1/namespaces/a/pods/b/log",
            "/api/v1/namespaces/a/pods/b/exec?command=sh",
        ] {
            let place = enter(&in_flight, Method::GET, uri);
            assert!(place.is_ok_and(|place| place.is_none()), "{uri}");
        }
        assert!(enter(&in_flight, Method::GET, "/api/v1/pods?watch=false").is_err());
    }
}
