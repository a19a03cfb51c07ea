//! What only the Go types of Kubernetes v1.36 tell: which fields are pointers, and what is new in 1.36.
//!
//! Facts of `k8s.io/api/*/v1/types.go` and `generated.proto`, for the kinds that are served. Where two packages
//! have a definition of one name, it is named with its package.

use crate::definitions::{Definition, Definitions};

#[path = "go/extensions.rs"]
mod extensions;

/// Numbers, texts, booleans and `IntOrString`s that Go holds by pointer; all others it holds by value.
const POINTER_SCALARS: &[(&str, &[&str])] = &[
    ("DeploymentSpec", &["progressDeadlineSeconds", "replicas", "revisionHistoryLimit"]),
    ("DeploymentStatus", &["collisionCount", "terminatingReplicas"]),
    ("ReplicaSetSpec", &["replicas"]),
    ("ReplicaSetStatus", &["terminatingReplicas"]),
    ("RollingUpdateDeployment", &["maxSurge", "maxUnavailable"]),
    (
        "LeaseSpec",
        &[
            "holderIdentity",
            "leaseDurationSeconds",
            "leaseTransitions",
            "preferredHolder",
            "strategy",
        ],
    ),
    ("AppArmorProfile", &["localhostProfile"]),
    ("AzureDiskVolumeSource", &["cachingMode", "fsType", "kind", "readOnly"]),
    ("CSIVolumeSource", &["fsType", "readOnly"]),
    ("ClientIPConfig", &["timeoutSeconds"]),
    ("ClusterTrustBundleProjection", &["name", "optional", "signerName"]),
    ("ConfigMap", &["immutable"]),
    ("ConfigMapEnvSource", &["optional"]),
    ("ConfigMapKeySelector", &["optional"]),
    ("ConfigMapProjection", &["optional"]),
    ("ConfigMapVolumeSource", &["defaultMode", "optional"]),
    ("Container", &["restartPolicy"]),
    ("ContainerStatus", &["started", "stopSignal"]),
    ("DownwardAPIVolumeFile", &["mode"]),
    ("DownwardAPIVolumeSource", &["defaultMode"]),
    ("EphemeralContainer", &["restartPolicy"]),
    ("FCVolumeSource", &["lun"]),
    ("FileKeySelector", &["optional"]),
    ("GRPCAction", &["service"]),
    ("HostPathVolumeSource", &["type"]),
    ("ISCSIVolumeSource", &["initiatorName"]),
    ("KeyToPath", &["mode"]),
    ("Lifecycle", &["stopSignal"]),
    ("LoadBalancerIngress", &["ipMode"]),
    ("NodeFeatures", &["supplementalGroupsPolicy"]),
    ("NodeRuntimeHandlerFeatures", &["recursiveReadOnlyMounts", "userNamespaces"]),
    ("NodeSwapStatus", &["capacity"]),
    ("PersistentVolumeClaimSpec", &["storageClassName", "volumeAttributesClassName", "volumeMode"]),
    ("PodCertificateProjection", &["maxExpirationSeconds"]),
    ("PodDNSConfigOption", &["value"]),
    ("PodResourceClaim", &["resourceClaimName", "resourceClaimTemplateName"]),
    ("PodResourceClaimStatus", &["resourceClaimName"]),
    ("PodSchedulingGroup", &["podGroupName"]),
    (
        "PodSecurityContext",
        &[
            "fsGroup",
            "fsGroupChangePolicy",
            "runAsGroup",
            "runAsNonRoot",
            "runAsUser",
            "seLinuxChangePolicy",
            "supplementalGroupsPolicy",
        ],
    ),
    (
        "PodSpec",
        &[
            "activeDeadlineSeconds",
            "automountServiceAccountToken",
            "enableServiceLinks",
            "hostUsers",
            "hostnameOverride",
            "preemptionPolicy",
            "priority",
            "runtimeClassName",
            "setHostnameAsFQDN",
            "shareProcessNamespace",
            "terminationGracePeriodSeconds",
        ],
    ),
    ("PortStatus", &["error"]),
    ("Probe", &["terminationGracePeriodSeconds"]),
    ("ProjectedVolumeSource", &["defaultMode"]),
    ("ResourceHealth", &["message"]),
    ("SeccompProfile", &["localhostProfile"]),
    ("Secret", &["immutable"]),
    ("SecretEnvSource", &["optional"]),
    ("SecretKeySelector", &["optional"]),
    ("SecretProjection", &["optional"]),
    ("SecretVolumeSource", &["defaultMode", "optional"]),
    (
        "SecurityContext",
        &[
            "allowPrivilegeEscalation",
            "privileged",
            "procMount",
            "readOnlyRootFilesystem",
            "runAsGroup",
            "runAsNonRoot",
            "runAsUser",
        ],
    ),
    ("ServiceAccount", &["automountServiceAccountToken"]),
    ("ServiceAccountTokenProjection", &["expirationSeconds"]),
    ("ServicePort", &["appProtocol"]),
    (
        "ServiceSpec",
        &[
            "allocateLoadBalancerNodePorts",
            "internalTrafficPolicy",
            "ipFamilyPolicy",
            "loadBalancerClass",
            "trafficDistribution",
        ],
    ),
    ("Toleration", &["tolerationSeconds"]),
    ("TopologySpreadConstraint", &["minDomains", "nodeAffinityPolicy", "nodeTaintsPolicy"]),
    ("TypedLocalObjectReference", &["apiGroup"]),
    ("TypedObjectReference", &["apiGroup", "namespace"]),
    ("VolumeMount", &["mountPropagation", "recursiveReadOnly"]),
    ("VolumeMountStatus", &["recursiveReadOnly"]),
    (
        "WindowsSecurityContextOptions",
        &["gmsaCredentialSpec", "gmsaCredentialSpecName", "hostProcess", "runAsUserName"],
    ),
    (
        "DeleteOptions",
        &[
            "gracePeriodSeconds",
            "ignoreStoreReadErrorWithClusterBreakingPotential",
            "orphanDependents",
            "propagationPolicy",
        ],
    ),
    ("ListMeta", &["remainingItemCount"]),
    ("ObjectMeta", &["deletionGracePeriodSeconds"]),
    ("OwnerReference", &["blockOwnerDeletion", "controller"]),
    ("Preconditions", &["resourceVersion", "uid"]),
    ("AzureFilePersistentVolumeSource", &["secretNamespace"]),
    (
        "CSIDriverSpec",
        &[
            "attachRequired",
            "fsGroupPolicy",
            "nodeAllocatableUpdatePeriodSeconds",
            "podInfoOnMount",
            "preventPodSchedulingIfMissing",
            "requiresRepublish",
            "seLinuxMount",
            "serviceAccountTokenInSecrets",
            "storageCapacity",
        ],
    ),
    ("CertificateSigningRequestSpec", &["expirationSeconds"]),
    (
        "CronJobSpec",
        &[
            "failedJobsHistoryLimit",
            "startingDeadlineSeconds",
            "successfulJobsHistoryLimit",
            "suspend",
            "timeZone",
        ],
    ),
    ("DaemonSetSpec", &["revisionHistoryLimit"]),
    ("DaemonSetStatus", &["collisionCount"]),
    ("Endpoint", &["hostname", "nodeName", "zone"]),
    ("EndpointAddress", &["nodeName"]),
    ("EndpointConditions", &["ready", "serving", "terminating"]),
    ("core.v1.EndpointPort", &["appProtocol"]),
    ("discovery.v1.EndpointPort", &["appProtocol", "name", "port", "protocol"]),
    ("EphemeralContainerCommon", &["restartPolicy"]),
    ("GlusterfsPersistentVolumeSource", &["endpointsNamespace"]),
    ("HPAScalingRules", &["selectPolicy", "stabilizationWindowSeconds"]),
    ("HTTPIngressPath", &["pathType"]),
    ("HorizontalPodAutoscalerSpec", &["minReplicas", "targetCPUUtilizationPercentage"]),
    ("HorizontalPodAutoscalerStatus", &["currentCPUUtilizationPercentage", "observedGeneration"]),
    ("ISCSIPersistentVolumeSource", &["initiatorName"]),
    ("IngressClassParametersReference", &["apiGroup", "namespace", "scope"]),
    ("IngressPortStatus", &["error"]),
    ("IngressSpec", &["ingressClassName"]),
    (
        "JobSpec",
        &[
            "activeDeadlineSeconds",
            "backoffLimit",
            "backoffLimitPerIndex",
            "completionMode",
            "completions",
            "managedBy",
            "manualSelector",
            "maxFailedIndexes",
            "parallelism",
            "podReplacementPolicy",
            "suspend",
            "ttlSecondsAfterFinished",
        ],
    ),
    ("JobStatus", &["failedIndexes", "ready", "terminating"]),
    ("LocalVolumeSource", &["fsType"]),
    ("MetricTarget", &["averageUtilization"]),
    ("MetricValueStatus", &["averageUtilization"]),
    // Not by pointer, but an empty list says something there: that nobody owns anything.
    ("ObjectMeta", &["managedFields"]),
    ("NetworkPolicyPort", &["endPort", "port", "protocol"]),
    ("PersistentVolumeClaimStatus", &["currentVolumeAttributesClassName"]),
    ("PersistentVolumeSpec", &["volumeAttributesClassName", "volumeMode"]),
    ("PodDisruptionBudgetSpec", &["maxUnavailable", "minAvailable", "unhealthyPodEvictionPolicy"]),
    ("PodFailurePolicyOnExitCodesRequirement", &["containerName"]),
    ("PriorityClass", &["preemptionPolicy"]),
    ("ReplicationControllerSpec", &["replicas"]),
    ("RollingUpdateDaemonSet", &["maxSurge", "maxUnavailable"]),
    ("RollingUpdateStatefulSetStrategy", &["maxUnavailable", "partition"]),
    ("StatefulSetSpec", &["replicas", "revisionHistoryLimit"]),
    ("StatefulSetStatus", &["collisionCount"]),
    ("StorageClass", &["allowVolumeExpansion", "reclaimPolicy", "volumeBindingMode"]),
    ("SuccessPolicyRule", &["succeededCount", "succeededIndexes"]),
    ("TokenRequest", &["expirationSeconds"]),
    ("VolumeAttachmentSource", &["persistentVolumeName"]),
    ("VolumeError", &["errorCode"]),
    ("VolumeNodeResources", &["count"]),
];

