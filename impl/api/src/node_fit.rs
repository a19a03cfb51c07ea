//! What a pod says of the nodes that it may run on: node selectors, required node affinity, tolerations.
//!
//! Source: component-helpers/scheduling/corev1 (v1.36), without the tolerations' operators Lt and Gt, which are
//! off.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Node, NodeAffinity, NodeSelectorRequirement, NodeSelectorTerm, PodSpec, Taint, Toleration,
};
use k8s_openapi::api::resource::v1::{DeviceTaint, DeviceToleration};

use crate::selector::Operator;

/// The name and labels of a node.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    name: &'a str,
    labels: Option<&'a BTreeMap<String, String>>,
}

impl<'a> Place<'a> {
    /// Those of a node.
    pub fn of(node: &'a Node) -> Self {
        Self {
            name: node.metadata.name.as_deref().unwrap_or_default(),
            labels: node.metadata.labels.as_ref(),
        }
    }

    fn label(&self, key: &str) -> Option<&'a str> {
        self.labels?.get(key).map(String::as_str)
    }
}

/// Whether a pod may run on a node by its node selector and its required node affinity.
pub fn selects(spec: &PodSpec, place: Place<'_>) -> bool {
    let mut labels = spec.node_selector.iter().flatten();
    let required = node_affinity(spec)
        .and_then(|affinity| affinity.required_during_scheduling_ignored_during_execution.as_ref());
    labels.all(|(key, value)| place.label(key) == Some(value.as_str()))
        && required.is_none_or(|required| {
            required.node_selector_terms.iter().any(|term| term_matches(term, place))
        })
}

/// The node affinity of a pod.
pub fn node_affinity(spec: &PodSpec) -> Option<&NodeAffinity> {
    spec.affinity.as_ref()?.node_affinity.as_ref()
}

/// Whether a term matches a node. One without requirements matches nothing.
pub fn term_matches(term: &NodeSelectorTerm, place: Place<'_>) -> bool {
    let expressions = term.match_expressions.as_deref().unwrap_or_default();
    let fields = term.match_fields.as_deref().unwrap_or_default();
    let field = |requirement: &NodeSelectorRequirement| {
        requirement.key == "metadata.name" && meets(requirement, Some(place.name))
    };
    !(expressions.is_empty() && fields.is_empty())
        && expressions.iter().all(|expression| meets(expression, place.label(&expression.key)))
        && fields.iter().all(field)
}

fn meets(requirement: &NodeSelectorRequirement, value: Option<&str>) -> bool {
    let operator = match requirement.operator.as_str() {
        "In" => Operator::In,
        "NotIn" => Operator::NotIn,
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        "Gt" => Operator::GreaterThan,
        "Lt" => Operator::LessThan,
        _ => return false,
    };
    let values = requirement.values.as_deref().unwrap_or_default();
    let is_among = |value: &str| values.iter().any(|allowed| allowed == value);
    operator.holds(value, is_among, values.iter().map(String::as_str).min())
}

/// Whether a toleration matches a taint.
pub fn tolerates(toleration: &Toleration, taint: &Taint) -> bool {
    let Toleration { effect, key, operator, value, .. } = toleration;
    let tainted = [&taint.effect, &taint.key, taint.value.as_deref().unwrap_or_default()];
    matches([effect, key, operator, value], tainted)
}

/// Whether a toleration of devices matches a taint of one. Source: `ToleratesTaint`,
/// staging/src/k8s.io/dynamic-resource-allocation/resourceclaim/devicetoleration.go (v1.36).
pub fn tolerates_device(toleration: &DeviceToleration, taint: &DeviceTaint) -> bool {
    let DeviceToleration { effect, key, operator, value, .. } = toleration;
    let tainted = [&taint.effect, &taint.key, taint.value.as_deref().unwrap_or_default()];
    matches([effect, key, operator, value], tainted)
}

/// Effect, key, operator and value that are tolerated, and the effect, key and value that there are.
fn matches(tolerated: [&Option<String>; 4], [effect, key, value]: [&str; 3]) -> bool {
    let [any_effect, any_key, operator, wanted] =
        tolerated.map(|text| text.as_deref().unwrap_or_default());
    let same_value = match operator {
        "" | "Equal" => wanted == value,
        operator => operator == "Exists",
    };
    (any_effect.is_empty() || any_effect == effect)
        && (any_key.is_empty() || any_key == key)
        && same_value
}
