//! The loop before an API server that has a ConfigMap, and answers other requests when it is told to.

use std::sync::Mutex;

use api::trace::Origin;
use api::{Request, Timestamp, resources};
use bytes::Bytes;
use client::Outcome;
use controllers::Plan;
use http_body_util::{BodyExt, Full};
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;
use crate::transport::{Body, BoxError, BoxFuture};
use crate::{Tasks, Trace};

/// How long something may take that takes no time.
const DEADLINE: Duration = Duration::from_secs(30);

/// Reads two ConfigMaps for each that changes, and as many at once as it has workers.
#[derive(Clone, Debug)]
struct Reads {
    name: &'static str,
    workers: usize,
    completed: Arc<Mutex<Vec<String>>>,
}

impl Controller for Reads {
    fn name(&self) -> &'static str {
        self.name
    }

    fn workers(&self) -> usize {
        self.workers
    }

    fn observe(&mut self, _: &View, _: &Change) -> Vec<Key> {
        ["first", "second"].map(|name| Key::new(self.name, name)).into()
    }

    fn reconcile(&mut self, _: &View, key: &Key, _: Timestamp) -> Plan {
        let requests = vec![Request::get(&resources::CONFIG_MAPS, key.clone())];
        Plan { requests, look_again: None }
    }

    fn completed(&mut self, key: &Key, _: &Request, _: &Outcome) {
        self.completed.lock().unwrap().push(key.to_string());
    }
}

/// Tells of each request but lists and watches, and answers it when a permit is there.
struct Told {
    requests: UnboundedSender<String>,
    permits: Arc<Semaphore>,
}

impl Transport for Told {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Body>, BoxError>> {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let path = request.uri().path().to_owned();
        Box::pin(async move {
            let list = json!({"metadata": {"resourceVersion": "7"}, "items": [{"metadata": {
                "name": "c", "namespace": "n", "resourceVersion": "3"}}]});
            let answer = match query.as_str() {
                "" => {
                    self.requests.send(path).expect("someone listens");
                    self.permits.acquire().await.expect("it is never closed").forget();
                    json!({})
                }
                query if query.contains("watch=1") => std::future::pending().await,
                _ => list,
            };
            let body = Full::new(Bytes::from(answer.to_string())).map_err(|never| match never {});
            Ok(http::Response::new(body.boxed_unsync()))
        })
    }
}

async fn asked(told: &mut UnboundedReceiver<String>) -> String {
    let asked = tokio::time::timeout(DEADLINE, told.recv()).await;
    asked.expect("it is asked in time").expect("the loop runs")
}

#[tokio::test]
async fn each_controller_has_its_own_workers_and_hears_of_its_own_requests() {
    let (requests, mut told) = unbounded_channel();
    let permits = Arc::new(Semaphore::new(0));
    let transport: Arc<dyn Transport> = Arc::new(Told { requests, permits: Arc::clone(&permits) });
    let completed: [Arc<Mutex<Vec<String>>>; 2] = Default::default();
    let [one, two] = completed.clone();
    let controllers: Vec<Box<dyn Controller>> = vec![
        Box::new(Reads { name: "one-worker", workers: 1, completed: one }),
        Box::new(Reads { name: "two-workers", workers: 2, completed: two }),
    ];
    let mut tasks = Tasks::default();
    let origin = (Trace::off(), Origin::default());
    let watched = &[&resources::CONFIG_MAPS];
    let informers = Informers::start(&mut tasks, Arc::clone(&transport), watched, origin);
    tasks.spawn(run(controllers, informers, transport, Metrics::default()));
    let path = |namespace, name| format!("/api/v1/namespaces/{namespace}/configmaps/{name}");

    let mut at_first = vec![];
    for _ in 0..3 {
        at_first.push(asked(&mut told).await);
    }
    let early = told.try_recv();
    permits.add_permits(1);
    let next = asked(&mut told).await;

    let (first, second) = (path("one-worker", "first"), path("one-worker", "second"));
    let others = ["first", "second"].map(|name| path("two-workers", name));
    assert_eq!(at_first[0], first);
    assert_eq!(at_first[1..], others);
    assert!(early.is_err(), "one worker does not work on two keys: {early:?}");
    assert_eq!(next, second, "it goes on when the first is done");
    assert_eq!(*completed[0].lock().unwrap(), ["one-worker/first"]);
    assert!(completed[1].lock().unwrap().is_empty(), "its requests are not answered yet");
}
