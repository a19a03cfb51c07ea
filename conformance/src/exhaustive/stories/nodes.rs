//! Stories of Nodes that are lost.

use api::{ApiResource, resources};

use super::{QUIET, Story};
use crate::sim::Workload;
use crate::sim::user::create;
use crate::sim::workloads::nodes::{in_zone, report, whole_zone_is_tainted};

const NODES: &ApiResource = &resources::NODES;

/// Both Nodes of a zone are lost, and that of another zone is not.
pub(super) const ZONE_LOST: Story = Story {
    name: "zone-lost",
    controllers: &["node-lifecycle-controller"],
    resources: &[NODES, &resources::LEASES, &resources::PODS],
    workload: Some(Workload::Nodes),
    given: &[
        |_| create(NODES, "", in_zone(0)),
        |_| create(NODES, "", in_zone(1)),
        |_| create(NODES, "", in_zone(2)),
    ],
    asked: &[|store| report(store, 0, false), |store| report(store, 1, false)],
    losses: 1,
    possible: &[("NODE-6", |store, _| whole_zone_is_tainted(store))],
    ..QUIET
};

/// Every Node is lost, one after the other.
pub(super) const ALL_LOST: Story = Story {
    name: "all-lost",
    given: &[|_| create(NODES, "", in_zone(0)), |_| create(NODES, "", in_zone(2))],
    asked: &[|store| report(store, 0, false), |store| report(store, 2, false)],
    losses: 0,
    minutes: 1,
    possible: &[],
    ..ZONE_LOST
};

/// The same, and one of them returns.
pub(super) const ONE_RETURNS: Story = Story {
    name: "one-returns",
    asked: &[
        |store| report(store, 0, false),
        |store| report(store, 2, false),
        |store| report(store, 2, true),
    ],
    crashes: 1,
    minutes: 0,
    ..ALL_LOST
};
