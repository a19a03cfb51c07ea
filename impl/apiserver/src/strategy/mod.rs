//! What each kind does with an object on its way into the store, in the order of a request: defaults,
//! `prepare_for_…`, then validation of what came out.
//!
//! Source: `pkg/registry/…/strategy.go` and `pkg/apis/…/{defaults,validation}.go` (v1.36). Leaves out
//! what needs to look at other objects, which admission does.

mod admission_registration;
mod api_service;
mod certificate_signing_request;
mod condition;
mod config_map;
mod container;
mod controller_revision;
mod cron_job;
mod custom_resource_definition;
mod daemon_set;
mod deployment;
mod device;
mod endpoint_slice;
mod endpoints;
mod env;
mod event;
mod field_ref;
mod fields;
mod flow_control;
pub(crate) mod gates;
mod go_struct;
mod handler;
mod horizontal_pod_autoscaler;
mod huge_pages;
mod int_or_percent;
mod ip;
mod job;
mod kind_strategy;
mod lease;
mod limit_range;
mod meta;
mod namespace;
mod networking;
mod node;
mod node_selector;
mod permitted;
mod persistent_volume;
mod persistent_volume_claim;
mod plain;
mod pod;
mod pod_disruption_budget;
mod pod_spec;
mod pod_template;
mod priority_class;
mod rbac;
mod replica_set;
mod replication_controller;
mod reset_fields;
mod resource_names;
mod resource_quota;
mod resources;
mod rules;
mod runtime_class;
mod scale;
mod secret;
mod selectable;
mod served;
mod service;
mod stateful_set;
mod storage;
mod stored_pod_template;
mod toleration;
mod volume;
mod warnings;
mod webhook_client;
mod workload;

use api::names;
use api::status::Cause;
use api::{ApiResource, Timestamp};
use serde_json::{Value, json};

pub(crate) use certificate_signing_request::{
    prepare_for_approval_update, set_requestor, validate_approval_update,
};
pub(crate) use namespace::{prepare_for_finalize_update, validate_finalize_update};
pub(crate) use permitted::{
    allow_create_on_update, allow_unconditional_update, graceful_delete_seconds,
    returns_deleted_object,
};
pub(crate) use pod::{ephemeral, resize};
pub(crate) use reset_fields::reset_fields;
pub(crate) use scale::{SCALE, apply_scale, scale_of};
pub(crate) use selectable::{selectable_field, selectable_fields};
pub(crate) use served::{validate_served, validate_served_update};
pub(crate) use service::{init_families, link_cluster_ips, needs_health_check, restore_allocated};
pub(crate) use warnings::{deprecation_warning, update_warnings, warnings};

/// Fills in what the author of an object left out. Doing it twice changes nothing more.
pub(crate) fn apply_defaults(resource: &ApiResource, object: &mut Value) {
    if let Some(strategy) = kind_strategy::of(resource) {
        return strategy.apply_defaults(object);
    }
    match resource.kind {
        "CronJob" => cron_job::apply_defaults(object),
        "DaemonSet" => daemon_set::apply_defaults(object),
        "Deployment" => deployment::apply_defaults(object),
        "HorizontalPodAutoscaler" => horizontal_pod_autoscaler::apply_defaults(object),
        "Job" => job::apply_defaults(object),
        "EndpointSlice" => endpoint_slice::apply_defaults(object),
        "Endpoints" => endpoints::apply_defaults(object),
        "LimitRange" => limit_range::apply_defaults(object),
        "Namespace" => namespace::apply_defaults(object),
        "Node" => node::apply_defaults(object),
        "PersistentVolume" => persistent_volume::apply_defaults(object),
        "PersistentVolumeClaim" => persistent_volume_claim::apply_defaults(object),
        "Pod" => pod::apply_defaults(object),
        "PodTemplate" => stored_pod_template::apply_defaults(object),
        "ReplicationController" => replication_controller::apply_defaults(object),
        "StatefulSet" => stateful_set::apply_defaults(object),
        "PriorityClass" => priority_class::apply_defaults(object),
        "ReplicaSet" => replica_set::apply_defaults(object),
        "ResourceQuota" => resource_quota::apply_defaults(object),
        "RoleBinding" | "ClusterRoleBinding" => rbac::apply_defaults(object),
        "RuntimeClass" => runtime_class::apply_defaults(object),
        "Secret" => secret::apply_defaults(object),
        "Service" => service::apply_defaults(object),
        _ if resource.group == networking::GROUP => networking::apply_defaults(resource, object),
        _ if resource.group == storage::GROUP => storage::apply_defaults(resource, object),
        _ => {}
    }
}

