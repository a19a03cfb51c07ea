//! NodeAffinity: `spec.nodeSelector` and the required and preferred terms of `spec.affinity.nodeAffinity`.

use std::collections::BTreeSet;

use api::node_fit::{Place, node_affinity, selects, term_matches};
use k8s_openapi::api::core::v1::{Node, NodeSelectorTerm, PreferredSchedulingTerm};

use crate::cluster::Cluster;
use crate::config::NodeAffinityArgs;
use crate::cycle::{Cycle, CycleState};
use crate::event::Event;
use crate::framework::{Filter, Plugin, PreFilter, Score, Verdict, default_normalize_score};
use crate::node_info::{NodeInfo, PodInfo};
use crate::scoring::Scoring;

const NOT_SELECTED: &str = "node(s) didn't match Pod's node affinity/selector";
const NOT_ALLOWED: &str = "node(s) didn't match scheduler-enforced node affinity";

/// The only nodes that a pod names by their names, if all its terms do; or why it can run nowhere.
pub fn pre_filter(pod: &PodInfo) -> Result<Option<BTreeSet<String>>, String> {
    let required = pod
        .spec()
        .and_then(node_affinity)
        .and_then(|affinity| affinity.required_during_scheduling_ignored_during_execution.as_ref());
    let terms = required.map(|required| required.node_selector_terms.as_slice());
    let Some(terms) = terms.filter(|terms| !terms.is_empty()) else { return Ok(None) };
    let mut names = BTreeSet::new();
    for term in terms {
        let Some(of_term) = names_of(term) else { return Ok(None) };
        names.extend(of_term);
    }
    if names.is_empty() { Err("pod affinity terms conflict".to_owned()) } else { Ok(Some(names)) }
}

/// The names of nodes that a term asks for; `None` when it asks for none.
fn names_of(term: &NodeSelectorTerm) -> Option<BTreeSet<String>> {
    let asked =
        term.match_fields.iter().flatten().filter(|requirement| {
            requirement.key == "metadata.name" && requirement.operator == "In"
        });
    let sets = asked.map(|requirement| requirement.values.iter().flatten().cloned().collect());
    sets.reduce(|left: BTreeSet<String>, right| &left & &right)
}

/// Compares a node's labels with what a pod asks for, and what is asked of every pod's node.
#[derive(Clone, Debug, Default)]
pub struct NodeAffinity(pub NodeAffinityArgs);

impl NodeAffinity {
    /// Whether every pod may run on a node.
    fn allows(&self, place: Place<'_>) -> bool {
        let added = self.0.added_affinity.as_ref();
        let required = added
            .and_then(|added| added.required_during_scheduling_ignored_during_execution.as_ref());
        required.is_none_or(|required| {
            required.node_selector_terms.iter().any(|term| term_matches(term, place))
        })
    }
}

impl Plugin for NodeAffinity {
    fn name(&self) -> &'static str {
        "NodeAffinity"
    }
}

impl PreFilter for NodeAffinity {
    fn pre_filter(
        &self,
        (pod, _): (&PodInfo, &Cluster),
        state: &mut CycleState,
    ) -> Result<(), String> {
        state.nodes = pre_filter(pod)?;
        Ok(())
    }
}

impl Filter for NodeAffinity {
    fn filter(&self, cycle: &Cycle<'_>, node: &NodeInfo) -> Verdict {
        let Some(place) = node.place() else { return Verdict::unresolvable(NOT_SELECTED) };
        if !self.allows(place) {
            return Verdict::unresolvable(NOT_ALLOWED);
        }
        match cycle.pod.spec().is_none_or(|spec| selects(spec, place)) {
            true => Verdict::Feasible,
            false => Verdict::unresolvable(NOT_SELECTED),
        }
    }

    fn is_local(&self) -> bool {
        true
    }

    fn may_help(&self, pod: &PodInfo, event: Event<'_>, _cluster: &Cluster) -> bool {
        let Some(spec) = pod.spec() else { return false };
        let fits = |node: &Node| selects(spec, Place::of(node));
        event.node().is_some_and(|(old, new)| {
            self.allows(Place::of(new)) && !old.is_some_and(fits) && fits(new)
        })
    }
}

