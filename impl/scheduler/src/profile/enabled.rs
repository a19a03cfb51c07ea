//! Which plugins a profile enables at each point, in which order, and how much their scores count.
//!
//! Source: `NewFramework`, `updatePluginList` and `expandMultiPointPlugins` in framework/runtime/framework.go (v1.36).
//! What is named at a point comes before, and stands in for, what is named for every point.

use std::collections::{BTreeMap, BTreeSet};

use super::registry::find;
use crate::config::{
    KubeSchedulerProfile, NodeResourcesFitArgs, Plugin, PluginArgs, aggregate,
    node_resources_fit_args,
};
use crate::framework::ExtensionPoint;

/// Names of plugins by points.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enabled {
    names: BTreeMap<ExtensionPoint, Vec<&'static str>>,
    weights: BTreeMap<&'static str, i64>,
}

impl Enabled {
    /// What a profile enables; or why upstream makes no scheduler of it.
    pub fn of(profile: &KubeSchedulerProfile) -> Result<Self, String> {
        check_fit_args(profile)?;
        let mut names = BTreeMap::new();
        for point in ExtensionPoint::ALL {
            names.insert(point, named(&profile.plugins.at(point).enabled, point)?);
        }
        for point in ExtensionPoint::ALL {
            let at_point = names.remove(&point).unwrap_or_default();
            names.insert(point, expand(profile, point, at_point)?);
        }
        let weights = weights(profile);
        let enabled = Self { names, weights };
        enabled.check_numbers(profile.name())?;
        Ok(enabled)
    }

    /// Those of a point, in their order.
    pub fn at(&self, point: ExtensionPoint) -> &[&'static str] {
        self.names.get(&point).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a plugin has a say at a point.
    pub fn has(&self, point: ExtensionPoint, plugin: &str) -> bool {
        self.at(point).contains(&plugin)
    }

    /// Whether a plugin has a say at any point.
    pub fn has_anywhere(&self, plugin: &str) -> bool {
        self.names.values().any(|names| names.contains(&plugin))
    }

    /// How much the scores of a plugin count.
    pub fn weight(&self, plugin: &str) -> i64 {
        self.weights.get(plugin).copied().unwrap_or(1)
    }

    fn check_numbers(&self, name: &str) -> Result<(), String> {
        let of = format!("for profile with scheduler name \"{name}\"");
        match self.at(ExtensionPoint::QueueSort).len() {
            1 => {}
            others => {
                return Err(format!("only one queue sort plugin required {of}, but got {others}"));
            }
        }
        if self.at(ExtensionPoint::Bind).is_empty() {
            return Err(format!("at least one bind plugin is needed {of}"));
        }
        if self.at(ExtensionPoint::PlacementGenerate).len() > 1 {
            return Err(format!("at most one placement generate plugin is allowed {of}"));
        }
        Ok(())
    }
}

/// Upstream looks at what this plugin is told when it makes it.
fn check_fit_args(profile: &KubeSchedulerProfile) -> Result<(), String> {
    let plugins = &profile.plugins;
    let sets = ExtensionPoint::ALL.into_iter().map(|point| plugins.at(point));
    let mut needed = sets.chain([&plugins.multi_point]).flat_map(|set| &set.enabled);
    if !needed.any(|plugin| plugin.name == NodeResourcesFitArgs::PLUGIN) {
        return Ok(());
    }
    aggregate(node_resources_fit_args(&profile.args()))
        .map_err(|error| format!("initializing plugin \"NodeResourcesFit\": {error}"))
}

/// The plugins that are named at a point.
fn named(enabled: &[Plugin], point: ExtensionPoint) -> Result<Vec<&'static str>, String> {
    let mut names = vec![];
    for Plugin { name, .. } in enabled {
        let (name, has_say) = find(name, point)
            .ok_or_else(|| format!("{point:?}Plugin \"{name}\" does not exist"))?;
        if !has_say {
            return Err(format!("plugin \"{name}\" does not extend {point:?}Plugin plugin"));
        }
        if names.contains(&name) {
            return Err(format!("plugin \"{name}\" already registered as \"{point:?}Plugin\""));
        }
        names.push(name);
    }
    Ok(names)
}

/// The plugins of a point, with those that are named for every point.
fn expand(
    profile: &KubeSchedulerProfile,
    point: ExtensionPoint,
    at_point: Vec<&'static str>,
) -> Result<Vec<&'static str>, String> {
    let set = profile.plugins.at(point);
    if set.disables("*") {
        return Ok(at_point);
    }
    let (mut everywhere, mut overridden) = (vec![], BTreeSet::new());
    for Plugin { name, .. } in &profile.plugins.multi_point.enabled {
        let (name, has_say) = find(name, point)
            .ok_or_else(|| format!("{point:?}Plugin \"{name}\" does not exist"))?;
        if !has_say || set.disables(name) {
            continue;
        }
        if at_point.contains(&name) {
            overridden.insert(name);
        } else if everywhere.contains(&name) {
            return Err(format!("plugin \"{name}\" already registered as \"{point:?}Plugin\""));
        } else {
            everywhere.push(name);
        }
    }
    let (first, last): (Vec<_>, Vec<_>) =
        at_point.into_iter().partition(|name| overridden.contains(name));
    Ok([first, everywhere, last].concat())
}

