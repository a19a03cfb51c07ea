//! References to objects of any kind, by group and version.
//!
//! Source: `ValidateCrossVersionObjectReference` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::{Value, json};

use crate::strategy::rules::named;

/// What the `apiVersion` of a reference must be.
#[derive(Clone, Copy)]
pub(super) enum ApiVersion {
    /// Not looked at.
    Any,
    /// One that can be read.
    Valid,
    /// One that names a group.
    WithGroup,
}

impl ApiVersion {
    /// What is wrong with that of a reference.
    pub(super) fn error(self, reference: &Value) -> Option<String> {
        let api_version = text(reference, &["apiVersion"]);
        let slashes = api_version.matches('/').count();
        match self {
            Self::Valid | Self::WithGroup if slashes > 1 => {
                Some(format!("unexpected GroupVersion string: {api_version}"))
            }
            Self::WithGroup if slashes == 0 || api_version.starts_with('/') => {
                Some("apiVersion must specify API group".to_owned())
            }
            Self::Any | Self::Valid | Self::WithGroup => None,
        }
    }
}

/// What a reference breaks.
pub(super) fn validate(path: &str, reference: &Value, api_version: ApiVersion) -> Vec<Cause> {
    let mut causes = vec![];
    for name in ["kind", "name"] {
        let field = format!("{path}.{name}");
        match text(reference, &[name]) {
            "" => causes.push(Cause::required(field, "")),
            text => causes.extend(named(&field, text, names::path_segment)),
        }
    }
    let error = api_version.error(reference);
    causes.extend(error.map(|error| {
        let api_version = json!(text(reference, &["apiVersion"]));
        Cause::invalid(format!("{path}.apiVersion"), &api_version, &error)
    }));
    causes
}
