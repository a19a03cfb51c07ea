//! Tokens that are kept in Secrets: they name a service account, hold without end, and end with their Secret.
//!
//! Source: pkg/serviceaccount/legacy.go (v1.36). Left out: a TokenReview counts as no use.

use std::collections::BTreeMap;
use std::time::Duration;

use api::object::{at, text};
use api::{Key, Request, Timestamp, resources};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use store::Store;

use super::claims::find;
use crate::call::User;

/// Who issues them.
pub(super) const ISSUER: &str = "kubernetes/serviceaccount";

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Says on a Secret since when its token is not to be used any more.
const INVALID_SINCE: &str = "kubernetes.io/legacy-token-invalid-since";

/// Says on a Secret on which day its token was last used.
const LAST_USED: &str = "kubernetes.io/legacy-token-last-used";

/// The request that writes down that a token is used today; `None` where that is written already, and for
/// tokens that are kept nowhere.
pub(super) fn usage(store: &Store, token: &str, claims: &Value, now: Timestamp) -> Option<Request> {
    let found = read(claims).ok()?;
    let (namespace, name) = (found.namespace, found.secret);
    let secret = find(store, &resources::SECRETS, Some(namespace), name)?;
    let used = text(&secret, &["metadata", "labels", LAST_USED]);
    // Another API server's clock may be ahead.
    let days = [now, now + DAY].map(day);
    if text(&secret, &["data", "token"]) != STANDARD.encode(token)
        || days.iter().any(|day| day == used)
    {
        return None;
    }
    let uid = text(&secret, &["metadata", "uid"]);
    let patch = json!({"metadata": {"uid": uid, "labels": {LAST_USED: days[0]}}});
    Some(Request::merge_patch(&resources::SECRETS, Key::new(namespace, name), patch))
}

/// The day of a time, `2026-01-31`.
fn day(time: Timestamp) -> String {
    time.to_string().chars().take("2026-01-31".len()).collect()
}

/// What a token says.
struct Claims<'a> {
    namespace: &'a str,
    secret: &'a str,
    account: &'a str,
    uid: &'a str,
}

/// Who bears a token with these claims; else why nobody does, in upstream's words.
pub(super) fn bearer(store: &Store, token: &str, claims: &Value) -> Result<User, String> {
    let found = read(claims)?;
    check_secret(store, token, &found)?;
    check_account(store, &found)?;
    Ok(User {
        name: text(claims, &["sub"]).to_owned(),
        uid: found.uid.to_owned(),
        groups: vec![
            "system:serviceaccounts".to_owned(),
            format!("system:serviceaccounts:{}", found.namespace),
            "system:authenticated".to_owned(),
        ],
        extra: BTreeMap::new(),
    })
}

fn read(claims: &Value) -> Result<Claims<'_>, String> {
    let subject = text(claims, &["sub"]);
    if subject.is_empty() {
        return Err("sub claim is missing".to_owned());
    }
    let claim = |field: &str, name: &str| {
        let found = claims[format!("kubernetes.io/serviceaccount/{field}")].as_str();
        found.filter(|text| !text.is_empty()).ok_or_else(|| format!("{name} claim is missing"))
    };
    let found = Claims {
        namespace: claim("namespace", "namespace")?,
        secret: claim("secret.name", "secretName")?,
        account: claim("service-account.name", "serviceAccountName")?,
        uid: claim("service-account.uid", "serviceAccountUID")?,
    };
    if subject != format!("system:serviceaccount:{}:{}", found.namespace, found.account) {
        return Err("sub claim is invalid".to_owned());
    }
    Ok(found)
}

fn check_secret(store: &Store, token: &str, claims: &Claims<'_>) -> Result<(), String> {
    let Claims { namespace, secret: name, account, .. } = claims;
    let secret = find(store, &resources::SECRETS, Some(namespace), name);
    let secret = secret.filter(|secret| at(secret, &["metadata", "deletionTimestamp"]).is_none());
    let secret = secret.ok_or_else(|| "Token has been invalidated".to_owned())?;
    if text(&secret, &["data", "token"]) != STANDARD.encode(token) {
        return Err("Token does not match server's copy".to_owned());
    }
    if text(&secret, &["metadata", "labels", INVALID_SINCE]).is_empty() {
        return Ok(());
    }
    Err(format!(
        "the token in secret {namespace}/{name} for service account {namespace}/{account} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '{INVALID_SINCE}' label from the secret to temporarily allow use of this token"
    ))
}

fn check_account(store: &Store, claims: &Claims<'_>) -> Result<(), String> {
    let Claims { namespace, account: name, uid, .. } = claims;
    let Some(account) = find(store, &resources::SERVICE_ACCOUNTS, Some(namespace), name) else {
        return Err(format!("serviceaccounts \"{name}\" not found"));
    };
    if at(&account, &["metadata", "deletionTimestamp"]).is_some() {
        return Err(format!("ServiceAccount {namespace}/{name} has been deleted"));
    }
    let found = text(&account, &["metadata", "uid"]);
    if found != *uid {
        return Err(format!("ServiceAccount UID ({found}) does not match claim ({uid})"));
    }
    Ok(())
}
