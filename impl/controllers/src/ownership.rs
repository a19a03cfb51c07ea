//! Which objects a controller manages: those that refer to it as their controller, orphans that it
//! adopts, and less those that it releases.
//!
//! Source: upstream's `BaseControllerRefManager` in pkg/controller/controller_ref_manager.go (v1.36). An
//! owner adopts only after a read from the API server, not its cache, has shown that it still lives.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use api::object::{at, controller_of, controller_reference, text};
use api::selector::Selector;
use api::{Key, Kind, Request, Timestamp, Verb};
use client::Outcome;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

use crate::{Plan, after_seconds};

static NO_LABELS: BTreeMap<String, String> = BTreeMap::new();

/// How long an owner waits before it asks a second time whether it still lives.
const ASK_AGAIN_SECONDS: i64 = 1;

/// An object's labels.
pub(crate) fn labels(metadata: &ObjectMeta) -> &BTreeMap<String, String> {
    metadata.labels.as_ref().unwrap_or(&NO_LABELS)
}

/// An object's uid, empty when it has none.
pub(crate) fn uid(metadata: &ObjectMeta) -> &str {
    metadata.uid.as_deref().unwrap_or_default()
}

/// An object's name, empty when it has none.
pub(crate) fn name(metadata: &ObjectMeta) -> &str {
    metadata.name.as_deref().unwrap_or_default()
}

/// What an owner does about one object.
enum Claim {
    Owned,
    Adopt,
    Release,
    Ignore,
}

/// Which owners have asked whether they still live, and which have been told so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims {
    asked: BTreeSet<String>,
    confirmed: BTreeSet<String>,
    /// What an object gets when it is adopted and loses when it is released.
    finalizer: Option<&'static str>,
}

impl Claims {
    /// Claims of owners whose objects have a finalizer.
    pub(crate) fn with_finalizer(finalizer: &'static str) -> Self {
        Self { finalizer: Some(finalizer), ..Self::default() }
    }

    /// The objects that `owner` manages. The requests to adopt and release go to the plan. `None` when
    /// the owner has to ask first whether it still lives.
    pub(crate) fn claim<O: Kind, K: Kind>(
        &mut self,
        owner: &O,
        (selector, objects): (&Selector, Vec<Arc<K>>),
        (plan, now): (&mut Plan, Timestamp),
    ) -> Option<Vec<Arc<K>>> {
        let claims: Vec<Claim> = objects
            .iter()
            .map(|object| decide(owner.metadata(), selector, object.metadata()))
            .collect();
        let adopts = claims.iter().any(|claim| matches!(claim, Claim::Adopt));
        if adopts && !self.confirm(owner, plan, now) {
            return None;
        }
        let mut owned = vec![];
        for (object, claim) in objects.into_iter().zip(claims) {
            match claim {
                Claim::Owned => owned.push(object),
                Claim::Adopt => {
                    plan.requests.push(self.adopt(owner, object.as_ref()));
                    owned.push(object);
                }
                Claim::Release => {
                    plan.requests.push(self.release::<K>(owner.metadata(), object.metadata()))
                }
                Claim::Ignore => {}
            }
        }
        Some(owned)
    }

    /// What came of a request, which may be the question whether the owner still lives.
    pub(crate) fn completed(&mut self, request: &Request, outcome: &Outcome) {
        let (Verb::Get, Ok(owner)) = (request.verb, outcome) else {
            return;
        };
        if at(owner, &["metadata", "deletionTimestamp"]).is_none() {
            self.confirmed.insert(text(owner, &["metadata", "uid"]).to_owned());
        }
    }

    /// Whether the owner was told that it lives; asks when it was not. One answer serves one claim.
    fn confirm<O: Kind>(&mut self, owner: &O, plan: &mut Plan, now: Timestamp) -> bool {
        let uid = uid(owner.metadata());
        if self.confirmed.remove(uid) {
            self.asked.remove(uid);
            return true;
        }
        let first = self.asked.insert(uid.to_owned());
        plan.requests.push(Request::get(O::RESOURCE, Key::of(owner.metadata())));
        plan.look_again_at(if first { now } else { after_seconds(now, ASK_AGAIN_SECONDS) });
        false
    }

    fn adopt<O: Kind, K: Kind>(&self, owner: &O, object: &K) -> Request {
        let mut request =
            patch_owners::<K>(object.metadata(), json!([controller_reference(owner)]));
        self.change_finalizers("finalizers", &mut request);
        request
    }

    fn release<K: Kind>(&self, owner: &ObjectMeta, object: &ObjectMeta) -> Request {
        let references = json!([{"$patch": "delete", "uid": uid(owner)}]);
        let mut request = patch_owners::<K>(object, references);
        self.change_finalizers("$deleteFromPrimitiveList/finalizers", &mut request);
        request
    }

    fn change_finalizers(&self, field: &str, request: &mut Request) {
        if let (Some(finalizer), Some(patch)) = (self.finalizer, &mut request.body) {
            patch["metadata"][field] = json!([finalizer]);
        }
    }
}

fn decide(owner: &ObjectMeta, selector: &Selector, object: &ObjectMeta) -> Claim {
    let matches = selector.matches(labels(object));
    let owner_lives = owner.deletion_timestamp.is_none();
    match controller_of(object) {
        Some(reference) if reference.uid != uid(owner) => Claim::Ignore,
        Some(_) if matches => Claim::Owned,
        Some(_) if owner_lives => Claim::Release,
        None if matches && owner_lives && object.deletion_timestamp.is_none() => Claim::Adopt,
        Some(_) | None => Claim::Ignore,
    }
}

fn patch_owners<K: Kind>(object: &ObjectMeta, references: Value) -> Request {
    let patch = json!({"metadata": {"uid": uid(object), "ownerReferences": references}});
    Request::strategic_merge_patch(K::RESOURCE, Key::of(object), patch)
}
