//! What a writer is told of an object that is let pass: fields that are deprecated, ignored or doubtful.
//!
//! Source: `WarningsOnCreate` and `WarningsOnUpdate` of the strategies in `pkg/registry` (v1.36). Left out:
//! whether the key of a TLS Secret fits its certificate, and unknown formats in custom schemas.

mod addresses;
mod containers;
mod node_labels;
mod ports;
mod service;
mod template;
mod volumes;

use api::object::text;
use api::{ApiResource, names, resources};
use serde_json::Value;

use super::fields::{get, int, items, or_null, same};

const ENFORCE_MOUNTABLE_SECRETS: &str = "kubernetes.io/enforce-mountable-secrets";
const STATIC_SUFFIX: &str = ".static.k8s.io";
const COMPLETIONS_MANY: i64 = 100_000;
const PARALLELISM_MANY: i64 = 10_000;
const TEMPLATE: [&str; 2] = ["spec", "template"];

/// What is said of every request for a kind whose time is over.
/// Source: `APILifecycleDeprecated` in staging/src/k8s.io/api/core/v1, v1.36.
pub(crate) fn deprecation_warning(resource: &ApiResource) -> Option<&'static str> {
    const ENDPOINTS: &str =
        "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";
    const COMPONENT_STATUS: &str = "v1 ComponentStatus is deprecated in v1.19+";
    let warnings =
        [(&resources::ENDPOINTS, ENDPOINTS), (&resources::COMPONENT_STATUSES, COMPONENT_STATUS)];
    warnings.into_iter().find(|(old, _)| resource == *old).map(|(_, warning)| warning)
}

/// What is said of a new object.
pub(crate) fn warnings(resource: &ApiResource, new: &Value) -> Vec<String> {
    let mut warnings = name_warning(resource, new);
    warnings.extend(match resource.kind {
        "Pod" => template::warnings("", new),
        "ServiceAccount" => mountable_secrets_warning(new),
        _ => content_warnings(resource, new),
    });
    warnings
}

/// What is said of an update.
pub(crate) fn update_warnings(resource: &ApiResource, new: &Value, old: &Value) -> Vec<String> {
    let generation = |object| int(object, &["metadata", "generation"]);
    match resource.kind {
        "CronJob" => {
            let mut warnings = match generation(new) == generation(old) {
                true => vec![],
                false => content_warnings(resource, new),
            };
            if text(new, &["spec", "schedule"]).contains("TZ") {
                // Upstream names the field like this.
                warnings.push("cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details".to_owned());
            }
            warnings
        }
        // Upstream looks at what it counts of a template's changes.
        "DaemonSet" if same(or_null(new, &TEMPLATE), or_null(old, &TEMPLATE)) => vec![],
        "Deployment"
        | "Job"
        | "PodTemplate"
        | "ReplicaSet"
        | "ReplicationController"
        | "StatefulSet"
            if generation(new) == generation(old) =>
        {
            vec![]
        }
        // Controllers update pods, and nobody would read it.
        "Pod" | "Ingress" => vec![],
        "ServiceAccount" => match mountable_secrets_warning(old).is_empty() {
            true => mountable_secrets_warning(new),
            false => vec![],
        },
        _ => content_warnings(resource, new),
    }
}

/// The names of pods are made of those of their owners.
fn name_warning(resource: &ApiResource, new: &Value) -> Vec<String> {
    let used = match resource.kind {
        "CronJob" | "Deployment" | "Job" | "ReplicaSet" | "ReplicationController" => {
            "Pod names and hostnames"
        }
        "Pod" => "the Pod's hostname",
        _ => return vec![],
    };
    let errors = names::dns_label(text(new, &["metadata", "name"]));
    if errors.is_empty() {
        return vec![];
    }
    vec![format!(
        "metadata.name: this is used in {used}, which can result in surprising behavior; a DNS label is recommended: [{}]",
        errors.join(" ")
    )]
}

