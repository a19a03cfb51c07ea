//! A token that its account was given unasked. It is young where nobody lets a year pass.

use api::object::{SERVICE_ACCOUNT_TOKEN, text};
use api::{ApiResource, Key, Request, Timestamp, Verb, resources};
use serde_json::{Value, json};
use store::Store;

use super::super::accounts::{account_of, annotation};
use super::super::{Moment, create, name, uid};
use crate::sim::objects::{Objects, changed, objects};

const SECRETS: &ApiResource = &resources::SECRETS;
const ACCOUNTS: &ApiResource = &resources::SERVICE_ACCOUNTS;
const MAPS: &ApiResource = &resources::CONFIG_MAPS;

const INVALID_SINCE: &str = "kubernetes.io/legacy-token-invalid-since";
/// Since when the API server tells who uses tokens.
const TRACKING: &str = "kube-apiserver-legacy-service-account-token-tracking";
const TOKEN: &str = "unasked";

/// How long a token is kept that nobody uses, and how often they are looked through.
const YEAR_SECONDS: i64 = 365 * DAY_SECONDS;
const DAY_SECONDS: i64 = 24 * 3600;

/// What there must be before the first round.
pub(super) fn missing(store: &Store) -> Vec<Request> {
    let lacks = |resource, wanted| !objects(store, resource).iter().any(|one| name(one) == wanted);
    let map = lacks(MAPS, TRACKING).then(|| create(MAPS, "kube-system", tracking()));
    let account = lacks(ACCOUNTS, TOKEN).then(|| create(ACCOUNTS, "default", account()));
    let secret = lacks(SECRETS, TOKEN).then(|| create(SECRETS, "default", secret()));
    map.into_iter().chain(account).chain(secret).collect()
}

pub(crate) fn tracking() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"since": "2020-01-01"},
        "metadata": {"name": TRACKING, "namespace": "kube-system"}})
}

pub(crate) fn account() -> Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "secrets": [{"name": TOKEN}],
        "metadata": {"name": TOKEN, "namespace": "default"}})
}

fn secret() -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "type": SERVICE_ACCOUNT_TOKEN,
        "metadata": {"name": TOKEN, "namespace": "default",
            "annotations": {"kubernetes.io/service-account.name": TOKEN}}})
}

/// The token, with a mark of the day after the simulation begins.
pub(crate) fn marked() -> Value {
    let mut secret = secret();
    secret["metadata"]["labels"] = json!({INVALID_SINCE: "2026-01-02"});
    secret
}

/// A client takes the mark away.
pub(crate) fn take_mark_away() -> Request {
    let patch = json!({"metadata": {"labels": {INVALID_SINCE: null}}});
    Request::merge_patch(SECRETS, Key::new("default", TOKEN), patch)
}

fn mark(secret: &Value) -> &str {
    text(secret, &["metadata", "labels", INVALID_SINCE])
}

/// Whether a Secret was marked longer ago than a year and so many seconds.
fn is_over(secret: &Value, now: Timestamp, seconds: i64) -> bool {
    let since = format!("{}T00:00:00Z", mark(secret)).parse();
    since.is_ok_and(|since| api::time::seconds_between(since, now) > YEAR_SECONDS + seconds)
}

/// TOKENCLEANER-1 and TOKENCLEANER-2. A token that outlives its account is not the cleaner's to judge.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    if !moment.writes(SECRETS) || !moment.is_by_controllers() {
        return None;
    }
    let [before, after] =
        changed(&[moment.before, moment.after].map(|store| objects(store, SECRETS)));
    let cleaned = before.iter().find(|secret| is_cleaned(secret, &after))?;
    if !has_account(&objects(moment.before, ACCOUNTS), cleaned) {
        return None;
    }
    if is_young(cleaned, moment.now) {
        return Some(format!("TOKENCLEANER-2: {} is young, and is cleaned up", name(cleaned)));
    }
    let is_gone = !after.iter().any(|found| uid(found) == uid(cleaned));
    (is_gone && !is_over(cleaned, moment.now, 0))
        .then(|| format!("TOKENCLEANER-1: {} is gone without a mark", name(cleaned)))
}

/// TOKENCLEANER-3.
pub(crate) fn is_kept_late(store: &Store, sent: &[&Request]) -> bool {
    let goes = |request: &&Request| request.verb == Verb::Delete && request.resource == SECRETS;
    let secrets = objects(store, SECRETS);
    let is_kept = secrets.iter().any(|secret| name(secret) == TOKEN && mark(secret).is_empty());
    is_kept && sent.iter().any(goes)
}

/// TOKENCLEANER-4, a day after its time: one that nobody uses is marked, and one that is marked goes.
pub(super) fn unsettled(store: &Store, now: Timestamp) -> Option<String> {
    let secrets = objects(store, SECRETS);
    let found = secrets.iter().find(|secret| name(secret) == TOKEN && !is_young(secret, now))?;
    let is_kept = mark(found).is_empty() || is_over(found, now, 2 * DAY_SECONDS);
    is_kept.then(|| format!("TOKENCLEANER-4: {TOKEN} stays, marked {:?}", mark(found)))
}

/// Whether the account of a token is there, and not only another of its name.
fn has_account(accounts: &Objects, secret: &Value) -> bool {
    let own = annotation(secret, "uid");
    account_of(accounts, secret).is_some_and(|account| own.is_empty() || own == uid(account))
}

/// Whether a Secret is marked, or gone.
fn is_cleaned(secret: &Value, after: &Objects) -> bool {
    let now = after.iter().find(|found| uid(found) == uid(secret));
    name(secret) == TOKEN && now.is_none_or(|now| mark(now) != mark(secret))
}

fn is_young(secret: &Value, now: Timestamp) -> bool {
    let created = text(secret, &["metadata", "creationTimestamp"]).parse();
    created.is_ok_and(|created| api::time::seconds_between(created, now) < YEAR_SECONDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_its_account_and_not_another_of_that_name() {
        let account = |uid: &str| {
            let mut account = account();
            account["metadata"]["uid"] = json!(uid);
            Objects::from([account])
        };
        let mut filled = secret();
        filled["metadata"]["annotations"]["kubernetes.io/service-account.uid"] = json!("1");

        assert!(has_account(&account("1"), &filled) && has_account(&account("2"), &secret()));
        assert!(!has_account(&account("2"), &filled));
        assert!(!has_account(&Objects::from([]), &secret()));
    }
}
