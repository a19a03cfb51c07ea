//! What is scheduled: the shapes of upstream's scheduler_perf, scaled to the number of nodes.
//!
//! Source: test/integration/scheduler_perf (v1.36): `performance-config.yaml` of misc, affinity and
//! topology_spreading, with the templates beside them.

use serde_json::{Value, json};

use super::Sizes;

/// The namespace whose pods are measured, and the one with most of the others.
pub(super) const MEASURED: &str = "sched-1";
const OTHERS: &str = "sched-0";
/// How many namespaces the workload with many has.
const NAMESPACES: usize = 1000;

const HOSTNAME: &str = "kubernetes.io/hostname";
const ZONE: &str = "topology.kubernetes.io/zone";

/// What pods look like.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Basic,
    NodeAffinity,
    PodAffinity,
    PreferredPodAffinity,
    PodAntiAffinity,
    AntiAffinityOfNamespaces,
    Spreading,
    LowPriority,
    HighPriority,
    Gated,
    Large,
}

/// So many pods for each node, of one shape.
#[derive(Clone, Copy, Debug)]
struct Crowd {
    shape: Shape,
    per_node: f64,
}

/// One of upstream's workloads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workload {
    /// Its name there.
    pub(super) name: &'static str,
    /// The pods that are scheduled before anything is measured.
    initial: Crowd,
    /// Pods that wait while others are measured, and cannot be scheduled.
    waiting: Option<Crowd>,
    measured: Crowd,
}

const fn crowd(shape: Shape, per_node: f64) -> Crowd {
    Crowd { shape, per_node }
}

const fn workload(name: &'static str, initial: Crowd, measured: Crowd) -> Workload {
    Workload { name, initial, waiting: None, measured }
}

/// All of them.
pub(super) const ALL: [Workload; 10] = [
    workload("SchedulingBasic", crowd(Shape::Basic, 0.2), crowd(Shape::Basic, 2.0)),
    workload(
        "SchedulingNodeAffinity",
        crowd(Shape::NodeAffinity, 1.0),
        crowd(Shape::NodeAffinity, 2.0),
    ),
    workload(
        "SchedulingPodAffinity",
        crowd(Shape::PodAffinity, 1.0),
        crowd(Shape::PodAffinity, 1.0),
    ),
    workload(
        "SchedulingPreferredPodAffinity",
        crowd(Shape::PreferredPodAffinity, 1.0),
        crowd(Shape::PreferredPodAffinity, 1.0),
    ),
    workload(
        "SchedulingPodAntiAffinity",
        crowd(Shape::PodAntiAffinity, 0.2),
        crowd(Shape::PodAntiAffinity, 0.4),
    ),
    workload(
        "SchedulingRequiredPodAntiAffinityWithNSSelector",
        crowd(Shape::AntiAffinityOfNamespaces, 0.6),
        crowd(Shape::AntiAffinityOfNamespaces, 0.2),
    ),
    workload("TopologySpreading", crowd(Shape::Basic, 1.0), crowd(Shape::Spreading, 1.0)),
    workload("PreemptionBasic", crowd(Shape::LowPriority, 4.0), crowd(Shape::HighPriority, 1.0)),
    Workload {
        waiting: Some(crowd(Shape::Gated, 2.0)),
        ..workload("SchedulingWhileGated", crowd(Shape::Basic, 0.0), crowd(Shape::Basic, 2.0))
    },
    Workload {
        waiting: Some(crowd(Shape::Large, 0.1)),
        ..workload("Unschedulable", crowd(Shape::Basic, 0.02), crowd(Shape::Basic, 2.0))
    },
];

/// An object, and the namespace where it is to be.
pub(super) struct Pod {
    pub(super) namespace: String,
    pub(super) object: Value,
}

impl Workload {
    /// The pods that are there before.
    pub(super) fn initial(&self, sizes: Sizes) -> Vec<Pod> {
        let own = numbers(self.initial, sizes.nodes, usize::MAX);
        let pods = sizes.initial.map_or(own, |pods| 0..pods);
        pods.map(|number| {
            let in_many = matches!(self.initial.shape, Shape::AntiAffinityOfNamespaces);
            let namespace =
                if in_many { namespace(number % NAMESPACES) } else { OTHERS.to_owned() };
            pod(self.initial.shape, "initial", (namespace, number))
        })
        .collect()
    }

    /// The pods that wait and cannot be scheduled.
    pub(super) fn waiting(&self, nodes: usize) -> Vec<Pod> {
        let Some(waiting) = self.waiting else { return vec![] };
        let pods = numbers(waiting, nodes, usize::MAX);
        pods.map(|number| pod(waiting.shape, "waiting", (OTHERS.to_owned(), number))).collect()
    }

    /// The pods that are measured, but not more than `most`.
    pub(super) fn measured(&self, nodes: usize, most: usize) -> Vec<Pod> {
        let pods = numbers(self.measured, nodes.max(10), most);
        pods.map(|number| pod(self.measured.shape, "measured", (MEASURED.to_owned(), number)))
            .collect()
    }