/// Objects that Go holds by value; all others it holds by pointer.
const STRUCT_VALUES: &[(&str, &[&str])] = &[
    ("APIGroup", &["preferredVersion"]),
    ("DeploymentSpec", &["strategy", "template"]),
    ("ReplicaSetSpec", &["template"]),
    ("Binding", &["target"]),
    ("Container", &["resources"]),
    ("ContainerStatus", &["lastState", "state"]),
    ("EphemeralContainer", &["resources"]),
    ("core.v1.Event", &["involvedObject", "source"]),
    ("events.v1.Event", &["deprecatedSource", "regarding"]),
    ("NodeDaemonEndpoints", &["kubeletEndpoint"]),
    ("NodeStatus", &["daemonEndpoints", "nodeInfo"]),
    ("PersistentVolumeClaimSpec", &["resources"]),
    ("PreferredSchedulingTerm", &["preference"]),
    ("SelfSubjectReviewStatus", &["userInfo"]),
    ("ServiceStatus", &["loadBalancer"]),
    ("TokenReviewStatus", &["user"]),
    ("WeightedPodAffinityTerm", &["podAffinityTerm"]),
    ("ClusterRoleBinding", &["roleRef"]),
    ("ContainerResourceMetricSource", &["target"]),
    ("ContainerResourceMetricStatus", &["current"]),
    ("CronJobSpec", &["jobTemplate"]),
    ("DaemonSetSpec", &["template", "updateStrategy"]),
    ("Endpoint", &["conditions"]),
    ("EphemeralContainerCommon", &["resources"]),
    ("ExternalMetricSource", &["metric", "target"]),
    ("ExternalMetricStatus", &["current", "metric"]),
    ("HTTPIngressPath", &["backend"]),
    ("HorizontalPodAutoscalerSpec", &["scaleTargetRef"]),
    ("IngressServiceBackend", &["port"]),
    ("IngressStatus", &["loadBalancer"]),
    ("JobSpec", &["template"]),
    ("NetworkPolicySpec", &["podSelector"]),
    ("ObjectMetricSource", &["describedObject", "metric", "target"]),
    ("ObjectMetricStatus", &["current", "describedObject", "metric"]),
    ("PodTemplate", &["template"]),
    ("PodsMetricSource", &["metric", "target"]),
    ("PodsMetricStatus", &["current", "metric"]),
    ("ResourceMetricSource", &["target"]),
    ("ResourceMetricStatus", &["current"]),
    ("RoleBinding", &["roleRef"]),
    ("StatefulSetSpec", &["template", "updateStrategy"]),
    ("VolumeAttachmentSpec", &["source"]),
    ("VolumeError", &["time"]),
];

