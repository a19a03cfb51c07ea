//! NodeName: a pod that names its node runs there or nowhere.

use crate::cluster::Cluster;
use crate::cycle::Cycle;
use crate::event::Event;
use crate::framework::{Filter, Plugin, Verdict};
use crate::node_info::{NodeInfo, PodInfo};

/// Compares `spec.nodeName`.
#[derive(Clone, Copy, Debug)]
pub struct NodeName;

impl Plugin for NodeName {
    fn name(&self) -> &'static str {
        "NodeName"
    }
}

impl Filter for NodeName {
    fn filter(&self, cycle: &Cycle<'_>, node: &NodeInfo) -> Verdict {
        let wanted =
            cycle.pod.spec().and_then(|spec| spec.node_name.as_deref()).unwrap_or_default();
        if wanted.is_empty() || wanted == node.name() {
            return Verdict::Feasible;
        }
        Verdict::unresolvable("node(s) didn't match the requested node name")
    }

    fn is_local(&self) -> bool {
        true
    }

    fn may_help(&self, _pod: &PodInfo, event: Event<'_>, _cluster: &Cluster) -> bool {
        event.is_new_node()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{node_info, pod_info, verdict};

    #[test]
    fn a_pod_runs_only_on_the_node_that_it_names() {
        let cases = [("", true), ("a", true), ("b", false)];

        for (wanted, feasible) in cases {
            let pod = pod_info(json!({"nodeName": wanted, "containers": []}));
            let found = verdict(&NodeName, &pod, &node_info("a", json!({})));
            assert_eq!(found == Verdict::Feasible, feasible, "{wanted}");
        }
    }
}
