//! Performs what the API server decides: commits, streams watches, passes requests on to kubelets.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use api::trace::Origin;
use api::{ApiResource, FeatureGates, Reason, Request, Status, resources};
use apiserver::token::TokenKeys;
use apiserver::{
    Call, Commit, Context, Decision, Freshness, HealthAsked, RequestInfo, Response, User,
};
use bytes::Bytes;
use etcd::{CommitError, LeaseManager, Storage, Verdict, Witness};
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, IF_NONE_MATCH, RETRY_AFTER, USER_AGENT,
    VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, Full};
use hyper::body::Body as _;
use store::{Operation, Store, Transaction};
use tokio::sync::Semaphore;

use crate::components::Components;
use crate::http_server::Closing;
use crate::local::Local;
use crate::metrics::{Format, Metrics};
use crate::node_server::NodeServer;
use crate::origin;
use crate::trace::Trace;
use crate::transport::{Body, BoxError};
use crate::watchers::Watchers;
use crate::{clock, compression, proxy, requests, streams, warning_header, watch_stream};

/// How often a write is decided again when others are faster, before it is given up.
const ATTEMPTS_MAX: usize = 64;

/// A body of no more bytes is decided on at once, unless it is YAML, where a few bytes can mean a lot.
const QUICK_BYTES_MAX: usize = 16 * 1024;

/// The API server of a cluster; clones share it.
#[derive(Clone)]
pub struct ApiServer {
    shared: Arc<Shared>,
}

struct Shared {
    storage: Storage,
    watchers: Arc<Watchers>,
    nodes: RwLock<BTreeMap<String, Arc<dyn NodeServer>>>,
    components: Arc<Components>,
    trace: Trace,
    settings: Settings,
    /// Of Events, unless they are to stay.
    event_leases: Option<LeaseManager>,
    /// Writes that have met another one are decided again in turn, first come, first served: with many who
    /// write the same, such as the usage of a quota, nobody is outrun for ever.
    turns: tokio::sync::Mutex<()>,
    /// Decisions that may take long, as many at once as there are cores.
    long_decisions: Arc<Semaphore>,
}

/// What an API server is told when it starts.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long pods that say nothing else stay on a node that is gone.
    pub default_toleration_seconds: i64,
    /// What signs the tokens of service accounts.
    pub keys: Arc<dyn TokenKeys>,
    /// What is switched on.
    pub feature_gates: FeatureGates,
    /// How long Events stay; zero for ever.
    pub event_ttl: Duration,
}

