//! Definitions and their properties, as `k8s-openapi` describes them.

use std::collections::BTreeMap;

use k8s_openapi::api::admissionregistration::v1::{
    MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, MutatingWebhookConfiguration,
    ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding, ValidatingWebhookConfiguration,
};
use k8s_openapi::api::apps::v1::{
    ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet,
};
use k8s_openapi::api::authentication::v1::{SelfSubjectReview, TokenRequest, TokenReview};
use k8s_openapi::api::authorization::v1::{
    LocalSubjectAccessReview, SelfSubjectAccessReview, SelfSubjectRulesReview, SubjectAccessReview,
};
use k8s_openapi::api::autoscaling;
use k8s_openapi::api::autoscaling::v1::Scale;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::certificates::v1::CertificateSigningRequest;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{
    Binding, ComponentStatus, ConfigMap, Endpoints, Event, LimitRange, Namespace, Node,
    PersistentVolume, PersistentVolumeClaim, Pod, PodTemplate, ReplicationController,
    ResourceQuota, Secret, Service, ServiceAccount,
};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::events;
use k8s_openapi::api::flowcontrol::v1::{FlowSchema, PriorityLevelConfiguration};
use k8s_openapi::api::networking::v1::{
    IPAddress, Ingress, IngressClass, NetworkPolicy, ServiceCIDR,
};
use k8s_openapi::api::node::v1::RuntimeClass;
use k8s_openapi::api::policy::v1::{Eviction, PodDisruptionBudget};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use k8s_openapi::api::resource::v1::{
    DeviceClass, ResourceClaim, ResourceClaimTemplate, ResourceSlice,
};
use k8s_openapi::api::scheduling::v1::PriorityClass;
use k8s_openapi::api::storage::v1::{
    CSIDriver, CSINode, CSIStorageCapacity, StorageClass, VolumeAttachment, VolumeAttributesClass,
};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{
    APIGroup, APIGroupList, APIResourceList, APIVersions, DeleteOptions, ListMeta, Patch, Status,
};
use k8s_openapi::apimachinery::pkg::version::Info;
use k8s_openapi::kube_aggregator::pkg::apis::apiregistration::v1::APIService;
use k8s_openapi::schemars::JsonSchema;
use k8s_openapi::schemars::generate::{SchemaGenerator, SchemaSettings};
use k8s_openapi::{ListableResource, Resource};
use serde_json::Value;

/// All definitions by name, `io.k8s.api.core.v1.Pod`.
pub(crate) type Definitions = BTreeMap<String, Definition>;

/// One definition.
#[derive(Default)]
pub(crate) struct Definition {
    pub(crate) description: String,
    /// `apiVersion` and `kind` of the objects that it defines.
    pub(crate) kinds: Vec<(String, String)>,
    /// Whether it is replaced as a whole (`+structType=atomic`).
    pub(crate) atomic: bool,
    pub(crate) fields: BTreeMap<String, Field>,
}

/// One property of a definition.
#[derive(Default)]
pub(crate) struct Field {
    pub(crate) description: String,
    /// `string`, `#io.k8s.api.core.v1.Pod`, `[string` for a list, `{string` for a map.
    pub(crate) notation: String,
    pub(crate) required: bool,
    /// Whether Go holds it by pointer, so that an explicit zero differs from absence.
    pub(crate) pointer: bool,
    /// Whether Go writes it also where it was never set, though it is not required.
    pub(crate) always_written: bool,
    /// Its protobuf field number, led by those of the embedded messages in which it lies.
    pub(crate) number: Vec<u32>,
    pub(crate) atomic: bool,
    pub(crate) list_type: String,
    pub(crate) keys: Vec<String>,
    pub(crate) strategy: String,
    pub(crate) merge_key: String,
    /// The JSON of what stands for a field that is absent, where Go's types name it (`+default`).
    pub(crate) default: String,
}

