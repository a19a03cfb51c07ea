//! Tokens of service accounts that volumes show: what is asked for, and when it is to be asked for again.
//!
//! Source: `pkg/kubelet/token/token_manager.go` (v1.36), without chance in when that is.

use std::time::Duration;

use api::{Key, Request, Timestamp};
use k8s_openapi::api::core::v1::{Pod, ServiceAccountTokenProjection};
use serde_json::{Value, json};

use crate::spec;

/// No token is shown for longer.
const AGE_MAX: Duration = Duration::from_secs(24 * 3600);
/// The part of its life after which it is replaced, in percent.
const AGE_PERCENT: u64 = 80;
/// How much sooner that is, at most, upstream.
const JITTER: Duration = Duration::from_secs(10);

/// What is asked of the API server on behalf of a pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenRequest {
    /// For whom the token is; empty for the API server.
    pub audience: String,
    /// For how long it is to be good; what the API server chooses when absent.
    pub expiration_seconds: Option<i64>,
}

impl TokenRequest {
    pub(crate) fn of(source: &ServiceAccountTokenProjection) -> Self {
        Self {
            audience: source.audience.clone().unwrap_or_default(),
            expiration_seconds: source.expiration_seconds,
        }
    }

    /// A token of the pod's account that is good for as long as the pod is there.
    pub(crate) fn request(&self, pod: &Pod) -> Request {
        let Key { namespace, name } = Key::of(&pod.metadata);
        let mut spec = json!({"boundObjectRef": {
            "apiVersion": "v1", "kind": "Pod", "name": name, "uid": pod.metadata.uid}});
        spec["audiences"] = match self.audience.as_str() {
            "" => json!([]),
            audience => json!([audience]),
        };
        if let Some(seconds) = self.expiration_seconds {
            spec["expirationSeconds"] = json!(seconds);
        }
        let account = spec::spec(pod).service_account_name.clone().unwrap_or_default();
        Request::token(Key::new(&namespace, &account), &spec)
    }
}

/// A token that the API server has given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    /// When another is to be asked for.
    pub(crate) due: Timestamp,
    /// When it is good for nothing any more.
    pub(crate) expiration: Timestamp,
}

impl Token {
    /// The token in an answer to a `TokenRequest`.
    pub(crate) fn of(answer: &Value) -> Option<Self> {
        let text = answer["status"]["token"].as_str()?.to_owned();
        let expiration = answer["status"]["expirationTimestamp"].as_str()?.parse().ok()?;
        let seconds = answer["spec"]["expirationSeconds"].as_u64()?;
        Some(Self { text, due: due(expiration, seconds), expiration })
    }
}

/// When a token is replaced that is good until `expiration`, for so many seconds in all.
fn due(expiration: Timestamp, seconds: u64) -> Timestamp {
    let age = Duration::from_secs(seconds * AGE_PERCENT / 100).min(AGE_MAX);
    let issued = expiration.checked_sub(Duration::from_secs(seconds)).unwrap_or(Timestamp::MIN);
    issued.checked_add(age.saturating_sub(JITTER)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_replaced_before_its_last_fifth_and_after_a_day() {
        let table = [(600, 470), (3600, 2870), (7 * 24 * 3600, 24 * 3600 - 10)];
        for (seconds, expected) in table {
            let expiration = Timestamp::from_second(1000 + seconds).unwrap();
            let due = due(expiration, seconds.unsigned_abs());
            assert_eq!(due.as_second() - 1000, expected, "{seconds}");
        }
    }
}
