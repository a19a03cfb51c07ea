//! The API server that replicas ask: each request is decided, stored and published in one step.

use std::sync::Arc;

use api::object::object_at_mut;
use api::trace::Origin;
use api::{Request, Timestamp, Verb};
use apiserver::token::NamedKeys;
use apiserver::{Components, Context};
use client::Outcome;
use store::Store;

use super::ElectionFault;
use crate::sim::plant::Plant;
use crate::sim::server::{Arrival, Received, Server};
use crate::sim::{checks, wire};

/// What comes of a request, now. Nobody reads who manages which field.
pub(super) fn perform(
    store: &mut Store,
    (actor, mut request): (&str, Request),
    fault: ElectionFault,
) -> Outcome {
    if fault == ElectionFault::ConcurrentTakeover && request.verb == Verb::Update {
        let revision = checks::revision_of(store, &request).to_string();
        let body = request.body.get_or_insert_default();
        object_at_mut(body, "metadata").insert("resourceVersion".to_owned(), revision.into());
    }
    let mut object = performed(store, actor, &request)?;
    object_at_mut(&mut object, "metadata").remove("managedFields");
    Ok(object)
}

fn performed(store: &mut Store, actor: &str, request: &Request) -> Outcome {
    let origin = Origin::new(actor, 0);
    let arrival = Arrival { flight: 0, number: 0, origin: &origin };
    let mut server = Server::of(store.clone());
    match server.receive(&arrival, &wire::call(request, actor), &context(), Plant::Nothing) {
        Received::Answered(response) => wire::outcome(&response),
        Received::Outrun => wire::no_answer(),
        Received::Stored(_) => {
            let stored = server.publish();
            *store = server.published;
            stored.first().map_or_else(wire::no_answer, |stored| wire::outcome(&stored.response))
        }
    }
}

/// Always the same time: clocks are those of the replicas.
fn context() -> Context {
    Context {
        now: Timestamp::UNIX_EPOCH,
        uid: "1".to_owned(),
        random: 0,
        default_toleration_seconds: 300,
        keys: Arc::new(NamedKeys("simulated")),
        components: Components::default(),
    }
}
