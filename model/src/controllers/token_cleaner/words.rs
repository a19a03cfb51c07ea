//! The scenario `token-cleaner` in Kubernetes' words.

use super::{Action, Objects, State, Write};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLER: &str = "legacy-serviceaccount-token-cleaner-controller";

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let is_refused = !after.store.has_changed_since(&before.store);
    match action {
        Action::DeliverSecret => "the cleaner hears of the Secret",
        Action::DeliverPod => "the cleaner hears of the Pod",
        Action::EndDay => return format!("day {} begins", after.today),
        Action::LookThrough => "the cleaner looks through the Secrets",
        Action::CommitWrite if is_refused => "the Secret is not as it was (Conflict)",
        Action::CommitWrite => match before.asked {
            Some((_, Write::Mark)) => "the API server marks the Secret",
            Some((_, Write::Delete)) | None => "the API server deletes the Secret",
        },
        Action::UseToken => "somebody shows the token, and is let in",
        Action::TakeMarkAway => "a client takes the mark from the Secret",
        Action::ChangePod if after.store.now().is_mounted => "a Pod comes that mounts the Secret",
        Action::ChangePod => "the Pod goes",
        Action::Crash => "the cleaner crashes and starts again",
    }
    .to_owned()
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverSecret | Action::DeliverPod | Action::LookThrough | Action::Crash => {
            CONTROLLER
        }
        Action::EndDay => "time",
        Action::CommitWrite | Action::UseToken => "kube-apiserver",
        Action::TakeMarkAway | Action::ChangePod => "client",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controller] = lanes_of(CONTROLLER, &state.store, objects);
    if let Some((_, write)) = state.asked {
        controller.holds += match write {
            Write::Mark => "; marks the Secret",
            Write::Delete => "; deletes the Secret",
        };
    }
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    let pod = if objects.is_mounted { "a Pod mounts it" } else { "no Pod mounts it" };
    match objects.secret {
        None => "no Secret".to_owned(),
        Some(secret) => match secret.marked {
            None => format!("Secret (used on day {}), {pod}", secret.used),
            Some(day) => {
                format!("Secret (used on day {}, marked on day {day}), {pod}", secret.used)
            }
        },
    }
}
