//! ValidatingAdmissionPolicyBindings and MutatingAdmissionPolicyBindings.

use api::names;
use api::object::{object_at_mut, text};
use api::status::Cause;
use serde_json::{Value, json};

use super::super::fields::{below, get, items, or_null};
use super::super::kind_strategy::KindStrategy;
use super::super::rules::named;
use super::{match_resources, rule};

const ACTIONS: [&str; 3] = ["Audit", "Deny", "Warn"];

/// The strategy of ValidatingAdmissionPolicyBindings.
pub(in crate::strategy) struct ValidatingBinding;

impl KindStrategy for ValidatingBinding {
    fn apply_defaults(&self, binding: &mut Value) {
        default_binding(binding);
    }

    fn causes(&self, binding: &Value) -> Vec<Cause> {
        let spec = or_null(binding, &["spec"]);
        let mut causes = common_causes(spec);
        causes.extend(action_causes(items(spec, &["validationActions"])));
        causes
    }
}

/// The strategy of MutatingAdmissionPolicyBindings.
pub(in crate::strategy) struct MutatingBinding;

impl KindStrategy for MutatingBinding {
    fn apply_defaults(&self, binding: &mut Value) {
        default_binding(binding);
    }

    fn causes(&self, binding: &Value) -> Vec<Cause> {
        let spec = or_null(binding, &["spec"]);
        let mut causes = common_causes(spec);
        let rules = items(spec, &["matchResources", "resourceRules"]);
        causes.extend(rule::mutating_causes("spec.matchResources", rules));
        causes
    }
}

fn default_binding(binding: &mut Value) {
    if let Some(resources) = below(object_at_mut(binding, "spec"), "matchResources") {
        match_resources::apply_defaults(resources);
    }
}

fn common_causes(spec: &Value) -> Vec<Cause> {
    let mut causes = match text(spec, &["policyName"]) {
        "" => vec![Cause::required("spec.policyName", "")],
        name => named("spec.policyName", name, names::dns_subdomain),
    };
    if let Some(reference) = get(spec, &["paramRef"]) {
        causes.extend(match_resources::param_ref_causes("spec.paramRef", reference));
    }
    if let Some(resources) = get(spec, &["matchResources"]) {
        causes.extend(match_resources::causes("spec.matchResources", resources));
    }
    causes
}

fn action_causes(actions: &[Value]) -> Vec<Cause> {
    let path = "spec.validationActions";
    let mut causes = vec![];
    for (index, action) in actions.iter().enumerate() {
        let field = format!("{path}[{index}]");
        if !ACTIONS.iter().any(|known| action == known) {
            causes.push(Cause::not_supported(field.clone(), action, &ACTIONS));
        }
        if actions[..index].contains(action) {
            causes.push(Cause::duplicate(field, action));
        }
    }
    if ["Deny", "Warn"].iter().all(|action| actions.iter().any(|other| other == action)) {
        let rule = "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)";
        causes.push(Cause::invalid(path, &json!(actions), rule));
    }
    if actions.is_empty() {
        causes.push(Cause::required(path, "at least one validation action is required"));
    }
    causes
}
