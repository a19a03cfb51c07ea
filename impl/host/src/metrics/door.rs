//! What is counted of who comes, and whether they may.
//!
//! Source: apiserver/pkg/endpoints/filters/metrics.go, authentication/request/x509/x509.go and endpoints/metrics (v1.36).
//! Components in this process come by another way, and are not counted.

use std::time::Instant;

use api::Timestamp;

use super::buckets;
use super::family::Family;
use super::number::{Counter, Histogram};
use super::text::Text;

/// What is counted where requests come in.
#[derive(Debug)]
pub(crate) struct Door {
    authentications: Family<1, Counter>,
    authentication_durations: Family<1, Histogram>,
    users: Family<1, Counter>,
    authorizations: Family<1, Counter>,
    authorization_durations: Family<1, Histogram>,
    certificates: Family<0, Histogram>,
    handshake_errors: Family<0, Counter>,
}

impl Default for Door {
    fn default() -> Self {
        let durations = || Histogram::new(&buckets::FROM_A_MILLISECOND);
        let door = Self {
            authentications: Family::new(
                "authentication_attempts",
                "Requests whose sender was to be recognized.",
                ["result"],
                Counter::default,
            ),
            authentication_durations: Family::new(
                "authentication_duration_seconds",
                "How long it took to recognize a sender, in seconds.",
                ["result"],
                durations,
            ),
            users: Family::new(
                "authenticated_user_requests",
                "Requests of senders who were recognized, by what kind of name they have.",
                ["username"],
                Counter::default,
            ),
            authorizations: Family::new(
                "authorization_attempts_total",
                "Requests of which it was asked whether their sender may.",
                ["result"],
                Counter::default,
            ),
            authorization_durations: Family::new(
                "authorization_duration_seconds",
                "How long it took to say whether a sender may, in seconds.",
                ["result"],
                durations,
            ),
            certificates: Family::new(
                "apiserver_client_certificate_expiration_seconds",
                "How long the certificates of senders are valid yet, in seconds, for each request.",
                [],
                || Histogram::new(&buckets::CERTIFICATES),
            ),
            handshake_errors: Family::new(
                "apiserver_tls_handshake_errors_total",
                "Connections that were dropped because no TLS was agreed on.",
                [],
                Counter::default,
            ),
        };
        door.certificates.of([]);
        door.handshake_errors.of([]);
        door
    }
}

impl Door {
    /// Somebody was recognized, or nobody.
    pub(crate) fn authenticated(&self, begun: Instant, name: Option<&str>) {
        let result = if name.is_some() { "success" } else { "error" };
        self.authentications.of([result]).increment();
        self.authentication_durations.of([result]).observe(begun.elapsed().as_secs_f64());
        if let Some(name) = name {
            self.users.of([kind_of_user(name)]).increment();
        }
    }

    /// They may, or may not.
    pub(crate) fn authorized(&self, begun: Instant, may: bool) {
        let result = if may { "allowed" } else { "no-opinion" };
        self.authorizations.of([result]).increment();
        self.authorization_durations.of([result]).observe(begun.elapsed().as_secs_f64());
    }

    /// They have shown a certificate that is valid up to a time.
    pub(crate) fn certificate(&self, until: Timestamp, now: Timestamp) {
        self.certificates.of([]).observe(until.duration_since(now).as_secs_f64());
    }

    /// There was no TLS.
    pub(crate) fn handshake_failed(&self) {
        self.handshake_errors.of([]).increment();
    }

    /// Writes all of it.
    pub(crate) fn write(&self, text: &mut Text) {
        self.authentications.write(text);
        self.authentication_durations.write(text);
        self.users.write(text);
        self.authorizations.write(text);
        self.authorization_durations.write(text);
        self.certificates.write(text);
        self.handshake_errors.write(text);
    }
}

/// Names are not shown, and there are too many. Source: `compressUsername` in endpoints/filters/metrics.go (v1.36).
fn kind_of_user(name: &str) -> &str {
    let known =
        ["admin", "client", "kube_proxy", "kubelet", "system:serviceaccount:kube-system:default"];
    if known.contains(&name) {
        name
    } else if name.contains('@') {
        "email_id"
    } else {
        "other"
    }
}
