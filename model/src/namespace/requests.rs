//! What an API server sees of a namespace that ends.
//!
//! Admission and the write that follows it are one request, seen where it is decided. What the namespace
//! controller asks for is left out: that of a real cluster asks for the same, in its own time.

use super::{Action, PODS, Phase, State};
use crate::request::{A_LAGGING_SERVER, Request};
use serde_json::json;

pub(super) fn request(before: &State, action: Action, after: &State) -> Option<Request> {
    match action {
        Action::DeleteNamespace => Some(Request::delete("namespaces", "namespace", json!({}))),
        Action::Admit { client } => {
            let refused = after.request(client).is_none();
            refused.then(|| Some(create(before.request(client)?.resource).refused_with(403)))?
        }
        Action::Commit { client } => commit(before, client, after),
        Action::Cache { .. }
        | Action::Send { .. }
        | Action::Observe
        | Action::Begin
        | Action::List { .. }
        | Action::DeleteCollection { .. }
        | Action::Finalize
        | Action::EndPod
        | Action::CrashController
        | Action::LoseFinalize
        | Action::FailDiscovery { .. } => None,
    }
}

fn commit(before: &State, client: u8, after: &State) -> Option<Request> {
    let sent = before.request(client)?;
    let creates = before.content != after.content;
    match (before.phase, creates) {
        (Phase::Active, true) => Some(create(sent.resource)),
        (Phase::Active, false) if client == 0 => Some(create(sent.resource)),
        (Phase::Active, false) => Some(apply(sent.resource)),
        (Phase::Terminating | Phase::Gone, true) if sent.late => {
            Some(create(sent.resource).taking(A_LAGGING_SERVER))
        }
        (Phase::Terminating | Phase::Gone, true) => {
            Some(create(sent.resource).taking("a write that is slower than a deletion"))
        }
        (Phase::Terminating | Phase::Gone, false) => None,
    }
}

fn create(resource: u8) -> Request {
    let (resource, name) = named(resource);
    Request::create(resource, name, json!({}))
}

fn apply(resource: u8) -> Request {
    let (resource, name) = named(resource);
    Request::patch(resource, name, json!({"metadata": {"annotations": {"applied": "true"}}}))
}

fn named(resource: u8) -> (&'static str, &'static str) {
    if usize::from(resource) == PODS { ("pods", "pod") } else { ("configmaps", "config-map") }
}
