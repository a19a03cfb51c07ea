//! How a component reaches the API server: HTTP requests and answers, whatever carries them.
//!
//! In one process the carrier is a function call into the same handler that serves TLS connections.

use std::pin::Pin;

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;

/// A future that a transport returns.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What went wrong below HTTP.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of an answer; a watch's or a log's never ends by itself.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Carries one request to the API server.
pub trait Transport: Send + Sync {
    /// Sends a request whose identity the carrier adds.
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Body>, BoxError>>;
}
