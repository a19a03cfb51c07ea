//! Pods that have a node and wait there for their volumes.
//!
//! Source: `BindPodVolumes` and `checkBindings` in framework/plugins/volumebinding/binder.go (v1.36).

use std::collections::BTreeMap;
use std::sync::Arc;

use api::storage::{self, annotation, volume_name};
use api::{AnyObject, Key, Request, Timestamp, Verb};
use client::Outcome;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};

use super::Explanation;
use crate::node_info::{NodeInfo, PodInfo};
use crate::plugins::volume_binding::Wanted;
use crate::volumes::{Volumes, version};

/// Something that was asked of the API server, and the version that came of it.
#[derive(Clone, Debug)]
struct Asked {
    key: Key,
    written: Option<u64>,
}

/// A pod that waits for its volumes.
#[derive(Clone, Debug)]
pub(super) struct Reservation {
    pub(super) pod: PodInfo,
    pub(super) node: String,
    pub(super) explanation: Explanation,
    /// Volumes that are being bound, with their claims.
    bindings: Vec<(Asked, Key)>,
    /// Claims whose volumes are being made.
    provisions: Vec<Asked>,
    until: Timestamp,
    /// Why it came to nothing, if it did.
    refused: Option<String>,
}

/// How far a reservation has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Waits,
    Bound,
    Failed(String),
}

impl Reservation {
    /// Counts everything as it is going to be, and asks for it; given up at `until`.
    pub(super) fn begin(
        (pod, node, explanation): (&PodInfo, &str, Explanation),
        wanted: Wanted,
        (volumes, until): (&mut Volumes, Timestamp),
    ) -> (Self, Vec<Request>) {
        let mut requests = vec![];
        let (mut bindings, mut provisions) = (vec![], vec![]);
        for (volume, claim) in wanted.bindings {
            let (bound, asked) = bind(&volume, &claim);
            requests.extend(bound.as_ref().map(Request::update));
            if let Some(bound) = bound {
                volumes.assume_volume(Arc::new(bound));
            }
            bindings.push((asked, Key::of(&claim.metadata)));
        }
        for claim in wanted.provisions {
            let (placed, asked) = place(&claim, node);
            requests.extend(placed.as_ref().map(Request::update));
            if let Some(placed) = placed {
                volumes.assume_claim(Arc::new(placed));
            }
            provisions.push(asked);
        }
        let (pod, node) = (pod.clone(), node.to_owned());
        let reservation =
            Self { pod, node, explanation, bindings, provisions, until, refused: None };
        (reservation, requests)
    }

    /// When it is given up.
    pub(super) fn until(&self) -> Timestamp {
        self.until
    }

    /// Hears what came of a request.
    pub(super) fn answered(&mut self, request: &Request, outcome: &Outcome, volumes: &mut Volumes) {
        let answer = match outcome {
            Ok(answer) => answer,
            Err(status) => return self.refused = Some(status.to_string()),
        };
        let written = AnyObject::decode(request.resource, answer.to_string().as_bytes());
        let Ok(object) = written else { return };
        let volume_asked = self.bindings.iter_mut().map(|(asked, _)| asked);
        for asked in volume_asked.chain(&mut self.provisions) {
            if asked.key == object.key() {
                asked.written = Some(version(object.metadata()));
            }
        }
        if let AnyObject::PersistentVolume(volume) = object {
            volumes.assume_volume(volume);
        } else if let AnyObject::PersistentVolumeClaim(claim) = object {
            volumes.assume_claim(claim);
        }
    }

    /// Counts everything as it was seen.
    pub(super) fn end(&self, volumes: &mut Volumes) {
        for (volume, _) in &self.bindings {
            volumes.forget_volume(&volume.key.name);
        }
        for claim in &self.provisions {
            volumes.forget_claim(&claim.key);
        }
    }

    /// How far it has come.
    pub(super) fn progress(
        &self,
        node: Option<&NodeInfo>,
        volumes: &Volumes,
        now: Timestamp,
    ) -> Progress {
        if let Some(why) = &self.refused {
            return Progress::Failed(why.clone());
        }
        let Some(node) = node else {
            return failed(&format!(
                "failed to get node \"{0}\": node \"{0}\" not found",
                self.node
            ));
        };
        let bindings =
            self.bindings.iter().map(|(volume, claim)| binding(volume, claim, (node, volumes)));
        let provisions = self.provisions.iter().map(|claim| self.provision(claim, (node, volumes)));
        for progress in bindings.chain(provisions) {
            match progress {
                Progress::Bound => {}
                Progress::Waits if self.until <= now => return failed("context deadline exceeded"),
                Progress::Waits | Progress::Failed(_) => return progress,
            }
        }
        Progress::Bound
    }

