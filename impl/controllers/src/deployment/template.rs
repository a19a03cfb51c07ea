//! Which ReplicaSet belongs to a template: compared without the hash, named by it.
//!
//! The hash is FNV-1a over the template's JSON. Upstream hashes a printout of Go values, which no other
//! program can repeat; nothing depends on the hash but the names.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::PodTemplateSpec;

/// The label that tells the ReplicaSets of a Deployment and their pods apart.
pub(super) const POD_TEMPLATE_HASH: &str = "pod-template-hash";

/// Digits become letters that form no words. Source: apimachinery's util/rand `SafeEncodeString` (v1.36).
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// The hash of a template, as it stands in names and labels.
pub(super) fn hash(template: &PodTemplateSpec, collision_count: Option<i32>) -> String {
    let json = serde_json::to_vec(template).expect("a pod template is JSON");
    let salt = collision_count.map(i32::to_le_bytes);
    let bytes = json.into_iter().chain(salt.into_iter().flatten());
    let hash = bytes
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let digits = hash.to_string().into_bytes();
    digits
        .into_iter()
        .map(|digit| char::from(ALPHABET[usize::from(digit) % ALPHABET.len()]))
        .collect()
}

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
