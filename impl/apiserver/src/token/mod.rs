//! Service account tokens: signed claims that name a service account, and the objects they are bound to.
//!
//! Source: Kubernetes documentation, "Managing Service Accounts", and KEP-1205 (bound tokens); claims and
//! messages as in pkg/serviceaccount/claims.go and jwt.go, v1.36.

mod claims;
mod keys;
mod legacy;
mod request;
mod review;
mod wellknown;

pub use keys::{NamedKeys, NotSigned, TokenKeys};

pub(crate) use request::{TOKEN_REQUEST, request};
pub(crate) use review::review;
pub(crate) use wellknown::{configuration, key_set};

use api::{Reason, Request, Status};
use store::Store;

use crate::call::{Context, User};

/// Who issues the tokens of this API server, and whom they are for unless they say otherwise.
/// Source: kubeadm, `--service-account-issuer`.
pub const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// Who bears a token that is meant for this API server. A 401 where nobody does.
pub fn authenticate(store: &Store, token: &str, context: &Context) -> Result<User, Status> {
    let bearer = review::bearer(store, token, &[ISSUER], context);
    bearer.map(|bearer| bearer.user).map_err(|_| Status::new(Reason::Unauthorized, "Unauthorized"))
}

/// The request that writes down that a token is used, where it is one that is kept in a Secret and that is
/// not written yet.
pub fn usage(store: &Store, token: &str, context: &Context) -> Option<Request> {
    let claims = keys::claims(token).filter(|claims| claims["iss"] == legacy::ISSUER)?;
    let is_ours = context.keys.has_signed(token);
    legacy::usage(store, token, &claims, context.now).filter(|_| is_ours)
}

#[cfg(test)]
mod tests;
