//! What becomes of a volume that is released.
//!
//! Source: `reclaimVolume`, `recycleVolumeOperation` and `findDeletablePlugin` in pv_controller.go (v1.36).

use std::collections::BTreeSet;
use std::sync::Arc;

use api::Key;
use api::storage::{self, annotation};
use client::event::Note;
use k8s_openapi::api::core::v1::PersistentVolume;

use super::bind;
use super::pass::Pass;
use crate::pods;

/// What a volume says is to become of it.
pub(super) fn policy(volume: &PersistentVolume) -> &str {
    let spec = volume.spec.as_ref();
    let policy = spec.and_then(|spec| spec.persistent_volume_reclaim_policy.as_deref());
    policy.unwrap_or_default()
}

/// Does what the policy says.
pub(super) fn sync(pass: &mut Pass<'_>, volume: &Arc<PersistentVolume>) {
    if annotation(&volume.metadata, storage::MIGRATED_TO).is_some_and(|driver| !driver.is_empty()) {
        return;
    }
    match policy(volume) {
        "Retain" => {}
        "Recycle" => recycle(pass, volume),
        "Delete" => {
            if let Some(why) = no_deleter(volume) {
                fail(pass, volume, ("VolumeFailedDelete", &why));
            }
        }
        _ => {
            let why = "Volume has unrecognized PersistentVolumeReclaimPolicy";
            fail(pass, volume, ("VolumeUnknownReclaimPolicy", why));
        }
    }
}

fn recycle(pass: &mut Pass<'_>, volume: &Arc<PersistentVolume>) {
    let users = users(pass, volume);
    if users.is_empty() {
        return fail(
            pass,
            volume,
            ("VolumeFailedRecycle", "No recycler plugin found for the volume!"),
        );
    }
    let users: Vec<String> = users.into_iter().collect();
    let message = format!("Volume is used by pods: {}", users.join(","));
    pass.say(volume, Note::normal("VolumeFailedRecycle", message));
}

/// The pods that still use a volume whose claim is gone.
fn users(pass: &Pass<'_>, volume: &PersistentVolume) -> BTreeSet<String> {
    let Some(reference) = storage::claim_reference(volume) else { return BTreeSet::new() };
    let claim = storage::claim_key(reference);
    if pass.claim(&claim).is_some() {
        return BTreeSet::new();
    }
    let pods = pass.view.pods.in_namespace(&claim.namespace);
    let using = pods.filter(|pod| {
        !pods::is_finished(pod) && storage::claims_of_pod(pod).any(|(name, _)| name == claim.name)
    });
    using.map(|pod| Key::of(&pod.metadata).to_string()).collect()
}

/// Why nobody deletes what is behind a volume; `None` when that is somebody else's work.
fn no_deleter(volume: &PersistentVolume) -> Option<String> {
    let provisioner = annotation(&volume.metadata, storage::PROVISIONED_BY);
    match provisioner.filter(|name| !name.is_empty()) {
        Some(name) if name.starts_with("kubernetes.io/") => {
            Some(format!("no volume plugin matched name: {name}"))
        }
        Some(_) => None,
        None => {
            let is_of_driver = volume.spec.as_ref().is_some_and(|spec| spec.csi.is_some());
            let name = Key::of(&volume.metadata).name;
            (!is_of_driver).then(|| {
                format!(
                    "error getting deleter volume plugin for volume \"{name}\": no deletable volume plugin matched"
                )
            })
        }
    }
}

fn fail(pass: &mut Pass<'_>, volume: &Arc<PersistentVolume>, (reason, why): (&str, &str)) {
    if bind::set_volume_phase(pass, volume, ("Failed", why)) {
        pass.say(volume, Note::warning(reason, why));
    }
}
