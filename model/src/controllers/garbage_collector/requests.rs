//! What an API server sees of the garbage collector and of its clients.
//!
//! The owner and its dependents are ConfigMaps. Dependents name the owner's uid under kinds that no
//! cluster has, so that the collector of a real one leaves them to this one.

use super::objects::{Owner, Policy, Reference};
use super::{Action, State};
use crate::request::{Request, uid};
use serde_json::{Value, json};

const RESOURCE: &str = "configmaps";
const OWNER: &str = "owner";

pub(super) fn at_start(state: &State) -> Vec<Request> {
    let create = |_: Owner| Request::create(RESOURCE, OWNER, json!({}));
    state.store.now().owner.map(create).into_iter().collect()
}

pub(super) fn request(action: Action) -> Option<Request> {
    Some(match action {
        Action::CreateDependent { dependent, wrong } => {
            let reference = if wrong { Reference::Wrong } else { Reference::Right };
            let body = json!({"metadata": {"ownerReferences": [owner(reference)]}});
            Request::create(RESOURCE, name(dependent), body)
        }
        Action::CommitDeletion { dependent } => {
            let precondition = json!({"uid": uid(1, RESOURCE, name(dependent))});
            let options = json!({"preconditions": precondition});
            Request::delete(RESOURCE, name(dependent), options)
        }
        Action::Orphan { dependent } => {
            let body = json!({"metadata": {"ownerReferences": null}});
            Request::patch(RESOURCE, name(dependent), body)
        }
        Action::RemoveFinalizer => {
            Request::patch(RESOURCE, OWNER, json!({"metadata": {"finalizers": null}}))
        }
        Action::DeleteOwner { policy } => {
            let policy = match policy {
                Policy::Background => "Background",
                Policy::Foreground => "Foreground",
                Policy::Orphan => "Orphan",
            };
            Request::delete(RESOURCE, OWNER, json!({"propagationPolicy": policy}))
        }
        Action::RecreateOwner => Request::create(RESOURCE, OWNER, json!({})),
        Action::DeliverOwner
        | Action::DeliverDependent
        | Action::InsertOwner
        | Action::InsertDependent { .. }
        | Action::VerifyVirtual
        | Action::AttemptToDelete { .. }
        | Action::Crash => return None,
    })
}

fn owner(reference: Reference) -> Value {
    let kind = match reference {
        Reference::Right => "Owner",
        Reference::Wrong => "Stranger",
    };
    json!({"apiVersion": "kanon.invalid/v1", "kind": kind, "name": OWNER,
        "uid": uid(1, RESOURCE, OWNER)})
}

fn name(dependent: u8) -> String {
    format!("dependent-{dependent}")
}
