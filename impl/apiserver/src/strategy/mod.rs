//! What each kind does with an object on its way into the store, in the order of a request: defaults,
//! `prepare_for_…`, then validation of what came out.
//!
//! Source: `pkg/registry/…/strategy.go` and `pkg/apis/…/{defaults,validation}.go` (v1.36). Leaves out
//! what needs to look at other objects, which admission does.

mod condition;
mod config_map;
mod container;
mod controller_revision;
mod cron_job;
mod daemon_set;
mod deployment;
mod event;
mod fields;
mod handler;
mod horizontal_pod_autoscaler;
mod int_or_percent;
mod job;
mod lease;
mod meta;
mod namespace;
mod node;
mod plain;
mod pod;
mod pod_disruption_budget;
mod pod_spec;
mod pod_template;
mod replica_set;
mod replication_controller;
mod resources;
mod rules;
mod scale;
mod secret;
mod selectable;
mod service;
mod stateful_set;
mod stored_pod_template;
mod toleration;
mod volume;
mod workload;

use api::ApiResource;
use api::names;
use api::status::Cause;
use serde_json::Value;

pub(crate) use scale::{apply_scale, scale_of};
pub(crate) use selectable::{is_selectable, selectable_fields};

/// Fills in what the author of an object left out. Doing it twice changes nothing more.
pub(crate) fn apply_defaults(resource: &ApiResource, object: &mut Value) {
    match resource.kind {
        "CronJob" => cron_job::apply_defaults(object),
        "DaemonSet" => daemon_set::apply_defaults(object),
        "Deployment" => deployment::apply_defaults(object),
        "HorizontalPodAutoscaler" => horizontal_pod_autoscaler::apply_defaults(object),
        "Job" => job::apply_defaults(object),
        "Namespace" => namespace::apply_defaults(object),
        "Node" => node::apply_defaults(object),
        "Pod" => pod::apply_defaults(object),
        "PodTemplate" => stored_pod_template::apply_defaults(object),
        "ReplicaSet" => replica_set::apply_defaults(object),
        "ReplicationController" => replication_controller::apply_defaults(object),
        "Secret" => secret::apply_defaults(object),
        "Service" => service::apply_defaults(object),
        "StatefulSet" => stateful_set::apply_defaults(object),
        _ => {}
    }
}

/// Gives a new object its first status and generation, and takes away what a client cannot set.
/// `toleration_seconds` is how long a pod that says nothing else stays on a node that is gone.
pub(crate) fn prepare_for_create(
    resource: &ApiResource,
    object: &mut Value,
    toleration_seconds: i64,
) {
    meta::prepare_for_create(object);
    match resource.kind {
        "CronJob" => cron_job::prepare_for_create(object),
        "DaemonSet" => daemon_set::prepare_for_create(object),
        "Deployment" => deployment::prepare_for_create(object),
        "HorizontalPodAutoscaler" => horizontal_pod_autoscaler::prepare_for_create(object),
        "Job" => job::prepare_for_create(object),
        "Lease" => lease::prepare(object),
        "Namespace" => namespace::prepare_for_create(object),
        "Node" => node::prepare_for_create(object),
        "Pod" => pod::prepare_for_create(object, toleration_seconds),
        "PodDisruptionBudget" => pod_disruption_budget::prepare_for_create(object),
        "PodTemplate" => stored_pod_template::prepare_for_create(object),
        "ReplicaSet" => replica_set::prepare_for_create(object),
        "ReplicationController" => replication_controller::prepare_for_create(object),
        "Service" => service::prepare_for_create(object),
        "StatefulSet" => stateful_set::prepare_for_create(object),
        "ConfigMap" | "Event" | "Secret" | "ServiceAccount" => {}
        _ => plain::prepare_for_create(resource, object),
    }
}

