//! POST of `pods/NAME/eviction`: a deletion that a disruption budget may refuse.
//!
//! Leaves out disruption budgets, whose kind is not served yet: every eviction is granted.

use api::Status;
use serde_json::{Value, json};

use crate::call::Decision;
use crate::write::{Write, body, delete};

/// Decides about an eviction.
pub(crate) fn evict(write: Write<'_>) -> Result<Decision, Status> {
    let eviction = body::options(write.call)?;
    let options = match eviction.get("deleteOptions") {
        Some(options) if options.is_object() => options.clone(),
        Some(_) | None => json!({}),
    };
    let mut decision = delete::delete_with(write, &options)?;
    if let Decision::Commit(commit) = &mut decision {
        commit.answer.code = 201;
        commit.answer.instead = Some(granted());
    }
    Ok(decision)
}

fn granted() -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})
}
