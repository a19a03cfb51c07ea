//! The caches of one component, and what a watch event changes in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{AnyObject, ApiResource, Key, Kind, Other};
use k8s_openapi::api::apps::v1::{
    ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet,
};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{
    ConfigMap, Endpoints, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod,
    ReplicationController, ResourceQuota, Secret, Service, ServiceAccount,
};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::{IPAddress, ServiceCIDR};
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::api::rbac::v1::ClusterRole;
use k8s_openapi::api::resource::v1::{
    DeviceClass, ResourceClaim, ResourceClaimTemplate, ResourceSlice,
};
use k8s_openapi::api::storage::v1::{
    CSIDriver, CSINode, StorageClass, VolumeAttachment, VolumeAttributesClass,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::cache::Cache;
use crate::pod_index::PodIndex;

/// One object, before and after. Both are there for a modification, one for an addition or deletion.
#[derive(Clone, Debug)]
pub struct Change {
    /// What the cache held.
    pub old: Option<AnyObject>,
    /// What it holds now.
    pub new: Option<AnyObject>,
}

impl Change {
    /// The object as it is, or as it was when it was deleted.
    pub fn object(&self) -> &AnyObject {
        self.new.as_ref().or(self.old.as_ref()).expect("a change has an old or a new object")
    }

    /// The resource of the object.
    pub fn resource(&self) -> &'static ApiResource {
        self.object().resource()
    }

    /// The key of the object.
    pub fn key(&self) -> Key {
        self.object().key()
    }
}

