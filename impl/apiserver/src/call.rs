//! A request as the API server sees it, and what it decides.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{ApiResource, FeatureGates, Status, Timestamp};
use http::Method;
use http::header::{ETAG, HeaderName};
use serde_json::{Value, json};
use store::{Revision, Transaction};

use crate::accept::{self, Encoding};
use crate::component_status::{self, Components};
use crate::health;
use crate::negotiate::Format;
use crate::object;
use crate::proxy::ProxyCall;
use crate::request_info::RequestInfo;
use crate::strategy::{self, deprecation_warning};
use crate::token::TokenKeys;
use crate::watch::Watch;

/// Who asks. Source: Kubernetes documentation, "Authenticating", X509 client certificates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// The certificate's common name, or `system:serviceaccount:NAMESPACE:NAME`.
    pub name: String,
    /// The service account's uid; empty for others.
    pub uid: String,
    /// The certificate's organizations, or the groups that a service account is in.
    pub groups: Vec<String>,
    /// What else is known of who asks, as `authentication.kubernetes.io/pod-name`.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self {
            name: "system:anonymous".to_owned(),
            groups: vec!["system:unauthenticated".to_owned()],
            ..Self::default()
        }
    }

    /// The `UserInfo` of `authentication.k8s.io/v1`.
    pub(crate) fn info(&self) -> Value {
        let mut info = json!({"username": self.name});
        if !self.uid.is_empty() {
            info["uid"] = json!(self.uid);
        }
        if !self.groups.is_empty() {
            info["groups"] = json!(self.groups);
        }
        if !self.extra.is_empty() {
            info["extra"] = json!(self.extra);
        }
        info
    }

    /// Whether it has shown neither certificate nor token.
    pub fn is_anonymous(&self) -> bool {
        self.name == "system:anonymous"
    }
}

/// A request, read but not understood yet.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// GET, POST …
    pub method: Method,
    /// Without the query.
    pub path: String,
    /// The query's pairs, decoded, in order.
    pub query: Vec<(String, String)>,
    /// Whether the server that is asked closes.
    pub is_closing: bool,
    /// The `Content-Type` header.
    pub content_type: String,
    /// The `Accept` header.
    pub accept: String,
    /// The `If-None-Match` header.
    pub if_none_match: String,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// The body, whole.
    pub body: Vec<u8>,
    /// Who asks.
    pub user: User,
}

impl Call {
    /// The same with nothing sent along, which may be large.
    pub(crate) fn without_body(&self) -> Self {
        Self {
            method: self.method.clone(),
            path: self.path.clone(),
            query: self.query.clone(),
            is_closing: self.is_closing,
            content_type: self.content_type.clone(),
            accept: self.accept.clone(),
            if_none_match: self.if_none_match.clone(),
            user_agent: self.user_agent.clone(),
            body: vec![],
            user: self.user.clone(),
        }
    }

    /// The first value of a query parameter, empty when absent.
    pub fn parameter(&self, name: &str) -> &str {
        self.first(name).unwrap_or_default()
    }

    /// The first value of a query parameter, if it is there.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The media type of the body, without its parameters.
    pub(crate) fn media_type(&self) -> &str {
        let end = self.content_type.find(';').unwrap_or(self.content_type.len());
        self.content_type[..end].trim()
    }

    /// All values of a query parameter.
    pub fn parameters<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A boolean query parameter, as Kubernetes reads it: anything but `false` and `0` is true.
    pub fn flag(&self, name: &str) -> bool {
        self.first(name).is_some_and(|value| !matches!(&*value.to_lowercase(), "false" | "0"))
    }

    /// What it is about.
    pub(crate) fn info(&self) -> RequestInfo {
        RequestInfo::of(&self.method, &self.path, &self.query)
    }

    /// How new what it is decided on must be.
    pub fn freshness(&self) -> Freshness {
        if self.method != Method::GET {
            return Freshness::Decides;
        }
        let is_of_objects = ["/api/", "/apis/"].iter().any(|root| self.path.starts_with(root));
        match self.parameter("resourceVersion") {
            "0" => Freshness::Any,
            _ if is_of_objects || health::asked(&self.path).is_some() => Freshness::Newest,
            _ => Freshness::Any,
        }
    }

