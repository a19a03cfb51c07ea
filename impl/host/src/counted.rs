//! A carrier that counts what it carries.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::metrics::Metrics;
use crate::transport::{Body, BoxError, BoxFuture, Transport};

/// A component's way to its API server, whose requests are counted. Source: client-go's rest/request.go (v1.36).
pub struct Counted {
    transport: Arc<dyn Transport>,
    host: String,
    metrics: Metrics,
}

impl Counted {
    /// The same way, to an API server that metrics call by this name.
    pub fn new(transport: Arc<dyn Transport>, host: &str, metrics: Metrics) -> Self {
        Self { transport, host: host.to_owned(), metrics }
    }
}

impl Transport for Counted {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Body>, BoxError>> {
        let (method, begun) = (request.method().clone(), Instant::now());
        let sent = self.transport.send(request);
        Box::pin(async move {
            let answer = sent.await;
            let code = match &answer {
                Ok(response) => response.status().as_str().to_owned(),
                Err(_) => "<error>".to_owned(),
            };
            let seconds = begun.elapsed().as_secs_f64();
            self.metrics.asked(&self.host, method.as_str(), &code, seconds);
            answer
        })
    }
}
