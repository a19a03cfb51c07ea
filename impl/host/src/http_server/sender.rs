//! Who sends a request, by the certificate or the token that it shows.

use std::time::Instant;

use api::{Status, Timestamp};
use apiserver::User;
use http::header::AUTHORIZATION;
use http::request::Parts;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::api_server::ApiServer;
use crate::{clock, tls};

/// Who has come, as far as a connection tells.
#[derive(Clone)]
pub(super) struct Known {
    user: User,
    /// Up to when the certificate is valid that was shown.
    until: Option<Timestamp>,
}

impl Known {
    pub(super) fn of(stream: &TlsStream<TcpStream>) -> Self {
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let shown = certificates.first();
        let user = shown.and_then(|certificate| tls::user(certificate).ok());
        let until = shown.filter(|_| user.is_some()).and_then(|shown| tls::valid_until(shown));
        Self { user: user.unwrap_or_else(User::anonymous), until }
    }
}

/// Who sends a request, by the certificate or the token that it shows.
pub(super) fn authenticate(server: &ApiServer, known: Known, parts: &Parts) -> Result<User, Status> {
    let (begun, door) = (Instant::now(), server.metrics().door());
    let Known { user, until } = known;
    if let Some(until) = until {
        door.certificate(until, clock::now());
    }
    let user = match bearer_token(parts).filter(|_| user.is_anonymous()) {
        Some(token) => server.authenticate(token),
        None => Ok(user),
    };
    door.authenticated(begun, user.as_ref().ok().map(|user| user.name.as_str()));
    user
}

/// The token of a request that shows one.
/// Source: apiserver/pkg/authentication/request/bearertoken/bearertoken.go, v1.36.
fn bearer_token(parts: &Parts) -> Option<&str> {
    let header = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.trim().split_once(' ')?;
    let token = token.split(' ').next().filter(|token| !token.is_empty());
    token.filter(|_| scheme.eq_ignore_ascii_case("bearer"))
}
