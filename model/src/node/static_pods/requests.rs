//! What an API server sees of a static Pod: its mirror.

use super::{Action, Mirror, State};
use crate::request::Request;
use serde_json::json;

const MIRROR: &str = "static";

pub(super) fn at_start(state: &State) -> Vec<Request> {
    let mirror = state.store.now().mirror.map(create);
    Request::nodes(1).chain(mirror).collect()
}

pub(super) fn request(action: Action, after: &State) -> Option<Request> {
    match action {
        Action::DeleteMirror => Some(Request::delete("pods", MIRROR, json!({}))),
        Action::CreateMirror => after.store.now().mirror.map(create),
        Action::RemoveMirror => Some(Request::remove_pod(MIRROR)),
        Action::ChangeManifest
        | Action::RemoveManifest
        | Action::AddManifest
        | Action::ReadFile
        | Action::SyncApiServer
        | Action::Deliver
        | Action::Start { .. }
        | Action::Stop { .. }
        | Action::Finish { .. }
        | Action::CleanUp { .. }
        | Action::Crash => None,
    }
}

fn create(mirror: Mirror) -> Request {
    let annotations = json!({"kubernetes.io/config.mirror": mirror.version.to_string()});
    let metadata = json!({"annotations": annotations});
    let body = json!({"metadata": metadata, "spec": {"nodeName": "node-0"}});
    Request::create("pods", MIRROR, body)
}
