//! A pod that has a node and waits there for its volumes and devices.
//!
//! Source: `BindPodVolumes` and `checkBindings` in framework/plugins/volumebinding/binder.go (v1.36). Volumes and devices are
//! asked for side by side.

use std::sync::Arc;

use api::storage::{self, annotation, volume_name};
use api::{AnyObject, Key, Request, Timestamp};
use client::Outcome;
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim};

use super::Explanation;
use super::claims::ClaimWrites;
use crate::cluster::Cluster;
use crate::node_info::{NodeInfo, PodInfo};
use crate::plugins::dynamic_resources::Reserved;
use crate::plugins::volume_binding::Wanted;
use crate::volumes::{Volumes, version};

/// Something that was asked of the API server, and the version that came of it.
#[derive(Clone, Debug)]
struct Asked {
    key: Key,
    written: Option<u64>,
}

/// What must be there before a pod is bound.
#[derive(Clone, Debug, Default)]
pub(super) struct PreBind {
    /// What is to become of its claims of volumes.
    pub(super) volumes: Option<Wanted>,
    /// What its claims of devices get.
    pub(super) devices: Option<Reserved>,
}

/// A pod that waits for its volumes and devices.
#[derive(Clone, Debug)]
pub(super) struct Reservation {
    pub(super) pod: PodInfo,
    pub(super) node: String,
    pub(super) explanation: Explanation,
    /// Volumes that are being bound, with their claims.
    bindings: Vec<(Asked, Key)>,
    /// Claims whose volumes are being made.
    provisions: Vec<Asked>,
    /// Its claims of devices, if it has some.
    pub(super) devices: Option<ClaimWrites>,
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

impl Progress {
    /// A plugin has failed, for this reason.
    pub(super) fn failed(plugin: &str, why: &str) -> Self {
        Self::Failed(format!("running PreBind plugin \"{plugin}\": {why}"))
    }
}

impl Reservation {
    /// Counts everything as it is going to be, and asks for it; volumes are given up at `until`.
    pub(super) fn begin(
        (pod, node, explanation): (&PodInfo, &str, Explanation),
        wanted: PreBind,
        (cluster, until): (&mut Cluster, Timestamp),
    ) -> (Self, Vec<Request>) {
        let mut requests = vec![];
        let (mut bindings, mut provisions) = (vec![], vec![]);
        let volumes = &mut cluster.volumes;
        let Wanted { bindings: to_bind, provisions: to_make } = wanted.volumes.unwrap_or_default();
        for (volume, claim) in to_bind {
            let (bound, asked) = bind(&volume, &claim);
            requests.extend(bound.as_ref().map(Request::update));
            if let Some(bound) = bound {
                volumes.assume_volume(Arc::new(bound));
            }
            bindings.push((asked, Key::of(&claim.metadata)));
        }
        for claim in to_make {
            let (placed, asked) = place(&claim, node);
            requests.extend(placed.as_ref().map(Request::update));
            if let Some(placed) = placed {
                volumes.assume_claim(Arc::new(placed));
            }
            provisions.push(asked);
        }
        let devices = wanted.devices.map(|reserved| {
            let (writes, asked) =
                ClaimWrites::begin(pod, reserved, (&mut cluster.devices, cluster.now));
            requests.extend(asked);
            writes
        });
        let (pod, node) = (pod.clone(), node.to_owned());
        let reservation =
            Self { pod, node, explanation, bindings, provisions, devices, until, refused: None };
        (reservation, requests)
    }

    /// When its volumes or its devices are given up; `None` while that is not known.
    pub(super) fn until(&self) -> Option<Timestamp> {
        let devices = self.devices.as_ref().and_then(ClaimWrites::until);
        self.has_volumes().then_some(self.until).into_iter().chain(devices).min()
    }

    /// Whether it waits for volumes.
    pub(super) fn has_volumes(&self) -> bool {
        !self.bindings.is_empty() || !self.provisions.is_empty()
    }

    /// Whether all is written that its devices need.
    pub(super) fn has_devices(&self) -> bool {
        self.devices.as_ref().is_some_and(|devices| devices.until().is_some())
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

    /// Counts everything as it was seen, but for what a claim is about to have.
    pub(super) fn end(&self, cluster: &mut Cluster) {
        for (volume, _) in &self.bindings {
            cluster.volumes.forget_volume(&volume.key.name);
        }
        for claim in &self.provisions {
            cluster.volumes.forget_claim(&claim.key);
        }
        if let Some(devices) = &self.devices {
            devices.end_all_but_asked(&mut cluster.devices);
        }
    }

    /// How far it has come.
    pub(super) fn progress(&self, cluster: &Cluster, now: Timestamp) -> Progress {
        let node = cluster.snapshot.node(&self.node);
        let volumes = match self.volumes_progress(node, &cluster.volumes, now) {
            Progress::Failed(why) => return Progress::failed("VolumeBinding", &why),
            volumes @ (Progress::Waits | Progress::Bound) => volumes,
        };
        let devices = self.devices.as_ref();
        match devices.map(|devices| devices.progress(&self.pod, &cluster.devices, now)) {
            None | Some(Progress::Bound) => volumes,
            Some(devices @ (Progress::Waits | Progress::Failed(_))) => devices,
        }
    }

    fn volumes_progress(
        &self,
        node: Option<&NodeInfo>,
        volumes: &Volumes,
        now: Timestamp,
    ) -> Progress {
        if !self.has_volumes() {
            return Progress::Bound;
        }
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
