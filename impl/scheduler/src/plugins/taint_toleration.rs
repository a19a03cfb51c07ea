//! TaintToleration: taints keep pods away that do not tolerate them, or make their node a worse choice.

use api::node_fit;
use k8s_openapi::api::core::v1::{Node, Taint};

use crate::cluster::Cluster;
use crate::cycle::Cycle;
use crate::event::Event;
use crate::framework::{Filter, Plugin, Score, Verdict, default_normalize_score};
use crate::node_info::{NodeInfo, PodInfo};
use crate::scoring::Scoring;

/// The effect that keeps new pods away.
pub(crate) const NO_SCHEDULE: &str = "NoSchedule";
const NO_EXECUTE: &str = "NoExecute";
const PREFER_NO_SCHEDULE: &str = "PreferNoSchedule";

/// Compares taints with tolerations.
#[derive(Clone, Copy, Debug)]
pub struct TaintToleration;

impl Plugin for TaintToleration {
    fn name(&self) -> &'static str {
        "TaintToleration"
    }
}

impl Filter for TaintToleration {
    fn filter(&self, cycle: &Cycle<'_>, node: &NodeInfo) -> Verdict {
        if keep_away(cycle.pod, node.taints()) {
            return Verdict::unresolvable("node(s) had untolerated taint(s)");
        }
        Verdict::Feasible
    }

    fn is_local(&self) -> bool {
        true
    }

    fn may_help(&self, pod: &PodInfo, event: Event<'_>, _cluster: &Cluster) -> bool {
        let keeps_away = |node: &Node| {
            let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref());
            keep_away(pod, taints.unwrap_or_default())
        };
        event.node().is_some_and(|(old, new)| old.is_none_or(keeps_away) && !keeps_away(new))
    }
}

impl Score for TaintToleration {
    /// How many taints would rather not have the pod.
    fn score(&self, scoring: &Scoring<'_>, node: &NodeInfo) -> i64 {
        let is_averse = |taint: &&Taint| {
            taint.effect == PREFER_NO_SCHEDULE && !tolerates(scoring.cycle.pod, taint)
        };
        let averse = node.taints().iter().filter(is_averse).count();
        i64::try_from(averse).unwrap_or(i64::MAX)
    }

    fn is_local(&self) -> bool {
        true
    }

    fn normalize_score(&self, _scoring: &Scoring<'_>, scores: &mut [i64]) {
        default_normalize_score(scores, true);
    }
}

/// Whether one of the taints keeps the pod away.
pub(crate) fn keep_away(pod: &PodInfo, taints: &[Taint]) -> bool {
    let keeps_away = |taint: &Taint| {
        [NO_SCHEDULE, NO_EXECUTE].contains(&taint.effect.as_str()) && !tolerates(pod, taint)
    };
    taints.iter().any(keeps_away)
}

/// Whether one of the pod's tolerations matches the taint.
pub(crate) fn tolerates(pod: &PodInfo, taint: &Taint) -> bool {
    let mut tolerations = pod.spec().into_iter().flat_map(|spec| spec.tolerations.iter().flatten());
    tolerations.any(|toleration| node_fit::tolerates(toleration, taint))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{node, node_info, pod_info, scores, verdict};

    #[test]
    fn an_untolerated_taint_keeps_a_pod_away() {
        let taint = json!({"key": "gpu", "value": "yes", "effect": "NoSchedule"});
        let cases = [
            (json!([]), false),
            (json!([{"key": "gpu", "operator": "Exists"}]), true),
            (json!([{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]), true),
            (json!([{"key": "gpu", "value": "no"}]), false),
            (json!([{"key": "gpu", "value": "yes", "effect": "NoExecute"}]), false),
            (json!([{"operator": "Exists"}]), true),
        ];

        for (tolerations, feasible) in cases {
            let found = verdict(&TaintToleration, &tolerant(&tolerations), &tainted(&taint));
            assert_eq!(found == Verdict::Feasible, feasible, "{tolerations}");
        }
    }

    #[test]
    fn a_taint_that_prefers_otherwise_only_lowers_the_score() {
        let taint = json!({"key": "busy", "effect": "PreferNoSchedule"});
        let (pod, node) = (tolerant(&json!([])), tainted(&taint));

        let nodes = [node.clone(), node_info("b", json!({}))];
        let scores = scores(&TaintToleration, &pod, &nodes);

        assert_eq!(verdict(&TaintToleration, &pod, &node), Verdict::Feasible);
        assert_eq!(scores, [0, 100]);
    }

    #[test]
    fn a_node_that_loses_its_taint_may_help() {
        let taint = json!({"key": "gpu", "effect": "NoSchedule"});
        let tainted = node("a", json!({"spec": {"taints": [taint]}}));
        let (open, pod) = (node("a", json!({})), tolerant(&json!([])));
        let helps = |old: Option<&Node>, new: &Node| {
            let event = Event::Node { old, new: Some(new) };
            TaintToleration.may_help(&pod, event, &Cluster::default())
        };

        assert!(helps(Some(&tainted), &open));
        assert!(helps(None, &open));
        assert!(!helps(None, &tainted));
        assert!(!helps(Some(&open), &open));
    }

    fn tolerant(tolerations: &Value) -> PodInfo {
        pod_info(json!({"containers": [], "tolerations": tolerations}))
    }

    fn tainted(taint: &Value) -> NodeInfo {
        node_info("a", json!({"spec": {"taints": [taint]}}))
    }
}
