//! The scenario `service-account` in Kubernetes' words.

use super::objects::Objects;
use super::{Action, Asked, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLERS: &str = "serviceaccount-controllers";

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let is_refused = !after.store.has_changed_since(&before.store);
    match action {
        Action::DeliverNamespace => "the controllers hear of the namespace".to_owned(),
        Action::DeliverAccount => "the controllers hear of the account".to_owned(),
        Action::DeliverSecret => "the controllers hear of the Secret".to_owned(),
        Action::EnsureAccount => "the account default is created".to_owned(),
        Action::PublishRootCa => "kube-root-ca.crt is written".to_owned(),
        Action::LookUp => match after.answer.and_then(|answer| answer.account) {
            Some(uid) => format!("the API server has the account (uid {uid})"),
            None => "the API server does not have the account".to_owned(),
        },
        Action::SyncSecret => match after.asked {
            Some(Asked::Fill(_, uid)) => {
                format!("the token controller signs a token for the account of uid {uid}")
            }
            Some(Asked::Delete(_)) | None => {
                "the token controller asks to delete the Secret".to_owned()
            }
        },
        Action::Commit if is_refused => "the API server refuses the request (Conflict)".to_owned(),
        Action::Commit => "the API server does what the token controller asks for".to_owned(),
        Action::DeleteAccount => "a client deletes the account".to_owned(),
        Action::CreateSecret => "a client creates a Secret for a token".to_owned(),
        Action::DeleteSecret => "a client deletes the Secret".to_owned(),
        Action::ChangeRootCa => "a client changes kube-root-ca.crt".to_owned(),
        Action::EndNamespace => "a client deletes the namespace".to_owned(),
        Action::Crash => "the controllers crash and start again".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverNamespace
        | Action::DeliverAccount
        | Action::DeliverSecret
        | Action::EnsureAccount
        | Action::PublishRootCa
        | Action::LookUp
        | Action::SyncSecret
        | Action::Crash => CONTROLLERS,
        Action::Commit => "kube-apiserver",
        Action::DeleteAccount
        | Action::CreateSecret
        | Action::DeleteSecret
        | Action::ChangeRootCa
        | Action::EndNamespace => "client",
    }
}

/// What the store and the controllers hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controllers] = lanes_of(CONTROLLERS, &state.store, objects);
    controllers.holds += match state.asked {
        Some(Asked::Fill(..)) => "; asks to fill the Secret",
        Some(Asked::Delete(_)) => "; asks to delete the Secret",
        None => "",
    };
    vec![store, controllers]
}

fn objects(objects: &Objects) -> String {
    let mut text = if objects.active { "Active" } else { "Terminating" }.to_owned();
    text += match objects.root_ca {
        Some(true) => ", kube-root-ca.crt",
        Some(false) => ", a changed kube-root-ca.crt",
        None => "",
    };
    if let Some(uid) = objects.account {
        text += &format!(", account (uid {uid})");
    }
    if let Some(secret) = objects.secret {
        let token = secret.token.map_or("no token".to_owned(), |uid| format!("token of uid {uid}"));
        text += &format!(", Secret (uid {}) with {token}", secret.uid);
    }
    text
}
