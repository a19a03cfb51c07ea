//! NodePorts: a port of a node is taken by one pod.
//!
//! Source: framework/plugins/nodeports (v1.36).

use crate::cluster::Cluster;
use crate::cycle::Cycle;
use crate::event::Event;
use crate::framework::{Filter, Plugin, Verdict};
use crate::node_info::{NodeInfo, PodInfo};

const TAKEN: &str = "node(s) didn't have free ports for the requested pod ports";

/// Compares the ports that a pod wants with those that are taken.
#[derive(Clone, Copy, Debug)]
pub struct NodePorts;

impl Plugin for NodePorts {
    fn name(&self) -> &'static str {
        "NodePorts"
    }
}

impl Filter for NodePorts {
    fn filter(&self, cycle: &Cycle<'_>, node: &NodeInfo) -> Verdict {
        if node.used_ports.conflict_with(&cycle.pod.host_ports) {
            return Verdict::Unschedulable(vec![TAKEN.to_owned()]);
        }
        Verdict::Feasible
    }

    fn is_local(&self) -> bool {
        true
    }

    fn may_help(&self, pod: &PodInfo, event: Event<'_>, _cluster: &Cluster) -> bool {
        let frees = |gone: &PodInfo| {
            let ports = &gone.host_ports;
            ports.iter().any(|port| pod.host_ports.iter().any(|own| own.conflicts_with(port)))
        };
        event.is_new_node() || event.freed_by().is_some_and(frees)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{node_info, pod_info, verdict};

    fn with_port(port: &Value) -> PodInfo {
        pod_info(json!({"containers": [{"name": "c", "ports": [port]}]}))
    }

    #[test]
    fn a_port_is_taken_by_one_pod_of_a_node() {
        let cases = [
            (json!({"hostPort": 80}), json!({"hostPort": 80}), false),
            (json!({"hostPort": 80}), json!({"hostPort": 81}), true),
            (json!({"hostPort": 80}), json!({"hostPort": 80, "protocol": "UDP"}), true),
            (json!({"hostPort": 80, "hostIP": "10.0.0.1"}), json!({"hostPort": 80}), false),
            (json!({"hostPort": 80}), json!({"hostPort": 80, "hostIP": "10.0.0.1"}), false),
            (
                json!({"hostPort": 80, "hostIP": "10.0.0.1"}),
                json!({"hostPort": 80, "hostIP": "10.0.0.2"}),
                true,
            ),
            (json!({"containerPort": 80}), json!({"containerPort": 80}), true),
        ];

        for (taken, wanted, feasible) in cases {
            let mut node = node_info("a", json!({}));
            node.add_pod(with_port(&taken));
            let found = verdict(&NodePorts, &with_port(&wanted), &node);
            let refused = Verdict::Unschedulable(vec![TAKEN.to_owned()]);
            let expected = if feasible { Verdict::Feasible } else { refused };
            assert_eq!(found, expected, "{taken} {wanted}");
        }
    }

    /// A port of a generated pod: its address, 0 for every one, its protocol and its number.
    type Drawn = (usize, usize, i32);

    fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
        proptest::collection::vec((0..3_usize, 0..2_usize, 80..83_i32), 0..3)
    }

    fn made(name: usize, ports: &[Drawn]) -> PodInfo {
        let port = |(address, protocol, number): &Drawn| {
            let address = ["0.0.0.0", "10.0.0.1", "10.0.0.2"][*address];
            let protocol = ["TCP", "UDP"][*protocol];
            json!({"hostPort": number, "hostIP": address, "protocol": protocol})
        };
        let ports: Vec<Value> = ports.iter().map(port).collect();
        let spec = json!({"containers": [{"name": "c", "ports": ports}]});
        PodInfo::new(crate::testing::pod_with(&name.to_string(), spec))
    }

    proptest! {
        /// The rule said once more: each pair of ports is compared, also after pods have come and gone.
        #[test]
        fn counting_ports_says_what_comparing_each_pair_says(
            pods in proptest::collection::vec((drawn(), any::<bool>()), 0..4),
            wanted in drawn(),
        ) {
            let mut node = node_info("a", json!({}));
            for (name, (ports, _)) in pods.iter().enumerate() {
                node.add_pod(made(name, ports));
            }
            for (name, (ports, stays)) in pods.iter().enumerate() {
                if !stays {
                    node.remove_pod(&made(name, ports).key());
                }
            }
            let stay = pods.iter().filter(|(_, stays)| *stays).flat_map(|(ports, _)| ports);
            let excludes = |one: &Drawn, two: &Drawn| {
                (one.1, one.2) == (two.1, two.2) && (one.0 == two.0 || one.0 == 0 || two.0 == 0)
            };
            let conflict = stay.clone().any(|taken| wanted.iter().any(|port| excludes(taken, port)));

            let found = verdict(&NodePorts, &made(9, &wanted), &node);

            prop_assert_eq!(found != Verdict::Feasible, conflict);
        }
    }

    #[test]
    fn a_port_is_free_when_its_pod_is_gone() {
        let mut node = node_info("a", json!({}));
        let pod = with_port(&json!({"hostPort": 80}));
        node.add_pod(pod.clone());
        node.remove_pod(&pod.key());

        assert_eq!(verdict(&NodePorts, &pod, &node), Verdict::Feasible);
    }

    #[test]
    fn init_containers_take_ports_only_if_they_keep_running() {
        let takes = |policy: Value| {
            let ports = json!([{"hostPort": 80}]);
            let init = json!({"name": "i", "ports": ports, "restartPolicy": policy});
            pod_info(json!({"initContainers": [init], "containers": []})).host_ports.len()
        };

        assert_eq!((takes(json!("Always")), takes(Value::Null)), (1, 0));
    }

    #[test]
    fn only_a_pod_with_the_port_makes_room() {
        let waits = with_port(&json!({"hostPort": 80}));
        let cluster = Cluster::default();
        let helps = |gone: &PodInfo| NodePorts.may_help(&waits, Event::freed(gone), &cluster);

        assert!(helps(&with_port(&json!({"hostPort": 80}))));
        assert!(!helps(&with_port(&json!({"hostPort": 81}))));
    }
}
