//! Stories of claims, volumes and the Pods that use them.

use api::{ApiResource, Key, Request, resources};
use serde_json::json;
use store::Store;

use super::{QUIET, Story, delete};
use crate::sim::Workload;
use crate::sim::user::create;
use crate::sim::workloads::attachments::{end, of_node, prepare};
use crate::sim::workloads::volumes::{claim_of, class, disk, of_claim, own, user};

const CLAIMS: &ApiResource = &resources::PERSISTENT_VOLUME_CLAIMS;
const VOLUMES: &ApiResource = &resources::PERSISTENT_VOLUMES;

/// What everybody watches who has to do with volumes.
const RESOURCES: &[&ApiResource] =
    &[CLAIMS, VOLUMES, &resources::STORAGE_CLASSES, &resources::PODS];

const BINDER: &str = "persistentvolume-binder-controller";

/// Two claims want the same volume, and one of them goes and comes back.
pub(super) const CLAIMS_RACE: Story = Story {
    name: "claims-race",
    controllers: &[BINDER],
    resources: RESOURCES,
    workload: Some(Workload::Volumes),
    given: &[|_| create(VOLUMES, "", disk("disk-0", ("kept", "Retain")))],
    asked: &[
        |_| create(CLAIMS, "default", claim_of("data-0", "kept")),
        |_| create(CLAIMS, "default", claim_of("data-1", "kept")),
    ],
    losses: 1,
    ..QUIET
};

/// A claim goes that was bound, and comes again.
pub(super) const CLAIM_RETURNS: Story = Story {
    name: "claim-returns",
    controllers: &[BINDER, "persistentvolumeclaim-protection-controller"],
    resources: RESOURCES,
    workload: Some(Workload::Volumes),
    given: &[
        |_| create(VOLUMES, "", disk("disk-0", ("kept", "Retain"))),
        |_| create(CLAIMS, "default", claim_of("data-0", "kept")),
    ],
    asked: &[
        |_| delete(CLAIMS, Key::new("default", "data-0"), "Background"),
        |_| create(CLAIMS, "default", claim_of("data-0", "kept")),
    ],
    ..QUIET
};

/// A volume is deleted while it is bound.
pub(super) const VOLUME_IN_USE: Story = Story {
    name: "volume-in-use",
    controllers: &[BINDER, "persistentvolume-protection-controller"],
    resources: RESOURCES,
    workload: Some(Workload::Volumes),
    given: &[|_| create(VOLUMES, "", disk("disk-0", ("kept", "Retain")))],
    asked: &[
        |_| create(CLAIMS, "default", claim_of("data-0", "kept")),
        |_| delete(VOLUMES, Key::cluster("disk-0"), "Background"),
    ],
    ..QUIET
};

/// A claim is deleted while a Pod comes that uses it.
pub(super) const CLAIM_IN_USE: Story = Story {
    name: "claim-in-use",
    controllers: &["persistentvolumeclaim-protection-controller"],
    resources: &[CLAIMS, &resources::PODS],
    workload: Some(Workload::Volumes),
    machines: 1,
    given: &[|_| create(CLAIMS, "default", claim_of("data-0", "waiting"))],
    asked: &[
        |_| {
            let mut pod = user("user-0", &of_claim("data-0"));
            pod["spec"]["nodeName"] = "node-2".into();
            create(&resources::PODS, "default", pod)
        },
        |_| delete(CLAIMS, Key::new("default", "data-0"), "Background"),
        |_| delete(&resources::PODS, Key::new("default", "user-0"), "Background"),
    ],
    ..QUIET
};

/// A claim waits for a Pod that comes.
pub(super) const FIRST_CONSUMER: Story = Story {
    name: "first-consumer",
    controllers: &[BINDER],
    resources: RESOURCES,
    workload: Some(Workload::Volumes),
    machines: 1,
    given: &[
        |_| class(("waiting", "kubernetes.io/no-provisioner", "WaitForFirstConsumer")),
        |_| create(VOLUMES, "", disk("disk-0", ("waiting", "Retain"))),
        |_| create(CLAIMS, "default", claim_of("data-0", "waiting")),
    ],
    asked: &[|_| create(&resources::PODS, "default", user("user-0", &of_claim("data-0")))],
    ..QUIET
};

/// A Pod brings a claim whose name somebody else takes, and the claim of somebody else goes.
pub(super) const OWN_CLAIM: Story = Story {
    name: "own-claim",
    controllers: &["ephemeral-volume-controller"],
    resources: &[CLAIMS, &resources::PODS],
    workload: Some(Workload::Volumes),
    machines: 1,
    asked: &[
        |_| create(CLAIMS, "default", claim_of("data-0", "waiting")),
        |_| create(&resources::PODS, "default", user("data", &own("0", "waiting"))),
        |_| {
            let let_go = json!({"metadata": {"finalizers": null}});
            Request::merge_patch(CLAIMS, Key::new("default", "data-0"), let_go)
        },
        |_| delete(CLAIMS, Key::new("default", "data-0"), "Background"),
    ],
    ..QUIET
};

/// A Pod goes, and another waits on another node for its volume.
pub(super) const MOVING_VOLUME: Story = Story {
    name: "moving-volume",
    controllers: &["persistentvolume-attach-detach-controller"],
    resources: &[
        CLAIMS,
        VOLUMES,
        &resources::PODS,
        &resources::VOLUME_ATTACHMENTS,
        &resources::NODES,
    ],
    workload: Some(Workload::Attachments),
    machines: 2,
    given: &[
        prepare_data,
        prepare_data,
        prepare_data,
        |_| create(&resources::PODS, "default", of_node("user-0", "driven-0", Some("node-2"))),
        |_| create(&resources::PODS, "default", of_node("user-1", "driven-0", Some("node-3"))),
    ],
    asked: &[|_| end("user-0")],
    ..QUIET
};

/// The next thing that a claim with a volume lacks.
fn prepare_data(store: &Store) -> Request {
    prepare(store, "driven-0").expect("something is missing")
}
