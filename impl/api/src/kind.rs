//! The built-in kinds: how each is named in a path, on a command line and in discovery.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{
    ConfigMap, Event, Namespace, Node, Pod, Secret, Service, ServiceAccount,
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
        ($($name:ident: $group:literal $version:literal $kind:literal $plural:literal $singular:literal
            short $short:expr, categories $categories:expr, namespaced $namespaced:literal, subresources $sub:expr;)*) => {
            $(
                #[doc = concat!("`", $plural, "`.")]
                pub static $name: ApiResource = ApiResource {
                    group: $group, version: $version, kind: $kind, plural: $plural, singular: $singular,
                    short_names: &$short, categories: &$categories, namespaced: $namespaced,
                    subresources: &$sub,
                };
            )*
            /// All of them, in the order of discovery.
            pub static ALL: &[&ApiResource] = &[$(&$name),*];
        };
    }

    resources! {
        CONFIG_MAPS: "" "v1" "ConfigMap" "configmaps" "configmap"
            short ["cm"], categories [], namespaced true, subresources [];
        EVENTS: "" "v1" "Event" "events" "event"
            short ["ev"], categories [], namespaced true, subresources [];
        NAMESPACES: "" "v1" "Namespace" "namespaces" "namespace"
            short ["ns"], categories [], namespaced false, subresources ["finalize", "status"];
        NODES: "" "v1" "Node" "nodes" "node"
            short ["no"], categories [], namespaced false, subresources ["status"];
        PODS: "" "v1" "Pod" "pods" "pod"
            short ["po"], categories ["all"], namespaced true,
            subresources ["attach", "binding", "eviction", "exec", "log", "status"];
        SECRETS: "" "v1" "Secret" "secrets" "secret"
            short [], categories [], namespaced true, subresources [];
        SERVICE_ACCOUNTS: "" "v1" "ServiceAccount" "serviceaccounts" "serviceaccount"
            short ["sa"], categories [], namespaced true, subresources [];
        SERVICES: "" "v1" "Service" "services" "service"
            short ["svc"], categories ["all"], namespaced true, subresources ["status"];
        DEPLOYMENTS: "apps" "v1" "Deployment" "deployments" "deployment"
            short ["deploy"], categories ["all"], namespaced true, subresources ["scale", "status"];
        REPLICA_SETS: "apps" "v1" "ReplicaSet" "replicasets" "replicaset"
            short ["rs"], categories ["all"], namespaced true, subresources ["scale", "status"];
        LEASES: "coordination.k8s.io" "v1" "Lease" "leases" "lease"
            short [], categories [], namespaced true, subresources [];
    }

    /// The resource with this group and plural name.
    pub fn find(group: &str, plural: &str) -> Option<&'static ApiResource> {
        ALL.iter().copied().find(|resource| resource.group == group && resource.plural == plural)
    }

    /// The resource whose objects have this `apiVersion` and `kind`.
    pub fn of_kind(api_version: &str, kind: &str) -> Option<&'static ApiResource> {
        ALL.iter()
            .copied()
            .find(|resource| resource.kind == kind && resource.api_version() == api_version)
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
    Event => EVENTS,
    Namespace => NAMESPACES,
    Node => NODES,
    Pod => PODS,
    Secret => SECRETS,
    ServiceAccount => SERVICE_ACCOUNTS,
    Service => SERVICES,
    Deployment => DEPLOYMENTS,
    ReplicaSet => REPLICA_SETS,
    Lease => LEASES,
}
