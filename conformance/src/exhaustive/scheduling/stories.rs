//! What happens around the schedulers. Every Pod requests one cpu: a Node has as many places as it has cpus.

use api::{Key, Request, resources};
use serde_json::{Value, json};

use crate::sim::user::create;

/// A tiny cluster, what becomes of it, and what may fail.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// Its name.
    pub name: &'static str,
    /// The claim that every end is held to.
    pub(super) end: &'static str,
    /// The claims that something can happen which happens here.
    pub can_happen: &'static [&'static str],
    /// What there is before any scheduler starts.
    pub(super) given: &'static [fn() -> Request],
    /// What somebody asks for, in this order.
    pub(super) asked: &'static [fn() -> Request],
    /// How many schedulers there are.
    pub(super) schedulers: usize,
    /// Whether only one of them leads; else all think that they do.
    pub(super) leads_one: bool,
    /// Whether kubelets let Pods in, or reject them.
    pub(super) kubelets: bool,
    /// What may fail.
    pub(super) budgets: Budgets,
}

/// What may still fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Budgets {
    /// A scheduler crashes, or another leads.
    pub(super) crashes: u8,
    /// A request is lost, or its answer.
    pub(super) losses: u8,
    /// A watch breaks, and a list tells what there is.
    pub(super) lists: u8,
    /// Pods of a Node that is gone are deleted.
    pub(super) collections: u8,
    /// Time passes although something else can happen.
    pub(super) delays: u8,
}

const NOTHING: Budgets = Budgets { crashes: 0, losses: 0, lists: 0, collections: 0, delays: 0 };

const QUIET: Story = Story {
    name: "",
    end: "SCHEDULER-3",
    can_happen: &[],
    given: &[],
    asked: &[],
    schedulers: 1,
    leads_one: true,
    kubelets: false,
    budgets: NOTHING,
};

impl Story {
    /// Every story.
    pub const ALL: &'static [Self] = &[
        CRASH,
        LOSSES,
        POD_RETURNS,
        STALE_NODE,
        LATE_BINDING,
        NODE_RETURNS,
        QUEUE,
        PREEMPTION,
        NOMINATED_NODE_GONE,
        VICTIM_TERMINATES,
        TWO_SCHEDULERS,
        BOTH_LEAD,
    ];

    /// The story of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|story| story.name == name)
    }
}

/// The scheduler crashes between assume and bind. The second Pod is the first in a list.
const CRASH: Story = Story {
    name: "crash",
    can_happen: &["SCHEDULER-4"],
    given: &[|| node("node-0", 1), || node("node-1", 1)],
    asked: &[|| pod("web-1"), || pod("web-0")],
    budgets: Budgets { crashes: 1, ..NOTHING },
    ..QUIET
};

/// A Binding is lost, or its answer.
const LOSSES: Story =
    Story { name: "losses", can_happen: &[], budgets: Budgets { losses: 1, ..NOTHING }, ..CRASH };

/// A Pod is deleted, and created again under its name, while it is being bound.
const POD_RETURNS: Story = Story {
    name: "pod-returns",
    given: &[|| node("node-0", 1)],
    asked: &[|| pod("web-0"), || delete_pod("web-0"), || pod("web-0")],
    ..QUIET
};

/// A Node is deleted of which the scheduler still thinks that it is there.
const STALE_NODE: Story = Story {
    name: "stale-node",
    end: "SCHEDULER-9",
    can_happen: &["SCHEDULER-10"],
    given: &[|| node("node-0", 1), || node("node-1", 1)],
    asked: &[|| pod("web-0"), || delete_node("node-0"), || pod("web-1")],
    budgets: Budgets { lists: 1, ..NOTHING },
    ..QUIET
};

/// The Binding of a scheduler that has crashed arrives when the next one has another Node for the Pod.
const LATE_BINDING: Story = Story {
    name: "late-binding",
    can_happen: &["SCHEDULER-4", "SCHEDULER-10", "SCHEDULER-16"],
    budgets: Budgets { crashes: 1, ..NOTHING },
    ..STALE_NODE
};

/// A Node is deleted and registered again; its Pod stays, or goes.
const NODE_RETURNS: Story = Story {
    name: "node-returns",
    end: "SCHEDULER-9",
    can_happen: &["SCHEDULER-10", "SCHEDULER-16"],
    given: &[|| node("node-0", 1), || bound("busy", "node-0", "")],
    asked: &[|| delete_node("node-0"), || node("node-0", 1), || pod("web-0")],
    budgets: Budgets { losses: 1, lists: 1, collections: 1, ..NOTHING },
    ..QUIET
};

/// There is no room at first: then a Pod ends, and the Node grows.
const QUEUE: Story = Story {
    name: "queue",
    end: "SCHEDULER-15",
    can_happen: &["SCHEDULER-16"],
    given: &[|| node("node-0", 1), || bound("busy", "node-0", "")],
    asked: &[|| pod("web-0"), || pod("web-1"), || end_pod("busy"), || grow("node-0", 2)],
    budgets: Budgets { lists: 1, ..NOTHING },
    ..QUIET
};

