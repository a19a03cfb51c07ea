//! The rules that arguments of plugins must keep.
//!
//! Source: apis/config/validation/validation_pluginargs.go (v1.36).

use std::collections::BTreeSet;

use api::names;
use api::status::Cause;
use k8s_openapi::api::core::v1::TopologySpreadConstraint;
use serde_json::json;

use super::{Errors, node_affinity};
use crate::config::{
    DefaultPreemptionArgs, Duration, DynamicResourcesArgs, InterPodAffinityArgs,
    KubeSchedulerProfile, NodeAffinityArgs, NodeResourcesBalancedAllocationArgs,
    NodeResourcesFitArgs, PluginArgs, PodTopologySpreadArgs, ResourceSpec, ScoringStrategy,
    UtilizationShapePoint, VolumeBindingArgs,
};

const RATIO: &str = "RequestedToCapacityRatio";
const STRATEGIES: [&str; 3] = ["LeastAllocated", "MostAllocated", RATIO];

/// What is wrong with what a plugin is told. Those of NodeResourcesFit upstream looks at when it makes the plugin.
pub(super) fn of(profile: &KubeSchedulerProfile, plugin: &str, path: &str) -> Errors {
    match plugin {
        DefaultPreemptionArgs::PLUGIN => default_preemption(path, profile.args()),
        DynamicResourcesArgs::PLUGIN => dynamic_resources(path, profile.args()),
        InterPodAffinityArgs::PLUGIN => inter_pod_affinity(path, profile.args()),
        NodeAffinityArgs::PLUGIN => node_affinity::added(path, &profile.args()),
        NodeResourcesBalancedAllocationArgs::PLUGIN => balanced_allocation(path, &profile.args()),
        PodTopologySpreadArgs::PLUGIN => pod_topology_spread(path, &profile.args()),
        VolumeBindingArgs::PLUGIN => volume_binding(path, &profile.args()),
        _ => vec![],
    }
}

fn default_preemption(path: &str, args: DefaultPreemptionArgs) -> Errors {
    let (percentage, absolute) =
        (args.min_candidate_nodes_percentage, args.min_candidate_nodes_absolute);
    let (percentage_path, absolute_path) = (
        format!("{path}.minCandidateNodesPercentage"),
        format!("{path}.minCandidateNodesAbsolute"),
    );
    let mut errors = vec![];
    let mut broken = |path: &str, value: i32, rule: &str| {
        errors.push(Cause::invalid(path, &json!(value), rule));
    };
    if !(0..=100).contains(&percentage) {
        broken(&percentage_path, percentage, "not in valid range [0, 100]");
    }
    if absolute < 0 {
        broken(&absolute_path, absolute, "not in valid range [0, inf)");
    }
    if percentage == 0 && absolute == 0 {
        let same_time = "cannot be zero at the same time as";
        broken(&percentage_path, 0, &format!("{same_time} minCandidateNodesAbsolute"));
        broken(&absolute_path, 0, &format!("{same_time} minCandidateNodesPercentage"));
    }
    errors
}

fn dynamic_resources(path: &str, args: DynamicResourcesArgs) -> Errors {
    let mut errors = vec![];
    if let Some(timeout) = args.filter_timeout.filter(|timeout| *timeout < Duration::default()) {
        let field = format!("{path}.filterTimeout");
        errors.push(Cause::invalid(field, &json!(timeout), "must be zero or positive"));
    }
    if let Some(timeout) = args.binding_timeout.filter(|timeout| *timeout < Duration::seconds(1)) {
        let field = format!("{path}.bindingTimeout");
        errors.push(Cause::invalid(field, &json!(timeout), "must be at least 1 second"));
    }
    errors
}

fn inter_pod_affinity(path: &str, args: InterPodAffinityArgs) -> Errors {
    let weight = args.hard_pod_affinity_weight;
    let broken = || {
        let field = format!("{path}.hardPodAffinityWeight");
        Cause::invalid(field, &json!(weight), "not in valid range [0, 100]")
    };
    (!(0..=100).contains(&weight)).then(broken).into_iter().collect()
}

fn balanced_allocation(path: &str, args: &NodeResourcesBalancedAllocationArgs) -> Errors {
    let mut errors = vec![];
    let mut seen = BTreeSet::new();
    for (index, ResourceSpec { name, weight }) in args.resources.iter().enumerate() {
        let path = format!("{path}.resources[{index}]");
        if !seen.insert(name) {
            errors.push(Cause::duplicate(format!("{path}.name"), &json!(name)));
        }
        if *weight != 1 {
            errors.push(Cause::invalid(format!("{path}.weight"), &json!(weight), "must be 1"));
        }
    }
    errors
}

fn volume_binding(path: &str, args: &VolumeBindingArgs) -> Errors {
    let mut errors = vec![];
    if args.bind_timeout_seconds < 0 {
        let rule = "invalid BindTimeoutSeconds, should not be a negative value";
        let field = format!("{path}.bindTimeoutSeconds");
        errors.push(Cause::invalid(field, &json!(args.bind_timeout_seconds), rule));
    }
    if let Some(shape) = &args.shape {
        let rule = "unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring";
        let printed = shape.iter().map(printed_point).collect();
        errors.push(Cause::invalid(format!("{path}.shape"), &printed, rule));
    }
    errors
}

/// A point as Go's internal type is printed.
fn printed_point(point: &UtilizationShapePoint) -> serde_json::Value {
    json!({"Utilization": point.utilization, "Score": point.score})
}

