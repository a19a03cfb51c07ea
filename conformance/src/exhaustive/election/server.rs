//! What replicas ask of the API server.

use api::object::object_at_mut;
use api::{Request, Timestamp, Verb};
use client::Outcome;
use store::Store;

use super::ElectionFault;
use crate::exhaustive::server;
use crate::sim::checks;
use crate::sim::plant::Plant;

/// What comes of a request, now. Nobody reads who manages which field. It is always the same time: clocks are those of
/// the replicas.
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
    let context = server::context(Timestamp::UNIX_EPOCH, "1".to_owned());
    let mut object = server::perform(store, (actor, &request), (&context, Plant::Nothing))?;
    object_at_mut(&mut object, "metadata").remove("managedFields");
    Ok(object)
}
