//! Stories of what a cluster keeps up by itself.

use api::{ApiResource, Key, Request, resources};
use serde_json::{Value, json};

use super::{QUIET, Story, delete};
use crate::sim::Workload;
use crate::sim::user::create;
use crate::sim::workloads::upkeep::ranges::{MORE, addressed, more, spare};
use crate::sim::workloads::upkeep::{counted, done, edit, part, quota, sum, wish};

const NODES: &ApiResource = &resources::NODES;
const CIDRS: &ApiResource = &resources::SERVICE_CIDRS;
const ROLES: &ApiResource = &resources::CLUSTER_ROLES;
const MAPS: &ApiResource = &resources::CONFIG_MAPS;

/// Nodes come one after the other, and the controller crashes.
pub(super) const NODE_RANGES: Story = Story {
    name: "node-ranges",
    controllers: &["node-ipam-controller"],
    resources: &[NODES],
    workload: Some(Workload::Upkeep),
    asked: &[|_| create(NODES, "", spare(0)), |_| create(NODES, "", spare(1))],
    crashes: 1,
    ..QUIET
};

/// A range of Services is deleted while one has an address of it.
pub(super) const SERVICE_RANGE: Story = Story {
    name: "service-range",
    controllers: &["service-cidr-controller"],
    resources: &[CIDRS, &resources::IP_ADDRESSES],
    workload: Some(Workload::Upkeep),
    given: &[|_| create(CIDRS, "", more())],
    asked: &[
        |_| create(&resources::SERVICES, "default", addressed(0)),
        |_| delete(CIDRS, Key::cluster(MORE), "Background"),
        |_| delete(&resources::SERVICES, Key::new("default", "addressed-0"), "Background"),
    ],
    losses: 1,
    ..QUIET
};

/// A range of Services is deleted long before the last address of it goes.
pub(super) const RANGE_IN_USE: Story = Story {
    name: "range-in-use",
    given: &[
        |_| create(CIDRS, "", more()),
        |_| create(&resources::SERVICES, "default", addressed(0)),
    ],
    asked: &[|_| delete(CIDRS, Key::cluster(MORE), "Background")],
    crashes: 1,
    minutes: 1,
    ..SERVICE_RANGE
};

/// The rules of a role come, are edited, and go.
pub(super) const AGGREGATED_ROLE: Story = Story {
    name: "aggregated-role",
    controllers: &["clusterrole-aggregation-controller"],
    resources: &[ROLES],
    workload: Some(Workload::Upkeep),
    given: &[|_| create(ROLES, "", sum()), |_| create(ROLES, "", part(0))],
    asked: &[
        |_| create(ROLES, "", part(1)),
        |_| edit(&["forged"]),
        |_| delete(ROLES, Key::cluster("part-0"), "Background"),
    ],
    losses: 1,
    ..QUIET
};

/// What a quota counts goes and comes while it is counted.
pub(super) const COUNTED: Story = Story {
    name: "counted",
    controllers: &["resourcequota-controller"],
    resources: &[&resources::RESOURCE_QUOTAS, MAPS],
    workload: Some(Workload::Upkeep),
    given: &[
        |_| create(&resources::RESOURCE_QUOTAS, "default", quota()),
        |_| create(MAPS, "default", counted(0)),
    ],
    asked: &[
        |_| delete(MAPS, Key::new("default", "counted-0"), "Background"),
        |_| create(MAPS, "default", counted(1)),
        |_| create(MAPS, "default", counted(2)),
    ],
    ..QUIET
};

/// A finished Job asks to go, takes that back, and goes and comes again.
pub(super) const FINISHED_JOB: Story = Story {
    name: "finished-job",
    controllers: &["job-controller", "ttl-after-finished-controller"],
    resources: &[&resources::JOBS, &resources::PODS],
    workload: Some(Workload::Upkeep),
    given: &[|_| create(&resources::JOBS, "default", kept()), |_| wished(&Value::Null)],
    asked: &[|_| wished(&json!(0)), |_| wished(&Value::Null), |_| wished(&json!(1))],
    ..QUIET
};

/// A Job that does not ask to go yet.
fn kept() -> Value {
    let mut job = done(0);
    job["spec"]["ttlSecondsAfterFinished"] = json!(3600);
    job
}

fn wished(ttl: &Value) -> Request {
    wish(Key::new("default", "done-0"), ttl)
}
