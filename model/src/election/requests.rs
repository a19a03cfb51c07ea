//! What an API server sees of the election: updates of a Lease.

use super::{Action, State};
use crate::request::{CURRENT, OUTDATED, Request};
use serde_json::json;

const RESOURCE: &str = "leases.coordination.k8s.io";
const LEASE: &str = "lease";

pub(super) fn at_start() -> Vec<Request> {
    vec![Request::create(RESOURCE, LEASE, json!({"spec": {"holderIdentity": ""}}))]
}

/// An update that is written though the Lease has changed is one that names no resourceVersion.
pub(super) fn request(before: &State, action: Action, after: &State) -> Option<Request> {
    let Action::Commit { candidate } = action else { return None };
    let spec = json!({"holderIdentity": format!("candidate-{candidate}")});
    let has_changed = before.lease.changed_since_read[usize::from(candidate)];
    let with = |version| json!({"metadata": {"resourceVersion": version}, "spec": spec});
    Some(match (has_changed, before.refuses(candidate, after)) {
        (false, _) => Request::update(RESOURCE, LEASE, with(CURRENT)),
        (true, true) => Request::update(RESOURCE, LEASE, with(OUTDATED)),
        (true, false) => Request::patch(RESOURCE, LEASE, json!({"spec": spec})),
    })
}
