//! What happens in the tiny clusters.

mod accounts;
mod devices;
mod exposure;
mod growth;
mod nodes;
mod periodic;
mod storage;
mod upkeep;

use api::{ApiResource, Key, Request, resources};
use serde_json::{Value, json};
use store::Store;

use crate::sim::Workload;
use crate::sim::objects::objects;
use crate::sim::user::create;

/// A tiny cluster and what becomes of it.
#[derive(Clone, Copy, Debug)]
pub struct Story {
    /// Its name.
    pub name: &'static str,
    /// The controllers that run.
    pub(super) controllers: &'static [&'static str],
    /// What they watch.
    pub(super) resources: &'static [&'static ApiResource],
    /// Whose claims are checked; the model's are always.
    pub(super) workload: Option<Workload>,
    /// How many machines there are.
    pub(super) machines: usize,
    /// What there is, and has come to rest, before the story begins.
    pub(super) given: &'static [fn(&Store) -> Request],
    /// What somebody asks for, in this order.
    pub(super) asked: &'static [fn(&Store) -> Request],
    /// How often the controllers may crash.
    pub(super) crashes: usize,
    /// How often others may take over from the controllers.
    pub(super) failovers: usize,
    /// How many requests or answers may be lost.
    pub(super) losses: usize,
    /// How often a minute may pass while there is something to do.
    pub(super) minutes: usize,
    /// How long nothing happens before the story begins.
    pub(super) quiet_seconds: u64,
    /// Whether there is more than the model has room for.
    pub(super) is_beyond_model: bool,
    /// What can happen, each as its claim says.
    pub(super) possible: &'static [Possible],
}

/// A claim that something can happen, and whether it has: what there is, and what controllers have sent that has not
/// arrived yet.
pub(super) type Possible = (&'static str, fn(&Store, &[&Request]) -> bool);

/// Nothing happens, to nobody.
const QUIET: Story = Story {
    name: "",
    controllers: &[],
    resources: &[],
    workload: None,
    machines: 0,
    given: &[],
    asked: &[],
    crashes: 0,
    failovers: 0,
    losses: 0,
    minutes: 0,
    quiet_seconds: 0,
    is_beyond_model: false,
    possible: &[],
};

impl Story {
    /// Every story.
    pub const ALL: &'static [Self] = &[
        REPLICA_SET,
        DEPLOYMENT,
        STATEFUL_SET,
        DAEMON_SET,
        DAEMON_SET_FAIL_OVER,
        JOB,
        SERVICE,
        NAMESPACE,
        OWNERS,
        OWNERS_CRASH,
        BUDGET,
        storage::CLAIMS_RACE,
        storage::CLAIM_RETURNS,
        storage::VOLUME_IN_USE,
        storage::CLAIM_IN_USE,
        storage::FIRST_CONSUMER,
        storage::OWN_CLAIM,
        storage::MOVING_VOLUME,
        growth::CLAIM_GROWS,
        growth::CLAIM_GROWS_AND_GOES,
        accounts::CERTIFICATE,
        accounts::TOKEN,
        accounts::ACCOUNT,
        accounts::ROOT_CERTIFICATE,
        accounts::CLEANED,
        upkeep::NODE_RANGES,
        upkeep::SERVICE_RANGE,
        upkeep::RANGE_IN_USE,
        upkeep::AGGREGATED_ROLE,
        upkeep::COUNTED,
        upkeep::FINISHED_JOB,
        periodic::FORBIDDING,
        periodic::REPLACING,
        periodic::SCALED_BY_TWO,
        periodic::TOLD_NODES,
        periodic::MANY_NODES,
        periodic::OLD_TOKEN,
        periodic::OLD_TOKEN_GOES,
        exposure::MIRRORED,
        exposure::BALANCED_AND_GONE,
        exposure::BALANCED_FOR_A_WHILE,
        devices::SHARED_CLAIM,
        devices::TEMPLATE_CLAIM,
        devices::CLASSED,
        nodes::ZONE_LOST,
        nodes::ALL_LOST,
        nodes::ONE_RETURNS,
    ];

    /// The story of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|story| story.name == name)
    }
}

