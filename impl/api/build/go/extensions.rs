//! The same facts of the kinds by which a cluster is extended: admission, custom resources, aggregated API
//! servers, flow control, devices.

/// Numbers, texts and booleans that Go holds by pointer.
pub(super) const POINTER_SCALARS: &[(&str, &[&str])] = &[
    ("AllocatedDeviceStatus", &["shareID"]),
    ("CustomResourceDefinitionVersion", &["deprecationWarning"]),
    ("CustomResourceSubresourceScale", &["labelSelectorPath"]),
    ("Device", &["allNodes", "allowMultipleAllocations", "bindsToNode", "nodeName"]),
    ("DeviceAttribute", &["bool", "int", "string", "version"]),
    ("DeviceClassSpec", &["extendedResourceName"]),
    ("DeviceConstraint", &["distinctAttribute", "matchAttribute"]),
    ("DeviceRequestAllocationResult", &["adminAccess", "shareID"]),
    ("DeviceToleration", &["tolerationSeconds"]),
    ("ExactDeviceRequest", &["adminAccess"]),
    ("ExemptPriorityLevelConfiguration", &["lendablePercent", "nominalConcurrencyShares"]),
    (
        "JSONSchemaProps",
        &[
            "$ref",
            "maxItems",
            "maxLength",
            "maxProperties",
            "maximum",
            "minItems",
            "minLength",
            "minProperties",
            "minimum",
            "multipleOf",
            "x-kubernetes-list-type",
            "x-kubernetes-map-type",
            "x-kubernetes-preserve-unknown-fields",
        ],
    ),
    (
        "LimitedPriorityLevelConfiguration",
        &["borrowingLimitPercent", "lendablePercent", "nominalConcurrencyShares"],
    ),
    ("MatchResources", &["matchPolicy"]),
    ("MutatingAdmissionPolicySpec", &["failurePolicy"]),
    (
        "MutatingWebhook",
        &["failurePolicy", "matchPolicy", "reinvocationPolicy", "sideEffects", "timeoutSeconds"],
    ),
    ("NamedRuleWithOperations", &["scope"]),
    ("NodeAllocatableResourceMapping", &["capacityKey"]),
    ("ParamRef", &["parameterNotFoundAction"]),
    ("ResourceSliceSpec", &["allNodes", "nodeName", "perDeviceNodeSelection"]),
    ("RuleWithOperations", &["scope"]),
    ("ServiceReference", &["path", "port"]),
    ("ValidatingAdmissionPolicySpec", &["failurePolicy"]),
    ("ValidatingWebhook", &["failurePolicy", "matchPolicy", "sideEffects", "timeoutSeconds"]),
    ("Validation", &["reason"]),
    ("ValidationRule", &["optionalOldSelf", "reason"]),
    ("WebhookClientConfig", &["url"]),
];

/// Objects that Go holds by value.
pub(super) const STRUCT_VALUES: &[(&str, &[&str])] = &[
    ("AllocationResult", &["devices"]),
    ("CustomResourceDefinitionSpec", &["names"]),
    ("CustomResourceDefinitionStatus", &["acceptedNames"]),
    ("FlowSchemaSpec", &["priorityLevelConfiguration"]),
    ("LimitedPriorityLevelConfiguration", &["limitResponse"]),
    ("MutatingWebhook", &["clientConfig"]),
    ("ResourceClaimSpec", &["devices"]),
    ("ResourceSliceSpec", &["pool"]),
    ("ValidatingWebhook", &["clientConfig"]),
];
