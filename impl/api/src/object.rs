//! What can be said of any object whatever its kind: its key, its metadata, its canonical bytes.

use std::fmt;
use std::sync::Arc;

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
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::kind::{ApiResource, Kind};

/// The namespace (empty for cluster-scoped objects) and name of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// `metadata.namespace`, empty when cluster-scoped.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
}

impl Key {
    /// The key of an object in a namespace.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self { namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// The key of a cluster-scoped object.
    pub fn cluster(name: &str) -> Self {
        Self::new("", name)
    }

    /// The key in an object's metadata.
    pub fn of(metadata: &ObjectMeta) -> Self {
        Self {
            namespace: metadata.namespace.clone().unwrap_or_default(),
            name: metadata.name.clone().unwrap_or_default(),
        }
    }

    /// The namespace, or `None` when cluster-scoped.
    pub fn namespace(&self) -> Option<&str> {
        (!self.namespace.is_empty()).then_some(self.namespace.as_str())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace() {
            Some(namespace) => write!(formatter, "{namespace}/{}", self.name),
            None => formatter.write_str(&self.name),
        }
    }
}

macro_rules! any_object {
    ($($kind:ident),*) => {
        /// A decoded object of any built-in kind, shared by reference.
        #[derive(Clone, Debug)]
        pub enum AnyObject {
            $(#[doc = concat!("A `", stringify!($kind), "`.")] $kind(Arc<$kind>),)*
            /// An object of a kind without a typed view.
            Other(Arc<Other>),
        }

        impl AnyObject {
            /// Decodes an object of this resource, without what no component reads: managed fields, which are
            /// as large as the rest, and the data of ConfigMaps and Secrets.
            /// Source: `trim` in cmd/kube-controller-manager/app, v1.36.
            pub fn decode(
                resource: &'static ApiResource,
                json: &[u8],
            ) -> Result<Self, serde_json::Error> {
                $(if resource == <$kind as Kind>::RESOURCE {
                    let mut object: $kind = serde_json::from_slice(json)?;
                    object.metadata.managed_fields = None;
                    object.trim();
                    return Ok(Self::$kind(Arc::new(object)));
                })*
                Other::decode(resource, json).map(|other| Self::Other(Arc::new(other)))
            }

            /// Where objects of its kind are served.
            pub fn resource(&self) -> &'static ApiResource {
                match self {
                    $(Self::$kind(_) => <$kind as Kind>::RESOURCE,)*
                    Self::Other(other) => other.resource,
                }
            }

            /// Its metadata.
            pub fn metadata(&self) -> &ObjectMeta {
                match self {
                    $(Self::$kind(object) => &object.metadata,)*
                    Self::Other(other) => &other.metadata,
                }
            }
        }

        $(impl From<Arc<$kind>> for AnyObject {
            fn from(object: Arc<$kind>) -> Self { Self::$kind(object) }
        })*
    };
}

any_object!(
    ConfigMap,
    Endpoints,
    EndpointSlice,
    Namespace,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    CSIDriver,
    CSINode,
    StorageClass,
    VolumeAttachment,
    VolumeAttributesClass,
    Pod,
    ReplicationController,
    ResourceQuota,
    PodDisruptionBudget,
    Service,
    ServiceAccount,
    Deployment,
    ReplicaSet,
    StatefulSet,
    ControllerRevision,
    DaemonSet,
    CronJob,
    HorizontalPodAutoscaler,
    Job,
    Lease,
    CertificateSigningRequest,
    ClusterRole,
    IPAddress,
    ServiceCIDR,
    DeviceClass,
    ResourceClaim,
    ResourceClaimTemplate,
    ResourceSlice,
    Secret
);

/// The ConfigMap that tells every namespace whom to trust.
pub const ROOT_CA: &str = "kube-root-ca.crt";

/// The type of the Secrets that hold a token of a service account.
pub const SERVICE_ACCOUNT_TOKEN: &str = "kubernetes.io/service-account-token";

/// Taking away what no component reads.
trait Trim {
    fn trim(&mut self) {}
}

impl Trim for ConfigMap {
    /// The one that a controller keeps as it is, is read.
    fn trim(&mut self) {
        if self.metadata.name.as_deref() != Some(ROOT_CA) {
            (self.data, self.binary_data) = (None, None);
        }
    }
}

impl Trim for Secret {
    /// Those that a controller fills in are read.
    fn trim(&mut self) {
        if self.type_.as_deref() != Some(SERVICE_ACCOUNT_TOKEN) {
            self.data = None;
        }
    }
}

macro_rules! kept_whole {
    ($($kind:ident),*) => { $(impl Trim for $kind {})* };
}

