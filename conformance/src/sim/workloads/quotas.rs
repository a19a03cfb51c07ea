//! Quotas that allow few Pods, beside whoever wants more of them.

use api::{ApiResource, Key, Request, resources};
use serde_json::{Value, json};
use store::Store;

use super::{create, name};
use crate::sim::objects::objects;
use crate::sim::random::Random;

const QUOTAS: &ApiResource = &resources::RESOURCE_QUOTAS;
const NAME: &str = "few-pods";

pub(super) fn ask(store: &Store, random: &mut Random) -> Option<Request> {
    let pods = random.below(3).to_string();
    if is_there(store) {
        let patch = json!({"spec": {"hard": {"pods": pods}}});
        let changed = || Request::merge_patch(QUOTAS, Key::new("default", NAME), patch);
        return Some(if random.one_in(2) { lift() } else { changed() });
    }
    // Most of the time there is none: others want pods, too.
    random.one_in(6).then(|| create(QUOTAS, "default", quota(&pods)))
}

fn quota(pods: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": NAME, "namespace": "default"}, "spec": {"hard": {"pods": pods}}})
}

fn is_there(store: &Store) -> bool {
    objects(store, QUOTAS).iter().any(|quota| name(quota) == NAME)
}

/// Where a cluster is left alone, nothing stands in the way of what it was asked.
pub(super) fn tend(store: &Store) -> Vec<Request> {
    is_there(store).then(lift).into_iter().collect()
}

fn lift() -> Request {
    Request::delete(QUOTAS, Key::new("default", NAME), "", json!({}))
}
