//! The scenario `resource-quota` in Kubernetes' words.

use super::{Action, Objects, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLER: &str = "resourcequota-controller";

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let is_refused = !after.store.has_changed_since(&before.store);
    match action {
        Action::DeliverQuota => "the controller hears of a change",
        Action::ReadQuota => "the controller reads the ResourceQuota in its cache",
        Action::ListObjects => "the controller lists what it counts",
        Action::CommitStatus if is_refused => "the ResourceQuota is not as it was (Conflict)",
        Action::CommitStatus => "the API server writes the count into status.used",
        Action::CreateObject => "a client creates an object, which is charged",
        Action::DeleteObject => "a client deletes an object",
        Action::Crash => "the controller crashes and starts again",
    }
    .to_owned()
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverQuota | Action::ReadQuota | Action::ListObjects | Action::Crash => {
            CONTROLLER
        }
        Action::CommitStatus => "kube-apiserver",
        Action::CreateObject | Action::DeleteObject => "client",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controller] = lanes_of(CONTROLLER, &state.store, objects);
    if let Some(reading) = state.reading {
        let count = reading.count.map_or("nothing yet".to_owned(), |count| count.to_string());
        controller.holds += &format!("; has counted {count}");
    }
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    format!("{} objects, status.used {}", objects.objects, objects.quota.used)
}
