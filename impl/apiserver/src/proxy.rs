//! The `proxy` subresources: which address behind a pod, a service or a node a request is for.
//!
//! Source: `ResourceLocation` of pkg/registry/core/{pod,node}/strategy.go and service/storage/storage.go, v1.36.

use std::net::IpAddr;

use api::object::{at, text};
use api::{Reason, Status, resources};
use http::Method;
use serde_json::Value;
use store::Store;

use crate::call::{Call, Context, Decision};
use crate::route::Objects;
use crate::{keys, object};

mod endpoints;
#[cfg(test)]
mod tests;

/// Where a request is passed on to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProxyCall {
    /// Whether over TLS. The server's certificate is not looked at.
    pub is_tls: bool,
    /// The address.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path that is asked for there, as it came, with dots resolved; empty where none is.
    pub path: String,
    /// What stands before that path in the request to the API server.
    pub prefix: String,
}

const METHODS: [Method; 7] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
    Method::HEAD,
    Method::OPTIONS,
];

/// The kubelet's port. Source: `KubeletPort` of pkg/cluster/ports/ports.go, v1.36.
const KUBELET_PORT: &str = "10250";

/// Finds the address behind an object.
pub(crate) fn forward(
    store: &Store,
    call: &Call,
    target: &Objects,
    context: &Context,
) -> Result<Decision, Status> {
    if !METHODS.contains(&call.method) {
        return Err(Status::method_not_allowed());
    }
    let name = target.name()?;
    let asked = Asked::of(name).ok_or_else(|| {
        let singular = target.resource.singular;
        Status::bad_request(format!("invalid {singular} request {name:?}"))
    })?;
    let (host, port) = match target.resource.kind {
        "Pod" => pod(store, target, &asked)?,
        "Service" => endpoints::of(store, target, &asked, context.random)?,
        _ => node(store, &asked)?,
    };
    let is_tls =
        asked.scheme == "https" || (target.resource.kind == "Node" && port == KUBELET_PORT);
    let rest = behind(&call.path, target);
    let path = clean(rest);
    let default = if is_tls { 443 } else { 80 };
    let parsed = if port.is_empty() { Ok(default) } else { port.parse() };
    let port = parsed.map_err(|_| {
        let why = format!("dial tcp: address {port}: invalid port");
        Status::new(Reason::ServiceUnavailable, format!("error trying to reach service: {why}"))
    })?;
    let prefix = call.path.strip_suffix(rest).unwrap_or_default().to_owned();
    Ok(Decision::Proxy(Box::new(ProxyCall { is_tls, host, port, path, prefix })))
}

/// `name`, `name:port` or `scheme:name:port`.
struct Asked<'a> {
    scheme: &'a str,
    name: &'a str,
    port: &'a str,
    whole: &'a str,
}

impl<'a> Asked<'a> {
    fn of(whole: &'a str) -> Option<Self> {
        let (scheme, name, port) = match whole.split(':').collect::<Vec<_>>().as_slice() {
            [name] => ("", *name, ""),
            [name, port] => ("", *name, *port),
            [scheme, name, port] => (*scheme, *name, *port),
            _ => return None,
        };
        let is_valid = !name.is_empty() && ["", "http", "https"].contains(&scheme);
        is_valid.then_some(Self { scheme, name, port, whole })
    }
}

/// The object of a name, beside the one that a path names.
fn find(store: &Store, target: &Objects, name: &str) -> Result<Value, Status> {
    let key = keys::key(target.resource, target.namespace.as_deref(), name);
    let found = store.get(&key).ok_or_else(|| Status::not_found(target.resource, name))?;
    Ok(object::decode(found))
}

fn list<'a>(value: &'a Value, path: &[&str]) -> impl Iterator<Item = &'a Value> {
    at(value, path).and_then(Value::as_array).into_iter().flatten()
}

/// The pod's first address, and its first port where none is asked for.
fn pod(store: &Store, target: &Objects, asked: &Asked<'_>) -> Result<(String, String), Status> {
    let pod = find(store, target, asked.name)?;
    let first = list(&pod, &["spec", "containers"])
        .find_map(|container| list(container, &["ports"]).next()?["containerPort"].as_u64());
    let port = match (asked.port, first) {
        ("", Some(port)) => port.to_string(),
        (asked, _) => asked.to_owned(),
    };
    let address = list(&pod, &["status", "podIPs"]).next();
    let address = address.map_or("", |address| text(address, &["ip"]));
    Ok((allowed(address)?, port))
}

/// The node's address, and the kubelet's port where none is asked for.
fn node(store: &Store, asked: &Asked<'_>) -> Result<(String, String), Status> {
    let key = keys::key(&resources::NODES, None, asked.name);
    let found = store.get(&key).ok_or_else(|| Status::not_found(&resources::NODES, asked.name))?;
    let node = object::decode(found);
    // Upstream prefers the name; here nobody resolves the names of nodes.
    let address = ["InternalIP", "ExternalIP", "Hostname"].iter().find_map(|wanted| {
        list(&node, &["status", "addresses"]).find(|address| address["type"] == **wanted)
    });
    let address = address.ok_or_else(|| {
        let message =
            format!("no preferred addresses found; known addresses: [] of {}", asked.name);
        Status::internal(message)
    })?;
    let own = at(&node, &["status", "daemonEndpoints", "kubeletEndpoint", "Port"]);
    let own = own.and_then(Value::as_u64).filter(|port| *port != 0);
    let own = own.map_or_else(|| KUBELET_PORT.to_owned(), |port| port.to_string());
    let port = if asked.port.is_empty() { own } else { asked.port.to_owned() };
    Ok((allowed(text(address, &["address"]))?, port))
}

/// An address of its own: not of this machine alone, nor of many.
fn allowed(address: &str) -> Result<String, Status> {
    let is_allowed = address.parse().is_ok_and(|ip: IpAddr| {
        let is_link_local = match ip {
            IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
            IpAddr::V6(ip) => ip.is_unicast_link_local(),
        };
        !(is_link_local || ip.is_loopback() || ip.is_unspecified() || ip.is_multicast())
    });
    let refused = || Status::new(Reason::BadRequest, "address not allowed");
    is_allowed.then(|| address.to_owned()).ok_or_else(refused)
}

/// What stands in a path behind the subresource.
fn behind<'a>(path: &'a str, target: &Objects) -> &'a str {
    let segments = if target.namespace.is_some() { 7 } else { 5 };
    let mut rest = path;
    for _ in 0..segments {
        rest = rest.trim_start_matches('/');
        rest = rest.find('/').map_or("", |slash| &rest[slash..]);
    }
    rest
}

/// A path without empty segments and dots. A slash at the end stays.
fn clean(path: &str) -> String {
    let mut segments = vec![];
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            other => segments.push(other),
        }
    }
    let slash = if path.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    match path {
        "" => String::new(),
        _ => format!("/{}{slash}", segments.join("/")),
    }
}