impl ApiServer {
    /// An API server on a store. It needs a runtime, which ends Events.
    pub fn new(storage: Storage, trace: Trace, settings: Settings) -> Self {
        let ttl = Some(settings.event_ttl).filter(|ttl| !ttl.is_zero());
        let event_leases =
            ttl.map(|ttl| LeaseManager::start(storage.clone(), ttl, trace.farewell()));
        let nodes = RwLock::default();
        let watchers = Arc::<Watchers>::default();
        let components = Arc::<Components>::default();
        let turns = tokio::sync::Mutex::default();
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let shared = Shared {
            storage,
            watchers,
            nodes,
            components,
            trace,
            settings,
            event_leases,
            turns,
            long_decisions: Arc::new(Semaphore::new(cores)),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Who runs beside it, for who asks how they are.
    pub fn components(&self) -> &Arc<Components> {
        &self.shared.components
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.components.metrics
    }

    /// Who bears a token, as far as it is known here. A 401 where nobody does.
    pub fn authenticate(&self, token: &str) -> Result<User, Status> {
        let (store, context) = (self.snapshot(), self.context());
        if let Some(request) = apiserver::token::usage(&store, token, &context) {
            tokio::spawn(perform(self.clone(), request));
        }
        apiserver::token::authenticate(&store, token, &context)
    }

    /// Makes a kubelet reachable for logs and commands.
    pub fn register_node(&self, name: &str, server: Arc<dyn NodeServer>) {
        self.nodes_mut().insert(name.to_owned(), server);
    }

    /// Where objects are kept.
    pub fn storage(&self) -> &Storage {
        &self.shared.storage
    }

    /// Answers a request whose body has been read.
    pub async fn handle(&self, request: http::Request<Bytes>, user: User) -> http::Response<Body> {
        let (mut parts, body) = request.into_parts();
        let origin = origin::of(&parts, &user);
        let call = call(&parts, &body, user);
        let running = self.metrics().requests().begin(&parts);
        let health = apiserver::asks_for_health(&call);
        let decision = match self.told(&call) {
            Some(response) => Decision::Respond(response),
            None => self.decide(call, &origin).await,
        };
        let response = match decision {
            Decision::Respond(response) => respond_to(&parts.headers, response).await,
            Decision::Watch(watch) => {
                let Shared { storage, watchers, .. } = &*self.shared;
                let closing = parts.extensions.get::<Closing>().cloned();
                watch_stream::respond((storage, watchers), *watch, (running.streaming(), closing))
            }
            Decision::Node(node_call) => {
                let server = self.node(&node_call.node);
                streams::respond(server, node_call, &mut parts, running.streaming()).await
            }
            Decision::Proxy(proxy_call) => proxy::respond(&proxy_call, &mut parts, body).await,
            Decision::Commit(_) | Decision::Each(..) => {
                respond(Status::internal("a decision was not performed").into())
            }
        };
        let code = response.status().as_u16();
        if let Some(health) = health {
            self.count_checks(&health, code);
        }
        let bytes = response.body().size_hint().exact().unwrap_or_default();
        running.answered(code, bytes);
        response
    }

    /// What is counted, for who may know it.
    fn told(&self, call: &Call) -> Option<Response> {
        let write = match call.path.as_str() {
            "/metrics" => Metrics::text,
            "/metrics/slis" => |metrics: &Metrics, _: &Storage, format| metrics.health_text(format),
            _ => return None,
        };
        apiserver::authorize(call).ok()?;
        let format = Format::asked(&call.accept);
        let text = write(self.metrics(), &self.shared.storage, format);
        Some(Response::bytes(200, format.content_type(), text.into_bytes()))
    }

    fn count_checks(&self, health: &HealthAsked, code: u16) {
        for (name, is_passed) in health.checks(code) {
            self.metrics().checks().checked(health.root, name, is_passed);
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
        self.decide_until_it_holds(call, origin).await.unwrap_or_else(|error| {
            let why = commit_error(&error);
            Decision::Respond(call.without_store(why, &self.context()))
        })
    }

    /// Decides on what is known here, and again where a write has met another or a refusal could be old.
    async fn decide_until_it_holds(
        &self,
        call: &Call,
        origin: &Origin,
    ) -> Result<Decision, CommitError> {
        let request = self.shared.trace.request(call);
        let storage = &self.shared.storage;
        let freshness = call.freshness();
        let mut is_newest = freshness == Freshness::Newest;
        let mut store = if is_newest { storage.newest().await? } else { storage.snapshot() };
        let mut turn = None;
        for _ in 0..ATTEMPTS_MAX {
            let context = self.context();
            let decision = self.decided(&store, call, &context).await;
            let Decision::Commit(commit) = decision else {
                if is_newest || freshness == Freshness::Any || !storage.lags() {
                    self.shared.trace.answered(request, call, origin, &decision);
                    return Ok(decision);
                }
                (store, is_newest) = (storage.newest().await?, true);
                continue;
            };
            if let Some(response) = self.commit(*commit, &context, request, origin).await? {
                return Ok(Decision::Respond(response));
            }
            if turn.is_none() {
                turn = Some(self.shared.turns.lock().await);
            }
            (store, is_newest) = (storage.snapshot(), false);
        }
        let message = "the object was changed by others each time it was tried";
        Ok(Decision::Respond(Status::new(Reason::Conflict, message).into()))
    }

    /// Decides; beside the threads that serve everybody where it may take long, and not all at once.
    async fn decided(&self, store: &Store, call: &Call, context: &Context) -> Decision {
        if !may_take_long(call) {
            return apiserver::decide(store, call, context);
        }
        let (store, call, context) = (store.clone(), call.clone(), context.clone());
        let place = Arc::clone(&self.shared.long_decisions).acquire_owned().await;
        let decision = tokio::task::spawn_blocking(move || {
            // Held to the end, also where nobody waits for it any more.
            let _place = place;
            apiserver::decide(&store, &call, &context)
        });
        decision.await.unwrap_or_else(|error| Decision::Respond(Status::internal(error).into()))
    }

    fn context(&self) -> Context {
        Context {
            now: clock::now(),
            uid: clock::uid(),
            random: clock::random(),
            default_toleration_seconds: self.shared.settings.default_toleration_seconds,
            keys: Arc::clone(&self.shared.settings.keys),
            components: self.shared.components.health(),
            feature_gates: self.shared.settings.feature_gates.clone(),
        }
    }

    /// `None` when the object has changed since the decision.
    async fn commit(
        &self,
        commit: Commit,
        context: &Context,
        request: u64,
        origin: &Origin,
    ) -> Result<Option<Response>, CommitError> {
        let witness = self.shared.trace.witness(request, origin, &commit);
        let begun = Instant::now();
        let verdict = match self.event_leases(commit.resource) {
            Some(leases) => self.commit_for_a_time(leases, &commit.transaction, witness).await,
            None => self.shared.storage.commit(commit.transaction.clone(), witness).await,
        };
        let about = (commit.resource, commit.action);
        self.metrics().writes().performed(about, begun, verdict.is_ok());
        let verdict = verdict?;
        Ok(verdict.succeeded.then(|| commit.respond(verdict.revision, context.now)))
    }

    fn event_leases(&self, resource: &ApiResource) -> Option<&LeaseManager> {
        self.shared.event_leases.as_ref().filter(|_| resource == &resources::EVENTS)
    }

    /// What is written has its whole time again.
    async fn commit_for_a_time(
        &self,
        leases: &LeaseManager,
        transaction: &Transaction,
        witness: Witness,
    ) -> Result<Verdict, CommitError> {
        let mut transaction = transaction.clone();
        for operation in &mut transaction.success {
            if let Operation::Put(put) = operation {
                put.lease = Some(leases.lease().await?);
            }
        }
        let verdict = self.shared.storage.commit(transaction, witness).await;
        if verdict.is_err() {
            leases.forget().await;
        }
        verdict
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

    /// What is durable now, as far as it is known here.
    pub fn snapshot(&self) -> Store {
        self.shared.storage.snapshot()
    }
}

fn commit_error(error: &CommitError) -> Status {
    match error {
        CommitError::Invalid(_) | CommitError::Refused(_) | CommitError::Broken(_) => {
            Status::internal(error)
        }
        CommitError::Unknown(_) => Status::new(Reason::Timeout, error.to_string()),
        CommitError::Unreachable(_) | CommitError::Stopped => {
            Status::new(Reason::ServiceUnavailable, error.to_string())
        }
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
        is_closing: parts.extensions.get::<Closing>().is_some_and(Closing::has_begun),
        content_type: header(CONTENT_TYPE),
        accept: header(ACCEPT),
        if_none_match: header(IF_NONE_MATCH),
        user_agent: header(USER_AGENT),
        body: body.to_vec(),
        user,
    }
}

/// An answer as HTTP sends it, small if it is large and its reader takes it so.
async fn respond_to(headers: &HeaderMap, mut response: Response) -> http::Response<Body> {
    if !compression::is_wanted(headers, response.body.len()) {
        return respond(response);
    }
    let body = std::mem::take(&mut response.body);
    let compressed = tokio::task::spawn_blocking(move || (compression::gzip(&body), body)).await;
    let Ok((compressed, body)) = compressed else {
        return respond(Status::internal("an answer could not be compressed").into());
    };
    let is_compressed = compressed.is_some();
    response.body = compressed.unwrap_or(body);
    let mut http = respond(response);
    if is_compressed {
        let headers = http.headers_mut();
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    http
}

/// An answer as HTTP sends it.
pub fn respond(response: Response) -> http::Response<Body> {
    let mut builder =
        http::Response::builder().status(response.code).header(CACHE_CONTROL, "no-cache, private");
    if !response.content_type.is_empty() {
        builder = builder.header(CONTENT_TYPE, response.content_type);
    }
    if response.retry_after_seconds > 0 {
        builder = builder.header(RETRY_AFTER, response.retry_after_seconds);
    }
    if let Some(headers) = builder.headers_mut() {
        warning_header::add(headers, &response.warnings);
        for (name, value) in response.headers {
            // What the core writes there is ASCII.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
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

/// What an `Accept` header says that wants objects read and written anew: tables and their like, and other encodings.
const READ_ANEW: [&str; 3] = ["as=", "protobuf", "yaml"];

/// Whether it may take long to decide: large bodies, YAML, and what reads a whole collection. A list that copies stored
/// bytes does not: what is copied by one thread and freed by another takes twice as long.
fn may_take_long(call: &Call) -> bool {
    let info = RequestInfo::of(&call.method, &call.path, &call.query);
    let reads_many = match &*info.verb {
        "list" => info.name.is_empty() && READ_ANEW.iter().any(|form| call.accept.contains(form)),
        "deletecollection" => true,
        _ => false,
    };
    call.body.len() > QUICK_BYTES_MAX || call.content_type.contains("yaml") || reads_many
}

/// Performs a request of the API server's own.
async fn perform(server: ApiServer, request: Request) {
    let groups = vec!["system:masters".to_owned()];
    let user = User { name: "system:apiserver".to_owned(), groups, ..User::default() };
    let local = Local::new(server, user, "kube-apiserver", 0);
    // What is refused is tried again with the next use.
    drop(requests::perform(&local, &request).await);
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    #[test]
    fn what_reads_many_objects_or_much_text_is_decided_beside() {
        let asked = |method: Method, path: &str, query: &str, media_type: &str, bytes: usize| {
            let query = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
            let (path, accept) = (path.to_owned(), media_type.to_owned());
            let (content_type, body) = (accept.clone(), vec![b' '; bytes]);
            may_take_long(&Call {
                method,
                path,
                query,
                accept,
                content_type,
                body,
                ..Call::default()
            })
        };
        let (all, one) = ("/api/v1/pods", "/api/v1/namespaces/a/pods/b");

        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        assert!(asked(Method::GET, all, "limit=1", table, 0));
        assert!(asked(Method::GET, all, "", "application/vnd.kubernetes.protobuf", 0));
        assert!(!asked(Method::GET, all, "", "application/json", 0));
        assert!(!asked(Method::GET, one, "", table, 0));
        assert!(asked(Method::DELETE, "/api/v1/namespaces/a/pods", "", "", 0));
        assert!(asked(Method::PUT, one, "", "application/json", QUICK_BYTES_MAX + 1));
        assert!(asked(Method::PUT, one, "", "application/yaml", 1));
        assert!(!asked(Method::GET, all, "watch=1", table, 0));
        assert!(!asked(Method::GET, all, "fieldSelector=metadata.name%3Db", table, 0));
        assert!(!asked(Method::GET, one, "", "", 0));
        assert!(!asked(Method::PUT, one, "", "application/json", QUICK_BYTES_MAX));
        assert!(!asked(Method::GET, "/apis", "", "", 0));
    }
}
