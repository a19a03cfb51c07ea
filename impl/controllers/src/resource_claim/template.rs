//! The claim that a template makes for a pod.

use k8s_openapi::api::core::v1::{Pod, PodResourceClaim};
use k8s_openapi::api::resource::v1::{ResourceClaim, ResourceClaimTemplate};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use super::POD_CLAIM_NAME;
use crate::ownership::{name, uid};

/// How long the name of a claim may be before five characters are added.
const BASE_LENGTH_MAX: usize = 57;

/// The claim that one of a pod's is to be.
pub(super) fn claim_of(
    pod: &Pod,
    asked: &PodResourceClaim,
    template: &ResourceClaimTemplate,
) -> ResourceClaim {
    let metadata = template.spec.metadata.clone().unwrap_or_default();
    let mut annotations = metadata.annotations.unwrap_or_default();
    annotations.insert(POD_CLAIM_NAME.to_owned(), asked.name.clone());
    ResourceClaim {
        metadata: ObjectMeta {
            namespace: pod.metadata.namespace.clone(),
            generate_name: Some(base(name(&pod.metadata), &asked.name)),
            labels: metadata.labels,
            annotations: Some(annotations),
            owner_references: Some(vec![OwnerReference {
                api_version: "v1".to_owned(),
                kind: "Pod".to_owned(),
                name: name(&pod.metadata).to_owned(),
                uid: uid(&pod.metadata).to_owned(),
                controller: Some(true),
                block_owner_deletion: None,
            }]),
            ..ObjectMeta::default()
        },
        spec: template.spec.spec.clone(),
        status: None,
    }
}

/// What the name of a claim begins with: each part cut by its share where both are too long.
fn base(pod: &str, asked: &str) -> String {
    let whole = format!("{pod}-{asked}-");
    if whole.len() <= BASE_LENGTH_MAX {
        return whole;
    }
    let share = |part: &str| {
        let length = part.len() * BASE_LENGTH_MAX / whole.len();
        part.get(..length).unwrap_or(part).to_owned()
    };
    format!("{}-{}", share(pod), share(asked))
}
