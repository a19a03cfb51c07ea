//! Stories of claims that come to ask for more.

use api::{ApiResource, Key, Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::{QUIET, Story, delete};
use crate::sim::Workload;
use crate::sim::objects::objects;
use crate::sim::user::{create, key};
use crate::sim::workloads::volumes::growth::{class, elastic, grow, growing, resize};

const CLAIMS: &ApiResource = &resources::PERSISTENT_VOLUME_CLAIMS;
const VOLUMES: &ApiResource = &resources::PERSISTENT_VOLUMES;

const CLAIM: &str = "growing-0";
const VOLUME: &str = "elastic-0";

/// A claim grows before its volume names it, and its volume is made larger.
pub(super) const CLAIM_GROWS: Story = Story {
    name: "claim-grows",
    controllers: &["persistentvolume-expander-controller"],
    resources: &[CLAIMS, VOLUMES],
    workload: Some(Workload::Volumes),
    given: &[|_| class(), |_| create(VOLUMES, "", elastic(VOLUME)), |_| claim(), |_| bind()],
    asked: &[
        |store| grow(&live(store)),
        name_claim,
        |store| resize(&live(store)).unwrap_or_else(bind),
    ],
    crashes: 1,
    losses: 1,
    ..QUIET
};

/// A claim that has grown goes, and another of its name comes.
pub(super) const CLAIM_GROWS_AND_GOES: Story = Story {
    name: "claim-grows-and-goes",
    given: &[
        |_| class(),
        |_| create(VOLUMES, "", elastic(VOLUME)),
        |_| claim(),
        |_| bind(),
        name_claim,
    ],
    asked: &[|store| grow(&live(store)), |_| let_go(), |_| go(), |_| claim()],
    losses: 0,
    crashes: 0,
    possible: &[("EXPANDER-3", goes_while_it_is_told)],
    ..CLAIM_GROWS
};

fn claim() -> Request {
    let mut claim = growing(CLAIM);
    claim["spec"]["volumeName"] = json!(VOLUME);
    create(CLAIMS, "default", claim)
}

fn live(store: &Store) -> Value {
    let claims = objects(store, CLAIMS);
    claims.iter().next().cloned().unwrap_or_else(|| growing(CLAIM))
}

fn patch(patch: Value) -> Request {
    Request::merge_patch(CLAIMS, Key::new("default", CLAIM), patch)
}

/// The binder says that the claim has its volume.
fn bind() -> Request {
    patch(json!({"status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}))
        .to_subresource("status")
}

/// The binder has the volume name the claim.
fn name_claim(store: &Store) -> Request {
    let claim = live(store);
    let named = json!({"namespace": "default", "name": CLAIM, "uid": claim["metadata"]["uid"]});
    Request::merge_patch(VOLUMES, Key::cluster(VOLUME), json!({"spec": {"claimRef": named}}))
}

fn let_go() -> Request {
    patch(json!({"metadata": {"finalizers": null}}))
}

fn go() -> Request {
    delete(CLAIMS, Key::new("default", CLAIM), "Background")
}

/// EXPANDER-3.
fn goes_while_it_is_told(store: &Store, sent: &[&Request]) -> bool {
    let is_gone = !objects(store, CLAIMS).iter().any(|claim| key(claim).name == CLAIM);
    is_gone && sent.iter().any(|request| request.resource == CLAIMS)
}
