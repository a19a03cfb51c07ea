//! NodeAffinity: `spec.nodeSelector` and the required and preferred terms of `spec.affinity.nodeAffinity`.

use api::node_fit::{node_affinity, selects, term_matches};
use k8s_openapi::api::core::v1::PreferredSchedulingTerm;

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
        let fits = |spec| node.place().is_some_and(|place| selects(spec, place));
        if pod.spec().is_none_or(fits) {
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
        let terms = pod.spec().and_then(node_affinity);
        let preferred = terms.into_iter().flat_map(|terms| {
            terms.preferred_during_scheduling_ignored_during_execution.iter().flatten()
        });
        let matches = |term: &&PreferredSchedulingTerm| {
            node.place().is_some_and(|place| term_matches(&term.preference, place))
        };
        preferred.filter(matches).map(|term| i64::from(term.weight)).sum()
    }

    fn normalize_score(&self, scores: &mut [i64]) {
        default_normalize_score(scores, false);
    }
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
