//! The carrier inside one process: a function call into the handler that also serves TLS.

use api::trace::Origin;
use apiserver::User;
use bytes::Bytes;
use http::HeaderValue;
use http::header::USER_AGENT;

use crate::api_server::ApiServer;
use crate::transport::{Body, BoxError, BoxFuture, Transport};

/// A component's way to the API server of its own process.
#[derive(Clone)]
pub struct Local {
    server: ApiServer,
    user: User,
    actor: String,
    incarnation: u64,
}

impl Local {
    /// The way of a component with this user, and this name in traces and as the program that sends.
    pub fn new(server: ApiServer, user: User, actor: &str, incarnation: u64) -> Self {
        Self { server, user, actor: actor.to_owned(), incarnation }
    }
}

impl Transport for Local {
    fn send(
        &self,
        mut request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Body>, BoxError>> {
        let observed_revision =
            request.extensions().get::<Observed>().map_or(0, |observed| observed.0);
        let (actor, incarnation) = (self.actor.clone(), self.incarnation);
        if let Ok(agent) = HeaderValue::from_str(&actor) {
            request.headers_mut().insert(USER_AGENT, agent);
        }
        request.extensions_mut().insert(Origin { actor, incarnation, observed_revision });
        Box::pin(async move { Ok(self.server.handle(request, self.user.clone()).await) })
    }
}

/// The revision up to which the sender's cache had read, for the trace.
#[derive(Clone, Copy, Debug)]
pub struct Observed(pub u64);