    /// The answer where the store that objects are kept in cannot be asked.
    pub fn without_store(&self, why: Status, context: &Context) -> Response {
        if health::asked(&self.path).is_some() {
            return health::answer(self, false);
        }
        let Some(target) = component_status::asked(self) else { return why.into() };
        let answer = component_status::answer(self, &target, context, Err(why.message));
        let mut response = answer.unwrap_or_else(Response::from).encoded(accept::encoding(self));
        response.warnings.extend(deprecation_warning(target.resource).map(str::to_owned));
        response
    }

    /// Whether nothing may be stored.
    pub fn is_dry_run(&self) -> bool {
        self.first("dryRun").is_some()
    }
}

/// How new a store must be for a request to be decided on it.
/// Source: Kubernetes API concepts, "Resource versions".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// A read of the newest, or of a revision that must have been reached; and whether there is one.
    Newest,
    /// A read that takes what is there: `resourceVersion=0`, and what is no object.
    Any,
    /// A write. It carries the condition under which it holds; only its refusal must be of the newest.
    Decides,
}

/// What a decision may use that is not in the request or the store.
#[derive(Clone, Debug)]
pub struct Context {
    /// The time.
    pub now: Timestamp,
    /// A uid that nothing has yet.
    pub uid: String,
    /// Random bits for generated names.
    pub random: u64,
    /// How long a pod that says nothing else stays on a node that is gone.
    pub default_toleration_seconds: i64,
    /// What signs the tokens of service accounts.
    pub keys: Arc<dyn TokenKeys>,
    /// What runs beside this API server.
    pub components: Components,
    /// What is switched on.
    pub feature_gates: FeatureGates,
}

#[cfg(test)]
impl Call {
    /// What somebody with a certificate asks for.
    pub(crate) fn of_tests(method: Method, path: impl Into<String>, body: &Value) -> Self {
        Self {
            method,
            path: path.into(),
            body: body.to_string().into_bytes(),
            user: User {
                name: "ada".to_owned(),
                groups: vec!["admins".to_owned()],
                ..User::default()
            },
            ..Self::default()
        }
    }
}

#[cfg(test)]
impl Context {
    /// The beginning of time, and nothing by chance.
    pub(crate) fn of_tests() -> Self {
        let (now, uid) = (Timestamp::UNIX_EPOCH, "1".to_owned());
        let keys = Arc::new(crate::token::NamedKeys("ours"));
        let scheduler = component_status::Health::Ended { ended: 1, tasks: 2 };
        let controller_manager = component_status::Health::Works;
        let components = Components { controller_manager, scheduler };
        let feature_gates = FeatureGates::default();
        let default_toleration_seconds = 300;
        Self { now, uid, random: 0, default_toleration_seconds, keys, components, feature_gates }
    }
}

/// The media type of Kubernetes' protobuf.
pub(crate) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP code.
    pub code: u16,
    /// The `Content-Type` header; empty for none.
    pub content_type: &'static str,
    /// Further headers. What has an entity tag among them is sent as it is.
    pub headers: Vec<(HeaderName, String)>,
    /// Texts for `Warning` headers.
    pub warnings: Vec<String>,
    /// The `Retry-After` header; 0 for none.
    pub retry_after_seconds: u32,
    /// The body, whole.
    pub body: Vec<u8>,
}

impl Response {
    /// A JSON document.
    pub fn json(code: u16, value: &Value) -> Self {
        Self::bytes(code, "application/json", value.to_string().into_bytes())
    }

    /// The same answer, written in another way. What is no JSON stays as it is, and so does what has no form
    /// in protobuf.
    pub(crate) fn encoded(mut self, encoding: Encoding) -> Self {
        let is_tagged = self.headers.iter().any(|(name, _)| *name == ETAG);
        if encoding == Encoding::Json || self.content_type != "application/json" || is_tagged {
            return self;
        }
        let Ok(value) = serde_json::from_slice::<Value>(&self.body) else { return self };
        let written = match encoding {
            Encoding::Json | Encoding::PrettyJson => {
                serde_json::to_vec_pretty(&value).ok().map(|body| ("application/json", body))
            }
            Encoding::Yaml => {
                api::yaml::encode(&value).map(|text| ("application/yaml", text.into_bytes()))
            }
            Encoding::Protobuf => api::protobuf::encode(&value).ok().map(|body| (PROTOBUF, body)),
        };
        if let Some((content_type, body)) = written {
            (self.content_type, self.body) = (content_type, body);
        }
        self
    }