/// A ReplicaSet comes and is scaled down.
const REPLICA_SET: Story = Story {
    name: "replica-set",
    controllers: &["replicaset-controller"],
    resources: &[&resources::REPLICA_SETS, &resources::PODS],
    machines: 1,
    asked: &[
        |_| create(&resources::REPLICA_SETS, "default", replicas("ReplicaSet", 1)),
        |_| patch(&resources::REPLICA_SETS, &json!({"spec": {"replicas": 0}})),
    ],
    ..QUIET
};

/// A Deployment without Pods gets another template.
const DEPLOYMENT: Story = Story {
    name: "deployment",
    controllers: &["deployment-controller", "replicaset-controller"],
    resources: &[&resources::DEPLOYMENTS, &resources::REPLICA_SETS, &resources::PODS],
    machines: 1,
    given: &[|_| create(&resources::DEPLOYMENTS, "default", replicas("Deployment", 0))],
    asked: &[|_| {
        let template = json!({"metadata": {"annotations": {"version": "2"}}});
        patch(&resources::DEPLOYMENTS, &json!({"spec": {"template": template}}))
    }],
    ..QUIET
};

/// The Pod of a StatefulSet is deleted, while its controller crashes.
const STATEFUL_SET: Story = Story {
    name: "stateful-set",
    controllers: &["statefulset-controller"],
    resources: &[
        &resources::STATEFUL_SETS,
        &resources::PODS,
        &resources::CONTROLLER_REVISIONS,
        &resources::PERSISTENT_VOLUME_CLAIMS,
    ],
    workload: Some(Workload::StatefulSets),
    machines: 1,
    given: &[|_| create(&resources::STATEFUL_SETS, "default", replicas("StatefulSet", 1))],
    asked: &[|_| delete(&resources::PODS, Key::new("default", "web-0"), "Background")],
    crashes: 1,
    ..QUIET
};

/// A DaemonSet comes.
const DAEMON_SET: Story = Story {
    name: "daemon-set",
    controllers: &["daemonset-controller"],
    resources: &[
        &resources::DAEMON_SETS,
        &resources::PODS,
        &resources::NODES,
        &resources::CONTROLLER_REVISIONS,
    ],
    workload: Some(Workload::DaemonSets),
    machines: 1,
    asked: &[|_| create(&resources::DAEMON_SETS, "default", daemon())],
    ..QUIET
};

/// The same while other controllers take over.
const DAEMON_SET_FAIL_OVER: Story =
    Story { name: "daemon-set-fail-over", failovers: 1, ..DAEMON_SET };

/// A Job runs to its end.
const JOB: Story = Story {
    name: "job",
    controllers: &["job-controller"],
    resources: &[&resources::JOBS, &resources::PODS],
    workload: Some(Workload::Jobs),
    machines: 1,
    asked: &[|_| create(&resources::JOBS, "default", job())],
    ..QUIET
};

/// The Pod of a Service comes to have another label.
const SERVICE: Story = Story {
    name: "service",
    controllers: &["endpoints-controller", "endpointslice-controller"],
    resources: &[
        &resources::SERVICES,
        &resources::PODS,
        &resources::NODES,
        &resources::ENDPOINTS,
        &resources::ENDPOINT_SLICES,
    ],
    workload: Some(Workload::Services),
    machines: 1,
    given: &[|_| create(&resources::PODS, "default", pod())],
    asked: &[
        |_| create(&resources::SERVICES, "default", service()),
        |_| patch(&resources::PODS, &json!({"metadata": {"labels": {"app": "other"}}})),
    ],
    ..QUIET
};

/// Somebody fills a Namespace before and after its deletion.
const NAMESPACE: Story = Story {
    name: "namespace",
    controllers: &["namespace-controller"],
    resources: &[&resources::NAMESPACES, &resources::CONFIG_MAPS],
    workload: Some(Workload::Namespaces),
    given: &[|_| create(&resources::NAMESPACES, "", namespace()), |_| config_map("map-0")],
    asked: &[
        |_| config_map("map-1"),
        |_| delete(&resources::NAMESPACES, Key::new("", "team-0"), "Background"),
        |_| config_map("map-2"),
    ],
    losses: 1,
    ..QUIET
};

