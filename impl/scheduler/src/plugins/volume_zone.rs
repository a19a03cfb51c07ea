//! VolumeZone: a pod runs in the zone and region that its volumes are labelled with.
//!
//! Source: framework/plugins/volumezone (v1.36). What it says of claims without a volume, VolumeBinding has said
//! before.

use std::borrow::Cow;
use std::collections::BTreeSet;

use api::storage::{self, volume_name};
use api::{AnyObject, Key};
use k8s_openapi::api::core::v1::PersistentVolume;

use crate::cluster::Cluster;
use crate::cycle::{Cycle, CycleState};
use crate::event::Event;
use crate::framework::{Filter, Plugin, PreFilter, Verdict};
use crate::node_info::{NodeInfo, PodInfo};
use crate::volumes::Volumes;

const ELSEWHERE: &str = "node(s) had no available volume zone";

/// The labels that say where something is, each with the label that has replaced it.
const TOPOLOGY_LABELS: [(&str, &str); 4] = [
    ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
    ("topology.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ("topology.kubernetes.io/region", "topology.kubernetes.io/region"),
];

/// What separates the zones of a volume that is in several.
const SEPARATOR: &str = "__";

/// Where a volume is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Topology {
    keys: (&'static str, &'static str),
    values: BTreeSet<String>,
}

/// Where all volumes of a pod are.
#[derive(Clone, Debug, Default)]
pub struct PreFilterState {
    topologies: Vec<Topology>,
}

/// Where the volumes of a pod are, or why it can run nowhere.
pub fn pre_filter(pod: &PodInfo, volumes: &Volumes) -> Result<PreFilterState, String> {
    let mut topologies = vec![];
    for claim in claims(pod).filter_map(|key| volumes.claim(&key).cloned()) {
        let name = volume_name(&claim);
        if name.is_empty() {
            continue;
        }
        let volume = volumes.volume(name);
        let volume = volume.ok_or_else(|| format!("persistentvolume \"{name}\" not found"))?;
        topologies.extend(topologies_of(volume));
    }
    Ok(PreFilterState { topologies })
}

/// What was noted of the pod, or is found out where nobody has looked.
fn state_of<'a>(cycle: &'a Cycle<'_>) -> Result<Cow<'a, PreFilterState>, String> {
    match &cycle.state.zones {
        Some(state) => Ok(Cow::Borrowed(state)),
        None => pre_filter(cycle.pod, &cycle.cluster.volumes).map(Cow::Owned),
    }
}

/// The claims of a pod, but for those that are its own.
fn claims(pod: &PodInfo) -> impl Iterator<Item = Key> {
    let named = storage::claims_of_pod(&pod.pod).filter(|(_, is_own)| !is_own);
    named.map(|(name, _)| Key::new(pod.namespace(), &name))
}

fn topologies_of(volume: &PersistentVolume) -> Vec<Topology> {
    let labels = volume.metadata.labels.as_ref();
    let topology = |keys: &(&'static str, &'static str)| {
        let values = zones(labels?.get(keys.0)?)?;
        Some(Topology { keys: *keys, values })
    };
    TOPOLOGY_LABELS.iter().filter_map(topology).collect()
}

/// The zones that a label names; `None` when one of them is empty.
fn zones(label: &str) -> Option<BTreeSet<String>> {
    let zones = label.split(SEPARATOR).map(str::trim);
    zones.map(|zone| (!zone.is_empty()).then(|| zone.to_owned())).collect()
}

/// Compares labels of nodes with those of volumes.
#[derive(Clone, Copy, Debug)]
pub struct VolumeZone;

impl Plugin for VolumeZone {
    fn name(&self) -> &'static str {
        "VolumeZone"
    }
}

impl PreFilter for VolumeZone {
    fn pre_filter(
        &self,
        (pod, cluster): (&PodInfo, &Cluster),
        state: &mut CycleState,
    ) -> Result<(), String> {
        state.zones = Some(pre_filter(pod, &cluster.volumes)?);
        Ok(())
    }
}

impl Filter for VolumeZone {
    fn filter(&self, cycle: &Cycle<'_>, node: &NodeInfo) -> Verdict {
        let state = match state_of(cycle) {
            Ok(state) => state,
            Err(why) => return Verdict::unresolvable(&why),
        };
        let says_where = TOPOLOGY_LABELS.iter().any(|(key, _)| node.label(key).is_some());
        let is_there = |topology: &Topology| {
            let (key, replacement) = topology.keys;
            let value = node.label(key).or_else(|| node.label(replacement));
            value.is_some_and(|value| topology.values.contains(value))
        };
        if says_where && !state.topologies.iter().all(is_there) {
            return Verdict::unresolvable(ELSEWHERE);
        }
        Verdict::Feasible
    }

    fn skips(&self, cycle: &Cycle<'_>) -> bool {
        cycle.state.zones.as_ref().is_some_and(|state| state.topologies.is_empty())
    }

