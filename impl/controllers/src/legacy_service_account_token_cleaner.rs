//! The legacy service account token cleaner: marks the Secrets with tokens that service accounts were once
//! given unasked and that nobody has used for a year, and deletes them a year later.
//!
//! Source: pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go (v1.36).

mod mounted;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use api::object::{SERVICE_ACCOUNT_TOKEN, text};
use api::{Key, Request, Timestamp, Verb, resources};
use client::{Change, Outcome, View};
use jiff::civil::Date;
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use serde_json::json;

use crate::ownership::{labels, name, uid};
use crate::{Controller, Plan, after_seconds};

const DAY_SECONDS: i64 = 24 * 3600;
/// How often Secrets are looked through.
const PERIOD_SECONDS: i64 = DAY_SECONDS;
/// How long a token is kept that nobody uses. Source: `--legacy-service-account-token-clean-up-period`.
const CLEAN_UP_PERIOD_SECONDS: i64 = 365 * DAY_SECONDS;

/// Where the API server says since when it tells when tokens are used.
const TRACKING: (&str, &str) =
    ("kube-system", "kube-apiserver-legacy-service-account-token-tracking");
const LAST_USED: &str = "kubernetes.io/legacy-token-last-used";
const INVALID_SINCE: &str = "kubernetes.io/legacy-token-invalid-since";

/// Cleans up tokens that nobody uses.
#[derive(Clone, Debug, Default)]
pub struct LegacyServiceAccountTokenCleaner {
    /// When Secrets are looked through next; `None` before the first time.
    next: Option<Timestamp>,
    /// What the API server has said of the day since when it tells; empty where it does not.
    since: Option<String>,
}

impl Controller for LegacyServiceAccountTokenCleaner {
    fn name(&self) -> &'static str {
        "legacy-serviceaccount-token-cleaner-controller"
    }

    /// One key stands for all Secrets; the first token starts the rounds.
    fn observe(&mut self, _view: &View, change: &Change) -> Vec<Key> {
        let is_first = self.next.is_none() && change.resource() == &resources::SECRETS;
        if is_first { vec![Key::cluster(resources::SECRETS.plural)] } else { vec![] }
    }

    fn reconcile(&mut self, view: &View, _key: &Key, now: Timestamp) -> Plan {
        let next = *self.next.get_or_insert(now);
        if now < next {
            return Plan { requests: vec![], look_again: Some(next) };
        }
        let Some(since) = self.since.take() else {
            let tracking = Key::new(TRACKING.0, TRACKING.1);
            let request = Request::get(&resources::CONFIG_MAPS, tracking);
            return Plan { requests: vec![request], look_again: None };
        };
        let next = after_seconds(now, PERIOD_SECONDS);
        self.next = Some(next);
        let requests = if is_long_told(&since, now) { round(view, now) } else { vec![] };
        Plan { requests, look_again: Some(next) }.observed_at(view.revision)
    }

    fn completed(&mut self, _key: &Key, request: &Request, outcome: &Outcome) {
        if request.verb == Verb::Get {
            let since = outcome.as_ref().map(|config_map| text(config_map, &["data", "since"]));
            self.since = Some(since.unwrap_or_default().to_owned());
        }
    }
}

/// The day of a time, `2026-01-31`.
fn day(time: Timestamp) -> String {
    time.to_string().chars().take("2026-01-31".len()).collect()
}

/// A day that is written as `day` writes it.
fn parse(text: &str) -> Option<Date> {
    text.parse::<Date>().ok().filter(|date| date.to_string() == text)
}

/// Whether the API server has told when tokens are used for as long as one is kept, without counting the day
/// on which it began.
fn is_long_told(since: &str, now: Timestamp) -> bool {
    let Some(start) = parse(since).and_then(|date| format!("{date}T00:00:00Z").parse().ok()) else {
        return false;
    };
    after_seconds(start, DAY_SECONDS + CLEAN_UP_PERIOD_SECONDS) <= now
}

/// What is done about every Secret.
fn round(view: &View, now: Timestamp) -> Vec<Request> {
    let period = Duration::from_secs(CLEAN_UP_PERIOD_SECONDS.unsigned_abs());
    let kept_since = now.checked_sub(period).unwrap_or(Timestamp::MIN);
    let old = view.secrets.iter().filter(|secret| is_unused(secret, kept_since));
    let unused = old.filter(|secret| is_unasked_for(view, secret) && !is_mounted(view, secret));
    unused.filter_map(|secret| clean_up(secret, &day(kept_since), now)).collect()
}

/// Whether a Secret holds a token that was neither made nor used since then.
fn is_unused(secret: &Secret, since: Timestamp) -> bool {
    let created = secret.metadata.creation_timestamp.as_ref();
    let is_old = created.is_some_and(|created| created.0 < since);
    let is_kept = secret.metadata.deletion_timestamp.is_none();
    let is_token = secret.type_.as_deref() == Some(SERVICE_ACCOUNT_TOKEN);
    let is_used = labels(&secret.metadata)
        .get(LAST_USED)
        .is_some_and(|used| parse(used).is_none() || *used >= day(since));
    is_token && is_old && is_kept && !is_used
}

/// Whether the account of a token names its Secret: nobody asked for that one.
fn is_unasked_for(view: &View, secret: &Secret) -> bool {
    let annotation = |key: &str| {
        let annotations = secret.metadata.annotations.as_ref();
        annotations.and_then(|all| all.get(key)).map(String::as_str).unwrap_or_default()
    };
    let namespace = secret.metadata.namespace.as_deref().unwrap_or_default();
    let account = Key::new(namespace, annotation("kubernetes.io/service-account.name"));
    let claimed = annotation("kubernetes.io/service-account.uid");
    let account = view.service_accounts.get(&account);
    let account = account.filter(|found| claimed.is_empty() || claimed == uid(&found.metadata));
    account.is_some_and(|account| names(account, name(&secret.metadata)))
}

fn names(account: &Arc<ServiceAccount>, secret: &str) -> bool {
    let mut secrets = account.secrets.iter().flatten();
    secrets.any(|reference| reference.name.as_deref() == Some(secret))
}

fn is_mounted(view: &View, secret: &Secret) -> bool {
    let namespace = secret.metadata.namespace.as_deref().unwrap_or_default();
    let pods = view.pods.in_namespace(namespace);
    let mounted: BTreeSet<&str> = pods.flat_map(|pod| mounted::secrets(pod)).collect();
    mounted.contains(name(&secret.metadata))
}

/// Marks a token that is not marked yet; deletes it when it has been for long enough.
fn clean_up(secret: &Secret, kept_since: &str, now: Timestamp) -> Option<Request> {
    let (key, uid) = (Key::of(&secret.metadata), uid(&secret.metadata));
    let marked = labels(&secret.metadata).get(INVALID_SINCE).filter(|text| parse(text).is_some());
    let Some(marked) = marked else {
        let patch = json!({"metadata": {"uid": uid, "labels": {INVALID_SINCE: day(now)}}});
        return Some(Request::merge_patch(&resources::SECRETS, key, patch));
    };
    let preconditions = json!({"resourceVersion": secret.metadata.resource_version});
    let options = json!({"preconditions": preconditions});
    let is_over = marked.as_str() < kept_since;
    is_over.then(|| Request::delete(&resources::SECRETS, key, uid, options))
}

#[cfg(test)]
mod tests;