/// Every definition that an object, a list or a body of a request needs.
pub(crate) fn all() -> Definitions {
    let mut roots = Roots::default();
    roots.object::<ComponentStatus>();
    roots.object::<ConfigMap>();
    roots.object::<Endpoints>();
    roots.object::<Event>();
    roots.object::<events::v1::Event>();
    roots.object::<LimitRange>();
    roots.object::<Namespace>();
    roots.object::<Node>();
    roots.object::<PersistentVolume>();
    roots.object::<PersistentVolumeClaim>();
    roots.object::<Pod>();
    roots.object::<PodTemplate>();
    roots.object::<ReplicationController>();
    roots.object::<ResourceQuota>();
    roots.object::<Secret>();
    roots.object::<Service>();
    roots.object::<ServiceAccount>();
    roots.object::<ControllerRevision>();
    roots.object::<DaemonSet>();
    roots.object::<Deployment>();
    roots.object::<ReplicaSet>();
    roots.object::<StatefulSet>();
    roots.object::<autoscaling::v1::HorizontalPodAutoscaler>();
    roots.object::<autoscaling::v2::HorizontalPodAutoscaler>();
    roots.object::<CronJob>();
    roots.object::<Job>();
    roots.object::<CertificateSigningRequest>();
    roots.object::<Lease>();
    roots.object::<EndpointSlice>();
    roots.object::<IPAddress>();
    roots.object::<Ingress>();
    roots.object::<IngressClass>();
    roots.object::<NetworkPolicy>();
    roots.object::<ServiceCIDR>();
    roots.object::<RuntimeClass>();
    roots.object::<PodDisruptionBudget>();
    roots.object::<ClusterRole>();
    roots.object::<ClusterRoleBinding>();
    roots.object::<Role>();
    roots.object::<RoleBinding>();
    roots.object::<PriorityClass>();
    roots.object::<CSIDriver>();
    roots.object::<CSINode>();
    roots.object::<CSIStorageCapacity>();
    roots.object::<StorageClass>();
    roots.object::<VolumeAttachment>();
    roots.object::<VolumeAttributesClass>();
    roots.object::<MutatingAdmissionPolicy>();
    roots.object::<MutatingAdmissionPolicyBinding>();
    roots.object::<MutatingWebhookConfiguration>();
    roots.object::<ValidatingAdmissionPolicy>();
    roots.object::<ValidatingAdmissionPolicyBinding>();
    roots.object::<ValidatingWebhookConfiguration>();
    roots.object::<CustomResourceDefinition>();
    roots.object::<APIService>();
    roots.object::<FlowSchema>();
    roots.object::<PriorityLevelConfiguration>();
    roots.object::<DeviceClass>();
    roots.object::<ResourceClaim>();
    roots.object::<ResourceClaimTemplate>();
    roots.object::<ResourceSlice>();
    roots.body::<LocalSubjectAccessReview>();
    roots.body::<SelfSubjectAccessReview>();
    roots.body::<SelfSubjectReview>();
    roots.body::<SelfSubjectRulesReview>();
    roots.body::<SubjectAccessReview>();
    roots.body::<TokenReview>();
    roots.body::<Binding>();
    roots.body::<Eviction>();
    roots.body::<TokenRequest>();
    roots.body::<Scale>();
    roots.body::<Status>();
    roots.kind::<DeleteOptions>("v1", "DeleteOptions");
    roots.kind::<APIGroup>("v1", "APIGroup");
    roots.kind::<APIGroupList>("v1", "APIGroupList");
    roots.kind::<APIResourceList>("v1", "APIResourceList");
    roots.kind::<APIVersions>("v1", "APIVersions");
    roots.part::<Info>();
    roots.part::<ListMeta>();
    roots.part::<Patch>();
    roots.into_definitions()
}

struct Roots {
    generator: SchemaGenerator,
    /// Definition, `apiVersion`, `kind`.
    kinds: Vec<(String, &'static str, &'static str)>,
    /// Definition of the elements, `apiVersion`, `kind` of the list.
    lists: Vec<(String, &'static str, &'static str)>,
}

