//! What comes of the requests of a StatefulSet, and what is said of it.
//!
//! Source: `StatefulPodControl` in pkg/controller/statefulset/stateful_pod_control.go (v1.36).

use api::object::text;
use api::{Key, Reason, Request, Status, Verb, resources};
use client::Outcome;
use client::event::Note;
use serde_json::Value;

use super::pass::Purpose;
use super::{StatefulSetController, events, identity};

impl StatefulSetController {
    /// Learns what came of a request.
    pub(super) fn learn(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        if request.resource == &resources::PODS {
            self.pod_completed(key, request, outcome);
        } else if request.resource == &resources::PERSISTENT_VOLUME_CLAIMS {
            self.claim_completed(key, request, outcome);
        } else if request.resource == &resources::CONTROLLER_REVISIONS {
            if request.verb == Verb::Create && outcome.is_err() {
                self.control.expectations.creation_observed(key);
            }
        } else if request.resource == &resources::STATEFUL_SETS
            && let (Verb::Update, Ok(answer)) = (request.verb, outcome)
        {
            self.status_completed(key, request, answer);
        }
    }

    /// A name that is taken is not told. Source: `CreateStatefulPod`.
    fn pod_completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        let verb = match request.verb {
            Verb::Create => "create",
            Verb::Update => "update",
            Verb::Delete => "delete",
            Verb::Get | Verb::List | Verb::MergePatch | Verb::StrategicMergePatch | Verb::Apply => {
                return;
            }
        };
        let pod = name_of(request);
        if outcome.is_err() {
            self.refuse(key, request);
        }
        let note = match outcome {
            Err(status) if is_silent(request.verb, status) => return,
            Err(status) if request.verb != Verb::Delete || status.reason != Reason::NotFound => {
                events::pod_failed(verb, pod, &key.name, status)
            }
            Ok(_) | Err(_) => events::pod_succeeded(verb, pod, &key.name),
        };
        self.control.notes.add(key, note);
    }

    /// Lowers what is expected by what was refused.
    pub(super) fn refuse(&mut self, key: &Key, request: &Request) {
        let expectations = &mut self.control.expectations;
        if request.verb == Verb::Create {
            expectations.creation_observed(key);
        } else if let Some(body) = &request.body {
            expectations.deletion_observed(key, text(body, &["preconditions", "uid"]));
        }
    }

    fn claim_completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        let claim = name_of(request);
        let purpose = self.purposes.remove(&Key::new(&key.namespace, claim));
        let ordinal = identity::ordinal(claim).unwrap_or_default();
        let pod = identity::pod_name(&key.name, ordinal);
        let mut notes = vec![];
        match (request.verb, outcome) {
            (Verb::Create, Ok(_)) => notes.push(events::claim_created(claim, &pod, &key.name)),
            (Verb::Create, Err(status)) => {
                self.refuse(key, request);
                if status.reason != Reason::AlreadyExists {
                    notes.push(events::claim_refused(claim, &pod, &key.name, status));
                }
                let error = format!("failed to create PVC {claim}: {status}");
                notes.extend(pod_failed(purpose, (&pod, &key.name), &error));
            }
            (Verb::MergePatch, Err(status)) if !is_silent(request.verb, status) => {
                let error =
                    format!("could not update claim {claim} for delete policy ownerRefs: {status}");
                notes.extend(pod_failed(purpose, (&pod, &key.name), &error));
            }
            _ => {}
        }
        for note in notes {
            self.control.notes.add(key, note);
        }
    }

    /// A write that changed nothing has no version of its own, and none that a cache could lack.
    fn status_completed(&mut self, key: &Key, request: &Request, answer: &Value) {
        let Some(body) = &request.body else { return };
        let [before, after] =
            [body, answer].map(|object| text(object, &["metadata", "resourceVersion"]));
        if before != after {
            self.outdated.insert(key.clone(), before.to_owned());
        }
    }
}

/// Who a request is about; a creation has the name in its body only.
pub(super) fn name_of(request: &Request) -> &str {
    match &request.body {
        Some(body) if request.verb == Verb::Create => text(body, &["metadata", "name"]),
        Some(_) | None => &request.key.name,
    }
}

/// Whether a refusal means only that the cache is behind.
fn is_silent(verb: Verb, status: &Status) -> bool {
    match verb {
        Verb::Create => status.reason == Reason::AlreadyExists,
        Verb::Update | Verb::MergePatch => status.reason == Reason::Conflict,
        Verb::Get | Verb::List | Verb::Delete | Verb::StrategicMergePatch | Verb::Apply => false,
    }
}

/// What is said of a pod when a claim of it is refused.
fn pod_failed(
    purpose: Option<Purpose>,
    (pod, stateful_set): (&str, &str),
    error: &str,
) -> Option<Note> {
    let verb = match purpose? {
        Purpose::Create => "create",
        Purpose::Update => "update",
        Purpose::Upkeep => return None,
    };
    Some(events::pod_failed(verb, pod, stateful_set, error))
}
