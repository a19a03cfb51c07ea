//! The built-in kinds: how each is named in a path, on a command line and in discovery.

use k8s_openapi::api::apps::v1::{
    ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet,
};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{
    ConfigMap, Endpoints, Event, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod,
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

/// A resource that the API server serves, in the words of the `APIResource` type of `meta.k8s.io/v1`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiResource {
    /// The API group; empty for the core group.
    pub group: &'static str,
    /// The version that is served and stored.
    pub version: &'static str,
    /// The kind of one object, `Pod`.
    pub kind: &'static str,
    /// The plural name used in paths, `pods`.
    pub plural: &'static str,
    /// The singular name, `pod`.
    pub singular: &'static str,
    /// Names a command line accepts for the plural, `po`.
    pub short_names: &'static [&'static str],
    /// Groups of resources it belongs to, `all`.
    pub categories: &'static [&'static str],
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// The subresources it serves, `status`.
    pub subresources: &'static [&'static str],
    /// Whether its objects are kept; a review is only answered.
    pub is_stored: bool,
}

impl ApiResource {
    /// `v1` or `apps/v1`.
    pub fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// `pods` or `deployments.apps`, as error messages name a resource.
    pub fn qualified(&self) -> String {
        match self.group {
            "" => self.plural.to_owned(),
            group => format!("{}.{group}", self.plural),
        }
    }

    /// The path below which its objects live: `/api/v1/namespaces/NS/pods` or `/apis/apps/v1/deployments`.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = match self.group {
            "" => format!("/api/{}", self.version),
            group => format!("/apis/{group}/{}", self.version),
        };
        match namespace {
            Some(namespace) if self.namespaced => {
                format!("{root}/namespaces/{namespace}/{}", self.plural)
            }
            Some(_) | None => format!("{root}/{}", self.plural),
        }
    }
}

/// Every built-in resource, one constant each and one list.
pub mod resources {
    use super::ApiResource;

