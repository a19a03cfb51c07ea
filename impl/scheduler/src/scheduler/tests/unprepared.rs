//! Profiles where plugins are asked about nodes that had no say before.

use super::profiles::configured;
use super::*;

#[test]
fn a_filter_that_was_not_asked_before_fails_every_pod_as_upstream_does() {
    for (plugin, why) in [
        ("NodePorts", "reading \"PreFilterNodePorts\" from cycleState: not found"),
        (
            "NodeResourcesFit",
            "error reading \"PreFilterNodeResourcesFit\" from cycleState: not found",
        ),
        ("VolumeRestrictions", "cannot read \"PreFilterVolumeRestrictions\" from cycleState"),
        ("VolumeBinding", "not found"),
        ("PodTopologySpread", "reading \"PreFilterPodTopologySpread\" from cycleState: not found"),
        (
            "InterPodAffinity",
            "error reading \"PreFilterInterPodAffinity\" from cycleState: not found",
        ),
        ("DynamicResources", "not found"),
    ] {
        let message = format!("running \"{plugin}\" filter plugin: {why}");
        assert_eq!(without("preFilter", plugin), Choice::Failed { message });
    }
    for plugin in ["NodeAffinity", "VolumeZone", "NodeVolumeLimits"] {
        assert!(matches!(without("preFilter", plugin), Choice::Bind { .. }), "{plugin}");
    }
}

#[test]
fn a_score_that_was_not_asked_before_fails_every_pod_as_upstream_does() {
    for (plugin, why) in [
        (
            "TaintToleration",
            "failed to read \"PreScoreTaintToleration\" from cycleState: not found",
        ),
        (
            "PodTopologySpread",
            "error reading \"PreScorePodTopologySpread\" from cycleState: not found",
        ),
        (
            "InterPodAffinity",
            "failed to read \"PreScoreInterPodAffinity\" from cycleState: not found",
        ),
    ] {
        let message = format!("running Score plugins: plugin \"{plugin}\" failed with: {why}");
        assert_eq!(without("preScore", plugin), Choice::Failed { message });
    }
    for plugin in ["NodeAffinity", "NodeResourcesFit", "NodeResourcesBalancedAllocation"] {
        assert!(matches!(without("preScore", plugin), Choice::Bind { .. }), "{plugin}");
    }
}

/// What becomes of the last of three pods alike where a plugin has no say at a point.
fn without(point: &str, plugin: &str) -> Choice {
    let rest = format!("profiles: [{{plugins: {{{point}: {{disabled: [{{name: {plugin}}}]}}}}}}]");
    let mut scheduler = configured(&rest, &[node("a", json!({})), node("b", json!({}))]);
    let pods = ["a", "b", "c"].map(|name| pod(name, cpu("100m")));
    pods.into_iter().for_each(|pod| observe_pod(&mut scheduler, pod));
    let decisions: Vec<Decision> = (0..3).map(|_| schedule(&mut scheduler, 10)).collect();
    decisions[2].outcome.clone()
}
