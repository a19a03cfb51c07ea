//! IPAddresses.
//!
//! Source: `ValidateIPAddress` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{get, or_null, same};
use super::super::rules;
use super::segment_causes;

const PARENT: &str = "spec.parentRef";

/// What it breaks, new or changed.
pub(super) fn causes(address: &Value) -> Vec<Cause> {
    let Some(parent) = get(address, &["spec", "parentRef"]) else {
        return vec![Cause::required(PARENT, "")];
    };
    let mut causes = optional_causes(parent, "group", names::dns_subdomain);
    causes.extend(segment_causes(PARENT, parent, "resource"));
    causes.extend(segment_causes(PARENT, parent, "name"));
    causes.extend(optional_causes(parent, "namespace", names::path_segment));
    causes
}

/// An address is of one object.
pub(super) fn update_cause(new: &Value, old: &Value) -> Option<Cause> {
    let path = ["spec", "parentRef"];
    let (new, old) = (or_null(new, &path), or_null(old, &path));
    let shown = || internal_parent(new);
    (!same(new, old)).then(|| rules::invalid_struct(PARENT, &shown(), rules::IMMUTABLE))
}

/// The Go struct, whose fields have no JSON names (v1.36, `pkg/apis/networking/types.go`).
fn internal_parent(parent: &Value) -> String {
    if parent.is_null() {
        return "null".to_owned();
    }
    let part = |field: &str| json!(text(parent, &[field]));
    let (group, resource) = (part("group"), part("resource"));
    let (namespace, name) = (part("namespace"), part("name"));
    format!(
        "{{\"Group\":{group},\"Resource\":{resource},\"Namespace\":{namespace},\"Name\":{name}}}"
    )
}

fn optional_causes(parent: &Value, field: &str, rule: rules::NameRule) -> Vec<Cause> {
    match text(parent, &[field]) {
        "" => vec![],
        part => rules::named(&format!("{PARENT}.{field}"), part, rule),
    }
}
