//! A token that its account was given unasked, which is young: a year does not pass here.

use api::object::{SERVICE_ACCOUNT_TOKEN, text};
use api::{ApiResource, Request, Timestamp, resources};
use serde_json::{Value, json};
use store::Store;

use super::super::{Moment, create, name, uid};
use crate::sim::objects::{Objects, changed, objects};

const SECRETS: &ApiResource = &resources::SECRETS;
const ACCOUNTS: &ApiResource = &resources::SERVICE_ACCOUNTS;
const MAPS: &ApiResource = &resources::CONFIG_MAPS;

const INVALID_SINCE: &str = "kubernetes.io/legacy-token-invalid-since";
/// Since when the API server tells who uses tokens.
const TRACKING: &str = "kube-apiserver-legacy-service-account-token-tracking";
const TOKEN: &str = "unasked";

/// How long a token is kept that nobody uses.
const YEAR_SECONDS: i64 = 365 * 24 * 3600;

/// What there must be before the first round.
pub(super) fn missing(store: &Store) -> Vec<Request> {
    let lacks = |resource, wanted| !objects(store, resource).iter().any(|one| name(one) == wanted);
    let map = lacks(MAPS, TRACKING).then(|| create(MAPS, "kube-system", tracking()));
    let account = lacks(ACCOUNTS, TOKEN).then(|| create(ACCOUNTS, "default", account()));
    let secret = lacks(SECRETS, TOKEN).then(|| create(SECRETS, "default", secret()));
    map.into_iter().chain(account).chain(secret).collect()
}

fn tracking() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"since": "2020-01-01"},
        "metadata": {"name": TRACKING, "namespace": "kube-system"}})
}

fn account() -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "secrets": [{"name": TOKEN}],
        "metadata": {"name": TOKEN, "namespace": "default"}})
}

fn secret() -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "type": SERVICE_ACCOUNT_TOKEN,
        "metadata": {"name": TOKEN, "namespace": "default",
            "annotations": {"kubernetes.io/service-account.name": TOKEN}}})
}

/// TOKENCLEANER-2.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    if !moment.writes(SECRETS) || !moment.is_by_controllers() {
        return None;
    }
    let [before, after] =
        changed(&[moment.before, moment.after].map(|store| objects(store, SECRETS)));
    let found =
        before.iter().find(|secret| is_cleaned(secret, &after) && is_young(secret, moment.now));
    found.map(|secret| format!("TOKENCLEANER-2: {} is young, and is cleaned up", name(secret)))
}

/// Whether a Secret is marked, or gone.
fn is_cleaned(secret: &Value, after: &Objects) -> bool {
    let mark = |secret: &Value| text(secret, &["metadata", "labels", INVALID_SINCE]).to_owned();
    let now = after.iter().find(|found| uid(found) == uid(secret));
    name(secret) == TOKEN && now.is_none_or(|now| mark(now) != mark(secret))
}

fn is_young(secret: &Value, now: Timestamp) -> bool {
    let created = text(secret, &["metadata", "creationTimestamp"]).parse();
    created.is_ok_and(|created| api::time::seconds_between(created, now) < YEAR_SECONDS)
}
