//! Extended resources for which a class of devices stands: where a node gives none itself, DynamicResources looks for
//! devices.
//!
//! Source: `shouldDelegateResourceToDRA` in framework/plugins/noderesources/fit.go (v1.36), KEP-5004.

use api::AnyObject;
use client::Change;
use k8s_openapi::api::resource::v1::DeviceClass;

use crate::devices::{Devices, IMPLICIT_PREFIX};
use crate::node_info::{NodeInfo, PodInfo};

/// Whether a class of devices stands for a resource that a node does not give itself.
pub(super) fn is_delegated(name: &str, devices: &Devices, node: &NodeInfo) -> bool {
    let given = node.allocatable.scalar.get(name).copied().unwrap_or(0);
    given <= 0 && devices.class_of_resource(name).is_some()
}

/// Whether a pod requests something of that kind.
pub(super) fn delegates((pod, devices): (&PodInfo, &Devices), node: &NodeInfo) -> bool {
    let mut scalar = pod.requests.requested.scalar.iter();
    scalar.any(|(name, amount)| *amount != 0 && is_delegated(name, devices, node))
}

/// Whether a class that has appeared, or stands for another resource now, stands for something that a pod requests.
pub(super) fn class_may_help(pod: &PodInfo, change: &Change) -> bool {
    let Some(new) = as_class(change.new.as_ref()) else { return false };
    let old = as_class(change.old.as_ref());
    let explicit = new.spec.extended_resource_name.as_ref();
    if old.is_some_and(|old| old.spec.extended_resource_name.as_ref() == explicit) {
        return false;
    }
    let name = new.metadata.name.as_deref().unwrap_or_default();
    let implicit = old.is_none().then(|| format!("{IMPLICIT_PREFIX}{name}"));
    let mut names = implicit.iter().chain(explicit);
    names.any(|name| pod.requests.requested.scalar.contains_key(name))
}

fn as_class(object: Option<&AnyObject>) -> Option<&DeviceClass> {
    if let Some(AnyObject::DeviceClass(class)) = object { Some(class) } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::Cluster;
    use crate::event::Event;
    use crate::framework::{Filter, Verdict};
    use crate::plugins::resources_fit::NodeResourcesFit;
    use crate::testing::{class_for, cluster_with, cycle, node_info, pod_info};

    const GPU: &str = "example.com/gpu";

    #[test]
    fn a_node_that_gives_none_itself_need_not_have_what_a_class_stands_for() {
        let cluster = cluster_with(vec![class_for("gpu", GPU)]);
        let verdict = |amount: &str, resources: Value| {
            let pod = wants(GPU, amount);
            let cycle = cycle(&pod, &cluster).unwrap();
            NodeResourcesFit::default().filter(&cycle, &node(resources))
        };

        assert_eq!(verdict("2", json!({})), Verdict::Feasible);
        assert_eq!(verdict("2", json!({GPU: "0"})), Verdict::Feasible);
        assert_eq!(verdict("2", json!({GPU: "2"})), Verdict::Feasible);
        let lacks = Verdict::unresolvable("Insufficient example.com/gpu");
        assert_eq!(verdict("2", json!({GPU: "1"})), lacks);
    }

    #[test]
    fn a_class_that_comes_to_stand_for_what_is_wanted_may_help() {
        let (explicit, implicit) =
            (wants(GPU, "1"), wants("deviceclass.resource.kubernetes.io/gpu", "1"));
        let helps = |pod: &PodInfo, old: Option<AnyObject>, new: AnyObject| {
            let change = Change { old, new: Some(new) };
            let event = Event::Devices(&change);
            NodeResourcesFit::default().may_help(pod, event, &Cluster::default())
        };
        let other = || class_for("gpu", "example.com/other");

        assert!(helps(&explicit, None, class_for("gpu", GPU)));
        assert!(helps(&explicit, Some(other()), class_for("gpu", GPU)));
        assert!(!helps(&explicit, Some(class_for("gpu", GPU)), class_for("gpu", GPU)));
        assert!(!helps(&explicit, None, other()));
        assert!(helps(&implicit, None, other()));
        assert!(!helps(&implicit, Some(class_for("gpu", GPU)), other()));
    }

    #[test]
    fn a_changed_node_may_help_where_a_class_stands_for_what_is_wanted() {
        let (old, new) = (node(json!({})), node(json!({"example.com/other": "1"})));
        let event = Event::Node { old: old.node.as_deref(), new: new.node.as_deref() };
        let helps = |cluster: &Cluster| {
            NodeResourcesFit::default().may_help(&wants(GPU, "1"), event, cluster)
        };

        assert!(helps(&cluster_with(vec![class_for("gpu", GPU)])));
        assert!(!helps(&Cluster::default()));
    }

    fn wants(name: &str, amount: &str) -> PodInfo {
        let requests = json!({"requests": {name: amount}});
        pod_info(json!({"containers": [{"name": "c", "resources": requests}]}))
    }

    fn node(resources: Value) -> NodeInfo {
        let mut allocatable = json!({"cpu": "2", "memory": "2Gi", "pods": "10"});
        allocatable.as_object_mut().unwrap().extend(resources.as_object().unwrap().clone());
        node_info("a", json!({"status": {"allocatable": allocatable}}))
    }
}
