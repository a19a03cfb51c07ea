//! The loop before an API server that has a Node and two Pods, and grants a Binding when it likes.

use std::sync::atomic::{AtomicUsize, Ordering};

use api::trace::Origin;
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use scheduler::{Configuration, WATCHED};
use serde_json::{Value, json};
use tokio::sync::Barrier;

use super::*;
use crate::transport::{Body, BoxError, BoxFuture};
use crate::{Tasks, Trace};

/// What becomes of Bindings.
enum Grants {
    /// None is answered before so many were asked for.
    Together(Barrier),
    /// The first is refused.
    NotTheFirst(AtomicUsize),
}

struct ApiServer {
    grants: Grants,
    /// The pod of each Binding that is granted, and each Event.
    told: UnboundedSender<Value>,
}

impl ApiServer {
    async fn answer(&self, request: &http::Request<Bytes>) -> (StatusCode, Value) {
        let path = request.uri().path();
        let sent = || serde_json::from_slice::<Value>(request.body()).unwrap();
        if path.ends_with("/binding") {
            return self.bind(sent()).await;
        }
        if path.ends_with("/events") {
            self.told.send(sent()).unwrap();
            return (StatusCode::CREATED, json!({}));
        }
        if request.uri().query().is_some_and(|query| query.contains("watch=")) {
            std::future::pending::<()>().await;
        }
        let items = match path {
            "/api/v1/nodes" => vec![node()],
            "/api/v1/pods" => vec![pod("first"), pod("second")],
            _ => vec![],
        };
        (StatusCode::OK, json!({"metadata": {"resourceVersion": "7"}, "items": items}))
    }

    async fn bind(&self, binding: Value) -> (StatusCode, Value) {
        match &self.grants {
            Grants::Together(barrier) => {
                barrier.wait().await;
            }
            Grants::NotTheFirst(asked) if asked.fetch_add(1, Ordering::Relaxed) == 0 => {
                let refusal = json!({"kind": "Status", "message": "not now", "code": 500});
                return (StatusCode::INTERNAL_SERVER_ERROR, refusal);
            }
            Grants::NotTheFirst(_) => {}
        }
        self.told.send(binding).unwrap();
        (StatusCode::CREATED, json!({}))
    }
}

impl Transport for ApiServer {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Body>, BoxError>> {
        Box::pin(async move {
            let (code, body) = self.answer(&request).await;
            let body = Full::new(Bytes::from(body.to_string())).map_err(|never| match never {});
            Ok(http::Response::builder().status(code).body(body.boxed_unsync())?)
        })
    }
}

#[tokio::test]
async fn the_next_pod_does_not_wait_until_a_binding_is_answered() {
    let mut told = run(Grants::Together(Barrier::new(2)));

    let mut bound = vec![];
    while bound.len() < 2 {
        let one = next(&mut told).await;
        bound.extend((one["kind"] == "Binding").then(|| one["metadata"]["name"].clone()));
    }

    bound.sort_by_key(ToString::to_string);
    assert_eq!(bound, ["first", "second"]);
}

#[tokio::test]
async fn a_binding_that_fails_is_told_and_asked_for_again() {
    let mut told = run(Grants::NotTheFirst(AtomicUsize::new(0)));

    let (mut bound, mut failed) = (vec![], vec![]);
    while bound.len() < 2 {
        let one = next(&mut told).await;
        bound.extend((one["kind"] == "Binding").then(|| one["metadata"]["name"].clone()));
        failed.extend((one["reason"] == "FailedScheduling").then(|| one["message"].clone()));
    }

    bound.sort_by_key(ToString::to_string);
    assert_eq!(bound, ["first", "second"]);
    assert_eq!(failed, ["running Bind plugin \"DefaultBinder\": not now"]);
}

/// Runs a scheduler that tries again without delay.
fn run(grants: Grants) -> UnboundedReceiver<Value> {
    let (sender, told) = mpsc::unbounded_channel();
    let transport: Arc<dyn Transport> = Arc::new(ApiServer { grants, told: sender });
    let mut tasks = Tasks::default();
    let origin = (Trace::off(), Origin::new("kube-scheduler", 0));
    let informers = Informers::start(&mut tasks, Arc::clone(&transport), &WATCHED, origin);
    let configuration =
        Configuration { initial_backoff: Duration::ZERO, ..Configuration::default() };
    let extenders = Extenders::new(&[]).unwrap();
    tokio::spawn(async move {
        super::run(
            Scheduler::new(configuration),
            informers,
            transport,
            extenders,
            Metrics::default(),
        )
        .await;
        drop(tasks);
    });
    told
}

async fn next(told: &mut UnboundedReceiver<Value>) -> Value {
    let deadline = Duration::from_secs(60);
    tokio::time::timeout(deadline, told.recv()).await.unwrap().unwrap()
}

fn node() -> Value {
    let resources = json!({"cpu": "4", "memory": "8Gi", "pods": "10"});
    json!({"apiVersion": "v1", "kind": "Node",
        "metadata": {"name": "a", "uid": "a", "resourceVersion": "5"},
        "status": {"allocatable": resources, "capacity": resources}})
}

fn pod(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "uid": name, "resourceVersion": "6"},
        "spec": {"containers": [{"name": "main", "image": "registry.example/main:1"}]}})
}
