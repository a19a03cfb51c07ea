//! Which ordinal a pod has, and what the pod of an ordinal must be.
//!
//! Source: pkg/controller/statefulset/stateful_set_utils.go (v1.36). A name with a zero before its ordinal is
//! nobody's.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use api::object::controller_reference;
use k8s_openapi::api::apps::v1::{StatefulSet, StatefulSetSpec};
use k8s_openapi::api::core::v1::{PersistentVolumeClaimVolumeSource, Pod, PodSpec, Volume};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::claims;
use crate::ownership::name;

/// The label with the name of a pod, by which a Service finds that one.
pub(super) const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
/// The label with the ordinal of a pod.
pub(super) const POD_INDEX: &str = "apps.kubernetes.io/pod-index";
/// The label with the name of the revision that a pod is of.
const REVISION: &str = "controller-revision-hash";

/// The ordinals that a StatefulSet has; none when it has no replicas.
pub(super) fn ordinals(spec: &StatefulSetSpec) -> RangeInclusive<i64> {
    let start = spec.ordinals.as_ref().and_then(|ordinals| ordinals.start).unwrap_or(0);
    let start = i64::from(start);
    start..=start + i64::from(spec.replicas.unwrap_or(1)) - 1
}

/// The name of the pod of an ordinal.
pub(super) fn pod_name(stateful_set: &str, ordinal: i64) -> String {
    format!("{stateful_set}-{ordinal}")
}

/// Whether a pod is named as those of a StatefulSet are.
pub(super) fn is_member(stateful_set: &StatefulSet, pod: &Pod) -> bool {
    let parts = name(&pod.metadata).rsplit_once('-');
    parts.is_some_and(|(parent, ordinal)| {
        parent == name(&stateful_set.metadata)
            && !ordinal.is_empty()
            && ordinal.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The ordinal at the end of a name.
pub(super) fn ordinal(name: &str) -> Option<i64> {
    let (_, digits) = name.rsplit_once('-')?;
    let ordinal = digits.parse::<i32>().ok()?;
    (ordinal.to_string() == digits).then_some(i64::from(ordinal))
}

/// The name of the revision that a pod is of, empty when it does not say.
pub(super) fn revision(pod: &Pod) -> &str {
    let labels = pod.metadata.labels.as_ref();
    labels.and_then(|labels| labels.get(REVISION)).map_or("", String::as_str)
}

/// The pod of an ordinal, made from a StatefulSet as it was at a revision.
pub(super) fn new_pod(stateful_set: &StatefulSet, revision: &str, ordinal: i64) -> Pod {
    let spec = stateful_set.spec.clone().unwrap_or_default();
    let owner = name(&stateful_set.metadata);
    let metadata = spec.template.metadata.unwrap_or_default();
    let mut pod = Pod {
        metadata: ObjectMeta {
            name: Some(pod_name(owner, ordinal)),
            generate_name: Some(format!("{owner}-")),
            namespace: stateful_set.metadata.namespace.clone(),
            labels: metadata.labels,
            annotations: metadata.annotations,
            finalizers: metadata.finalizers,
            owner_references: Some(vec![controller_reference(stateful_set)]),
            ..ObjectMeta::default()
        },
        spec: Some(PodSpec {
            hostname: Some(pod_name(owner, ordinal)),
            subdomain: spec.service_name,
            ..spec.template.spec.unwrap_or_default()
        }),
        status: None,
    };
    identify(&mut pod, ordinal);
    labels_mut(&mut pod).insert(REVISION.to_owned(), revision.to_owned());
    use_claims(stateful_set, &mut pod, ordinal);
    pod
}

/// The same pod with the labels and volumes that it must have; `None` if it has them.
pub(super) fn repaired(stateful_set: &StatefulSet, pod: &Pod, ordinal: i64) -> Option<Pod> {
    let mut repaired = pod.clone();
    let labels = pod.metadata.labels.as_ref();
    if labels.and_then(|labels| labels.get(POD_NAME)) != pod.metadata.name.as_ref() {
        identify(&mut repaired, ordinal);
    }
    if !has_claims(stateful_set, pod, ordinal) {
        use_claims(stateful_set, &mut repaired, ordinal);
    }
    (repaired != *pod).then_some(repaired)
}

/// Whether a pod's volumes are the claims of its ordinal.
pub(super) fn has_claims(stateful_set: &StatefulSet, pod: &Pod, ordinal: i64) -> bool {
    let volumes = pod.spec.as_ref().and_then(|spec| spec.volumes.as_ref());
    claims::names(stateful_set, ordinal).all(|(template, claim)| {
        let mut volumes = volumes.into_iter().flatten();
        let volume = volumes.find(|volume| volume.name == template);
        let source = volume.and_then(|volume| volume.persistent_volume_claim.as_ref());
        source.is_some_and(|source| source.claim_name == claim)
    })
}

fn identify(pod: &mut Pod, ordinal: i64) {
    let name = name(&pod.metadata).to_owned();
    let labels = labels_mut(pod);
    labels.insert(POD_NAME.to_owned(), name);
    labels.insert(POD_INDEX.to_owned(), ordinal.to_string());
}

/// Claims stand before other volumes and instead of those of the same name.
fn use_claims(stateful_set: &StatefulSet, pod: &mut Pod, ordinal: i64) {
    let claimed = claims::names(stateful_set, ordinal).map(|(template, claim)| Volume {
        name: template.to_owned(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: claim,
            read_only: None,
        }),
        ..Volume::default()
    });
    let mut volumes: Vec<Volume> = claimed.collect();
    let spec = pod.spec.get_or_insert_default();
    let mut others = spec.volumes.take().unwrap_or_default();
    others.retain(|other| volumes.iter().all(|volume| volume.name != other.name));
    volumes.extend(others);
    spec.volumes = (!volumes.is_empty()).then_some(volumes);
}

fn labels_mut(pod: &mut Pod) -> &mut BTreeMap<String, String> {
    pod.metadata.labels.get_or_insert_default()
}