fn content_warnings(resource: &ApiResource, new: &Value) -> Vec<String> {
    match resource.kind {
        "CSIStorageCapacity" => {
            node_labels::in_selector("nodeTopology", or_null(new, &["nodeTopology"]))
        }
        "CronJob" => {
            job_warnings("spec.jobTemplate.spec", or_null(new, &["spec", "jobTemplate", "spec"]))
        }
        "DaemonSet" | "Deployment" | "ReplicaSet" | "ReplicationController" => {
            template::warnings("spec.template", or_null(new, &["spec", "template"]))
        }
        "EndpointSlice" => addresses::of_endpoint_slice(new),
        "Endpoints" => addresses::of_endpoints(new),
        "Ingress" => ingress_warning(new).into_iter().collect(),
        "Job" => job_warnings("spec", or_null(new, &["spec"])),
        "MutatingAdmissionPolicy"
        | "MutatingAdmissionPolicyBinding"
        | "MutatingWebhookConfiguration"
        | "ValidatingAdmissionPolicy"
        | "ValidatingAdmissionPolicyBinding"
        | "ValidatingWebhookConfiguration" => static_name_warning(new).into_iter().collect(),
        "NetworkPolicy" => addresses::of_network_policy(new),
        "Node" => node_warnings(new),
        "PersistentVolume" => volumes::of_persistent_volume(new),
        "PersistentVolumeClaim" => volumes::of_claim(new),
        "PodTemplate" => template::warnings("template", or_null(new, &["template"])),
        "ResourceSlice" => driver_warning(new).into_iter().collect(),
        "RuntimeClass" => node_labels::in_runtime_class(new),
        "Service" => service::warnings(new),
        "StatefulSet" => stateful_set_warnings(new),
        "StorageClass" => node_labels::in_topologies(new),
        _ => vec![],
    }
}

fn mountable_secrets_warning(account: &Value) -> Vec<String> {
    let is_set = get(account, &["metadata", "annotations", ENFORCE_MOUNTABLE_SECRETS]).is_some();
    let warning = format!(
        "metadata.annotations[{ENFORCE_MOUNTABLE_SECRETS}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
    );
    is_set.then_some(warning).into_iter().collect()
}

fn job_warnings(path: &str, spec: &Value) -> Vec<String> {
    let number = |field| int(spec, &[field]).unwrap_or_default();
    let is_large = text(spec, &["completionMode"]) == "Indexed"
        && number("completions") > COMPLETIONS_MANY
        && number("parallelism") > PARALLELISM_MANY;
    let mut warnings = vec![];
    if is_large {
        warnings.push(format!("{path}: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail"));
    }
    warnings.extend(template::warnings(&format!("{path}.template"), or_null(spec, &["template"])));
    warnings
}

fn stateful_set_warnings(set: &Value) -> Vec<String> {
    let mut warnings = template::warnings("spec.template", or_null(set, &["spec", "template"]));
    for (index, claim) in items(set, &["spec", "volumeClaimTemplates"]).iter().enumerate() {
        let path = format!("spec.volumeClaimTemplates[{index}]");
        warnings.extend(volumes::of_claim_spec(&path, or_null(claim, &["spec"])));
    }
    if int(set, &["spec", "revisionHistoryLimit"]).is_some_and(|limit| limit < 0) {
        warnings.push("spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended".to_owned());
    }
    warnings
}

fn ingress_warning(ingress: &Value) -> Option<String> {
    let annotation = "kubernetes.io/ingress.class";
    let is_old = get(ingress, &["metadata", "annotations", annotation]).is_some()
        && get(ingress, &["spec", "ingressClassName"]).is_none();
    is_old.then(|| {
        format!(
            "annotation \"{annotation}\" is deprecated, please use 'spec.ingressClassName' instead"
        )
    })
}

fn static_name_warning(object: &Value) -> Option<String> {
    let is_reserved = text(object, &["metadata", "name"]).ends_with(STATIC_SUFFIX);
    is_reserved.then(|| format!("metadata.name: names ending with \"{STATIC_SUFFIX}\" are reserved for static manifest-based configurations and cannot be managed via the API"))
}

fn node_warnings(node: &Value) -> Vec<String> {
    let mut warnings = vec![];
    if get(node, &["spec", "configSource"]).is_some() {
        warnings.push("spec.configSource: the feature is removed".to_owned());
    }
    if !text(node, &["spec", "externalID"]).is_empty() {
        let warning = "spec.externalID: this field is deprecated, and is unused by Kubernetes";
        warnings.push(warning.to_owned());
    }
    warnings
}

fn driver_warning(slice: &Value) -> Option<String> {
    let driver = text(slice, &["spec", "driver"]);
    let has_capitals = driver != driver.to_lowercase();
    has_capitals.then(|| {
        format!("spec.driver: driver names should be lowercase; \"{driver}\" contains uppercase characters")
    })
}

#[cfg(test)]
mod tests;