    /// Anything.
    pub fn bytes(code: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        let (headers, warnings) = (vec![], vec![]);
        Self { code, content_type, headers, warnings, retry_after_seconds: 0, body }
    }
}

impl From<Status> for Response {
    fn from(status: Status) -> Self {
        let retry_after_seconds = status.retry_after_seconds;
        Self { retry_after_seconds, ..Self::json(status.reason.code(), &status.to_value()) }
    }
}

/// What is to be done about a request.
#[derive(Debug)]
pub enum Decision {
    /// Answer it.
    Respond(Response),
    /// Commit, then answer. When the compares do not hold any more, decide again on a newer store.
    Commit(Box<Commit>),
    /// Do each of these, then answer. A refusal of one ends it, unless the object is gone.
    Each(Vec<Call>, Response),
    /// Stream events.
    Watch(Box<Watch>),
    /// Let the kubelet of a node answer.
    Node(NodeCall),
    /// Let answer what runs in a pod, behind a service or on a node.
    Proxy(Box<ProxyCall>),
}

impl Decision {
    /// The same, with one more warning before the others. What others answer has none.
    pub(crate) fn with_warning(mut self, warning: Option<&str>) -> Self {
        let warnings = match &mut self {
            Self::Respond(response) | Self::Each(_, response) => Some(&mut response.warnings),
            Self::Commit(commit) => Some(&mut commit.answer.warnings),
            Self::Watch(watch) => Some(&mut watch.warnings),
            Self::Node(_) | Self::Proxy(_) => None,
        };
        if let (Some(warnings), Some(warning)) = (warnings, warning) {
            warnings.insert(0, warning.to_owned());
        }
        self
    }
}

/// A write and the answer once it is durable.
#[derive(Debug)]
pub struct Commit {
    /// What is written, and on what condition.
    pub transaction: Transaction,
    /// The object's resource.
    pub resource: &'static ApiResource,
    /// What is done, for the trace: `create`, `update`, `delete`, `bind` …
    pub action: &'static str,
    /// The object as it is written, or as it was when it is removed.
    pub object: Value,
    /// What is written beside it, in the same transaction.
    pub beside: Vec<Companion>,
    /// The answer.
    pub answer: Answer,
}

/// An object that is written in the transaction of another: the quota that it is counted in.
#[derive(Clone, Debug, PartialEq)]
pub struct Companion {
    /// Its resource.
    pub resource: &'static ApiResource,
    /// What is done: `create`, `update` or `delete`.
    pub action: &'static str,
    /// The object as it is written, or as it was when it is removed.
    pub object: Value,
}

/// What a committed write answers.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP code.
    pub code: u16,
    /// In which form.
    pub format: Format,
    /// How it is written.
    pub encoding: Encoding,
    /// Texts for `Warning` headers.
    pub warnings: Vec<String>,
    /// Sent in place of the object.
    pub instead: Option<Instead>,
}

/// What a committed write answers in place of its object.
#[derive(Debug)]
pub enum Instead {
    /// A document.
    Value(Value),
    /// The scale of the object.
    Scale,
}

impl Commit {
    /// The answer, now that the write has a revision.
    pub fn respond(self, revision: Revision, now: Timestamp) -> Response {
        let mut response = match self.answer.instead {
            Some(Instead::Value(value)) => Response::json(self.answer.code, &value),
            Some(Instead::Scale) => {
                let object = object::with_revision(self.object, revision);
                let scale = strategy::scale_of(self.resource, &object)
                    .expect("it had a scale before it was written");
                self.answer.format.one(self.answer.code, &strategy::SCALE, &scale, now)
            }
            None => {
                let object = object::with_revision(self.object, revision);
                self.answer.format.one(self.answer.code, self.resource, &object, now)
            }
        };
        response.warnings = self.answer.warnings;
        response.encoded(self.answer.encoding)
    }
}

/// What is asked of a kubelet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeCall {
    /// `log`, `exec`, `attach` or `portforward`.
    pub subresource: String,
    /// The pod's node.
    pub node: String,
    /// The pod's namespace.
    pub namespace: String,
    /// The pod's name.
    pub pod: String,
    /// The container; empty where the whole pod is meant.
    pub container: String,
    /// The query, for the options.
    pub query: Vec<(String, String)>,
}
