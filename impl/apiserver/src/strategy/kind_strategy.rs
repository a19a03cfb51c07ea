//! The strategies of the kinds by which a cluster is extended, one type each, and what they have in common.
//!
//! A method that a kind does not have does what upstream does where a strategy says nothing.

use api::status::Cause;
use api::{ApiResource, names};
use serde_json::{Value, json};

use super::rules::NameRule;
use super::{
    admission_registration, api_service, custom_resource_definition, device, fields, flow_control,
    meta,
};

/// What a kind does with its objects beside what all do.
pub(super) trait KindStrategy {
    /// What names are.
    fn name_rule(&self) -> NameRule {
        names::dns_subdomain
    }

    /// Whether changes of the spec are counted.
    fn is_counted(&self) -> bool {
        true
    }

    /// Fills in what the author of an object left out.
    fn apply_defaults(&self, _object: &mut Value) {}

    /// Gives a new object its first status; it has an empty one already, if it has one at all.
    fn begin_status(&self, _object: &mut Value) {}

    /// What else follows from an update, once the status is as it was.
    fn finish_update(&self, _new: &mut Value) {}

    /// What a new object breaks beside its metadata.
    fn causes(&self, object: &Value) -> Vec<Cause>;

    /// What an update breaks beside its metadata.
    fn update_causes(&self, new: &Value, _old: &Value) -> Vec<Cause> {
        self.causes(new)
    }

    /// What a status breaks.
    fn status_causes(&self, _new: &Value) -> Vec<Cause> {
        vec![]
    }

    /// What an update of the status breaks beside its metadata.
    fn status_update_causes(&self, new: &Value, _old: &Value) -> Vec<Cause> {
        self.status_causes(new)
    }
}

/// The strategy of a resource, if it is one of these.
pub(super) fn of(resource: &ApiResource) -> Option<&'static dyn KindStrategy> {
    match resource.kind {
        "APIService" => Some(&api_service::ApiService),
        "CustomResourceDefinition" => Some(&custom_resource_definition::CustomResourceDefinition),
        "DeviceClass" => Some(&device::Class),
        "FlowSchema" => Some(&flow_control::FlowSchema),
        "MutatingAdmissionPolicy" => Some(&admission_registration::MutatingPolicy),
        "MutatingAdmissionPolicyBinding" => Some(&admission_registration::MutatingBinding),
        "MutatingWebhookConfiguration" => Some(&admission_registration::MUTATING_WEBHOOKS),
        "PriorityLevelConfiguration" => Some(&flow_control::PriorityLevelConfiguration),
        "ResourceClaim" => Some(&device::Claim),
        "ResourceClaimTemplate" => Some(&device::ClaimTemplate),
        "ResourceSlice" => Some(&device::Slice),
        "ValidatingAdmissionPolicy" => Some(&admission_registration::ValidatingPolicy),
        "ValidatingAdmissionPolicyBinding" => Some(&admission_registration::ValidatingBinding),
        "ValidatingWebhookConfiguration" => Some(&admission_registration::VALIDATING_WEBHOOKS),
        _ => None,
    }
}

fn has_status(resource: &ApiResource) -> bool {
    resource.subresources.contains(&"status")
}

impl dyn KindStrategy {
    /// A new object has no status yet.
    pub(super) fn prepare_for_create(&self, resource: &ApiResource, object: &mut Value) {
        if has_status(resource) {
            object["status"] = json!({});
        }
        self.begin_status(object);
        if self.is_counted() {
            meta::set_generation(object, 1);
        }
    }

    /// The status stays as it is.
    pub(super) fn prepare_for_update(&self, resource: &ApiResource, new: &mut Value, old: &Value) {
        if has_status(resource) {
            fields::keep(new, old, "status");
        }
        let content = |object| fields::without(object, &["metadata", "status"]);
        if self.is_counted() && !fields::same(&content(new), &content(old)) {
            meta::next_generation(new, old);
        }
        self.finish_update(new);
    }

    /// What a new object breaks.
    pub(super) fn validate(&self, resource: &ApiResource, object: &Value) -> Vec<Cause> {
        let mut causes = meta::validate(object, resource.namespaced, self.name_rule());
        causes.extend(self.causes(object));
        causes
    }

    /// What an update breaks.
    pub(super) fn validate_update(&self, new: &Value, old: &Value) -> Vec<Cause> {
        let mut causes = meta::validate_update(new, old);
        causes.extend(self.update_causes(new, old));
        causes
    }

    /// What an update of the status breaks.
    pub(super) fn validate_status_update(&self, new: &Value, old: &Value) -> Vec<Cause> {
        let mut causes = meta::validate_update(new, old);
        causes.extend(self.status_update_causes(new, old));
        causes
    }
}