fn weights(profile: &KubeSchedulerProfile) -> BTreeMap<&'static str, i64> {
    let mut weights = BTreeMap::new();
    let at_point = &profile.plugins.at(ExtensionPoint::Score).enabled;
    for Plugin { name, weight } in at_point.iter().chain(&profile.plugins.multi_point.enabled) {
        if let Some((name, true)) = find(name, ExtensionPoint::Score) {
            let weight = if *weight == 0 { 1 } else { i64::from(*weight) };
            weights.entry(name).or_insert(weight);
        }
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{API_VERSION, KIND, KubeSchedulerConfiguration};

    fn enabled(plugins: &str) -> Result<Enabled, String> {
        enabled_in(&format!("plugins: {plugins}"))
    }

    fn enabled_in(profile: &str) -> Result<Enabled, String> {
        let text = format!("apiVersion: {API_VERSION}\nkind: {KIND}\nprofiles: [{{{profile}}}]");
        let read = KubeSchedulerConfiguration::read(text.as_bytes()).unwrap();
        Enabled::of(&read.profiles[0])
    }

    #[test]
    fn the_default_plugins_stand_in_their_order() {
        let enabled = enabled("{}").unwrap();

        let scores = enabled.at(ExtensionPoint::Score);
        let weighed: Vec<_> = scores.iter().map(|name| (*name, enabled.weight(name))).collect();
        assert_eq!(
            weighed,
            [
                ("TaintToleration", 3),
                ("NodeAffinity", 2),
                ("NodeResourcesFit", 1),
                ("VolumeBinding", 1),
                ("PodTopologySpread", 2),
                ("InterPodAffinity", 2),
                ("DynamicResources", 2),
                ("NodeResourcesBalancedAllocation", 1),
                ("ImageLocality", 1),
            ]
        );
        assert_eq!(enabled.at(ExtensionPoint::Filter).first(), Some(&"NodeUnschedulable"));
    }

    /// Source: TestNewFrameworkMultiPointExpansion in framework/runtime/framework_test.go (v1.36).
    #[test]
    fn what_is_named_at_a_point_comes_first_and_stands_for_what_is_named_for_all() {
        let table = [
            ("{score: {disabled: [{name: '*'}]}}", vec![]),
            (
                "{multiPoint: {disabled: [{name: '*'}], enabled: [{name: PrioritySort}, \
                 {name: DefaultBinder}, {name: NodeAffinity, weight: 5}, {name: ImageLocality}]}, \
                 score: {enabled: [{name: TaintToleration}, {name: ImageLocality, weight: 7}]}}",
                vec![("ImageLocality", 7), ("NodeAffinity", 5), ("TaintToleration", 1)],
            ),
            (
                "{score: {disabled: [{name: '*'}], enabled: [{name: NodeAffinity, weight: 4}]}}",
                vec![("NodeAffinity", 4)],
            ),
        ];

        for (plugins, expected) in table {
            let enabled = enabled(plugins).unwrap();
            let scores = enabled.at(ExtensionPoint::Score);
            let found: Vec<_> = scores.iter().map(|name| (*name, enabled.weight(name))).collect();
            assert_eq!(found, expected, "{plugins}");
        }
    }

    #[test]
    fn what_upstream_makes_no_scheduler_of_is_refused_in_its_words() {
        for (plugins, expected) in [
            ("{filter: {enabled: [{name: Foo}]}}", "FilterPlugin \"Foo\" does not exist"),
            ("{multiPoint: {enabled: [{name: Foo}]}}", "PreFilterPlugin \"Foo\" does not exist"),
            (
                "{filter: {enabled: [{name: ImageLocality}]}}",
                "plugin \"ImageLocality\" does not extend FilterPlugin plugin",
            ),
            (
                "{filter: {enabled: [{name: NodeName}, {name: NodeName}]}}",
                "plugin \"NodeName\" already registered as \"FilterPlugin\"",
            ),
            (
                "{queueSort: {disabled: [{name: PrioritySort}]}}",
                "only one queue sort plugin required for profile with scheduler name \
                 \"default-scheduler\", but got 0",
            ),
            (
                "{bind: {disabled: [{name: '*'}]}}",
                "at least one bind plugin is needed for profile with scheduler name \
                 \"default-scheduler\"",
            ),
        ] {
            assert_eq!(enabled(plugins).unwrap_err(), expected, "{plugins}");
        }
    }

    /// Source: TestMostAllocatedScoringStrategy, TestNodeResourcesFitArgs (v1.36).
    #[test]
    fn what_fit_is_told_is_looked_at_when_it_is_made() {
        let strategy = |strategy: &str| {
            let args = format!("{{scoringStrategy: {strategy}}}");
            let config = format!("pluginConfig: [{{name: NodeResourcesFit, args: {args}}}]");
            enabled_in(&config).unwrap_err()
        };
        let of = "initializing plugin \"NodeResourcesFit\": scoringStrategy";

        assert_eq!(
            strategy("{type: MostAllocated, resources: [{name: memory, weight: 101}]}"),
            format!(
                "{of}.resources[0].weight: Invalid value: 101: resource weight of memory not in \
                 valid range (0, 100]"
            )
        );
        assert_eq!(
            strategy("{type: Foo}"),
            format!(
                "{of}.type: Unsupported value: \"Foo\": supported values: \"LeastAllocated\", \
                 \"MostAllocated\", \"RequestedToCapacityRatio\""
            )
        );
        assert_eq!(
            strategy("{type: RequestedToCapacityRatio}"),
            format!(
                "{of}.requestedToCapacityRatio: Required value: must be specified when type is \
                 RequestedToCapacityRatio"
            )
        );
        assert_eq!(
            strategy(
                "{type: RequestedToCapacityRatio, requestedToCapacityRatio: {shape: \
                 [{utilization: 50, score: 11}, {utilization: 50, score: 1}]}}"
            ),
            "initializing plugin \"NodeResourcesFit\": \
             [scoringStrategy.requestedToCapacityRatio.shape[1].utilization: Invalid value: 50: \
             values must be sorted in increasing order, \
             scoringStrategy.requestedToCapacityRatio.shape[0].score: Invalid value: 11: not in \
             valid range [0, 10]]"
        );
    }
}
