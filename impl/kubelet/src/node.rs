//! The Node object and its Lease.
//!
//! Source: `pkg/kubelet/kubelet_node_status.go`, `pkg/kubelet/nodestatus` and `component-helpers/apimachinery/lease`
//! (v1.36).

use api::{Key, Reason, Request, Timestamp, resources};
use client::Outcome;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::{Node, NodeAddress, NodeCondition, NodeSpec, NodeStatus};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::config::Config;

/// The namespace of nodes' Leases.
const LEASES: &str = "kube-node-lease";

/// How soon to try again after a refusal.
const RETRY: Duration = Duration::from_secs(1);

/// Which request was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NodePurpose {
    /// The node was created.
    Register,
    /// The node was read, to compare.
    Read,
    /// The node's status was written.
    Status,
    /// The Lease was renewed.
    RenewLease,
    /// The Lease was created.
    CreateLease,
}

/// How far the node has registered, and what is due when.
#[derive(Clone, Debug)]
pub(crate) struct NodeState {
    registered: bool,
    uid: String,
    next_status: Timestamp,
    next_lease: Timestamp,
    last_report: Option<Timestamp>,
    status_in_flight: bool,
    lease_in_flight: bool,
    /// The conditions of pressure that hold.
    pressures: BTreeSet<&'static str>,
}