impl Default for Roots {
    fn default() -> Self {
        let generator = SchemaSettings::openapi3().into_generator();
        Self { generator, kinds: vec![], lists: vec![] }
    }
}

impl Roots {
    fn object<K: JsonSchema + ListableResource>(&mut self) {
        self.body::<K>();
        self.lists.push((K::schema_name().into_owned(), K::API_VERSION, K::LIST_KIND));
    }

    fn body<K: JsonSchema + Resource>(&mut self) {
        self.kind::<K>(K::API_VERSION, K::KIND);
    }

    fn kind<K: JsonSchema>(&mut self, api_version: &'static str, kind: &'static str) {
        self.part::<K>();
        self.kinds.push((K::schema_name().into_owned(), api_version, kind));
    }

    fn part<K: JsonSchema>(&mut self) {
        let _reference = self.generator.subschema_for::<K>();
    }

    fn into_definitions(self) -> Definitions {
        let schemas = self.generator.definitions();
        let mut definitions: Definitions =
            schemas.iter().map(|(name, schema)| (name.clone(), definition(schema))).collect();
        for (name, api_version, kind) in self.kinds {
            let kinds = &mut definitions.entry(name).or_default().kinds;
            kinds.push((api_version.to_owned(), kind.to_owned()));
        }
        for (of, api_version, kind) in self.lists {
            definitions.insert(format!("{of}List"), list(&definitions, &of, api_version, kind));
        }
        definitions
    }
}

fn definition(schema: &Value) -> Definition {
    let properties = schema["properties"].as_object();
    Definition {
        description: text(schema, "description"),
        fields: properties
            .into_iter()
            .flatten()
            .map(|(name, property)| (name.clone(), field(property, is_required(schema, name))))
            .collect(),
        ..Definition::default()
    }
}

/// `k8s-openapi` requires all metadata, upstream requires none.
fn is_required(schema: &Value, name: &str) -> bool {
    let required = schema["required"].as_array();
    name != "metadata" && required.into_iter().flatten().any(|required| required == name)
}

fn field(property: &Value, required: bool) -> Field {
    Field {
        description: text(property, "description"),
        notation: notation(property),
        required,
        ..Field::default()
    }
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

fn notation(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        return format!("#{}", reference.rsplit('/').next().unwrap_or_default());
    }
    match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("array"), _) => format!("[{}", notation(&schema["items"])),
        (Some("object"), _) => format!("{{{}", notation(&schema["additionalProperties"])),
        (Some("string"), Some("byte")) => "bytes".to_owned(),
        (Some("integer"), format) => format.unwrap_or("int64").to_owned(),
        (kind, _) => kind.unwrap_or_default().to_owned(),
    }
}

/// A list of these objects. What it means `build/messages.rs` knows.
fn list(definitions: &Definitions, of: &str, api_version: &str, kind: &str) -> Definition {
    let same_as_element = |name: &str| {
        let field = definitions.get(of).and_then(|definition| definition.fields.get(name));
        field.map_or(String::new(), |field| field.description.clone())
    };
    let property = |description: String, notation: String, required| Field {
        description,
        notation,
        required,
        ..Field::default()
    };
    let list_meta = format!("#{}", ListMeta::schema_name());
    let fields = [
        ("apiVersion", property(same_as_element("apiVersion"), "string".to_owned(), false)),
        ("items", property(String::new(), format!("[#{of}"), true)),
        ("kind", property(same_as_element("kind"), "string".to_owned(), false)),
        ("metadata", property(String::new(), list_meta, false)),
    ];
    Definition {
        kinds: vec![(api_version.to_owned(), kind.to_owned())],
        fields: fields.into_iter().map(|(name, field)| (name.to_owned(), field)).collect(),
        ..Definition::default()
    }
}
