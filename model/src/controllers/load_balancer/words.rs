//! The scenario `load-balancer` in Kubernetes' words.

use super::{Action, Kind, Objects, Service, State, Write};
use crate::controllers::lanes_of;
use crate::slice::Lane;

const CONTROLLER: &str = "service-lb-controller";

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let is_refused = !after.store.has_changed_since(&before.store);
    match action {
        Action::DeliverService => "the controller hears of the Service",
        Action::DeliverNode => "the controller hears of the Nodes",
        Action::Sync => "the controller looks at the Service",
        Action::CommitWrite if is_refused => "nothing comes of what the controller asks for",
        Action::CommitWrite => match before.asked {
            Some(Write::AddFinalizer) => "the API server adds the finalizer",
            Some(Write::SetIngress(_)) => "the API server writes the addresses",
            Some(Write::ClearIngress) => "the API server takes the addresses away",
            Some(Write::RemoveFinalizer) | None => "the API server takes the finalizer away",
        },
        Action::CreateService => "a client creates a Service of the type LoadBalancer",
        Action::EditType => "a client edits spec.type",
        Action::DeleteService => "a client deletes the Service",
        Action::MoveNodes => "the addresses of Nodes change",
        Action::Crash => "the controller crashes and starts again",
    }
    .to_owned()
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverService | Action::DeliverNode | Action::Sync | Action::Crash => CONTROLLER,
        Action::CommitWrite => "kube-apiserver",
        Action::CreateService | Action::EditType | Action::DeleteService => "client",
        Action::MoveNodes => "kubelet",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let [store, mut controller] = lanes_of(CONTROLLER, &state.store, objects);
    if let Some(addresses) = state.made {
        controller.holds += &format!("; has made a balancer for the addresses {addresses}");
    }
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    let service = objects.service.map_or_else(|| "no Service".to_owned(), service);
    format!("{service}, Nodes with the addresses {}", objects.addresses)
}

fn service(service: Service) -> String {
    let kind = match service.kind {
        Kind::Plain => "ClusterIP",
        Kind::Balanced => "LoadBalancer",
    };
    let finalizer = if service.finalizer { ", with the finalizer" } else { "" };
    let ingress =
        service.ingress.map_or(String::new(), |ingress| format!(", reached at {ingress}"));
    let deleted = if service.deleted { ", being deleted" } else { "" };
    format!("Service ({kind}{finalizer}{ingress}{deleted})")
}