macro_rules! view {
    ($($kind:ident $field:ident),*) => {
        /// Every cache a component may keep. One that it does not watch stays empty. Of kinds without a typed
        /// view it keeps the metadata.
        #[derive(Clone, Debug, Default)]
        pub struct View {
            $(#[doc = concat!("Every `", stringify!($kind), "` it has heard of.")] pub $field: Cache<$kind>,)*
            others: BTreeMap<&'static ApiResource, BTreeMap<Key, Arc<Other>>>,
            pod_index: PodIndex,
            /// The revision up to which the caches have read.
            pub revision: u64,
        }

        impl View {
            /// Puts an object, as ADDED and MODIFIED do.
            pub fn put(&mut self, object: AnyObject) -> Change {
                let old = match &object {
                    $(AnyObject::$kind(object) => self.$field.insert(Arc::clone(object)).map(AnyObject::$kind),)*
                    AnyObject::Other(other) => {
                        let of_kind = self.others.entry(other.resource).or_default();
                        of_kind.insert(object.key(), Arc::clone(other)).map(AnyObject::Other)
                    }
                };
                self.indexed(Change { old, new: Some(object) })
            }

            /// Removes an object, as DELETED does; `None` when the cache never had it.
            pub fn remove(&mut self, resource: &ApiResource, key: &Key) -> Option<Change> {
                $(if resource == <$kind as Kind>::RESOURCE {
                    let old = AnyObject::$kind(self.$field.remove(key)?);
                    return Some(self.indexed(Change { old: Some(old), new: None }));
                })*
                let old = AnyObject::Other(self.others.get_mut(resource)?.remove(key)?);
                Some(Change { old: Some(old), new: None })
            }

            /// The keys of one resource.
            pub fn keys(&self, resource: &ApiResource) -> Vec<Key> {
                $(if resource == <$kind as Kind>::RESOURCE {
                    return self.$field.keys().cloned().collect();
                })*
                self.others.get(resource).into_iter().flat_map(BTreeMap::keys).cloned().collect()
            }

            /// One object of any kind.
            pub fn get(&self, resource: &ApiResource, key: &Key) -> Option<AnyObject> {
                $(if resource == <$kind as Kind>::RESOURCE {
                    return self.$field.get(key).cloned().map(AnyObject::$kind);
                })*
                self.others.get(resource)?.get(key).cloned().map(AnyObject::Other)
            }

            /// The metadata of every object of every kind.
            pub fn all(&self) -> impl Iterator<Item = (&'static ApiResource, &ObjectMeta)> {
                let others = self.others.values().flat_map(BTreeMap::values);
                others
                    .map(|other| (other.resource, &other.metadata))
                    $(.chain(self.$field.iter().map(|object| (<$kind as Kind>::RESOURCE, &object.metadata))))*
            }
        }
    };
}

impl View {
    /// The pods that the object with this metadata manages as their controller.
    pub fn pods_of<'a>(&'a self, controller: &'a ObjectMeta) -> impl Iterator<Item = &'a Arc<Pod>> {
        let namespace = controller.namespace.as_deref().unwrap_or_default();
        let uid = controller.uid.as_deref().unwrap_or_default();
        self.pod_index.of_controller(namespace, uid)
    }

    /// The pods of a namespace that have no controller.
    pub fn orphan_pods<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Arc<Pod>> {
        self.pod_index.of_controller(namespace, "")
    }

    /// The pods that are bound to a node.
    pub fn pods_on(&self, node: &str) -> impl Iterator<Item = &Arc<Pod>> {
        self.pod_index.on_node(node)
    }

    fn indexed(&mut self, change: Change) -> Change {
        self.pod_index.observe(&change);
        change
    }
}

view!(
    ConfigMap config_maps,
    Endpoints endpoints,
    EndpointSlice endpoint_slices,
    Namespace namespaces,
    Node nodes,
    PersistentVolume persistent_volumes,
    PersistentVolumeClaim persistent_volume_claims,
    CSIDriver csi_drivers,
    CSINode csi_nodes,
    StorageClass storage_classes,
    VolumeAttachment volume_attachments,
    VolumeAttributesClass volume_attributes_classes,
    Pod pods,
    ReplicationController replication_controllers,
    ResourceQuota resource_quotas,
    PodDisruptionBudget pod_disruption_budgets,
    Service services,
    ServiceAccount service_accounts,
    Deployment deployments,
    ReplicaSet replica_sets,
    StatefulSet stateful_sets,
    ControllerRevision controller_revisions,
    DaemonSet daemon_sets,
    CronJob cron_jobs,
    HorizontalPodAutoscaler horizontal_pod_autoscalers,
    Job jobs,
    Lease leases,
    CertificateSigningRequest certificate_signing_requests,
    ClusterRole cluster_roles,
    IPAddress ip_addresses,
    ServiceCIDR service_cidrs,
    DeviceClass device_classes,
    ResourceClaim resource_claims,
    ResourceClaimTemplate resource_claim_templates,
    ResourceSlice resource_slices,
    Secret secrets
);

#[cfg(test)]
mod tests {
    use api::resources;
    use serde_json::json;

    use super::*;

    #[test]
    fn pods_are_found_by_their_controller_and_their_node() {
        let mut view = View::default();
        view.put(pod("a", Some("u"), "one"));
        view.put(pod("b", Some("u"), "two"));
        view.put(pod("c", None, ""));
        let owner = |uid: &str| ObjectMeta {
            namespace: Some("n".to_owned()),
            uid: Some(uid.to_owned()),
            ..ObjectMeta::default()
        };

        assert_eq!(names(view.pods_of(&owner("u"))), ["a", "b"]);
        assert_eq!(names(view.pods_on("two")), ["b"]);
        assert_eq!(names(view.orphan_pods("n")), ["c"]);
        assert_eq!(names(view.orphan_pods("m")), [""; 0]);

        view.put(pod("a", None, "one"));
        view.put(pod("c", Some("v"), "two"));
        view.remove(&resources::PODS, &Key::new("n", "b"));

        assert_eq!(names(view.pods_of(&owner("u"))), [""; 0]);
        assert_eq!(names(view.pods_of(&owner("v"))), ["c"]);
        assert_eq!(names(view.pods_on("two")), ["c"]);
        assert_eq!(names(view.orphan_pods("n")), ["a"]);
    }

    fn names<'a>(pods: impl Iterator<Item = &'a Arc<Pod>>) -> Vec<&'a str> {
        pods.map(|pod| pod.metadata.name.as_deref().unwrap_or_default()).collect()
    }

    fn pod(name: &str, controller: Option<&str>, node: &str) -> AnyObject {
        let owners: Vec<_> = controller
            .iter()
            .map(|uid| {
                json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "r", "uid": uid,
                    "controller": true})
            })
            .collect();
        let pod = json!({"metadata": {"name": name, "namespace": "n", "ownerReferences": owners},
            "spec": {"nodeName": node, "containers": []}});
        AnyObject::decode(&resources::PODS, pod.to_string().as_bytes()).expect("it is one")
    }

    /// An object of a kind without a typed view.
    fn ingress(labels: &serde_json::Value) -> AnyObject {
        let object = json!({"metadata": {"name": "a", "namespace": "n", "labels": labels},
            "spec": {"ingressClassName": "c"}});
        let json = object.to_string();
        AnyObject::decode(&resources::INGRESSES, json.as_bytes()).expect("it is one")
    }

    #[test]
    fn a_kind_without_a_typed_view_is_kept_by_its_metadata() {
        let (resource, key) = (&resources::INGRESSES, Key::new("n", "a"));
        let mut view = View::default();

        let first = view.put(ingress(&json!({})));
        let second = view.put(ingress(&json!({"a": "b"})));

        assert!(first.old.is_none() && second.old.is_some());
        assert_eq!(second.resource().plural, "ingresses");
        assert_eq!(view.keys(resource), std::slice::from_ref(&key));
        let labels = view.get(resource, &key).and_then(|ingress| ingress.metadata().labels.clone());
        assert_eq!(labels.map(|labels| labels.len()), Some(1));
        assert_eq!(view.all().count(), 1);

        assert!(view.remove(resource, &key).is_some());
        assert!(view.remove(resource, &key).is_none());
        assert_eq!(view.all().count(), 0);
    }
}
