//! Stories of what Pods and volumes ask for besides themselves.

use api::{ApiResource, Key, Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::{QUIET, Story, delete};
use crate::sim::Workload;
use crate::sim::user::create;
use crate::sim::workloads::devices::attributes_classes::{class, is_named_late, volume};
use crate::sim::workloads::devices::resource_claims::{
    is_reserved_for_nobody, missing, pod, sharing,
};

const PODS: &ApiResource = &resources::PODS;
const CLASSES: &ApiResource = &resources::VOLUME_ATTRIBUTES_CLASSES;
const VOLUMES: &ApiResource = &resources::PERSISTENT_VOLUMES;

const GOLD: &str = "gold";

/// A Pod that has a claim goes.
pub(super) const SHARED_CLAIM: Story = Story {
    name: "shared-claim",
    controllers: &["resourceclaim-controller"],
    resources: &[&resources::RESOURCE_CLAIMS, &resources::RESOURCE_CLAIM_TEMPLATES, PODS],
    workload: Some(Workload::Devices),
    machines: 1,
    given: &[next_missing, next_missing, next_missing, next_missing, share],
    asked: &[|_| delete(PODS, Key::new("default", "sharing"), "Background")],
    losses: 1,
    possible: &[("RESOURCECLAIM-3", |store, _| is_reserved_for_nobody(store))],
    ..QUIET
};

/// A Pod comes that asks for a claim of its own.
pub(super) const TEMPLATE_CLAIM: Story = Story {
    name: "template-claim",
    given: &[next_missing, next_missing, next_missing, next_missing],
    asked: &[|_| create(PODS, "default", with_own())],
    losses: 0,
    possible: &[],
    ..SHARED_CLAIM
};

fn share(_: &Store) -> Request {
    create(PODS, "default", sharing())
}

/// A Pod with a claim of its own alone.
fn with_own() -> Value {
    let mut pod = pod(0);
    pod["spec"]["resourceClaims"].as_array_mut().into_iter().for_each(|claims| claims.truncate(1));
    pod
}

/// What Pods with claims need next.
fn next_missing(store: &Store) -> Request {
    missing(store).into_iter().next().expect("something is missing")
}

/// A class is deleted while a volume comes that has it, and goes.
pub(super) const CLASSED: Story = Story {
    name: "classed",
    controllers: &["volumeattributesclass-protection-controller"],
    resources: &[CLASSES, VOLUMES, &resources::PERSISTENT_VOLUME_CLAIMS],
    workload: Some(Workload::Devices),
    given: &[|_| create(CLASSES, "", class(GOLD))],
    asked: &[
        |_| delete(CLASSES, Key::cluster(GOLD), "Background"),
        |_| create(VOLUMES, "", volume(0, GOLD)),
        |_| {
            let let_go = json!({"metadata": {"finalizers": null}});
            Request::merge_patch(VOLUMES, Key::cluster("classed-0"), let_go)
        },
        |_| delete(VOLUMES, Key::cluster("classed-0"), "Background"),
    ],
    losses: 1,
    possible: &[("ATTRIBUTES-2", is_named_late)],
    ..QUIET
};