/// Gives a new object its first status and generation, and takes away what a client cannot set.
pub(crate) fn prepare_for_create(resource: &ApiResource, object: &mut Value) {
    meta::prepare_for_create(object);
    if let Some(strategy) = kind_strategy::of(resource) {
        return strategy.prepare_for_create(resource, object);
    }
    match resource.kind {
        "CronJob" => cron_job::prepare_for_create(object),
        "DaemonSet" => daemon_set::prepare_for_create(object),
        "HorizontalPodAutoscaler" => horizontal_pod_autoscaler::prepare_for_create(object),
        "Job" => job::prepare_for_create(object),
        "CertificateSigningRequest" => certificate_signing_request::prepare_for_create(object),
        "Deployment" => deployment::prepare_for_create(object),
        "EndpointSlice" => endpoint_slice::prepare_for_create(object),
        "Lease" => lease::prepare(object),
        "Namespace" => namespace::prepare_for_create(object),
        "Node" => node::prepare_for_create(object),
        "PersistentVolume" => persistent_volume::prepare_for_create(object),
        "PersistentVolumeClaim" => persistent_volume_claim::prepare_for_create(object),
        "Pod" => pod::prepare_for_create(object),
        "PodDisruptionBudget" => pod_disruption_budget::prepare_for_create(object),
        "PodTemplate" => stored_pod_template::prepare_for_create(object),
        "PriorityClass" => priority_class::prepare_for_create(object),
        "ReplicaSet" => replica_set::prepare_for_create(object),
        "ReplicationController" => replication_controller::prepare_for_create(object),
        "Service" => service::prepare_for_create(object),
        "StatefulSet" => stateful_set::prepare_for_create(object),
        "ConfigMap" | "Event" | "Secret" | "ServiceAccount" => {}
        _ if resource.group == networking::GROUP => {
            networking::prepare_for_create(resource, object)
        }
        _ if resource.group == storage::GROUP => storage::prepare_for_create(resource, object),
        _ => plain::prepare_for_create(resource, object),
    }
}

/// Keeps what an update cannot change, and counts a change of the spec.
pub(crate) fn prepare_for_update(resource: &ApiResource, new: &mut Value, old: &Value) {
    meta::prepare_for_update(new, old);
    if let Some(strategy) = kind_strategy::of(resource) {
        return strategy.prepare_for_update(resource, new, old);
    }
    match resource.kind {
        "CronJob" => cron_job::prepare_for_update(new, old),
        "DaemonSet" => daemon_set::prepare_for_update(new, old),
        "HorizontalPodAutoscaler" => horizontal_pod_autoscaler::prepare_for_update(new, old),
        "Job" => job::prepare_for_update(new, old),
        "CertificateSigningRequest" => certificate_signing_request::prepare_for_update(new, old),
        "Deployment" => deployment::prepare_for_update(new, old),
        "EndpointSlice" => endpoint_slice::prepare_for_update(new, old),
        "Lease" => lease::prepare(new),
        "Namespace" => namespace::prepare_for_update(new, old),
        "Node" => node::prepare_for_update(new, old),
        "PersistentVolumeClaim" => persistent_volume_claim::prepare_for_update(new, old),
        "Pod" => pod::prepare_for_update(new, old),
        "PodDisruptionBudget" => pod_disruption_budget::prepare_for_update(new, old),
        "PodTemplate" => stored_pod_template::prepare_for_update(new, old),
        "ReplicaSet" => replica_set::prepare_for_update(new, old),
        "ReplicationController" => replication_controller::prepare_for_update(new, old),
        "Service" => service::prepare_for_update(new, old),
        "StatefulSet" => stateful_set::prepare_for_update(new, old),
        "ConfigMap" | "Event" | "Secret" | "ServiceAccount" => {}
        _ if resource.group == networking::GROUP => {
            networking::prepare_for_update(resource, new, old)
        }
        _ if resource.group == storage::GROUP => storage::prepare_for_update(resource, new, old),
        _ => plain::prepare_for_update(resource, new, old),
    }
}