/// The owner of a ConfigMap is deleted in the foreground, while somebody makes another dependent.
const OWNERS: Story = Story {
    name: "owners",
    controllers: &["garbage-collector-controller"],
    resources: &[&resources::CONFIG_MAPS],
    workload: Some(Workload::Owners),
    given: &[|_| owned("owned-0", &[]), |store| owned("owned-1", &[owner(store, "owned-0")])],
    asked: &[
        |_| delete(&resources::CONFIG_MAPS, Key::new("default", "owned-0"), "Foreground"),
        |store| owned("owned-2", &[owner(store, "owned-1")]),
    ],
    losses: 1,
    ..QUIET
};

/// The same while the collector crashes.
const OWNERS_CRASH: Story = Story { name: "owners-crash", crashes: 1, losses: 0, ..OWNERS };

/// Two Pods of one budget are to be evicted, of which one may go.
const BUDGET: Story = Story {
    name: "budget",
    controllers: &["disruption-controller"],
    resources: &[
        &resources::POD_DISRUPTION_BUDGETS,
        &resources::PODS,
        &resources::REPLICA_SETS,
        &resources::REPLICATION_CONTROLLERS,
        &resources::DEPLOYMENTS,
        &resources::STATEFUL_SETS,
    ],
    workload: Some(Workload::Budgets),
    machines: 1,
    given: &[
        |_| create(&resources::PODS, "default", budgeted("web-0")),
        |_| create(&resources::PODS, "default", budgeted("web-1")),
    ],
    asked: &[
        |_| create(&resources::POD_DISRUPTION_BUDGETS, "default", budget()),
        |_| evict("web-0"),
        |_| evict("web-1"),
    ],
    ..QUIET
};

fn pod_spec() -> Value {
    json!({"containers": [{"name": "main", "image": "registry.example/main:1"}]})
}

fn template() -> Value {
    json!({"metadata": {"labels": {"app": "web"}}, "spec": pod_spec()})
}

/// An object of `apps/v1` that has replicas.
fn replicas(kind: &str, replicas: usize) -> Value {
    let selector = json!({"matchLabels": {"app": "web"}});
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web", "namespace": "default"},
        "spec": {"replicas": replicas, "selector": selector, "template": template()}})
}

fn daemon() -> Value {
    let selector = json!({"matchLabels": {"app": "web"}});
    json!({"apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": selector, "template": template()}})
}

fn job() -> Value {
    let mut spec = pod_spec();
    spec["restartPolicy"] = json!("Never");
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"completions": 1, "template": {"spec": spec}}})
}

fn pod() -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}},
        "spec": pod_spec()})
}

fn service() -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}})
}

fn budget() -> Value {
    json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "default"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "budgeted"}}}})
}

fn namespace() -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-0"}})
}

fn budgeted(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default", "labels": {"app": "budgeted"}},
        "spec": pod_spec()})
}

/// A ConfigMap in the Namespace of the story.
fn config_map(name: &str) -> Request {
    map("team-0", name, &[])
}

/// A ConfigMap that others own.
fn owned(name: &str, owners: &[Value]) -> Request {
    map("default", name, owners)
}

fn map(namespace: &str, name: &str, owners: &[Value]) -> Request {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "ownerReferences": owners}});
    create(&resources::CONFIG_MAPS, namespace, object)
}

/// A reference to a ConfigMap.
fn owner(store: &Store, name: &str) -> Value {
    let found = objects(store, &resources::CONFIG_MAPS);
    let found = found.iter().find(|map| map["metadata"]["name"] == name);
    let uid = found.map_or(Value::Null, |map| map["metadata"]["uid"].clone());
    let uid = if uid.is_null() { json!("00000000-0000-4000-8000-000000000000") } else { uid };
    json!({"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": uid,
        "blockOwnerDeletion": true})
}

/// Patches what is called `web`.
fn patch(resource: &'static ApiResource, patch: &Value) -> Request {
    Request::merge_patch(resource, Key::new("default", "web"), patch.clone())
}

fn delete(resource: &'static ApiResource, key: Key, policy: &str) -> Request {
    Request::delete(resource, key, "", json!({"propagationPolicy": policy}))
}

fn evict(pod: &str) -> Request {
    let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction",
        "metadata": {"name": pod, "namespace": "default"}});
    let request = create(&resources::PODS, "default", eviction);
    Request { key: Key::new("default", pod), ..request }.to_subresource("eviction")
}
