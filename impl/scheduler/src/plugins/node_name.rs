//! NodeName: a pod that names its node runs there or nowhere.

use crate::framework::{Filter, Verdict};
use crate::node_info::{NodeInfo, PodInfo};

/// Compares `spec.nodeName`.
#[derive(Clone, Copy, Debug)]
pub struct NodeName;

impl Filter for NodeName {
    fn name(&self) -> &'static str {
        "NodeName"
    }

    fn filter(&self, pod: &PodInfo, node: &NodeInfo) -> Verdict {
        let wanted = pod.spec().and_then(|spec| spec.node_name.as_deref()).unwrap_or_default();
        if wanted.is_empty() || wanted == node.name() {
            return Verdict::Feasible;
        }
        Verdict::unresolvable("node(s) didn't match the requested node name")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{node_info, pod_info};

    #[test]
    fn a_pod_runs_only_on_the_node_that_it_names() {
        let cases = [("", true), ("a", true), ("b", false)];

        for (wanted, feasible) in cases {
            let pod = pod_info(json!({"nodeName": wanted, "containers": []}));
            let verdict = NodeName.filter(&pod, &node_info("a", json!({})));
            assert_eq!(verdict == Verdict::Feasible, feasible, "{wanted}");
        }
    }
}
