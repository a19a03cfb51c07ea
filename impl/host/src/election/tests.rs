//! A candidate before an API server that grants a Lease, and at some time nothing more. Time is virtual.

use std::sync::Mutex;

use bytes::Bytes;
use http::{Method, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::*;
use crate::transport::{Body, BoxError, BoxFuture};

/// Keeps one Lease, and answers nothing any more from a time on.
struct Leases {
    until: Option<Instant>,
    lease: Mutex<Option<Bytes>>,
}

impl Leases {
    fn until(until: Option<Instant>) -> Arc<Self> {
        Arc::new(Self { until, lease: Mutex::default() })
    }

    fn answer(&self, request: &http::Request<Bytes>) -> (StatusCode, Bytes) {
        let mut lease = self.lease.lock().unwrap();
        match (request.method(), lease.as_ref()) {
            (&Method::GET, Some(lease)) => (StatusCode::OK, lease.clone()),
            (&Method::GET, None) => {
                let status = json!({"kind": "Status", "reason": "NotFound", "code": 404});
                (StatusCode::NOT_FOUND, Bytes::from(status.to_string()))
            }
            _ => {
                *lease = Some(request.body().clone());
                (StatusCode::OK, request.body().clone())
            }
        }
    }
}

impl Transport for Leases {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Body>, BoxError>> {
        Box::pin(async move {
            if self.until.is_some_and(|until| Instant::now() >= until) {
                std::future::pending::<()>().await;
            }
            let (code, body) = match request.uri().path().contains("/events") {
                true => (StatusCode::CREATED, Bytes::from("{}")),
                false => self.answer(&request),
            };
            let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
            Ok(http::Response::builder().status(code).body(body)?)
        })
    }
}

fn candidate() -> Candidate {
    Candidate::new("kube-scheduler", "a")
}

#[tokio::test(start_paused = true)]
async fn who_cannot_renew_ends_its_tasks_before_another_can_lead() {
    let begun = Instant::now();
    let silent_from = begun + Duration::from_secs(60);
    let (held, ended) = oneshot::channel::<()>();
    let mut held = Some(held);
    let start = move |_| {
        let held = held.take();
        let mut tasks = Tasks::default();
        tasks.spawn(async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        tasks
    };
    let (told, mut hears) = mpsc::unbounded_channel();
    let tell = move |standing| drop(told.send(standing));
    let leases = Leases::until(Some(silent_from));
    let candidate = candidate();
    let lease_duration = candidate.lease_duration;
    let running = tokio::spawn(run(candidate, "kube-scheduler", leases, start, tell));

    assert_eq!(hears.recv().await, Some(Standing::Leads));
    assert!(ended.await.is_err(), "the task has ended");

    // The last renewal was sent before the server fell silent.
    assert!(Instant::now() < silent_from + lease_duration, "another could lead");
    assert!(Instant::now() > silent_from, "it has ended too early");
    assert_eq!(hears.recv().await, Some(Standing::Unknown));
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn when_one_task_panics_all_start_anew() {
    let (started, mut hears) = mpsc::unbounded_channel();
    let start = move |incarnation: u64| {
        assert!(started.send(incarnation).is_ok());
        let mut tasks = Tasks::default();
        tasks.spawn(
            async move { assert!(incarnation > 0, "this is meant to be seen in the output") },
        );
        tasks.spawn(std::future::pending());
        tasks
    };
    let leases = Leases::until(None);
    let running = tokio::spawn(run(candidate(), "kube-scheduler", leases, start, drop));

    assert_eq!((hears.recv().await, hears.recv().await), (Some(0), Some(1)));
    running.abort();
}
