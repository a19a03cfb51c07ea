//! TokenReview: whose token it is.
//!
//! Source: pkg/registry/authentication/tokenreview/storage.go and pkg/serviceaccount/jwt.go, v1.36.

use std::collections::BTreeMap;

use api::Status;
use api::object::{at, text};
use serde_json::{Value, json};
use store::Store;

use super::{ISSUER, claims, keys, legacy};
use crate::call::{Context, User};

/// What is said of a token that is nobody's.
const INVALID: &str = "invalid bearer token";

/// Who bears a token, and which of the audiences that were asked about it is for.
pub(super) struct Bearer {
    pub(super) user: User,
    audiences: Vec<String>,
}

/// The status of a TokenReview.
pub(crate) fn review(store: &Store, review: &Value, context: &Context) -> Result<Value, Status> {
    let token = text(review, &["spec", "token"]);
    if token.is_empty() {
        return Err(Status::bad_request("token is required for TokenReview in authentication"));
    }
    let asked = at(review, &["spec", "audiences"]).and_then(Value::as_array);
    let mut asked: Vec<&str> = asked.into_iter().flatten().filter_map(Value::as_str).collect();
    if asked.is_empty() {
        asked.push(ISSUER);
    }
    Ok(match bearer(store, token, &asked, context) {
        Ok(Bearer { user, audiences }) => {
            json!({"authenticated": true, "user": user.info(), "audiences": audiences})
        }
        Err(why) => json!({"user": {}, "error": why}),
    })
}

/// Who bears a token that is for one of these audiences; else why nobody does.
pub(super) fn bearer(
    store: &Store,
    token: &str,
    asked: &[&str],
    context: &Context,
) -> Result<Bearer, String> {
    let issuers = [ISSUER, legacy::ISSUER];
    let claims =
        keys::claims(token).filter(|claims| issuers.iter().any(|one| claims["iss"] == *one));
    let claims = claims.ok_or_else(|| INVALID.to_owned())?;
    let refuse = |why: &str| format!("[{INVALID}, {why}]");
    if !context.keys.has_signed(token) {
        return Err(refuse("its signature is not of this API server's key"));
    }
    let audiences = audiences(&claims, asked).map_err(|why| refuse(&why))?;
    if claims["iss"] == legacy::ISSUER {
        let user = legacy::bearer(store, token, &claims).map_err(|why| refuse(&why))?;
        return Ok(Bearer { user, audiences });
    }
    claims::check(store, &claims, context.now).map_err(|why| refuse(&why))?;
    Ok(Bearer { user: user(&claims), audiences })
}

/// The audiences that a token is for, of those that are asked about. One that is kept in a Secret is for the
/// API server.
fn audiences(claims: &Value, asked: &[&str]) -> Result<Vec<String>, String> {
    let meant = claims["aud"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut meant: Vec<&str> = meant.collect();
    if meant.is_empty() && claims["iss"] == legacy::ISSUER {
        meant.push(ISSUER);
    }
    let common: Vec<String> =
        meant.iter().filter(|one| asked.contains(one)).map(|one| (*one).to_owned()).collect();
    if common.is_empty() {
        return Err(format!(
            "token audiences [{}] is invalid for the target audiences [{}]",
            quoted(&meant),
            quoted(asked)
        ));
    }
    Ok(common)
}

fn quoted(texts: &[&str]) -> String {
    texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(" ")
}

/// The user that a service account is. Source: apiserver/pkg/authentication/serviceaccount/util.go, v1.36.
fn user(claims: &Value) -> User {
    let private = claims::private(claims);
    let namespace = text(private, &["namespace"]);
    let mut extra = BTreeMap::new();
    let mut tell = |field: &str, value: String| {
        extra.insert(format!("authentication.kubernetes.io/{field}"), vec![value]);
    };
    tell("credential-id", format!("JTI={}", text(claims, &["jti"])));
    for kind in ["node", "pod"] {
        if let Some(bound) = private.get(kind) {
            tell(&format!("{kind}-name"), text(bound, &["name"]).to_owned());
            tell(&format!("{kind}-uid"), text(bound, &["uid"]).to_owned());
        }
    }
    User {
        name: text(claims, &["sub"]).to_owned(),
        uid: text(private, &["serviceaccount", "uid"]).to_owned(),
        groups: vec![
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{namespace}"),
            "system:authenticated".to_owned(),
        ],
        extra,
    }
}