/// Objects of these names are values in every kind, but where the status of custom resources is asked for.
const STRUCT_VALUE_NAMES: &[&str] = &["metadata", "spec", "status"];

/// Times of these names are values in every kind, and are written even where they were never set.
const TIME_VALUE_NAMES: &[&str] = &[
    "deprecatedFirstTimestamp",
    "deprecatedLastTimestamp",
    "eventTime",
    "finishedAt",
    "firstTimestamp",
    "lastHeartbeatTime",
    "lastObservedTime",
    "lastProbeTime",
    "lastTimestamp",
    "lastTransitionTime",
    "lastUpdateTime",
    "startedAt",
];

/// Fields that nobody has to give and that are written all the same: their JSON tags have no `omitempty`.
const ALWAYS_WRITTEN: &[(&str, &[&str])] = &[
    ("CSINodeDriver", &["topologyKeys"]),
    ("ClusterRole", &["rules"]),
    ("ContainerImage", &["names"]),
    ("EndpointSlice", &["endpoints", "ports"]),
    ("FlowSchemaSpec", &["matchingPrecedence"]),
    ("HorizontalPodAutoscalerStatus", &["currentMetrics"]),
    ("NodeRuntimeHandler", &["name"]),
    (
        "PodDisruptionBudgetStatus",
        &["currentHealthy", "desiredHealthy", "disruptionsAllowed", "expectedPods"],
    ),
    ("PodFailurePolicyOnPodConditionsPattern", &["status"]),
    ("PriorityClass", &["value"]),
    ("ProjectedVolumeSource", &["sources"]),
    ("QueuingConfiguration", &["handSize", "queueLengthLimit", "queues"]),
    ("Role", &["rules"]),
    ("RoleRef", &["apiGroup"]),
    ("StatefulSetOrdinals", &["start"]),
    ("StatefulSetSpec", &["serviceName"]),
    ("StatefulSetStatus", &["availableReplicas"]),
    ("TokenRequestStatus", &["token"]),
    ("core.v1.Event", &["reportingComponent", "reportingInstance"]),
];

