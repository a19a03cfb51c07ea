//! What a version asks for beside what the stored one does.

use api::ApiResource;
use api::status::Cause;
use serde_json::Value;

use super::event;

/// What a new object breaks that is made in this version. It is given as it is stored.
pub(crate) fn validate_served(served: &ApiResource, object: &Value) -> Vec<Cause> {
    match served.group {
        "events.k8s.io" => event::validate_strictly(object),
        _ => vec![],
    }
}

/// What an update in this version breaks.
pub(crate) fn validate_served_update(served: &ApiResource, new: &Value, old: &Value) -> Vec<Cause> {
    match served.group {
        "events.k8s.io" => event::validate_update_strictly(new, old),
        _ => vec![],
    }
}