impl NodeState {
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            registered: false,
            uid: String::new(),
            next_status: now,
            next_lease: now,
            last_report: None,
            status_in_flight: false,
            lease_in_flight: false,
            pressures: BTreeSet::new(),
        }
    }

    /// Hears which conditions of pressure hold; another one is told soon.
    pub(crate) fn set_pressures(&mut self, pressures: BTreeSet<&'static str>, now: Timestamp) {
        if self.pressures != pressures {
            self.pressures = pressures;
            self.next_status = now;
        }
    }

    /// The uid of the Node object, once it is known.
    pub(crate) fn uid(&self) -> &str {
        &self.uid
    }

    pub(crate) fn next_deadline(&self) -> Timestamp {
        let status = (!self.status_in_flight).then_some(self.next_status);
        let lease = (!self.lease_in_flight).then_some(self.next_lease);
        status.into_iter().chain(lease).min().unwrap_or(Timestamp::MAX)
    }

    /// The requests that are due.
    pub(crate) fn due(&mut self, config: &Config, now: Timestamp) -> Vec<(NodePurpose, Request)> {
        let mut requests = vec![];
        if !self.status_in_flight && now >= self.next_status {
            self.status_in_flight = true;
            requests.push(if self.registered {
                (
                    NodePurpose::Read,
                    Request::get(&resources::NODES, Key::cluster(&config.node_name)),
                )
            } else {
                (NodePurpose::Register, Request::create(&node(config, &self.pressures, now)))
            });
        }
        if !self.lease_in_flight && now >= self.next_lease {
            self.lease_in_flight = true;
            requests.push((NodePurpose::RenewLease, renewal(config, now)));
        }
        requests
    }

    /// What follows from an answer.
    pub(crate) fn answered(
        &mut self,
        config: &Config,
        (purpose, outcome): (NodePurpose, &Outcome),
        now: Timestamp,
    ) -> Option<(NodePurpose, Request)> {
        match purpose {
            NodePurpose::Register => self.registered(config, outcome, now),
            NodePurpose::Read => self.compared(config, outcome, now),
            NodePurpose::Status => {
                self.status_in_flight = false;
                if outcome.is_ok() {
                    self.last_report = Some(now);
                }
                None
            }
            NodePurpose::RenewLease => self.renewed(config, outcome, now),
            NodePurpose::CreateLease => {
                self.lease_in_flight = false;
                self.next_lease =
                    now + if outcome.is_ok() { config.lease_renew_interval } else { RETRY };
                None
            }
        }
    }

    fn registered(
        &mut self,
        config: &Config,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Option<(NodePurpose, Request)> {
        self.status_in_flight = false;
        match outcome {
            Ok(node) => {
                self.registered = true;
                self.uid = api::object::text(node, &["metadata", "uid"]).to_owned();
                self.last_report = Some(now);
                self.next_status = now + config.status_update_frequency;
                None
            }
            Err(status) if status.reason == Reason::AlreadyExists => {
                self.registered = true;
                self.next_status = now;
                None
            }
            Err(_) => {
                self.next_status = now + RETRY;
                None
            }
        }
    }

    fn compared(
        &mut self,
        config: &Config,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Option<(NodePurpose, Request)> {
        self.status_in_flight = false;
        self.next_status = now + config.status_update_frequency;
        let Ok(found) = outcome else {
            self.next_status = now + config.status_update_frequency.min(RETRY);
            return None;
        };
        self.uid = api::object::text(found, &["metadata", "uid"]).to_owned();
        let found: Node = serde_json::from_value(found.clone()).ok()?;
        let old = found.status.unwrap_or_default();
        let status = status(config, &self.pressures, &old, now);
        let report_due =
            self.last_report.is_none_or(|last| now >= last + config.status_report_frequency);
        if !report_due && without_heartbeats(&status) == without_heartbeats(&kept(&old, &status)) {
            return None;
        }
        self.status_in_flight = true;
        let patch = json!({"status": status});
        let key = Key::cluster(&config.node_name);
        let request = Request::strategic_merge_patch(&resources::NODES, key, patch);
        Some((NodePurpose::Status, request.to_subresource("status")))
    }

    fn renewed(
        &mut self,
        config: &Config,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Option<(NodePurpose, Request)> {
        match outcome {
            Err(status) if status.reason == Reason::NotFound => {
                return Some((
                    NodePurpose::CreateLease,
                    Request::create(&lease(config, &self.uid, now)),
                ));
            }
            Err(_) => self.next_lease = now + RETRY.min(config.lease_renew_interval),
            Ok(_) => self.next_lease = now + config.lease_renew_interval,
        }
        self.lease_in_flight = false;
        None
    }
}

/// Says that a controller, not the kubelet, attaches volumes to the node.
const CONTROLLER_MANAGED_ATTACH: &str = "volumes.kubernetes.io/controller-managed-attach-detach";

/// The Node as it is registered.
fn node(config: &Config, pressures: &Pressures, now: Timestamp) -> Node {
    let info = &config.node_info;
    let usual = [
        ("kubernetes.io/hostname", config.node_name.as_str()),
        ("kubernetes.io/os", info.operating_system.as_str()),
        ("kubernetes.io/arch", info.architecture.as_str()),
        ("beta.kubernetes.io/os", info.operating_system.as_str()),
        ("beta.kubernetes.io/arch", info.architecture.as_str()),
    ];
    let mut labels: BTreeMap<String, String> =
        usual.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    labels.extend(config.labels.clone());
    let cidr = (!config.pod_cidr.is_empty()).then(|| config.pod_cidr.clone());
    Node {
        metadata: ObjectMeta {
            name: Some(config.node_name.clone()),
            labels: Some(labels),
            annotations: Some(BTreeMap::from([(
                CONTROLLER_MANAGED_ATTACH.to_owned(),
                "true".to_owned(),
            )])),
            ..ObjectMeta::default()
        },
        spec: Some(NodeSpec {
            pod_cidrs: cidr.clone().map(|cidr| vec![cidr]),
            pod_cidr: cidr,
            ..NodeSpec::default()
        }),
        status: Some(status(config, pressures, &NodeStatus::default(), now)),
    }
}

/// What this node would say, keeping the times of conditions that have not changed, and what others say that it has:
/// extended resources. Source: `MachineInfo` in pkg/kubelet/nodestatus/setters.go (v1.36).
fn status(config: &Config, pressures: &Pressures, old: &NodeStatus, now: Timestamp) -> NodeStatus {
    let conditions = old.conditions.as_deref().unwrap_or_default();
    let address = |type_: &str, address: &str| NodeAddress {
        type_: type_.to_owned(),
        address: address.to_owned(),
    };
    let quantity = |number: i64, suffix: &str| Quantity(format!("{number}{suffix}"));
    let capacity = &config.capacity;
    let cpu = match capacity.cpu_milli % 1000 {
        0 => quantity(capacity.cpu_milli / 1000, ""),
        _ => quantity(capacity.cpu_milli, "m"),
    };
    let mut amounts = old.capacity.clone().unwrap_or_default();
    amounts.extend([
        ("cpu".to_owned(), cpu),
        ("memory".to_owned(), quantity(capacity.memory_bytes / 1024, "Ki")),
        ("ephemeral-storage".to_owned(), quantity(capacity.ephemeral_storage_bytes / 1024, "Ki")),
        ("pods".to_owned(), quantity(capacity.pods, "")),
    ]);
    NodeStatus {
        addresses: Some(vec![
            address("InternalIP", &config.node_ip),
            address("Hostname", &config.node_name),
        ]),
        allocatable: Some(amounts.clone()),
        capacity: Some(amounts),
        conditions: Some(
            CONDITIONS
                .iter()
                .map(|usual| {
                    let mut pressure = PRESSURES.iter().filter(|one| pressures.contains(one[0]));
                    let pressure = pressure.find(|pressure| pressure[0] == usual[0]);
                    condition(pressure.unwrap_or(usual), conditions, now)
                })
                .collect(),
        ),
        node_info: Some(config.node_info.clone()),
        ..NodeStatus::default()
    }
}

/// Type, status, reason, message. Source: `pkg/kubelet/nodestatus/setters.go` (v1.36).
const CONDITIONS: [[&str; 4]; 4] = [
    [
        "MemoryPressure",
        "False",
        "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available",
    ],
    ["DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"],
    ["PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"],
    ["Ready", "True", "KubeletReady", "kubelet is posting ready status"],
];

/// The same while something is scarce.
const PRESSURES: [[&str; 4]; 3] = [
    [
        "MemoryPressure",
        "True",
        "KubeletHasInsufficientMemory",
        "kubelet has insufficient memory available",
    ],
    ["DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure"],
    ["PIDPressure", "True", "KubeletHasInsufficientPID", "kubelet has insufficient PID available"],
];

/// Types of conditions.
type Pressures = BTreeSet<&'static str>;

fn condition(
    [type_, status, reason, message]: &[&str; 4],
    old: &[NodeCondition],
    now: Timestamp,
) -> NodeCondition {
    let same = old.iter().find(|one| one.type_ == *type_ && one.status == *status);
    let since = same.and_then(|one| one.last_transition_time.clone());
    NodeCondition {
        type_: (*type_).to_owned(),
        status: (*status).to_owned(),
        reason: Some((*reason).to_owned()),
        message: Some((*message).to_owned()),
        last_heartbeat_time: Some(api::time::time(now)),
        last_transition_time: Some(since.unwrap_or_else(|| api::time::time(now))),
    }
}

/// Of what the API server has, the part that this kubelet writes.
fn kept(found: &NodeStatus, own: &NodeStatus) -> NodeStatus {
    let types: Vec<&String> =
        own.conditions.iter().flatten().map(|condition| &condition.type_).collect();
    let conditions = types.iter().filter_map(|type_| {
        found.conditions.iter().flatten().find(|condition| condition.type_ == **type_).cloned()
    });
    NodeStatus {
        addresses: found.addresses.clone(),
        allocatable: found.allocatable.clone(),
        capacity: found.capacity.clone(),
        conditions: Some(conditions.collect()),
        node_info: found.node_info.clone(),
        ..NodeStatus::default()
    }
}

fn without_heartbeats(status: &NodeStatus) -> Value {
    let mut status = status.clone();
    for condition in status.conditions.iter_mut().flatten() {
        condition.last_heartbeat_time = None;
    }
    serde_json::to_value(status).expect("a status is JSON")
}

fn lease_spec(config: &Config, now: Timestamp) -> LeaseSpec {
    LeaseSpec {
        holder_identity: Some(config.node_name.clone()),
        lease_duration_seconds: i32::try_from(config.lease_duration.as_secs().max(1)).ok(),
        renew_time: Some(api::time::micro_time(now)),
        ..LeaseSpec::default()
    }
}

fn renewal(config: &Config, now: Timestamp) -> Request {
    let key = Key::new(LEASES, &config.node_name);
    Request::merge_patch(&resources::LEASES, key, json!({"spec": lease_spec(config, now)}))
}

fn lease(config: &Config, node_uid: &str, now: Timestamp) -> Lease {
    let owner = OwnerReference {
        api_version: "v1".to_owned(),
        kind: "Node".to_owned(),
        name: config.node_name.clone(),
        uid: node_uid.to_owned(),
        ..OwnerReference::default()
    };
    Lease {
        metadata: ObjectMeta {
            name: Some(config.node_name.clone()),
            namespace: Some(LEASES.to_owned()),
            owner_references: (!node_uid.is_empty()).then(|| vec![owner]),
            ..ObjectMeta::default()
        },
        spec: Some(lease_spec(config, now)),
    }
}
