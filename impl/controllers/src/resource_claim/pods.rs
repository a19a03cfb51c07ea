//! What a pod needs: claims from templates, and claims that are reserved for it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use api::object::{at, text};
use api::{AnyObject, Key, Request, Timestamp, Verb, resources};
use client::event::Note;
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{Pod, PodResourceClaim};
use k8s_openapi::api::resource::v1::{ResourceClaim, ResourceClaimConsumerReference};
use serde_json::{Value, json};

use super::template::claim_of;
use super::{Found, POD_CLAIM_NAME, asked, is_made_for, reserved_for};
use crate::notes::Notes;
use crate::ownership::{name, uid};
use crate::retry::Retry;
use crate::{Controller, Plan, pods};

/// Who applies the status of pods.
const FIELD_MANAGER: &str = "ResourceClaimController";

/// Makes the claims of pods, and reserves them.
#[derive(Clone, Debug)]
pub struct PodResourceClaimController {
    /// What was made for each pod, though the cache may not show it yet.
    made: BTreeMap<Key, Made>,
    /// Pods for which a claim could not be made.
    refused: BTreeSet<Key>,
    retry: Retry,
    notes: Notes,
}

/// The claims that were made for a pod.
#[derive(Clone, Debug, Default)]
struct Made {
    /// The pod's uid: they are not those of another of its name.
    uid: String,
    /// Their names, by the pod's names for them.
    names: BTreeMap<String, String>,
}

impl Default for PodResourceClaimController {
    fn default() -> Self {
        Self {
            made: BTreeMap::new(),
            refused: BTreeSet::new(),
            retry: Retry::new(Duration::from_millis(5)),
            notes: Notes::new("resource_claim"),
        }
    }
}

impl Controller for PodResourceClaimController {
    fn name(&self) -> &'static str {
        "resourceclaim-controller"
    }

    fn workers(&self) -> usize {
        50
    }

    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let key = change.key();
        if let AnyObject::Pod(pod) = change.object() {
            return if asked(pod).is_empty() { vec![] } else { vec![key] };
        }
        if change.resource() == &resources::RESOURCE_CLAIMS && change.new.is_none() {
            self.made.values_mut().for_each(|made| made.names.retain(|_, name| *name != key.name));
        }
        let uses: fn(&Pod, &str) -> bool = if change.resource() == &resources::RESOURCE_CLAIMS {
            |pod, claim| super::names(pod).any(|name| name == claim)
        } else if change.resource() == &resources::RESOURCE_CLAIM_TEMPLATES && change.new.is_some()
        {
            |pod, template| {
                let mut templates = asked(pod).iter();
                templates.any(|one| one.resource_claim_template_name.as_deref() == Some(template))
            }
        } else {
            return vec![];
        };
        let pods = view.pods.in_namespace(&key.namespace).filter(|pod| uses(pod, &key.name));
        pods.map(|pod| Key::of(&pod.metadata)).collect()
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let Some(pod) = view.pods.get(key).filter(|pod| !pods::is_terminating(pod)) else {
            self.forget(key);
            return Plan::default();
        };
        self.notes.about(key, &AnyObject::from(Arc::clone(pod)));
        let mut plan = Plan { requests: self.notes.flush(key, now), look_again: None };
        self.sync(view, (key, pod), (&mut plan, now));
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        if request.verb != Verb::Create || request.resource != &resources::RESOURCE_CLAIMS {
            return;
        }
        let asked = request.body.as_ref().map_or("", |body| {
            at(body, &["metadata", "annotations", POD_CLAIM_NAME])
                .and_then(Value::as_str)
                .unwrap_or("")
        });
        match outcome {
            Ok(claim) => {
                let made = self.made.entry(key.clone()).or_default();
                let owner =
                    request.body.as_ref().map(|body| &body["metadata"]["ownerReferences"][0]);
                let uid = owner.map_or("", |owner| text(owner, &["uid"]));
                if made.uid != uid {
                    *made = Made { uid: uid.to_owned(), ..Made::default() };
                }
                made.names.insert(asked.to_owned(), text(claim, &["metadata", "name"]).to_owned());
                self.refused.remove(key);
            }
            Err(status) => {
                if self.refused.insert(key.clone()) {
                    let why = format!("create ResourceClaim : {}", status.message);
                    self.notes.add(key, failed(asked, &why));
                }
            }
        }
    }
}

/// What is said of a claim that cannot be made.
fn failed(asked: &str, why: &str) -> Note {
    Note::warning("FailedResourceClaimCreation", format!("PodResourceClaim {asked}: {why}"))
}

impl PodResourceClaimController {
    fn forget(&mut self, key: &Key) {
        self.made.remove(key);
        self.refused.remove(key);
        self.retry.forget(key);
        self.notes.forget(key);
    }

    fn sync(
        &mut self,
        view: &View,
        (key, pod): (&Key, &Arc<Pod>),
        (plan, now): (&mut Plan, Timestamp),
    ) {
        let mut names = BTreeMap::new();
        let mut creations = vec![];
        for asked in asked(pod) {
            match self.claim(view, pod, asked) {
                Claim::Known(name) => {
                    names.insert(asked.name.clone(), name);
                }
                Claim::ToMake(claim) => creations.push(Request::create(&*claim)),
                Claim::None => {}
                Claim::Impossible(why) => return self.fail((key, pod), (asked, &why), (plan, now)),
            }
        }
        if creations.is_empty() {
            self.retry.forget(key);
            plan.requests.extend(tell(pod, &names));
            if !pods::node_name(pod).is_empty() {
                plan.requests.extend(reservations(view, pod));
            }
            return;
        }
        plan.requests.extend(creations);
        let is_refused = self.refused.contains(key);
        plan.look_again_at(if is_refused { self.retry.after_failure(key, now) } else { now });
    }