impl Score for NodeAffinity {
    /// The weights of the preferred terms that match.
    fn score(&self, scoring: &Scoring<'_>, node: &NodeInfo) -> i64 {
        let own = scoring.cycle.pod.spec().and_then(node_affinity);
        let affinities = own.into_iter().chain(&self.0.added_affinity);
        let preferred = affinities.flat_map(|terms| {
            terms.preferred_during_scheduling_ignored_during_execution.iter().flatten()
        });
        let matches = |term: &&PreferredSchedulingTerm| {
            node.place().is_some_and(|place| term_matches(&term.preference, place))
        };
        preferred.filter(matches).map(|term| i64::from(term.weight)).sum()
    }

    fn is_local(&self) -> bool {
        true
    }

    fn normalize_score(&self, _scoring: &Scoring<'_>, scores: &mut [i64]) {
        default_normalize_score(scores, false);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{node_info, pod_info, scores, verdict};

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
            let found = verdict(&NodeAffinity::default(), &pod(&spec), &node());
            assert_eq!(found == Verdict::Feasible, feasible, "{spec}");
        }
    }

    #[test]
    fn preferred_terms_add_their_weights() {
        let zone =
            json!({"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]});
        let cores = json!({"matchExpressions": [{"key": "cores", "operator": "Exists"}]});
        let terms = json!([{"weight": 7, "preference": zone}, {"weight": 3, "preference": cores}]);
        let preferred = json!({"preferredDuringSchedulingIgnoredDuringExecution": terms});
        let spec = json!({"affinity": {"nodeAffinity": preferred}});

        let other = node_info("b", json!({"metadata": {"labels": {"cores": "4"}}}));

        assert_eq!(scores(&NodeAffinity::default(), &pod(&spec), &[node(), other]), [100, 30]);
    }

    #[test]
    fn names_of_nodes_are_read_before_any_node_is_looked_at() {
        let term = |names: Value| json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": names}]});
        let both = json!({"matchFields": [
            {"key": "metadata.name", "operator": "In", "values": ["a", "b"]},
            {"key": "metadata.name", "operator": "In", "values": ["b", "c"]},
        ]});
        let none = json!({"matchFields": [
            {"key": "metadata.name", "operator": "In", "values": ["a"]},
            {"key": "metadata.name", "operator": "In", "values": ["b"]},
        ]});
        let zone = json!({"matchExpressions": [{"key": "zone", "operator": "Exists"}]});
        let read = |terms: Value| {
            let required = json!({"nodeSelectorTerms": terms});
            let affinity = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}});
            let names = pre_filter(&pod(&json!({"affinity": affinity})));
            names.map(|names| names.map(|names| names.into_iter().collect::<Vec<_>>().join(" ")))
        };

        assert_eq!(read(json!([term(json!(["a"])), term(json!(["b"]))])), Ok(Some("a b".into())));
        assert_eq!(read(json!([both])), Ok(Some("b".into())));
        assert_eq!(read(json!([term(json!(["a"])), zone])), Ok(None));
        assert_eq!(read(json!([none])), Err("pod affinity terms conflict".to_owned()));
        assert_eq!(pre_filter(&pod(&json!({}))), Ok(None));
    }

    #[test]
    fn a_node_that_begins_to_match_may_help() {
        let pod = pod(&json!({"nodeSelector": {"zone": "a"}}));
        let zone =
            |zone: &str| crate::testing::node("n", json!({"metadata": {"labels": {"zone": zone}}}));
        let helps = |old: Option<&Node>, new: &Node| {
            let event = Event::Node { old, new: Some(new) };
            NodeAffinity::default().may_help(&pod, event, &Cluster::default())
        };

        assert!(helps(Some(&zone("b")), &zone("a")));
        assert!(helps(None, &zone("a")));
        assert!(!helps(None, &zone("b")));
        assert!(!helps(Some(&zone("a")), &zone("a")));
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
