//! What an API server sees of writers that read a key and then write it: the keys are ConfigMaps.

use super::state::{Action, Key, State, Writer};
use crate::request::{CURRENT, OUTDATED, Request};
use serde_json::json;

const RESOURCE: &str = "configmaps";

pub(super) fn request(before: &State, action: Action) -> Option<Request> {
    let Action::Write { writer, deletes } = action else { return None };
    let Writer::Holding { key, mod_revision } = before.writer(writer) else { return None };
    let revision = before.etcd.revision();
    let newest = before.etcd.mod_revision(key, revision).unwrap_or(0);
    let version = if newest == mod_revision { CURRENT } else { OUTDATED };
    let named = json!({"resourceVersion": version});
    let data = json!({"revision": (revision + 1).to_string()});
    let name = match key {
        Key::Pod => "pod",
        Key::Node => "node",
    };
    Some(match (deletes, mod_revision) {
        (true, _) => Request::delete(RESOURCE, name, json!({"preconditions": named})),
        (false, 0) => Request::create(RESOURCE, name, json!({"data": data})),
        (false, _) => Request::update(RESOURCE, name, json!({"metadata": named, "data": data})),
    })
}