    /// Tells once why a claim cannot be made, and tries again later and later.
    fn fail(
        &mut self,
        (key, pod): (&Key, &Arc<Pod>),
        (asked, why): (&PodResourceClaim, &str),
        (plan, now): (&mut Plan, Timestamp),
    ) {
        if !self.retry.has_failed(key) {
            let about = client::event::reference(&AnyObject::from(Arc::clone(pod)), "");
            plan.requests.extend(self.notes.record(about, failed(&asked.name, why), now));
        }
        plan.look_again_at(self.retry.after_failure(key, now));
    }

    /// The claim that one of a pod's is, or is to be.
    fn claim(&self, view: &View, pod: &Pod, asked: &PodResourceClaim) -> Claim {
        let key = Key::of(&pod.metadata);
        let namespace = key.namespace.as_str();
        match Found::of(pod, asked) {
            Found::Made(name) => {
                let claim = view.resource_claims.get(&Key::new(namespace, name));
                if claim.is_some_and(|claim| is_made_for(claim, pod)) {
                    return Claim::Known(name.to_owned());
                }
            }
            Found::NotYet => {}
            Found::Named(_) | Found::NotNeeded => return Claim::None,
            Found::Unknown => {
                let pod = format!("pod \"{namespace}/{}\"", key.name);
                let what = format!("spec.resourceClaim \"{}\"", asked.name);
                return Claim::Impossible(format!(
                    "checking for claim before creating it: {pod}, {what}: none of the supported fields are set"
                ));
            }
        }
        if let Some(name) = self.orphan(view, pod, asked) {
            return Claim::Known(name);
        }
        let template = asked.resource_claim_template_name.as_deref().unwrap_or_default();
        match view.resource_claim_templates.get(&Key::new(namespace, template)) {
            Some(template) => Claim::ToMake(Box::new(claim_of(pod, asked, template))),
            None => Claim::Impossible(format!(
                "resource claim template \"{template}\": resourceclaimtemplate.resource.k8s.io \"{template}\" not found"
            )),
        }
    }

    /// A claim that was made for a pod, though its status does not say so.
    fn orphan(&self, view: &View, pod: &Pod, asked: &PodResourceClaim) -> Option<String> {
        let key = Key::of(&pod.metadata);
        let is_it = |claim: &&Arc<ResourceClaim>| {
            let annotations = claim.metadata.annotations.as_ref();
            let made_for = annotations.and_then(|all| all.get(POD_CLAIM_NAME));
            is_made_for(claim, pod) && made_for == Some(&asked.name)
        };
        let found = view.resource_claims.in_namespace(&key.namespace).find(is_it);
        let found = found.map(|claim| name(&claim.metadata).to_owned());
        found.or_else(|| {
            let made = self.made.get(&key).filter(|made| made.uid == uid(&pod.metadata))?;
            made.names.get(&asked.name).cloned()
        })
    }
}

/// What is known of a claim that a pod asks for.
enum Claim {
    /// It is there.
    Known(String),
    /// It is to be made.
    ToMake(Box<ResourceClaim>),
    /// There is nothing to make.
    None,
    /// It cannot be made, and why.
    Impossible(String),
}

/// Tells a pod which claims were made for it, unless it knows.
fn tell(pod: &Pod, names: &BTreeMap<String, String>) -> Option<Request> {
    let is_told = |(asked, name): (&String, &String)| {
        let statuses = pod.status.iter().flat_map(|status| status.resource_claim_statuses.iter());
        statuses.flatten().any(|status| {
            status.name == *asked && status.resource_claim_name.as_ref() == Some(name)
        })
    };
    if names.iter().all(is_told) {
        return None;
    }
    let status =
        |(asked, name): (&String, &String)| json!({"name": asked, "resourceClaimName": name});
    let statuses: Vec<Value> = names.iter().map(status).collect();
    let body = json!({"status": {"resourceClaimStatuses": statuses}});
    let key = Key::of(&pod.metadata);
    let request = Request::apply(&resources::PODS, key, (FIELD_MANAGER, body));
    Some(request.to_subresource("status"))
}

/// Reserves the allocated claims of a pod that the scheduler has not placed.
fn reservations(view: &View, pod: &Pod) -> Vec<Request> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let found = asked(pod).iter().map(|asked| Found::of(pod, asked));
    let claims = found.filter_map(|found| {
        let claim = view.resource_claims.get(&Key::new(namespace, found.name()?))?;
        let is_ours = matches!(found, Found::Named(_)) || is_made_for(claim, pod);
        is_ours.then_some(claim)
    });
    let waiting = claims.filter(|claim| {
        let is_allocated = claim.status.as_ref().is_some_and(|status| status.allocation.is_some());
        let is_reserved = reserved_for(claim).iter().any(|one| one.uid == uid(&pod.metadata));
        is_allocated && !is_reserved
    });
    waiting.map(|claim| reserve(claim, pod)).collect()
}

fn reserve(claim: &ResourceClaim, pod: &Pod) -> Request {
    let mut claim = claim.clone();
    let status = claim.status.get_or_insert_default();
    status.reserved_for.get_or_insert_default().push(ResourceClaimConsumerReference {
        api_group: None,
        resource: "pods".to_owned(),
        name: name(&pod.metadata).to_owned(),
        uid: uid(&pod.metadata).to_owned(),
    });
    Request::update_status(&claim)
}
