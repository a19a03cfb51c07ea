//! What becomes of a volume that is released.
//!
//! Source: `reclaimVolume`, `recycleVolumeOperation`, `deleteVolumeOperation` and `findDeletablePlugin` in
//! pv_controller.go, and pkg/volume/hostpath/host_path.go (v1.36).

use std::collections::BTreeSet;
use std::sync::Arc;

use api::storage::{self, annotation};
use api::{Key, Request, resources};
use client::event::Note;
use k8s_openapi::api::core::v1::PersistentVolume;
use serde_json::json;

use super::pass::Pass;
use super::provision::{HOST_PATH, NFS};
use super::{bind, migration};
use crate::ownership::uid;
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
        "Delete" => match deleter(volume) {
            Ok(Deleter::Outside) => {}
            Ok(Deleter::HostPath(path)) if is_temporary(path) => delete(pass, volume),
            Ok(Deleter::HostPath(path)) => {
                let why =
                    format!("host_path deleter only supports /tmp/.+ but received provided {path}");
                fail(pass, volume, ("VolumeFailedDelete", &why));
            }
            Err(why) => fail(pass, volume, ("VolumeFailedDelete", &why)),
        },
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

/// Who deletes what is behind a volume.
enum Deleter<'a> {
    /// Somebody else, and the volume too.
    Outside,
    /// This controller: a folder.
    HostPath(&'a str),
}

/// Who deletes what is behind a volume; why nobody does, if nobody does.
fn deleter(volume: &PersistentVolume) -> Result<Deleter<'_>, String> {
    let spec = volume.spec.as_ref();
    let host_path = spec.and_then(|spec| Some(Deleter::HostPath(&spec.host_path.as_ref()?.path)));
    let name = Key::of(&volume.metadata).name;
    let provisioner = annotation(&volume.metadata, storage::PROVISIONED_BY);
    match provisioner.filter(|name| !name.is_empty()) {
        Some(HOST_PATH) => host_path.ok_or_else(|| {
            format!(
                "failed to create deleter for volume \"{name}\": spec.PersistentVolumeSource.HostPath is nil"
            )
        }),
        Some(NFS) => Err("no deletable volume plugin matched".to_owned()),
        Some(plugin) if plugin.starts_with("kubernetes.io/") => {
            Err(format!("no volume plugin matched name: {plugin}"))
        }
        Some(_) => Ok(Deleter::Outside),
        None if spec.is_some_and(|spec| spec.csi.is_some()) => Ok(Deleter::Outside),
        None => host_path.ok_or_else(|| {
            let is_nfs = spec.is_some_and(|spec| spec.nfs.is_some());
            let kind = if is_nfs { "deletable volume" } else { "volume" };
            format!(
                "error getting deleter volume plugin for volume \"{name}\": no {kind} plugin matched"
            )
        }),
    }
}

fn is_temporary(path: &str) -> bool {
    path.split_once("/tmp/").is_some_and(|(_, rest)| !rest.is_empty())
}

/// Deletes a volume that is still as it was seen, and then lets it go. What is in the folder of a node is out of reach: it
/// stays there.
fn delete(pass: &mut Pass<'_>, volume: &Arc<PersistentVolume>) {
    let metadata = &volume.metadata;
    if metadata.deletion_timestamp.is_some() {
        if let Some(metadata) = migration::unprotected(metadata) {
            pass.update(&PersistentVolume { metadata, ..volume.as_ref().clone() });
        }
        return;
    }
    let seen = json!({"uid": uid(metadata), "resourceVersion": metadata.resource_version});
    let options = json!({"preconditions": seen});
    let key = Key::of(metadata);
    pass.requests.push(Request::delete(&resources::PERSISTENT_VOLUMES, key, "", options));
}

fn fail(pass: &mut Pass<'_>, volume: &Arc<PersistentVolume>, (reason, why): (&str, &str)) {
    if bind::set_volume_phase(pass, volume, ("Failed", why)) {
        pass.say(volume, Note::warning(reason, why));
    }
}
