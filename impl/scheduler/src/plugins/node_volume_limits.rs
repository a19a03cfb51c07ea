//! NodeVolumeLimits: a node attaches no more volumes of a CSI driver than its CSINode says.
//!
//! Source: framework/plugins/nodevolumelimits/csi.go (v1.36). Left out: volumes of plugins that CSI drivers have
//! replaced, and `preventPodSchedulingIfMissing`, which is off.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use api::storage::{self, volume_name};
use api::{AnyObject, Key};
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::storage::v1::CSINode;

use crate::cluster::Cluster;
use crate::cycle::Cycle;
use crate::event::Event;
use crate::framework::{Filter, Plugin, Verdict};
use crate::node_info::{NodeInfo, PodInfo};
use crate::volumes::Volumes;

const TOO_MANY: &str = "node(s) exceed max volume count";

/// A volume: its driver, and what it is to the driver, or the claim that has none yet.
type Attached = (String, String);

/// Counts the volumes of each driver.
#[derive(Clone, Copy, Debug)]
pub struct NodeVolumeLimits;

impl Plugin for NodeVolumeLimits {
    fn name(&self) -> &'static str {
        "NodeVolumeLimits"
    }
}

impl Filter for NodeVolumeLimits {
    fn filter(&self, cycle: &Cycle<'_>, node: &NodeInfo) -> Verdict {
        if storage::claims_of_pod(&cycle.pod.pod).next().is_none() {
            return Verdict::Feasible;
        }
        let volumes = &cycle.cluster.volumes;
        let Some(csi_node) = volumes.csi_node(node.name()) else { return Verdict::Feasible };
        let limits = limits(csi_node);
        let mut wanted: BTreeSet<Attached> = of_pod(cycle.pod, volumes).collect();
        if limits.is_empty() || wanted.is_empty() {
            return Verdict::Feasible;
        }
        let mut attached: BTreeSet<Attached> =
            node.pods().flat_map(|pod| of_pod(pod, volumes)).collect();
        wanted.retain(|volume| !attached.contains(volume));
        attached.extend(of_attachments(node, volumes));
        let exceeds = |(driver, limit): (&String, &i64)| {
            let more = count(&wanted, driver);
            more > 0 && more + count(&attached, driver) > *limit
        };
        if limits.iter().any(exceeds) {
            return Verdict::Unschedulable(vec![TOO_MANY.to_owned()]);
        }
        Verdict::Feasible
    }

    fn skips(&self, cycle: &Cycle<'_>) -> bool {
        storage::claims_of_pod(&cycle.pod.pod).next().is_none()
    }

    fn may_help(&self, pod: &PodInfo, event: Event<'_>, _cluster: &Cluster) -> bool {
        if let Some(gone) = event.freed_by() {
            return storage::claims_of_pod(&gone.pod).next().is_some();
        }
        let Event::Volumes(change) = event else { return false };
        let object = change.object();
        if let AnyObject::CSINode(new) = object {
            return match (&change.old, &change.new) {
                (Some(AnyObject::CSINode(old)), Some(_)) => is_raised(old, new),
                (_, new) => new.is_some(),
            };
        }
        if let AnyObject::PersistentVolumeClaim(claim) = object {
            return storage::claims_of_pod(&pod.pod)
                .any(|(name, _)| Key::new(pod.namespace(), &name) == Key::of(&claim.metadata));
        }
        matches!(object, AnyObject::VolumeAttachment(_)) && change.new.is_none()
    }
}

/// How many volumes of each driver a node attaches at the most.
fn limits(csi_node: &CSINode) -> BTreeMap<String, i64> {
    let limit = |driver: &k8s_openapi::api::storage::v1::CSINodeDriver| {
        let count = driver.allocatable.as_ref().and_then(|allocatable| allocatable.count)?;
        Some((driver.name.clone(), i64::from(count)))
    };
    csi_node.spec.drivers.iter().filter_map(limit).collect()
}

fn is_raised(old: &CSINode, new: &CSINode) -> bool {
    let old = limits(old);
    limits(new).iter().any(|(driver, limit)| *limit > old.get(driver).copied().unwrap_or(0))
}

fn count(volumes: &BTreeSet<Attached>, driver: &str) -> i64 {
    let of_driver = volumes.iter().filter(|(name, _)| name == driver).count();
    i64::try_from(of_driver).unwrap_or(i64::MAX)
}

/// The volumes of a pod's claims.
fn of_pod(pod: &PodInfo, volumes: &Volumes) -> impl Iterator<Item = Attached> {
    let keys = storage::claims_of_pod(&pod.pod).map(|(name, _)| Key::new(pod.namespace(), &name));
    keys.filter_map(|key| of_claim(volumes.claim(&key)?, volumes))
}

/// The volume of a claim, or what is going to be made for it.
fn of_claim(claim: &PersistentVolumeClaim, volumes: &Volumes) -> Option<Attached> {
    if let Some(volume) = volumes.volume(volume_name(claim)) {
        let csi = volume.spec.as_ref()?.csi.as_ref()?;
        return Some((csi.driver.clone(), csi.volume_handle.clone()));
    }
    let class = volumes.class(storage::class_of_claim(claim))?;
    Some((class.provisioner.clone(), format!("claim {}", Key::of(&claim.metadata))))
}

/// What is attached to a node, also for pods that are gone.
fn of_attachments(node: &NodeInfo, volumes: &Volumes) -> Vec<Attached> {
    let attachments = volumes.attachments(node.name());
    let attached = attachments.filter_map(|attachment| {
        let spec = &attachment.spec;
        let volume = volumes.volume(spec.source.persistent_volume_name.as_deref()?)?;
        let csi = volume.spec.as_ref()?.csi.as_ref()?;
        (!spec.attacher.is_empty()).then(|| (spec.attacher.clone(), csi.volume_handle.clone()))
    });
    attached.collect()
}
