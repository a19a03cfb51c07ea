//! The scenario `certificate` in Kubernetes' words.

use super::{Action, Objects, Request, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLERS: &str = "certificatesigningrequest-controllers";

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let is_refused = !after.store.has_changed_since(&before.store);
    match action {
        Action::Deliver => "the controllers hear of the request".to_owned(),
        Action::Review => match after.review {
            Some(review) if review.allowed => "the author may have what it asks for".to_owned(),
            Some(_) | None => "the author may not have what it asks for".to_owned(),
        },
        Action::Approve => "the approver asks to approve the request".to_owned(),
        Action::Sign => match after.signature.and_then(|update| update.write.certificate) {
            Some(number) => format!("the signer signs certificate {number}"),
            None => "the signer will not sign".to_owned(),
        },
        Action::CommitApproval | Action::CommitSignature if is_refused => {
            "the API server refuses the update (Conflict)".to_owned()
        }
        Action::CommitApproval => "the API server writes the approval".to_owned(),
        Action::CommitSignature => "the API server writes what the signer says".to_owned(),
        Action::Clean => "the cleaner deletes the request".to_owned(),
        Action::GrowOld => "time passes".to_owned(),
        Action::Ask { kubelet: true } => "a kubelet asks for a certificate".to_owned(),
        Action::Ask { kubelet: false } => {
            "somebody asks for a certificate that it may not have".to_owned()
        }
        Action::Decide { approve: true } => "a person approves the request".to_owned(),
        Action::Decide { approve: false } => "a person denies the request".to_owned(),
        Action::Withdraw => "who asked deletes its request".to_owned(),
        Action::Crash => "the controllers crash and start again".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::Deliver
        | Action::Review
        | Action::Approve
        | Action::Sign
        | Action::Clean
        | Action::Crash => CONTROLLERS,
        Action::CommitApproval | Action::CommitSignature => "kube-apiserver",
        Action::GrowOld => "clock",
        Action::Ask { .. } | Action::Decide { .. } | Action::Withdraw => "client",
    }
}

/// What the store and the controllers hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controllers] = lanes_of(CONTROLLERS, &state.store, objects);
    if state.approval.is_some() {
        controllers.holds += "; asks to approve";
    }
    if state.signature.is_some() {
        controllers.holds += "; has signed";
    }
    vec![store, controllers]
}

fn objects(objects: &Objects) -> String {
    objects.request.map_or("no request".to_owned(), |request| words(&request))
}

fn words(request: &Request) -> String {
    let who = if request.is_of_kubelet { "a kubelet" } else { "somebody" };
    let mut text = format!("request of {who} (uid {})", request.uid);
    let conditions =
        [(request.approved, "Approved"), (request.denied, "Denied"), (request.failed, "Failed")];
    for (_, condition) in conditions.into_iter().filter(|(is_true, _)| *is_true) {
        text += &format!(", {condition}");
    }
    if let Some(number) = request.certificate {
        text += &format!(", certificate {number}");
    }
    if request.old { text + ", old" } else { text }
}