kept_whole!(
    CertificateSigningRequest,
    ClusterRole,
    IPAddress,
    ServiceCIDR,
    DeviceClass,
    ResourceClaim,
    ResourceClaimTemplate,
    ResourceSlice,
    CSIDriver,
    CSINode,
    ControllerRevision,
    CronJob,
    DaemonSet,
    Deployment,
    HorizontalPodAutoscaler,
    Job,
    EndpointSlice,
    Endpoints,
    Lease,
    Namespace,
    Node,
    PersistentVolume,
    PersistentVolumeClaim,
    Pod,
    PodDisruptionBudget,
    ReplicaSet,
    ReplicationController,
    ResourceQuota,
    Service,
    ServiceAccount,
    StatefulSet,
    StorageClass,
    VolumeAttachment,
    VolumeAttributesClass
);

/// What can be said of an object of any kind.
#[derive(Clone, Debug)]
pub struct Other {
    /// Where objects of its kind are served.
    pub resource: &'static ApiResource,
    /// Its metadata.
    pub metadata: ObjectMeta,
}

impl Other {
    fn decode(resource: &'static ApiResource, json: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Metadata {
            metadata: ObjectMeta,
        }
        let Metadata { metadata } = serde_json::from_slice(json)?;
        Ok(Self { resource, metadata: ObjectMeta { managed_fields: None, ..metadata } })
    }
}

impl AnyObject {
    /// Its namespace and name.
    pub fn key(&self) -> Key {
        Key::of(self.metadata())
    }
}

/// The owner reference that manages an object, if any.
pub fn controller_of(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

/// The owner reference with which `owner` manages what it creates.
pub fn controller_reference<K: Kind>(owner: &K) -> OwnerReference {
    OwnerReference {
        api_version: K::RESOURCE.api_version(),
        kind: K::RESOURCE.kind.to_owned(),
        name: owner.metadata().name.clone().unwrap_or_default(),
        uid: owner.metadata().uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// The object as JSON with its `apiVersion` and `kind`.
pub fn to_value<K: Kind>(object: &K) -> Value {
    let mut value = serde_json::to_value(object).expect("a Kubernetes object is JSON");
    if let Value::Object(fields) = &mut value {
        fields.insert("apiVersion".to_owned(), Value::from(K::RESOURCE.api_version()));
        fields.insert("kind".to_owned(), Value::from(K::RESOURCE.kind));
    }
    value
}

/// A text below a path of field names, empty when absent.
pub fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    at(value, path).and_then(Value::as_str).unwrap_or_default()
}

/// The value below a path of field names.
pub fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, field| value.get(field))
}

/// The object's metadata, made if absent.
pub fn metadata_mut(value: &mut Value) -> &mut Map<String, Value> {
    object_at_mut(value, "metadata")
}

/// The object below a field, made if absent or of another type.
pub fn object_at_mut<'a>(value: &'a mut Value, field: &str) -> &'a mut Map<String, Value> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    let fields = value.as_object_mut().expect("made an object above");
    let below = fields.entry(field.to_owned()).or_insert_with(|| Value::Object(Map::new()));
    if !below.is_object() {
        *below = Value::Object(Map::new());
    }
    below.as_object_mut().expect("made an object above")
}

/// The kind and name of the object that manages this one, `ReplicaSet/web-5d4f8c7b9`.
pub fn controller_in(object: &Value) -> Option<String> {
    let owners = at(object, &["metadata", "ownerReferences"])?.as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == Value::Bool(true))?;
    Some(format!("{}/{}", text(owner, &["kind"]), text(owner, &["name"])))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::resources;

    #[test]
    fn a_decoded_object_does_not_say_who_owns_its_fields() {
        for resource in [&resources::CONFIG_MAPS, &resources::ROLES] {
            let object = json!({"metadata": {"name": "a", "managedFields": [{"manager": "m"}]}});

            let object = AnyObject::decode(resource, object.to_string().as_bytes()).unwrap();

            assert_eq!(object.key().name, "a");
            assert_eq!(object.metadata().managed_fields, None);
        }
    }

    #[test]
    fn the_data_of_a_config_map_is_kept_where_it_is_read() {
        let data = |name: &str| {
            let object = json!({"metadata": {"name": name}, "data": {"k": "v"}, "binaryData": {"b": "AA=="}});
            let object = AnyObject::decode(&resources::CONFIG_MAPS, object.to_string().as_bytes());
            let AnyObject::ConfigMap(map) = object.unwrap() else { panic!("it is one") };
            (map.data.is_some(), map.binary_data.is_some())
        };

        assert_eq!(data(ROOT_CA), (true, true));
        assert_eq!(data("other"), (false, false));
    }
}