    macro_rules! resources {
        ($(#[$doc:meta])* $list:ident, stored $stored:literal;
            $($name:ident: $group:literal $version:literal $kind:literal $plural:literal $singular:literal
            short $short:expr, categories $categories:expr, namespaced $namespaced:literal, subresources $sub:expr;)*) => {
            $(
                #[doc = concat!("`", $plural, "`.")]
                pub static $name: ApiResource = ApiResource {
                    group: $group, version: $version, kind: $kind, plural: $plural, singular: $singular,
                    short_names: &$short, categories: &$categories, namespaced: $namespaced,
                    subresources: &$sub, is_stored: $stored,
                };
            )*
            $(#[$doc])*
            pub static $list: &[&ApiResource] = &[$(&$name),*];
        };
    }

    resources! {
        /// All whose objects are stored, in the order of discovery.
        ALL, stored true;
        CONFIG_MAPS: "" "v1" "ConfigMap" "configmaps" "configmap"
            short ["cm"], categories [], namespaced true, subresources [];
        ENDPOINTS: "" "v1" "Endpoints" "endpoints" "endpoints"
            short ["ep"], categories [], namespaced true, subresources [];
        EVENTS: "" "v1" "Event" "events" "event"
            short ["ev"], categories [], namespaced true, subresources [];
        LIMIT_RANGES: "" "v1" "LimitRange" "limitranges" "limitrange"
            short ["limits"], categories [], namespaced true, subresources [];
        NAMESPACES: "" "v1" "Namespace" "namespaces" "namespace"
            short ["ns"], categories [], namespaced false, subresources ["finalize", "status"];
        NODES: "" "v1" "Node" "nodes" "node"
            short ["no"], categories [], namespaced false, subresources ["proxy", "status"];
        PERSISTENT_VOLUME_CLAIMS: "" "v1" "PersistentVolumeClaim" "persistentvolumeclaims" "persistentvolumeclaim"
            short ["pvc"], categories [], namespaced true, subresources ["status"];
        PERSISTENT_VOLUMES: "" "v1" "PersistentVolume" "persistentvolumes" "persistentvolume"
            short ["pv"], categories [], namespaced false, subresources ["status"];
        PODS: "" "v1" "Pod" "pods" "pod"
            short ["po"], categories ["all"], namespaced true,
            subresources ["attach", "binding", "ephemeralcontainers", "eviction", "exec", "log", "portforward", "proxy", "resize", "status"];
        POD_TEMPLATES: "" "v1" "PodTemplate" "podtemplates" "podtemplate"
            short [], categories [], namespaced true, subresources [];
        REPLICATION_CONTROLLERS: "" "v1" "ReplicationController" "replicationcontrollers" "replicationcontroller"
            short ["rc"], categories ["all"], namespaced true, subresources ["scale", "status"];
        RESOURCE_QUOTAS: "" "v1" "ResourceQuota" "resourcequotas" "resourcequota"
            short ["quota"], categories [], namespaced true, subresources ["status"];
        SECRETS: "" "v1" "Secret" "secrets" "secret"
            short [], categories [], namespaced true, subresources [];
        SERVICE_ACCOUNTS: "" "v1" "ServiceAccount" "serviceaccounts" "serviceaccount"
            short ["sa"], categories [], namespaced true, subresources ["token"];
        SERVICES: "" "v1" "Service" "services" "service"
            short ["svc"], categories ["all"], namespaced true, subresources ["proxy", "status"];
        MUTATING_ADMISSION_POLICIES: "admissionregistration.k8s.io" "v1" "MutatingAdmissionPolicy" "mutatingadmissionpolicies" "mutatingadmissionpolicy"
            short [], categories ["api-extensions"], namespaced false, subresources [];
        MUTATING_ADMISSION_POLICY_BINDINGS: "admissionregistration.k8s.io" "v1" "MutatingAdmissionPolicyBinding" "mutatingadmissionpolicybindings" "mutatingadmissionpolicybinding"
            short [], categories ["api-extensions"], namespaced false, subresources [];
        MUTATING_WEBHOOK_CONFIGURATIONS: "admissionregistration.k8s.io" "v1" "MutatingWebhookConfiguration" "mutatingwebhookconfigurations" "mutatingwebhookconfiguration"
            short [], categories ["api-extensions"], namespaced false, subresources [];
        VALIDATING_ADMISSION_POLICIES: "admissionregistration.k8s.io" "v1" "ValidatingAdmissionPolicy" "validatingadmissionpolicies" "validatingadmissionpolicy"
            short [], categories ["api-extensions"], namespaced false, subresources ["status"];
        VALIDATING_ADMISSION_POLICY_BINDINGS: "admissionregistration.k8s.io" "v1" "ValidatingAdmissionPolicyBinding" "validatingadmissionpolicybindings" "validatingadmissionpolicybinding"
            short [], categories ["api-extensions"], namespaced false, subresources [];
        VALIDATING_WEBHOOK_CONFIGURATIONS: "admissionregistration.k8s.io" "v1" "ValidatingWebhookConfiguration" "validatingwebhookconfigurations" "validatingwebhookconfiguration"
            short [], categories ["api-extensions"], namespaced false, subresources [];
        CUSTOM_RESOURCE_DEFINITIONS: "apiextensions.k8s.io" "v1" "CustomResourceDefinition" "customresourcedefinitions" "customresourcedefinition"
            short ["crd", "crds"], categories ["api-extensions"], namespaced false, subresources ["status"];
        API_SERVICES: "apiregistration.k8s.io" "v1" "APIService" "apiservices" "apiservice"
            short [], categories ["api-extensions"], namespaced false, subresources ["status"];
        CONTROLLER_REVISIONS: "apps" "v1" "ControllerRevision" "controllerrevisions" "controllerrevision"
            short [], categories [], namespaced true, subresources [];
        DAEMON_SETS: "apps" "v1" "DaemonSet" "daemonsets" "daemonset"
            short ["ds"], categories ["all"], namespaced true, subresources ["status"];
        DEPLOYMENTS: "apps" "v1" "Deployment" "deployments" "deployment"
            short ["deploy"], categories ["all"], namespaced true, subresources ["scale", "status"];
        REPLICA_SETS: "apps" "v1" "ReplicaSet" "replicasets" "replicaset"
            short ["rs"], categories ["all"], namespaced true, subresources ["scale", "status"];
        STATEFUL_SETS: "apps" "v1" "StatefulSet" "statefulsets" "statefulset"
            short ["sts"], categories ["all"], namespaced true, subresources ["scale", "status"];
        HORIZONTAL_POD_AUTOSCALERS: "autoscaling" "v2" "HorizontalPodAutoscaler" "horizontalpodautoscalers" "horizontalpodautoscaler"
            short ["hpa"], categories ["all"], namespaced true, subresources ["status"];
        CRON_JOBS: "batch" "v1" "CronJob" "cronjobs" "cronjob"
            short ["cj"], categories ["all"], namespaced true, subresources ["status"];
        JOBS: "batch" "v1" "Job" "jobs" "job"
            short [], categories ["all"], namespaced true, subresources ["status"];
        CERTIFICATE_SIGNING_REQUESTS: "certificates.k8s.io" "v1" "CertificateSigningRequest" "certificatesigningrequests" "certificatesigningrequest"
            short ["csr"], categories [], namespaced false, subresources ["approval", "status"];
        INGRESS_CLASSES: "networking.k8s.io" "v1" "IngressClass" "ingressclasses" "ingressclass"
            short [], categories [], namespaced false, subresources [];
        INGRESSES: "networking.k8s.io" "v1" "Ingress" "ingresses" "ingress"
            short ["ing"], categories [], namespaced true, subresources ["status"];
        IP_ADDRESSES: "networking.k8s.io" "v1" "IPAddress" "ipaddresses" "ipaddress"
            short ["ip"], categories [], namespaced false, subresources [];
        NETWORK_POLICIES: "networking.k8s.io" "v1" "NetworkPolicy" "networkpolicies" "networkpolicy"
            short ["netpol"], categories [], namespaced true, subresources [];
        SERVICE_CIDRS: "networking.k8s.io" "v1" "ServiceCIDR" "servicecidrs" "servicecidr"
            short [], categories [], namespaced false, subresources ["status"];
        POD_DISRUPTION_BUDGETS: "policy" "v1" "PodDisruptionBudget" "poddisruptionbudgets" "poddisruptionbudget"
            short ["pdb"], categories [], namespaced true, subresources ["status"];
        CLUSTER_ROLE_BINDINGS: "rbac.authorization.k8s.io" "v1" "ClusterRoleBinding" "clusterrolebindings" "clusterrolebinding"
            short [], categories [], namespaced false, subresources [];
        CLUSTER_ROLES: "rbac.authorization.k8s.io" "v1" "ClusterRole" "clusterroles" "clusterrole"
            short [], categories [], namespaced false, subresources [];
        ROLE_BINDINGS: "rbac.authorization.k8s.io" "v1" "RoleBinding" "rolebindings" "rolebinding"
            short [], categories [], namespaced true, subresources [];
        ROLES: "rbac.authorization.k8s.io" "v1" "Role" "roles" "role"
            short [], categories [], namespaced true, subresources [];
        CSI_DRIVERS: "storage.k8s.io" "v1" "CSIDriver" "csidrivers" "csidriver"
            short [], categories [], namespaced false, subresources [];
        CSI_NODES: "storage.k8s.io" "v1" "CSINode" "csinodes" "csinode"
            short [], categories [], namespaced false, subresources [];
        CSI_STORAGE_CAPACITIES: "storage.k8s.io" "v1" "CSIStorageCapacity" "csistoragecapacities" "csistoragecapacity"
            short [], categories [], namespaced true, subresources [];
        STORAGE_CLASSES: "storage.k8s.io" "v1" "StorageClass" "storageclasses" "storageclass"
            short ["sc"], categories [], namespaced false, subresources [];
        VOLUME_ATTACHMENTS: "storage.k8s.io" "v1" "VolumeAttachment" "volumeattachments" "volumeattachment"
            short [], categories [], namespaced false, subresources ["status"];
        VOLUME_ATTRIBUTES_CLASSES: "storage.k8s.io" "v1" "VolumeAttributesClass" "volumeattributesclasses" "volumeattributesclass"
            short ["vac"], categories [], namespaced false, subresources [];
        PRIORITY_CLASSES: "scheduling.k8s.io" "v1" "PriorityClass" "priorityclasses" "priorityclass"
            short ["pc"], categories [], namespaced false, subresources [];
        LEASES: "coordination.k8s.io" "v1" "Lease" "leases" "lease"
            short [], categories [], namespaced true, subresources [];
        RUNTIME_CLASSES: "node.k8s.io" "v1" "RuntimeClass" "runtimeclasses" "runtimeclass"
            short [], categories [], namespaced false, subresources [];
        ENDPOINT_SLICES: "discovery.k8s.io" "v1" "EndpointSlice" "endpointslices" "endpointslice"
            short [], categories [], namespaced true, subresources [];
        DEVICE_CLASSES: "resource.k8s.io" "v1" "DeviceClass" "deviceclasses" "deviceclass"
            short [], categories [], namespaced false, subresources [];
        RESOURCE_CLAIMS: "resource.k8s.io" "v1" "ResourceClaim" "resourceclaims" "resourceclaim"
            short [], categories [], namespaced true, subresources ["status"];
        RESOURCE_CLAIM_TEMPLATES: "resource.k8s.io" "v1" "ResourceClaimTemplate" "resourceclaimtemplates" "resourceclaimtemplate"
            short [], categories [], namespaced true, subresources [];
        RESOURCE_SLICES: "resource.k8s.io" "v1" "ResourceSlice" "resourceslices" "resourceslice"
            short [], categories [], namespaced false, subresources [];
        FLOW_SCHEMAS: "flowcontrol.apiserver.k8s.io" "v1" "FlowSchema" "flowschemas" "flowschema"
            short [], categories [], namespaced false, subresources ["status"];
        PRIORITY_LEVEL_CONFIGURATIONS: "flowcontrol.apiserver.k8s.io" "v1" "PriorityLevelConfiguration" "prioritylevelconfigurations" "prioritylevelconfiguration"
            short [], categories [], namespaced false, subresources ["status"];
    }

    resources! {
        /// All that are stored as another version.
        VERSIONS, stored true;
        EVENTS_V1: "events.k8s.io" "v1" "Event" "events" "event"
            short ["ev"], categories [], namespaced true, subresources [];
        HORIZONTAL_POD_AUTOSCALERS_V1: "autoscaling" "v1" "HorizontalPodAutoscaler" "horizontalpodautoscalers" "horizontalpodautoscaler"
            short ["hpa"], categories ["all"], namespaced true, subresources ["status"];
    }

    resources! {
        /// All that are asked for when they are read.
        PROBED, stored false;
        COMPONENT_STATUSES: "" "v1" "ComponentStatus" "componentstatuses" "componentstatus"
            short ["cs"], categories [], namespaced false, subresources [];
    }

    resources! {
        /// All that store nothing of their own: they answer a question, or bind a pod.
        REVIEWS, stored false;
        BINDINGS: "" "v1" "Binding" "bindings" "binding"
            short [], categories [], namespaced true, subresources [];
        SELF_SUBJECT_REVIEWS: "authentication.k8s.io" "v1" "SelfSubjectReview" "selfsubjectreviews" "selfsubjectreview"
            short [], categories [], namespaced false, subresources [];
        TOKEN_REVIEWS: "authentication.k8s.io" "v1" "TokenReview" "tokenreviews" "tokenreview"
            short [], categories [], namespaced false, subresources [];
        LOCAL_SUBJECT_ACCESS_REVIEWS: "authorization.k8s.io" "v1" "LocalSubjectAccessReview" "localsubjectaccessreviews" "localsubjectaccessreview"
            short [], categories [], namespaced true, subresources [];
        SELF_SUBJECT_ACCESS_REVIEWS: "authorization.k8s.io" "v1" "SelfSubjectAccessReview" "selfsubjectaccessreviews" "selfsubjectaccessreview"
            short [], categories [], namespaced false, subresources [];
        SELF_SUBJECT_RULES_REVIEWS: "authorization.k8s.io" "v1" "SelfSubjectRulesReview" "selfsubjectrulesreviews" "selfsubjectrulesreview"
            short [], categories [], namespaced false, subresources [];
        SUBJECT_ACCESS_REVIEWS: "authorization.k8s.io" "v1" "SubjectAccessReview" "subjectaccessreviews" "subjectaccessreview"
            short [], categories [], namespaced false, subresources [];
    }

    /// All that are served.
    pub fn served() -> impl Iterator<Item = &'static ApiResource> {
        ALL.iter().chain(VERSIONS).chain(PROBED).chain(REVIEWS).copied()
    }

    /// The resource with this group, version and plural name.
    pub fn find(group: &str, version: &str, plural: &str) -> Option<&'static ApiResource> {
        let named = |resource: &&ApiResource| {
            (resource.group, resource.version, resource.plural) == (group, version, plural)
        };
        served().find(named)
    }