    /// The namespaces that it needs.
    pub(super) fn namespaces(&self) -> Vec<String> {
        let mut names = vec![OTHERS.to_owned(), MEASURED.to_owned()];
        if matches!(self.initial.shape, Shape::AntiAffinityOfNamespaces) {
            names.extend((0..NAMESPACES).map(namespace));
        }
        names
    }
}

fn numbers(crowd: Crowd, nodes: usize, most: usize) -> std::ops::Range<usize> {
    0..((nodes as f64 * crowd.per_node) as usize).min(most)
}

fn namespace(number: usize) -> String {
    format!("init-ns-{number}")
}

/// A namespace with the label that terms select it by.
pub(super) fn namespace_object(name: &str) -> Value {
    json!({"metadata": {"name": name, "labels": {"team": "devops"}}})
}

/// A node in one of three zones.
pub(super) fn node(number: usize) -> Value {
    let name = format!("node-{number:05}");
    let room = json!({"cpu": "4", "memory": "32Gi", "pods": "110"});
    let zone = format!("zone{}", number % 3 + 1);
    json!({"metadata": {"name": name, "labels":
            {HOSTNAME: name, ZONE: zone}},
        "status": {"capacity": room, "allocatable": room,
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}]}})
}

fn pod(shape: Shape, prefix: &str, (namespace, number): (String, usize)) -> Pod {
    let cpu = match shape {
        Shape::LowPriority => "900m",
        Shape::HighPriority => "3000m",
        Shape::Large => "9",
        Shape::Basic
        | Shape::NodeAffinity
        | Shape::PodAffinity
        | Shape::PreferredPodAffinity
        | Shape::PodAntiAffinity
        | Shape::AntiAffinityOfNamespaces
        | Shape::Spreading
        | Shape::Gated => "100m",
    };
    let resources = json!({"requests": {"cpu": cpu, "memory": "500Mi"}});
    let mut spec = json!({"terminationGracePeriodSeconds": 0,
        "containers": [{"name": "pause", "image": "registry.k8s.io/pause:3.10.2",
            "ports": [{"containerPort": 80}], "resources": resources}]});
    if let Some((field, wish)) = wish(shape) {
        spec[field] = wish;
    }
    let labels = if color(shape).is_empty() { json!({}) } else { json!({"color": color(shape)}) };
    let name = format!("{prefix}-{number}");
    let object = json!({"metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": spec});
    Pod { namespace, object }
}

/// The label by which pods of a shape select each other; empty for none.
fn color(shape: Shape) -> &'static str {
    match shape {
        Shape::PodAffinity | Shape::Spreading => "blue",
        Shape::PreferredPodAffinity => "red",
        Shape::PodAntiAffinity | Shape::AntiAffinityOfNamespaces => "green",
        Shape::Basic
        | Shape::NodeAffinity
        | Shape::LowPriority
        | Shape::HighPriority
        | Shape::Gated
        | Shape::Large => "",
    }
}

/// What pods of a shape have in their spec that others have not.
fn wish(shape: Shape) -> Option<(&'static str, Value)> {
    let term = |key: &str| {
        json!({"labelSelector": {"matchLabels": {"color": color(shape)}}, "topologyKey": key,
            "namespaces": [MEASURED, OTHERS]})
    };
    let affinity = |kind: &str, when: &str, terms: Value| {
        let when = format!("{when}DuringSchedulingIgnoredDuringExecution");
        Some(("affinity", json!({kind: {when: terms}})))
    };
    match shape {
        Shape::Basic | Shape::LowPriority | Shape::Large => None,
        Shape::NodeAffinity => {
            let zones = json!({"key": ZONE, "operator": "In", "values": ["zone1", "zone2"]});
            let terms = json!({"nodeSelectorTerms": [{"matchExpressions": [zones]}]});
            affinity("nodeAffinity", "required", terms)
        }
        Shape::PodAffinity => affinity("podAffinity", "required", json!([term(ZONE)])),
        Shape::PreferredPodAffinity => {
            let terms = json!([{"weight": 1, "podAffinityTerm": term(HOSTNAME)}]);
            affinity("podAffinity", "preferred", terms)
        }
        Shape::PodAntiAffinity => affinity("podAntiAffinity", "required", json!([term(HOSTNAME)])),
        Shape::AntiAffinityOfNamespaces => {
            let mut term = term(HOSTNAME);
            term["namespaces"] = Value::Null;
            term["namespaceSelector"] = json!({"matchLabels": {"team": "devops"}});
            affinity("podAntiAffinity", "required", json!([term]))
        }
        Shape::Spreading => {
            let selector = json!({"matchLabels": {"color": color(shape)}});
            let constraint = json!({"maxSkew": 5, "topologyKey": ZONE,
                "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector});
            Some(("topologySpreadConstraints", json!([constraint])))
        }
        Shape::HighPriority => Some(("priority", json!(10))),
        Shape::Gated => Some(("schedulingGates", json!([{"name": "test.k8s.io/hold"}]))),
    }
}
