//! What the API server decides for each request: a function of the request, the store and the time.
//!
//! A write is decided on a snapshot and carries the condition under which it still holds; the host
//! commits it, or decides again. Leaves out sockets, disks and clocks, and for now: admission webhooks,
//! roles.

pub mod accept;
mod admission;
mod authorization;
pub mod bootstrap;
mod call;
mod component_status;
pub mod discovery;
mod entity_tag;
mod health;
pub mod impersonation;
pub mod keys;
pub mod negotiate;
mod node;
pub mod object;
mod openapi;
mod options;
mod printers;
mod proxy;
mod read;
mod request_info;
mod root;
mod route;
mod strategy;
#[cfg(test)]
mod testing;
pub mod token;
pub mod trace;
mod version;
mod watch;
mod write;

pub use authorization::{authorize, authorize_request};
pub use call::{
    Answer, Call, Commit, Companion, Context, Decision, Freshness, Instead, NodeCall, Response,
    User,
};
pub use component_status::{Components, Health};
pub use health::{HealthAsked, asks_for_health};
pub use object::node_of;
pub use proxy::ProxyCall;
pub use request_info::RequestInfo;
pub use route::{Objects, Target, route};
pub use watch::Watch;

use api::Status;
use http::Method;
use store::Store;

use write::Write;

/// Whether a node is registered and Ready.
pub fn is_node_ready(store: &Store, name: &str) -> bool {
    let node = store.get(&keys::key(&api::resources::NODES, None, name));
    node.is_some_and(|node| {
        trace::delta(&api::resources::NODES, &object::decode(node))["ready"] == true
    })
}

/// Decides about a request. A refusal is an answer like any other.
pub fn decide(store: &Store, call: &Call, context: &Context) -> Decision {
    let decision = try_decide(store, call, context);
    match decision.unwrap_or_else(|status| Decision::Respond(status.into())) {
        Decision::Respond(response) => Decision::Respond(response.encoded(accept::encoding(call))),
        Decision::Each(calls, response) => {
            Decision::Each(calls, response.encoded(accept::encoding(call)))
        }
        other @ (Decision::Commit(_)
        | Decision::Watch(_)
        | Decision::Node(_)
        | Decision::Proxy(_)) => other,
    }
}

fn try_decide(store: &Store, call: &Call, context: &Context) -> Result<Decision, Status> {
    authorization::authorize(call)?;
    let target = route(&call.path)?;
    options::check_timeout(call)?;
    if let Target::Watched(target) = &target {
        if call.method != Method::GET {
            return Err(Status::method_not_allowed());
        }
        let watch = Decision::Watch(Box::new(watch::watch(store, call, target)?));
        return Ok(watch.with_warning(strategy::deprecation_warning(target.resource)));
    }
    if let Target::Objects(target) = &target {
        let decision = decide_objects(Write { store, call, target, context });
        let decision = decision.unwrap_or_else(|status| Decision::Respond(status.into()));
        return Ok(decision.with_warning(strategy::deprecation_warning(target.resource)));
    }
    if call.method != Method::GET && target != Target::Nothing {
        return Err(Status::method_not_allowed());
    }
    document(&target, call, context).map(Decision::Respond)
}

fn document(target: &Target, call: &Call, context: &Context) -> Result<Response, Status> {
    let json = |value| Ok(Response::json(200, &value));
    match target {
        Target::Nothing => Ok(root::page_not_found()),
        Target::Paths => Ok(root::paths()),
        Target::Version => json(discovery::version()),
        Target::Health => Ok(health::answer(call, true)),
        Target::CoreVersions => Ok(discovery::core_versions(call, "")),
        Target::Groups => Ok(discovery::groups(call)),
        Target::Group(group) => json(discovery::group(group)),
        Target::Resources(group, version) => json(discovery::api_resources(group, version)),
        Target::IssuerConfiguration => Ok(token::configuration(&*context.keys)),
        Target::IssuerKeys => Ok(token::key_set(&*context.keys)),
        Target::OpenApiIndex => Ok(openapi::index(call)),
        Target::OpenApiDocument(root) => openapi::version_3(root, call, context.now),
        Target::OpenApiVersion2 => Ok(openapi::version_2(call)),
        Target::Objects(_) | Target::Watched(_) => Err(Status::no_such_path()),
    }
}

fn decide_objects(write: Write<'_>) -> Result<Decision, Status> {
    options::write::check(write.call, write.target)?;
    if write.target.resource == &api::resources::BINDINGS {
        return write::bind_named(write);
    }
    if write.target.resource == &api::resources::COMPONENT_STATUSES {
        let Write { call, target, context, .. } = write;
        return component_status::answer(call, target, context, Ok(())).map(Decision::Respond);
    }
    if !write.target.resource.is_stored {
        return write::review(write);
    }
    match (write.target.subresource, write.target.name.is_some()) {
        ("", false) => decide_collection(write),
        ("", true) => decide_one(write),
        (subresource, _) => decide_subresource(write, subresource),
    }
}

fn decide_collection(write: Write<'_>) -> Result<Decision, Status> {
    let Write { store, call, target, context } = write;
    match call.method {
        Method::GET if call.flag("watch") => {
            watch::watch(store, call, target).map(Box::new).map(Decision::Watch)
        }
        Method::GET => read::list(store, call, target, context).map(Decision::Respond),
        Method::POST => write::create(write),
        Method::DELETE if discovery::verbs(target.resource).contains(&"deletecollection") => {
            write::delete_collection(write)
        }
        _ => Err(Status::method_not_allowed()),
    }
}

fn decide_one(write: Write<'_>) -> Result<Decision, Status> {
    let Write { store, call, target, context } = write;
    match call.method {
        Method::GET => read::get(store, call, target, context).map(Decision::Respond),
        Method::PUT => write::update(write),
        Method::PATCH => write::patch(write),
        Method::DELETE => write::delete(write),
        _ => Err(Status::method_not_allowed()),
    }
}

/// Subresources that are the object itself, of which only a part can be written.
const PARTS: [&str; 4] = ["approval", "ephemeralcontainers", "resize", "status"];

fn decide_part(write: Write<'_>) -> Result<Decision, Status> {
    let Write { store, call, target, context } = write;
    match call.method {
        Method::GET => read::get(store, call, target, context).map(Decision::Respond),
        Method::PUT => write::update(write),
        Method::PATCH => write::patch(write),
        _ => Err(Status::method_not_allowed()),
    }
}

fn decide_subresource(write: Write<'_>, subresource: &str) -> Result<Decision, Status> {
    let Write { store, call, target, context } = write;
    if PARTS.contains(&subresource) {
        return decide_part(write);
    }
    match (subresource, &call.method) {
        ("finalize", &Method::PUT) => write::update(write),
        ("scale", &Method::GET) => write::get_scale(write),
        ("scale", &Method::PUT) => write::put_scale(write),
        ("scale", &Method::PATCH) => write::patch_scale(write),
        ("binding", &Method::POST) => write::bind(write),
        ("eviction", &Method::POST) => write::evict(write),
        ("token", &Method::POST) => write::request_token(write),
        ("proxy", _) => proxy::forward(store, call, target, context),
        ("log", &Method::GET)
        | ("exec" | "attach" | "portforward", &Method::GET | &Method::POST) => {
            node::forward(store, call, target)
        }
        _ => Err(Status::method_not_allowed()),
    }
}