/// Fields that `k8s-pb` 0.9 (Kubernetes 1.35) lacks: definition, field, protobuf number, list type.
const NEW_FIELDS: &[(&str, &str, u32, &str)] = &[
    ("CSIDriverSpec", "preventPodSchedulingIfMissing", 11, ""),
    ("Device", "nodeAllocatableResourceMappings", 13, ""),
    ("DeviceAttribute", "bools", 7, "atomic"),
    ("DeviceAttribute", "ints", 6, "atomic"),
    ("DeviceAttribute", "strings", 8, "atomic"),
    ("DeviceAttribute", "versions", 9, "atomic"),
    ("ImageVolumeStatus", "imageRef", 1, ""),
    ("ListMeta", "shardInfo", 5, ""),
    ("NodeAllocatableResourceClaimStatus", "containers", 2, "set"),
    ("NodeAllocatableResourceClaimStatus", "resourceClaimName", 1, ""),
    ("NodeAllocatableResourceClaimStatus", "resources", 3, ""),
    ("NodeAllocatableResourceMapping", "allocationMultiplier", 2, ""),
    ("NodeAllocatableResourceMapping", "capacityKey", 1, ""),
    ("PodSchedulingGroup", "podGroupName", 1, ""),
    ("PodSpec", "schedulingGroup", 43, ""),
    ("PodStatus", "nodeAllocatableResourceClaimStatuses", 21, "atomic"),
    ("ResourceHealth", "message", 6, ""),
    ("ShardInfo", "selector", 1, ""),
    ("VolumeMountStatus", "volumeStatus", 5, ""),
    ("VolumeStatus", "image", 1, ""),
];

