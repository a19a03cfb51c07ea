//! ResourceClaims, and templates from which they are made.

use api::object::{object_at_mut, text};
use api::status::Cause;
use serde_json::Value;

use super::super::fields::{get, items, made, or_null};
use super::super::kind_strategy::KindStrategy;
use super::super::meta;
use super::super::rules::immutable;
use super::request::Names;
use super::{REQUESTS_MAX, allocation, attribute, configuration, each, each_once, request};

const CONSTRAINTS_MAX: usize = 32;
const CONFIGURATIONS_MAX: usize = 32;

/// The strategy of ResourceClaims.
pub(in crate::strategy) struct Claim;

impl KindStrategy for Claim {
    fn is_counted(&self) -> bool {
        false
    }

    fn apply_defaults(&self, claim: &mut Value) {
        request::apply_defaults(made(object_at_mut(claim, "spec"), "devices"));
    }

    fn causes(&self, claim: &Value) -> Vec<Cause> {
        device_causes("spec.devices", or_null(claim, &["spec", "devices"]))
    }

    fn update_causes(&self, new: &Value, old: &Value) -> Vec<Cause> {
        lasting_cause(new, old).into_iter().collect()
    }

    fn status_update_causes(&self, new: &Value, old: &Value) -> Vec<Cause> {
        allocation::status_causes(new, old)
    }
}

/// The strategy of ResourceClaimTemplates.
pub(in crate::strategy) struct ClaimTemplate;

impl KindStrategy for ClaimTemplate {
    fn is_counted(&self) -> bool {
        false
    }

    fn apply_defaults(&self, template: &mut Value) {
        let spec = made(object_at_mut(template, "spec"), "spec");
        request::apply_defaults(made(spec, "devices"));
    }

    fn causes(&self, template: &Value) -> Vec<Cause> {
        let metadata = or_null(template, &["spec", "metadata"]);
        let mut causes = meta::template_causes("spec.metadata", metadata);
        let devices = or_null(template, &["spec", "spec", "devices"]);
        causes.extend(device_causes("spec.spec.devices", devices));
        causes
    }

    fn update_causes(&self, new: &Value, old: &Value) -> Vec<Cause> {
        lasting_cause(new, old).into_iter().collect()
    }
}

fn lasting_cause(new: &Value, old: &Value) -> Option<Cause> {
    immutable("spec", or_null(new, &["spec"]), or_null(old, &["spec"]))
}

/// What the devices break that are asked for.
fn device_causes(path: &str, devices: &Value) -> Vec<Cause> {
    let requests = items(devices, &["requests"]);
    let names = Names::of(requests);
    let field = format!("{path}.requests");
    let mut causes = each_once(&field, requests, REQUESTS_MAX, &["name"], request::causes);
    let constraints = items(devices, &["constraints"]);
    let field = format!("{path}.constraints");
    causes.extend(each(&field, constraints, CONSTRAINTS_MAX, |path, constraint| {
        let mut causes = names.references_causes(path, constraint);
        causes.extend(constraint_causes(path, constraint));
        causes
    }));
    let configurations = items(devices, &["config"]);
    let field = format!("{path}.config");
    causes.extend(each(&field, configurations, CONFIGURATIONS_MAX, |path, configuration| {
        let mut causes = names.references_causes(path, configuration);
        causes.extend(configuration::opaque_causes(path, configuration));
        causes
    }));
    causes
}

fn constraint_causes(path: &str, constraint: &Value) -> Vec<Cause> {
    let mut fields = ["matchAttribute", "distinctAttribute"].into_iter();
    let Some(field) = fields.find(|field| get(constraint, &[field]).is_some()) else {
        let why = "exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple fields are set";
        return vec![Cause::required(path, why)];
    };
    attribute::full_name_causes(&format!("{path}.{field}"), text(constraint, &[field]))
}