fn pod_topology_spread(path: &str, args: &PodTopologySpreadArgs) -> Errors {
    let mut errors = vec![];
    let of_type = format!("{path}.defaultingType");
    match (args.defaulting_type.as_str(), &*args.default_constraints) {
        ("System", []) | ("List", _) => {}
        ("System", _) => {
            let rule = "when .defaultConstraints are not empty";
            errors.push(Cause::invalid(of_type, &json!("System"), rule));
        }
        (other, _) => {
            errors.push(Cause::not_supported(of_type, &json!(other), &["System", "List"]));
        }
    }
    for index in 0..args.default_constraints.len() {
        let path = format!("{path}.defaultConstraints[{index}]");
        errors.extend(default_constraint(&path, &args.default_constraints[..=index]));
    }
    errors
}

/// What is wrong with the last of some constraints.
fn default_constraint(path: &str, constraints: &[TopologySpreadConstraint]) -> Errors {
    let Some((constraint, before)) = constraints.split_last() else { return vec![] };
    let mut errors = vec![];
    if constraint.max_skew <= 0 {
        let field = format!("{path}.maxSkew");
        errors.push(Cause::invalid(
            field,
            &json!(constraint.max_skew),
            "not in valid range (0, inf)",
        ));
    }
    let (key, field) = (constraint.topology_key.as_str(), format!("{path}.topologyKey"));
    match key {
        "" => errors.push(Cause::required(field, "can not be empty")),
        key => errors.extend(label_name(&field, key)),
    }
    let (action, field) =
        (constraint.when_unsatisfiable.as_str(), format!("{path}.whenUnsatisfiable"));
    match action {
        "" => errors.push(Cause::required(field, "can not be empty")),
        "DoNotSchedule" | "ScheduleAnyway" => {}
        other => {
            let known = ["DoNotSchedule", "ScheduleAnyway"];
            errors.push(Cause::not_supported(field, &json!(other), &known));
        }
    }
    if constraint.label_selector.is_some() {
        let rule = "constraint must not define a selector, as they deduced for each pod";
        errors.push(Cause::forbidden(format!("{path}.labelSelector"), rule));
    }
    let is_same = |other: &TopologySpreadConstraint| {
        other.topology_key == key && other.when_unsatisfiable == action
    };
    if before.iter().any(is_same) {
        errors.push(Cause::duplicate(path, &json!(format!("{{{key}, {action}}}"))));
    }
    errors
}

fn label_name(path: &str, name: &str) -> Errors {
    let rules = names::label_key(name).into_iter();
    rules.map(|rule| Cause::invalid(path, &json!(name), &rule)).collect()
}

/// What is wrong with what NodeResourcesFit is told.
pub(crate) fn node_resources_fit_args(args: &NodeResourcesFitArgs) -> Errors {
    let mut errors = vec![];
    for (index, resource) in args.ignored_resources.iter().enumerate() {
        errors.extend(label_name(&format!("ignoredResources[{index}]"), resource));
    }
    for (index, group) in args.ignored_resource_groups.iter().enumerate() {
        let path = format!("ignoredResourceGroups[{index}]");
        if group.contains('/') {
            let rule = "resource group name can't contain '/'";
            errors.push(Cause::invalid(&path, &json!(group), rule));
        }
        errors.extend(label_name(&path, group));
    }
    errors.extend(args.scoring_strategy.as_ref().map(scoring_strategy).unwrap_or_default());
    errors
}

fn scoring_strategy(strategy: &ScoringStrategy) -> Errors {
    let mut errors = vec![];
    let kind = strategy.r#type.as_str();
    if !STRATEGIES.contains(&kind) {
        errors.push(Cause::not_supported("scoringStrategy.type", &json!(kind), &STRATEGIES));
    }
    for (index, ResourceSpec { name, weight }) in strategy.resources.iter().enumerate() {
        if !(1..=100).contains(weight) {
            let rule = format!("resource weight of {name} not in valid range (0, 100]");
            let field = format!("scoringStrategy.resources[{index}].weight");
            errors.push(Cause::invalid(field, &json!(weight), &rule));
        }
    }
    let path = "scoringStrategy.requestedToCapacityRatio";
    match (kind == RATIO, &strategy.requested_to_capacity_ratio) {
        (true, Some(ratio)) => {
            errors.extend(function_shape(&format!("{path}.shape"), &ratio.shape))
        }
        (true, None) => {
            let rule = "must be specified when type is RequestedToCapacityRatio";
            errors.push(Cause::required(path, rule));
        }
        (false, Some(_)) => {
            let rule = "must be nil when type is not RequestedToCapacityRatio";
            errors.push(Cause::forbidden(path, rule));
        }
        (false, None) => {}
    }
    errors
}

fn function_shape(path: &str, shape: &[UtilizationShapePoint]) -> Errors {
    if shape.is_empty() {
        return vec![Cause::required(path, "at least one point must be specified")];
    }
    let mut errors = vec![];
    let is_late = |pair: &[UtilizationShapePoint]| pair[0].utilization >= pair[1].utilization;
    if let Some(index) = shape.windows(2).position(is_late) {
        let (index, rule) = (index + 1, "values must be sorted in increasing order");
        let field = format!("{path}[{index}].utilization");
        errors.push(Cause::invalid(field, &json!(shape[index].utilization), rule));
    }
    for (index, point) in shape.iter().enumerate() {
        for (field, value, max) in
            [("utilization", point.utilization, 100), ("score", point.score, 10)]
        {
            if !(0..=max).contains(&value) {
                let rule = format!("not in valid range [0, {max}]");
                let field = format!("{path}[{index}].{field}");
                errors.push(Cause::invalid(field, &json!(value), &rule));
            }
        }
    }
    errors
}