    fn may_help(&self, pod: &PodInfo, event: Event<'_>, _cluster: &Cluster) -> bool {
        if event.has_new_labels() {
            return true;
        }
        match event.of_volumes() {
            Some(AnyObject::PersistentVolume(_)) => true,
            Some(AnyObject::PersistentVolumeClaim(claim)) => {
                claims(pod).any(|key| key == Key::of(&claim.metadata))
            }
            Some(AnyObject::StorageClass(class)) => {
                storage::waits_for_first_consumer(Some(class.as_ref()))
            }
            Some(_) | None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use api::resources;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{bound, claim, cluster_with, node_info, pod_using, stored, volume};

    const ZONE: &str = "topology.kubernetes.io/zone";
    const BETA_ZONE: &str = "failure-domain.beta.kubernetes.io/zone";

    fn cluster(labels: &Value) -> Cluster {
        let mut volume = volume("v", "a");
        volume["metadata"]["labels"] = labels.clone();
        cluster_with(vec![
            stored(&resources::PERSISTENT_VOLUME_CLAIMS, bound(claim("data"), "v")),
            stored(&resources::PERSISTENT_VOLUMES, volume),
        ])
    }

    /// What is said of a node, whether the pod was looked at before or not.
    fn verdict(volume: &Value, node: &Value) -> Verdict {
        let (cluster, pod) = (cluster(volume), PodInfo::new(pod_using("web", &["data"])));
        let mut cycle = crate::testing::cycle(&pod, &cluster).unwrap();
        let node = node_info("a", json!({"metadata": {"labels": node}}));
        let verdict = VolumeZone.filter(&cycle, &node);
        cycle.state.zones = None;
        assert_eq!(VolumeZone.filter(&cycle, &node), verdict);
        verdict
    }

    #[test]
    fn a_volume_leads_to_the_nodes_of_its_zone() {
        let cases = [
            (json!({ZONE: "1"}), json!({ZONE: "1"}), true),
            (json!({ZONE: "1"}), json!({ZONE: "2"}), false),
            (json!({ZONE: "1__2"}), json!({ZONE: "2"}), true),
            (json!({ZONE: "1__"}), json!({ZONE: "2"}), true),
            (json!({BETA_ZONE: "1"}), json!({ZONE: "1"}), true),
            (json!({BETA_ZONE: "1"}), json!({ZONE: "2"}), false),
            (json!({ZONE: "1"}), json!({BETA_ZONE: "1"}), false),
            (json!({ZONE: "1"}), json!({}), true),
            (json!({}), json!({ZONE: "2"}), true),
        ];

        for (volume, node, feasible) in cases {
            let refused = Verdict::unresolvable(ELSEWHERE);
            let expected = if feasible { Verdict::Feasible } else { refused };
            assert_eq!(verdict(&volume, &node), expected, "{volume} {node}");
        }
    }

    proptest! {
        /// The rule said once more, for one zone label and one region label of today's names.
        #[test]
        fn a_node_that_says_where_it_is_must_be_where_the_volume_is(
            volume in (proptest::option::of(proptest::collection::vec(1..4_u8, 1..3)), proptest::option::of(1..3_u8)),
            place in (proptest::option::of(1..4_u8), proptest::option::of(1..3_u8)),
        ) {
            const REGION: &str = "topology.kubernetes.io/region";
            let (mut labels, mut of_node) = (json!({}), json!({}));
            if let Some(zones) = &volume.0 {
                let zones: Vec<String> = zones.iter().map(u8::to_string).collect();
                labels[ZONE] = json!(zones.join("__"));
            }
            volume.1.into_iter().for_each(|region| labels[REGION] = json!(region.to_string()));
            place.0.into_iter().for_each(|zone| of_node[ZONE] = json!(zone.to_string()));
            place.1.into_iter().for_each(|region| of_node[REGION] = json!(region.to_string()));
            let in_zone = volume.0.is_none_or(|zones| place.0.is_some_and(|zone| zones.contains(&zone)));
            let in_region = volume.1.is_none_or(|region| place.1 == Some(region));
            let expected = place == (None, None) || (in_zone && in_region);

            prop_assert_eq!(verdict(&labels, &of_node) == Verdict::Feasible, expected);
        }
    }

    #[test]
    fn a_claim_that_is_bound_to_nothing_leads_nowhere() {
        let claim = stored(&resources::PERSISTENT_VOLUME_CLAIMS, bound(claim("data"), "v"));
        let (cluster, pod) = (cluster_with(vec![claim]), PodInfo::new(pod_using("web", &["data"])));

        let refused = crate::testing::cycle(&pod, &cluster).map(|_| ()).unwrap_err();

        assert_eq!(refused.plugin, "VolumeZone");
        assert_eq!(refused.verdict, Verdict::unresolvable("persistentvolume \"v\" not found"));
    }
}
