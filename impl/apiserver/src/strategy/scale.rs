//! `scale`: the number of replicas of a workload, without the workload.
//!
//! Source: `pkg/registry/apps/deployment/storage` and `autoscaling/v1` (v1.36).

use api::ApiResource;
use api::object::text;
use api::selector::Selector;
use api::status::{Cause, Status};
use serde_json::{Value, json};

use super::fields::{get, int};
use super::replication_controller;
use super::rules::NEGATIVE;

/// A `Scale`, which is never stored.
pub(crate) static SCALE: ApiResource = ApiResource {
    group: "autoscaling",
    version: "v1",
    kind: "Scale",
    plural: "scales",
    singular: "scale",
    short_names: &[],
    categories: &[],
    namespaced: true,
    subresources: &[],
    is_stored: false,
};
const METADATA: [&str; 5] = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"];

/// The `Scale` of an object, if its kind has one.
pub(crate) fn scale_of(resource: &ApiResource, object: &Value) -> Option<Value> {
    if !resource.subresources.contains(&"scale") {
        return None;
    }
    let selector = match resource.kind {
        "ReplicationController" => replication_controller::selector(object),
        _ => Selector::from_value(get(object, &["spec", "selector"])).ok()?,
    };
    let mut scale = json!({
        "kind": SCALE.kind, "apiVersion": SCALE.api_version(), "metadata": {}, "spec": {},
        "status": {"replicas": int(object, &["status", "replicas"]).unwrap_or_default()},
    });
    for field in METADATA {
        if let Some(value) = get(object, &["metadata", field]) {
            scale["metadata"][field] = value.clone();
        }
    }
    // Numbers that are 0 and texts that are empty are left out, as upstream does.
    let replicas = int(object, &["spec", "replicas"]).unwrap_or_default();
    if replicas != 0 {
        scale["spec"]["replicas"] = json!(replicas);
    }
    let selector = selector.to_string();
    if !selector.is_empty() {
        scale["status"]["selector"] = json!(selector);
    }
    Some(scale)
}

/// Gives an object the number of replicas, and the resource version to check, of its `Scale`.
pub(crate) fn apply_scale(
    resource: &ApiResource,
    object: &mut Value,
    scale: &Value,
) -> Result<(), Status> {
    let name = text(object, &["metadata", "name"]).to_owned();
    let replicas = int(scale, &["spec", "replicas"]).unwrap_or_default();
    if replicas < 0 {
        let cause = Cause::invalid("spec.replicas", &json!(replicas), NEGATIVE);
        return Err(Status::invalid(&SCALE, &name, vec![cause]));
    }
    check_uid(resource, object, scale)?;
    let spec = api::object::object_at_mut(object, "spec");
    spec.insert("replicas".to_owned(), json!(replicas));
    let version = text(scale, &["metadata", "resourceVersion"]);
    if !version.is_empty() {
        let metadata = api::object::metadata_mut(object);
        metadata.insert("resourceVersion".to_owned(), json!(version));
    }
    Ok(())
}

fn check_uid(resource: &ApiResource, object: &Value, scale: &Value) -> Result<(), Status> {
    let (asked, uid) = (text(scale, &["metadata", "uid"]), text(object, &["metadata", "uid"]));
    if asked.is_empty() || asked == uid {
        return Ok(());
    }
    let why =
        format!("Precondition failed: UID in precondition: {asked}, UID in object meta: {uid}");
    Err(Status::conflict(resource, text(object, &["metadata", "name"]), &why))
}

#[cfg(test)]
mod tests {
    use api::resources;

    use super::*;

    #[test]
    fn a_deployment_has_a_scale() {
        let deployment = json!({
            "metadata": {"name": "d", "namespace": "n", "uid": "1", "resourceVersion": "2", "labels": {"a": "b"}},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "web"}}},
            "status": {"replicas": 2},
        });

        assert_eq!(
            scale_of(&resources::DEPLOYMENTS, &deployment),
            Some(json!({
                "kind": "Scale", "apiVersion": "autoscaling/v1",
                "metadata": {"name": "d", "namespace": "n", "uid": "1", "resourceVersion": "2"},
                "spec": {"replicas": 3}, "status": {"replicas": 2, "selector": "app=web"},
            }))
        );
        assert_eq!(scale_of(&resources::PODS, &deployment), None);
    }

    #[test]
    fn the_selector_of_a_replication_controller_is_labels() {
        let controller = json!({"spec": {"selector": {"app": "web"}}});

        let scale = scale_of(&resources::REPLICATION_CONTROLLERS, &controller).unwrap();

        assert_eq!(scale["status"]["selector"], "app=web");
    }

    #[test]
    fn a_scale_sets_the_replicas() {
        let mut deployment =
            json!({"metadata": {"name": "d", "resourceVersion": "2"}, "spec": {"replicas": 3}});

        apply_scale(&resources::DEPLOYMENTS, &mut deployment, &json!({"spec": {"replicas": 5}}))
            .unwrap();

        assert_eq!(deployment["spec"]["replicas"], 5);
        assert_eq!(deployment["metadata"]["resourceVersion"], "2");
    }

    #[test]
    fn a_negative_scale_is_invalid() {
        let mut deployment = json!({"metadata": {"name": "d"}});
        let scale = json!({"spec": {"replicas": -1}});

        let status = apply_scale(&resources::DEPLOYMENTS, &mut deployment, &scale).unwrap_err();

        assert_eq!(
            status.message,
            "Scale.autoscaling \"d\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0"
        );
    }

    #[test]
    fn a_scale_of_another_object_is_a_conflict() {
        let mut deployment = json!({"metadata": {"name": "d", "uid": "1"}});
        let scale = json!({"metadata": {"uid": "2"}, "spec": {"replicas": 1}});

        let status = apply_scale(&resources::DEPLOYMENTS, &mut deployment, &scale).unwrap_err();

        assert_eq!(status.reason, api::Reason::Conflict);
    }
}
