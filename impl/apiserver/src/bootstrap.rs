//! What a cluster holds before anyone asks, beside its namespaces: how requests wait for each other, who
//! answers for each group and version, which pods it cannot do without, and where claims get their volumes.
//!
//! Source: apiserver/pkg/apis/flowcontrol/bootstrap/default.go and pkg/apis/scheduling/v1/helpers.go, v1.36.

mod flow_control;

use api::{ApiResource, resources, storage};
use serde_json::{Value, json};

use crate::discovery;

pub(crate) use flow_control::{mandatory_flow_schemas, mandatory_priority_levels};

/// Where Services get their addresses from. Source: kubeadm, `--service-cluster-ip-range`.
pub const SERVICE_CIDR: &str = "10.96.0.0/12";

/// The classes of pods that a cluster cannot do without: name, value and description.
const PRIORITY_CLASSES: [(&str, i64, &str); 2] = [
    (
        "system-cluster-critical",
        2_000_000_000,
        "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    ),
    (
        "system-node-critical",
        2_000_001_000,
        "Used for system critical pods that must not be moved from their current node.",
    ),
];

/// The objects with their resources, in the order in which they are made.
pub fn objects() -> Vec<(&'static ApiResource, Value)> {
    let levels = mandatory_priority_levels().into_iter().chain(flow_control::priority_levels());
    let schemas = mandatory_flow_schemas().into_iter().chain(flow_control::flow_schemas());
    let levels = levels.map(|level| (&resources::PRIORITY_LEVEL_CONFIGURATIONS, level));
    let schemas = schemas.map(|schema| (&resources::FLOW_SCHEMAS, schema));
    let services =
        discovery::group_versions().map(|served| (&resources::API_SERVICES, api_service(served)));
    let classes =
        PRIORITY_CLASSES.iter().map(|class| (&resources::PRIORITY_CLASSES, priority_class(class)));
    let cidr = json!({"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR",
        "metadata": {"name": "kubernetes"}, "spec": {"cidrs": [SERVICE_CIDR]}});
    let cidr = (&resources::SERVICE_CIDRS, cidr);
    let storage_class = (&resources::STORAGE_CLASSES, storage_class());
    levels.chain(schemas).chain(services).chain(classes).chain([cidr, storage_class]).collect()
}

/// The StorageClass of claims that name none: folders of the node on which the pod runs.
fn storage_class() -> Value {
    let annotations = json!({"storageclass.kubernetes.io/is-default-class": "true"});
    json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {"name": "local-path", "annotations": annotations}, "provisioner": storage::LOCAL_PATH,
        "reclaimPolicy": "Delete", "volumeBindingMode": "WaitForFirstConsumer"})
}

fn priority_class((name, value, description): &(&str, i64, &str)) -> Value {
    json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name},
        "value": value, "description": description, "preemptionPolicy": "PreemptLowerPriority"})
}

/// An APIService of our own.
fn api_service(served: discovery::GroupVersion) -> Value {
    let discovery::GroupVersion { group, version, group_priority, version_priority } = served;
    let mut spec = json!({"version": version, "groupPriorityMinimum": group_priority,
        "versionPriority": version_priority});
    if !group.is_empty() {
        spec["group"] = json!(group);
    }
    let labels = json!({"kube-aggregator.kubernetes.io/automanaged": "onstart"});
    json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
        "metadata": {"name": format!("{version}.{group}"), "labels": labels}, "spec": spec})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use api::object::text;

    use super::*;
    use crate::strategy;

    #[test]
    fn what_a_cluster_begins_with_breaks_no_rule() {
        for (resource, mut object) in objects() {
            strategy::apply_defaults(resource, &mut object);
            strategy::prepare_for_create(resource, &mut object);

            let causes = strategy::validate(resource, &object);

            assert_eq!(causes, [], "{object}");
        }
    }

    #[test]
    fn what_a_cluster_begins_with_leaves_nothing_to_be_filled_in() {
        for (resource, object) in objects() {
            let mut filled_in = object.clone();
            strategy::apply_defaults(resource, &mut filled_in);

            assert_eq!(filled_in, object);
        }
    }

    #[test]
    fn every_flow_schema_has_its_priority_level() {
        let all = objects();
        let levels: BTreeSet<&str> = all
            .iter()
            .filter(|(resource, _)| *resource == &resources::PRIORITY_LEVEL_CONFIGURATIONS)
            .map(|(_, level)| text(level, &["metadata", "name"]))
            .collect();
        let schemas = all.iter().filter(|(resource, _)| *resource == &resources::FLOW_SCHEMAS);

        for (_, schema) in schemas {
            let level = text(schema, &["spec", "priorityLevelConfiguration", "name"]);
            assert!(levels.contains(level), "{level}");
        }
    }

    #[test]
    fn every_group_and_version_has_an_api_service() {
        let names: Vec<String> = objects()
            .iter()
            .filter(|(resource, _)| *resource == &resources::API_SERVICES)
            .map(|(_, service)| text(service, &["metadata", "name"]).to_owned())
            .collect();

        assert!(
            ["v1.", "v1.apps", "v1.autoscaling", "v2.autoscaling"]
                .into_iter()
                .all(|name| names.iter().any(|other| other == name))
        );
    }
}
