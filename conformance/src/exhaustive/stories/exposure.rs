//! Stories of how Services are reached.

use api::{ApiResource, Key, Request, resources};
use serde_json::json;

use super::{QUIET, Story};
use crate::sim::Workload;
use crate::sim::user::create;
use crate::sim::workloads::exposure::balancers::{
    self, NODE, is_given_up_late, move_node, of_type,
};
use crate::sim::workloads::exposure::by_hand::{self, foreign, is_outdated, select, written};
use crate::sim::workloads::upkeep::ranges::spare;

const SERVICES: &ApiResource = &resources::SERVICES;
const ENDPOINTS: &ApiResource = &resources::ENDPOINTS;
const NODES: &ApiResource = &resources::NODES;

const BY_HAND: &str = by_hand::NAMES[0];
const BALANCED: &str = balancers::NAMES[0];

/// Somebody writes the Endpoints of a Service twice, and then has it select Pods.
pub(super) const MIRRORED: Story = Story {
    name: "mirrored",
    controllers: &["endpointslice-mirroring-controller"],
    resources: &[SERVICES, ENDPOINTS, &resources::ENDPOINT_SLICES],
    workload: Some(Workload::Exposure),
    given: &[
        |_| create(SERVICES, "default", by_hand::service(BY_HAND)),
        |_| create(&resources::ENDPOINT_SLICES, "default", foreign(BY_HAND)),
    ],
    asked: &[
        |store| written(store, &Key::new("default", BY_HAND), 0),
        |store| written(store, &Key::new("default", BY_HAND), 2),
        |_| select(Key::new("default", BY_HAND), true),
    ],
    possible: &[("MIRRORING-3", |store, _| is_outdated(store))],
    ..QUIET
};

/// A Service with a balancer comes, a Node has another address, and the Service goes.
pub(super) const BALANCED_AND_GONE: Story = Story {
    name: "balanced-and-gone",
    controllers: &["service-lb-controller"],
    resources: &[SERVICES, NODES],
    workload: Some(Workload::Exposure),
    given: &[|_| create(NODES, "", spare(NODE)), |_| move_node(0)],
    asked: &[
        |_| create(SERVICES, "default", balancers::service(BALANCED)),
        |_| move_node(1),
        |_| Request::delete(SERVICES, Key::new("default", BALANCED), "", json!({})),
    ],
    possible: &[("BALANCER-3", |store, _| is_given_up_late(store))],
    ..QUIET
};

/// A Service comes to have a balancer, and has none any more.
pub(super) const BALANCED_FOR_A_WHILE: Story = Story {
    name: "balanced-for-a-while",
    given: &[
        |_| create(NODES, "", spare(NODE)),
        |_| move_node(0),
        |_| create(SERVICES, "default", balancers::service(BALANCED)),
    ],
    asked: &[
        |_| of_type(Key::new("default", BALANCED), false),
        |_| of_type(Key::new("default", BALANCED), true),
    ],
    losses: 1,
    possible: &[],
    ..BALANCED_AND_GONE
};
