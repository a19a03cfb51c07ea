//! What a volume of a pod mounts whose files are behind a claim.
//!
//! Source: `createVolumeSpec` in pkg/kubelet/volumemanager/populator/desired_state_of_world_populator.go (v1.36).
//! Of the kinds of volumes there are `local` and `hostPath`.

use api::Key;
use api::storage::{self, LOCAL_PATH, annotation};
use k8s_openapi::api::core::v1::{PersistentVolume, PersistentVolumeClaim, Pod, Volume};

use crate::references::Found;
use crate::runtime::MountSource;

/// Keeps a claim that is being deleted while pods use it.
const CLAIM_FINALIZER: &str = "kubernetes.io/pvc-protection";

/// The sentence about a volume of a pod that cannot be mounted, for this reason.
pub(crate) fn failure(volume: &str, why: &str) -> String {
    format!(
        "Unable to attach or mount volumes: unmounted volumes=[{volume}], unattached volumes=[], \
         failed to process volumes=[{volume}]: {why}"
    )
}

/// The reason when a claim, or what is behind it, is not as it should be.
pub(crate) fn processing(pod: &Pod, claim: &str, why: &str) -> String {
    let Key { namespace, .. } = Key::of(&pod.metadata);
    format!("error processing PVC {namespace}/{claim}: {why}")
}

/// The volume that a claim is bound to, or why the claim is of no use.
pub(crate) fn volume_name(claim: &PersistentVolumeClaim) -> Result<&str, &'static str> {
    let is_kept =
        claim.metadata.finalizers.iter().flatten().any(|finalizer| finalizer == CLAIM_FINALIZER);
    let phase = claim.status.as_ref().and_then(|status| status.phase.as_deref());
    if claim.metadata.deletion_timestamp.is_some() && !is_kept {
        return Err("PVC is being deleted");
    }
    if phase != Some("Bound") {
        return Err("PVC is not bound");
    }
    match storage::volume_name(claim) {
        "" => Err("PVC has empty pvc.Spec.VolumeName"),
        name => Ok(name),
    }
}

/// What a pod mounts of a claim.
pub(crate) fn source(
    pod: &Pod,
    volume: &Volume,
    (claim, is_own): (&str, bool),
    found: &Found,
) -> Result<MountSource, String> {
    let failed = |why: &str| failure(&volume.name, why);
    let useless = |why: &str| failed(&processing(pod, claim, why));
    let bound = found.claims.get(claim).ok_or_else(|| useless("PVC is not bound"))?;
    let name = volume_name(bound).map_err(useless)?;
    if let Some(why) = storage::foreign_claim(pod, bound).filter(|_| is_own) {
        return Err(failed(&why));
    }
    let persistent = found.volumes.get(name);
    let persistent =
        persistent.ok_or_else(|| useless(&format!("failed to fetch PV {name} from API server")))?;
    if let Some(why) = misbound(persistent, bound) {
        return Err(useless(&why));
    }
    let mode = persistent.spec.as_ref().and_then(|spec| spec.volume_mode.as_deref());
    if let Some(mode) = mode.filter(|mode| *mode != "Filesystem") {
        let name = &volume.name;
        let why = format!("volume {name} has volumeMode {mode}, but is specified in volumeMounts");
        return Err(failed(&why));
    }
    mounted(persistent).ok_or_else(|| failed("this kind of volume is not supported"))
}

/// Why a volume is not the one that a claim is bound to, if it is not.
fn misbound(volume: &PersistentVolume, claim: &PersistentVolumeClaim) -> Option<String> {
    let name = volume.metadata.name.as_deref().unwrap_or_default();
    let Some(reference) = storage::claim_reference(volume) else {
        return Some(format!(
            "found PV object {name} but it has a nil pv.Spec.ClaimRef indicating it is not yet bound to the claim"
        ));
    };
    let uid = |uid: &Option<String>| uid.clone().unwrap_or_default();
    let (referred, expected) = (uid(&reference.uid), uid(&claim.metadata.uid));
    (referred != expected).then(|| {
        format!(
            "found PV object {name} but its pv.Spec.ClaimRef.UID {referred} does not point to claim.UID {expected}"
        )
    })
}

/// What is mounted of a volume, if it is of a kind that can be.
fn mounted(volume: &PersistentVolume) -> Option<MountSource> {
    let spec = volume.spec.as_ref()?;
    if let Some(local) = &spec.local {
        let create_directory =
            annotation(&volume.metadata, storage::PROVISIONED_BY) == Some(LOCAL_PATH);
        return Some(MountSource::Local { path: local.path.clone(), create_directory });
    }
    let host = spec.host_path.as_ref()?;
    let create_directory = host.type_.as_deref() == Some("DirectoryOrCreate");
    Some(MountSource::HostPath { path: host.path.clone(), create_directory })
}
