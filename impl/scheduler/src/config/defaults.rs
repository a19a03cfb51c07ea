//! What a configuration says by saying nothing.
//!
//! Source: apis/config/v1/defaults.go and default_plugins.go (v1.36).

use std::collections::BTreeSet;

use super::{
    DEFAULT_SCHEDULER, Duration, KubeSchedulerConfiguration, KubeSchedulerProfile,
    LeaderElectionConfiguration, Plugin, PluginSet,
};

/// The plugins of every profile, in this order; 0 for those that do not score, or count once.
const DEFAULT_PLUGINS: [(&str, i32); 20] = [
    ("SchedulingGates", 0),
    ("PrioritySort", 0),
    ("NodeUnschedulable", 0),
    ("NodeName", 0),
    ("TaintToleration", 3),
    ("NodeAffinity", 2),
    ("NodePorts", 0),
    ("NodeResourcesFit", 1),
    ("VolumeRestrictions", 0),
    ("NodeVolumeLimits", 0),
    ("VolumeBinding", 0),
    ("VolumeZone", 0),
    ("PodTopologySpread", 2),
    ("InterPodAffinity", 2),
    ("DynamicResources", 2),
    ("DefaultPreemption", 0),
    ("NodeResourcesBalancedAllocation", 1),
    ("ImageLocality", 1),
    ("DefaultBinder", 0),
    ("NodeDeclaredFeatures", 0),
];

impl KubeSchedulerConfiguration {
    /// Puts in what is left out.
    pub(super) fn set_defaults(&mut self) {
        if self.profiles.is_empty() {
            self.profiles.push(KubeSchedulerProfile::default());
        }
        if let [only] = &mut *self.profiles {
            only.scheduler_name.get_or_insert_with(|| DEFAULT_SCHEDULER.to_owned());
        }
        for profile in &mut self.profiles {
            let multi_point = std::mem::take(&mut profile.plugins.multi_point);
            profile.plugins.multi_point = merged(multi_point);
        }
        self.leader_election.set_defaults();
        let connection = &mut self.client_connection;
        set(&mut connection.content_type, "application/vnd.kubernetes.protobuf");
        if connection.qps == 0.0 {
            connection.qps = 50.0;
        }
        if connection.burst == 0 {
            connection.burst = 100;
        }
    }
}

impl LeaderElectionConfiguration {
    fn set_defaults(&mut self) {
        set(&mut self.resource_lock, "leases");
        set(&mut self.resource_namespace, "kube-system");
        set(&mut self.resource_name, "kube-scheduler");
        for (duration, seconds) in [
            (&mut self.lease_duration, 15),
            (&mut self.renew_deadline, 10),
            (&mut self.retry_period, 2),
        ] {
            if duration.is_zero() {
                *duration = Duration::seconds(seconds);
            }
        }
    }
}

fn set(text: &mut String, default: &str) {
    if text.is_empty() {
        default.clone_into(text);
    }
}

/// The default plugins without those that are disabled, in their order with what is said of them, then the others.
fn merged(given: PluginSet) -> PluginSet {
    let mut enabled = vec![];
    let mut replacing = BTreeSet::new();
    let defaults = DEFAULT_PLUGINS.iter().filter(|(name, _)| !given.disables(name));
    for (name, weight) in defaults.filter(|_| !given.disables("*")) {
        let found = given.enabled.iter().rposition(|plugin| plugin.name == *name);
        replacing.extend(found);
        let default = || Plugin { name: (*name).to_owned(), weight: *weight };
        enabled.push(found.map_or_else(default, |index| given.enabled[index].clone()));
    }
    let others = given.enabled.into_iter().enumerate();
    enabled
        .extend(others.filter(|(index, _)| !replacing.contains(index)).map(|(_, plugin)| plugin));
    PluginSet { enabled, disabled: given.disabled }
}
