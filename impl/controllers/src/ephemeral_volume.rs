//! The ephemeral volume controller: the claims of pods that bring their own.
//!
//! Source: pkg/controller/volume/ephemeral/controller.go (v1.36). Such a claim goes with its pod, which is its
//! owner.

use std::sync::Arc;

use api::object::controller_reference;
use api::storage::{self, ephemeral_claim_name};
use api::{AnyObject, Key, Request, Timestamp, Verb, resources};
use client::event::Note;
use client::{Change, Outcome, View};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, Volume};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::notes::Notes;
use crate::{Controller, Plan, pods};

/// Makes the claims of generic ephemeral volumes. A key is a pod's.
#[derive(Clone, Debug)]
pub struct EphemeralVolumeController {
    notes: Notes,
}

impl Default for EphemeralVolumeController {
    fn default() -> Self {
        Self { notes: Notes::new("ephemeral_volume") }
    }
}

impl Controller for EphemeralVolumeController {
    fn name(&self) -> &'static str {
        "ephemeral-volume-controller"
    }

    fn workers(&self) -> usize {
        5
    }

    /// A pod's volumes never change, so it is looked at once, and again when a claim of its own goes.
    fn observe(&mut self, view: &View, change: &Change) -> Vec<Key> {
        let key = change.key();
        if let AnyObject::Pod(pod) = change.object() {
            if change.new.is_none() {
                self.notes.forget(&key);
            }
            let is_new = change.old.is_none() && is_concerned(pod);
            return if is_new { vec![key] } else { vec![] };
        }
        if change.resource() != &resources::PERSISTENT_VOLUME_CLAIMS || change.new.is_some() {
            return vec![];
        }
        let pods = view.pods.in_namespace(&key.namespace).filter(|pod| {
            is_concerned(pod) && storage::claims_of_pod(pod).any(|(name, _)| name == key.name)
        });
        pods.map(|pod| Key::of(&pod.metadata)).collect()
    }

    fn reconcile(&mut self, view: &View, key: &Key, now: Timestamp) -> Plan {
        let Some(pod) = view.pods.get(key).filter(|pod| is_concerned(pod)) else {
            return Plan::default();
        };
        self.notes.about(key, &AnyObject::from(Arc::clone(pod)));
        let mut plan = Plan { requests: self.notes.flush(key, now), look_again: None };
        for volume in ephemeral_volumes(pod) {
            let claim = Key::new(&key.namespace, &ephemeral_claim_name(pod, volume));
            let Some(found) = view.persistent_volume_claims.get(&claim) else {
                plan.requests.extend(new_claim(pod, volume).as_ref().map(Request::create));
                continue;
            };
            if let Some(why) = storage::foreign_claim(pod, found) {
                self.fail(key, &volume.name, &why);
                plan.requests.extend(self.notes.flush(key, now));
                break;
            }
        }
        plan.observed_at(view.revision)
    }

    fn completed(&mut self, key: &Key, request: &Request, outcome: &Outcome) {
        let is_claim = request.resource == &resources::PERSISTENT_VOLUME_CLAIMS;
        let (Verb::Create, Err(status), true) = (request.verb, outcome, is_claim) else { return };
        let body = request.body.as_ref();
        let name = body.map(|body| api::object::text(body, &["metadata", "name"]).to_owned());
        let name = name.unwrap_or_default();
        let volume = name.strip_prefix(&format!("{}-", key.name)).unwrap_or_default().to_owned();
        self.fail(key, &volume, &format!("create PVC {name}: {status}"));
    }
}

impl EphemeralVolumeController {
    fn fail(&mut self, pod: &Key, volume: &str, why: &str) {
        let message = format!("ephemeral volume {volume}: {why}");
        self.notes.add(pod, Note::warning("FailedBinding", message));
    }
}

/// Whether a pod has volumes of its own, and lives.
fn is_concerned(pod: &Pod) -> bool {
    !pods::is_terminating(pod) && ephemeral_volumes(pod).next().is_some()
}

fn ephemeral_volumes(pod: &Pod) -> impl Iterator<Item = &Volume> {
    let volumes = pod.spec.iter().flat_map(|spec| spec.volumes.iter().flatten());
    volumes.filter(|volume| volume.ephemeral.is_some())
}

/// The claim of a volume of a pod. One without a template has none.
fn new_claim(pod: &Pod, volume: &Volume) -> Option<PersistentVolumeClaim> {
    let template = volume.ephemeral.as_ref()?.volume_claim_template.as_ref()?;
    let metadata = template.metadata.clone().unwrap_or_default();
    let metadata = ObjectMeta {
        name: Some(ephemeral_claim_name(pod, volume)),
        namespace: pod.metadata.namespace.clone(),
        owner_references: Some(vec![controller_reference(pod)]),
        annotations: metadata.annotations,
        labels: metadata.labels,
        ..ObjectMeta::default()
    };
    Some(PersistentVolumeClaim { metadata, spec: Some(template.spec.clone()), status: None })
}

#[cfg(test)]
mod tests;
