//! The namespace, its content and the steps in words.

use super::{Action, Content, Operation, PODS, Progress, Request, State};
use crate::slice::Lane;

pub(super) fn describe(before: &State, action: Action, after: &State) -> String {
    match action {
        Action::DeleteNamespace => "a client deletes the namespace through apiserver-0".to_owned(),
        Action::Cache { server } => {
            format!("the cache of apiserver-{server} has the namespace as Terminating")
        }
        Action::Send { client, server, resource } => format!(
            "client-{client} asks apiserver-{server} to {} the {}",
            if client == 0 { "create" } else { "apply" },
            name(resource)
        ),
        Action::Admit { client } => match after.request(client).and_then(|of| of.admitted) {
            Some(Operation::Create) => format!("admission lets client-{client} create"),
            Some(Operation::Update) => format!("admission lets client-{client} update"),
            None => format!("admission refuses client-{client}: the namespace is terminating"),
        },
        Action::Commit { client } if before.content != after.content => {
            format!("the API server creates the object for client-{client}")
        }
        Action::Commit { client } if after.request(client).is_some() => {
            format!("the object that client-{client} applies is gone: admission decides anew")
        }
        Action::Commit { client } => format!("the object of client-{client} exists"),
        Action::Observe => "the namespace controller sees that the namespace ends".to_owned(),
        Action::Begin => "the namespace controller begins to delete the content".to_owned(),
        Action::List { resource } => {
            let found = after.controller.progress.map(|of| of[usize::from(resource)]);
            let found = if found == Some(Progress::Empty) { "nothing" } else { "something" };
            format!("the namespace controller lists {}s: {found}", name(resource))
        }
        Action::DeleteCollection { resource } => {
            format!("the namespace controller deletes the {}s it has listed", name(resource))
        }
        Action::Finalize => {
            "the namespace controller removes the finalizer: the namespace is gone".to_owned()
        }
        Action::EndPod => "the Pod has ended, and the kubelet removes it".to_owned(),
        Action::CrashController => "the namespace controller crashes and starts again".to_owned(),
        Action::LoseFinalize => "the removal of the finalizer is lost".to_owned(),
        Action::FailDiscovery { resource } => {
            format!("the API of {}s cannot be discovered", name(resource))
        }
    }
}

pub(super) fn actor(action: Action) -> String {
    match action {
        Action::DeleteNamespace => "client".to_owned(),
        Action::Send { client, .. } => format!("client-{client}"),
        Action::Cache { server } => format!("apiserver-{server}"),
        Action::Admit { .. } | Action::Commit { .. } => "kube-apiserver".to_owned(),
        Action::EndPod => "kubelet".to_owned(),
        Action::Observe
        | Action::Begin
        | Action::List { .. }
        | Action::DeleteCollection { .. }
        | Action::Finalize
        | Action::CrashController
        | Action::LoseFinalize
        | Action::FailDiscovery { .. } => "namespace-controller".to_owned(),
    }
}

pub(super) fn lanes(state: &State) -> Vec<Lane> {
    let lane = |name: &str, holds: String, behind| Lane { name: name.to_owned(), holds, behind };
    let [config_map, pod] = state.content.map(words);
    let store = format!("namespace {:?}; ConfigMap {config_map}, Pod {pod}", state.phase);
    let ends = state.phase != super::Phase::Active;
    let servers = state.caches.iter().enumerate().map(|(server, seen)| {
        let believes = if *seen { "Terminating" } else { "Active" };
        let holds = format!("believes the namespace to be {believes}");
        lane(&format!("apiserver-{server}"), holds, Some(usize::from(ends && !seen)))
    });
    let controller = state.controller;
    let progress = match controller.progress {
        None => "has not begun".to_owned(),
        Some([config_maps, pods]) => format!("ConfigMaps {config_maps:?}, Pods {pods:?}"),
    };
    let behind = Some(usize::from(ends && !controller.sees));
    let clients = state.requests.iter().enumerate().map(|(client, request)| {
        let holds = request.map_or("asks for nothing".to_owned(), |request| request.to_string());
        lane(&format!("client-{client}"), holds, None)
    });
    [lane("kube-apiserver", store, None)]
        .into_iter()
        .chain(servers)
        .chain([lane("namespace-controller", progress, behind)])
        .chain(clients)
        .collect()
}

fn name(resource: u8) -> &'static str {
    if usize::from(resource) == PODS { "Pod" } else { "ConfigMap" }
}

fn words(content: Content) -> &'static str {
    match content {
        Content::Absent => "absent",
        Content::Present => "present",
        Content::Deleting => "being deleted",
    }
}

impl std::fmt::Display for Request {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Request { server, resource, admitted, late: _ } = self;
        write!(formatter, "asks apiserver-{server} for the {}", name(*resource))?;
        match admitted {
            Some(operation) => write!(formatter, ", admitted ({operation:?})"),
            None => Ok(()),
        }
    }
}