/// A Pod of high priority needs the place of another, of which a budget protects one.
const PREEMPTION: Story = Story {
    name: "preemption",
    end: "SCHEDULER-21",
    can_happen: &["SCHEDULER-16"],
    given: &[
        || class("high", 1000),
        || node("node-0", 1),
        || node("node-1", 1),
        || bound("guarded", "node-0", ""),
        || bound("other", "node-1", ""),
        budget,
    ],
    asked: &[|| of_class("high-0", "high"), || pod("web-0")],
    kubelets: true,
    budgets: Budgets { delays: 1, ..NOTHING },
    ..QUIET
};

/// The Node of the victim is deleted.
const NOMINATED_NODE_GONE: Story = Story {
    name: "nominated-node-gone",
    can_happen: &["SCHEDULER-10", "SCHEDULER-23"],
    asked: &[|| of_class("high-0", "high"), || delete_node("node-1")],
    budgets: Budgets { collections: 1, ..NOTHING },
    ..PREEMPTION
};

/// While a victim terminates, a Node comes with a Pod that is less important than the victim.
const VICTIM_TERMINATES: Story = Story {
    name: "victim-terminates",
    can_happen: &["SCHEDULER-10", "SCHEDULER-16"],
    given: &[
        || class("high", 1000),
        || class("middle", 10),
        || node("node-0", 1),
        || bound("middle", "node-0", "middle"),
        || bound("low", "node-1", ""),
    ],
    asked: &[|| of_class("high-0", "high"), || node("node-1", 1)],
    ..PREEMPTION
};

/// The lead passes from one scheduler to another, whose first list has the second Pod first.
const TWO_SCHEDULERS: Story = Story {
    name: "two-schedulers",
    end: "SCHEDULER-30",
    can_happen: &["SCHEDULER-28", "SCHEDULER-29"],
    schedulers: 2,
    kubelets: true,
    ..CRASH
};

/// Two schedulers think that they lead, of which one finds the Pod that is more important in its first list.
const BOTH_LEAD: Story = Story {
    name: "both-lead",
    given: &[|| polite_class("high", 1000), || node("node-0", 1), || pod("web-1")],
    asked: &[|| of_class("web-0", "high")],
    can_happen: &["SCHEDULER-16", "SCHEDULER-28"],
    leads_one: false,
    kubelets: false,
    budgets: NOTHING,
    ..TWO_SCHEDULERS
};

fn node(name: &str, places: usize) -> Request {
    let resources = json!({"cpu": places.to_string(), "memory": "8Gi", "pods": "10"});
    let object = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
        "status": {"allocatable": resources, "capacity": resources}});
    create(&resources::NODES, "", object)
}

fn grow(name: &str, places: usize) -> Request {
    let resources = json!({"cpu": places.to_string()});
    let patch = json!({"status": {"allocatable": resources, "capacity": resources}});
    Request::merge_patch(&resources::NODES, Key::cluster(name), patch).to_subresource("status")
}

fn delete_node(name: &str) -> Request {
    Request::delete(&resources::NODES, Key::cluster(name), "", json!({}))
}

fn spec() -> Value {
    let main = json!({"name": "main", "image": "registry.example/main:1",
        "resources": {"requests": {"cpu": "1"}}});
    json!({"containers": [main]})
}

fn create_pod(name: &str, spec: &Value) -> Request {
    let object = json!({"apiVersion": "v1", "kind": "Pod", "spec": spec,
        "metadata": {"name": name, "namespace": "default", "labels": {"app": name}}});
    create(&resources::PODS, "default", object)
}

fn pod(name: &str) -> Request {
    create_pod(name, &spec())
}

/// A Pod that had a node before any scheduler started.
fn bound(name: &str, node: &str, class: &str) -> Request {
    let mut spec = spec();
    spec["nodeName"] = json!(node);
    spec["priorityClassName"] = json!(class);
    create_pod(name, &spec)
}

fn of_class(name: &str, class: &str) -> Request {
    let mut spec = spec();
    spec["priorityClassName"] = json!(class);
    create_pod(name, &spec)
}

fn delete_pod(name: &str) -> Request {
    let options = json!({"gracePeriodSeconds": 0});
    Request::delete(&resources::PODS, Key::new("default", name), "", options)
}

fn end_pod(name: &str) -> Request {
    let patch = json!({"status": {"phase": "Succeeded"}});
    let key = Key::new("default", name);
    Request::merge_patch(&resources::PODS, key, patch).to_subresource("status")
}

fn class(name: &str, value: i64) -> Request {
    let object = json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
        "metadata": {"name": name}, "value": value});
    create(&resources::PRIORITY_CLASSES, "", object)
}

/// A class whose Pods preempt nobody.
fn polite_class(name: &str, value: i64) -> Request {
    let mut request = class(name, value);
    request.body.get_or_insert_default()["preemptionPolicy"] = json!("Never");
    request
}

/// It protects one Pod.
fn budget() -> Request {
    let object = json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "guarded", "namespace": "default"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "guarded"}}}});
    create(&resources::POD_DISRUPTION_BUDGETS, "default", object)
}
