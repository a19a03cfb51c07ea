//! Who sends a request, by the certificate or the token that it shows.

use std::sync::Arc;
use std::time::Instant;

use api::{Reason, Status, Timestamp};
use apiserver::User;
use http::header::AUTHORIZATION;
use http::request::Parts;
use rustls_pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::api_server::ApiServer;
use crate::clock;
use crate::tls::{self, Clients};

/// Who has come, as far as a connection tells.
#[derive(Clone)]
pub(super) struct Known(Arc<Shown>);

struct Shown {
    clients: Clients,
    certificates: Vec<CertificateDer<'static>>,
    /// Up to when the first of them is valid.
    own_until: Option<Timestamp>,
    /// Whom the authority has vouched for, up to when it has.
    vouched_for: Option<(Option<User>, Timestamp)>,
}

impl Known {
    /// The other end of a connection, of which nothing but its key was verified.
    pub(super) fn of(stream: &TlsStream<TcpStream>, clients: Clients) -> Self {
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default().to_vec();
        let own_until = tls::valid_until(certificates.get(..1).unwrap_or_default());
        let until = tls::valid_until(&certificates);
        let vouched_for = clients.user(&certificates, clock::now()).ok().zip(until);
        Self(Arc::new(Shown { clients, certificates, own_until, vouched_for }))
    }

    /// Who it is now, by its certificate. A 401 where it shows one that is not, or no more, good for anything.
    fn user(&self, now: Timestamp) -> Result<Option<User>, Status> {
        let shown = &self.0;
        match &shown.vouched_for {
            Some((user, until)) if now <= *until => Ok(user.clone()),
            Some(_) | None => shown
                .clients
                .user(&shown.certificates, now)
                .map_err(|_| Status::new(Reason::Unauthorized, "Unauthorized")),
        }
    }
}

/// Who sends a request. A token counts where no certificate does; who shows neither is nobody in particular.
/// Source: pkg/kubeapiserver/authenticator/config.go, v1.36.
pub(super) fn authenticate(
    server: &ApiServer,
    known: &Known,
    parts: &Parts,
) -> Result<User, Status> {
    let (begun, door, now) = (Instant::now(), server.metrics().door(), clock::now());
    if let Some(until) = known.0.own_until {
        door.certificate(until, now);
    }
    let user = match (known.user(now), bearer_token(parts)) {
        (Ok(Some(user)), _) => Ok(user),
        (Ok(None) | Err(_), Some(token)) => server.authenticate(token),
        (Ok(None), None) => Ok(User::anonymous()),
        (Err(status), None) => Err(status),
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
