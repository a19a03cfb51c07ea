//! Performs what the API server decides: commits, streams watches, passes requests on to kubelets.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use api::trace::Origin;
use api::{Reason, Status};
use apiserver::{Call, Commit, Context, Decision, Response, User};
use bytes::Bytes;
use etcd::{CommitError, Etcd};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::request::Parts;
use http_body_util::{BodyExt, Full};
use store::{Committed, Store};

use crate::node_server::NodeServer;
use crate::origin;
use crate::trace::Trace;
use crate::transport::{Body, BoxError};
use crate::{clock, streams, watch_stream};

/// How often a write is decided again when others are faster, before it is given up.
const ATTEMPTS_MAX: usize = 64;

/// The API server of a cluster; clones share it.
#[derive(Clone)]
pub struct ApiServer {
    shared: Arc<Shared>,
}

struct Shared {
    etcd: Etcd,
    nodes: RwLock<BTreeMap<String, Arc<dyn NodeServer>>>,
    trace: Trace,
    default_toleration_seconds: i64,
}

impl ApiServer {
    /// An API server on a store. Pods that say nothing else stay for `default_toleration_seconds` on a
    /// node that is gone.
    pub fn new(etcd: Etcd, trace: Trace, default_toleration_seconds: i64) -> Self {
        let nodes = RwLock::default();
        Self { shared: Arc::new(Shared { etcd, nodes, trace, default_toleration_seconds }) }
    }

    /// Makes a kubelet reachable for logs and commands.
    pub fn register_node(&self, name: &str, server: Arc<dyn NodeServer>) {
        self.nodes_mut().insert(name.to_owned(), server);
    }

    /// The store below.
    pub fn etcd(&self) -> &Etcd {
        &self.shared.etcd
    }

    /// Answers a request whose body has been read.
    pub async fn handle(&self, request: http::Request<Bytes>, user: User) -> http::Response<Body> {
        let (mut parts, body) = request.into_parts();
        let origin = origin::of(&parts, &user);
        let call = call(&parts, &body, user);
        match self.decide(call, &origin).await {
            Decision::Respond(response) => respond(response),
            Decision::Watch(watch) => watch_stream::respond(&self.shared.etcd, *watch),
            Decision::Node(node_call) => {
                let server = self.node(&node_call.node);
                streams::respond(server, node_call, &mut parts).await
            }
            Decision::Commit(_) | Decision::Each(..) => {
                respond(Status::internal("a decision was not performed").into())
            }
        }
    }

    /// Decides a call and performs its writes; what is left is an answer or a stream.
    async fn decide(&self, call: Call, origin: &Origin) -> Decision {
        let decision = self.decide_one(&call, origin).await;
        let Decision::Each(calls, response) = decision else { return decision };
        for one in calls {
            if let Decision::Respond(refusal) = self.decide_one(&one, origin).await
                && refusal.code >= 400
                && refusal.code != 404
            {
                return Decision::Respond(refusal);
            }
        }
        Decision::Respond(response)
    }

    async fn decide_one(&self, call: &Call, origin: &Origin) -> Decision {
        let request = self.shared.trace.request(call);
        for _ in 0..ATTEMPTS_MAX {
            let context = self.context();
            let decision = apiserver::decide(&self.shared.etcd.snapshot(), call, &context);
            let Decision::Commit(commit) = decision else {
                self.shared.trace.answered(request, call, origin, &decision);
                return decision;
            };
            match self.commit(*commit, &context, request, origin).await {
                Some(response) => return Decision::Respond(response),
                None => tokio::task::yield_now().await,
            }
        }
        let message = "the object was changed by others each time it was tried";
        Decision::Respond(Status::new(Reason::Conflict, message).into())
    }

    fn context(&self) -> Context {
        Context {
            now: clock::now(),
            uid: clock::uid(),
            random: clock::random(),
            default_toleration_seconds: self.shared.default_toleration_seconds,
        }
    }

    /// `None` when the object has changed since the decision.
    async fn commit(
        &self,
        commit: Commit,
        context: &Context,
        request: u64,
        origin: &Origin,
    ) -> Option<Response> {
        let trace = self.shared.trace.clone();
        let told = apiserver::trace::committed(origin, request, &commit);
        let witness = move |committed: &Committed| {
            if committed.record.is_some() {
                trace.committed(told, committed.revision);
            }
        };
        match self.shared.etcd.commit_witnessed(commit.transaction.clone(), witness).await {
            Ok(committed) if !committed.succeeded => None,
            Ok(committed) => Some(commit.respond(committed.revision, context.now)),
            Err(error) => Some(commit_error(&error).into()),
        }
    }

    fn node(&self, name: &str) -> Result<Arc<dyn NodeServer>, Status> {
        let nodes = self.shared.nodes.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        nodes.get(name).cloned().ok_or_else(|| {
            Status::new(
                Reason::ServiceUnavailable,
                format!("the kubelet of node {name} cannot be reached"),
            )
        })
    }

    fn nodes_mut(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<String, Arc<dyn NodeServer>>> {
        self.shared.nodes.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Forgets a kubelet that has stopped.
    pub fn unregister_node(&self, name: &str) {
        self.nodes_mut().remove(name);
    }

    /// Forgets old history every `period`, keeping one period of it, as upstream's compactor does.
    pub async fn compact_every(self, period: Duration) {
        let mut before = self.shared.etcd.snapshot().revision();
        loop {
            tokio::time::sleep(period).await;
            // Where nothing was written since, it is compacted already.
            if self.shared.etcd.compact(before).await == Err(CommitError::Stopped) {
                return;
            }
            before = self.shared.etcd.snapshot().revision();
        }
    }

    /// What is durable now.
    pub fn snapshot(&self) -> Store {
        self.shared.etcd.snapshot()
    }
}

fn commit_error(error: &CommitError) -> Status {
    match error {
        CommitError::Invalid(_) | CommitError::Refused(_) | CommitError::Broken(_) => {
            Status::internal(error)
        }
        CommitError::Stopped => Status::new(Reason::ServiceUnavailable, error.to_string()),
    }
}

fn call(parts: &Parts, body: &Bytes, user: User) -> Call {
    let header = |name| {
        parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    };
    let query = parts.uri.query().unwrap_or_default();
    Call {
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        content_type: header(CONTENT_TYPE),
        accept: header(ACCEPT),
        body: body.to_vec(),
        user,
    }
}

/// An answer as HTTP sends it.
pub fn respond(response: Response) -> http::Response<Body> {
    let mut builder = http::Response::builder()
        .status(response.code)
        .header(CONTENT_TYPE, response.content_type)
        .header("cache-control", "no-cache, private");
    for warning in &response.warnings {
        let text = warning.replace('\\', "\\\\").replace('"', "\\\"");
        builder = builder.header("warning", format!("299 - \"{text}\""));
    }
    let body = full(response.body);
    builder.body(body).unwrap_or_else(|_| {
        let mut response = http::Response::new(full(b"an answer could not be sent".to_vec()));
        *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

fn full(bytes: Vec<u8>) -> Body {
    Full::new(Bytes::from(bytes)).map_err(|never| -> BoxError { match never {} }).boxed_unsync()
}
