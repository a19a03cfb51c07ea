//! What an API server sees of a reflector and of those who write and list.
//!
//! A list is one request, seen where it is answered; a watch is none here, as nobody waits for its
//! events.

use super::{Action, Asked, Call, Change, State};
use crate::request::{A_LAGGING_SERVER, Request, version_of_write};
use serde_json::json;

const POD: &str = "pod";

pub(super) fn request(before: &State, action: Action) -> Option<Request> {
    match action {
        Action::Write { change } => Some(write(before, change)),
        Action::Answer { client } | Action::AnswerFromEtcd { client } => {
            Some(list(before.call(client)?))
        }
        Action::Refuse { client } => refused(before, before.call(client)?),
        Action::Cache { .. }
        | Action::NotifyProgress { .. }
        | Action::Crash { .. }
        | Action::Compact
        | Action::StartList { .. }
        | Action::StartRead { .. }
        | Action::AskEtcd { .. }
        | Action::Watch { .. }
        | Action::WatchFromAny { .. }
        | Action::DeliverEvent
        | Action::DeliverBookmark
        | Action::CloseWatch { .. } => None,
    }
}

fn write(before: &State, change: Change) -> Request {
    let revision = before.revision() + 1;
    let exists = before.pod_at(before.revision()).is_some();
    let annotations = json!({"metadata": {"annotations": {"revision": revision.to_string()}}});
    match change {
        Change::Written if exists => Request::patch("pods", POD, annotations),
        Change::Written => Request::create_pod(POD, None),
        Change::Deleted => Request::remove_pod(POD),
        Change::Other => Request::create("configmaps", format!("other-{revision}"), annotations),
    }
}

fn list(call: Call) -> Request {
    let options = match call.asked {
        Asked::MostRecent => json!({}),
        Asked::Any => json!({"resourceVersion": "0"}),
        Asked::NotOlderThan(revision) => {
            json!({"resourceVersion": version_of_write(revision),
                "resourceVersionMatch": "NotOlderThan"})
        }
        Asked::Exact(revision) => {
            json!({"resourceVersion": version_of_write(revision), "resourceVersionMatch": "Exact"})
        }
    };
    Request::list("pods", options)
}

/// An API server that works refuses only what does not exist any more, or does not exist yet.
fn refused(before: &State, call: Call) -> Option<Request> {
    match call.asked {
        Asked::Exact(revision) if revision < before.compacted => {
            Some(list(call).refused_with(410).taking("a compaction"))
        }
        Asked::Exact(revision) | Asked::NotOlderThan(revision) if revision > before.revision() => {
            None
        }
        Asked::Exact(_) | Asked::NotOlderThan(_) => {
            Some(list(call).refused_with(504).taking(A_LAGGING_SERVER))
        }
        Asked::MostRecent | Asked::Any => None,
    }
}
