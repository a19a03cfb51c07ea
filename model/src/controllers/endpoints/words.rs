//! The scenario `endpoints` in Kubernetes' words.

use super::{Action, Addresses, Objects, PODS, Pod, Request, Stage, State};
use crate::controllers::lanes_of;
use crate::slice::Lane;

/// A step in words.
pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    let unchanged = !after.store.has_changed_since(&before.store);
    match action {
        Action::DeliverService => "the Endpoints controller hears of the Service".to_owned(),
        Action::DeliverPod => "the Endpoints controller hears of a Pod".to_owned(),
        Action::DeliverEndpoints => "the Endpoints controller hears of the Endpoints".to_owned(),
        Action::SyncService => format!("the Endpoints controller {}", request(after.request)),
        Action::Commit if unchanged => {
            format!("the API server changes nothing: {}", request(before.request))
        }
        Action::Commit => format!("the API server commits: {}", request(before.request)),
        Action::BecomeReady { pod } => format!("pod-{pod} becomes Ready"),
        Action::RemovePod { pod } => format!("the kubelet has ended pod-{pod}"),
        Action::BecomeUnready { pod } => format!("pod-{pod} is no longer Ready"),
        Action::CreatePod { pod } => format!("a client creates pod-{pod}"),
        Action::DeletePod { pod } => format!("a client deletes pod-{pod}"),
        Action::RelabelPod { pod } => format!("a client changes the labels of pod-{pod}"),
        Action::DeleteService => "a client deletes the Service".to_owned(),
        Action::CreateService => "a client creates the Service again".to_owned(),
        Action::LoseRequest => format!("it is lost on its way: {}", request(before.request)),
        Action::Crash => "the Endpoints controller crashes and starts again".to_owned(),
    }
}

/// Who takes a step.
pub(super) fn actor(action: Action) -> &'static str {
    match action {
        Action::DeliverService
        | Action::DeliverPod
        | Action::DeliverEndpoints
        | Action::SyncService
        | Action::LoseRequest
        | Action::Crash => "endpoints-controller",
        Action::Commit => "kube-apiserver",
        Action::BecomeReady { .. } | Action::RemovePod { .. } | Action::BecomeUnready { .. } => {
            "kubelet"
        }
        Action::CreatePod { .. }
        | Action::DeletePod { .. }
        | Action::RelabelPod { .. }
        | Action::DeleteService
        | Action::CreateService => "client",
    }
}

/// What the store and the controller hold.
pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let queued = if state.queued { "; has the Service queued" } else { "" };
    let stale = if state.stale { "; knows that these Endpoints are replaced" } else { "" };
    let [store, mut controller] = lanes_of("endpoints-controller", &state.store, objects);
    controller.holds += &format!("; {}{queued}{stale}", request(state.request));
    vec![store, controller]
}

fn objects(objects: &Objects) -> String {
    let service = if objects.service { "the Service" } else { "no Service" };
    let pods = (0..PODS).filter_map(|number| Some(pod(number, objects.pods[number]?)));
    let endpoints = match objects.endpoints {
        None => "no Endpoints".to_owned(),
        Some(of) => format!("Endpoints of {}", addresses(of)),
    };
    [service.to_owned()].into_iter().chain(pods).chain([endpoints]).collect::<Vec<_>>().join(", ")
}

fn pod(number: usize, pod: Pod) -> String {
    let stage = match pod.stage {
        Stage::Unready => "not Ready",
        Stage::Ready => "Ready",
        Stage::Terminating => "Terminating",
    };
    let label = if pod.labelled { "" } else { ", not selected" };
    format!("pod-{number} ({stage}{label})")
}

fn addresses(of: Addresses) -> String {
    let names = (0..PODS).filter(|number| of[*number]).map(|number| format!("pod-{number}"));
    match names.collect::<Vec<_>>().join(" and ") {
        none if none.is_empty() => "no Pod".to_owned(),
        names => names,
    }
}

fn request(request: Request) -> String {
    match request {
        Request::None => "asks for nothing".to_owned(),
        Request::Create(of) => format!("asks for new Endpoints of {}", addresses(of)),
        Request::Update { addresses: of, outdated } => {
            let old = if outdated { " with an old resourceVersion" } else { "" };
            format!("asks for Endpoints of {}{old}", addresses(of))
        }
        Request::Delete => "asks for the end of the Endpoints".to_owned(),
    }
}
