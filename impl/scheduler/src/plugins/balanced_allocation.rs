//! NodeResourcesBalancedAllocation: a node whose resources are used alike wastes none.
//!
//! Source: framework/plugins/noderesources/balanced_allocation.go (v1.36). The score is the gain in
//! balance that the pod brings. A pod that requests none of them is not scored.

use crate::config::{NodeResourcesBalancedAllocationArgs, PluginArgs};
use crate::framework::{Plugin, SCORE_MAX, Score};
use crate::node_info::NodeInfo;
use crate::plugins::resource_allocation::{Allocation, Weighed};
use crate::scoring::Scoring;

/// Compares the balance of a node before and after.
#[derive(Clone, Debug)]
pub struct NodeResourcesBalancedAllocation(Weighed);

impl NodeResourcesBalancedAllocation {
    /// Told its arguments.
    pub fn new(args: &NodeResourcesBalancedAllocationArgs) -> Self {
        Self(Weighed::new(&args.resources))
    }
}

impl Default for NodeResourcesBalancedAllocation {
    fn default() -> Self {
        let mut args = NodeResourcesBalancedAllocationArgs::default();
        args.set_defaults();
        Self::new(&args)
    }
}

impl Plugin for NodeResourcesBalancedAllocation {
    fn name(&self) -> &'static str {
        "NodeResourcesBalancedAllocation"
    }
}

impl Score for NodeResourcesBalancedAllocation {
    fn score(&self, scoring: &Scoring<'_>, node: &NodeInfo) -> i64 {
        let pod = scoring.cycle.pod;
        if self.0.none_requested(pod) {
            return 0;
        }
        let share = |taken: i64, of: i64| (taken as f64 / of as f64).min(1.0);
        let all = self.0.requested(pod, node);
        let with_pod = all.clone().map(|one: Allocation| share(one.requested(), one.allocatable));
        let without = all.map(|one: Allocation| share(one.allocated, one.allocatable));
        let gain = balance(with_pod) - balance(without);
        SCORE_MAX / 2 + (SCORE_MAX / 2 + gain) / 2
    }

    fn is_local(&self) -> bool {
        true
    }
}

/// 100 when all shares are alike, down to 50.
fn balance(shares: impl Iterator<Item = f64> + Clone) -> i64 {
    let count = shares.clone().count();
    let mean = shares.clone().sum::<f64>() / count as f64;
    let deviation = match count {
        0 | 1 => 0.0,
        2 => shares.map(|share| (share - mean).abs()).sum::<f64>() / 2.0,
        count => {
            let squares: f64 = shares.map(|share| (share - mean).powi(2)).sum();
            (squares / count as f64).sqrt()
        }
    };
    ((1.0 - deviation) * SCORE_MAX as f64) as i64
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
        let score =
            |pod: &PodInfo| scores(&NodeResourcesBalancedAllocation::default(), pod, &nodes);
        assert_eq!((score(&evens_out), score(&tilts_more)), (vec![87], vec![62]));
        assert_eq!(score(&nothing), [0]);
    }

    #[test]
    fn any_resources_can_be_balanced() {
        let gpu = "example.com/gpu";
        let args = json!({"resources": [{"name": "cpu"}, {"name": "memory"}, {"name": gpu}]});
        let mut args: NodeResourcesBalancedAllocationArgs = serde_json::from_value(args).unwrap();
        args.set_defaults();
        let plugin = NodeResourcesBalancedAllocation::new(&args);
        let requests = json!({"cpu": "1", "memory": "1Gi", gpu: "1"});
        let container = json!({"name": "c", "resources": {"requests": requests}});
        let pod = pod_info(json!({"containers": [container]}));
        let allocatable = json!({"cpu": "2", "memory": "2Gi", "pods": "10", gpu: "1"});
        let node = node_info("a", json!({"status": {"allocatable": allocatable}}));

        // Shares of 1/2, 1/2 and 1 deviate by 0.2357 from their mean.
        assert_eq!(scores(&plugin, &pod, &[node]), [63]);
    }
}
