//! NodeResourcesFit: a node has room for what a pod requests; the emptier, the better.
//!
//! Source: framework/plugins/noderesources/fit.go and least_allocated.go (v1.36).

use crate::framework::{Filter, SCORE_MAX, Score, Verdict};
use crate::node_info::{NodeInfo, PodInfo};
use crate::resources::Resources;

/// Compares requests with what is left.
#[derive(Clone, Copy, Debug)]
pub struct NodeResourcesFit;

impl Filter for NodeResourcesFit {
    fn name(&self) -> &'static str {
        "NodeResourcesFit"
    }

    fn filter(&self, pod: &PodInfo, node: &NodeInfo) -> Verdict {
        let lacking = insufficient(pod, node);
        let unresolvable = lacking.iter().any(|lack| lack.exceeds_allocatable);
        let reasons: Vec<String> = lacking.into_iter().map(|lack| lack.reason).collect();
        if reasons.is_empty() {
            Verdict::Feasible
        } else if unresolvable {
            Verdict::UnschedulableAndUnresolvable(reasons)
        } else {
            Verdict::Unschedulable(reasons)
        }
    }
}

impl Score for NodeResourcesFit {
    fn name(&self) -> &'static str {
        "NodeResourcesFit"
    }

    fn weight(&self) -> i64 {
        1
    }

    /// LeastAllocated: the mean share of cpu and memory that stays free.
    fn score(&self, pod: &PodInfo, node: &NodeInfo) -> i64 {
        let (used, wanted) = (&node.non_zero_requested, &pod.requests.non_zero);
        let shares = [
            (used.milli_cpu.saturating_add(wanted.milli_cpu), node.allocatable.milli_cpu),
            (used.memory.saturating_add(wanted.memory), node.allocatable.memory),
        ];
        let scores: Vec<i64> = shares
            .into_iter()
            .filter(|(_, capacity)| *capacity != 0)
            .map(|(requested, capacity)| least_requested_score(requested, capacity))
            .collect();
        let count = i64::try_from(scores.len()).unwrap_or(i64::MAX);
        if count == 0 { 0 } else { scores.iter().sum::<i64>() / count }
    }
}

/// A resource of which there is not enough.
struct Lack {
    reason: String,
    /// Whether the node could not give as much even if it were empty.
    exceeds_allocatable: bool,
}

fn insufficient(pod: &PodInfo, node: &NodeInfo) -> Vec<Lack> {
    let (wanted, used, all) = (&pod.requests.requested, &node.requested, &node.allocatable);
    let mut lacking = vec![];
    if i64::try_from(node.pods_len()).unwrap_or(i64::MAX) >= all.pods {
        lacking.push(Lack { reason: "Too many pods".to_owned(), exceeds_allocatable: false });
    }
    let mut check = |name: &str, wanted: i64, used: i64, all: i64| {
        if wanted > 0 && wanted > all.saturating_sub(used) {
            let reason = format!("Insufficient {name}");
            lacking.push(Lack { reason, exceeds_allocatable: wanted > all });
        }
    };
    check("cpu", wanted.milli_cpu, used.milli_cpu, all.milli_cpu);
    check("memory", wanted.memory, used.memory, all.memory);
    check(
        "ephemeral-storage",
        wanted.ephemeral_storage,
        used.ephemeral_storage,
        all.ephemeral_storage,
    );
    for (name, wanted) in &wanted.scalar {
        let amount = |resources: &Resources| resources.scalar.get(name).copied().unwrap_or(0);
        check(name, *wanted, amount(used), amount(all));
    }
    lacking
}

fn least_requested_score(requested: i64, capacity: i64) -> i64 {
    if requested > capacity {
        return 0;
    }
    let free = i128::from(capacity) - i128::from(requested);
    let score = free * i128::from(SCORE_MAX) / i128::from(capacity);
    i64::try_from(score).unwrap_or(SCORE_MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{node_info, pod_info};

    #[test]
    fn a_node_must_have_room_for_every_resource() {
        let unschedulable = |reason: &str| Verdict::Unschedulable(vec![reason.to_owned()]);
        let cases = [
            (json!({"cpu": "1", "memory": "1Gi"}), Verdict::Feasible),
            (json!({"cpu": "1500m"}), unschedulable("Insufficient cpu")),
            (json!({"cpu": "3"}), Verdict::unresolvable("Insufficient cpu")),
            (json!({"memory": "1537Mi"}), unschedulable("Insufficient memory")),
            (
                json!({"example.com/gpu": "1"}),
                Verdict::unresolvable("Insufficient example.com/gpu"),
            ),
        ];

        for (requests, expected) in cases {
            let verdict = NodeResourcesFit.filter(&pod(&requests), &half_full_node());
            assert_eq!(verdict, expected, "{requests}");
        }
    }

    #[test]
    fn a_node_takes_no_more_pods_than_it_allows() {
        let allocatable = json!({"cpu": "2", "memory": "2Gi", "pods": "0"});
        let node = node_info("a", json!({"status": {"allocatable": allocatable}}));

        let verdict = NodeResourcesFit.filter(&pod(&json!({})), &node);

        assert_eq!(verdict, Verdict::Unschedulable(vec!["Too many pods".to_owned()]));
    }

    #[test]
    fn the_emptier_node_scores_higher() {
        let pod = pod(&json!({"cpu": "500m", "memory": "512Mi"}));
        let empty = node_info("a", json!({}));

        assert_eq!(NodeResourcesFit.score(&pod, &empty), 75);
        assert_eq!(NodeResourcesFit.score(&pod, &half_full_node()), 37);
    }

    fn pod(requests: &Value) -> PodInfo {
        pod_info(json!({"containers": [{"name": "c", "resources": {"requests": requests}}]}))
    }

    /// Two cpus and two GiB, of which one cpu and half a GiB are taken.
    fn half_full_node() -> NodeInfo {
        let mut node = node_info("a", json!({}));
        node.add_pod(pod(&json!({"cpu": "1", "memory": "512Mi"})));
        node
    }
}
