//! What holds of the strategies of all kinds.

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
    prepare_for_create(resource, &mut object);
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
        kind => minimal::content(kind),
    };
    object["metadata"] = json!({"name": minimal::name(resource.kind), "uid": "1"});
    if resource.namespaced {
        object["metadata"]["namespace"] = json!("default");
    }
    object
}