/// Fields of which `k8s-openapi` 0.29 says something else: definition, field, whether upstream requires it.
const REQUIRED: &[(&str, &str, bool)] = &[
    ("ConfigMapEnvSource", "name", false),
    ("ConfigMapKeySelector", "name", false),
    ("ConfigMapProjection", "name", false),
    ("ConfigMapVolumeSource", "name", false),
    ("core.v1.Event", "metadata", true),
    ("events.v1.Event", "eventTime", true),
    ("LocalObjectReference", "name", false),
    ("SecretEnvSource", "name", false),
    ("SecretKeySelector", "name", false),
    ("SecretProjection", "name", false),
];

/// Writes these facts into the definitions.
pub(crate) fn join(definitions: &mut Definitions) {
    for (full_name, definition) in definitions {
        let (_, name) = full_name.rsplit_once('.').unwrap_or(("", full_name));
        join_pointers(full_name, definition);
        join_new_fields(name, definition);
        join_required(full_name, definition);
        join_always_written(full_name, definition);
    }
}

fn join_pointers(definition_name: &str, definition: &mut Definition) {
    for (name, field) in &mut definition.fields {
        let object = field.notation.starts_with('#') && !field.notation.ends_with(".IntOrString");
        field.pointer = if object {
            !is_value(definition_name, name, &field.notation)
        } else {
            lists(&[POINTER_SCALARS, extensions::POINTER_SCALARS], definition_name, name)
        };
    }
}

/// Whether Go holds an object or a time by value.
fn is_value(definition: &str, field: &str, notation: &str) -> bool {
    lists(&[STRUCT_VALUES, extensions::STRUCT_VALUES], definition, field)
        || (STRUCT_VALUE_NAMES.contains(&field)
            && !is_named(definition, "CustomResourceSubresources"))
        || (is_time(notation) && TIME_VALUE_NAMES.contains(&field))
}

fn is_time(notation: &str) -> bool {
    notation.ends_with(".Time") || notation.ends_with(".MicroTime")
}

fn lists(tables: &[&[(&str, &[&str])]], definition: &str, field: &str) -> bool {
    tables
        .iter()
        .copied()
        .flatten()
        .any(|(name, fields)| is_named(definition, name) && fields.contains(&field))
}

/// Whether a name, alone or with its package, is that of a definition.
fn is_named(definition: &str, name: &str) -> bool {
    definition.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn join_new_fields(definition_name: &str, definition: &mut Definition) {
    for (_, name, number, list_type) in NEW_FIELDS.iter().filter(|(of, ..)| *of == definition_name)
    {
        let Some(field) = definition.fields.get_mut(*name) else {
            continue;
        };
        field.number = vec![*number];
        field.list_type = (*list_type).to_owned();
    }
}

fn join_always_written(definition_name: &str, definition: &mut Definition) {
    for (name, field) in &mut definition.fields {
        field.always_written = lists(&[ALWAYS_WRITTEN], definition_name, name);
    }
}

fn join_required(definition_name: &str, definition: &mut Definition) {
    let of_it = REQUIRED.iter().filter(|(of, ..)| is_named(definition_name, of));
    for (_, name, required) in of_it {
        if let Some(field) = definition.fields.get_mut(*name) {
            field.required = *required;
        }
    }
}