/// Keeps what an update of the status cannot change.
pub(crate) fn prepare_for_status_update(resource: &ApiResource, new: &mut Value, old: &Value) {
    meta::prepare_for_update(new, old);
    match resource.kind {
        "APIService" => api_service::prepare_for_status_update(new, old),
        "DaemonSet" => daemon_set::prepare_for_status_update(new, old),
        "CertificateSigningRequest" => {
            certificate_signing_request::prepare_for_status_update(new, old)
        }
        "Deployment" => deployment::prepare_for_status_update(new, old),
        "Namespace" => namespace::prepare_for_status_update(new, old),
        "Node" => node::prepare_for_status_update(new, old),
        "PersistentVolume" => persistent_volume::prepare_for_status_update(new, old),
        "Pod" => pod::prepare_for_status_update(new, old),
        "ResourceClaim" => {
            fields::keep_all_but_status(new, old);
            device::drop_deallocated(new, old);
        }
        "FlowSchema"
        | "PriorityLevelConfiguration"
        | "ServiceCIDR"
        | "ValidatingAdmissionPolicy"
        | "VolumeAttachment" => fields::keep_all_but_status(new, old),
        _ => fields::keep(new, old, "spec"),
    }
}

/// Fills in the times that an object leaves out.
pub(crate) fn apply_default_times(resource: &ApiResource, object: &mut Value, now: Timestamp) {
    if resource.kind == "ResourceSlice" {
        device::date_taints(object, &json!(api::time::text(now)));
    }
}

/// Says of a new object what is known of it at once.
pub(crate) fn set_first_conditions(resource: &ApiResource, object: &mut Value, now: &Value) {
    if resource.kind == "APIService" {
        api_service::set_available(object, now);
    }
}

/// Dates what an update of the status changed.
pub(crate) fn set_times(resource: &ApiResource, new: &mut Value, old: &Value, now: &Value) {
    match resource.kind {
        "CertificateSigningRequest" => certificate_signing_request::set_times(new, old, now),
        "PersistentVolume" => persistent_volume::set_times(new, old, now),
        _ => {}
    }
}

/// What a new object breaks.
pub(crate) fn validate(resource: &ApiResource, object: &Value) -> Vec<Cause> {
    if let Some(strategy) = kind_strategy::of(resource) {
        return strategy.validate(resource, object);
    }
    match resource.kind {
        "CertificateSigningRequest" => certificate_signing_request::validate(object),
        "ConfigMap" => config_map::validate(object),
        "ControllerRevision" => controller_revision::validate(object),
        "CronJob" => cron_job::validate(object),
        "DaemonSet" => daemon_set::validate(object),
        "Deployment" => deployment::validate(object),
        "EndpointSlice" => endpoint_slice::validate(object),
        "Endpoints" => endpoints::validate(object),
        "Event" => event::validate(object),
        "HorizontalPodAutoscaler" => horizontal_pod_autoscaler::validate(object),
        "Job" => job::validate(object),
        "Lease" => lease::validate(object),
        "LimitRange" => limit_range::validate(object),
        "Namespace" => namespace::validate(object),
        "Node" => node::validate(object),
        "PersistentVolume" => persistent_volume::validate(object),
        "PersistentVolumeClaim" => persistent_volume_claim::validate(object),
        "Pod" => pod::validate(object),
        "PodDisruptionBudget" => pod_disruption_budget::validate(object),
        "PodTemplate" => stored_pod_template::validate(object),
        "ReplicationController" => replication_controller::validate(object),
        "StatefulSet" => stateful_set::validate(object),
        "PriorityClass" => priority_class::validate(object),
        "ReplicaSet" => replica_set::validate(object),
        "ResourceQuota" => resource_quota::validate(object),
        "RuntimeClass" => runtime_class::validate(object),
        "Secret" => secret::validate(object),
        "Service" => service::validate(object),
        _ if resource.group == networking::GROUP => networking::validate(resource, object),
        _ if resource.group == rbac::GROUP => rbac::validate(resource, object),
        _ if resource.group == storage::GROUP => storage::validate(resource, object),
        _ => meta::validate(object, resource.namespaced, names::dns_subdomain),
    }
}

