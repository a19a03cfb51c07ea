//! The scenario `endpoint-slice-mirroring` in Kubernetes' words.

use super::{Action, Objects, State, Write};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLER: &str = "endpointslice-mirroring-controller";

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    match action {
        Action::DeliverEndpoints => "the controller hears of the Endpoints or the Service",
        Action::DeliverSlice => "the controller hears of an EndpointSlice",
        Action::Sync => "the controller compares its slices with the Endpoints",
        Action::CommitSlice => match before.asked {
            Some(Write::Create(_)) => "the API server creates an EndpointSlice",
            Some(Write::Update(..)) => "the API server updates the EndpointSlice",
            Some(Write::Delete(_) | Write::DeleteForeign) | None => {
                "the API server deletes the EndpointSlice"
            }
        },
        Action::WriteEndpoints => "a client writes the Endpoints",
        Action::DeleteEndpoints => "a client deletes the Endpoints",
        Action::EditSelector if after.store.now().selects => {
            "a client gives the Service a selector"
        }
        Action::EditSelector => "a client takes the selector from the Service",
        Action::Crash => "the controller crashes and starts again",
    }
    .to_owned()
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverEndpoints | Action::DeliverSlice | Action::Sync | Action::Crash => {
            CONTROLLER
        }
        Action::CommitSlice => "kube-apiserver",
        Action::WriteEndpoints | Action::DeleteEndpoints | Action::EditSelector => "client",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controller] = lanes_of(CONTROLLER, &state.store, objects);
    if state.asked.is_some() {
        controller.holds += "; writes an EndpointSlice";
    }
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    let selector = if objects.selects { "with a selector" } else { "without a selector" };
    let mut said = vec![format!("Service {selector}")];
    said.extend(objects.endpoints.map(|says| format!("Endpoints {says}")));
    said.extend(objects.mirrors.iter().flatten().map(|says| format!("EndpointSlice {says}")));
    said.extend(objects.foreign.then(|| "an EndpointSlice of somebody else".to_owned()));
    said.join(", ")
}
