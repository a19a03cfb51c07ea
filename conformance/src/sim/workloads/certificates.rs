//! Requests for certificates, some of which ask for too much, and people who approve and deny.

use api::object::text;
use api::time::seconds_between;
use api::{ApiResource, Key, Request, Timestamp, resources};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use store::Store;

use super::{Moment, any, create, delete, key, name, uid};
use crate::sim::authority;
use crate::sim::objects::objects;
use crate::sim::random::Random;

const REQUESTS: &ApiResource = &resources::CERTIFICATE_SIGNING_REQUESTS;

const KUBELET: &str = "kubernetes.io/kube-apiserver-client-kubelet";
const CLIENT: &str = "kubernetes.io/kube-apiserver-client";

/// An hour, after which what was answered is cleaned up, and a day for all others.
const DONE_SECONDS: i64 = 3600;
const PENDING_SECONDS: i64 = 24 * 3600;

/// Signer, user and usages of what is asked for.
pub(crate) type Wish = (&'static str, &'static str, &'static [&'static str]);

/// What a kubelet may have, and what a client may.
pub(crate) const NODE: Wish =
    (KUBELET, "system:node:node-1", &["digital signature", "client auth"]);
pub(crate) const USER: Wish = (CLIENT, "ada", &["client auth"]);

/// What a signer refuses, or nobody signs.
const REFUSED: [Wish; 3] = [
    (KUBELET, "ada", &["digital signature", "client auth"]),
    (CLIENT, "ada", &["server auth"]),
    ("example.com/signer", "ada", &["client auth"]),
];

pub(super) fn ask(store: &Store, random: &mut Random) -> Option<Request> {
    match random.below(8) {
        0..=3 => {
            let wishes = [NODE, USER, REFUSED[0], REFUSED[1], REFUSED[2]];
            let name = format!("csr-{}", random.below(3));
            Some(create(REQUESTS, "", request(&name, *random.pick(&wishes)?)))
        }
        4..=6 => {
            let verdict = if random.one_in(3) { "Denied" } else { "Approved" };
            Some(decide(&any(store, REQUESTS, random)?, verdict))
        }
        _ => Some(delete(REQUESTS, &any(store, REQUESTS, random)?, "Background")),
    }
}

