//! What a token says, and whether that still holds.

use api::object::{at, text};
use api::{ApiResource, Timestamp, resources};
use serde_json::{Value, json};
use store::Store;

use crate::{keys, object};

/// How far clocks may be apart, and how long what was deleted may still speak, in seconds.
/// Source: go-jose, `DefaultLeeway`.
const LEEWAY_SECONDS: i64 = 60;

/// The objects that a token can be bound to: the name in its claims, and their resource.
pub(super) const BOUND: &[(&str, &ApiResource)] =
    &[("secret", &resources::SECRETS), ("pod", &resources::PODS), ("node", &resources::NODES)];

/// The name and the uid of an object, as claims have them.
pub(super) fn reference(object: &Value) -> Value {
    let field = |name| text(object, &["metadata", name]);
    json!({"name": field("name"), "uid": field("uid")})
}

/// The private claims of a token, under `kubernetes.io`.
pub(super) fn private(claims: &Value) -> &Value {
    &claims["kubernetes.io"]
}

/// Why claims do not hold now, in upstream's words.
pub(super) fn check(store: &Store, claims: &Value, now: Timestamp) -> Result<(), String> {
    check_times(claims, now.as_second())?;
    let private = private(claims);
    check_service_account(store, private, now)?;
    // The node of a pod's token is told, not checked: the pod is.
    let is_of_pod = private.get("pod").is_some();
    for (kind, resource) in BOUND {
        if let Some(bound) = private.get(kind).filter(|_| *kind != "node" || !is_of_pod) {
            check_bound(store, private, (kind, resource, bound), now)?;
        }
    }
    Ok(())
}

fn check_times(claims: &Value, now: i64) -> Result<(), String> {
    let time = |claim: &str| claims[claim].as_i64();
    if time("nbf").is_some_and(|start| now + LEEWAY_SECONDS < start) {
        return Err("service account token is not valid yet".to_owned());
    }
    if time("exp").is_none_or(|end| end < now - LEEWAY_SECONDS) {
        return Err("service account token has expired".to_owned());
    }
    if time("iat").is_some_and(|issued| now + LEEWAY_SECONDS < issued) {
        return Err("service account token is issued in the future".to_owned());
    }
    Ok(())
}

fn check_service_account(store: &Store, private: &Value, now: Timestamp) -> Result<(), String> {
    let namespace = text(private, &["namespace"]);
    let name = text(private, &["serviceaccount", "name"]);
    let Some(account) = find(store, &resources::SERVICE_ACCOUNTS, Some(namespace), name) else {
        return Err(format!("serviceaccounts \"{name}\" not found"));
    };
    let (uid, claimed) =
        (text(&account, &["metadata", "uid"]), text(private, &["serviceaccount", "uid"]));
    if uid != claimed {
        return Err(format!("service account UID ({uid}) does not match claim ({claimed})"));
    }
    if is_long_deleted(&account, now) {
        return Err(format!("service account {namespace}/{name} has been deleted"));
    }
    Ok(())
}

fn check_bound(
    store: &Store,
    private: &Value,
    (kind, resource, bound): (&str, &ApiResource, &Value),
    now: Timestamp,
) -> Result<(), String> {
    let namespace = resource.namespaced.then(|| text(private, &["namespace"]));
    let invalidated = || "service account token has been invalidated".to_owned();
    let found = find(store, resource, namespace, text(bound, &["name"])).ok_or_else(invalidated)?;
    let (uid, claimed) = (text(&found, &["metadata", "uid"]), text(bound, &["uid"]));
    if uid != claimed {
        let (object, claim) = match kind {
            "secret" => ("secret", "secret ref"),
            "pod" => ("pod", "pod ref"),
            _ => ("node", "node ref"),
        };
        return Err(format!(
            "{object} UID ({uid}) does not match service account {claim} claim ({claimed})"
        ));
    }
    if is_long_deleted(&found, now) { Err(invalidated()) } else { Ok(()) }
}

/// Whether the time that an object was given to end is over, and the leeway too.
fn is_long_deleted(object: &Value, now: Timestamp) -> bool {
    let deleted = at(object, &["metadata", "deletionTimestamp"]).and_then(Value::as_str);
    let deleted = deleted.and_then(|text| text.parse::<Timestamp>().ok());
    deleted.is_some_and(|deleted| deleted.as_second() < now.as_second() - LEEWAY_SECONDS)
}

/// An object that a token names.
pub(super) fn find(
    store: &Store,
    resource: &ApiResource,
    namespace: Option<&str>,
    name: &str,
) -> Option<Value> {
    store.get(&keys::key(resource, namespace, name)).map(|found| object::decode(found))
}