/// What an update breaks.
pub(crate) fn validate_update(resource: &ApiResource, new: &Value, old: &Value) -> Vec<Cause> {
    if let Some(strategy) = kind_strategy::of(resource) {
        return strategy.validate_update(new, old);
    }
    match resource.kind {
        "CertificateSigningRequest" => certificate_signing_request::validate_update(new, old),
        "ConfigMap" => config_map::validate_update(new, old),
        "ControllerRevision" => controller_revision::validate_update(new, old),
        "CronJob" => cron_job::validate_update(new, old),
        "DaemonSet" => daemon_set::validate_update(new, old),
        "Deployment" => deployment::validate_update(new, old),
        "EndpointSlice" => endpoint_slice::validate_update(new, old),
        "Endpoints" => endpoints::validate_update(new, old),
        "Event" => event::validate_update(new, old),
        "HorizontalPodAutoscaler" => horizontal_pod_autoscaler::validate_update(new, old),
        "Job" => job::validate_update(new, old),
        "Lease" => lease::validate_update(new, old),
        "LimitRange" => limit_range::validate_update(new, old),
        "Namespace" => namespace::validate_update(new, old),
        "Node" => node::validate_update(new, old),
        "PersistentVolume" => persistent_volume::validate_update(new, old),
        "PersistentVolumeClaim" => persistent_volume_claim::validate_update(new, old),
        "Pod" => pod::validate_update(new, old),
        "PodDisruptionBudget" => pod_disruption_budget::validate_update(new, old),
        "PodTemplate" => stored_pod_template::validate_update(new, old),
        "ReplicationController" => replication_controller::validate_update(new, old),
        "StatefulSet" => stateful_set::validate_update(new, old),
        "PriorityClass" => priority_class::validate_update(new, old),
        "ReplicaSet" => replica_set::validate_update(new, old),
        "ResourceQuota" => resource_quota::validate_update(new, old),
        "RuntimeClass" => runtime_class::validate_update(new, old),
        "Secret" => secret::validate_update(new, old),
        "Service" => service::validate_update(new, old),
        _ if resource.group == networking::GROUP => networking::validate_update(resource, new, old),
        _ if resource.group == rbac::GROUP => rbac::validate_update(resource, new, old),
        _ if resource.group == storage::GROUP => storage::validate_update(resource, new, old),
        _ => meta::validate_update(new, old),
    }
}

/// What an update of the status breaks.
pub(crate) fn validate_status_update(
    resource: &ApiResource,
    new: &Value,
    old: &Value,
) -> Vec<Cause> {
    if let Some(strategy) = kind_strategy::of(resource) {
        return strategy.validate_status_update(new, old);
    }
    match resource.kind {
        "DaemonSet" => daemon_set::validate_status_update(new, old),
        "CertificateSigningRequest" => {
            certificate_signing_request::validate_status_update(new, old)
        }
        "Deployment" => deployment::validate_status_update(new, old),
        "HorizontalPodAutoscaler" => horizontal_pod_autoscaler::validate_status_update(new, old),
        "Job" => job::validate_status_update(new, old),
        "Namespace" => namespace::validate_status_update(new, old),
        "Node" => node::validate_update(new, old),
        "PersistentVolumeClaim" => persistent_volume_claim::validate_status_update(new, old),
        "Pod" => pod::validate_status_update(new, old),
        "PodDisruptionBudget" => pod_disruption_budget::validate_status_update(new, old),
        "ReplicaSet" => replica_set::validate_status_update(new, old),
        "ReplicationController" => replication_controller::validate_status_update(new, old),
        "StatefulSet" => stateful_set::validate_status_update(new, old),
        "ResourceQuota" => resource_quota::validate_status_update(new, old),
        "Service" => service::validate_status_update(new, old),
        _ if resource.group == networking::GROUP => {
            networking::validate_status_update(resource, new, old)
        }
        _ if resource.group == storage::GROUP => storage::validate_update(resource, new, old),
        _ => meta::validate_update(new, old),
    }
}

/// Whether a deletion that says nothing of dependents leaves them behind.
pub(crate) fn orphans_dependents(resource: &ApiResource) -> bool {
    matches!(resource.kind, "CronJob" | "Job" | "ReplicationController")
}

#[cfg(test)]
mod minimal;
#[cfg(test)]
mod tests;