pub(crate) fn request(name: &str, (signer, user, usages): Wish) -> Value {
    let group = if signer == KUBELET { "system:nodes" } else { "" };
    let request = STANDARD.encode(authority::request(user, group));
    json!({"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {"signerName": signer, "usages": usages, "request": request}})
}

/// A person approves or denies, whatever was said before.
pub(crate) fn decide(request: &Value, verdict: &str) -> Request {
    let condition = json!({"type": verdict, "status": "True", "reason": "Person", "message": ""});
    let patch = json!({"status": {"conditions": [condition]}});
    Request::merge_patch(REQUESTS, key(request), patch).to_subresource("approval")
}

/// The first claim that a write of a request breaks.
pub(super) fn broken(moment: &Moment<'_>) -> Option<String> {
    if !moment.writes(REQUESTS) {
        return None;
    }
    let [before, after] = [moment.before, moment.after].map(|store| objects(store, REQUESTS));
    let changed = after.iter().find_map(|request| {
        let earlier = before.iter().find(|earlier| uid(earlier) == uid(request))?;
        contradicts(request).or_else(|| given_wrongly(earlier, request))
    });
    let is_gone = |request: &&Value| !after.iter().any(|found| uid(found) == uid(request));
    changed.or_else(|| {
        let gone = before.iter().find(is_gone).filter(|_| moment.is_by_controllers())?;
        (!is_over(gone, moment.now)).then(|| format!("CERTIFICATE-7: {} is cleaned", name(gone)))
    })
}

/// CERTIFICATE-1.
fn contradicts(request: &Value) -> Option<String> {
    let both = has(request, "Approved") && has(request, "Denied");
    both.then(|| format!("CERTIFICATE-1: {} is approved and denied", name(request)))
}

/// CERTIFICATE-2 to CERTIFICATE-6.
fn given_wrongly(earlier: &Value, request: &Value) -> Option<String> {
    let lost = ["Approved", "Denied"]
        .into_iter()
        .find(|verdict| has(earlier, verdict) && !has(request, verdict));
    let (was, is) = (certificate(earlier), certificate(request));
    let is_new = was.is_empty() && !is.is_empty();
    let claim = if lost.is_some() {
        "CERTIFICATE-2"
    } else if is_approved_wrongly(earlier, request) {
        "CERTIFICATE-3"
    } else if is_new && (!has(earlier, "Approved") || has(earlier, "Denied")) {
        "CERTIFICATE-4"
    } else if is_new && !is_allowed(request) {
        "CERTIFICATE-5"
    } else if !was.is_empty() && was != is {
        "CERTIFICATE-6"
    } else {
        return None;
    };
    Some(format!("{claim}: {} becomes {}", name(request), request["status"]))
}

/// Whether the approver has approved what no kubelet may have.
fn is_approved_wrongly(earlier: &Value, request: &Value) -> bool {
    let is_auto = conditions(request).any(|condition| condition["reason"] == "AutoApproved");
    let is_of_kubelet = text(request, &["spec", "signerName"]) == KUBELET && is_allowed(request);
    is_auto && !has(earlier, "Approved") && !is_of_kubelet
}

/// Whether the signer that a request names gives what it asks for.
fn is_allowed(request: &Value) -> bool {
    let bytes = STANDARD.decode(text(request, &["spec", "request"])).unwrap_or_default();
    let user = authority::asked(&bytes).map(|(user, _)| user).unwrap_or_default();
    let allowed = [NODE, USER];
    allowed.iter().any(|(signer, whom, usages)| {
        text(request, &["spec", "signerName"]) == *signer
            && user == *whom
            && request["spec"]["usages"] == json!(usages)
    })
}

fn conditions(request: &Value) -> impl Iterator<Item = &Value> {
    request["status"]["conditions"].as_array().into_iter().flatten()
}

fn has(request: &Value, kind: &str) -> bool {
    conditions(request).any(|condition| condition["type"] == kind)
}

fn certificate(request: &Value) -> &str {
    text(request, &["status", "certificate"])
}

/// Whether the time of a request is over.
fn is_over(request: &Value, now: Timestamp) -> bool {
    let age = |since: &Value| {
        let since = since.as_str().and_then(|since| since.parse().ok());
        since.map_or(0, |since| seconds_between(since, now))
    };
    let most = if certificate(request).is_empty() { PENDING_SECONDS } else { DONE_SECONDS };
    let mut told = conditions(request).map(|condition| {
        let is_final = ["Denied", "Failed"].contains(&text(condition, &["type"]));
        (age(&condition["lastUpdateTime"]), if is_final { DONE_SECONDS } else { most })
    });
    told.any(|(age, most)| age > most)
        || age(&request["metadata"]["creationTimestamp"]) > PENDING_SECONDS
}

/// CERTIFICATE-8.
pub(crate) fn is_denied_late(store: &Store, sent: &[&Request]) -> bool {
    let is_denied = |wanted: &Key| {
        let requests = objects(store, REQUESTS);
        requests.iter().any(|request| key(request) == *wanted && has(request, "Denied"))
    };
    sent.iter().any(|request| request.subresource == "approval" && is_denied(&request.key))
}

/// CERTIFICATE-9 to CERTIFICATE-11; the last an hour later, as the cleaner comes each hour.
pub(super) fn unsettled(store: &Store, now: Timestamp) -> Option<String> {
    let earlier = Timestamp::from_second(now.as_second() - DONE_SECONDS).unwrap_or(now);
    objects(store, REQUESTS).iter().find_map(|request| {
        if is_over(request, earlier) {
            return Some(format!("CERTIFICATE-11: {} stays", name(request)));
        }
        let is_answered = !certificate(request).is_empty() || has(request, "Failed");
        let is_known = text(request, &["spec", "signerName"]) != REFUSED[2].0;
        if has(request, "Approved") && is_known && !is_answered {
            return Some(format!("CERTIFICATE-9: {} has no answer", name(request)));
        }
        let is_of_kubelet =
            text(request, &["spec", "signerName"]) == KUBELET && is_allowed(request);
        let is_undecided = !has(request, "Approved") && !has(request, "Denied");
        (is_of_kubelet && is_undecided)
            .then(|| format!("CERTIFICATE-10: nobody decides about {}", name(request)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(wish: Wish, status: Value) -> Value {
        let mut request = request("csr", wish);
        request["metadata"]["creationTimestamp"] = json!("1970-01-01T00:00:00Z");
        request["status"] = status;
        request
    }

    fn conditions(kinds: &[&str], certificate: &str) -> Value {
        let condition = |kind: &&str| json!({"type": kind, "reason": "AutoApproved", "lastUpdateTime": "1970-01-01T00:00:00Z"});
        let all: Vec<Value> = kinds.iter().map(condition).collect();
        json!({"conditions": all, "certificate": certificate})
    }

    #[test]
    fn what_is_given_must_be_approved_and_allowed_and_stays() {
        let table = [
            (NODE, conditions(&["Approved"], ""), conditions(&["Approved"], "c"), None),
            (NODE, conditions(&["Denied"], ""), conditions(&[], ""), Some("CERTIFICATE-2")),
            (REFUSED[0], json!({}), conditions(&["Approved"], ""), Some("CERTIFICATE-3")),
            (NODE, json!({}), conditions(&["Approved"], "c"), Some("CERTIFICATE-4")),
            (
                REFUSED[1],
                conditions(&["Approved"], ""),
                conditions(&["Approved"], "c"),
                Some("CERTIFICATE-5"),
            ),
            (
                NODE,
                conditions(&["Approved"], "c"),
                conditions(&["Approved"], "d"),
                Some("CERTIFICATE-6"),
            ),
        ];
        for (wish, before, after, claim) in table {
            let why = given_wrongly(&with(wish, before), &with(wish, after));

            assert_eq!(why.as_deref().map(|why| &why[..13]), claim, "{why:?}");
        }
        let why = contradicts(&with(NODE, conditions(&["Approved", "Denied"], "")));
        assert_eq!(why.as_deref(), Some("CERTIFICATE-1: csr is approved and denied"));
    }

    #[test]
    fn what_is_answered_is_over_after_an_hour_and_all_else_after_a_day() {
        let at = |seconds| Timestamp::from_second(seconds).expect("it is a time");
        let table = [
            (conditions(&["Approved"], "c"), DONE_SECONDS),
            (conditions(&["Denied"], ""), DONE_SECONDS),
            (conditions(&["Approved"], ""), PENDING_SECONDS),
            (json!({}), PENDING_SECONDS),
        ];
        for (status, most) in table {
            let request = with(NODE, status);

            assert!(!is_over(&request, at(most)) && is_over(&request, at(most + 1)), "{request}");
        }
    }
}
