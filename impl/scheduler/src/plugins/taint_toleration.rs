//! TaintToleration: taints keep pods away that do not tolerate them, or make their node a worse choice.

use api::node_fit;
use k8s_openapi::api::core::v1::Taint;

use crate::framework::{Filter, Score, Verdict, default_normalize_score};
use crate::node_info::{NodeInfo, PodInfo};

/// The effect that keeps new pods away.
pub(crate) const NO_SCHEDULE: &str = "NoSchedule";
const NO_EXECUTE: &str = "NoExecute";
const PREFER_NO_SCHEDULE: &str = "PreferNoSchedule";

/// Compares taints with tolerations.
#[derive(Clone, Copy, Debug)]
pub struct TaintToleration;

impl Filter for TaintToleration {
    fn name(&self) -> &'static str {
        "TaintToleration"
    }

    fn filter(&self, pod: &PodInfo, node: &NodeInfo) -> Verdict {
        let mut taints = node.taints().iter();
        let keeps_away = |taint: &Taint| {
            [NO_SCHEDULE, NO_EXECUTE].contains(&taint.effect.as_str()) && !tolerates(pod, taint)
        };
        if taints.any(keeps_away) {
            return Verdict::unresolvable("node(s) had untolerated taint(s)");
        }
        Verdict::Feasible
    }
}

impl Score for TaintToleration {
    fn name(&self) -> &'static str {
        "TaintToleration"
    }

    fn weight(&self) -> i64 {
        3
    }

    /// How many taints would rather not have the pod.
    fn score(&self, pod: &PodInfo, node: &NodeInfo) -> i64 {
        let taints = node.taints().iter();
        let averse = taints
            .filter(|taint| taint.effect == PREFER_NO_SCHEDULE && !tolerates(pod, taint))
            .count();
        i64::try_from(averse).unwrap_or(i64::MAX)
    }

    fn normalize_score(&self, scores: &mut [i64]) {
        default_normalize_score(scores, true);
    }
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
    use crate::testing::{node_info, pod_info};

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
            let verdict = TaintToleration.filter(&tolerant(&tolerations), &tainted(&taint));
            assert_eq!(verdict == Verdict::Feasible, feasible, "{tolerations}");
        }
    }

    #[test]
    fn a_taint_that_prefers_otherwise_only_lowers_the_score() {
        let taint = json!({"key": "busy", "effect": "PreferNoSchedule"});
        let (pod, node) = (tolerant(&json!([])), tainted(&taint));

        let mut scores = [TaintToleration.score(&pod, &node), 0];
        TaintToleration.normalize_score(&mut scores);

        assert_eq!(TaintToleration.filter(&pod, &node), Verdict::Feasible);
        assert_eq!(scores, [0, 100]);
    }

    fn tolerant(tolerations: &Value) -> PodInfo {
        pod_info(json!({"containers": [], "tolerations": tolerations}))
    }

    fn tainted(taint: &Value) -> NodeInfo {
        node_info("a", json!({"spec": {"taints": [taint]}}))
    }
}