/// Keeps what an update cannot change, and counts a change of the spec.
pub(crate) fn prepare_for_update(resource: &ApiResource, new: &mut Value, old: &Value) {
    meta::prepare_for_update(new, old);
    match resource.kind {
        "CronJob" => cron_job::prepare_for_update(new, old),
        "DaemonSet" => daemon_set::prepare_for_update(new, old),
        "Deployment" => deployment::prepare_for_update(new, old),
        "HorizontalPodAutoscaler" => horizontal_pod_autoscaler::prepare_for_update(new, old),
        "Job" => job::prepare_for_update(new, old),
        "Lease" => lease::prepare(new),
        "Namespace" => namespace::prepare_for_update(new, old),
        "Node" => node::prepare_for_update(new, old),
        "Pod" => pod::prepare_for_update(new, old),
        "PodDisruptionBudget" => pod_disruption_budget::prepare_for_update(new, old),
        "PodTemplate" => stored_pod_template::prepare_for_update(new, old),
        "ReplicaSet" => replica_set::prepare_for_update(new, old),
        "ReplicationController" => replication_controller::prepare_for_update(new, old),
        "Service" => service::prepare_for_update(new, old),
        "StatefulSet" => stateful_set::prepare_for_update(new, old),
        "ConfigMap" | "Event" | "Secret" | "ServiceAccount" => {}
        _ => plain::prepare_for_update(resource, new, old),
    }
}

/// Keeps what an update of the status cannot change.
pub(crate) fn prepare_for_status_update(resource: &ApiResource, new: &mut Value, old: &Value) {
    meta::prepare_for_update(new, old);
    match resource.kind {
        "DaemonSet" => daemon_set::prepare_for_status_update(new, old),
        "Deployment" => deployment::prepare_for_status_update(new, old),
        "Namespace" => namespace::prepare_for_status_update(new, old),
        "Node" => node::prepare_for_status_update(new, old),
        "Pod" => pod::prepare_for_status_update(new, old),
        _ => fields::keep(new, old, "spec"),
    }
}

/// What a new object breaks.
pub(crate) fn validate(resource: &ApiResource, object: &Value) -> Vec<Cause> {
    match resource.kind {
        "ConfigMap" => config_map::validate(object),
        "ControllerRevision" => controller_revision::validate(object),
        "CronJob" => cron_job::validate(object),
        "DaemonSet" => daemon_set::validate(object),
        "Deployment" => deployment::validate(object),
        "Event" => event::validate(object),
        "HorizontalPodAutoscaler" => horizontal_pod_autoscaler::validate(object),
        "Job" => job::validate(object),
        "Lease" => lease::validate(object),
        "Namespace" => namespace::validate(object),
        "Node" => node::validate(object),
        "Pod" => pod::validate(object),
        "PodDisruptionBudget" => pod_disruption_budget::validate(object),
        "PodTemplate" => stored_pod_template::validate(object),
        "ReplicaSet" => replica_set::validate(object),
        "ReplicationController" => replication_controller::validate(object),
        "Secret" => secret::validate(object),
        "Service" => service::validate(object),
        "StatefulSet" => stateful_set::validate(object),
        _ => meta::validate(object, resource.namespaced, names::dns_subdomain),
    }
}

/// What an update breaks.
pub(crate) fn validate_update(resource: &ApiResource, new: &Value, old: &Value) -> Vec<Cause> {
    match resource.kind {
        "ConfigMap" => config_map::validate_update(new, old),
        "ControllerRevision" => controller_revision::validate_update(new, old),
        "CronJob" => cron_job::validate_update(new, old),
        "DaemonSet" => daemon_set::validate_update(new, old),
        "Deployment" => deployment::validate_update(new, old),
        "Event" => event::validate_update(new, old),
        "HorizontalPodAutoscaler" => horizontal_pod_autoscaler::validate_update(new, old),
        "Job" => job::validate_update(new, old),
        "Lease" => lease::validate_update(new, old),
        "Namespace" => namespace::validate_update(new, old),
        "Node" => node::validate_update(new, old),
        "Pod" => pod::validate_update(new, old),
        "PodDisruptionBudget" => pod_disruption_budget::validate_update(new, old),
        "PodTemplate" => stored_pod_template::validate_update(new, old),
        "ReplicaSet" => replica_set::validate_update(new, old),
        "ReplicationController" => replication_controller::validate_update(new, old),
        "Secret" => secret::validate_update(new, old),
        "Service" => service::validate_update(new, old),
        "StatefulSet" => stateful_set::validate_update(new, old),
        _ => meta::validate_update(new, old),
    }
}

