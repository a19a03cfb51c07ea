//! NodeResourcesBalancedAllocation: a node whose cpu and memory are used alike wastes neither.
//!
//! Source: framework/plugins/noderesources/balanced_allocation.go (v1.36). The score is the gain in
//! balance that the pod brings. A pod that requests nothing is not scored.

use crate::framework::{SCORE_MAX, Score};
use crate::node_info::NodeInfo;
use crate::resources::Resources;
use crate::scoring::Scoring;

/// Compares the balance of a node before and after.
#[derive(Clone, Copy, Debug)]
pub struct NodeResourcesBalancedAllocation;

impl Score for NodeResourcesBalancedAllocation {
    fn name(&self) -> &'static str {
        "NodeResourcesBalancedAllocation"
    }

    fn weight(&self) -> i64 {
        1
    }

    fn score(&self, scoring: &Scoring<'_>, node: &NodeInfo) -> i64 {
        let pod = scoring.cycle.pod;
        if pod.requests.is_best_effort() {
            return 0;
        }
        let mut with_pod = node.requested.clone();
        with_pod.add(&pod.requests.requested);
        let gain =
            balance(&with_pod, &node.allocatable) - balance(&node.requested, &node.allocatable);
        SCORE_MAX / 2 + (SCORE_MAX / 2 + gain) / 2
    }
}

/// 100 when cpu and memory are used alike, down to 50.
fn balance(requested: &Resources, allocatable: &Resources) -> i64 {
    let shares =
        [(requested.milli_cpu, allocatable.milli_cpu), (requested.memory, allocatable.memory)];
    let [cpu, memory] = shares.map(|(requested, allocatable)| share(requested, allocatable));
    let deviation = match (cpu, memory) {
        (Some(cpu), Some(memory)) => ((cpu - memory) / 2.0).abs(),
        (Some(_), None) | (None, Some(_)) | (None, None) => 0.0,
    };
    ((1.0 - deviation) * SCORE_MAX as f64) as i64
}

/// The used share, at most all of it; `None` of a resource that the node does not have.
fn share(requested: i64, allocatable: i64) -> Option<f64> {
    (allocatable != 0).then(|| (requested as f64 / allocatable as f64).min(1.0))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::node_info::PodInfo;
    use crate::testing::{node_info, pod_info, scores};

    #[test]
    fn a_pod_that_evens_out_a_node_is_welcome() {
        let request = |requests: Value| {
            let container = json!({"name": "c", "resources": {"requests": requests}});
            pod_info(json!({"containers": [container]}))
        };
        let mut node = node_info("a", json!({}));
        node.add_pod(request(json!({"cpu": "1"})));

        let evens_out = request(json!({"memory": "1Gi"}));
        let tilts_more = request(json!({"cpu": "1"}));
        let nothing = request(json!({}));

        let nodes = [node];
        let score = |pod: &PodInfo| scores(&NodeResourcesBalancedAllocation, pod, &nodes);
        assert_eq!((score(&evens_out), score(&tilts_more)), (vec![87], vec![62]));
        assert_eq!(score(&nothing), [0]);
    }
}
