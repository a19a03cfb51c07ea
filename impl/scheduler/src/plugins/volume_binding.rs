//! VolumeBinding: a pod goes where its volumes are, or can be.
//!
//! Source: framework/plugins/volumebinding (v1.36). Left out: how much room CSI drivers have left, and scores.

#[cfg(test)]
mod tests;
mod wanted;

use std::sync::Arc;

use api::storage::{self, volume_name};
use api::{AnyObject, Key, node_fit::Place};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};

use crate::cluster::Cluster;
use crate::cycle::{Cycle, CycleState};
use crate::event::Event;
use crate::framework::{Filter, Plugin, PreFilter, Verdict};
use crate::node_info::{NodeInfo, PodInfo};
use crate::volumes::Volumes;

pub use wanted::Wanted;

const BOUND_ELSEWHERE: &str = "node(s) didn't match PersistentVolume's node affinity";
const NOTHING_TO_BIND: &str = "node(s) didn't find available persistent volumes to bind";
const BOUND_TO_NOTHING: &str =
    "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)";

/// The claims of a pod.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    bound: Vec<Arc<PersistentVolumeClaim>>,
    /// Those that wait for the pod to be placed, the smallest first.
    waiting: Vec<Arc<PersistentVolumeClaim>>,
}

/// The claims of a pod, or why it can run nowhere.
pub fn pre_filter(pod: &PodInfo, volumes: &Volumes) -> Result<Claims, String> {
    let mut claims = Claims::default();
    let mut is_unbound = false;
    for (name, is_own) in storage::claims_of_pod(&pod.pod) {
        let key = Key::new(&pod.key().namespace, &name);
        let claim = usable(&pod.pod, (&key, is_own), volumes)?;
        let class = volumes.class(storage::class_of_claim(claim));
        if storage::is_fully_bound(claim) {
            claims.bound.push(Arc::clone(claim));
        } else if volume_name(claim).is_empty()
            && storage::waits_for_first_consumer(class.map(AsRef::as_ref))
        {
            claims.waiting.push(Arc::clone(claim));
        } else {
            is_unbound = true;
        }
    }
    if is_unbound {
        return Err("pod has unbound immediate PersistentVolumeClaims".to_owned());
    }
    claims.waiting.sort_by_key(|claim| storage::requested(claim));
    Ok(claims)
}

/// A claim that the pod may use.
fn usable<'a>(
    pod: &Pod,
    (key, is_own): (&Key, bool),
    volumes: &'a Volumes,
) -> Result<&'a Arc<PersistentVolumeClaim>, String> {
    let name = &key.name;
    let Some(claim) = volumes.claim(key) else {
        return Err(if is_own {
            format!(
                "waiting for ephemeral volume controller to create the persistentvolumeclaim \"{name}\""
            )
        } else {
            format!("persistentvolumeclaim \"{name}\" not found")
        });
    };
    let phase = claim.status.as_ref().and_then(|status| status.phase.as_deref());
    if phase == Some("Lost") {
        let volume = volume_name(claim);
        return Err(format!(
            "persistentvolumeclaim \"{name}\" bound to non-existent persistentvolume \"{volume}\""
        ));
    }
    if claim.metadata.deletion_timestamp.is_some() {
        return Err(format!("persistentvolumeclaim \"{name}\" is being deleted"));
    }
    match storage::foreign_claim(pod, claim).filter(|_| is_own) {
        Some(why) => Err(why),
        None => Ok(claim),
    }
}

/// Compares the claims of a pod with what a node can have.
#[derive(Clone, Copy, Debug)]
pub struct VolumeBinding;

impl Plugin for VolumeBinding {
    fn name(&self) -> &'static str {
        "VolumeBinding"
    }
}

impl PreFilter for VolumeBinding {
    fn pre_filter(
        &self,
        (pod, cluster): (&PodInfo, &Cluster),
        state: &mut CycleState,
    ) -> Result<(), String> {
        state.claims = pre_filter(pod, &cluster.volumes)?;
        Ok(())
    }
}

impl Filter for VolumeBinding {
    fn filter(&self, cycle: &Cycle<'_>, node: &NodeInfo) -> Verdict {
        filter(&cycle.state.claims, node, &cycle.cluster.volumes)
    }

    fn skips(&self, cycle: &Cycle<'_>) -> bool {
        let claims = &cycle.state.claims;
        claims.bound.is_empty() && claims.waiting.is_empty()
    }

    fn may_help(&self, pod: &PodInfo, event: Event<'_>, _cluster: &Cluster) -> bool {
        match event.of_volumes() {
            Some(AnyObject::PersistentVolumeClaim(claim)) => storage::claims_of_pod(&pod.pod)
                .any(|(name, _)| Key::new(pod.namespace(), &name) == Key::of(&claim.metadata)),
            Some(AnyObject::PersistentVolume(_) | AnyObject::StorageClass(_)) => true,
            Some(_) => false,
            None => event.has_new_labels(),
        }
    }
}

/// Whether a pod with these claims can run on a node.
pub fn filter(claims: &Claims, node: &NodeInfo, volumes: &Volumes) -> Verdict {
    if claims.bound.is_empty() && claims.waiting.is_empty() {
        return Verdict::Feasible;
    }
    let Some(place) = node.place() else { return Verdict::Feasible };
    let mut reasons = vec![];
    match reach(claims, place, volumes) {
        Reach::All => {}
        Reach::NotAll => reasons.push(BOUND_ELSEWHERE),
        Reach::Missing => reasons.push(BOUND_TO_NOTHING),
    }
    if Wanted::of(claims, node, volumes).is_none() {
        reasons.insert(usize::from(reasons.first() == Some(&BOUND_ELSEWHERE)), NOTHING_TO_BIND);
    }
    if reasons.is_empty() {
        return Verdict::Feasible;
    }
    Verdict::UnschedulableAndUnresolvable(reasons.into_iter().map(str::to_owned).collect())
}

/// Whether a node reaches the volumes of bound claims.
enum Reach {
    All,
    NotAll,
    Missing,
}

fn reach(claims: &Claims, place: Place<'_>, volumes: &Volumes) -> Reach {
    for claim in &claims.bound {
        match volumes.volume(volume_name(claim)) {
            None => return Reach::Missing,
            Some(volume) if !storage::reaches(place, volume) => return Reach::NotAll,
            Some(_) => {}
        }
    }
    Reach::All
}
