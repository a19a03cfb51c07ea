//! The pods that a DaemonSet makes: each for one node, which it names in its affinity. The scheduler binds it.
//!
//! Source: CreatePodTemplate, ReplaceDaemonSetPodNodeNameNodeAffinity and GetTargetNodeName in
//! pkg/controller/daemon/util/daemonset_util.go (v1.36).

use std::collections::BTreeMap;

use api::node_fit::node_affinity;
use api::object::controller_reference;
use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetSpec};
use k8s_openapi::api::core::v1::{
    NodeSelector, NodeSelectorRequirement, NodeSelectorTerm, Pod, PodSpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::placement::add_tolerations;
use crate::ownership::{labels, name};
use crate::pods;

/// The label with the hash of the template.
pub(super) const HASH: &str = "controller-revision-hash";
const GENERATION: &str = "pod-template-generation";
const GENERATION_ANNOTATION: &str = "deprecated.daemonset.template.generation";
const NAME: &str = "metadata.name";

/// The specification of the pods, with what all of them tolerate.
pub(super) fn pod_spec(spec: &DaemonSetSpec) -> PodSpec {
    let mut pod_spec = spec.template.spec.clone().unwrap_or_default();
    add_tolerations(&mut pod_spec);
    pod_spec
}

/// The pod of one node, of the template with this hash.
pub(super) fn pod(daemon_set: &DaemonSet, (spec, hash): (&DaemonSetSpec, &str), node: &str) -> Pod {
    let metadata = spec.template.metadata.clone().unwrap_or_default();
    let mut labels: BTreeMap<String, String> = metadata.labels.unwrap_or_default();
    if let Some(generation) = generation(daemon_set) {
        labels.insert(GENERATION.to_owned(), generation.to_string());
    }
    labels.insert(HASH.to_owned(), hash.to_owned());
    let mut pod_spec = pod_spec(spec);
    pin(&mut pod_spec, node);
    Pod {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}-", name(&daemon_set.metadata))),
            namespace: daemon_set.metadata.namespace.clone(),
            labels: Some(labels),
            annotations: metadata.annotations,
            finalizers: metadata.finalizers,
            owner_references: Some(vec![controller_reference(daemon_set)]),
            ..ObjectMeta::default()
        },
        spec: Some(pod_spec),
        status: None,
    }
}

/// Puts the node in the place of all that the affinity requires of nodes.
fn pin(spec: &mut PodSpec, node: &str) {
    let requirement = NodeSelectorRequirement {
        key: NAME.to_owned(),
        operator: "In".to_owned(),
        values: Some(vec![node.to_owned()]),
    };
    let term = NodeSelectorTerm { match_fields: Some(vec![requirement]), match_expressions: None };
    let affinity = spec.affinity.get_or_insert_default().node_affinity.get_or_insert_default();
    affinity.required_during_scheduling_ignored_during_execution =
        Some(NodeSelector { node_selector_terms: vec![term] });
}

/// The node that a pod is bound to, or is meant for.
pub(super) fn target_node(pod: &Pod) -> Option<&str> {
    let node = pods::node_name(pod);
    if !node.is_empty() {
        return Some(node);
    }
    let affinity = node_affinity(pod.spec.as_ref()?)?;
    let required = affinity.required_during_scheduling_ignored_during_execution.as_ref()?;
    let fields = required.node_selector_terms.iter().flat_map(|term| term.match_fields.iter());
    let mut names = fields.flatten().filter(|field| field.key == NAME && field.operator == "In");
    match names.next()?.values.as_deref() {
        Some([node]) => Some(node),
        Some(_) | None => None,
    }
}

/// Whether a pod is of the template with this hash. Pods of old controllers only have its generation.
pub(super) fn is_updated(daemon_set: &DaemonSet, hash: &str, pod: &Pod) -> bool {
    let labels = labels(&pod.metadata);
    let generation = generation(daemon_set).map(|generation| generation.to_string());
    let has_generation = generation.is_some() && labels.get(GENERATION) == generation.as_ref();
    has_generation || labels.get(HASH).is_some_and(|found| found == hash)
}

/// How often the template has changed, as the API server counts it.
fn generation(daemon_set: &DaemonSet) -> Option<i64> {
    let annotations = daemon_set.metadata.annotations.as_ref()?;
    annotations.get(GENERATION_ANNOTATION)?.parse().ok()
}
