//! VolumeRestrictions: a claim that one pod may use is used by one pod.
//!
//! Source: framework/plugins/volumerestrictions (v1.36). Left out: disks that are named in a pod itself.

use api::{Key, storage};

use crate::framework::Verdict;
use crate::node_info::PodInfo;
use crate::snapshot::Snapshot;
use crate::volumes::Volumes;

const IN_USE: &str =
    "node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode";

/// What is said of every node, because of pods on any.
pub fn filter(pod: &PodInfo, snapshot: &Snapshot, volumes: &Volumes) -> Verdict {
    let namespace = pod.key().namespace;
    let keys = storage::claims_of_pod(&pod.pod).map(|(name, _)| Key::new(&namespace, &name));
    let is_exclusive = |key: &Key| {
        let claim = volumes.claim(key);
        let modes = claim.map(|claim| storage::access_modes(claim)).unwrap_or_default();
        modes.iter().any(|mode| mode == "ReadWriteOncePod")
    };
    if keys.filter(is_exclusive).any(|key| snapshot.uses_claim(&key)) {
        return Verdict::Unschedulable(vec![IN_USE.to_owned()]);
    }
    Verdict::Feasible
}

#[cfg(test)]
mod tests {
    use api::resources;
    use client::Change;
    use serde_json::json;

    use super::*;
    use crate::testing::{claim, node, pod_using, stored};

    #[test]
    fn a_claim_for_one_pod_is_used_by_one() {
        let verdict = |mode: &str, other: &str| {
            let mut volumes = Volumes::default();
            let mut claim = claim("data");
            claim["spec"]["accessModes"] = json!([mode]);
            let claim = stored(&resources::PERSISTENT_VOLUME_CLAIMS, claim);
            volumes.observe(&Change { old: None, new: Some(claim) });
            let mut snapshot = Snapshot::default();
            snapshot.set_node(node("a", json!({})));
            snapshot.add_pod(PodInfo::new(pod_using("first", &[other])), "a");
            filter(&PodInfo::new(pod_using("second", &["data"])), &snapshot, &volumes)
        };

        let in_use = Verdict::Unschedulable(vec![IN_USE.to_owned()]);
        assert_eq!(verdict("ReadWriteOncePod", "data"), in_use);
        assert_eq!(verdict("ReadWriteOncePod", "other"), Verdict::Feasible);
        assert_eq!(verdict("ReadWriteOnce", "data"), Verdict::Feasible);
    }
}
