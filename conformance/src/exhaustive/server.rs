//! The API server of those who need no more of it than answers: each request is decided, stored and published in one
//! step.

use std::sync::Arc;

use api::trace::Origin;
use api::{Request, Timestamp};
use apiserver::token::NamedKeys;
use apiserver::{Components, Context};
use client::Outcome;
use store::Store;

use crate::sim::plant::Plant;
use crate::sim::server::{Arrival, Received, Server};
use crate::sim::wire;

/// What comes of a request of an actor.
pub(super) fn perform(
    store: &mut Store,
    (actor, request): (&str, &Request),
    (context, plant): (&Context, Plant),
) -> Outcome {
    let origin = Origin::new(actor, 0);
    let arrival = Arrival { flight: 0, number: 0, origin: &origin };
    let mut server = Server::of(store.clone());
    match server.receive(&arrival, &wire::call(request, actor), context, plant) {
        Received::Answered(response) => wire::outcome(&response),
        Received::Outrun => wire::no_answer(),
        Received::Stored(_) => {
            let stored = server.publish();
            *store = server.published;
            stored.first().map_or_else(wire::no_answer, |stored| wire::outcome(&stored.response))
        }
    }
}

/// The time, and the uid of what is created.
pub(super) fn context(now: Timestamp, uid: String) -> Context {
    Context {
        now,
        uid,
        random: 0,
        default_toleration_seconds: 300,
        feature_gates: api::FeatureGates::default(),
        keys: Arc::new(NamedKeys("simulated")),
        components: Components::default(),
    }
}