    fn provision(&self, asked: &Asked, (node, volumes): (&NodeInfo, &Volumes)) -> Progress {
        let name = &asked.key.name;
        let Some(claim) = volumes.seen_claim(&asked.key) else {
            return failed(&format!(
                "failed to check provisioning pvc: persistentvolumeclaim \"{}\" not found",
                asked.key
            ));
        };
        if !is_seen(asked, version(&claim.metadata)) {
            return Progress::Waits;
        }
        match annotation(&claim.metadata, storage::SELECTED_NODE) {
            Some(selected) if selected == self.node => {}
            _ => return failed(&format!("provisioning failed for PVC \"{name}\"")),
        }
        let volume = volumes.seen_volume(volume_name(claim));
        if let Some(volume) = volume
            && let Some(why) = out_of_reach(volume, node)
        {
            return failed(&why);
        }
        settled(volume.is_some() && storage::is_fully_bound(claim))
    }
}

/// A volume that is being bound to a claim.
fn binding(asked: &Asked, claim: &Key, (node, volumes): (&NodeInfo, &Volumes)) -> Progress {
    let name = &asked.key.name;
    let Some(volume) = volumes.seen_volume(name) else {
        return failed(&format!("failed to check binding: persistentvolume \"{name}\" not found"));
    };
    let Some(claim) = volumes.seen_claim(claim) else {
        return failed(&format!(
            "failed to check binding: persistentvolumeclaim \"{claim}\" not found"
        ));
    };
    if !is_seen(asked, version(&volume.metadata)) {
        return Progress::Waits;
    }
    if let Some(why) = out_of_reach(volume, node) {
        return failed(&why);
    }
    let uid = storage::claim_reference(volume).and_then(|reference| reference.uid.as_deref());
    if uid.is_none_or(str::is_empty) {
        return failed(&format!("ClaimRef got reset for pv \"{name}\""));
    }
    settled(storage::is_fully_bound(claim))
}

fn out_of_reach(volume: &PersistentVolume, node: &NodeInfo) -> Option<String> {
    let is_reached = node.place().is_some_and(|place| storage::reaches(place, volume));
    let name = volume.metadata.name.as_deref().unwrap_or_default();
    (!is_reached).then(|| {
        format!(
            "pv \"{name}\" node affinity doesn't match node \"{}\": no matching NodeSelectorTerms",
            node.name()
        )
    })
}

/// Whether the cache has read up to what was written.
fn is_seen(asked: &Asked, seen: u64) -> bool {
    asked.written.is_some_and(|written| written <= seen)
}

fn settled(is_bound: bool) -> Progress {
    if is_bound { Progress::Bound } else { Progress::Waits }
}

fn failed(why: &str) -> Progress {
    Progress::Failed(format!("binding volumes: {why}"))
}

/// The volume bound to the claim, if it is not yet.
fn bind(
    volume: &PersistentVolume,
    claim: &PersistentVolumeClaim,
) -> (Option<PersistentVolume>, Asked) {
    let bound = storage::bind_to(volume, claim);
    let written = bound.is_none().then(|| version(&volume.metadata));
    (bound, Asked { key: Key::of(&volume.metadata), written })
}

/// The claim with its node, if it has none yet.
fn place(claim: &PersistentVolumeClaim, node: &str) -> (Option<PersistentVolumeClaim>, Asked) {
    let mut placed = claim.clone();
    let is_new = storage::annotate(&mut placed.metadata, storage::SELECTED_NODE, node);
    let written = (!is_new).then(|| version(&claim.metadata));
    (is_new.then_some(placed), Asked { key: Key::of(&claim.metadata), written })
}

/// Pods that wait for their volumes, by key.
#[derive(Clone, Debug, Default)]
pub(super) struct Reservations {
    by_pod: BTreeMap<Key, Reservation>,
    /// Whether something has happened since they were looked at.
    pub(super) are_due: bool,
}

impl Reservations {
    pub(super) fn add(&mut self, reservation: Reservation) {
        self.by_pod.insert(reservation.pod.key(), reservation);
        self.are_due = true;
    }

    pub(super) fn contains(&self, pod: &Key) -> bool {
        self.by_pod.contains_key(pod)
    }

    pub(super) fn remove(&mut self, pod: &Key) -> Option<Reservation> {
        self.by_pod.remove(pod)
    }

    /// Hears what came of a request for a pod; whether it was one for its volumes.
    pub(super) fn answered(
        &mut self,
        pod: &Key,
        (request, outcome): (&Request, &Outcome),
        volumes: &mut Volumes,
    ) -> bool {
        if request.verb != Verb::Update {
            return false;
        }
        if let Some(reservation) = self.by_pod.get_mut(pod) {
            reservation.answered(request, outcome, volumes);
            self.are_due = true;
        }
        true
    }

    /// When the first is given up, or looked at again.
    pub(super) fn next_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let first = self.by_pod.values().map(Reservation::until).min();
        if self.are_due { first.map(|_| now) } else { first }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Reservation> {
        self.by_pod.values()
    }
}