/// What an update of the status breaks.
pub(crate) fn validate_status_update(
    resource: &ApiResource,
    new: &Value,
    old: &Value,
) -> Vec<Cause> {
    match resource.kind {
        "DaemonSet" => daemon_set::validate_status_update(new, old),
        "Deployment" => deployment::validate_status_update(new, old),
        "HorizontalPodAutoscaler" => horizontal_pod_autoscaler::validate_status_update(new, old),
        "Job" => job::validate_status_update(new, old),
        "Namespace" => namespace::validate_status_update(new, old),
        "Node" => node::validate_update(new, old),
        "Pod" => pod::validate_status_update(new, old),
        "PodDisruptionBudget" => pod_disruption_budget::validate_status_update(new, old),
        "ReplicaSet" => replica_set::validate_status_update(new, old),
        "ReplicationController" => replication_controller::validate_status_update(new, old),
        "StatefulSet" => stateful_set::validate_status_update(new, old),
        _ => meta::validate_update(new, old),
    }
}

/// The grace period of a deletion that names none; `None` for kinds that are deleted at once.
pub(crate) fn graceful_delete_seconds(resource: &ApiResource, object: &Value) -> Option<i64> {
    (resource.kind == "Pod").then(|| pod::graceful_delete_seconds(object))
}

/// Whether a deletion that says nothing of dependents leaves them behind.
pub(crate) fn orphans_dependents(resource: &ApiResource) -> bool {
    matches!(resource.kind, "CronJob" | "Job" | "ReplicationController")
}

/// Whether a PUT of an object that is not there creates it.
pub(crate) fn allow_create_on_update(resource: &ApiResource) -> bool {
    matches!(resource.kind, "Event" | "Lease" | "Service")
}

/// Whether an update may leave out the resource version that it was made from.
pub(crate) fn allow_unconditional_update(resource: &ApiResource) -> bool {
    !matches!(resource.kind, "Lease" | "PodDisruptionBudget")
}

#[cfg(test)]
mod tests {
    use api::resources;
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_of_every_kind_are_stable() {
        for resource in resources::ALL {
            let mut once = minimal(resource);
            apply_defaults(resource, &mut once);
            let mut twice = once.clone();
            apply_defaults(resource, &mut twice);
            assert_eq!(once, twice, "{}", resource.kind);
        }
    }

    #[test]
    fn a_minimal_object_of_every_kind_is_valid() {
        for resource in resources::ALL {
            let object = created(resource);
            assert_eq!(validate(resource, &object), [], "{}", resource.kind);
            assert_eq!(validate_update(resource, &object, &object), [], "{}", resource.kind);
            assert_eq!(validate_status_update(resource, &object, &object), [], "{}", resource.kind);
        }
    }

    #[test]
    fn an_update_that_changes_nothing_changes_nothing() {
        for resource in resources::ALL {
            let old = created(resource);
            let mut new = old.clone();
            prepare_for_update(resource, &mut new, &old);
            assert_eq!(new, old, "{}", resource.kind);
            prepare_for_status_update(resource, &mut new, &old);
            assert_eq!(new, old, "{}", resource.kind);
        }
    }

    #[test]
    fn only_pods_take_time_to_delete() {
        for resource in resources::ALL {
            let grace = graceful_delete_seconds(resource, &created(resource));
            assert_eq!(grace.is_some(), resource.kind == "Pod");
        }
    }

    fn created(resource: &ApiResource) -> Value {
        let mut object = minimal(resource);
        apply_defaults(resource, &mut object);
        prepare_for_create(resource, &mut object, 300);
        object
    }

    fn minimal(resource: &ApiResource) -> Value {
        let pod_spec = json!({"containers": [{"name": "c", "image": "a"}]});
        let template = json!({"metadata": {"labels": {"app": "web"}}, "spec": pod_spec});
        let mut ending = template.clone();
        ending["spec"]["restartPolicy"] = json!("Never");
        let mut object = match resource.kind {
            "ControllerRevision" => json!({"data": {}}),
            "CronJob" => {
                json!({"spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": ending}}}})
            }
            "DaemonSet" | "Deployment" | "ReplicaSet" | "StatefulSet" => {
                json!({"spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template}})
            }
            "HorizontalPodAutoscaler" => {
                let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "a"});
                json!({"spec": {"scaleTargetRef": target, "maxReplicas": 1}})
            }
            "Job" => json!({"spec": {"template": ending}}),
            "Pod" => json!({"spec": pod_spec}),
            "PodTemplate" => json!({"template": template}),
            "ReplicationController" => json!({"spec": {"template": template}}),
            "Service" => json!({"spec": {"ports": [{"port": 80}]}}),
            _ => json!({}),
        };
        object["metadata"] = json!({"name": "a", "uid": "1"});
        if resource.namespaced {
            object["metadata"]["namespace"] = json!("default");
        }
        object
    }
}
