//! Which ReplicaSet belongs to a template: compared without the hash, named by it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::PodTemplateSpec;

/// The label that tells the ReplicaSets of a Deployment and their pods apart.
pub(super) const POD_TEMPLATE_HASH: &str = "pod-template-hash";

/// Whether two templates are the same, but for the hash in their labels.
pub(super) fn equal_ignoring_hash(left: &PodTemplateSpec, right: &PodTemplateSpec) -> bool {
    without_hash(left) == without_hash(right)
}

/// These labels and the hash.
pub(super) fn with_hash(
    labels: Option<&BTreeMap<String, String>>,
    hash: &str,
) -> BTreeMap<String, String> {
    let mut labels = labels.cloned().unwrap_or_default();
    labels.insert(POD_TEMPLATE_HASH.to_owned(), hash.to_owned());
    labels
}

fn without_hash(template: &PodTemplateSpec) -> PodTemplateSpec {
    let mut template = template.clone();
    let mut metadata = template.metadata.unwrap_or_default();
    let mut labels = metadata.labels.unwrap_or_default();
    labels.remove(POD_TEMPLATE_HASH);
    metadata.labels = Some(labels);
    metadata.annotations = Some(metadata.annotations.unwrap_or_default());
    template.metadata = Some(metadata);
    template
}
