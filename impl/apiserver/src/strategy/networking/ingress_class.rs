//! IngressClasses.
//!
//! Source: `ValidateIngressClass` and `SetDefaults_IngressClass` (v1.36).

use api::names;
use api::object::text;
use api::status::Cause;
use serde_json::Value;

use super::super::fields::{below, default, get, or_null};
use super::super::rules;
use super::ingress_backend::group_causes;
use super::{host, segment_causes};

const CONTROLLER_LENGTH_MAX: usize = 250;
const SCOPES: [&str; 2] = ["Cluster", "Namespace"];

/// Fills in what its author left out.
pub(super) fn apply_defaults(class: &mut Value) {
    let spec = class.get_mut("spec").and_then(Value::as_object_mut);
    if let Some(parameters) = spec.and_then(|spec| below(spec, "parameters")) {
        default(parameters, "scope", "Cluster");
    }
}

/// What it breaks, new or changed.
pub(super) fn causes(class: &Value) -> Vec<Cause> {
    let field = "spec.controller";
    let controller = text(class, &["spec", "controller"]);
    let mut causes = vec![];
    if controller.len() > CONTROLLER_LENGTH_MAX {
        causes.push(rules::too_long(field, CONTROLLER_LENGTH_MAX));
    }
    causes.extend(host::prefixed_path_causes(field, controller));
    if let Some(parameters) = get(class, &["spec", "parameters"]) {
        causes.extend(parameters_causes("spec.parameters", parameters));
    }
    causes
}

/// A class is of one controller.
pub(super) fn update_cause(new: &Value, old: &Value) -> Option<Cause> {
    let path = ["spec", "controller"];
    rules::immutable("spec.controller", or_null(new, &path), or_null(old, &path))
}

fn parameters_causes(path: &str, parameters: &Value) -> Vec<Cause> {
    let mut causes = group_causes(path, parameters);
    causes.extend(segment_causes(path, parameters, "kind"));
    causes.extend(segment_causes(path, parameters, "name"));
    let scope = get(parameters, &["scope"]);
    causes.extend(rules::one_of(format!("{path}.scope"), scope, &SCOPES, true));
    causes.extend(namespace_causes(&format!("{path}.namespace"), parameters));
    causes
}

fn namespace_causes(field: &str, parameters: &Value) -> Vec<Cause> {
    let namespace = get(parameters, &["namespace"]).and_then(Value::as_str);
    match (text(parameters, &["scope"]), namespace) {
        ("Namespace", None) => {
            vec![Cause::required(field, "`parameters.scope` is set to 'Namespace'")]
        }
        ("Namespace", Some(namespace)) => rules::named(field, namespace, names::dns_label),
        ("Cluster", Some(_)) => {
            vec![Cause::forbidden(field, "`parameters.scope` is set to 'Cluster'")]
        }
        (_, _) => vec![],
    }
}
