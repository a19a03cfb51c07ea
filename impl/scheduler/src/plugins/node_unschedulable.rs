//! NodeUnschedulable: no pod goes to a cordoned node, unless it tolerates that.

use k8s_openapi::api::core::v1::Taint;

use crate::framework::{Filter, Verdict};
use crate::node_info::{NodeInfo, PodInfo};
use crate::plugins::taint_toleration::{NO_SCHEDULE, tolerates};

/// Reads `spec.unschedulable`.
#[derive(Clone, Copy, Debug)]
pub struct NodeUnschedulable;

impl Filter for NodeUnschedulable {
    fn name(&self) -> &'static str {
        "NodeUnschedulable"
    }

    fn filter(&self, pod: &PodInfo, node: &NodeInfo) -> Verdict {
        if !node.is_unschedulable() || tolerates(pod, &unschedulable_taint()) {
            return Verdict::Feasible;
        }
        Verdict::unresolvable("node(s) were unschedulable")
    }
}

fn unschedulable_taint() -> Taint {
    Taint {
        key: "node.kubernetes.io/unschedulable".to_owned(),
        effect: NO_SCHEDULE.to_owned(),
        ..Taint::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{node_info, pod_info};

    #[test]
    fn a_cordoned_node_takes_only_pods_that_tolerate_it() {
        let toleration = json!([{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}]);
        let tolerant = pod_info(json!({"containers": [], "tolerations": toleration}));
        let plain = pod_info(json!({"containers": []}));
        let cordoned = node_info("a", json!({"spec": {"unschedulable": true}}));
        let open = node_info("b", json!({}));

        let refused = Verdict::unresolvable("node(s) were unschedulable");
        assert_eq!(NodeUnschedulable.filter(&plain, &cordoned), refused);
        assert_eq!(NodeUnschedulable.filter(&tolerant, &cordoned), Verdict::Feasible);
        assert_eq!(NodeUnschedulable.filter(&plain, &open), Verdict::Feasible);
    }
}
