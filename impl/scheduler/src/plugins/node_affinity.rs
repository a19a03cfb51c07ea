//! NodeAffinity: `spec.nodeSelector` and the required and preferred terms of `spec.affinity.nodeAffinity`.

use api::selector::{Operator, Requirement};
use k8s_openapi::api::core::v1::{
    NodeAffinity as Terms, NodeSelectorRequirement, NodeSelectorTerm, PodSpec,
};

use crate::framework::{Filter, Score, Verdict, default_normalize_score};
use crate::node_info::{NodeInfo, PodInfo};

/// Compares a node's labels with what a pod asks for.
#[derive(Clone, Copy, Debug)]
pub struct NodeAffinity;

impl Filter for NodeAffinity {
    fn name(&self) -> &'static str {
        "NodeAffinity"
    }

    fn filter(&self, pod: &PodInfo, node: &NodeInfo) -> Verdict {
        if pod.spec().is_none_or(|spec| selects(spec, node)) {
            return Verdict::Feasible;
        }
        Verdict::unresolvable("node(s) didn't match Pod's node affinity/selector")
    }
}

impl Score for NodeAffinity {
    fn name(&self) -> &'static str {
        "NodeAffinity"
    }

    fn weight(&self) -> i64 {
        2
    }

    /// The weights of the preferred terms that match.
    fn score(&self, pod: &PodInfo, node: &NodeInfo) -> i64 {
        let terms = pod.spec().and_then(terms);
        let preferred = terms.into_iter().flat_map(|terms| {
            terms.preferred_during_scheduling_ignored_during_execution.iter().flatten()
        });
        preferred
            .filter(|term| matches(&term.preference, node))
            .map(|term| i64::from(term.weight))
            .sum()
    }

    fn normalize_score(&self, scores: &mut [i64]) {
        default_normalize_score(scores, false);
    }
}

fn selects(spec: &PodSpec, node: &NodeInfo) -> bool {
    let mut labels = spec.node_selector.iter().flatten();
    let required = terms(spec)
        .and_then(|terms| terms.required_during_scheduling_ignored_during_execution.as_ref());
    labels.all(|(key, value)| node.label(key) == Some(value.as_str()))
        && required.is_none_or(|required| {
            required.node_selector_terms.iter().any(|term| matches(term, node))
        })
}

fn terms(spec: &PodSpec) -> Option<&Terms> {
    spec.affinity.as_ref()?.node_affinity.as_ref()
}

/// A term without requirements matches nothing.
fn matches(term: &NodeSelectorTerm, node: &NodeInfo) -> bool {
    let expressions = term.match_expressions.as_deref().unwrap_or_default();
    let fields = term.match_fields.as_deref().unwrap_or_default();
    let field = |requirement: &NodeSelectorRequirement| {
        requirement.key == "metadata.name" && meets(requirement, Some(node.name()))
    };
    !(expressions.is_empty() && fields.is_empty())
        && expressions.iter().all(|expression| meets(expression, node.label(&expression.key)))
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
    let values = requirement.values.iter().flatten().cloned().collect();
    Requirement { key: requirement.key.clone(), operator, values }.matches(value)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{node_info, pod_info};

    #[test]
    fn a_pod_runs_only_on_nodes_that_it_selects() {
        let cases = [
            (json!({"nodeSelector": {"zone": "a"}}), true),
            (json!({"nodeSelector": {"zone": "b"}}), false),
            (required("zone", "In", json!(["a", "b"])), true),
            (required("zone", "NotIn", json!(["a"])), false),
            (required("disk", "Exists", json!([])), false),
            (required("disk", "DoesNotExist", json!([])), true),
            (required("cores", "Gt", json!(["4"])), true),
            (required("cores", "Lt", json!(["4"])), false),
        ];

        for (spec, feasible) in cases {
            let verdict = NodeAffinity.filter(&pod(&spec), &node());
            assert_eq!(verdict == Verdict::Feasible, feasible, "{spec}");
        }
    }

    #[test]
    fn preferred_terms_add_their_weights() {
        let zone =
            json!({"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]});
        let terms = json!([{"weight": 7, "preference": zone}]);
        let preferred = json!({"preferredDuringSchedulingIgnoredDuringExecution": terms});
        let spec = json!({"affinity": {"nodeAffinity": preferred}});

        assert_eq!(NodeAffinity.score(&pod(&spec), &node()), 7);
    }

    fn required(key: &str, operator: &str, values: Value) -> Value {
        let requirement = json!({"key": key, "operator": operator, "values": values});
        let terms = json!({"nodeSelectorTerms": [{"matchExpressions": [requirement]}]});
        let required = json!({"requiredDuringSchedulingIgnoredDuringExecution": terms});
        json!({"affinity": {"nodeAffinity": required}})
    }

    fn pod(spec: &Value) -> PodInfo {
        let mut spec = spec.clone();
        spec["containers"] = json!([]);
        pod_info(spec)
    }

    fn node() -> NodeInfo {
        node_info("node-1", json!({"metadata": {"labels": {"zone": "a", "cores": "8"}}}))
    }
}