    /// The resource whose objects have this `apiVersion` and `kind`.
    pub fn of_kind(api_version: &str, kind: &str) -> Option<&'static ApiResource> {
        ALL.iter()
            .copied()
            .find(|resource| resource.kind == kind && resource.api_version() == api_version)
    }

    /// The resource whose objects have this `kind` in any version of its group that is served.
    pub fn of_served_kind(api_version: &str, kind: &str) -> Option<&'static ApiResource> {
        let is_it = |resource: &&&ApiResource| {
            resource.kind == kind && resource.api_version() == api_version
        };
        let older = || {
            let version = VERSIONS.iter().find(is_it)?;
            ALL.iter().copied().find(|all| (all.group, all.kind) == (version.group, kind))
        };
        of_kind(api_version, kind).or_else(older)
    }
}

/// A typed view of one kind.
pub trait Kind:
    k8s_openapi::Metadata<Ty = ObjectMeta>
    + serde::Serialize
    + serde::de::DeserializeOwned
    + Clone
    + std::fmt::Debug
    + Send
    + Sync
    + 'static
{
    /// Where its objects are served.
    const RESOURCE: &'static ApiResource;
}

macro_rules! kinds {
    ($($kind:ty => $resource:ident),* $(,)?) => {
        $(impl Kind for $kind { const RESOURCE: &'static ApiResource = &resources::$resource; })*
    };
}

kinds! {
    ConfigMap => CONFIG_MAPS,
    Endpoints => ENDPOINTS,
    EndpointSlice => ENDPOINT_SLICES,
    Event => EVENTS,
    Namespace => NAMESPACES,
    Node => NODES,
    PersistentVolume => PERSISTENT_VOLUMES,
    PersistentVolumeClaim => PERSISTENT_VOLUME_CLAIMS,
    CSIDriver => CSI_DRIVERS,
    CSINode => CSI_NODES,
    StorageClass => STORAGE_CLASSES,
    VolumeAttachment => VOLUME_ATTACHMENTS,
    VolumeAttributesClass => VOLUME_ATTRIBUTES_CLASSES,
    Pod => PODS,
    ReplicationController => REPLICATION_CONTROLLERS,
    ResourceQuota => RESOURCE_QUOTAS,
    PodDisruptionBudget => POD_DISRUPTION_BUDGETS,
    Secret => SECRETS,
    ServiceAccount => SERVICE_ACCOUNTS,
    Service => SERVICES,
    Deployment => DEPLOYMENTS,
    ReplicaSet => REPLICA_SETS,
    StatefulSet => STATEFUL_SETS,
    ControllerRevision => CONTROLLER_REVISIONS,
    DaemonSet => DAEMON_SETS,
    CronJob => CRON_JOBS,
    HorizontalPodAutoscaler => HORIZONTAL_POD_AUTOSCALERS,
    Job => JOBS,
    Lease => LEASES,
    CertificateSigningRequest => CERTIFICATE_SIGNING_REQUESTS,
    ClusterRole => CLUSTER_ROLES,
    IPAddress => IP_ADDRESSES,
    ServiceCIDR => SERVICE_CIDRS,
    DeviceClass => DEVICE_CLASSES,
    ResourceClaim => RESOURCE_CLAIMS,
    ResourceClaimTemplate => RESOURCE_CLAIM_TEMPLATES,
    ResourceSlice => RESOURCE_SLICES,
}
