//! VolumeRestrictions: a claim that one pod may use is used by one pod, and so is a disk.
//!
//! Source: framework/plugins/volumerestrictions (v1.36).

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use api::{AnyObject, Key, storage};
use k8s_openapi::api::core::v1::Volume;

use crate::cluster::Cluster;
use crate::cycle::{Cycle, CycleState};
use crate::event::Event;
use crate::framework::{Filter, Plugin, PreFilter, Verdict};
use crate::node_info::{NodeInfo, PodInfo};

const DISK_IN_USE: &str = "node(s) had no available disk";
const CLAIM_IN_USE: &str = "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode \
     already in-use by another pod";

/// Who uses the claims of a pod that one pod may use.
#[derive(Clone, Debug, Default)]
pub struct PreFilterState {
    exclusive: BTreeSet<String>,
    conflicts: i64,
}

impl PreFilterState {
    /// Counts a pod more or less.
    pub fn update(&mut self, pod: &PodInfo, other: &PodInfo, change: i64) {
        if other.namespace() == pod.namespace() {
            let used = claim_names(other).filter(|name| self.exclusive.contains(name)).count();
            self.conflicts += change * i64::try_from(used).unwrap_or(i64::MAX);
        }
    }
}

/// Who uses the claims of a pod, or why it can run nowhere.
pub fn pre_filter(pod: &PodInfo, cluster: &Cluster) -> Result<PreFilterState, String> {
    let mut state = PreFilterState::default();
    for name in claim_names(pod) {
        let key = Key::new(pod.namespace(), &name);
        let claim = cluster.volumes.claim(&key);
        let claim = claim.ok_or_else(|| format!("persistentvolumeclaim \"{name}\" not found"))?;
        if storage::access_modes(claim).iter().any(|mode| mode == "ReadWriteOncePod") {
            state.conflicts += i64::from(cluster.snapshot.uses_claim(&key));
            state.exclusive.insert(name);
        }
    }
    Ok(state)
}

/// The claims that a pod names, which leaves out those that are made for it.
fn claim_names(pod: &PodInfo) -> impl Iterator<Item = String> {
    storage::claims_of_pod(&pod.pod).filter(|(_, is_own)| !is_own).map(|(name, _)| name)
}

fn volumes(pod: &PodInfo) -> impl Iterator<Item = &Volume> {
    pod.spec().into_iter().flat_map(|spec| spec.volumes.iter().flatten())
}

/// Compares the claims and disks of pods.
#[derive(Clone, Copy, Debug)]
pub struct VolumeRestrictions;

impl Plugin for VolumeRestrictions {
    fn name(&self) -> &'static str {
        "VolumeRestrictions"
    }
}

impl PreFilter for VolumeRestrictions {
    fn pre_filter(
        &self,
        (pod, cluster): (&PodInfo, &Cluster),
        state: &mut CycleState,
    ) -> Result<(), String> {
        state.restrictions = pre_filter(pod, cluster)?;
        Ok(())
    }
}

impl Filter for VolumeRestrictions {
    fn filter(&self, cycle: &Cycle<'_>, node: &NodeInfo) -> Verdict {
        if volumes(cycle.pod).any(is_disk) && node.pods().any(|other| share_disk(cycle.pod, other))
        {
            return Verdict::Unschedulable(vec![DISK_IN_USE.to_owned()]);
        }
        if cycle.state.restrictions.conflicts > 0 {
            return Verdict::Unschedulable(vec![CLAIM_IN_USE.to_owned()]);
        }
        Verdict::Feasible
    }

    fn skips(&self, cycle: &Cycle<'_>) -> bool {
        claim_names(cycle.pod).next().is_none() && !volumes(cycle.pod).any(is_disk)
    }

    fn may_help(&self, pod: &PodInfo, event: Event<'_>, _cluster: &Cluster) -> bool {
        if let Some(AnyObject::PersistentVolumeClaim(claim)) = event.of_volumes() {
            let named = |name: String| Key::new(pod.namespace(), &name) == Key::of(&claim.metadata);
            return claim_names(pod).any(named);
        }
        let frees = |gone: &PodInfo| {
            let claims: BTreeSet<String> = claim_names(gone).collect();
            gone.namespace() == pod.namespace()
                && (share_disk(pod, gone) || claim_names(pod).any(|name| claims.contains(&name)))
        };
        event.is_new_node() || event.freed_by().is_some_and(frees)
    }
}

fn is_disk(volume: &Volume) -> bool {
    volume.gce_persistent_disk.is_some()
        || volume.aws_elastic_block_store.is_some()
        || volume.iscsi.is_some()
        || volume.rbd.is_some()
}

fn share_disk(pod: &PodInfo, other: &PodInfo) -> bool {
    volumes(pod).any(|volume| volumes(other).any(|used| conflict(volume, used)))
}

/// Whether two pods of a node cannot have these volumes. Most can be shared by those that only read.
fn conflict(volume: &Volume, other: &Volume) -> bool {
    let both_read = |one: Option<bool>, two: Option<bool>| one == Some(true) && two == Some(true);
    if let (Some(one), Some(two)) = (&volume.gce_persistent_disk, &other.gce_persistent_disk)
        && one.pd_name == two.pd_name
        && !both_read(one.read_only, two.read_only)
    {
        return true;
    }
    if let (Some(one), Some(two)) =
        (&volume.aws_elastic_block_store, &other.aws_elastic_block_store)
        && one.volume_id == two.volume_id
    {
        return true;
    }
    if let (Some(one), Some(two)) = (&volume.iscsi, &other.iscsi)
        && one.iqn == two.iqn
        && !both_read(one.read_only, two.read_only)
    {
        return true;
    }
    let (Some(one), Some(two)) = (&volume.rbd, &other.rbd) else { return false };
    one.monitors.iter().any(|monitor| two.monitors.contains(monitor))
        && (&one.pool, &one.image) == (&two.pool, &two.image)
        && !both_read(one.read_only, two.read_only)
}
