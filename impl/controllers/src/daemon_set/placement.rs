//! On which nodes a DaemonSet runs a pod.
//!
//! Source: NodeShouldRunDaemonPod in pkg/controller/daemon/daemon_controller.go and
//! AddOrUpdateDaemonPodTolerations in its util (v1.36).

use api::node_fit::{self, Place};
use k8s_openapi::api::core::v1::{Node, PodSpec, Taint, Toleration};

/// What every pod of a DaemonSet tolerates.
const TOLERATED: [(&str, &str); 6] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/disk-pressure", "NoSchedule"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/pid-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];
const NETWORK_UNAVAILABLE: (&str, &str) = ("node.kubernetes.io/network-unavailable", "NoSchedule");

/// What a node is to a DaemonSet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It is to have a pod.
    Runs,
    /// It gets no pod, and may keep the one that it has.
    Keeps,
    /// It is to have none.
    Never,
}

/// What a node is to the pods of a specification, which has the tolerations of DaemonSets.
pub(super) fn fit(spec: &PodSpec, node: &Node) -> Fit {
    let name = node.metadata.name.as_deref().unwrap_or_default();
    let named = spec.node_name.as_deref().unwrap_or_default();
    if !(named.is_empty() || named == name) || !node_fit::selects(spec, Place::of(node)) {
        Fit::Never
    } else if tolerates(spec, node, &["NoExecute", "NoSchedule"]) {
        Fit::Runs
    } else if tolerates(spec, node, &["NoExecute"]) {
        Fit::Keeps
    } else {
        Fit::Never
    }
}

/// Whether the pods tolerate all taints of these effects.
fn tolerates(spec: &PodSpec, node: &Node, effects: &[&str]) -> bool {
    let tolerations = spec.tolerations.as_deref().unwrap_or_default();
    let tolerated =
        |taint: &Taint| tolerations.iter().any(|toleration| node_fit::tolerates(toleration, taint));
    let mut taints = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
    taints.all(|taint| !effects.contains(&taint.effect.as_str()) || tolerated(taint))
}

/// Adds what every pod of a DaemonSet tolerates.
pub(super) fn add_tolerations(spec: &mut PodSpec) {
    let on_host = (spec.host_network == Some(true)).then_some(NETWORK_UNAVAILABLE);
    let tolerations = spec.tolerations.get_or_insert_default();
    for (key, effect) in TOLERATED.into_iter().chain(on_host) {
        let toleration = Toleration {
            key: Some(key.to_owned()),
            operator: Some("Exists".to_owned()),
            effect: Some(effect.to_owned()),
            ..Toleration::default()
        };
        match tolerations.iter_mut().find(|old| is_of_same_taint(old, &toleration)) {
            Some(old) => *old = toleration,
            None => tolerations.push(toleration),
        }
    }
}

/// Whether two tolerations differ at most in how long they tolerate.
fn is_of_same_taint(left: &Toleration, right: &Toleration) -> bool {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let parts = |toleration: &Toleration| {
        [&toleration.key, &toleration.operator, &toleration.value, &toleration.effect].map(text)
    };
    parts(left) == parts(right)
}
