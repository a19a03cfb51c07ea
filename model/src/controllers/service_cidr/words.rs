//! The scenario `service-cidr` in Kubernetes' words.

use super::{Action, Objects, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLER: &str = "service-cidr-controller";

/// A step in words.
pub(super) fn describe(action: Action, after: &State) -> String {
    let is_gone = after.store.now().cidr.is_none();
    match action {
        Action::DeliverCidr => "the controller hears of the ServiceCIDR",
        Action::DeliverAddress => "the controller hears of the IPAddress",
        Action::DeliverToAllocator => "an API server hears of the ServiceCIDR",
        Action::Protect => "the controller gives the ServiceCIDR its finalizer",
        Action::LetGo => "the controller takes the finalizer away, and the ServiceCIDR is gone",
        Action::Allocate => "a Service gets an address",
        Action::Release => "the Service goes, and its IPAddress",
        Action::CreateCidr => "a client creates the ServiceCIDR",
        Action::DeleteCidr if is_gone => "a client deletes the ServiceCIDR, which is gone",
        Action::DeleteCidr => "a client deletes the ServiceCIDR, which waits for its finalizer",
        Action::Crash => "the controller crashes and starts again",
    }
    .to_owned()
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverCidr
        | Action::DeliverAddress
        | Action::Protect
        | Action::LetGo
        | Action::Crash => CONTROLLER,
        Action::DeliverToAllocator | Action::Allocate | Action::Release => "kube-apiserver",
        Action::CreateCidr | Action::DeleteCidr => "client",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    lanes_of(CONTROLLER, &state.store, objects).into()
}

fn objects(objects: &Objects) -> String {
    let cidr = objects.cidr.map(|cidr| {
        let deleting = if cidr.deleting { " that is being deleted" } else { "" };
        let protected = if cidr.protected { "protected " } else { "" };
        format!("{protected}ServiceCIDR{deleting}")
    });
    let address = objects.address.then(|| "IPAddress".to_owned());
    let parts: Vec<String> = cidr.into_iter().chain(address).collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}
