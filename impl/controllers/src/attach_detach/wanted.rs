//! Which volumes the pods of a node want attached.
//!
//! Source: pkg/controller/volume/attachdetach/util/util.go (v1.36).

use std::collections::BTreeMap;
use std::sync::Arc;

use api::{Key, storage};
use client::View;
use k8s_openapi::api::core::v1::{
    CSIPersistentVolumeSource, ContainerStatus, PersistentVolume, Pod,
};

use super::attachment;
use crate::pods;

/// A volume that is wanted on a node, and the pods that want it.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) volume: Arc<PersistentVolume>,
    pub(super) pods: Vec<Arc<Pod>>,
}

/// What a CSI driver knows of a volume.
pub(super) fn driver_source(volume: &PersistentVolume) -> Option<&CSIPersistentVolumeSource> {
    volume.spec.as_ref()?.csi.as_ref()
}

/// By the name of the attachment, the volumes that the pods of a node want attached to it.
pub(super) fn on_node(view: &View, node: &str) -> BTreeMap<String, Wanted> {
    let mut wanted: BTreeMap<String, Wanted> = BTreeMap::new();
    for pod in view.pods_on(node).filter(|pod| !is_over(pod)) {
        for volume in of_pod(view, pod) {
            let Some(source) = driver_source(volume) else { continue };
            let new = || Wanted { volume: Arc::clone(volume), pods: vec![] };
            let entry = wanted.entry(attachment::name(source, node)).or_insert_with(new);
            entry.pods.push(Arc::clone(pod));
        }
    }
    wanted
}

/// The volumes of a pod that drivers attach.
pub(super) fn of_pod<'a>(
    view: &'a View,
    pod: &'a Pod,
) -> impl Iterator<Item = &'a Arc<PersistentVolume>> {
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    storage::claims_of_pod(pod).filter_map(move |(name, is_own)| {
        let claim = view.persistent_volume_claims.get(&Key::new(namespace, &name))?;
        let phase = claim.status.as_ref().and_then(|status| status.phase.as_deref());
        let is_foreign = is_own && storage::foreign_claim(pod, claim).is_some();
        let volume = view.persistent_volumes.get(&Key::cluster(storage::volume_name(claim)))?;
        let is_bound = storage::claim_reference(volume)
            .is_some_and(|reference| reference.uid == claim.metadata.uid);
        let is_attached = is_attachable(view, volume);
        (phase == Some("Bound") && !is_foreign && is_bound && is_attached).then_some(volume)
    })
}

/// The nodes of the pods that use a claim.
pub(super) fn nodes_using(view: &View, claim: &Key) -> Vec<String> {
    let pods = view.pods.in_namespace(&claim.namespace).filter(|pod| {
        !pods::node_name(pod).is_empty()
            && storage::claims_of_pod(pod).any(|(name, _)| name == claim.name)
    });
    pods.map(|pod| pods::node_name(pod).to_owned()).collect()
}

/// Whether a driver wants to attach a volume. One that says nothing does.
fn is_attachable(view: &View, volume: &PersistentVolume) -> bool {
    driver_source(volume).is_some_and(|source| {
        let driver = view.csi_drivers.get(&Key::cluster(&source.driver));
        driver.is_none_or(|driver| driver.spec.attach_required != Some(false))
    })
}

/// Whether a pod needs its volumes no more. Source: `IsPodTerminated` in pkg/volume/util/util.go (v1.36).
fn is_over(pod: &Pod) -> bool {
    let status = pod.status.as_ref();
    let init = status.and_then(|status| status.init_container_statuses.as_deref());
    let main = status.and_then(|status| status.container_statuses.as_deref());
    let ephemeral = status.and_then(|status| status.ephemeral_container_statuses.as_deref());
    let mut all = [init, main, ephemeral].into_iter().flatten().flatten();
    let runs = |status: &ContainerStatus| {
        let state = status.state.as_ref();
        state.is_none_or(|state| state.terminated.is_none() && state.waiting.is_none())
    };
    pods::is_finished(pod) || pods::is_terminating(pod) && !all.any(runs)
}
