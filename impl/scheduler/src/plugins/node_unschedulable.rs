//! NodeUnschedulable: no pod goes to a cordoned node, unless it tolerates that.

use k8s_openapi::api::core::v1::{Node, Taint};

use crate::cluster::Cluster;
use crate::cycle::Cycle;
use crate::event::Event;
use crate::framework::{Filter, Plugin, Verdict};
use crate::node_info::{NodeInfo, PodInfo};
use crate::plugins::taint_toleration::{NO_SCHEDULE, tolerates};

/// Reads `spec.unschedulable`.
#[derive(Clone, Copy, Debug)]
pub struct NodeUnschedulable;

impl Plugin for NodeUnschedulable {
    fn name(&self) -> &'static str {
        "NodeUnschedulable"
    }
}

impl Filter for NodeUnschedulable {
    fn filter(&self, cycle: &Cycle<'_>, node: &NodeInfo) -> Verdict {
        if !node.is_unschedulable() || tolerates(cycle.pod, &unschedulable_taint()) {
            return Verdict::Feasible;
        }
        Verdict::unresolvable("node(s) were unschedulable")
    }

    fn is_local(&self) -> bool {
        true
    }

    fn may_help(&self, _pod: &PodInfo, event: Event<'_>, _cluster: &Cluster) -> bool {
        let is_cordoned =
            |node: &Node| node.spec.as_ref().and_then(|spec| spec.unschedulable) == Some(true);
        event.node().is_some_and(|(old, new)| old.is_none_or(is_cordoned) && !is_cordoned(new))
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
    use crate::testing::{node, node_info, pod_info, verdict};

    #[test]
    fn a_cordoned_node_takes_only_pods_that_tolerate_it() {
        let toleration = json!([{"key": "node.kubernetes.io/unschedulable", "operator": "Exists"}]);
        let tolerant = pod_info(json!({"containers": [], "tolerations": toleration}));
        let plain = pod_info(json!({"containers": []}));
        let cordoned = node_info("a", json!({"spec": {"unschedulable": true}}));
        let open = node_info("b", json!({}));

        let refused = Verdict::unresolvable("node(s) were unschedulable");
        assert_eq!(verdict(&NodeUnschedulable, &plain, &cordoned), refused);
        assert_eq!(verdict(&NodeUnschedulable, &tolerant, &cordoned), Verdict::Feasible);
        assert_eq!(verdict(&NodeUnschedulable, &plain, &open), Verdict::Feasible);
    }

    #[test]
    fn a_node_that_is_uncordoned_may_help() {
        let pod = pod_info(json!({"containers": []}));
        let cordoned = node("a", json!({"spec": {"unschedulable": true}}));
        let open = node("a", json!({}));
        let helps = |old: Option<&Node>, new: &Node| {
            let event = Event::Node { old, new: Some(new) };
            NodeUnschedulable.may_help(&pod, event, &Cluster::default())
        };

        assert!(helps(Some(&cordoned), &open));
        assert!(helps(None, &open));
        assert!(!helps(None, &cordoned));
        assert!(!helps(Some(&open), &open));
    }
}
